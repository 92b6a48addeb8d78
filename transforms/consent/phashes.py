"""Perceptual hashes of a list, each searched within a radius of its own."""

import dataclasses
import functools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from transforms.match.outside import Outside


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
        for entries, outside in self._by_radius(slack):
            pairs, _ = outside.among(asked)
            np.minimum.at(found, pairs[:, 1], entries[pairs[:, 0]])
        return np.where(found == none, -1, found)

    @functools.lru_cache(maxsize=4)  # noqa: B019 -- lists live as long as the process that judges by them
    def _by_radius(self, slack: int) -> "list[tuple[np.ndarray, Outside]]":
        """The entries of each radius, ready to be looked for. Compiled loops are loaded by whoever looks."""
        from transforms.match.outside import Outside

        return [
            (self.entries[self.radii == radius], Outside(self.hashes[self.radii == radius], radius + slack))
            for radius in np.unique(self.radii).tolist()
        ]
