"""Small hashes of what stands in the corners of a picture, by which a patch is known again on pictures that are otherwise different.

Of every corner four squares are looked at: 16 and 32 pixels of the picture as it is, a sixteenth and an eighth of its shorter side. The
smallest that a patch fills holds nothing else, wherever the patch came from; squares in pixels know a patch again that was put on
pictures of many sizes, the others one that was scaled with them. A square becomes 8 x 8 cells, and a hash of one bit a cell: whether it is
lighter than their mean. Squares that are flat, or whose bits change so seldom from cell to cell that half of nature looks alike (sky over
land, a dark side), have none. Only where something ends in a sharp step there as well does a hash make a patch known: a watermark does not,
nor a bar along a whole side; elsewhere it knows a known one again.

Then whatever ends in a sharp step (`transforms.images.rectangles`), so that its size does not matter. One of a single level has two
hashes of level and size; one that may be nature knows a patch again, and does not make one known. Others have the same hash of 8 x 8 bits,
and one of the levels of 4 x 4 cells, which tells coarse ones apart: four bits a cell, of which one changes from a level to the next.
Squares in pixels have that as well.

Of 1,040 photos (photos/ of the shared data) a row has 7.2 hashes; one of all was on two of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from transforms.compiled import compiled
from transforms.images.places import CORNERS, LEVELS, PLAIN_PIXELS, PLAIN_SHARE, SHAPE, SQUARE_LEVELS, SQUARES, Corners
from transforms.images.rectangles import Rectangles, rectangles
from transforms.images.resample import resampled

if TYPE_CHECKING:
    from transforms.images.decode import Picture

CELLS: Final = 8  # a side

_PIXELS: Final = (16, 32)
_SHARES: Final = (16, 8)
_LARGEST: Final = 4  # a square of more than this share of the shorter side is a part of the picture, not of its corner
_FRACTION: Final = 4  # of a level
_DEVIATION: Final = 10  # levels among the cells, below which a square is flat
_CHANGES: Final = 18  # between neighbouring bits, of 112
_RANGE: Final = 48  # levels that 4 x 4 cells differ by at least
_WHOLE: Final = 1000  # what a share is a share of
_AREAS: Final = np.array([100 * 1254**step // 1000**step for step in range(64)])  # of plain rectangles that differ by 12 % a side


def corner_hashes(pictures: "Sequence[Picture | None]") -> Corners:
    """The hashes of all corners of pictures that have any.

    Args:
      pictures: decoded; None where there is none.
    """
    shown = [(row, picture) for row, picture in enumerate(pictures) if picture is not None]
    cells, stepped = np.zeros((len(shown), SQUARES, CELLS * CELLS), np.int32), np.zeros((len(shown), SQUARES), bool)
    plain, edged, inside = [np.empty((0, 4), np.int64)], [np.empty((0, 3), np.int64)], [np.empty((0, CELLS, CELLS), np.uint8)]
    for number, (of, picture) in enumerate(shown):
        boxes, found = _boxes(picture.grey.shape, picture.width, picture.height), rectangles(picture.grey)
        _fill(picture.grey, boxes, cells[number])
        stepped[number] = _stepped(boxes, found.edged)
        plain.append(_plain_hashes(of, picture, found.plain))
        edged.append(np.column_stack([np.full(len(found.edged), of), found.edged[:, [0, 3]]]))
        inside.append(_inside(found))
    rows = np.array([row for row, _ in shown], np.int64)
    bits, told = _lighter(cells)
    at, place = np.nonzero(told)
    parts = [(rows[at], place, bits[at, place], stepped[at, place])]
    in_pixels = len(_PIXELS) * len(CORNERS)
    levels, uneven = _levels(cells[:, :in_pixels].reshape(-1, CELLS, CELLS) // _FRACTION)
    at, place = np.nonzero(uneven.reshape(-1, in_pixels))
    parts.append((rows[at], place + SQUARE_LEVELS, levels.reshape(-1, in_pixels)[at, place], stepped[at, place]))
    row, place, hashes, sure = np.concatenate(plain).T
    parts.append((row, place, hashes.astype(np.uint64), sure > 0))
    row, corner, ends = np.concatenate(edged).T
    within = np.concatenate(inside)
    bits, told = _lighter(_FRACTION * within.reshape(-1, CELLS * CELLS).astype(np.int32))
    levels, uneven = _levels(within)
    parts += [
        (row[some], first + corner[some], found[some], ends[some] > 0)
        for first, found, some in ((LEVELS, levels, uneven), (SHAPE, bits, told))
    ]
    row, place, hashes, sure = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((hashes, place, row))
    return Corners(row[order], place[order].astype(np.uint8), hashes[order], sure[order])


def _stepped(boxes: np.ndarray, edged: np.ndarray) -> np.ndarray:
    """Whether a rectangle with edges reaches as far as each square, or nearly, bool[16]."""
    corner = np.arange(len(boxes)) % len(CORNERS)
    far = (edged[:, 1:3].min(axis=1) + 1)[:, None] >= boxes[:, 2:].max(axis=1)
    return np.asarray(((edged[:, :1] == corner) & far & (edged[:, 3:] > 0) & (boxes[:, 2] > 0)).any(axis=0))


def _lighter(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of cells, int32[..., 64] in quarters of a level: a hash of which are lighter than their mean, and whether it tells."""
    total = cells.sum(axis=-1, dtype=np.int64)
    spread = CELLS * CELLS * (cells * cells).sum(axis=-1, dtype=np.int64) - total * total  # (64 times the deviation) squared
    told = spread >= (CELLS * CELLS * _FRACTION * _DEVIATION) ** 2
    bits = CELLS * CELLS * cells > total[..., None].astype(np.int32)
    square = bits.reshape(*total.shape, CELLS, CELLS)
    changes = (square[..., 1:, :] != square[..., :-1, :]).sum(axis=(-2, -1)) + (square[..., 1:] != square[..., :-1]).sum(axis=(-2, -1))
    hashes = np.packbits(bits, axis=-1).view(">u8")[..., 0].astype(np.uint64)
    return hashes, told & (changes >= _CHANGES)


def _levels(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of 8 x 8 cells, whole levels [n, 8, 8]: a hash of those of 4 x 4, four bits each in Gray code; and whether they differ."""
    means = cells.reshape(-1, CELLS // 2, 2, CELLS // 2, 2).sum(axis=(2, 4), dtype=np.int32).reshape(-1, 16) // 4
    upper = means // 16
    codes = (upper ^ (upper >> 1)).astype(np.uint64)
    return np.bitwise_or.reduce(codes << np.arange(60, -1, -4, dtype=np.uint64), axis=1), np.ptp(means, axis=1) >= _RANGE


def _inside(found: Rectangles) -> np.ndarray:
    """Cells of rectangles with edges, uint8[n, 8, 8]."""
    cells = [resampled(found.crops[corner], (0, 0, wide, high), CELLS, "area") for corner, high, wide, _ in found.edged.tolist()]
    return np.array(cells, np.uint8).reshape(-1, CELLS, CELLS)


def _plain_hashes(row: int, picture: "Picture", plain: np.ndarray) -> np.ndarray:
    """Row, place, hash, and whether it is sure of each plain rectangle, by its size in pixels and as a share, int64[2 n, 4]."""
    corner, high, wide, level, sure = plain.T
    out = []
    for place, shorter in ((PLAIN_PIXELS, min(picture.width, picture.height)), (PLAIN_SHARE, _WHOLE)):
        size = np.searchsorted(_AREAS, 100 * high * wide * shorter * shorter // min(picture.grey.shape) ** 2)
        out.append(np.column_stack([np.full(len(plain), row), place + corner, level << 8 | size, sure]))
    return np.concatenate(out)


def _boxes(shape: tuple[int, ...], width: int, height: int) -> np.ndarray:
    """Top, left, rows and columns of every place in a reduced picture, int64[16, 4]; no rows where there are too few pixels."""
    rows, columns = shape
    shorter = min(width, height)
    out = np.zeros((SQUARES, 4), np.int64)
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
