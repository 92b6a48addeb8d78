"""Perceptual hashes of whole batches: what `imagehash.phash` gives, and the same of mirrored and of trimmed pictures.

The hash (imagehash 4.3, `phash`): 32 x 32 grey, type-II DCT, the 8 x 8 lowest frequencies, a bit for each above their median. Coefficients
are rounded to 2^-10 before the median, and every product on the way fits a double exactly, so that no order of summation, no fused
multiply and no library can decide a bit. A mirrored picture changes the sign of its odd horizontal frequencies and nothing else.
"""

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np

from schemas.signatures import CELLS, CHROMA, PHASHES, THUMBNAIL_SIDE
from transforms.images.decode import Picture
from transforms.images.details import Details, details
from transforms.images.drawn import Looks, looks
from transforms.images.thumbnail import HASHED_SIDE
from transforms.images.views import Views, describe

_LOW = 8
_GRAIN = 2.0**-10  # coefficients are multiples of it
_NEAR = 2.0**-9  # a coefficient this near the median may fall on either side elsewhere
_MOST_NEAR = 16  # more of these, and the hash says nothing: drawn, symmetric or flat


def _cosines() -> np.ndarray:
    """2 cos(pi u (2 x + 1) / 64), u < 8, to 38 binary places: the type-II DCT of scipy.fftpack, not normalised."""
    angles = np.pi * np.arange(_LOW)[:, None] * (2 * np.arange(HASHED_SIDE) + 1) / (2 * HASHED_SIDE)
    return np.rint(2 * np.cos(angles) * 2.0**38) / 2.0**38


_COSINES = _cosines()
# In parts that differ in scale by 2^12 or 2^13, so that a sum of 32 products of any part with 35 bits is exact in 53.
_COARSE = np.rint(_COSINES * 2.0**12) / 2.0**12
_MIDDLE = np.rint((_COSINES - _COARSE) * 2.0**25) / 2.0**25
_PARTS = np.concatenate([_COARSE, _MIDDLE, _COSINES - _COARSE - _MIDDLE]).T


@dataclasses.dataclass(frozen=True)
class Hashes:
    """What is kept of a batch of pictures to compare them by; zeros where there is no picture.

    Attributes:
      phash: uint64 [n], of the picture as it is.
      low_detail: bool [n], whether `phash` says nothing: more than 16 coefficients at the median. True where there is no picture.
      phashes: uint64 [n, 4], in the order of `schemas.signatures.PHASHES`.
      thumbnails: uint8 [n, 48, 48], grey, without border.
      looks: uint16 [n], the bits of `transforms.images.drawn.Looks`.
      chroma: int8 [n, 2, 64], see `transforms.images.chroma`.
      details: of those that are drawn or printed, or nearly so, a finer one.
      views: its views, with `dedup.images.reach: views`; None otherwise.
    """

    phash: np.ndarray
    low_detail: np.ndarray
    phashes: np.ndarray
    thumbnails: np.ndarray
    looks: np.ndarray
    chroma: np.ndarray
    details: Details
    views: Views | None = None


def hash_pictures(pictures: Sequence[Picture | None], reach: Literal["views", "plain"] = "plain") -> Hashes:
    """Hashes every picture of a batch; one row per picture, None included."""
    rows = np.array([row for row, picture in enumerate(pictures) if picture is not None], np.int64)
    phashes = np.zeros((len(pictures), len(PHASHES)), np.uint64)
    low_detail = np.ones(len(pictures), np.bool_)
    thumbnails = np.zeros((len(pictures), THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.uint8)
    chroma, seen = np.zeros((len(pictures), len(CHROMA), CELLS), np.int8), np.zeros(len(pictures), np.uint16)
    if len(rows):
        found = [picture for picture in pictures if picture is not None]
        coefficients = low_frequencies(np.stack([picture.small for picture in found]))
        straight, mirrored = above_median(coefficients), above_median(mirror(coefficients))
        phashes[rows] = np.stack([straight, mirrored], axis=2).reshape(len(rows), len(PHASHES))
        low_detail[rows] = near_median(coefficients[:, 0]) > _MOST_NEAR
        thumbnails[rows] = np.stack([picture.thumbnail for picture in found])
        chroma[rows] = np.stack([picture.chroma for picture in found])
        white, hued = (np.array([getattr(picture, name) for picture in found]) for name in ("white", "hued"))
        seen[rows] = looks(thumbnails[rows].reshape(len(rows), -1), white, hued).bits()
    views = describe(pictures) if reach == "views" else None
    finer = details(pictures, Looks.of(seen))
    return Hashes(phashes[:, 0].copy(), low_detail, phashes, thumbnails, seen, chroma, finer, views)


def low_frequencies(grey: np.ndarray) -> np.ndarray:
    """The lowest 8 x 8 DCT coefficients, rounded to 2^-10: float64 [..., 64], vertical frequency first.

    Args:
      grey: uint8 [..., 32, 32].

    >>> low_frequencies(np.full((1, 32, 32), 3, np.uint8))[0, :3].tolist()
    [12288.0, 0.0, 0.0]
    """
    lines = np.rint((_COSINES @ grey.astype(np.float64)) * 2.0**20) / 2.0**20
    parts = lines @ _PARTS
    low = parts[..., :_LOW] + (parts[..., _LOW : 2 * _LOW] + parts[..., 2 * _LOW :])
    rounded = np.rint(low / _GRAIN) * _GRAIN
    return rounded.reshape(*grey.shape[:-2], _LOW * _LOW)


def mirror(coefficients: np.ndarray) -> np.ndarray:
    """Coefficients [..., 64] of the picture turned left to right."""
    return coefficients * np.tile(np.where(np.arange(_LOW) % 2, -1.0, 1.0), _LOW)


def above_median(coefficients: np.ndarray) -> np.ndarray:
    """Hashes, uint64 [...], of coefficients [..., 64]: a bit where one is greater than their median, the first bit highest.

    >>> bin(int(above_median(np.arange(64.0))))
    '0b11111111111111111111111111111111'
    """
    bits = coefficients > np.median(coefficients, axis=-1, keepdims=True)
    return np.packbits(bits, axis=-1).view(">u8")[..., 0].astype(np.uint64)


def near_median(coefficients: np.ndarray) -> np.ndarray:
    """How many of 64 coefficients [..., 64] lie within 2^-9 of their median: int64 [...]."""
    return (np.abs(coefficients - np.median(coefficients, axis=-1, keepdims=True)) <= _NEAR).sum(axis=-1)
