"""The picture without its uniform border, and the small grey pictures that are compared in its place.

All of it is integer arithmetic (Pillow resamples 8-bit pictures in fixed point), so every machine makes the same bytes.
"""

import math

import numpy as np
from PIL import Image

from schemas.signatures import THUMBNAIL_SIDE

Box = tuple[int, int, int, int]  # left, top, right, bottom

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
    left, top, right, bottom = 0, 0, grey.shape[1], grey.shape[0]
    for _ in range(_FRAMES):
        seen = grey[top:bottom, left:right]
        above, below = _depth(seen), _depth(seen[::-1])
        if above + below + _FEWEST > len(seen):
            above = below = 0
        seen = seen[above : len(seen) - below]
        before, after = _depth(seen.T), _depth(seen.T[::-1])
        if before + after + _FEWEST > seen.shape[1]:
            before = after = 0
        left, top, right, bottom = left + before, top + above, right - after, bottom - below
        if not above + below + before + after:
            break
    return left, top, right, bottom


def thumbnail(grey: Image.Image, box: Box) -> np.ndarray:
    """The part of a grey picture in the box as uint8 [48, 48], each pixel the mean of what it covers."""
    side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    return np.asarray(_cropped(grey, box).resize(side, Image.Resampling.HAMMING))


def hashed(grey: Image.Image, box: Box) -> np.ndarray:
    """The whole of a grey picture and the part in the box, as uint8 [2, 32, 32].

    Bilinear takes a third of the time of Lanczos and moves a hash as little: of 149 photos at a reduced scale 0.62 bits on average lie
    off the hash of all pixels, 0.46 with Lanczos, never more than 4.
    """
    whole = _small(grey, Image.Resampling.BILINEAR)
    return np.stack([whole, whole if box == (0, 0, *grey.size) else _small(_cropped(grey, box), Image.Resampling.BILINEAR)])


def hashed_exactly(grey: Image.Image, box: Box, size: tuple[int, int]) -> np.ndarray:
    """The same from all pixels, resampled as `imagehash.phash` does; the box is one of a picture of that width and height."""
    across, down = grey.width / size[0], grey.height / size[1]
    whole = _small(grey, Image.Resampling.LANCZOS)
    if box == (0, 0, *size):
        return np.stack([whole, whole])
    left, top, right, bottom = box
    inner = grey.crop((round(left * across), round(top * down), round(right * across), round(bottom * down)))
    return np.stack([whole, _small(inner, Image.Resampling.LANCZOS)])


def _cropped(grey: Image.Image, box: Box) -> Image.Image:
    """The box alone: resampling a part of a picture would let what lies around it in."""
    return grey if box == (0, 0, *grey.size) else grey.crop(box)


def _small(grey: Image.Image, resampling: Image.Resampling) -> np.ndarray:
    return np.asarray(grey.resize((HASHED_SIDE, HASHED_SIDE), resampling))


def _depth(grey: np.ndarray) -> int:
    """Rows of a border that begins with the first row; 0 where there is none."""
    least, most = int(grey[0].min()), int(grey[0].max())
    if most - least > _EVEN:
        return 0
    strays = np.abs(grey.astype(np.int16) - (least + most) // 2).max(axis=1)
    end = int(np.argmax(strays > _PLAIN))
    edge = strays[end : end + 1 + math.ceil(_EDGE * len(grey))]
    return end + int(np.argmax(edge > _CUT)) if edge.max() > _SHARP else 0
