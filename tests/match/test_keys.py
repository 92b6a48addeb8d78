"""Every pair within Hamming distance 4 shares a key."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.match import keys


def test_four_spoiled_blocks_always_leave_a_line_whole():
    for spoiled in itertools.combinations(range(9), 4):
        assert any(not set(line) & set(spoiled) for line in keys.LINES), spoiled


def test_no_set_of_keys_smaller_than_twelve_would_do():
    for left_out in range(keys.PICTURE_KEYS):
        rest = [line for i, line in enumerate(keys.LINES) if i != left_out]
        assert any(all(set(line) & set(spoiled) for line in rest) for spoiled in itertools.combinations(range(9), 4))


@settings(deadline=None)
@given(st.integers(0, 2**64 - 1), st.sets(st.integers(0, 63), max_size=4))
def test_hashes_within_four_bits_share_a_key(value, flipped):
    other = value ^ sum(1 << bit for bit in flipped)
    pair = np.array([value, other], np.uint64)
    shared = [key for key in range(12) if np.ptp(keys.permuted(pair, key) >> np.uint64(64 - keys.KEY_BITS[key])) == 0]
    assert shared
    assert shared == [key for key in range(12) if not int(keys.MASKS[key]) & (value ^ other)]


def test_permuting_equals_plain_python_and_keeps_distances():
    hashes = np.random.default_rng(1).integers(0, 1 << 64, 50, dtype=np.uint64)
    for key in range(keys.PICTURE_KEYS):
        permuted = keys.permuted(hashes, key)
        for value, found in zip(hashes.tolist(), permuted.tolist(), strict=True):
            assert found == int("".join(str(value >> bit & 1) for bit in keys.ORDERS[key].tolist()), 2)
        np.testing.assert_array_equal(keys.original(permuted, key), hashes)
        assert int(permuted[0] ^ permuted[1]).bit_count() == int(hashes[0] ^ hashes[1]).bit_count()


def test_a_hash_that_a_picture_has_twice_travels_once_and_unmirrored():
    hashes = np.array([[7, 7, 7, 9], [1, 2, 1, 2]], np.uint64)
    found, words = keys.picture_entries(hashes, np.array([1 << 63, 5 << 40], np.uint64), np.array([3, 4]))
    assert sorted(zip(found.tolist(), (words & keys.LOW_BITS).tolist(), (words >> np.uint64(63)).tolist(), strict=True)) == [
        (1, 4, 0), (2, 4, 1), (7, 3, 0), (9, 3, 1),
    ]  # fmt: skip


def test_ranges_cover_all_and_depend_on_the_key_alone():
    hashes = np.random.default_rng(2).integers(0, 1 << 64, 2_000, dtype=np.uint64)
    for key in (0, 11):
        permuted = keys.permuted(hashes, key)
        ranges = keys.ranges_of_pictures(permuted, key, 3)
        assert set(ranges.tolist()) == set(range(8))
        np.testing.assert_array_equal(ranges, keys.ranges_of_pictures(permuted | np.uint64(7), key, 3))
    assert set(keys.ranges_of_captions(hashes, 3).tolist()) == set(range(8))
