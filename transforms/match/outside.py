"""Hashes given from outside, found among the rows: a list's, a benchmark's or one picture's, at any radius.

Up to radius 6 a pair shares one of the 39 keys of AG(3, 3), of which each row is looked up in a table of the given hashes: its cost does
not depend on how many they are. A pair is told by the first key that it shares. For few hashes, and at any wider radius, all are
compared.
"""

from collections.abc import Iterator

import numpy as np

from transforms.match.planes import HASH_BITS, plane

INDEXED_RADIUS = 6
FEW = 320  # given hashes up to which comparing all is cheaper: a comparison is 3.4 ns, looking a row up under 39 keys 1,000 to 2,000
_CHUNK = 1 << 12  # rows looked at at once
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
        found = [np.empty((0, 2), np.int64)]
        for start in range(0, len(rows), _CHUNK):
            some = np.ascontiguousarray(rows[start : start + _CHUNK], np.uint64)
            for given, row in self._looked_up(some) if self._indexed else self._compared(some):
                found.append(np.stack([given, row + start], axis=1))
        pairs = np.concatenate(found)
        pairs = pairs[np.lexsort(pairs.T[::-1])]
        return pairs, np.bitwise_count(self._hashes[pairs[:, 0]] ^ rows[pairs[:, 1]])

    def _compared(self, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Given hashes and rows that match, int64[any] each."""
        for given, hash_ in enumerate(self._hashes):
            matching = np.flatnonzero(np.bitwise_count(rows ^ hash_) <= self._radius)
            yield np.full(len(matching), given), matching

    def _looked_up(self, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The same, by keys."""
        for key, mask in enumerate(self._masks):
            slots = ((rows & mask) * _MIX >> self._shift).astype(np.int64)
            begins, counts = self._starts[key, slots], self._starts[key, slots + 1] - self._starts[key, slots]
            matching, ends = np.repeat(np.arange(len(rows)), counts), np.cumsum(counts)
            given = self._items[key, np.arange(len(matching)) + np.repeat(begins - ends + counts, counts)]
            difference = self._hashes[given] ^ rows[matching]
            near = np.flatnonzero(np.bitwise_count(difference) <= self._radius)
            first = near[(self._masks[:key] & difference[near, None] != 0).all(axis=1)]
            yield given[first], matching[first]


def _table(hashes: np.ndarray, masks: np.ndarray, shift: np.uint64, slots: int) -> tuple[np.ndarray, np.ndarray]:
    """For each key, where the hashes of each slot begin, int32[keys, slots + 1], and the hashes by slot, int32[keys, m]."""
    starts, items = np.zeros((len(masks), slots + 1), np.int32), np.empty((len(masks), len(hashes)), np.int32)
    for key, mask in enumerate(masks):
        slot = ((hashes & mask) * _MIX >> shift).astype(np.int64)
        items[key] = np.argsort(slot, kind="stable")
        starts[key, 1:] = np.cumsum(np.bincount(slot, minlength=slots))
    return starts, items
