"""The colours of a picture in 8 x 8 cells, by Cb and Cr of ITU-R BT.601: what is left of a picture when its levels are known."""

import numpy as np

from schemas.signatures import CELLS, CELLS_SIDE, CHROMA
from transforms.compiled import compiled
from transforms.images.resample import Box, resampled

_BITS = 16  # of a weight
_LUMA, _CB, _CR = ((19595, 38470, 7471), (-11059, -21709, 32768), (32768, -27439, -5329))  # by red, green and blue
_ROUNDS, _MIDDLE, _SHIFT = np.int32(1 << _BITS - 1), np.int32((128 << _BITS) + (1 << _BITS - 1) - 1), np.int32(_BITS)
_Y_RED, _Y_GREEN, _Y_BLUE = (np.int32(weight) for weight in _LUMA)
_CB_RED, _CB_GREEN, _CB_BLUE = (np.int32(weight) for weight in _CB)
_CR_RED, _CR_GREEN, _CR_BLUE = (np.int32(weight) for weight in _CR)
_GREEN, _BLUE, _CHANNELS = np.uint64(1), np.uint64(2), np.uint64(3)
NO_CHROMA = np.zeros((len(CHROMA), CELLS), np.int8)
"""Of a grey picture, or without a picture."""


def luma_and_chroma(pixels: np.ndarray) -> np.ndarray:
    """Y, Cb and Cr of a picture, uint8 [rows, columns, 3] in red, green and blue: uint8 [3, rows, columns].

    Luma is what Pillow's mode L has, to the bit; 128 is no colour.

    >>> luma_and_chroma(np.array([[[255, 0, 0], [9, 9, 9]]], np.uint8)).tolist()
    [[[76, 9]], [[85, 128]], [[255, 128]]]
    """
    rows, columns, _ = pixels.shape
    found, flat = np.empty((3, rows * columns), np.uint8), np.ascontiguousarray(pixels).reshape(-1)
    flat.setflags(write=False)  # as those of a decoded picture mostly are: one kind of array is one compilation
    _separate(flat, *found)
    return found.reshape(3, rows, columns)


def chroma(planes: np.ndarray, box: Box, width: int, height: int) -> np.ndarray:
    """The mean Cb and Cr of each cell of the part of a picture in a box, row by row: int8 [2, 64], 0 where there is no colour.

    Args:
      planes: Cb and Cr, uint8 [2, rows, columns].
      box: left, top, right, bottom, where the picture is `width` by `height` pixels.
      width: see there.
      height: likewise.

    >>> chroma(np.full((2, 40, 60), 130, np.uint8), (0, 0, 30, 20), 30, 20)[:, :2].tolist()
    [[2, 2], [2, 2]]
    """
    _, rows, columns = planes.shape
    left, right = box[0] * columns // width, -(-box[2] * columns // width)
    top, bottom = box[1] * rows // height, -(-box[3] * rows // height)
    found = np.empty((len(CHROMA), CELLS_SIDE, CELLS_SIDE), np.uint8)
    for means, plane in zip(found, planes, strict=True):
        means[:] = resampled(plane, (left, top, right, bottom), CELLS_SIDE, "area")
    return (found ^ np.uint8(128)).view(np.int8).reshape(len(CHROMA), CELLS)


@compiled
def _separate(flat, luma, cb, cr):  # type: ignore[no-untyped-def]
    for pixel in range(np.uint64(len(luma))):
        at = pixel * _CHANNELS
        red, green, blue = np.int32(flat[at]), np.int32(flat[at + _GREEN]), np.int32(flat[at + _BLUE])
        luma[pixel] = (red * _Y_RED + green * _Y_GREEN + blue * _Y_BLUE + _ROUNDS) >> _SHIFT
        cb[pixel] = (red * _CB_RED + green * _CB_GREEN + blue * _CB_BLUE + _MIDDLE) >> _SHIFT
        cr[pixel] = (red * _CR_RED + green * _CR_GREEN + blue * _CR_BLUE + _MIDDLE) >> _SHIFT
