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
Squares in pixels have that as well, and down to four pixels of a picture that is decoded at a quarter of its size.

Of 1,040 photos (photos/ of the shared data) a row has 7.2 hashes, and none was on two of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from transforms.images.places import CORNERS, LEVELS, PLAIN_PIXELS, PLAIN_SHARE, SHAPE, SQUARE_LEVELS, Corners
from transforms.images.rectangles import BEYOND, LARGEST, rectangles, sums_before
from transforms.images.resample import resampled

if TYPE_CHECKING:
    from transforms.images.decode import Picture

CELLS: Final = 8  # a side
COARSE: Final = 4

_PIXELS: Final = (16, 32)
_SHARES: Final = (16, 8)
_LARGEST: Final = 4  # a square of more than this share of the shorter side is a part of the picture, not of its corner
_FRACTION: Final = 4  # of a level
_DEVIATION: Final = 10  # levels among the cells, below which a square is flat
_CHANGES: Final = 18  # between neighbouring bits, of 112
_RANGE: Final = 48  # levels that 4 x 4 cells differ by at least
_WHOLE: Final = 1000  # what a share is a share of
_AREAS: Final = np.array([100 * 1254**step // 1000**step for step in range(64)])  # of plain rectangles that differ by 12 % a side
_AT_ONCE: Final = 1 << 20  # pixels of pictures: sums over their corners stay in the processor's cache

_Part = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # row, place, hash, sure


def corner_hashes(pictures: "Sequence[Picture | None]") -> Corners:
    """The hashes of all corners of pictures that have any.

    Args:
      pictures: decoded; None where there is none.
    """
    shown = [(row, picture) for row, picture in enumerate(pictures) if picture is not None]
    shown.sort(key=lambda entry: -min(entry[1].grey.shape))
    parts, start = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint64), np.empty(0, bool))], 0
    while start < len(shown):
        number = max(1, _AT_ONCE // min(shown[start][1].grey.shape) ** 2)
        parts += _hashes(shown[start : start + number])
        start += number
    row, place, hashes, sure = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((hashes, place, row))
    return Corners(row[order], place[order].astype(np.uint8), hashes[order], sure[order])


def _hashes(shown: "Sequence[tuple[int, Picture]]") -> list[_Part]:
    """The same of pictures of about one size, by kinds of hash, in no order."""
    rows = np.array([row for row, _ in shown])
    sizes = np.array([(*picture.grey.shape, picture.height, picture.width) for _, picture in shown])
    squares = _squares(sizes)
    most = np.repeat(sizes[:, :2].min(axis=1) // LARGEST, len(CORNERS))
    side = max(int(most.max()) + BEYOND, int(squares[:, 2:].max(initial=0)) + 1)
    crops = _crops([_without_rest(picture) for _, picture in shown], side)
    found = rectangles(crops, most)
    reach = np.zeros(len(crops), np.int64)
    corner, high, wide, ends = found.edged.T
    np.maximum.at(reach, corner, ends * (np.minimum(high, wide) + 1))
    fine, coarse = squares[squares[:, 2:].min(axis=1) >= CELLS], squares[squares[:, 1] < len(_PIXELS) * len(CORNERS)]
    bits, told = _lighter(_cells(crops, fine, CELLS))
    parts = [_of_squares(rows, fine[told], reach, bits[told], 0)]
    levels, told = _levels(_cells(crops, coarse, COARSE) // _FRACTION)
    parts.append(_of_squares(rows, coarse[told], reach, levels[told], SQUARE_LEVELS))
    parts += _plain_hashes(rows, sizes, found.plain)
    within = _inside(crops, found.edged)
    bits, told = _lighter(_FRACTION * within)
    number, place = corner // len(CORNERS), corner % len(CORNERS)
    parts.append((rows[number[told]], SHAPE + place[told], bits[told], ends[told] > 0))
    levels, told = _levels(_halved(within))
    parts.append((rows[number[told]], LEVELS + place[told], levels[told], ends[told] > 0))
    return parts


def _of_squares(rows: np.ndarray, squares: np.ndarray, reach: np.ndarray, hashes: np.ndarray, first: int) -> _Part:
    """Hashes of squares, which make a patch known where a rectangle with edges reaches as far, or nearly."""
    number, place = squares[:, 0], squares[:, 1]
    stepped = reach[number * len(CORNERS) + place % len(CORNERS)] >= squares[:, 2:].max(axis=1)
    return rows[number], first + place, hashes, stepped


def _without_rest(picture: "Picture") -> np.ndarray:
    """A reduced picture without a last row or column that stands for less than half of what others stand for.

    A decoder makes it of what it fills the picture up with: of 573 rows at a quarter the last of 144 holds one row and three that are none,
    and what is 48 pixels high would not end with the picture.
    """
    ends = []
    for pixels, reduced in zip((picture.height, picture.width), picture.grey.shape, strict=True):
        factor = -(-pixels // reduced)
        ends.append(reduced - (2 * (pixels - (reduced - 1) * factor) < factor))
    return picture.grey[: ends[0], : ends[1]]


def _crops(greys: Sequence[np.ndarray], side: int) -> np.ndarray:
    """The four corners of grey pictures, turned to the top left, uint8[4 n, side, side], the side a multiple of four; 0 beyond them."""
    side = -(-side // 4) * 4
    out = np.zeros((len(greys), len(CORNERS), side, side), np.uint8)
    for crops, grey in zip(out, greys, strict=True):
        rows, columns = min(side, grey.shape[0]), min(side, grey.shape[1])
        for crop, turned in zip(crops, (grey, grey[:, ::-1], grey[::-1], grey[::-1, ::-1]), strict=True):
            crop[:rows, :columns] = turned[:rows, :columns]
    return out.reshape(-1, side, side)


def _squares(sizes: np.ndarray) -> np.ndarray:
    """Squares that are looked at: number of the picture, place, rows, and columns in the reduced picture, int64[n, 4].

    Args:
      sizes: rows and columns as reduced, height and width, int64[pictures, 4].
    """
    shorter = sizes[:, 2:].min(axis=1)
    side = np.column_stack([*(np.full(len(sizes), pixels) for pixels in _PIXELS), *(shorter / share for share in _SHARES)])
    high, wide = (np.rint(side * sizes[:, [axis]] / sizes[:, [axis + 2]]).astype(np.int64) for axis in range(2))
    number, size = np.nonzero((np.minimum(high, wide) >= COARSE) & (side * _LARGEST <= shorter[:, None]))
    corner = np.arange(len(CORNERS))
    place = (size[:, None] * len(CORNERS) + corner).ravel()
    number, size = np.repeat(number, len(CORNERS)), np.repeat(size, len(CORNERS))
    return np.column_stack([number, place, high[number, size], wide[number, size]])


def _cells(crops: np.ndarray, squares: np.ndarray, cells: int) -> np.ndarray:
    """Mean levels of so many cells a side of squares, in quarters, int32[n, cells^2]: as in the picture, from corners as turned."""
    number, place, high, wide = squares.T
    side = int(squares[:, 2:].max(initial=0)) + 1
    sums = sums_before(crops[:, :side, :side])
    corner, steps = place % len(CORNERS), np.arange(cells + 1)
    down, along = steps * high[:, None] // cells, steps * wide[:, None] // cells
    down, along = np.where(corner[:, None] >= 2, high[:, None] - down, down), np.where(corner[:, None] % 2, wide[:, None] - along, along)
    at = ((number * len(CORNERS) + corner) * side)[:, None, None] + down[:, :, None]
    totals = np.abs(np.diff(np.diff(sums.ravel()[at * side + along[:, None, :]], axis=1), axis=2)).astype(np.int32)
    areas = (np.abs(np.diff(down))[:, :, None] * np.abs(np.diff(along))[:, None, :]).astype(np.int32)
    return ((4 * totals + areas // 2) // areas).reshape(-1, cells * cells)


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
    """Of 4 x 4 cells, whole levels [n, 16]: a hash of four bits each in Gray code; and whether they differ."""
    codes = cells.astype(np.uint8) >> 4
    codes ^= codes >> 1
    hashes = (codes[:, ::2] << 4 | codes[:, 1::2]).view(">u8")[:, 0].astype(np.uint64)
    return hashes, np.ptp(cells, axis=1) >= _RANGE


def _halved(cells: np.ndarray) -> np.ndarray:
    """Of 8 x 8 cells, whole levels int32[n, 64], those of 4 x 4."""
    quarters = cells.reshape(-1, COARSE, 2, COARSE, 2)
    upper, lower = quarters[:, :, 0], quarters[:, :, 1]
    return np.asarray((upper[..., 0] + upper[..., 1] + lower[..., 0] + lower[..., 1]) // 4).reshape(-1, COARSE * COARSE)


def _inside(crops: np.ndarray, edged: np.ndarray) -> np.ndarray:
    """Mean levels of the cells of rectangles with edges, int32[n, 64]."""
    cells = [resampled(crops[corner], (0, 0, wide, high), CELLS, "area") for corner, high, wide, _ in edged.tolist()]
    return np.array(cells, np.int32).reshape(-1, CELLS * CELLS)


def _plain_hashes(rows: np.ndarray, sizes: np.ndarray, plain: np.ndarray) -> list[_Part]:
    """Hashes of plain rectangles, by their size in pixels and as a share."""
    corner, high, wide, level, sure = plain.T
    number, corner = corner // len(CORNERS), corner % len(CORNERS)
    reduced, whole = (sizes[number, first : first + 2].min(axis=1) for first in (0, 2))
    out = []
    for place, shorter in ((PLAIN_PIXELS, whole), (PLAIN_SHARE, _WHOLE)):
        size = np.searchsorted(_AREAS, 100 * high * wide * shorter * shorter // (reduced * reduced))
        out.append((rows[number], place + corner, (level << 8 | size).astype(np.uint64), sure > 0))
    return out
