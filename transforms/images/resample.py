"""Grey pictures resampled to a few dozen pixels a side, as Pillow does it and an eighth of the time.

Weights and sums are whole numbers, so every machine makes the same bytes: a row of weights adds up to 2^14, a sum down a column keeps six
binary places, and no sum outgrows 32 bits.
"""

import functools
import math
from typing import Literal

import numpy as np

from transforms.compiled import compiled

Box = tuple[int, int, int, int]  # left, top, right, bottom

_UNIT = 1 << 14  # of a weight
_KEPT = 6  # binary places of a sum down a column


def resampled(grey: np.ndarray, box: Box, side: int, by: Literal["area", "triangle"]) -> np.ndarray:
    """The part of a picture in the box, and nothing of what lies around it, as uint8 [side, side].

    Args:
      grey: uint8 [rows, columns].
      box: left, top, right, bottom in pixels.
      side: pixels of the result.
      by: `area`: each pixel is the mean of what it covers. `triangle`: weights fall to nothing at the middle of the neighbouring pixels, as
        with Pillow's `BILINEAR`, from which no level differs by more than one.

    >>> resampled(np.arange(16, dtype=np.uint8).reshape(4, 4), (0, 0, 4, 4), 2, "area").tolist()
    [[3, 5], [11, 13]]
    """
    left, top, right, bottom = box
    out = np.empty((side, side), np.uint8)
    first_rows, row_weights = _weights(bottom - top, side, by)
    first_columns, column_weights = _weights(right - left, side, by)
    line = np.zeros(right - left + column_weights.shape[1], np.int32)  # what lies beyond the last column weighs nothing
    _resample(grey, top + first_rows, row_weights, left, right - left, first_columns, column_weights, line, out)
    return out


@functools.lru_cache(maxsize=1024)
def _weights(length: int, side: int, by: str) -> tuple[np.ndarray, np.ndarray]:
    """The first source pixel of each of `side` pixels, int64 [side], and the weights from there on, int32 [side, taps]."""
    step = length / side
    if by == "area":
        starts = (np.arange(side) * length) // side
        ends = -(-(np.arange(1, side + 1) * length) // side)
    else:
        reach, centres = max(step, 1.0), (np.arange(side) + 0.5) * step
        starts = np.maximum(0, np.floor(centres - reach + 0.5)).astype(np.int64)
        ends = np.minimum(length, np.floor(centres + reach + 0.5)).astype(np.int64)
    source = starts[:, None] + np.arange(int((ends - starts).max()))
    if by == "area":
        edges = np.arange(side + 1)[:, None] * step
        shares = np.minimum(edges[1:], source + 1) - np.maximum(edges[:-1], source)
    else:
        shares = 1 - np.abs(source + 0.5 - centres[:, None]) / reach
    shares = np.where(source < ends[:, None], np.maximum(shares, 0), 0)
    weights = np.rint(shares * (_UNIT / shares.sum(axis=1, keepdims=True))).astype(np.int32)
    weights[np.arange(side), weights.argmax(axis=1)] += (_UNIT - weights.sum(axis=1)).astype(np.int32)
    return starts, weights


@compiled
def _resample(grey, first_rows, row_weights, left, width, first_columns, column_weights, line, out):  # type: ignore[no-untyped-def]
    side, down, along = out.shape[0], row_weights.shape[1], column_weights.shape[1]
    for i in range(side):
        for x in range(width):
            line[x] = 0
        for tap in range(down):
            weight = row_weights[i, tap]
            if weight != 0:
                source = grey[first_rows[i] + tap, left : left + width]
                for x in range(width):
                    line[x] += weight * np.int32(source[x])
        for x in range(width):
            line[x] = (line[x] + np.int32(1 << 13 - _KEPT)) >> np.int32(14 - _KEPT)
        for j in range(side):
            start, weights = first_columns[j], column_weights[j]
            part, total = line[start : start + along], np.int32(1 << 13 + _KEPT)
            for tap in range(along):
                total += part[tap] * weights[tap]
            out[i, j] = total >> np.int32(14 + _KEPT)


def deviation(grey: np.ndarray) -> float:
    """Standard deviation of the levels of a picture, uint8 [rows, columns], from sums that are exact.

    >>> deviation(np.array([[1, 3], [3, 1]], np.uint8))
    1.0
    """
    total, squares = _sums(grey)
    return math.sqrt(grey.size * squares - total * total) / grey.size


@compiled
def _sums(grey):  # type: ignore[no-untyped-def]
    total, squares = np.int64(0), np.int64(0)
    for i in range(grey.shape[0]):
        row = grey[i]
        for x in range(len(row)):
            level = np.int64(row[x])
            total += level
            squares += level * level
    return total, squares
