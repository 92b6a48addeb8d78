"""Sets of 128-bit digests as sorted arrays: 24 bytes an entry, a search per look-up. What hash, URL, domain and creator lists become."""

import dataclasses
from collections.abc import Sequence
from typing import Self

import numpy as np


@dataclasses.dataclass(frozen=True)
class Digests:
    """A set of digests, each with the number of the entry it comes from.

    Attributes:
      high: uint64[n], first eight bytes of each digest, big-endian, ascending.
      low: uint64[n], the next eight, ascending among equal `high`.
      entries: int64[n]; of equal digests the first entry stays.
    """

    high: np.ndarray
    low: np.ndarray
    entries: np.ndarray

    @classmethod
    def of(cls, digests: bytes | bytearray, entries: np.ndarray) -> Self:
        """From digests of 16 bytes, packed, and the number of each entry, int64[n]."""
        halves = np.frombuffer(digests, ">u8").reshape(-1, 2).astype(np.uint64)
        order = np.lexsort((entries, halves[:, 1], halves[:, 0]))
        high, low, entries = halves[order, 0], halves[order, 1], entries[order]
        first = np.ones(len(order), bool)
        first[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
        return cls(high[first], low[first], entries[first])

    def __len__(self) -> int:
        return len(self.high)

    def find(self, digests: Sequence[bytes | None]) -> np.ndarray:
        """Entry of each digest (its first 16 bytes count), int64[n]; -1 where it is not in the set.

        >>> digests = Digests.of(b"a" * 16 + b"b" * 16, np.array([7, 3]))
        >>> digests.find([b"b" * 32, None, b"c" * 16]).tolist()
        [3, -1, -1]
        """
        found = np.full(len(digests), -1, np.int64)
        rows = np.array([row for row, digest in enumerate(digests) if digest is not None], np.int64)
        if not len(self) or not len(rows):
            return found
        asked = b"".join(digest[:16] for digest in digests if digest is not None)
        halves = np.frombuffer(asked, ">u8").reshape(-1, 2).astype(np.uint64)
        starts = np.searchsorted(self.high, halves[:, 0])
        ends = np.searchsorted(self.high, halves[:, 0], side="right")
        for step in range(int((ends - starts).max(initial=0))):  # more than one only where two digests share their first half
            at = np.minimum(starts + step, len(self) - 1)
            hit = (starts + step < ends) & (self.low[at] == halves[:, 1])
            found[rows[hit]] = self.entries[at[hit]]
        return found
