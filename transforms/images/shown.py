"""What pictures show: all that is kept of them to tell whether two are the same, once their hashes have proposed it."""

import dataclasses

import numpy as np

from schemas.signatures import CELLS, CHROMA, THUMBNAIL_SIDE
from transforms.images.details import Details
from transforms.images.drawn import Looks, looks
from transforms.images.hues import NO_HUES, kinds


@dataclasses.dataclass(frozen=True)
class Shown:
    """Of some pictures, one row each.

    Attributes:
      thumbnails: uint8 [n, 48 * 48], grey.
      looks: uint16 [n], the bits of `transforms.images.drawn.Looks`.
      chroma: int8 [n, 2, 64], see `transforms.images.chroma`.
      details: of those that are drawn or nearly so, see `transforms.images.details`.
    """

    thumbnails: np.ndarray
    looks: np.ndarray
    chroma: np.ndarray
    details: Details

    @classmethod
    def of(cls, thumbnails: np.ndarray) -> "Shown":
        """Of thumbnails, uint8 [n, 48, 48], of which nothing else is known."""
        rows = thumbnails.reshape(-1, THUMBNAIL_SIDE**2)
        return cls(rows, looks(rows).bits(), np.zeros((len(rows), len(CHROMA), CELLS), np.int8), Details.none(len(rows)))

    def __len__(self) -> int:
        return len(self.thumbnails)

    def joined(self, other: "Shown") -> "Shown":
        """All pictures of both, in order."""
        return Shown(
            np.concatenate([self.thumbnails, other.thumbnails]),
            np.concatenate([self.looks, other.looks]),
            np.concatenate([self.chroma, other.chroma]),
            Details.joined([self.details, other.details]),
        )

    def hues(self, which: np.ndarray) -> np.ndarray:
        """The hues of some, uint8 [m, 64], zeros where they say nothing; see `transforms.images.hues`."""
        return hues_said(self.chroma[which], self.looks[which])


def hues_said(chroma: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """The hues of pictures, uint8 [n, 64], by their chroma and the bits of their looks; zeros where they say nothing."""
    return np.where(Looks.of(bits).hued[:, None], kinds(chroma), NO_HUES)
