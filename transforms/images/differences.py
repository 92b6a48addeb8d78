"""What two thumbnails still differ by when one lies on the other, beyond what saving, resizing and toning a picture can do to it.

Pictures of one template agree in most blocks and differ in a few places: other characters, another face, another hand of a clock. An
edited copy differs everywhere a little: an alignment is a third of a pixel off, resampling blurs, a tone curve bends. Those few causes are
fitted to every window of 16 x 16 pixels by least squares with priors (Tikhonov), each as a plane: the other picture itself (contrast), a
constant (brightness), its slopes (shift) and its Laplacian (blur). What is left, the mean square over 4 x 4 pixels, is divided by what is
allowed there: a level and a half, and fifteen hundredths of the slope. Both pictures are smoothed by 1 2 1 first, because an area-sampled
thumbnail read between its pixels is blurred more or less by where it is read, and fine print most of all.

Where something may lie over the one picture, and much is left, `transforms.images.exchanged` tells that from what each has and the other
lacks.
"""

import threading

import numpy as np

from schemas.signatures import THUMBNAIL_SIDE
from transforms.compiled import compiled
from transforms.images.exchanged import MIDDLE, exchanged
from transforms.images.fitting import ALONG, BLOCKS, DOWN, FEW, GRID, ONES, SEEN, SEEN_ALONG, SEEN_DOWN, STILL, Level, slide, solve

_CAUSES = (ONES, SEEN, SEEN_DOWN, SEEN_ALONG, DOWN)  # brightness, contrast, shift down and along, blur
_LIKELY = np.array([30.0, 0.25, 0.3, 0.3, 0.125])  # standard deviations: levels, a share, pixels, square pixels
_NOISE = 2.0  # levels
_LEAST = 1e-9  # of a square on the diagonal
_ALLOWED, _OF_SLOPE = np.float32(16 * 1.5**2), np.float32(0.15**2)  # over 4 x 4 pixels: levels; of the slope, that is, pixels; squared
_PICTURES = slice(STILL, SEEN + 1, SEEN - STILL)
_INSIDE = ONES
_TOTALS = np.array([(_INSIDE, _INSIDE), (STILL, _INSIDE), (SEEN, _INSIDE)])
_ENERGIES = np.array([(STILL, STILL), (SEEN, SEEN)])
_PAIRS = [(a, b) for k, a in enumerate(_CAUSES) for b in _CAUSES[k:]] + [(a, STILL) for a in _CAUSES]
_PRODUCTS = np.array(_PAIRS)
_PIXELS = THUMBNAIL_SIDE**2
_SOFT, _AT_EDGE, _BY_EDGE = np.array([0.25, 0.5, 0.25], np.float32), np.float32(0.75), np.float32(0.25)
_EDGES, _NEXT_TO_EDGES = slice(None, None, THUMBNAIL_SIDE - 1), slice(1, None, THUMBNAIL_SIDE - 3)
_BEND = np.array([1, -2, 1], np.float32)
_WINDOWS = BLOCKS - GRID - 1  # of 2 x 2 blocks, one from each block on
_HELD_BY = np.outer([1.0, 2, 2, 2, 2, 1], [1.0, 2, 2, 2, 2, 1]).ravel()  # windows, each block
_PATCHES = THUMBNAIL_SIDE - 3  # of 4 x 4, in a row
_SIDE, _GRID, _CELL, _ONE, _TWO, _THREE = (np.uint64(n) for n in (THUMBNAIL_SIDE, GRID, THUMBNAIL_SIDE // GRID, 1, 2, 3))
_PLANE, _REST, _SQUARES = (np.uint64(plane * _PIXELS) for plane in (1, STILL, ALONG))  # where they begin among the planes of a pair
_OTHER, _OTHER_DOWN, _OTHER_ALONG, _BENT = (np.uint64(plane * _PIXELS) for plane in _CAUSES[1:])  # the first, `ONES`, begins them all
_SHARES, _TWO_DOWN, _THREE_DOWN = (np.uint64(n) for n in (len(_CAUSES) * GRID, 2 * THUMBNAIL_SIDE, 3 * THUMBNAIL_SIDE))
_DOWNWARDS, _ONWARDS = (np.uint64(2 * _PIXELS - 3 * step) for step in (THUMBNAIL_SIDE, 1))  # of two planes, but for the last three
_SECOND, _THIRD, _FOURTH, _FIFTH = (np.uint64(n * THUMBNAIL_SIDE) for n in range(1, len(_CAUSES)))


def _system() -> tuple[np.ndarray, np.ndarray]:
    """Which of the sums of `_PAIRS` is each element of the least-squares system, the right side last; what its diagonal is given."""
    count = len(_CAUSES)
    square = [_PAIRS.index((_CAUSES[min(i, j)], _CAUSES[max(i, j)])) for i in range(count) for j in range(count)]
    return np.array([*square, *range(len(_PAIRS) - count, len(_PAIRS))]), (_NOISE / _LIKELY) ** 2


_SYSTEM, _PRIOR = _system()


class _Room(threading.local):
    """What one thread works on."""

    def __init__(self) -> None:
        """Makes room for a few pairs."""
        self.level = Level.of(THUMBNAIL_SIDE, FEW, len(_PAIRS))
        self.pictures = np.empty((FEW, 2, _PIXELS), np.float32)
        self.before = np.empty((FEW, _PIXELS), np.float32)


_ROOM = _Room()


def differences(
    pictures: np.ndarray, still: np.ndarray, moved: np.ndarray, to: np.ndarray, over: np.ndarray, most: float, least: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How much aligned thumbnails differ where they differ most, in units of what is allowed there.

    Args:
      pictures: thumbnails, uint8 [m, 48 * 48].
      still: int64 [n], the one looked for.
      moved: int64 [n], the other, in which.
      to: float64 [n, 2, 3], the map from the one to the other, as `transforms.images.alignment` found it.
      over: bool [n], whether something may lie over the one picture.
      most: from how much on that is looked at, anywhere.
      least: and from how much on away from the edges, which is at least what either has there.

    Returns:
      everywhere; and where that was looked at, what each picture has that the other lacks, and what either has, else 0; float64 [n].
    """
    found = np.zeros((3, len(to)))
    for some, level in _ROOM.level.aligned(pictures, still, moved, to):
        _smooth(level)
        weaker = np.minimum(1, 1 / _centre(level)).astype(np.float32)
        before = np.multiply(level.planes[:, STILL], weaker[:, None], out=_ROOM.before[: len(weaker)])
        _bend(level)
        shares, scratch = _shares(level.multiply(_PRODUCTS)), level.scratch.reshape(-1)
        _explain(level.planes.reshape(len(weaker), -1), shares, weaker, scratch[: 2 * _PIXELS], scratch[2 * _PIXELS :])
        found[0, some], inner = _most(level.planes[:, DOWN])
        much = np.flatnonzero(over[some] & (found[0, some] > most) & (inner > least))
        if len(much):
            found[1:, some.start + much] = _apart(level.planes, much, before[much], weaker[much, None])
    return found[0], found[1], found[2]


def _apart(planes: np.ndarray, which: np.ndarray, before: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What each of some pairs has that the other lacks, and what either has, in levels of the picture with less contrast, float32 [n].

    Args:
      planes: of all pairs, float32 [m, planes, 48 * 48].
      which: the pairs, int64 [n].
      before: the differences before they were explained, in these levels, float32 [n, 48 * 48].
      scale: what makes it these levels, float32 [n, 1].
    """
    allowed = _ALLOWED / 16 + planes[which, ALONG] * (_OF_SLOPE * scale * scale)
    return exchanged(planes[which, SEEN] * scale, before, planes[which, STILL], planes[which, _INSIDE], allowed)


def _most(squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The roots of the most of mean squares over 4 x 4 pixels, float32 [n, 48 * 48]: anywhere; in the middle."""
    square = squares.reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    return np.sqrt(square[:, :_PATCHES, :_PATCHES].max(axis=(1, 2))), np.sqrt(square[:, *MIDDLE].max(axis=(1, 2)))


def _smooth(level: Level) -> None:
    """Smooths both pictures by 1 2 1 both ways, in place; beyond an edge is what is at it."""
    planes = level.planes.reshape(len(level.planes), -1, THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    for picture in (STILL, SEEN):
        slide(level.planes, picture, DOWN, THUMBNAIL_SIDE, _SOFT)
        planes[:, DOWN, _EDGES] = _AT_EDGE * planes[:, picture, _EDGES] + _BY_EDGE * planes[:, picture, _NEXT_TO_EDGES]
        slide(level.planes, DOWN, picture, 1, _SOFT)
        planes[:, picture, :, _EDGES] = _AT_EDGE * planes[:, DOWN, :, _EDGES] + _BY_EDGE * planes[:, DOWN, :, _NEXT_TO_EDGES]


def _centre(level: Level) -> np.ndarray:
    """Takes the mean inside from both pictures, and from the first the other one at its contrast: the gain that takes, float64 [n]."""
    pictures = level.planes[:, _PICTURES]
    totals = _total(level.multiply(_TOTALS))
    pictures -= (totals[:, 1:] / np.maximum(totals[:, :1], 1)).astype(np.float32)[:, :, None]
    pictures *= level.planes[:, None, _INSIDE]
    energies = _total(level.multiply(_ENERGIES)) + 1
    gain = np.sqrt(energies[:, 0] / energies[:, 1])
    pictures[:, 1] *= gain.astype(np.float32)[:, None]
    pictures[:, 0] -= pictures[:, 1]
    return gain


def _total(sums: np.ndarray) -> np.ndarray:
    """The sums over all blocks, [n, m, 36], in one order on every machine: [n, m]."""
    return sums.cumsum(axis=2)[:, :, -1]


def _bend(level: Level) -> None:
    """Slopes and Laplacian of the other picture, inside alone; the squares of its slopes, everywhere, go into the plane `ALONG`."""
    level.slope(SEEN)
    planes, side = level.planes, THUMBNAIL_SIDE
    slopes, bent, inside, more = planes[:, SEEN_DOWN : SEEN_ALONG + 1], planes[:, DOWN], planes[:, _INSIDE], planes[:, ALONG]
    slide(planes, SEEN, DOWN, side, _BEND)
    slide(planes, SEEN, ALONG, 1, _BEND)
    bent += more
    bent[:, :side] = bent[:, -side:] = bent.reshape(-1, side, side)[:, :, _EDGES] = 0
    bent *= inside
    squares = np.square(slopes, out=_ROOM.pictures[: len(planes)])
    np.add(squares[:, 0], squares[:, 1], out=more)
    slopes *= inside[:, None]


def _shares(sums: np.ndarray) -> np.ndarray:
    """How much of each cause there is in each block, as `_explain` takes it: the mean over the windows of 2 x 2 blocks that hold it.

    Args:
      sums: over blocks, of the products of `_PAIRS`, float64 [n, 20, 36].
    """
    cells = np.ascontiguousarray(sums.transpose(1, 0, 2))
    windows = cells[:, :, :_WINDOWS] + cells[:, :, 1 : _WINDOWS + 1]
    windows += cells[:, :, GRID : GRID + _WINDOWS]
    windows += cells[:, :, GRID + 1 :]
    systems = windows.reshape(len(cells), -1)[_SYSTEM]
    systems[:: len(_CAUSES) + 1][: len(_CAUSES)] += _PRIOR[:, None]
    solve(systems, len(_CAUSES), _LEAST)
    found = systems[-len(_CAUSES) :].reshape(len(_CAUSES), -1, _WINDOWS)
    found[:, :, GRID - 1 :: GRID] = 0  # a window over the last block of a row and the first of the next
    blocks = np.zeros((len(_CAUSES), len(sums), BLOCKS))
    for first in (0, 1, GRID, GRID + 1):
        blocks[:, :, first : first + _WINDOWS] += found
    held = (blocks / _HELD_BY).astype(np.float32).reshape(len(_CAUSES), -1, GRID, GRID)
    return held.transpose(1, 2, 0, 3).reshape(len(sums), -1)


@compiled
def _explain(planes, shares, weaker, work, lines):  # type: ignore[no-untyped-def]
    """Takes from each difference the share of each cause and what is outside, and tells what is left, in units of what is allowed there.

    Args:
      planes: of pairs, float32 [n, planes * 48 * 48]; the difference becomes what is left of it, where the contrast is less; `ALONG` holds
        the squares of the slopes; `DOWN` takes mean squares over 4 x 4 pixels, in units of what is allowed there, at their first one.
      shares: float32 [n, 6 * causes * 6]: of each row of blocks, of each cause, in each block.
      weaker: what makes it levels of the picture with less contrast, float32 [n].
      work: float32 [2 * 48 * 48], to write on.
      lines: float32 [causes * 48], to write on.
    """
    for row in range(len(planes)):
        pixels, share, scale = planes[row], shares[row], weaker[row]
        for block in range(_GRID):
            for of in range(_SHARES):
                much = share[block * _SHARES + of]
                for j in range(_CELL):
                    lines[of * _CELL + j] = much
            for y in range(block * _CELL, (block + _ONE) * _CELL):
                for j in range(_SIDE):
                    at = y * _SIDE + j
                    inside = pixels[at]
                    rest = pixels[at + _REST] - inside * lines[j] - pixels[at + _OTHER] * lines[j + _SECOND]
                    rest = rest - pixels[at + _OTHER_DOWN] * lines[j + _THIRD] - pixels[at + _OTHER_ALONG] * lines[j + _FOURTH]
                    rest = (rest - pixels[at + _BENT] * lines[j + _FIFTH]) * inside * scale
                    pixels[at + _REST], work[at], work[at + _PLANE] = rest, rest * rest, pixels[at + _SQUARES] * (scale * scale)
        for k in range(_DOWNWARDS):
            work[k] = work[k] + work[k + _SIDE] + (work[k + _TWO_DOWN] + work[k + _THREE_DOWN])
        for k in range(_ONWARDS):
            work[k] = work[k] + work[k + _ONE] + (work[k + _TWO] + work[k + _THREE])
        for k in range(_PLANE):
            pixels[k + _BENT] = work[k] / (work[k + _PLANE] * _OF_SLOPE + _ALLOWED)
