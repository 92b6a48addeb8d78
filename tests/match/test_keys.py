"""What travels to where rows of one key meet."""

import numpy as np

from transforms.match import keys
from transforms.match.planes import plane


def test_a_hash_that_a_picture_has_twice_travels_once_and_unmirrored():
    hashes = np.array([[7, 7, 7, 9], [1, 2, 1, 2]], np.uint64)
    words = keys.picture_words(np.array([1 << 63, 5 << 40], np.uint64), np.array([3, 4]))
    [(_, entries)] = keys.picture_entries(np.column_stack([words, hashes]), plane(2, 3), 5, np.ones(1, bool))
    found, words = plane(2, 3).original(entries[:, 0], 5), entries[:, 1]
    assert sorted(zip(found.tolist(), (words & keys.LOW_BITS).tolist(), (words >> np.uint64(63)).tolist(), strict=True)) == [
        (1, 4, 0), (2, 4, 1), (7, 3, 0), (9, 3, 1),
    ]  # fmt: skip


def test_ranges_cover_all_and_depend_on_the_key_alone():
    hashes = np.random.default_rng(2).integers(0, 1 << 64, 2_000, dtype=np.uint64)
    pictures = np.column_stack([np.arange(2_000, dtype=np.uint64), hashes])
    everything, some = np.ones(8, bool), np.arange(8) % 3 == 1
    for key in (0, 11):
        shift = np.uint64(64 - plane(2, 3).bits[key])
        found = dict(keys.picture_entries(pictures, plane(2, 3), key, everything))
        assert set(found) == set(range(8))
        assert sorted(np.concatenate([entries[:, 1] for entries in found.values()]).tolist()) == list(range(2_000))
        for part, entries in found.items():
            permuted, words = entries.T
            np.testing.assert_array_equal(permuted, plane(2, 3).permuted(hashes[words.astype(np.int64)], key))
            np.testing.assert_array_equal(keys.mixed(permuted >> shift, 3), part)
        asked = dict(keys.picture_entries(pictures, plane(2, 3), key, some))
        assert {part: entries.tolist() for part, entries in asked.items()} == {part: found[part].tolist() for part in (1, 4, 7)}
    assert set(keys.ranges_of_captions(hashes, 3).tolist()) == set(range(8))
