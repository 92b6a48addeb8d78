"""What `transforms.images.corners` finds in the corners of a picture, and the places where it looks, by number and in words."""

import dataclasses
from typing import Final, Self

import numpy as np

CORNERS: Final = ("top left", "top right", "bottom left", "bottom right")
FIXED: Final = ("16 pixels", "32 pixels", "a sixteenth of the shorter side", "an eighth of the shorter side")
FOUND: Final = (
    "a rectangle of one level, by its size in pixels",
    "a rectangle of one level, by its share of the shorter side",
    "a rectangle with edges of its own, by its levels",
    "a rectangle with edges of its own, by what is light in it",
    "16 pixels, by its levels",
    "32 pixels, by its levels",
)
SIZES: Final = (*FIXED, *FOUND)
SQUARES: Final = len(FIXED) * len(CORNERS)  # the first places
PLACES: Final = len(SIZES) * len(CORNERS)  # place = size * 4 + corner
# Of the first corner:
PLAIN_PIXELS, PLAIN_SHARE, LEVELS, SHAPE, SQUARE_LEVELS = (size * len(CORNERS) for size in range(len(FIXED), len(SIZES) - 1))


@dataclasses.dataclass(frozen=True)
class Corners:
    """Hashes of corners.

    Attributes:
      row: int64[n], ascending, the number of the picture of each.
      place: uint8[n], where (`place_name`).
      hashes: uint64[n].
      sure: bool[n], whether so many of them make a patch; the others only know one again.
    """

    row: np.ndarray
    place: np.ndarray
    hashes: np.ndarray
    sure: np.ndarray

    def where(self, mask: np.ndarray) -> Self:
        """Some of them: bool[n]."""
        return type(self)(self.row[mask], self.place[mask], self.hashes[mask], self.sure[mask])


def place_name(place: int) -> str:
    """A place in words.

    >>> place_name(7)
    'bottom right, 32 pixels'
    """
    return f"{CORNERS[place % len(CORNERS)]}, {SIZES[place // len(CORNERS)]}"
