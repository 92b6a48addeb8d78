"""Perceptual hashes of a list, searched within a radius of their own.

Up to a radius of 7 a hash within it differs by at most one bit in one of its four 16-bit quarters, so that 4 x 17 look-ups find every
candidate; beyond, all entries are compared. Either way each candidate's distance is counted.
"""

import dataclasses
import functools

import numpy as np

_QUARTERS = 4
_INDEXED_RADIUS = 7  # 4 quarters with two bits each would be 8
_FEW = 2048  # entries up to which comparing all is cheaper than looking up
_PAIRS = 1 << 22
_NEIGHBOURS = np.array([0, *(1 << bit for bit in range(16))], np.uint64)


@dataclasses.dataclass(frozen=True, eq=False)
class PerceptualHashes:
    """Hashes of a list.

    Attributes:
      hashes: uint64[n].
      radii: int64[n], greatest Hamming distance at which an entry matches.
      entries: int64[n], number of each entry.
    """

    hashes: np.ndarray
    radii: np.ndarray
    entries: np.ndarray

    def __len__(self) -> int:
        return len(self.hashes)

    def find(self, asked: np.ndarray, slack: int) -> np.ndarray:
        """The first entry within its radius plus `slack` of each hash, int64[n]; -1 where there is none.

        >>> listed = PerceptualHashes(np.array([0b1111], np.uint64), np.array([2]), np.array([9]))
        >>> listed.find(np.array([0b1100, 0b1000], np.uint64), 0).tolist(), listed.find(np.array([0b1000], np.uint64), 1).tolist()
        ([9, -1], [9])
        """
        none = np.iinfo(np.int64).max
        found = np.full(len(asked), none, np.int64)
        wide = self.radii + slack > _INDEXED_RADIUS
        scanned = np.flatnonzero(wide) if len(self) > _FEW else np.arange(len(self))
        if len(scanned) and len(asked):
            step = max(1, _PAIRS // len(scanned))
            for start in range(0, len(asked), step):
                part = asked[start : start + step]
                near = np.bitwise_count(part[:, None] ^ self.hashes[scanned]) <= self.radii[scanned] + slack
                found[start : start + step] = np.where(near, self.entries[scanned], none).min(axis=1)
        if len(self) > _FEW:
            self._look_up(asked, slack, found)
        return np.where(found == none, -1, found)

    def _look_up(self, asked: np.ndarray, slack: int, found: np.ndarray) -> None:
        for quarter, (values, order) in enumerate(self._index):
            mine = asked >> np.uint64(16 * quarter) & np.uint64(0xFFFF)
            keys = (mine[:, None] ^ _NEIGHBOURS).ravel()
            starts, ends = np.searchsorted(values, keys), np.searchsorted(values, keys, side="right")
            counts = ends - starts
            rows = np.repeat(np.repeat(np.arange(len(asked)), len(_NEIGHBOURS)), counts)
            at = order[np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())]
            near = np.bitwise_count(asked[rows] ^ self.hashes[at]) <= self.radii[at] + slack
            np.minimum.at(found, rows[near], self.entries[at[near]])

    @functools.cached_property
    def _index(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each quarter: its values, ascending, and the entries in that order."""
        indexed = []
        for quarter in range(_QUARTERS):
            values = self.hashes >> np.uint64(16 * quarter) & np.uint64(0xFFFF)
            order = np.argsort(values, kind="stable")
            indexed.append((values[order], order))
        return indexed
