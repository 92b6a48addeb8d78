"""How well outlines and folds of two aligned thumbnails agree, block by block.

Gradients g / (|g| + 1), in which a fold counts as much as an outline, are correlated in 36 blocks, less each block's mean: the mean over
the blocks with detail that lie inside both pictures, of which fewer than 12 count as 12.
"""

import math

import numpy as np

from schemas.signatures import THUMBNAIL_SIDE
from transforms.compiled import ZERO, compiled
from transforms.images.fitting import GRID, SEEN, STILL, Level

_FEWEST = 12
_FAR, _HALF_BLOCK = 0.5 + 0.02, 1 / (2 * GRID)  # of a side: from the middle, a place that counts as inside; a block's edge from its middle
_PIXELS, _CELL = THUMBNAIL_SIDE**2, THUMBNAIL_SIDE // GRID
_SHARE, _DETAILED = 1 / _CELL**2, _CELL**2 * 0.35**2  # sum of squares of softened gradients from which a block has detail
_MIDDLES = (np.arange(GRID) + 0.5) / GRID
_SLOPES = np.pad(np.full(THUMBNAIL_SIDE - 2, 0.5, np.float32), 1)  # what a difference weighs, by row or column
_ONE = np.float32(1)
_SIDE, _BESIDE, _TWO, _FOUR, _HIGH, _GRID = (np.uint64(n) for n in (THUMBNAIL_SIDE, 1, 2, 4, _CELL, GRID))
_FIRST, _OTHER = np.uint64(STILL * _PIXELS), np.uint64((SEEN - STILL) * _PIXELS)
_SUMS = 7
_ALONG, _SEEN_DOWN, _SEEN_ALONG, _BOTH, _OWN, _OTHERS = (np.uint64(n * THUMBNAIL_SIDE) for n in range(1, _SUMS))


def compared(level: Level, to: np.ndarray, found: np.ndarray) -> None:
    """How well pairs that were warped agree at the maps, float64 [n, 2, 3]: the mean and the least correlation, float64 [n, 2]."""
    _compare(level.planes.reshape(len(to), -1), _SLOPES, to.reshape(len(to), -1), level.scratch, found)


@compiled
def _compare(planes, slopes, to, room, found):  # type: ignore[no-untyped-def]
    """Seven sums down the columns of a row of blocks, then across each: of gradients of either picture, of their products and squares."""
    line, two, four = room[0], room[1], room[2]
    for row in range(len(found)):
        pixels, map_, total, least, counted = planes[row], to[row], 0.0, 1.0, ZERO
        yy, yx, y0, xy, xx, x0 = map_[0], map_[1], map_[2], map_[3], map_[4], map_[5]
        far_y, far_x = _FAR - (abs(yy) + abs(yx)) * _HALF_BLOCK, _FAR - (abs(xy) + abs(xx)) * _HALF_BLOCK
        for block in range(_GRID):
            for k in range(_SUMS * _SIDE):
                line[k] = 0.0
            for y in range(block * _HIGH, (block + _BESIDE) * _HIGH):
                high, start = slopes[y], _FIRST + y * _SIDE
                for j in range(_SIDE):
                    at, wide = start + j, slopes[j]
                    down, along = high * (pixels[at + _SIDE] - pixels[at - _SIDE]), wide * (pixels[at + _BESIDE] - pixels[at - _BESIDE])
                    scale = _ONE / (math.sqrt(down * down + along * along) + _ONE)
                    down, along = down * scale, along * scale
                    at += _OTHER
                    lower, aside = high * (pixels[at + _SIDE] - pixels[at - _SIDE]), wide * (pixels[at + _BESIDE] - pixels[at - _BESIDE])
                    scale = _ONE / (math.sqrt(lower * lower + aside * aside) + _ONE)
                    lower, aside = lower * scale, aside * scale
                    line[j] += down
                    line[j + _ALONG] += along
                    line[j + _SEEN_DOWN] += lower
                    line[j + _SEEN_ALONG] += aside
                    line[j + _BOTH] += down * lower + along * aside
                    line[j + _OWN] += down * down + along * along
                    line[j + _OTHERS] += lower * lower + aside * aside
            for k in range(_SUMS * _SIDE):
                two[k] = line[k] + line[k + _BESIDE]
            for k in range(_SUMS * _SIDE):
                four[k] = two[k] + two[k + _TWO]
            for k in range(_SUMS * _SIDE):
                two[k] = four[k] + four[k + _FOUR]
            middle = _MIDDLES[block]
            for beside in range(_GRID):
                at, centre = beside * _HIGH, _MIDDLES[beside]
                down, along = np.float64(two[at]), np.float64(two[at + _ALONG])
                lower, aside = np.float64(two[at + _SEEN_DOWN]), np.float64(two[at + _SEEN_ALONG])
                both = two[at + _BOTH] - (down * lower + along * aside) * _SHARE
                one = two[at + _OWN] - (down * down + along * along) * _SHARE
                other = two[at + _OTHERS] - (lower * lower + aside * aside) * _SHARE
                inside = (abs(yy * middle + yx * centre + y0 - 0.5) <= far_y) & (abs(xy * middle + xx * centre + x0 - 0.5) <= far_x)
                if inside & ((one > _DETAILED) | (other > _DETAILED)):
                    square = one * other
                    agreed = both / math.sqrt(square + 1e-6) if (both > 0) & (square > 0) else 0.0
                    total, counted, least = total + agreed, counted + 1, agreed if agreed < least else least
        found[row, 0], found[row, 1] = total / (counted if counted > _FEWEST else _FEWEST), least
