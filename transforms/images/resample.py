"""Grey pictures resampled to a few dozen pixels a side, as Pillow does it and an eighth of the time.

Weights and sums are whole numbers, so every machine makes the same bytes: a row of weights adds up to 2^14, a sum down a column keeps six
binary places, and no sum outgrows 32 bits.
"""

import functools
import math
from typing import Literal

import numpy as np

from transforms.compiled import ZERO, compiled

Box = tuple[int, int, int, int]  # left, top, right, bottom

_UNIT = 1 << 14  # of a weight
_KEPT = 6  # binary places of a sum down a column
_DROPPED, _REST = np.int32(14 - _KEPT), np.int32(14 + _KEPT)
_HALF_KEPT, _HALF = np.int32(1 << 13 - _KEPT), np.int64(1 << 13 + _KEPT)  # what rounds


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
    across, width, begin = np.uint64(grey.shape[1]), np.uint64(right - left), np.uint64(top * grey.shape[1] + left)
    _resample(grey.reshape(-1), begin, across, first_rows, row_weights, width, first_columns, column_weights, line, out)
    return out


@functools.lru_cache(maxsize=1024)
def _weights(length: int, side: int, by: str) -> tuple[np.ndarray, np.ndarray]:
    """The first source pixel of each of `side` pixels, uint64 [side], and the weights from there on, int32 [side, taps]."""
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
    return starts.astype(np.uint64), weights


@compiled
def _resample(flat, begin, across, first_rows, row_weights, width, first_columns, column_weights, line, out):  # type: ignore[no-untyped-def]
    for i in range(len(first_rows)):
        weights, row, start = row_weights[i], out[i], begin + first_rows[i] * across
        for x in range(width):
            line[x] = _HALF_KEPT
        for tap in range(len(weights)):
            weight = weights[tap]
            if weight != 0:
                for x in range(width):
                    line[x] += weight * np.int32(flat[start + x])
            start += across
        for j in range(len(row)):
            weights, start, total = column_weights[j], first_columns[j], _HALF
            for tap in range(np.uint64(len(weights))):
                total += (line[start + tap] >> _DROPPED) * weights[tap]
            row[j] = total >> _REST


def deviation(grey: np.ndarray) -> float:
    """Standard deviation of the levels of a picture, uint8 [rows, columns], from sums that are exact.

    >>> deviation(np.array([[1, 3], [3, 1]], np.uint8))
    1.0
    """
    total, squares = _sums(grey.reshape(-1))
    return math.sqrt(grey.size * squares - total * total) / grey.size


@compiled
def _sums(levels):  # type: ignore[no-untyped-def]
    total, squares = ZERO, ZERO
    for k in range(len(levels)):
        level = np.int64(levels[k])
        total += level
        squares += level * level
    return total, squares
