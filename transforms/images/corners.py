"""Small hashes of what stands in the corners of a picture, by which a patch is known again on pictures that are otherwise different.

Of every corner four squares are looked at: 16 and 32 pixels of the picture as it is, a sixteenth and an eighth of its shorter side. The
smallest that a patch fills holds nothing else, wherever the patch came from; squares in pixels know a patch again that was put on
pictures of many sizes, the others one that was scaled with them. A square becomes 8 x 8 cells, and a hash of one bit a cell: whether it is
lighter than their mean. Squares that are flat, or whose bits change so seldom from cell to cell that half of nature looks alike (sky over
land, a dark side), have none.

Of 790 photos (photos/ of the shared data) a row has 2.8 hashes of the 16; of 160,081 pairs of hashes of one square none were equal and
1.2 in 100,000 differed in four bits or fewer.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from transforms.compiled import compiled
from transforms.images.places import CORNERS, PLACES

if TYPE_CHECKING:
    from transforms.images.decode import Picture

CELLS: Final = 8  # a side

_PIXELS: Final = (16, 32)
_SHARES: Final = (16, 8)
_LARGEST: Final = 4  # a square of more than this share of the shorter side is a part of the picture, not of its corner
_FRACTION: Final = 4  # of a level
_DEVIATION: Final = 10  # levels among the cells, below which a square is flat
_CHANGES: Final = 18  # between neighbouring bits, of 112


def corner_hashes(pictures: "Sequence[Picture | None]") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The hashes of all corners of pictures that have any.

    Args:
      pictures: decoded; None where there is none.

    Returns:
      For each hash the number of its picture, int64[n], ascending, its place, uint8[n], and the hash, uint64[n], first cell highest.
    """
    shown = [(row, picture) for row, picture in enumerate(pictures) if picture is not None]
    cells = np.zeros((len(shown), PLACES, CELLS * CELLS), np.int32)
    for number, (_, picture) in enumerate(shown):
        _fill(picture.grey, _boxes(picture.grey.shape, picture.width, picture.height), cells[number])
    total = cells.sum(axis=2, dtype=np.int64)
    spread = CELLS * CELLS * (cells * cells).sum(axis=2, dtype=np.int64) - total * total  # (64 times the deviation) squared
    bits = (CELLS * CELLS * cells > total[:, :, None].astype(np.int32)).reshape(len(shown), PLACES, CELLS, CELLS)
    changes = (bits[:, :, 1:] != bits[:, :, :-1]).sum(axis=(2, 3)) + (bits[:, :, :, 1:] != bits[:, :, :, :-1]).sum(axis=(2, 3))
    told = (spread >= (CELLS * CELLS * _FRACTION * _DEVIATION) ** 2) & (changes >= _CHANGES)
    at, place = np.nonzero(told)
    hashes = np.packbits(bits[at, place].reshape(-1, CELLS * CELLS), axis=1).view(">u8").ravel().astype(np.uint64)
    return np.array([row for row, _ in shown], np.int64)[at], place.astype(np.uint8), hashes


def _boxes(shape: tuple[int, ...], width: int, height: int) -> np.ndarray:
    """Top, left, rows and columns of every place in a reduced picture, int64[16, 4]; no rows where there are too few pixels."""
    rows, columns = shape
    shorter = min(width, height)
    out = np.zeros((PLACES, 4), np.int64)
    for size, side in enumerate((*_PIXELS, *(shorter / share for share in _SHARES))):
        high, wide = round(side * rows / height), round(side * columns / width)
        if min(high, wide) < CELLS or side * _LARGEST > shorter:
            continue
        for corner in range(len(CORNERS)):
            out[size * 4 + corner] = (rows - high if corner >= 2 else 0), (columns - wide if corner % 2 else 0), high, wide
    return out


@compiled
def _fill(grey, boxes, cells):  # type: ignore[no-untyped-def]
    """Mean levels of the cells of each box, in quarters."""
    for place in range(len(boxes)):
        top, left, high, wide = boxes[place, 0], boxes[place, 1], boxes[place, 2], boxes[place, 3]
        if high == 0:
            continue
        for i in range(8):
            first, end = top + i * high // 8, top + (i + 1) * high // 8
            for j in range(8):
                start, stop = left + j * wide // 8, left + (j + 1) * wide // 8
                total = np.int64(0)
                for y in range(first, end):
                    for x in range(start, stop):
                        total += np.int64(grey[y, x])
                area = (end - first) * (stop - start)
                cells[place, i * 8 + j] = (4 * total + area // 2) // area
