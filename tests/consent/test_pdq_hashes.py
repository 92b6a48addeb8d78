"""Every listed PDQ hash within its radius is found, and none beyond: against comparing all with all."""

import numpy as np

from transforms.consent.pdq_hashes import PdqHashes


def flipped(words: np.ndarray, bits: int, draw: np.random.Generator) -> np.ndarray:
    """A hash, uint8[32], with some bits turned."""
    mask = np.zeros(256, np.uint8)
    mask[draw.choice(256, bits, replace=False)] = 1
    return words ^ np.packbits(mask)


def test_what_is_found_is_what_a_comparison_of_all_with_all_finds() -> None:
    draw = np.random.default_rng(1)
    listed = draw.integers(0, 256, (500, 32), np.uint8)
    listed[400:] = [flipped(listed[row % 40], 6, draw) for row in range(100)]  # some lie close together
    radii = draw.choice([0, 4, 20, 31], 500)
    asked = np.array([flipped(listed[row % 500], bits, draw) for row, bits in enumerate(draw.integers(0, 40, 700))])
    distances = np.unpackbits(asked[:, None] ^ listed[None], axis=2).sum(axis=2)
    within = distances <= radii
    expected = np.where(within.any(axis=1), within.argmax(axis=1) + 10, -1)
    assert PdqHashes(listed.tobytes(), radii, np.arange(500) + 10).find(asked.tobytes()).tolist() == expected.tolist()
    assert 0 < (expected < 0).sum() < len(expected)
