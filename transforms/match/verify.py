"""Whether two rows that met are the same: captions by the places in which their signatures agree, pictures by aligning thumbnails.

A shared key is a hint. Unverified, captions of a million rows chain into clusters of thousands, and look-alike pictures join.
"""

import dataclasses

import numpy as np

from schemas.signatures import CAPTION_LONG, CAPTION_NONE, CAPTION_SHORT, CAPTIONS_AGREE, PERMUTATIONS
from transforms.compiled import compiled
from transforms.images.alignment import agreements

LEAST_EQUAL = CAPTIONS_AGREE
"""Of 128 places: the estimate of the Jaccard similarity is 0.7 or more. The low 8 bits of each value stand for it (Li and Koenig 2010);
of 1,246,260 candidate pairs of a million captions, 125 were judged otherwise by all 32."""

BELOW_ONE = 0.9999  # what thumbnails that agree wholly give: 1.0 is said of equal bytes alone
CHUNK = 4_096  # pairs of pictures aligned at once
SIGNATURE_CHUNK = 1 << 16  # pairs of captions compared at once: 16 MB


@dataclasses.dataclass(frozen=True)
class Captions:
    """What captions are compared by.

    Attributes:
      kind: uint8[n], constants of `schemas.signatures`.
      ids: uint64[n], of the normal form.
      short: uint8[n, 128], over character 3-grams.
      long: uint8[m, 128], over word 5-grams, of the rows of kind `CAPTION_LONG` alone, in their order.
    """

    kind: np.ndarray
    ids: np.ndarray
    short: np.ndarray
    long: np.ndarray

    def place_of_long(self) -> np.ndarray:
        """The row in `long` of each row that has one, int64[n]."""
        return np.cumsum(self.kind & CAPTION_LONG != 0) - 1


@compiled
def _count_equal(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    out = np.empty(len(left), np.int64)
    for i in range(len(left)):
        same = 0
        for k in range(left.shape[1]):
            same += left[i, k] == right[i, k]
        out[i] = same
    return out


def _equal_places(left: np.ndarray, at_left: np.ndarray, right: np.ndarray, at_right: np.ndarray) -> np.ndarray:
    """In how many places the rows of each pair agree. Rows are copied first, so that one compiled form serves arrays of any make."""
    out = np.empty(len(at_left), np.int64)
    for start in range(0, len(out), SIGNATURE_CHUNK):
        part = slice(start, start + SIGNATURE_CHUNK)
        out[part] = _count_equal(left[at_left[part]], right[at_right[part]])
    return out


def caption_agreements(left: Captions, at_left: np.ndarray, right: Captions, at_right: np.ndarray) -> np.ndarray:
    """In how many of 128 places the captions of each pair agree, int64[n]: 128 where they are equal, 0 where they cannot be compared.

    Args:
      left: one side.
      at_left: int64[n], which row of it each pair has.
      right: the other side.
      at_right: int64[n] likewise.
    """
    kinds = left.kind[at_left] & right.kind[at_right]
    out = np.zeros(len(at_left), np.int64)
    both = np.flatnonzero(kinds & CAPTION_SHORT)
    out[both] = _equal_places(left.short, at_left[both], right.short, at_right[both])
    both = np.flatnonzero(kinds & CAPTION_LONG)
    if len(both):
        places = left.place_of_long()[at_left[both]], right.place_of_long()[at_right[both]]
        out[both] = np.maximum(out[both], _equal_places(left.long, places[0], right.long, places[1]))
    equal = (left.ids[at_left] == right.ids[at_right]) & (left.kind[at_left] != CAPTION_NONE) & (right.kind[at_right] != CAPTION_NONE)
    out[equal] = PERMUTATIONS
    return out


def picture_agreements(left: np.ndarray, at_left: np.ndarray, right: np.ndarray, at_right: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """How well the thumbnails of each pair agree once aligned, float64[n], rounded to 1e-4 and below 1.

    Args:
      left: uint8[m, 48, 48], one side.
      at_left: int64[n], which of it each pair has.
      right: the other side.
      at_right: int64[n] likewise.
      mirrored: bool[n], whether one is looked at in the mirror.
    """
    out = np.empty(len(at_left), np.float64)
    for start in range(0, len(out), CHUNK):
        part = slice(start, start + CHUNK)
        found = agreements(left[at_left[part]], right[at_right[part]], mirrored[part])
        out[part] = np.minimum(np.round(found.astype(np.float64), 4), BELOW_ONE)
    return out
