"""How unlike the windows of two aligned pictures are: whether what varies along their lines, and down their columns, varies alike in each.

Pages of one layout, screens of one program and diagrams of one tool have their lines of text, their rules and their boxes in the same
places. At 48 x 48 a line of text is a grey stroke, and two strokes agree across whatever they say: only along them do they differ, by a few
levels. So slopes down and slopes along are compared apart, each in every window of 6 x 6 pixels, half a window apart, by their correlation.

Where one of two pictures varies and the other does not, something may lie over it or may have been blurred away. Where both vary, each by
itself, there is something in each that the other lacks, as `transforms.images.exchanged` has it, without a ground to tell by.
"""

import math
import threading

import numpy as np

from schemas.signatures import THUMBNAIL_SIDE
from transforms.compiled import compiled
from transforms.images.fitting import FEW, SEEN, STILL, Level

_CELL = 3  # pixels; a window is of 2 x 2 cells
_CELLS = THUMBNAIL_SIDE // _CELL
_ROWS, _COLUMNS = (2, 14), (1, 15)  # cells of the middle: an eighth above and below and a sixteenth at the sides are for banners and stamps
_PIXELS = 4 * _CELL * _CELL
_VARIES, _BOTH_VARY = 2.0, 3.0  # levels a pixel: root mean square in a window from which it varies; from which both do
_NOISE = 0.5  # levels a pixel
_SIDE, _ONE, _ZERO, _LAST = np.uint64(THUMBNAIL_SIDE), np.uint64(1), np.float32(0), THUMBNAIL_SIDE - 1
_MOST, _BOTH, _LITTLE = (4 * _PIXELS * level**2 for level in (_VARIES, _BOTH_VARY, _NOISE))  # of differences over two pixels


class _Room(threading.local):
    """What one thread works on."""

    def __init__(self) -> None:
        """Makes room for a few pairs."""
        self.level = Level.of(THUMBNAIL_SIDE, FEW)
        self.sums = np.zeros((3, _CELLS * _CELLS))


_ROOM = _Room()


def unlikeness(left: np.ndarray, right: np.ndarray, swapped: np.ndarray, to: np.ndarray) -> np.ndarray:
    """One less the correlation of slopes in the window where it is least, 0 to 2.

    Args:
      left: uint8 [n, 48 * 48].
      right: uint8 [n, 48 * 48].
      swapped: bool [n], whether the right one is looked for in the left.
      to: float64 [n, 2, 3], the map from the one looked for to the other, as `transforms.images.alignment` found it.

    Returns:
      float64 [n, 2]: of all windows in which one of them varies; of those in the middle in which both do.
    """
    found = np.zeros((len(left), 2))
    for start in range(0, len(left), FEW):
        some = slice(start, start + FEW)
        level = _ROOM.level.first(len(found[some]))
        level.load(left[some], right[some], swapped[some])
        level.warp(to[some])
        _compare(level.planes, to[some], _ROOM.sums, found[some])
    return found


@compiled
def _compare(planes, to, sums, found):  # type: ignore[no-untyped-def]
    """Slopes of pixels that the map leaves inside, summed over cells, and windows of 2 x 2 of those."""
    ones, others, both = sums[0], sums[1], sums[2]
    for row in range(len(planes)):
        one, other, map_ = planes[row, STILL], planes[row, SEEN], to[row]
        stands, lies = 0.5 * (1 - abs(map_[0, 0]) - abs(map_[0, 1])), 0.5 * (1 - abs(map_[1, 0]) - abs(map_[1, 1]))
        y, x = 0.5 * (map_[0, 0] + map_[0, 1]) + map_[0, 2] - 0.5, 0.5 * (map_[1, 0] + map_[1, 1]) + map_[1, 2] - 0.5
        whole = abs(y) <= stands and abs(x) <= lies
        for step in (_SIDE, _ONE):
            for cell in range(_CELLS * _CELLS):
                top, left = cell // _CELLS * _CELL, cell % _CELLS * _CELL
                mine = theirs = shared = _ZERO
                for i in range(top if top else 1, top + _CELL if top + _CELL < THUMBNAIL_SIDE else _LAST):
                    for j in range(left if left else 1, left + _CELL if left + _CELL < THUMBNAIL_SIDE else _LAST):
                        down, along = (i + 0.5) / THUMBNAIL_SIDE, (j + 0.5) / THUMBNAIL_SIDE
                        if whole or (
                            0 <= map_[0, 0] * down + map_[0, 1] * along + map_[0, 2] <= 1
                            and 0 <= map_[1, 0] * down + map_[1, 1] * along + map_[1, 2] <= 1
                        ):
                            k = np.uint64(i * THUMBNAIL_SIDE + j)
                            a, b = one[k + step] - one[k - step], other[k + step] - other[k - step]
                            mine, theirs, shared = mine + a * a, theirs + b * b, shared + a * b
                ones[cell], others[cell], both[cell] = mine, theirs, shared
            for i in range(_CELLS - 1):
                for j in range(_CELLS - 1):
                    at = i * _CELLS + j
                    below = at + _CELLS
                    a, b = ones[at] + ones[at + 1], others[at] + others[at + 1]
                    a, b = a + ones[below] + ones[below + 1], b + others[below] + others[below + 1]
                    if a > _MOST or b > _MOST:
                        c = both[at] + both[at + 1] + both[below] + both[below + 1]
                        unlike = 1 - c / math.sqrt(a * b + _LITTLE * _LITTLE)
                        found[row, 0] = unlike if unlike > found[row, 0] else found[row, 0]
                        middle = _ROWS[0] <= i < _ROWS[1] - 1 and _COLUMNS[0] <= j < _COLUMNS[1] - 1
                        if middle and a > _BOTH and b > _BOTH:
                            found[row, 1] = unlike if unlike > found[row, 1] else found[row, 1]
