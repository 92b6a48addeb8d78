"""Whether two rows that met are the same: captions by the places in which their signatures agree, pictures by aligning thumbnails.

Which two views made pictures meet is not said: their nearest pair is found anew from all of them, so that any two rows compare alike.

A shared key is a hint. Unverified, captions of a million rows chain into clusters of thousands, and look-alike pictures join.
"""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import DTypeLike

from schemas.signatures import (
    CAPTION_LONG,
    CAPTION_NONE,
    CAPTION_SHORT,
    CAPTIONS_AGREE,
    CELLS,
    CHROMA,
    DETAIL,
    GEOMETRY,
    PERMUTATIONS,
    PHASHES,
    THUMBNAIL_SIDE,
    VIEWS,
)
from transforms.compiled import ZERO, compiled
from transforms.images.alignment import AGREE, aligned
from transforms.images.contested import contested
from transforms.images.details import Details
from transforms.images.nearest import mirror_maps, nearest_views
from transforms.images.pairs import Pairs
from transforms.images.phash import Hashes
from transforms.images.shown import Shown
from transforms.images.views import describe
from transforms.match.detail_column import DETAILED, DETAILS

LEAST_EQUAL = CAPTIONS_AGREE
"""Of 128 places: the estimate of the Jaccard similarity is 0.7 or more. The low 8 bits of each value stand for it (Li and Koenig 2010);
of 1,246,260 candidate pairs of a million captions, 125 were judged otherwise by all 32."""

MIRRORED = np.array([name.endswith("_mirrored") for name in PHASHES])
AGREEMENTS = 10_000  # parts in which it is told how well pictures agree
BELOW_ONE = 0.9999  # what thumbnails that agree wholly give: 1.0 is said of equal bytes alone
CHUNK = 4096  # pairs of pictures aligned at once


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


PICTURE_COLUMNS = ("thumbnail", "picture_hashes", "views", "view_hashes", "geometry", "looks", "chroma", DETAILED, DETAILS)
"""Of `schemas.signatures.SIGNATURE`: what pictures are compared by, as `transforms.match.columns` reads it."""

_PICTURE_LAYOUTS: tuple[tuple[np.dtype, tuple[int, ...]], ...] = (
    (np.dtype(np.uint8), (THUMBNAIL_SIDE, THUMBNAIL_SIDE)), (np.dtype("<u8"), (len(PHASHES),)),
    (np.dtype("<u4"), ()), (np.dtype("<u8"), (len(VIEWS),)), (np.dtype("<f4"), (GEOMETRY,)),
    (np.dtype("<u2"), ()), (np.dtype(np.int8), (len(CHROMA), CELLS)), (np.dtype(np.bool_), ()), (np.dtype(np.uint8), (DETAIL,)),
)  # fmt: skip
PICTURE_KINDS: list[DTypeLike] = [(dtype, math.prod(shape)) if shape else dtype for dtype, shape in _PICTURE_LAYOUTS]
"""The arrays of `Pictures.arrays`, as `transforms.match.blocks.unpack` and `gather` take them."""
PICTURE_BYTES = sum(np.dtype(kind).itemsize for kind in PICTURE_KINDS[:-1])
"""Of one that has no detail."""


@dataclasses.dataclass(frozen=True)
class Pictures:
    """What pictures are compared by.

    Attributes:
      thumbnails: uint8[n, 48, 48].
      phashes: uint64[n, 4], in the order of `schemas.signatures.PHASHES`.
      views: uint32[n], bit v where the picture has view v of `schemas.signatures.VIEWS`; 0 under `reach: plain`.
      view_hashes: uint64[n, views].
      geometry: float32[n, 9], see `transforms.images.views`.
      looks: uint16[n], the bits of `transforms.images.drawn.Looks`.
      chroma: int8[n, 2, 64], see `transforms.images.chroma`.
      details: of those that are drawn or nearly so, see `transforms.images.details`.
    """

    thumbnails: np.ndarray
    phashes: np.ndarray
    views: np.ndarray
    view_hashes: np.ndarray
    geometry: np.ndarray
    looks: np.ndarray
    chroma: np.ndarray
    details: Details

    @classmethod
    def of_hashes(cls, hashes: Hashes) -> "Pictures":
        """Of hashed pictures; those hashed for `reach: plain` have no view."""
        views = hashes.views or describe([None] * len(hashes.phash))
        return cls(hashes.thumbnails, hashes.phashes, views.have, views.hashes, views.geometry, hashes.looks, hashes.chroma, hashes.details)

    @classmethod
    def of(cls, arrays: Iterable[np.ndarray]) -> "Pictures":
        """From arrays in the order of `PICTURE_COLUMNS`, as `Rows.read` or `blocks.unpack` gives them."""
        layouts = zip(arrays, _PICTURE_LAYOUTS, strict=True)
        thumbnails, phashes, views, view_hashes, geometry, looks, chroma, held, octets = (
            np.ascontiguousarray(array).view(dtype).reshape(len(array), *shape) for array, (dtype, shape) in layouts
        )
        return cls(thumbnails, phashes, views, view_hashes, geometry, looks, chroma, Details(held, octets))

    @classmethod
    def joined(cls, parts: Sequence["Pictures"]) -> "Pictures":
        """All rows of some, in order."""
        return cls.of([np.concatenate(arrays) for arrays in zip(*(part.arrays() for part in parts), strict=True)])

    def __len__(self) -> int:
        return len(self.views)

    def arrays(self) -> list[np.ndarray]:
        """The arrays as they travel, in the order of `PICTURE_COLUMNS`."""
        views, held = (self.views, self.view_hashes, self.geometry), self.details
        return [self.thumbnails, self.phashes, *views, self.looks, self.chroma, held.held, held.octets]

    def seen(self, which: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The views of these rows alone, bool [n], as `transforms.images.nearest.nearest_views` takes them."""
        return self.views[which], self.view_hashes[which], self.geometry[which]

    def take(self, at: np.ndarray) -> "Pictures":
        """These rows alone."""
        return Pictures(self.thumbnails[at], self.phashes[at], *self.seen(at), self.looks[at], self.chroma[at], self.details.take(at))

    def shown(self) -> Shown:
        """What they show, when their views have said where."""
        return Shown(self.thumbnails.reshape(-1, THUMBNAIL_SIDE**2), self.looks, self.chroma, self.details)


@compiled
def _count_equal(left: np.ndarray, at_left: np.ndarray, right: np.ndarray, at_right: np.ndarray, out: np.ndarray) -> None:
    for i in range(len(out)):
        one, other, same = left[at_left[i]], right[at_right[i]], ZERO
        for k in range(PERMUTATIONS):
            same += one[k] == other[k]
        out[i] = same


def _equal_places(left: np.ndarray, at_left: np.ndarray, right: np.ndarray, at_right: np.ndarray) -> np.ndarray:
    """In how many places the rows of each pair agree, int64[n]."""
    out = np.zeros(len(at_left), np.int64)
    if len(out):
        _count_equal(left, at_left.astype(np.uint64), right, at_right.astype(np.uint64), out)
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


def picture_agreements(left: Pictures, at_left: np.ndarray, right: Pictures, at_right: np.ndarray) -> np.ndarray:
    """How well the pictures of each pair agree once aligned, float64[n], as `aligned` says and below 1; the same either way round.

    Args:
      left: one side.
      at_left: int64[n], which row of it each pair has.
      right: the other side.
      at_right: int64[n] likewise.
    """
    out = np.empty(len(at_left), np.float64)
    for some, found, _ in _aligned(left, at_left, right, at_right):
        out[some] = np.minimum(np.round(found.astype(np.float64), 4), BELOW_ONE)
    return out


def contested_pictures(left: Pictures, at_left: np.ndarray, right: Pictures, at_right: np.ndarray) -> np.ndarray:
    """Which pairs of pictures agree though each has something that the other lacks, bool[n]; see `transforms.images.contested`.

    Args:
      left: one side.
      at_left: int64[n], which row of it each pair has.
      right: the other side.
      at_right: int64[n] likewise.
    """
    out = np.zeros(len(at_left), bool)
    for some, found, pairs in _aligned(left, at_left, right, at_right):
        agree = np.flatnonzero(found >= AGREE)
        out[some.start + agree] = contested(pairs.take(agree))
    return out


def _aligned(left: Pictures, at_left: np.ndarray, right: Pictures, at_right: np.ndarray) -> Iterator[tuple[slice, np.ndarray, Pairs]]:
    """So many pairs at a time, and what `transforms.images.alignment.aligned` says of them."""
    for start in range(0, len(at_left), CHUNK):
        some = slice(start, start + CHUNK)
        (one, at_one), (other, at_other) = _asked(left, at_left[some], right, at_right[some])
        maps = _maps(one, at_one, other, at_other)
        shown = one.shown()
        yield some, *aligned(shown, shown if other is one else other.shown(), maps, (at_one, at_other))


_Side = tuple[Pictures, np.ndarray]


def _asked(left: Pictures, at_left: np.ndarray, right: Pictures, at_right: np.ndarray) -> tuple[_Side, _Side]:
    """The pictures that pairs have on either side, no more than are in pairs, and which of them each pair has; the same if they were."""
    if left is not right:
        return _needed(left, at_left), _needed(right, at_right)
    pictures, at = _needed(left, np.concatenate([at_left, at_right]))
    return (pictures, at[: len(at_left)]), (pictures, at[len(at_left) :])


def _needed(pictures: Pictures, at: np.ndarray) -> _Side:
    """The pictures at some places, no more than there are places, and which of them each is."""
    if len(pictures) <= len(at):
        return pictures, at
    rows, places = np.unique(at, return_inverse=True)
    return pictures.take(rows), places


def _maps(left: Pictures, at_left: np.ndarray, right: Pictures, at_right: np.ndarray) -> np.ndarray:
    """How pictures of each pair may lie in each other, float64[n, 2, 3], by their nearest views; under `reach: plain` by their hashes."""
    seen, others = left.seen(at_left), right.seen(at_right)
    both = (seen[0] != 0) & (others[0] != 0)
    if both.all():
        return nearest_views(seen, others)[0]
    maps = mirror_maps(_nearer_mirrored(left.phashes[at_left], right.phashes[at_right]))
    if both.any():
        maps[both] = nearest_views(left.seen(at_left[both]), right.seen(at_right[both]))[0]
    return maps


def _nearer_mirrored(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Whether the hashes of two pictures, uint64[n, 4] each, come nearer when one is looked at in the mirror, bool[n]."""
    distances = np.bitwise_count(left[:, :, None] ^ right[:, None, :])
    crossed = MIRRORED[:, None] ^ MIRRORED[None, :]
    return distances[:, crossed].min(axis=1, initial=64) < distances[:, ~crossed].min(axis=1, initial=64)
