"""What meets in one range, portion by portion."""

import numpy as np
import pytest

from transforms.match.blocks import EMPTY, pack
from transforms.match.keys import FACTOR, LOW_BITS, mixed
from transforms.match.portions import portions

OWNER_BITS, KEY_BITS, RANGE_BITS = 20, 21, 3


def sent(seed=1, rows=4_000):
    """Entries of one range, as three owners send them, and blocks of them in another order."""
    draw = np.random.default_rng(seed)
    hashes = draw.integers(0, 1 << 64, rows, dtype=np.uint64)
    hashes = hashes[mixed(hashes >> np.uint64(64 - KEY_BITS), RANGE_BITS) == 5]
    hashes[100:200] = hashes[0]  # one key that many have
    entries = np.column_stack(
        [hashes, draw.integers(0, 1 << 64, len(hashes), dtype=np.uint64) & ~LOW_BITS | np.arange(len(hashes), dtype=np.uint64)]
    )
    parts = np.array_split(entries, [90, 250])
    return parts, [EMPTY, *(pack(owner, part) for owner, part in reversed(list(enumerate(parts))))]


def whole(parts):
    """Hash, word and dense row of every entry."""
    rows = [entries[:, 1] & LOW_BITS | np.uint64(owner << OWNER_BITS) for owner, entries in enumerate(parts)]
    return np.column_stack([np.concatenate(parts), np.concatenate(rows)])


@pytest.mark.parametrize("portion_bytes", [1 << 20, 1_000, 16])
def test_every_entry_is_in_one_portion_with_all_of_its_key_in_the_order_of_owners(portion_bytes):
    parts, blocks = sent()
    expected = whole(parts)
    found = [np.column_stack(some) for some in portions(blocks, OWNER_BITS, KEY_BITS, RANGE_BITS, portion_bytes)]
    assert (len(found) == 1) == (portion_bytes == 1 << 20)
    keys = [set((some[:, 0] >> np.uint64(64 - KEY_BITS)).tolist()) for some in found]
    assert sum(map(len, keys)) == len(set().union(*keys))
    bits = int(np.ceil(np.log2(len(expected) * 16 / portion_bytes))) if portion_bytes < 1 << 20 else 0
    place = (expected[:, 0] >> np.uint64(64 - KEY_BITS)) * FACTOR >> np.uint64(64 - RANGE_BITS - bits)
    np.testing.assert_array_equal(np.concatenate(found), expected[np.argsort(place, kind="stable")])


def test_where_nothing_meets_there_is_no_portion():
    assert list(portions([EMPTY], OWNER_BITS, KEY_BITS, RANGE_BITS, 1_000)) == []
