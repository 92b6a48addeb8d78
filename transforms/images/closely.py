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
from numpy.lib.stride_tricks import sliding_window_view

from schemas.signatures import DETAIL_SIDE
from transforms.images.fitting import SEEN, STILL, Level

_TOGETHER = 4  # pairs whose work fits a core's cache
_CELL = 4  # pixels; a window is of 2 x 2 cells
_CELLS = DETAIL_SIDE // _CELL
_PIXELS = 4 * _CELL * _CELL
_COVERED = 0.6  # of a window's pixels that the map leaves inside, from which it is compared
_VARIES = 10.0  # levels over two pixels: root mean square in a window from which it varies
_NOISE = np.float32(4.0**2)  # levels over two pixels, squared
_AT = (np.arange(DETAIL_SIDE) + 0.5) / DETAIL_SIDE


class _Room(threading.local):
    """What one thread works on."""

    def __init__(self) -> None:
        """Makes room for a few pairs."""
        self.level = Level.of(DETAIL_SIDE, _TOGETHER)


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
    for start in range(0, len(to), _TOGETHER):
        some = slice(start, start + _TOGETHER)
        level = _ROOM.level.first(len(to[some]))
        level.load(pictures, still[some], moved[some])
        level.warp(to[some])
        one, other = (level.planes[:, plane].reshape(-1, DETAIL_SIDE, DETAIL_SIDE) for plane in (STILL, SEEN))
        unlike, varies, both_vary = _windows(one, other, _inside(to[some]))
        found[0, some] = np.where(varies, unlike, 0).max(axis=1)
        ordered, count = np.sort(np.where(both_vary, unlike, np.inf), axis=1), both_vary.sum(axis=1)
        some_vary = np.flatnonzero(count)
        for row, place in ((1, count - 1), (2, (count - 1) // 2)):
            found[row, start + some_vary] = ordered[some_vary, place[some_vary]]
    return found[0], found[1], found[2]


def _inside(to: np.ndarray) -> np.ndarray:
    """1 where the maps lead into the other picture, else 0: float32 [n, 96, 96]."""
    places = to[:, :, :1, None] * _AT[:, None] + (to[:, :, 1:2] * _AT + to[:, :, 2:])[:, :, None]
    return ((places >= 0) & (places <= 1)).all(axis=1).astype(np.float32)


def _windows(still: np.ndarray, seen: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One less the correlation of slopes in each window, down and along; whether one of them varies there; whether both do: [n, 1058]."""
    ends = _of_ends(np.multiply, inside)
    one, other = (_of_ends(np.subtract, picture) * ends for picture in (still, seen))
    covered, one_varies, other_varies = (_sums(planes) / np.float32(_PIXELS) for planes in (ends, one * one, other * other))
    shared, there = (_sums(planes) / np.float32(_PIXELS) for planes in (one * _around(other), _around(other * other)))
    unlike = 1 - ((shared + _NOISE) / np.sqrt((one_varies + _NOISE) * (there + _NOISE))).max(axis=(0, 1))
    compared = covered >= _COVERED
    either, both = (compared & (of(one_varies, other_varies) > _VARIES**2) for of in (np.maximum, np.minimum))
    return unlike.reshape(len(still), -1), either.reshape(len(still), -1), both.reshape(len(still), -1)


def _of_ends(of: np.ufunc, planes: np.ndarray) -> np.ndarray:
    """A function of the pixels behind and before each one, down and along, 0 at the edges: float32 [n, 2, 96, 96]."""
    found = np.zeros((len(planes), 2, DETAIL_SIDE, DETAIL_SIDE), np.float32)
    of(planes[:, 2:], planes[:, :-2], out=found[:, 0, 1:-1])
    of(planes[:, :, 2:], planes[:, :, :-2], out=found[:, 1, :, 1:-1])
    return found


def _around(planes: np.ndarray) -> np.ndarray:
    """The same as seen from a pixel up to a pixel down, and from a pixel left to a pixel right: [3, 3, n, 2, 96, 96]."""
    padded = np.pad(planes, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return sliding_window_view(padded, planes.shape[2:], axis=(2, 3)).transpose(2, 3, 0, 1, 4, 5)


def _sums(planes: np.ndarray) -> np.ndarray:
    """Sums over windows, float32 [..., 23, 23], in one order on every machine."""
    rows = planes.reshape(*planes.shape[:-2], _CELLS, _CELL, DETAIL_SIDE)
    lines = (rows[..., 0, :] + rows[..., 1, :]) + (rows[..., 2, :] + rows[..., 3, :])
    columns = lines.reshape(*lines.shape[:-1], _CELLS, _CELL)
    cells = (columns[..., 0] + columns[..., 1]) + (columns[..., 2] + columns[..., 3])
    pairs = cells[..., :-1, :] + cells[..., 1:, :]
    return pairs[..., :-1] + pairs[..., 1:]
