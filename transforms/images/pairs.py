"""Pairs of pictures to be compared: what is kept of each, which is looked for in which, and the maps from the one to the other."""

import dataclasses

import numpy as np

from schemas.signatures import CELLS
from transforms.images.closely import closely_unlike
from transforms.images.details import comes_after
from transforms.images.drained import drained
from transforms.images.drawn import Looks
from transforms.images.facing import Facing
from transforms.images.hues import kinds
from transforms.images.maps import inverted, rounded
from transforms.images.other_hues import of_other_hues
from transforms.images.repainted import repainted
from transforms.images.shades import of_other_shades
from transforms.images.shown import Shown
from transforms.images.tones import of_other_tones

_SAME_SIZE = 1.0001  # of areas


@dataclasses.dataclass(frozen=True)
class Pairs:
    """What pictures show; which is looked for in which other one, int64 [n] each; and the maps, float64 [n, 2, 3]."""

    shown: Shown
    still: np.ndarray
    moved: np.ndarray
    to: np.ndarray

    @classmethod
    def of(cls, left: Shown, right: Shown, at: tuple[np.ndarray, np.ndarray], maps: np.ndarray) -> "Pairs":
        """Pairs of some of the left and some of the right ones; nothing is copied where they are the same."""
        shown, before = (left, 0) if left is right else (left.joined(right), len(left))
        one, other = at[0].astype(np.int64), at[1].astype(np.int64) + before
        swapped, to = _in_order(shown, one, other, maps)
        return cls(shown, np.where(swapped, other, one), np.where(swapped, one, other), to)

    def take(self, which: np.ndarray) -> "Pairs":
        """Some alone, by their numbers or bool [n]."""
        return Pairs(self.shown, self.still[which], self.moved[which], self.to[which])

    def sides(self) -> tuple[np.ndarray, np.ndarray]:
        """The thumbnails of every pair, uint8 [n, 48 * 48] each."""
        return self.shown.thumbnails[self.still], self.shown.thumbnails[self.moved]

    def fields(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The thumbnails, and what says how they are compared, in order."""
        return self.shown.thumbnails, self.still, self.moved, self.to

    def facing(self) -> Facing:
        """Where the cells of the one lie in the other."""
        return Facing.of(*self.fields())

    def detailed(self) -> np.ndarray:
        """Which have a detail of either picture, bool [n]."""
        held: np.ndarray = self.shown.details.held[self.still] & self.shown.details.held[self.moved]
        return held

    def looks(self) -> Looks:
        """What both pictures of every pair look like."""
        return Looks.of(self.shown.looks[self.still] & self.shown.looks[self.moved])

    def on_white(self) -> np.ndarray:
        """Which both are on white, and of which one has a ground of one colour or a detail, as pages do: bool [n]."""
        looks, held = self.shown.looks, self.shown.details.held
        found: np.ndarray = self.looks().white & (
            Looks.of(looks[self.still] | looks[self.moved]).grounded | held[self.still] | held[self.moved]
        )
        return found

    def recoloured(self) -> np.ndarray:
        """Which are of other colours, as a whole or in some places, of another shade, or toned otherwise, bool [n]."""
        facing, chroma, white = self.facing(), self.shown.chroma, Looks.of(self.shown.looks).white
        found = of_other_tones(white, facing) | repainted(chroma, facing) | drained(chroma, facing)
        both = np.flatnonzero(self.looks().hued)
        if len(both):
            some = facing.take(both)
            one, other = (kinds(chroma[which]) for which in (some.still, some.moved))
            found[both] |= of_other_hues(one, other, white[some.still] & white[some.moved], some) | of_other_shades(one, other, some)
        return found

    def closely(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`transforms.images.closely.closely_unlike` of pairs that have a detail of either picture."""
        pictures, places = np.unique(np.stack([self.still, self.moved]), return_inverse=True)
        still, moved = places.reshape(2, -1)
        return closely_unlike(self.shown.details.levels(pictures), still, moved, self.to)


def _in_order(shown: Shown, left: np.ndarray, right: np.ndarray, maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether the right picture is the one looked for, and the map from it; the left one if not.

    It is the one that shows less; of equal ones the smaller, pixel by pixel, then by chroma, then by details.
    """
    words, chroma, details = shown.thumbnails.view(">u8"), shown.chroma.reshape(len(shown), 2 * CELLS).view(">u8"), shown.details
    one, other = words[left, 0], words[right, 0]
    swapped, same = one > other, np.flatnonzero(one == other)
    if len(same):
        swapped[same] = comes_after(words[left[same]], words[right[same]])
        same = same[(words[left[same]] == words[right[same]]).all(axis=1)]
        swapped[same] = comes_after(chroma[left[same]], chroma[right[same]])
        same = same[(chroma[left[same]] == chroma[right[same]]).all(axis=1) & details.held[left[same]] & details.held[right[same]]]
        swapped[same] = details.greater(left[same], right[same])
    to = rounded(np.where(swapped[:, None, None], inverted(maps), maps))
    larger = np.abs(to[:, 0, 0] * to[:, 1, 1] - to[:, 0, 1] * to[:, 1, 0]) > _SAME_SIZE
    return swapped ^ larger, np.where(larger[:, None, None], inverted(to), to)
