"""Views of a picture: its crops, halves and turns, each with a hash of its own, by which edited copies are found.

A view is a rectangle of the 48 x 48 thumbnail, or a turned one. Its hash is the signs of the 63 lowest coefficients of the type-II DCT of
32 x 32 cells but the mean: bit u * 8 + v says whether the coefficient of vertical frequency u and horizontal frequency v is positive, so
that the hash of a mirrored picture is the same with the odd v negated, and that of a picture turned about its diagonal has u and v
exchanged. Pixels and weights are whole numbers and no sum outgrows a double, so no order of summation can decide a bit.

Every view of one picture is compared with the whole of another, and parts with the same parts: a crop equals one view of what it was
cut from. The bits that are nearest to turning are kept for keys that allow for them.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from schemas.signatures import DOUBTS, GEOMETRY, LOOKED_UP, PARTS, SUBSETS, THUMBNAIL_SIDE, VIEWS
from transforms.compiled import compiled
from transforms.images.bars import bars
from transforms.images.decode import Picture

_CELLS = 32
_SIGHT = 6  # binary places of a turned view's pixels
_UNIT = 2.0**14  # of a weight

# Shares of the trimmed picture: top, bottom, left, right.
WINDOWS = {
    "whole": (0, 1, 0, 1), "centre95": (.025, .975, .025, .975), "centre90": (.05, .95, .05, .95), "centre85": (.075, .925, .075, .925),
    "centre80": (.1, .9, .1, .9), "no_foot": (0, .9, 0, 1), "no_head": (.1, 1, 0, 1),
    "north_west": (.01, .93, .01, .93), "north": (.01, .93, .04, .96), "north_east": (.01, .93, .07, .99),
    "west": (.04, .96, .01, .93), "east": (.04, .96, .07, .99),
    "south_west": (.07, .99, .01, .93), "south": (.07, .99, .04, .96), "south_east": (.07, .99, .07, .99),
    "middle": (.2, .8, 0, 1), "left": (0, 1, 0, .6), "right": (0, 1, .4, 1), "top": (0, .6, 0, 1), "bottom": (.4, 1, 0, 1),
}  # fmt: skip
# Degrees, and the share of the sides that a turned rectangle keeps.
TURNS = {"turned_left": (-4.5, 0.874), "turned_right": (4.5, 0.874)}
RECTANGLES = np.array([WINDOWS[name] for name in VIEWS if name in WINDOWS], np.float64)
TURNED = np.array([(round(math.cos(math.radians(a)) * k, 12), round(math.sin(math.radians(a)) * k, 12)) for a, k in TURNS.values()])
_FIRST_TURN, SQUARE, UNBARRED, UNTRIMMED = len(WINDOWS), len(VIEWS) - 3, len(VIEWS) - 2, len(VIEWS) - 1
_DOUBTED = np.array([VIEWS.index(name) for name in LOOKED_UP + PARTS])


def _subset(parity: int, highest: int) -> np.ndarray:
    u, v = np.divmod(np.arange(64), 8)
    return np.flatnonzero(((u + v) % 2 == parity) & (u + v <= highest) & (u + v > 0))


SUBSET_BITS = (_subset(1, 9), _subset(0, 10))
"""The bits of a hash that a key holds: a bar through the middle of a picture moves even coefficients and leaves odd ones."""


def _basis() -> np.ndarray:
    """The type-II DCT of 32 cells, orthonormal, eight lowest frequencies, in units of 2^-14: int64 [8, 32]."""
    half = np.cos(np.pi * np.arange(8)[:, None] * (np.arange(_CELLS // 2) + 0.5) / _CELLS) * math.sqrt(2 / _CELLS)
    half[0] = math.sqrt(1 / _CELLS)
    half = np.rint(half * _UNIT)
    return np.concatenate([half, half[:, ::-1] * np.where(np.arange(8) % 2, -1, 1)[:, None]], axis=1)


_BASIS = _basis()


@dataclasses.dataclass(frozen=True)
class Views:
    """What is kept of the views of a batch of pictures; zeros where there is no picture.

    Attributes:
      have: uint32 [n], bit v where the picture has view v of `schemas.signatures.VIEWS`.
      hashes: uint64 [n, views].
      doubts: uint8 [n, looked up and parts, 2, 4], for each subset the bits of the hash that are nearest to turning, nearest first.
      geometry: float32 [n, 9]: width by height without border; top, bottom, left and right between the bars, as shares of the trimmed
        picture; the same of the untrimmed picture, which lie outside it.
    """

    have: np.ndarray
    hashes: np.ndarray
    doubts: np.ndarray
    geometry: np.ndarray


def describe(pictures: Sequence[Picture | None]) -> Views:
    """The views of every picture of a batch; one row per picture, None included."""
    n = len(pictures)
    found = Views(
        np.zeros(n, np.uint32), np.zeros((n, len(VIEWS)), np.uint64),
        np.zeros((n, len(_DOUBTED), SUBSETS, DOUBTS), np.uint8), np.zeros((n, GEOMETRY), np.float32),
    )  # fmt: skip
    thumbnails = np.zeros((n, THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.uint8)
    wholes = np.zeros((n, _CELLS, _CELLS), np.uint8)
    for row, picture in enumerate(pictures):
        if picture is not None:
            found.have[row] = (1 << SQUARE + 1) - 1 | _measure(picture, found.geometry[row])
            thumbnails[row], wholes[row] = picture.thumbnail, picture.small[0]
    _describe_all(thumbnails, wholes, found.geometry, _ROWS, _COLUMNS, _BASIS, found.have, found.hashes, found.doubts)
    return found


def _measure(picture: Picture, geometry: np.ndarray) -> int:
    """Fills in the geometry; returns the bits of the views that not every picture has."""
    left, top, right, bottom = picture.box
    height, width = picture.grey.shape
    rows, columns = bottom - top, right - left
    head, foot, west, east = bars(picture.grey, picture.box)
    across, down = picture.width / width, picture.height / height  # a side may be reduced by another factor than the other
    geometry[0] = columns * across / (rows * down)
    geometry[1:5] = head / rows, 1 - foot / rows, west / columns, 1 - east / columns
    geometry[5:9] = -top / rows, (height - top) / rows, -left / columns, (width - left) / columns
    barred = head + foot > 0.015 * rows or west + east > 0.015 * columns
    return barred << UNBARRED | ((rows, columns) != (height, width)) << UNTRIMMED


@compiled
def _weigh(low, high, basis, out):  # type: ignore[no-untyped-def]
    """[8, 48] of what averages the share [low, high) of a side of 48 pixels into 32 cells and takes their DCT, in whole units."""
    n, cells = out.shape[1], basis.shape[1]
    step = (high - low) * n / cells
    out[:] = 0
    for cell in range(cells):
        start = low * n + cell * step
        for k in range(max(0, int(start)), min(n, int(start + step) + 1)):
            share = (min(start + step, k + 1.0) - max(start, k * 1.0)) / step
            if share > 0:
                for u in range(8):
                    out[u, k] += share * basis[u, cell]
    for u in range(8):
        for k in range(n):
            out[u, k] = np.rint(out[u, k])


def _weights_of_windows() -> tuple[np.ndarray, np.ndarray]:
    rows, columns = (np.zeros((len(RECTANGLES), 8, THUMBNAIL_SIDE)) for _ in range(2))
    for view, (top, bottom, left, right) in enumerate(RECTANGLES.tolist()):
        _weigh.py_func(top, bottom, _BASIS, rows[view])  # type: ignore[attr-defined]
        _weigh.py_func(left, right, _BASIS, columns[view])  # type: ignore[attr-defined]
    return rows, columns


_ROWS, _COLUMNS = _weights_of_windows()


@compiled
def _transform(picture, rows, columns, half, out):  # type: ignore[no-untyped-def]
    """The 64 coefficients rows @ picture @ columns.T."""
    n = picture.shape[0]
    for u in range(8):
        for x in range(n):
            half[u, x] = 0.0
        for y in range(n):
            weight = rows[u, y]
            if weight != 0:
                for x in range(n):
                    half[u, x] += weight * picture[y, x]
    for u in range(8):
        for v in range(8):
            total = 0.0
            for x in range(n):
                total += half[u, x] * columns[v, x]
            out[u * 8 + v] = total


@compiled
def _turn(picture, cosine, sine, aspect, out):  # type: ignore[no-untyped-def]
    """Reads a turned rectangle about the middle of the picture, between pixels linearly, in units of 2^-6."""
    n, m = picture.shape[0], out.shape[0]
    for i in range(m):
        for j in range(m):
            p, q = (i + 0.5) / m - 0.5, (j + 0.5) / m - 0.5
            y = min(max((cosine * p + sine * aspect * q + 0.5) * n - 0.5, 0.0), n - 1.001)
            x = min(max((cosine * q - sine / aspect * p + 0.5) * n - 0.5, 0.0), n - 1.001)
            k, m0 = int(y), int(x)
            down, along = y - k, x - m0
            upper = picture[k, m0] + along * (picture[k, m0 + 1] - picture[k, m0])
            lower = picture[k + 1, m0] + along * (picture[k + 1, m0 + 1] - picture[k + 1, m0])
            out[i, j] = np.rint((upper + down * (lower - upper)) * (1 << _SIGHT))


@compiled
def _describe_all(thumbnails, wholes, geometry, rows, columns, basis, have, hashes, doubts):  # type: ignore[no-untyped-def]
    side, cells = thumbnails.shape[1], wholes.shape[1]
    picture, small, half = np.empty((side, side)), np.empty((cells, cells)), np.empty((8, side))
    own_rows, own_columns, c = np.empty((8, side)), np.empty((8, side)), np.empty((len(VIEWS), 64))
    for row in range(len(have)):
        if have[row] == 0:
            continue
        info = geometry[row]
        for i in range(side):
            for j in range(side):
                picture[i, j] = float(thumbnails[row, i, j]) - 128.0
        for view in range(len(VIEWS)):
            if have[row] >> np.uint32(view) & np.uint32(1) == 0:
                continue
            if view < _FIRST_TURN:
                _transform(picture, rows[view], columns[view], half, c[view])
            elif view < SQUARE:
                _turn(picture, TURNED[view - _FIRST_TURN, 0], TURNED[view - _FIRST_TURN, 1], float(info[0]), small)
                _transform(small, basis, basis, half, c[view])
            elif view < UNTRIMMED:
                top, bottom, left, right = float(info[1]), float(info[2]), float(info[3]), float(info[4])
                if view == SQUARE:
                    top = max(0.0, 0.5 - 0.5 * info[0])
                    left = max(0.0, 0.5 - 0.5 / info[0])
                    bottom, right = 1 - top, 1 - left
                _weigh(top, bottom, basis, own_rows)
                _weigh(left, right, basis, own_columns)
                _transform(picture, own_rows, own_columns, half, c[view])
            else:
                for i in range(cells):
                    for j in range(cells):
                        small[i, j] = float(wholes[row, i, j]) - 128.0
                _transform(small, basis, basis, half, c[view])
            word = np.uint64(0)
            for k in range(1, 64):
                if c[view, k] > 0:
                    word |= np.uint64(1) << np.uint64(k)
            hashes[row, view] = word
        for place in range(len(_DOUBTED)):
            if have[row] >> np.uint32(_DOUBTED[place]) & np.uint32(1):
                _doubt(c[_DOUBTED[place]], doubts[row, place])


@compiled
def _doubt(c, doubts):  # type: ignore[no-untyped-def]
    """For each subset, the places of the coefficients nearest to 0, nearest first, the first of equal ones first."""
    for subset in range(doubts.shape[0]):
        taken = np.uint64(0)
        for n in range(doubts.shape[1]):
            best, which = np.inf, 0
            for k in range(1, 64):
                degree = (k >> 3) + (k & 7)
                if (degree ^ subset) & 1 == 1 and degree <= 9 + subset and taken >> np.uint64(k) & np.uint64(1) == 0 and abs(c[k]) < best:
                    best, which = abs(c[k]), k
            taken |= np.uint64(1) << np.uint64(which)
            doubts[subset, n] = which
