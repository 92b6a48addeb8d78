"""What pictures show: all that is kept of them to tell whether two are the same, once their hashes have proposed it."""

import dataclasses

import numpy as np

from schemas.signatures import CELLS, CHROMA, THUMBNAIL_SIDE
from transforms.images.details import Details
from transforms.images.drawn import looks


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
