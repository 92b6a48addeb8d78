"""Rectangles in the corners of pictures that end in a sharp step: what was laid over a picture, however large it is there.

Two kinds, each by what tells it from nature. A *plain* one is of one level, as exactly as JPEG keeps a colour, and where that level ends
most rows and most columns end together. One with *edges* has a step of 16 levels or more along four fifths of its two inner sides. Grass
and leaves have such steps too, so that of every corner the three sharpest are told; what is in them must say the rest. Where an edge goes
on as far again, it is that of a bar or a border.
"""

import dataclasses

import numpy as np

SMALLEST = 4  # pixels a side
SMALLEST_PLAIN = 5
LARGEST = 5  # a side of more than this share of the picture's shorter side is a part of the picture
BEYOND = 3  # pixels looked at beyond the largest
SHARPEST = 3  # told of a corner
_SURE = np.array([80, 60, 12])  # ends, ends of the weaker side, step: what a plain one has that nature has not
_TOLERANCES = (6, 12)  # levels that are one: beside what is nearly as light, and where JPEG rings
_STEP = 16  # levels
_MOST = 64  # levels of a difference that count for how sharp an edge is
_ONE = 1 << 15  # a step, in sums that hold steps above and differences below
_WORD = 8  # bytes


@dataclasses.dataclass(frozen=True)
class Rectangles:
    """Rectangles in corners, each corner turned to the top left.

    Attributes:
      plain: int64[n, 5]: number of the corner, rows, columns, level, and whether it is surely laid over the picture: 1, else 0.
      edged: int64[m, 4]: number of the corner, rows, columns, and whether its edges end where it does: 1, and 0 for a bar along a side.
    """

    plain: np.ndarray
    edged: np.ndarray


def rectangles(crops: np.ndarray, most: np.ndarray) -> Rectangles:
    """What lies in corners, at most one plain rectangle in each.

    Args:
      crops: uint8[corners, side, side], as turned; a multiple of eight bytes.
      most: int64[corners], pixels of the largest rectangle of each; `BEYOND` pixels more are looked at, and no more.

    >>> crop = np.full((1, 16, 16), 90, np.uint8)
    >>> crop[0, :6, :7] = 250
    >>> found = rectangles(crop, np.array([10]))
    >>> found.plain.tolist(), found.edged.tolist()
    ([[0, 6, 7, 250, 1]], [[0, 6, 7, 1]])
    """
    return Rectangles(_plain(crops, most), _edged(crops, most))


def sums_before(levels: np.ndarray) -> np.ndarray:
    """Sums of what is above and left of each pixel, float32[n, side, side], exact below 2^24.

    >>> sums_before(np.array([[[1, 2], [3, 4]]]))[0].tolist()
    [[0.0, 0.0], [0.0, 1.0]]
    """
    ones = np.tri(levels.shape[1], k=-1, dtype=np.float32)
    return np.asarray(ones @ (levels.astype(np.float32) @ np.ascontiguousarray(ones.T)))


def _plain(crops: np.ndarray, most: np.ndarray) -> np.ndarray:
    """The plain rectangle of each corner whose rows and columns end together most, of those the largest."""
    level = ((crops[:, :3, :3].sum(axis=(1, 2), dtype=np.int64) + 4) // 9).astype(np.uint8)
    first = _apart(crops[:, :SMALLEST_PLAIN, : SMALLEST_PLAIN - 1], level[:, None, None])
    some = np.flatnonzero(first.max(axis=(1, 2)) <= max(_TOLERANCES))
    apart = _apart(crops[some], level[some, None, None])
    inner = 2 * int(most.max(initial=0)) // 3 + 2  # where most must be of the level as exactly as JPEG keeps it
    size = np.arange(inner)
    even = 5 * sums_before(apart[:, :inner, :inner] <= 1) >= 4 * size * size[:, None]
    some, apart = (of[even[:, SMALLEST:, SMALLEST:].any(axis=(1, 2))] for of in (some, apart))
    for within in np.unique(most[some]).tolist():
        apart[most[some] == within, :, within + BEYOND :] = 255
    corner = np.tile(some, len(_TOLERANCES))
    number, high, wide, ended, below = _ending(_runs(apart), _runs(np.ascontiguousarray(apart.transpose(0, 2, 1))), most[corner])
    corner, told = corner[number], 100 * (ended + below) // (high + wide)
    weaker = np.minimum(100 * ended // high, 100 * below // wide)
    out, done = [], -1
    for at in np.lexsort((-high * wide, -told, corner)).tolist():
        if corner[at] != done:
            step = _step(crops[corner[at]], level[corner[at]], int(high[at]), int(wide[at]))
            if step is not None:
                done = corner[at]
                sure = (np.array([told[at], weaker[at], step]) >= _SURE).all()
                out.append((done, high[at], wide[at], level[done], sure))
    return np.array(out, np.int64).reshape(-1, 5)


def _apart(left: np.ndarray, right: np.ndarray | np.uint8) -> np.ndarray:
    """What levels differ by, uint8."""
    return np.asarray(np.maximum(left, right) - np.minimum(left, right))


def _runs(apart: np.ndarray) -> np.ndarray:
    """How far the level of each corner goes on along each row, for one tolerance after the other, int16[tolerances * n, side]."""
    ends = np.ones((len(_TOLERANCES), *apart.shape[:2], apart.shape[2] + 1), bool)
    for number, tolerance in enumerate(_TOLERANCES):
        np.greater(apart, tolerance, out=ends[number, ..., :-1])
    return ends.argmax(axis=3).astype(np.int16).reshape(-1, apart.shape[1])


def _ending(rows: np.ndarray, columns: np.ndarray, most: np.ndarray) -> tuple[np.ndarray, ...]:
    """Rectangles where so many runs of rows and columns end that they may be plain.

    Returns:
      Which of the runs, rows, columns, and how many runs of rows and of columns end with the rectangle or a pixel beside it. In the order
      of the runs, of columns, of rows.
    """
    shortest, size, most = np.minimum.accumulate(rows, axis=1), np.arange(1, rows.shape[1] + 1, dtype=np.int16), most.astype(np.int16)
    may = (size >= SMALLEST_PLAIN) & (size <= most[:, None]) & (shortest >= SMALLEST_PLAIN - 1) & (shortest <= most[:, None] + 1)
    may &= 5 * _near(columns) >= size  # two fifths of the columns, which are half as many as rows or more
    number, at = np.nonzero(may)
    wide = (shortest[number, at][:, None] + np.arange(-1, 2)).ravel()  # of others no run ends, or one ends too early
    number, high = np.repeat(number, 3), np.repeat(at + 1, 3)
    fits = (wide >= SMALLEST_PLAIN) & (wide <= most[number]) & (high <= 2 * wide) & (2 * high >= wide)
    number, high, wide = number[fits], high[fits], wide[fits]
    ended = ((rows[number] <= wide[:, None] + 1) & (size <= high[:, None])).sum(axis=1)
    below = ((_apart(columns[number], high[:, None]) <= 1) & (size <= wide[:, None])).sum(axis=1)
    fits = (5 * ended >= 2 * high) & (5 * below >= 2 * wide) & (5 * (ended + below) >= 3 * (high + wide))
    order = np.lexsort((high[fits], wide[fits], number[fits]))
    return tuple(column[fits][order] for column in (number, high, wide, ended, below))


def _near(runs: np.ndarray) -> np.ndarray:
    """How many runs of each corner end with 1, 2, ... pixels, or one beside, int64[n, side]."""
    number, side = runs.shape
    counts = np.bincount((np.arange(number)[:, None] * (side + 3) + runs).ravel(), minlength=number * (side + 3)).reshape(number, side + 3)
    return np.asarray(counts[:, :side] + counts[:, 1 : side + 1] + counts[:, 2 : side + 2])


def _step(crop: np.ndarray, level: np.uint8, high: int, wide: int) -> int | None:
    """Levels by which the picture differs from a plain rectangle beside its weaker side; None where it is not plain or does not end."""
    inside = _apart(crop[: (2 * high + 2) // 3, : (2 * wide + 2) // 3], level) <= 1
    right, down = (np.minimum(_apart(line, level), 60).sum() for line in (crop[:high, wide + 1], crop[high + 1, :wide]))
    step = min(int(right) // high, int(down) // wide)
    return step if 100 * np.count_nonzero(inside) // inside.size >= 80 and step >= 4 else None


def _edged(crops: np.ndarray, most: np.ndarray) -> np.ndarray:
    """The sharpest rectangles of each corner, none within two pixels of a sharper one."""
    side = crops.shape[1]
    ones, size = np.tri(side, k=-1, dtype=np.float32), np.arange(side)
    above, left = (_steps(crops.ravel(), back).reshape(crops.shape) for back in (side, 1))
    under = (above.reshape(-1, side) @ np.ascontiguousarray(ones.T)).reshape(crops.shape)  # along the upper edge of a row, up to a column
    beside = ones @ left  # along the left edge of a column, up to a row
    least = (-(-4 * (size[:, None] + size) // 5) * _ONE).astype(np.float32)
    least[:SMALLEST], least[:, :SMALLEST] = np.inf, np.inf
    enough = (under + beside >= least).reshape(-1, _WORD)
    some = np.flatnonzero(enough.view(np.uint64))
    number, at = np.nonzero(enough[some])
    corner, high, wide = np.unravel_index(some[number] * _WORD + at, crops.shape)
    down, right = (sums[corner, high, wide].astype(np.int32) for sums in (under, beside))
    fits = (high <= most[corner]) & (wide <= most[corner]) & (wide <= 2 * high) & ((high <= 7) | (high <= 2 * wide))
    fits &= (5 * (down // _ONE) >= 3 * wide) & (5 * (right // _ONE) >= 3 * high)
    sharp = 16 * (down % _ONE + right % _ONE) * (50 + np.minimum(high, wide)) // (high + wide)
    found = _sharpest(*(column[fits] for column in (corner, high, wide, sharp)))
    corner, high, wide = found.T
    last = most[corner]
    along, up = np.minimum(last, 2 * wide + 1), np.minimum(last, 2 * high + 1)
    onward = under[corner, high, along] - under[corner, high, np.minimum(last, wide + 1)]
    upward = beside[corner, up, wide] - beside[corner, np.minimum(last, high + 1), wide]
    ends = 10 * (onward // _ONE) < 8 * np.maximum(along - wide - 1, 1)
    ends &= 10 * (upward // _ONE) < 8 * np.maximum(up - high - 1, 1)
    return np.column_stack([found, ends])


def _steps(levels: np.ndarray, back: int) -> np.ndarray:
    """Of levels, uint8[n], and the two before each, `back` apart: `_ONE` where the farther is a step away, and what they differ by.

    No difference counts more than `_MOST`. float32[n]; what has no two before it has some number.
    """
    out = np.empty(len(levels), np.float32)
    near, far = _apart(levels[2 * back :], levels[back:-back]), _apart(levels[2 * back :], levels[: -2 * back])
    most = np.full_like(far, _MOST)  # two arrays are compared ten times as fast as one with a number
    steps = (far >= _STEP).astype(np.uint16)
    steps *= _ONE
    steps += np.minimum(near, most) + np.minimum(far, most)
    out[: 2 * back] = 0
    out[2 * back :] = steps
    return out


def _sharpest(corner: np.ndarray, high: np.ndarray, wide: np.ndarray, sharp: np.ndarray) -> np.ndarray:
    """Of rectangles in the order of corners, rows, columns: the sharpest of each corner that are told, int64[n, 3]."""
    left = np.lexsort((-sharp, corner))
    told = []
    for _ in range(SHARPEST):
        first = np.flatnonzero(np.diff(corner[left], prepend=-1))
        told.append(left[first])
        of = np.repeat(told[-1], np.diff(first, append=len(left)))
        left = left[(np.abs(high[left] - high[of]) > 2) | (np.abs(wide[left] - wide[of]) > 2)]
    which = np.concatenate(told)
    which = which[np.argsort(corner[which], kind="stable")]
    return np.column_stack([corner[which], high[which], wide[which]])
