"""How unlike two drawn pictures are when they are looked at closely: whether what is written in each window of them is the same.

Two pages of one layout have their lines in the same places; what their lines say shows in the slopes along them only, and only where a
letter has a pixel of its own. So slopes down and slopes along are compared apart, as in `transforms.images.windows`, but at 96 x 96 pixels,
in windows of 8 x 8 half a window apart. A map that was found at 48 x 48 pixels is right to a pixel here, so each window is looked for a
pixel around as well.

How unlike the windows of an edited copy are depends on the edit, which blurs, turns or saves all of them alike; where something else is
written, few windows are unlike and the others are not. So the median tells what to expect of the pair. Of 11,000 pairs of pages and screens
of one layout that say something else, but agree at 48 x 48 pixels, one passes the bounds of `transforms.images.alignment`, two noisy scans;
of their edited copies more do than by thumbnails alone.
"""

import threading

import numpy as np

from schemas.signatures import DETAIL_SIDE
from transforms.compiled import compiled
from transforms.images.fitting import ONES, SEEN, STILL, Level

_TOGETHER = 4  # pairs whose work fits a core's cache
_CELL = 4  # pixels; a window is of 2 x 2 cells
_CELLS = DETAIL_SIDE // _CELL
_PIXELS = 4 * _CELL * _CELL
_REAL = np.arange(_CELLS * (_CELLS - 1) - 1) % _CELLS != _CELLS - 1  # windows, by their first cell
_COVERED = 0.6  # of a window's pixels that the map leaves inside, from which it is compared
_VARIES = 10.0  # levels over two pixels: root mean square in a window from which it varies
_NOISE = np.float32(4.0**2)  # levels over two pixels, squared
_PADDED = DETAIL_SIDE + 2
_SIDE, _WIDE, _HIGH, _LINES = (np.uint64(size) for size in (DETAIL_SIDE, _PADDED, _CELL, _CELLS))
_BESIDE, _TWO = np.uint64(1), np.uint64(2)
_ENDS, _ONE, _OTHER = range(3)
_AROUND = [down * _PADDED + along for down in range(3) for along in range(3)]  # a pixel up to a pixel down, a pixel left to a pixel right
_HERE = _AROUND[4]
_PRODUCTS = np.array([
    (_ENDS, _HERE, _ENDS, _HERE), (_ONE, _HERE, _ONE, _HERE), *((_ONE, _HERE, _OTHER, at) for at in _AROUND),
    *((_OTHER, at, _OTHER, at) for at in _AROUND),
], np.uint64)  # fmt: skip


class _Room(threading.local):
    """What one thread works on."""

    def __init__(self) -> None:
        """Makes room for a few pairs."""
        self.level = Level.of(DETAIL_SIDE, _TOGETHER)
        self.slopes = np.zeros((_TOGETHER, 2, 3, _PADDED, _PADDED), np.float32)
        self.sums = np.zeros((2 * _TOGETHER, len(_PRODUCTS), _CELLS * _CELLS), np.float32)
        self.line = np.zeros(DETAIL_SIDE, np.float32)


_ROOM = _Room()


def closely_unlike(pictures: np.ndarray, still: np.ndarray, moved: np.ndarray, to: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One less the correlation of slopes in the windows of pictures, 0 to 2.

    Args:
      pictures: uint8 [m, 96 * 96].
      still: int64 [n], which is looked for.
      moved: int64 [n], in which other one.
      to: float64 [n, 2, 3], the map from the one to the other, as `transforms.images.alignment` found it.

    Returns:
      the most of all windows in which one of them varies; the most of those in which both do, and of these the median; float64 [n].
    """
    found = np.zeros((3, len(to)))
    for some, level in _ROOM.level.aligned(pictures, still, moved, to):
        unlike, varies, both_vary = _windows(level.planes.reshape(len(level.planes), -1, DETAIL_SIDE, DETAIL_SIDE))
        found[0, some] = np.where(varies, unlike, 0).max(axis=1)
        ordered, count = np.sort(np.where(both_vary, unlike, np.inf), axis=1), both_vary.sum(axis=1)
        some_vary = np.flatnonzero(count)
        for row, place in ((1, count - 1), (2, (count - 1) // 2)):
            found[row, some.start + some_vary] = ordered[some_vary, place[some_vary]]
    return found[0], found[1], found[2]


def _windows(planes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One less the correlation of slopes in each window, down and along; whether one of them varies there; whether both do: [n, 1102].

    Windows that begin in the last column of cells are none, and vary nowhere.
    """
    slopes, sums = _ROOM.slopes[: len(planes)], _ROOM.sums[: 2 * len(planes)]
    for of, source, plane in ((np.multiply, ONES, _ENDS), (np.subtract, STILL, _ONE), (np.subtract, SEEN, _OTHER)):
        _of_ends(of, planes[:, source], slopes[:, :, plane, 1:-1, 1:-1])
    slopes[:, :, _ONE:] *= slopes[:, :, _ENDS:_ONE]
    _multiply(slopes.reshape(len(sums), 3, -1), _PRODUCTS, _ROOM.line, sums)
    pairs = sums[..., :-_CELLS] + sums[..., _CELLS:]
    windows = (pairs[..., :-1] + pairs[..., 1:]).swapaxes(0, 1) / np.float32(_PIXELS)
    covered, one_varies, shared, there = windows[0], windows[1], windows[2 : 2 + len(_AROUND)], windows[2 + len(_AROUND) :]
    other_varies = there[_AROUND.index(_HERE)]
    unlike = 1 - ((shared + _NOISE) / np.sqrt((one_varies + _NOISE) * (there + _NOISE))).max(axis=0)
    compared = (covered >= _COVERED) & _REAL
    either, both = (compared & (of(one_varies, other_varies) > _VARIES**2) for of in (np.maximum, np.minimum))
    return unlike.reshape(len(planes), -1), either.reshape(len(planes), -1), both.reshape(len(planes), -1)


def _of_ends(of: np.ufunc, planes: np.ndarray, found: np.ndarray) -> None:
    """A function of the pixels behind and before each one, down and along, into float32 [n, 2, 96, 96], whose edges stay 0."""
    of(planes[:, 2:], planes[:, :-2], out=found[:, 0, 1:-1])
    of(planes[:, :, 2:], planes[:, :, :-2], out=found[:, 1, :, 1:-1])


@compiled
def _multiply(planes, products, line, sums):  # type: ignore[no-untyped-def]
    """Sums over cells of the products of padded planes, each from a place of its own, in one order on every machine."""
    for row in range(len(planes)):
        for product in range(len(products)):
            one, other, out = planes[row, products[product, 0]], planes[row, products[product, 2]], sums[row, product]
            begin, end = products[product, 1], products[product, 3]
            for i in range(_LINES):
                for j in range(_SIDE):
                    down = i * _HIGH * _WIDE + j
                    at, there = begin + down, end + down
                    upper = one[at] * other[there] + one[at + _WIDE] * other[there + _WIDE]
                    at, there = at + _WIDE + _WIDE, there + _WIDE + _WIDE
                    line[j] = upper + (one[at] * other[there] + one[at + _WIDE] * other[there + _WIDE])
                for j in range(_LINES):
                    at = j * _HIGH
                    left = line[at] + line[at + _BESIDE]
                    at += _TWO
                    out[i * _LINES + j] = left + (line[at] + line[at + _BESIDE])
