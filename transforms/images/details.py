"""A second, finer grey picture of those that are drawn or printed, which tell themselves apart by what 48 x 48 pixels do not show.

Those that are shaded, and those that look nearly drawn, have one too: a copy that is blurred, turned or framed anew may look less drawn
than its original, and most where the ground of a page was taken for a border.

Photos are nearly all of a web crawl and are told apart by their thumbnails: they have none, and no row of theirs grows by one.
"""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from schemas.signatures import DETAIL, DETAIL_SIDE
from transforms.images.decode import Picture
from transforms.images.drawn import Looks
from transforms.images.resample import resampled

_PIXELS = DETAIL_SIDE * DETAIL_SIDE
_LOW = 2 + _PIXELS // 2  # where the last bits of all pixels begin
_STEPS = 31  # from the least to the greatest level


@dataclasses.dataclass(frozen=True)
class Details:
    """What is kept of the drawn ones, and of those that nearly are, among some pictures.

    Attributes:
      held: bool [n], which of the pictures have a detail.
      octets: uint8 [m, DETAIL], of those alone, in their order.
    """

    held: np.ndarray
    octets: np.ndarray

    @classmethod
    def none(cls, pictures: int) -> "Details":
        """Of so many pictures, none of which has one."""
        return cls(np.zeros(pictures, np.bool_), np.empty((0, DETAIL), np.uint8))

    @classmethod
    def joined(cls, parts: Sequence["Details"]) -> "Details":
        """Of all pictures of some, in order."""
        return cls(np.concatenate([part.held for part in parts]), np.concatenate([part.octets for part in parts]))

    def __len__(self) -> int:
        return len(self.held)

    @functools.cached_property
    def _place(self) -> np.ndarray:
        return np.cumsum(self.held) - 1

    def take(self, at: np.ndarray) -> "Details":
        """These pictures alone, by their numbers."""
        held = self.held[at]
        return Details(held, self.octets[self._place[at][held]])

    def where(self, which: np.ndarray) -> "Details":
        """The same of all pictures, but of some, bool [n], alone those that they have."""
        return Details(self.held & which, self.octets[which[self.held]])

    def greater(self, at: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Whether those of some pictures come after those of others, octet by octet; all have one: bool [n]."""
        return comes_after(self.octets[self._place[at]], self.octets[self._place[other]])

    def levels(self, at: np.ndarray) -> np.ndarray:
        """The grey pictures of some that have one, by their numbers: uint8 [n, 96 * 96]."""
        octets = self.octets[self._place[at]]
        least, most = octets[:, :1].astype(np.int32), octets[:, 1:2].astype(np.int32)
        of_step = (least + (np.arange(_STEPS + 1) * (most - least) * 2 + _STEPS) // (2 * _STEPS)).astype(np.uint8)
        high, low = octets[:, 2:_LOW], np.unpackbits(octets[:, _LOW:], axis=1)
        steps = np.stack([high >> 4, high & 15], axis=2).reshape(len(octets), _PIXELS) << 1 | low
        found = np.empty_like(steps)
        for row, levels in enumerate(of_step):
            np.take(levels, steps[row], out=found[row], mode="clip")
        return found


def comes_after(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether rows come after others, number by number, [n, width] each: bool [n]."""
    rows, place = np.arange(len(one)), (one != other).argmax(axis=1)
    after: np.ndarray = one[rows, place] > other[rows, place]
    return after


def details(pictures: Sequence[Picture | None], own: Looks) -> Details:
    """Those of a batch of pictures that look so, one row per picture, None included, which looks like nothing.

    Each pixel is the mean of what it covers of the picture without its border, as in its thumbnail, in 32 equal steps from the least level
    to the greatest: with sixteen, faint print of one copy is lost in another.
    """
    bordered = [picture is not None and picture.box != (0, 0, *picture.grey.shape[::-1]) for picture in pictures]
    held = own.nearly | own.shaded | (own.barely & np.array(bordered, bool))
    asked = [picture for picture, has in zip(pictures, held.tolist(), strict=True) if has and picture is not None]
    levels = [resampled(picture.grey, picture.box, DETAIL_SIDE, "area") for picture in asked]
    return Details(held, packed(np.stack(levels).reshape(-1, _PIXELS))) if levels else Details.none(len(pictures))


def packed(levels: np.ndarray) -> np.ndarray:
    """Grey pictures, uint8 [n, 96 * 96], as they are kept: uint8 [n, DETAIL].

    >>> ramp = (np.arange(96 * 96) % 32 * 8).astype(np.uint8)[None]
    >>> bool((Details(np.array([True]), packed(ramp)).levels(np.array([0])) == ramp).all())
    True
    """
    least, most = levels.min(axis=1, keepdims=True), levels.max(axis=1, keepdims=True)
    span = np.maximum(most.astype(np.int32) - least, 1)
    steps = (((levels.astype(np.int32) - least) * (2 * _STEPS) + span) // (2 * span)).astype(np.uint8)
    high, low = steps >> 1, np.packbits(steps & 1, axis=1)
    return np.concatenate([least, most, high[:, ::2] << 4 | high[:, 1::2], low], axis=1)
