"""How unlike the windows of two aligned pictures are: whether what varies along their lines, and down their columns, varies alike in each.

Pages of one layout, screens of one program and diagrams of one tool have their lines of text, their rules and their boxes in the same
places. At 48 x 48 a line of text is a grey stroke, and two strokes agree across whatever they say: only along them do they differ, by a few
levels. So slopes down and slopes along are compared apart, each in every window of 6 x 6 pixels, half a window apart, by their correlation.

Where one of two pictures varies and the other does not, something may lie over it or may have been blurred away. Where both vary, each by
itself, there is something in each that the other lacks, as `transforms.images.exchanged` has it, without a ground to tell by.
"""

import threading

import numpy as np

from schemas.signatures import THUMBNAIL_SIDE
from transforms.compiled import compiled
from transforms.images.fitting import ALONG, DOWN, FEW, ONES, SEEN, SEEN_ALONG, SEEN_DOWN, STILL, Level

_CELL = 3  # pixels; a window is of 2 x 2 cells
_CELLS = THUMBNAIL_SIDE // _CELL
_WINDOWS = _CELLS * (_CELLS - 1) - 1  # one from each cell on
_PIXELS = 4 * _CELL * _CELL
_VARIES, _BOTH_VARY = 2.0, 3.0  # levels a pixel: root mean square in a window from which it varies; from which both do
_NOISE = 0.5  # levels a pixel
_MOST, _BOTH, _LITTLE = (_PIXELS * level**2 for level in (_VARIES, _BOTH_VARY, _NOISE))
_ACROSS, _HIGH, _SIDE, _ONE, _TWO = (np.uint64(n) for n in (_CELLS, _CELL, THUMBNAIL_SIDE, 1, 2))
_PRODUCTS = np.array([
    (DOWN, DOWN), (ALONG, ALONG), (SEEN_DOWN, SEEN_DOWN), (SEEN_ALONG, SEEN_ALONG), (DOWN, SEEN_DOWN), (ALONG, SEEN_ALONG),
])  # fmt: skip
_INNER = np.pad(np.ones((THUMBNAIL_SIDE - 2, THUMBNAIL_SIDE - 2), np.float32), 1).ravel()  # there are no slopes at the rim
_REAL, _MIDDLE = np.zeros((2, 2, _CELLS, _CELLS), bool)  # windows, of slopes down and along, by their first cell: all; those in the middle
_REAL[:, :-1, :-1] = True
_MIDDLE[:, 2:13, 1:14] = True  # an eighth above and below and a sixteenth at the sides are for banners and stamps
_REAL, _MIDDLE = _REAL.ravel(), _MIDDLE.ravel()


class _Room(threading.local):
    """What one thread works on."""

    def __init__(self) -> None:
        """Makes room for a few pairs."""
        self.level = Level.of(THUMBNAIL_SIDE, FEW)
        self.sums = np.zeros((FEW, len(_PRODUCTS), _CELLS * _CELLS))


_ROOM = _Room()


def unlikeness(pictures: np.ndarray, still: np.ndarray, moved: np.ndarray, to: np.ndarray) -> np.ndarray:
    """One less the correlation of slopes in the window where it is least, 0 to 2.

    Args:
      pictures: thumbnails, uint8 [m, 48 * 48].
      still: int64 [n], the one looked for.
      moved: int64 [n], the other, in which.
      to: float64 [n, 2, 3], the map from the one to the other, as `transforms.images.alignment` found it.

    Returns:
      float64 [n, 2]: of all windows in which one of them varies; of those in the middle in which both do.
    """
    found = np.zeros((len(to), 2))
    for some, level in _ROOM.level.aligned(pictures, still, moved, to):
        sums = _ROOM.sums[: len(level.planes)]
        level.planes[:, ONES] *= _INNER
        level.slope(STILL)
        level.slope(SEEN)
        _sum(level.planes, _PRODUCTS, level.scratch[0], sums)
        found[some] = _unlike(sums.reshape(len(sums), 3, -1))
    return found


@compiled
def _sum(planes, products, line, sums):  # type: ignore[no-untyped-def]
    """Sums over windows of the products of pairs of planes where `ONES` is not 0; those that begin in a last column or row are none."""
    for row in range(len(planes)):
        inside = planes[row, ONES]
        for product in range(len(products)):
            one, other, out = planes[row, products[product, 0]], planes[row, products[product, 1]], sums[row, product]
            for i in range(_ACROSS):
                for j in range(_SIDE):
                    at = i * _HIGH * _SIDE + j
                    total = one[at] * other[at] * inside[at]
                    for _ in range(_TWO):
                        at += _SIDE
                        total += one[at] * other[at] * inside[at]
                    line[j] = total
                for j in range(_ACROSS):
                    at = j * _HIGH
                    out[i * _ACROSS + j] = line[at] + line[at + _ONE] + line[at + _TWO]
            for cell in range(_WINDOWS):
                below = cell + _CELLS
                out[cell] = out[cell] + out[cell + 1] + out[below] + out[below + 1]


def _unlike(sums: np.ndarray) -> np.ndarray:
    """What `unlikeness` returns, from sums over windows of `_PRODUCTS`: of the one, the other, and both, float64 [n, 3, windows]."""
    one, other, both = sums.transpose(1, 0, 2)
    alike = one * other
    alike += _LITTLE**2
    np.divide(both, np.sqrt(alike, out=alike), out=alike)
    vary, both_vary = np.maximum(one, other) > _MOST, np.minimum(one, other) > _BOTH
    windows = [np.where(which, alike, 1).min(axis=1) for which in (vary & _REAL, both_vary & _MIDDLE)]
    return np.maximum(1 - np.stack(windows, axis=1), 0)
