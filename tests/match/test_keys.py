"""What travels to where rows of one key meet."""

import numpy as np

from transforms.match import keys
from transforms.match.planes import plane


def test_a_hash_that_a_picture_has_twice_travels_once_and_unmirrored():
    hashes = np.array([[7, 7, 7, 9], [1, 2, 1, 2]], np.uint64)
    found, words = keys.picture_entries(hashes, np.array([1 << 63, 5 << 40], np.uint64), np.array([3, 4]))
    assert sorted(zip(found.tolist(), (words & keys.LOW_BITS).tolist(), (words >> np.uint64(63)).tolist(), strict=True)) == [
        (1, 4, 0), (2, 4, 1), (7, 3, 0), (9, 3, 1),
    ]  # fmt: skip


def test_ranges_cover_all_and_depend_on_the_key_alone():
    hashes = np.random.default_rng(2).integers(0, 1 << 64, 2_000, dtype=np.uint64)
    for key in (0, 11):
        permuted, bits = plane(2, 3).permuted(hashes, key), int(plane(2, 3).bits[key])
        ranges = keys.ranges_of_pictures(permuted, bits, 3)
        assert set(ranges.tolist()) == set(range(8))
        np.testing.assert_array_equal(ranges, keys.ranges_of_pictures(permuted | np.uint64(7), bits, 3))
    assert set(keys.ranges_of_captions(hashes, 3).tolist()) == set(range(8))
