"""The look-up without an index counts what numpy counts."""

import numpy as np

from transforms.match.scan import FAR, nearest


def by_numpy(hashes: np.ndarray, asked: list[np.ndarray]) -> list[int]:
    """One comparison at a time, over uint64[n, columns]."""
    return [
        min([FAR, *(int(word ^ other).bit_count() for word, words in zip(row, asked, strict=True) if word for other in words.tolist())])
        for row in hashes.tolist()
    ]


def test_the_nearest_hash_of_every_row_is_found_whatever_is_absent_and_however_many_rows_there_are():
    rng = np.random.default_rng(3)
    asked = [rng.integers(0, 2**63, many, dtype=np.uint64) for many in (8, 0, 3)]
    for rows in (1, 63, 64, 130):
        hashes = rng.integers(0, 2**63, (rows, 3), dtype=np.uint64)
        hashes[rng.random((rows, 3)) < 0.3] = 0
        hashes[0, 2] = asked[2][1] ^ np.uint64(0b1011)
        found = nearest(hashes.astype("<u8").view(np.uint8), asked)
        assert found.tolist() == by_numpy(hashes, asked)
        assert found[0] == 3


def test_rows_without_hashes_and_a_picture_without_hashes_are_far():
    zeros = np.broadcast_to(np.uint8(0), (5, 16))
    assert nearest(zeros, [np.array([1], np.uint64), np.array([3], np.uint64)]).tolist() == [FAR] * 5
    assert nearest(np.ones((5, 16), np.uint8), [np.empty(0, np.uint64)] * 2).tolist() == [FAR] * 5
    assert nearest(np.ones((0, 16), np.uint8), [np.array([1], np.uint64)] * 2).tolist() == []
