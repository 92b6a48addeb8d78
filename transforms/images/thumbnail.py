"""The picture without its uniform border, and the small grey pictures that are compared in its place.

All of it is integer arithmetic, so every machine makes the same bytes.
"""

import math

import numpy as np
from PIL import Image

from schemas.signatures import THUMBNAIL_SIDE
from transforms.compiled import ZERO, compiled
from transforms.images.resample import Box, resampled

HASHED_SIDE = 32  # imagehash.phash: hash_size 8, highfreq_factor 4
_EVEN = 2  # levels within which the outermost row of a border lies
_PLAIN = 10  # levels off its colour that a border strays at most, JPEG at quality 30 included
_CUT = 20  # levels at which the picture begins; what lies between is ringing of the edge
_SHARP = 36  # levels that the picture reaches within _EDGE of the border's end; what fades in is sky or floor, not a border
_EDGE = 1 / 24  # of the side: ringing spans a block of 8 pixels
_FEWEST = 8  # rows or columns left; a picture that would lose more has no border
_FRAMES = 3  # borders inside borders


def border(grey: np.ndarray) -> Box:
    """What is left of a picture without borders of one colour, which end sharply, at its edges.

    A photo's own even sky or floor is no border: where it ends depends on the quality of the copy.

    Args:
      grey: uint8 [rows, columns].

    Returns:
      left, top, right, bottom in pixels; the whole picture where 8 rows or columns at most would be left.

    >>> framed = np.full((40, 60), 255, np.uint8)
    >>> framed[10:30, 5:50] = np.arange(20)[:, None] * 4 + np.arange(45) * 3
    >>> border(framed)
    (5, 10, 50, 30)
    """
    flat, width = grey.reshape(-1), grey.shape[1]
    left, top, right, bottom = 0, 0, width, len(grey)
    for _ in range(_FRAMES):
        rows, columns = bottom - top, right - left
        edge = math.ceil(_EDGE * rows)
        above = _depth(flat, top * width + left, width, 1, rows, columns, edge)
        below = _depth(flat, (bottom - 1) * width + left, -width, 1, rows, columns, edge)
        if above + below + _FEWEST > rows:
            above = below = 0
        top, bottom, rows = top + above, bottom - below, rows - above - below
        edge = math.ceil(_EDGE * columns)
        before = _depth(flat, top * width + left, 1, width, columns, rows, edge)
        after = _depth(flat, top * width + right - 1, -1, width, columns, rows, edge)
        if before + after + _FEWEST > columns:
            before = after = 0
        left, right = left + before, right - after
        if not above + below + before + after:
            break
    return left, top, right, bottom


@compiled
def _depth(flat, start, down, along, rows, columns, edge):  # type: ignore[no-untyped-def]
    """Rows of a border that begins at `start`, where the next row is `down` places on and the next pixel of a row `along`; 0: none.

    The picture reaches what is sharp within `edge` rows of its end.
    """
    least = most = np.int64(flat[start])
    for x in range(columns):
        level = np.int64(flat[start + x * along])
        least, most = level if level < least else least, level if level > most else most
        if most - least > _EVEN:
            return 0
    colour, end, depth = (least + most) // 2, rows, ZERO
    for row in range(1, rows):
        stray, at = ZERO, start + row * down
        for x in range(columns):
            off = abs(np.int64(flat[at + x * along]) - colour)
            stray = off if off > stray else stray
            if stray > _SHARP:
                break
        if stray > _PLAIN and end == rows:
            end = row
        if row > end + edge:
            return 0
        if stray > _CUT and depth == 0:
            depth = row
        if stray > _SHARP:
            return depth
    return 0


def thumbnail(grey: np.ndarray, box: Box) -> np.ndarray:
    """The part of a grey picture in the box as uint8 [48, 48], each pixel the mean of what it covers."""
    return resampled(grey, box, THUMBNAIL_SIDE, "area")


def hashed(grey: np.ndarray, box: Box) -> np.ndarray:
    """The whole of a grey picture and the part in the box, as uint8 [2, 32, 32].

    A triangle takes half the time of Lanczos and moves a hash nearly as little: of 1,040 photos at a reduced scale 0.44 bits lie off the
    hash of all pixels on average, none off 78 in 100, never more than 4 (tests/benchmarks/fast_bits.py); with Lanczos 0.1 fewer.
    """
    everything = (0, 0, grey.shape[1], grey.shape[0])
    found = np.empty((2, HASHED_SIDE, HASHED_SIDE), np.uint8)
    found[:] = resampled(grey, everything, HASHED_SIDE, "triangle")
    if box != everything:
        found[1] = resampled(grey, box, HASHED_SIDE, "triangle")
    return found


def hashed_exactly(grey: Image.Image, box: Box, size: tuple[int, int]) -> np.ndarray:
    """The same from all pixels, resampled as `imagehash.phash` does; the box is one of a picture of that width and height."""
    across, down = grey.width / size[0], grey.height / size[1]
    whole = _lanczos(grey)
    if box == (0, 0, *size):
        return np.stack([whole, whole])
    left, top, right, bottom = box
    inner = grey.crop((round(left * across), round(top * down), round(right * across), round(bottom * down)))
    return np.stack([whole, _lanczos(inner)])


def _lanczos(grey: Image.Image) -> np.ndarray:
    return np.asarray(grey.resize((HASHED_SIDE, HASHED_SIDE), Image.Resampling.LANCZOS))
