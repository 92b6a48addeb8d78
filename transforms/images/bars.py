"""Bars across a picture's edges that carry text, such as the head of a meme: rows of one colour, with lettering between them."""

import numpy as np

from transforms.compiled import compiled
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
    return (
        _depth(flat, first, width, 1, rows, columns, counts),
        _depth(flat, last, -width, -1, rows, columns, counts),
        _depth(flat, first, 1, width, columns, rows, counts),
        _depth(flat, last, -1, -width, columns, rows, counts),
    )


@compiled
def _depth(flat, start, down, along, rows, columns, counts):  # type: ignore[no-untyped-def]
    """Rows of the bar that begins at `start`, when the next row is `down` places on and the next pixel of a row `along`."""
    end, gap, colour = 0, 0, -1
    for row in range(int(_DEEPEST * rows)):
        for level in range(256):
            counts[level] = 0
        at = start + row * down
        for _ in range(columns):
            counts[flat[at]] += 1
            at += along
        if colour < 0:
            inside = most = 0
            for level in range(256):
                inside += counts[level]
                if level >= 24:
                    inside -= counts[level - 24]
                if inside > most:
                    most, colour = inside, max(12, level - 12)
            if most < _EVEN * columns:
                colour = -1
                if row > max(2, int(_START * rows)):
                    return 0
            else:
                end = row + 1
        else:
            inside = 0
            for level in range(max(0, colour - 14), min(256, colour + 15)):
                inside += counts[level]
            if inside >= _EVEN * columns:
                end, gap = row + 1, 0
            else:
                gap += 1
                if gap > max(_FEWEST, int(_LETTERS * rows)):
                    break
    return end
