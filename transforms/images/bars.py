"""Bars across a picture's edges that carry text, such as the head of a meme: rows of one colour, with lettering between them."""

import numpy as np

from transforms.compiled import ZERO, compiled
from transforms.images.resample import Box

_DEEPEST = 0.34  # of the picture's side
_EVEN = 0.97  # of a row, for it to be of one colour
_START = 0.02  # of the side: the first such row lies no deeper
_LETTERS = 0.1  # of the side: rows of other colours between two of the bar's
_FEWEST = 3  # such rows, in a small picture


def bars(grey: np.ndarray, box: Box) -> tuple[int, int, int, int]:
    """Rows of a bar at the top, rows at the bottom, columns at the left, columns at the right of the box; 0 where there is none.

    Args:
      grey: uint8 [rows, columns].
      box: the picture without its border.

    >>> meme = (np.arange(12_000) ** 2 % 251).astype(np.uint8).reshape(100, 120)
    >>> meme[:20] = 255
    >>> meme[8:12, 30:60] = 0
    >>> bars(meme, (0, 0, 120, 100))
    (20, 0, 0, 0)
    """
    left, top, right, bottom = box
    flat, width, rows, columns = grey.reshape(-1), grey.shape[1], bottom - top, right - left
    first, last, counts = top * width + left, (bottom - 1) * width + right - 1, np.empty(256, np.int64)
    found = []
    for start, down, along, deep, wide in (
        (first, width, 1, rows, columns), (last, -width, -1, rows, columns),
        (first, 1, width, columns, rows), (last, -1, -width, columns, rows),
    ):  # fmt: skip
        skipped, between = max(2, int(_START * deep)), max(_FEWEST, int(_LETTERS * deep))
        found.append(_depth(flat, start, down, along, int(_DEEPEST * deep), wide, skipped, between, counts))
    return found[0], found[1], found[2], found[3]


@compiled
def _depth(flat, start, down, along, deepest, columns, skipped, between, counts):  # type: ignore[no-untyped-def]
    """Rows of the bar that begins at `start`, when the next row is `down` places on and the next pixel of a row `along`.

    Its first row is one of the first `skipped` and one more; `between` rows of other colours may lie between two of the bar's.
    """
    end, gap, colour = ZERO, ZERO, ZERO - 1
    for row in range(deepest):
        at, inside = start + row * down, ZERO
        if colour < 0:
            for level in range(256):
                counts[level] = 0
            for x in range(columns):
                counts[flat[at + x * along]] += 1
            most = ZERO
            for level in range(256):
                inside += counts[level]
                if level >= 24:
                    inside -= counts[level - 24]
                if inside > most:
                    most, colour = inside, level - 12 if level > 24 else 12
            if most < _EVEN * columns:
                colour = ZERO - 1
                if row > skipped:
                    return 0
            else:
                end = row + 1
        else:
            for x in range(columns):
                inside += abs(flat[at + x * along] - colour) <= 14
            gap += 1
            if inside >= _EVEN * columns:
                end, gap = row + 1, ZERO
            elif gap > between:
                break
    return end
