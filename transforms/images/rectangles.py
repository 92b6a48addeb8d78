"""Rectangles in the corners of a picture that end in a sharp step: what was laid over it, however large it is there.

Two kinds, each by what tells it from nature. A *plain* one is of one level, as exactly as JPEG keeps a colour, and where that level ends
most rows and most columns end together. One with *edges* has a step of 16 levels or more along four fifths of its two inner sides. Grass
and leaves have such steps too, so that of every corner the three sharpest are told; what is in them must say the rest. Where an edge goes
on as far again, it is that of a bar or a border.
"""

import dataclasses

import numpy as np

from transforms.compiled import compiled

SMALLEST = 4  # pixels a side; 5 of a plain one
LARGEST = 5  # a side of more than this share of the picture's shorter side is a part of the picture
SHARPEST = 3  # told of a corner
_SURE = np.array([80, 60, 12])  # ends, ends of the weaker side, step: what a plain one has that nature has not
_BEYOND = 3  # pixels looked at beyond the largest


@dataclasses.dataclass(frozen=True)
class Rectangles:
    """Rectangles in the four corners of a picture, its corner turned to the top left.

    Attributes:
      crops: uint8[4, side, side], the corners as turned.
      plain: int64[n, 5]: corner, rows, columns, level, and whether it is surely laid over the picture: 1, else 0.
      edged: int64[m, 4]: corner, rows, columns, and whether its edges end where it does: 1, and 0 for a bar along a whole side.
    """

    crops: np.ndarray
    plain: np.ndarray
    edged: np.ndarray


def rectangles(grey: np.ndarray) -> Rectangles:
    """What lies in the corners of a grey picture, uint8[rows, columns]."""
    most = min(grey.shape) // LARGEST
    side = min(most + _BEYOND, *grey.shape)
    turned = (grey, grey[:, ::-1], grey[::-1], grey[::-1, ::-1])
    crops = np.stack([corner[:side, :side] for corner in turned])
    both = np.concatenate([crops, crops.transpose(0, 2, 1)]).astype(np.int64)
    plain, edged = np.zeros((4, 6), np.int64), np.zeros((4 * SHARPEST, 4), np.int64)
    if most >= SMALLEST:
        _plain(both, most, np.zeros((8, side), np.int64), np.zeros(side + 2, np.int64), plain)
        steps = np.zeros((8, most + 1, most + 1), np.int64)
        _steps(both, steps)
        _edged(steps, edged)
    at = np.flatnonzero(plain[:, 0])
    told = np.column_stack([at, plain[at, :3], (plain[at, 3:] >= _SURE).all(axis=1)])
    some = np.flatnonzero(edged[:, 0])
    return Rectangles(crops, told, np.column_stack([some // SHARPEST, edged[some][:, [0, 1, 3]]]))


@compiled
def _plain(both, most, runs, ends, found):  # type: ignore[no-untyped-def]
    """The best plain rectangle of each corner: rows, columns, level, and what `_SURE` bounds, in hundredths and levels.

    Twice: levels that differ by 6 are one, as beside what is nearly as light, and by 12, as where JPEG rings. `both` holds the corners,
    then the same with rows and columns exchanged.
    """
    side = both.shape[1]
    for corner in range(4):
        total = 0
        for y in range(3):
            for x in range(3):
                total += both[corner, y, x]
        level = (total + 4) // 9
        for tolerance in (6, 12):
            for turn in range(2):
                for y in range(side):
                    x = 0
                    while x < side and abs(both[corner + 4 * turn, y, x] - level) <= tolerance:
                        x += 1
                    runs[corner + 4 * turn, y] = x
            for size in range(side + 2):
                ends[size] = 0
            for wide in range(1, most + 1):
                ends[runs[corner + 4, wide - 1]] += 1
                if wide < 5:
                    continue
                ended = 0
                for high in range(1, most + 1):
                    run = runs[corner, high - 1]
                    if run < wide - 1 or high > 2 * wide:
                        break
                    if run <= wide + 1:
                        ended += 1
                    below = ends[high - 1] + ends[high] + ends[high + 1]
                    told = 100 * (ended + below) // (high + wide)
                    if high < 5 or 2 * high < wide or told < 60 or 100 * ended < 40 * high or 100 * below < 40 * wide:
                        continue
                    best = found[corner, 3]
                    if told < best or (told == best and high * wide <= found[corner, 0] * found[corner, 1]):
                        continue
                    exact = 0
                    rows, columns = (2 * high + 2) // 3, (2 * wide + 2) // 3
                    for y in range(rows):
                        for x in range(columns):
                            if abs(both[corner, y, x] - level) <= 1:
                                exact += 1
                    exact = 100 * exact // (rows * columns)
                    right = down = 0
                    for y in range(high):
                        right += min(abs(both[corner, y, wide + 1] - level), 60)
                    for x in range(wide):
                        down += min(abs(both[corner, high + 1, x] - level), 60)
                    step = min(right // high, down // wide)
                    if exact < 80 or step < 4:
                        continue
                    found[corner, 0], found[corner, 1], found[corner, 2], found[corner, 3] = high, wide, level, told
                    found[corner, 4], found[corner, 5] = min(100 * ended // high, 100 * below // wide), step


@compiled
def _steps(both, steps):  # type: ignore[no-untyped-def]
    """Along the upper edge of each row, up to each column: 2^16 for each step of 16 levels, and what levels differ by, 64 at most."""
    most = steps.shape[1] - 1
    for crop in range(8):
        for y in range(2, most + 1):
            total = 0
            for x in range(most):
                here = both[crop, y, x]
                near, far = abs(here - both[crop, y - 1, x]), abs(here - both[crop, y - 2, x])
                if far >= 16:
                    total += 1 << 16
                total += min(near, 64) + min(far, 64)
                steps[crop, y, x + 1] = total


@compiled
def _edged(steps, found):  # type: ignore[no-untyped-def]
    """The sharpest rectangles of each corner: rows, columns, how sharp, whether they end; none within two pixels of a sharper one."""
    most = steps.shape[1] - 1
    for corner in range(4):
        for number in range(3):
            place = corner * 3 + number
            for high in range(4, most + 1):
                for wide in range((high + 1) // 2 if high > 7 else 4, min(most, 2 * high) + 1):
                    under, beside = steps[corner, high, wide], steps[corner + 4, wide, high]
                    down, right = under >> 16, beside >> 16
                    if 100 * (down + right) < 80 * (high + wide) or 100 * down < 60 * wide or 100 * right < 60 * high:
                        continue
                    sharp = 16 * ((under & 0xFFFF) + (beside & 0xFFFF)) * (50 + min(high, wide)) // (high + wide)
                    if sharp <= found[place, 2]:
                        continue
                    known = False
                    for other in range(corner * 3, place):
                        known |= abs(found[other, 0] - high) <= 2 and abs(found[other, 1] - wide) <= 2
                    if not known:
                        found[place, 0], found[place, 1], found[place, 2] = high, wide, sharp
            high, wide = found[place, 0], found[place, 1]
            along, up = min(most, 2 * wide + 1), min(most, 2 * high + 1)
            onward = (steps[corner, high, along] - steps[corner, high, min(most, wide + 1)]) >> 16
            upward = (steps[corner + 4, wide, up] - steps[corner + 4, wide, min(most, high + 1)]) >> 16
            found[place, 3] = 10 * onward < 8 * max(along - wide - 1, 1) and 10 * upward < 8 * max(up - high - 1, 1)
