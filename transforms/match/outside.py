"""Hashes given from outside, found among the rows: a list's, a benchmark's or one picture's, at any radius.

Up to radius 6 a pair shares one of the 39 keys of AG(3, 3), of which each row is looked up in a table of the given hashes: its cost does
not depend on how many they are. A pair is told by the first key that it shares. For few hashes, and at any wider radius, all are
compared, 64 at a time without a branch.
"""

import numpy as np

from transforms.compiled import compiled
from transforms.match.planes import HASH_BITS, plane

INDEXED_RADIUS = 6
FEW = 320  # given hashes up to which comparing all is cheaper: a comparison is 0.9 ns, looking a row up under 39 keys 300 to 1,000
_MIX = np.uint64(0x9E3779B97F4A7C15)


class Outside:
    """Given hashes, ready to be looked for.

    >>> Outside(np.array([0b1111], np.uint64), 2).among(np.array([0b1100, 0b1000, 0b111], np.uint64))[0].tolist()
    [[0, 0], [0, 2]]
    """

    def __init__(self, hashes: np.ndarray, radius: int):
        """Takes uint64[m] and the greatest Hamming distance at which a row matches."""
        self._hashes = np.ascontiguousarray(hashes, np.uint64)
        self._radius = np.uint64(radius)
        self._indexed = radius <= INDEXED_RADIUS and len(hashes) > FEW
        if self._indexed:
            self._masks = plane(3, 3).masks
            bits = max(10, int(len(hashes) * 2 - 1).bit_length())
            self._shift = np.uint64(HASH_BITS - bits)
            self._starts, self._items = _table(self._hashes, self._masks, self._shift, 1 << bits)

    def among(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The matches, ascending: int64[k, 2] of given hash and row, and their distances, uint8[k].

        Args:
          rows: uint64[n], hashes of the rows.
        """
        rows = np.ascontiguousarray(rows, np.uint64)
        if self._indexed:
            found = _look_up(self._hashes, rows, self._masks, self._shift, self._starts, self._items, self._radius)
        else:
            found = _compare(self._hashes, rows, self._radius)
        found = found.reshape(-1, 2)
        found = found[np.lexsort(found.T[::-1])]
        return found, np.bitwise_count(self._hashes[found[:, 0]] ^ rows[found[:, 1]])


def _table(hashes: np.ndarray, masks: np.ndarray, shift: np.uint64, slots: int) -> tuple[np.ndarray, np.ndarray]:
    """For each key, where the hashes of each slot begin, int32[keys, slots + 1], and the hashes by slot, int32[keys, m]."""
    starts, items = np.zeros((len(masks), slots + 1), np.int32), np.empty((len(masks), len(hashes)), np.int32)
    for key, mask in enumerate(masks):
        slot = ((hashes & mask) * _MIX >> shift).astype(np.int64)
        items[key] = np.argsort(slot, kind="stable")
        starts[key, 1:] = np.cumsum(np.bincount(slot, minlength=slots))
    return starts, items


@compiled
def _look_up(hashes, rows, masks, shift, starts, items, radius):  # type: ignore[no-untyped-def]
    told, n = np.empty(256, np.int64), 0
    for row in range(len(rows)):
        for key in range(len(masks)):
            slot = np.int64((rows[row] & masks[key]) * _MIX >> shift)
            for i in range(starts[key, slot], starts[key, slot + 1]):
                difference = hashes[items[key, i]] ^ rows[row]
                if _ones(difference) > radius:
                    continue
                first = 0
                while masks[first] & difference:
                    first += 1
                if first == key:
                    if n + 2 > len(told):
                        more = np.empty(2 * len(told), np.int64)
                        for j in range(n):
                            more[j] = told[j]
                        told = more
                    told[n], told[n + 1] = items[key, i], row
                    n += 2
    return told[:n].copy()


@compiled
def _compare(hashes, rows, radius):  # type: ignore[no-untyped-def]
    told, n = np.empty(256, np.int64), 0
    for given in range(len(hashes)):
        for block in range(0, len(rows), 64):
            hits, end = np.uint64(0), min(block + 64, len(rows))
            for row in range(block, end):
                hits += np.uint64(_ones(hashes[given] ^ rows[row]) <= radius)
            for row in range(block, end if hits > np.uint64(0) else block):
                if _ones(hashes[given] ^ rows[row]) <= radius:
                    if n + 2 > len(told):
                        more = np.empty(2 * len(told), np.int64)
                        for j in range(n):
                            more[j] = told[j]
                        told = more
                    told[n], told[n + 1] = given, row
                    n += 2
    return told[:n].copy()


@compiled
def _ones(x):  # type: ignore[no-untyped-def]
    x = x - (x >> np.uint64(1) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + (x >> np.uint64(2) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return x * np.uint64(0x0101010101010101) >> np.uint64(56)
