"""The 8 x 8 cells that colours, shades and tones are compared by: where those of one picture lie in another, and how light they are."""

import itertools
import math

import numpy as np

from schemas.signatures import CELLS, CELLS_SIDE, THUMBNAIL_SIDE
from transforms.images.fitting import halved

CELL = THUMBNAIL_SIDE // CELLS_SIDE
"""Pixels of a thumbnail."""
WITHIN = np.array(list(itertools.product((-0.4, 0.4), repeat=2)))
"""Cells from the middle of one, within it: float64 [4, 2], down and along."""
AT = np.zeros((1, 2))
"""Likewise at the middle itself."""
AROUND = np.array(list(itertools.product((-0.7, 0.0, 0.7), repeat=2)))
"""Likewise around it, [9, 2]: each and the one opposite stand in order from either end, the middle in the middle."""
INNER = np.pad(np.ones((CELLS_SIDE - 2, CELLS_SIDE - 2), bool), 1).ravel()
"""Those that do not lie at an edge, where what is laid over a copy mostly is: bool [64]."""
SEVERAL = 4
"""Cells in which two pictures differ, at least."""
SAME_WHITE = 3
"""Cells that are white or neutral in both, or were in one, at least."""
SAME = 3 * CELL**2
"""What a cell stays within that is what it was: of the sum of its levels."""
OTHER = 12 * CELL**2
"""More than noise: of the sum of the levels of a cell."""
_OF_CELLS = np.kron(np.eye(CELLS_SIDE), np.ones((CELL, 1))).astype(np.float32)  # which of the pixels of a row; float32 has their sums whole
_HALF = THUMBNAIL_SIDE // 2
_POINTS = np.concatenate([(np.indices((_HALF, _HALF)).reshape(2, -1) + 0.5) / _HALF, np.ones((1, _HALF**2))])
_LAST = CELLS_SIDE - 2.0**-20  # within the last cell
_AT_ONCE = 1 << 6  # pairs
_MIDDLES = np.concatenate([(np.indices((CELLS_SIDE, CELLS_SIDE)).reshape(2, -1) + 0.5) / CELLS_SIDE, np.ones((1, CELLS))])


def places(to: np.ndarray, beside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of cells of one picture, whether their middles lie in the other, bool [n, 64], and the cells at or beside them, int64 [b, n, 64].

    Args:
      to: float64 [n, 2, 3], the map from the one to the other, as `transforms.images.alignment` found it.
      beside: float64 [b, 2], down and along, in cells.

    >>> inside, there = places(np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.5]]]), np.zeros((1, 2)))
    >>> inside[0, :5].tolist(), there[0, 0, :4].tolist()
    ([True, True, True, True, False], [4, 5, 6, 7])
    """
    at = (to.reshape(-1, 3) @ _MIDDLES * CELLS_SIDE).reshape(len(to), 2, CELLS)
    cells = (at + beside[:, None, :, None]).clip(0, _LAST).astype(np.int64)
    return ((at >= 0) & (at < CELLS_SIDE)).all(axis=1), cells[:, :, 0] * CELLS_SIDE + cells[:, :, 1]


def read(kept: np.ndarray, there: np.ndarray) -> np.ndarray:
    """What is kept of cells of pictures, [n, 64], at some of them, int64 [..., n, 64].

    >>> read(np.arange(128).reshape(2, 64), np.full((1, 2, 64), 3))[0, :, :2].tolist()
    [[3, 3], [67, 67]]
    """
    found: np.ndarray = kept.reshape(-1).take(there + np.arange(0, kept.size, CELLS)[:, None])
    return found


def levels(thumbnails: np.ndarray) -> np.ndarray:
    """The sum of the levels of each cell of thumbnails, uint8 [n, 48 * 48], or of ones of half the size: int64 [n, 64].

    >>> levels(np.ones((1, 48 * 48), np.uint8))[0, :2].tolist(), levels(np.ones((1, 24 * 24), np.uint8))[0, :2].tolist()
    ([36, 36], [9, 9])
    """
    side = math.isqrt(thumbnails.shape[1])
    rows = np.einsum("ncdk->nck", thumbnails.reshape(-1, CELLS_SIDE, side // CELLS_SIDE, side).astype(np.float32))
    return (rows @ _OF_CELLS[:: THUMBNAIL_SIDE // side]).astype(np.int64).reshape(len(thumbnails), CELLS)


def seen_levels(thumbnails: np.ndarray, moved: np.ndarray, to: np.ndarray) -> np.ndarray:
    """The sum of the levels that each cell of one picture has in another one, as `levels` has it: int64 [n, 64].

    Of the other one at half the size the nearest pixels are taken.

    Args:
      thumbnails: uint8 [m, 48 * 48].
      moved: int64 [n], the other ones.
      to: float64 [n, 2, 3], the maps from the one to the other, as `transforms.images.alignment` found them.

    >>> halves = np.tile(np.repeat(np.array([0, 9], np.uint8), 24), 48)[None]
    >>> seen_levels(halves, np.array([0]), np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.25]]]))[0, :4].tolist()
    [0, 0, 324, 324]
    """
    out = np.empty((len(moved), CELLS), np.int64)
    for at in range(0, len(moved), _AT_ONCE):
        some = slice(at, at + _AT_ONCE)
        down, along = np.floor(to[some] @ _POINTS * _HALF).clip(0, _HALF - 1).astype(np.int64).swapaxes(0, 1)
        halves = halved(thumbnails, moved[some])
        out[some] = 4 * levels(np.take_along_axis(halves, down * _HALF + along, axis=1))
    return out
