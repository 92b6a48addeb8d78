"""Where cells lie in another picture, and how light they are there, as numpy has it of all points at once."""

import numpy as np
import pytest

from tests.images.test_hues import SAME
from transforms.images.cells import AROUND, WITHIN, levels
from transforms.images.facing import Facing

MIDDLES = np.concatenate([(np.indices((8, 8)).reshape(2, -1) + 0.5) / 8, np.ones((1, 64))])
POINTS = np.concatenate([(np.indices((24, 24)).reshape(2, -1) + 0.5) / 24, np.ones((1, 24 * 24))])
PAIRS = 40


@pytest.fixture(scope="module")
def facing() -> Facing:
    """Pairs of a few pictures at all kinds of maps: as they are, mirrored, turned, cropped, beside each other."""
    draw = np.random.default_rng(3)
    pictures = draw.integers(0, 256, (6, 48 * 48), np.uint8)
    maps = SAME + draw.normal(0, 0.3, (PAIRS, 2, 3)) * np.array([0.3, 0.3, 1.0])
    maps[0], maps[1] = SAME[0], [[1, 0, 0], [0, -1, 1]]
    maps[2, :, 2] += 5
    return Facing.of(pictures, draw.integers(0, 6, PAIRS), draw.integers(0, 6, PAIRS), maps)


def test_cells_lie_where_maps_lead(facing):
    at = facing.to @ MIDDLES * 8
    np.testing.assert_array_equal(facing.inside, ((at >= 0) & (at < 8)).all(axis=1))
    assert facing.inside[0].all()
    assert not facing.inside[2].any()
    for by in (np.zeros((1, 2)), AROUND, WITHIN):
        down, along = np.floor(at + by[:, None, :, None]).clip(0, 7).astype(int).transpose(2, 0, 1, 3)
        np.testing.assert_array_equal(facing.beside(by), down * 8 + along)
    np.testing.assert_array_equal(facing.there, facing.beside(np.zeros((1, 2)))[0])


def test_levels_are_sums_over_cells(facing):
    sums = facing.pictures.reshape(-1, 8, 6, 8, 6).sum(axis=(2, 4)).reshape(-1, 64)
    np.testing.assert_array_equal(levels(facing.pictures, np.arange(6)), sums)
    np.testing.assert_array_equal(facing.levels(), sums[facing.still])
    np.testing.assert_array_equal(facing.others_levels(), sums[facing.moved])


def test_seen_levels_are_those_of_the_nearest_pixels_of_the_other_at_half_the_size(facing):
    halves = facing.pictures.reshape(-1, 24, 2, 24, 2).sum(axis=(2, 4), dtype=int) + 2 >> 2
    down, along = np.floor(facing.to @ POINTS * 24).clip(0, 23).astype(int).swapaxes(0, 1)
    seen = halves[facing.moved[:, None], down, along].reshape(-1, 8, 3, 8, 3).sum(axis=(2, 4)).reshape(-1, 64)
    np.testing.assert_array_equal(facing.seen_levels(), 4 * seen)


def test_some_pairs_alone_are_those_pairs(facing):
    for which in (np.array([7, 3]), np.arange(PAIRS) % 3 == 1):
        some = facing.take(which)
        np.testing.assert_array_equal(some.seen_levels(), facing.seen_levels()[which])
        np.testing.assert_array_equal(some.beside(AROUND), facing.beside(AROUND)[:, which])
