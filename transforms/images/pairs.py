"""Pairs of pictures to be compared: what is kept of each, which is looked for in which, and the maps from the one to the other."""

import dataclasses

import numpy as np

from schemas.signatures import THUMBNAIL_SIDE
from transforms.images.closely import closely_unlike
from transforms.images.details import Details, comes_after
from transforms.images.hues import of_other_hues
from transforms.images.maps import inverted, rounded

_SAME_SIZE = 1.0001  # of areas


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Thumbnails, uint8 [m, 48 * 48], details, hues; which is looked for in which other one, int64 [n] each; the maps to it, [n, 2, 3]."""

    pictures: np.ndarray
    details: Details
    hues: np.ndarray
    still: np.ndarray
    moved: np.ndarray
    to: np.ndarray

    @classmethod
    def of(cls, left: np.ndarray, right: np.ndarray, maps: np.ndarray, details: Details, hues: np.ndarray) -> "Pairs":
        """Pairs of left and right, details and hues of both in turn; a left one that is the same again and has neither is one picture."""
        left, right = (np.ascontiguousarray(side).reshape(-1, THUMBNAIL_SIDE**2) for side in (left, right))
        swapped, to = _in_order(left, right, maps, details, hues)
        rows, words = np.arange(len(left)), left.view(np.uint64)
        fresh = np.append(True, (words[1:] != words[:-1]).any(axis=1))[: len(rows)]
        fresh |= details.held[: len(rows)] | hues[: len(rows)].any(axis=1)
        first = np.maximum.accumulate(rows * fresh)
        still, moved = np.where(swapped, (rows + len(rows), first), (first, rows + len(rows)))
        return cls(np.concatenate([left, right]), details, hues, still, moved, to)

    def take(self, which: np.ndarray) -> "Pairs":
        """Some alone, by their numbers or bool [n]."""
        return Pairs(self.pictures, self.details, self.hues, self.still[which], self.moved[which], self.to[which])

    def sides(self) -> tuple[np.ndarray, np.ndarray]:
        """The thumbnails of every pair, uint8 [n, 48 * 48] each."""
        return self.pictures[self.still], self.pictures[self.moved]

    def fields(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """All but the details and hues, in order."""
        return self.pictures, self.still, self.moved, self.to

    def detailed(self) -> np.ndarray:
        """Which have a detail of either picture, bool [n]."""
        held: np.ndarray = self.details.held[self.still] & self.details.held[self.moved]
        return held

    def recoloured(self) -> np.ndarray:
        """Which are of other colours, bool [n]."""
        return of_other_hues(self.hues, self.still, self.moved, self.to)

    def closely(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`transforms.images.closely.closely_unlike` of pairs that have a detail of either picture."""
        pictures, places = np.unique(np.stack([self.still, self.moved]), return_inverse=True)
        still, moved = places.reshape(2, -1)
        return closely_unlike(self.details.levels(pictures), still, moved, self.to)


def _in_order(left: np.ndarray, right: np.ndarray, maps: np.ndarray, details: Details, hues: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether the right picture is the one looked for, and the map from it; the left one if not.

    It is the one that shows less; of equal ones the smaller, pixel by pixel, then by hues, then by details.
    """
    rows, words = np.arange(len(maps)), [side.view(np.uint64) for side in (left, right)]
    place = (words[0] != words[1]).argmax(axis=1)
    one, other = (side[rows, place].byteswap() for side in words)
    swapped, equal = one > other, rows[one == other]
    swapped[equal] = comes_after(hues[equal], hues[equal + len(rows)])
    equal = equal[(hues[equal] == hues[equal + len(rows)]).all(axis=1) & details.held[equal] & details.held[equal + len(rows)]]
    swapped[equal] = details.greater(equal, equal + len(rows))
    to = rounded(np.where(swapped[:, None, None], inverted(maps), maps))
    larger = np.abs(to[:, 0, 0] * to[:, 1, 1] - to[:, 0, 1] * to[:, 1, 0]) > _SAME_SIZE
    return swapped ^ larger, np.where(larger[:, None, None], inverted(to), to)
