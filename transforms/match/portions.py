"""What meets in one range of a key, cut once more into portions that a core's cache holds.

Every owner sends to every range, at a cost of 0.1 ms each time and of a stream that its processor cannot foresee: so ranges are few. What
a cache holds is sorted and looked at in three quarters of the time that more takes: so portions are small. A bucket lies whole in one.
"""

import math
from collections.abc import Iterable, Iterator

import numpy as np

from transforms.compiled import compiled
from transforms.match.blocks import in_order, unpack
from transforms.match.keys import FACTOR, LOW_BITS
from transforms.match.planes import HASH_BITS

PORTION_BYTES = 4 << 20


def portions(
    blocks: Iterable[bytes], owner_bits: int, key_bits: int, range_bits: int, portion_bytes: int = PORTION_BYTES
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Blocks of `entries` from owners -> hashes, words and dense rows, uint64[n] each, a portion after the other.

    Args:
      blocks: of `keys.picture_entries` or `view_keys.entries`, uint64[n, 2], in whatever order.
      owner_bits: an owner has 2^owner_bits rows.
      key_bits: of a hash, from the top.
      range_bits: by which ranges are told apart.
      portion_bytes: what the entries of a portion take at most, about.
    """
    parts = [(owner << owner_bits, array.reshape(-1, 2)) for owner, (array,) in (unpack(block, [np.uint64]) for block in in_order(blocks))]
    rows = sum(len(entries) for _, entries in parts)
    octets = sum(entries.nbytes for _, entries in parts)
    bits = max(0, math.ceil(math.log2(max(1, octets / portion_bytes))))
    shifts = np.array([HASH_BITS - key_bits, min(HASH_BITS - range_bits - bits, HASH_BITS - 1)], np.uint64)
    counts, out = np.zeros(1 << bits, np.int64), np.empty((3, rows), np.uint64)
    for _, entries in parts:
        _count(entries, shifts, counts)
    ends = np.cumsum(counts)
    at = ends - counts
    for first, entries in parts:
        _place(entries, np.uint64(first), shifts, at, out)
    for part in np.flatnonzero(counts).tolist():
        hashes, words, found = out[:, ends[part] - counts[part] : ends[part]]
        yield hashes, words, found


@compiled
def _count(entries, shifts, counts):  # type: ignore[no-untyped-def]
    mask = np.uint64(len(counts) - 1)
    for i in range(len(entries)):
        counts[np.int64((entries[i, 0] >> shifts[0]) * FACTOR >> shifts[1] & mask)] += 1


@compiled
def _place(entries, first, shifts, at, out):  # type: ignore[no-untyped-def]
    mask = np.uint64(len(at) - 1)
    for i in range(len(entries)):
        hash_, word = entries[i, 0], entries[i, 1]
        part = np.int64((hash_ >> shifts[0]) * FACTOR >> shifts[1] & mask)
        k = at[part]
        out[0, k], out[1, k], out[2, k], at[part] = hash_, word, first | word & LOW_BITS, k + 1
