"""What pictures show: all that is kept of them to tell whether two are the same, once their hashes have proposed it."""

import dataclasses

import numpy as np

from schemas.signatures import HUES, THUMBNAIL_SIDE
from transforms.images.details import Details
from transforms.images.drawn import looks


@dataclasses.dataclass(frozen=True)
class Shown:
    """Of some pictures, one row each.

    Attributes:
      thumbnails: uint8 [n, 48 * 48], grey.
      looks: uint16 [n], the bits of `transforms.images.drawn.Looks`.
      hues: uint8 [n, 64], of those on white and those that may be products, else zeros; see `transforms.images.hues`.
      details: of those that are drawn or nearly so, see `transforms.images.details`.
    """

    thumbnails: np.ndarray
    looks: np.ndarray
    hues: np.ndarray
    details: Details

    @classmethod
    def of(cls, thumbnails: np.ndarray) -> "Shown":
        """Of thumbnails, uint8 [n, 48, 48], of which nothing else is known."""
        rows = thumbnails.reshape(-1, THUMBNAIL_SIDE**2)
        return cls(rows, looks(rows).bits(), np.zeros((len(rows), HUES), np.uint8), Details.none(len(rows)))

    def __len__(self) -> int:
        return len(self.thumbnails)

    def joined(self, other: "Shown") -> "Shown":
        """All pictures of both, in order."""
        return Shown(
            np.concatenate([self.thumbnails, other.thumbnails]),
            np.concatenate([self.looks, other.looks]),
            np.concatenate([self.hues, other.hues]),
            Details.joined([self.details, other.details]),
        )
