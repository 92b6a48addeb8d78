"""The 8 x 8 cells of a picture that colours, shades and tones are compared by, and how light each is."""

import itertools

import numpy as np

from schemas.signatures import CELLS, CELLS_SIDE, CHROMA, THUMBNAIL_SIDE
from transforms.compiled import ZERO, compiled

CELL = THUMBNAIL_SIDE // CELLS_SIDE
"""Pixels of a thumbnail."""
WITHIN = np.array(list(itertools.product((-0.4, 0.4), repeat=2)))
"""Cells from the middle of one, within it: float64 [4, 2], down and along."""
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
_SIDE, _ROW, _CELL = (np.uint64(n) for n in (THUMBNAIL_SIDE, CELLS_SIDE, CELL))


def read(kept: np.ndarray, there: np.ndarray) -> np.ndarray:
    """What is kept of cells of pictures, [n, 64], at some of them, int64 [..., n, 64].

    >>> read(np.arange(128).reshape(2, 64), np.full((1, 2, 64), 3))[0, :, :2].tolist()
    [[3, 3], [67, 67]]
    """
    found: np.ndarray = kept.reshape(-1).take(there + np.arange(0, kept.size, CELLS)[:, None])
    return found


def read_colours(chroma: np.ndarray, there: np.ndarray) -> np.ndarray:
    """The Cb and Cr of pictures, int8 [n, 2, 64], at some of their cells, int64 [..., n, 64]: float32 [..., n, 2, 64].

    >>> read_colours(np.arange(128, dtype=np.int8).reshape(1, 2, 64), np.full((1, 64), 3))[0, :, 0].tolist()
    [3.0, 67.0]
    """
    return np.stack([read(chroma[:, plane], there) for plane in range(len(CHROMA))], axis=-2).astype(np.float32)


def squared(chroma: np.ndarray) -> np.ndarray:
    """How far Cb and Cr, float32 [..., n, 2, 64], are from neutral, squared: [..., n, 64].

    >>> squared(np.full((1, 2, 64), 3, np.float32))[0, :2].tolist()
    [18.0, 18.0]
    """
    cb, cr = chroma[..., 0, :], chroma[..., 1, :]
    found: np.ndarray = cb * cb + cr * cr
    return found


def levels(thumbnails: np.ndarray, which: np.ndarray) -> np.ndarray:
    """The sum of the levels of each cell of some thumbnails, uint8 [m, 48 * 48], by their numbers, int64 [n]: int64 [n, 64].

    >>> levels(np.ones((1, 48 * 48), np.uint8), np.array([0]))[0, :2].tolist()
    [36, 36]
    """
    sums = np.empty((len(which), CELLS), np.int64)
    _sum(thumbnails, which, sums)
    return sums


@compiled
def _sum(thumbnails, which, sums):  # type: ignore[no-untyped-def]
    for row in range(len(sums)):
        picture = thumbnails[which[row]]
        for i in range(_ROW):
            for j in range(_ROW):
                total, begin = ZERO, i * _CELL * _SIDE + j * _CELL
                for y in range(_CELL):
                    for x in range(_CELL):
                        total += picture[begin + y * _SIDE + x]
                sums[row, i * _ROW + j] = total
