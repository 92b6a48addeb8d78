"""Where the 8 x 8 cells of a picture lie in another one that was aligned with it: what the rules on colours, shades and tones go by."""

import dataclasses
from typing import Self

import numpy as np

from schemas.signatures import CELLS, CELLS_SIDE, THUMBNAIL_SIDE
from transforms.compiled import compiled
from transforms.images.cells import levels

_HALF = THUMBNAIL_SIDE // 2
_MIDDLES = (np.indices((CELLS_SIDE, CELLS_SIDE)).reshape(2, -1) + 0.5) / CELLS_SIDE
_CELLS_DOWN, _CELLS_ALONG = _MIDDLES
_POINTS = (np.arange(_HALF) + 0.5) / _HALF
_LAST = CELLS_SIDE - 2.0**-20  # within the last cell
_HERE = np.zeros((1, 2))
_SIDE, _ROW, _OF_CELL, _ONE, _TWO = (np.uint64(n) for n in (THUMBNAIL_SIDE, CELLS_SIDE, _HALF // CELLS_SIDE, 1, 2))


@dataclasses.dataclass(frozen=True)
class Facing:
    """Pairs of pictures, and the cells of the other one that those of the one face.

    Attributes:
      pictures: thumbnails, uint8 [m, 48 * 48].
      still: int64 [n], the one looked for.
      moved: int64 [n], the other, in which.
      to: float64 [n, 2, 3], the map from the one to the other, as `transforms.images.alignment` found it.
      inside: bool [n, 64], whether the middle of each cell of the one lies in the other.
      there: int64 [n, 64], the cell in which it lies, or the nearest.
    """

    pictures: np.ndarray
    still: np.ndarray
    moved: np.ndarray
    to: np.ndarray
    inside: np.ndarray
    there: np.ndarray

    @classmethod
    def of(cls, pictures: np.ndarray, still: np.ndarray, moved: np.ndarray, to: np.ndarray) -> Self:
        """Of pictures aligned by maps.

        >>> itself, picture = np.array([0]), np.zeros((1, 48 * 48), np.uint8)
        >>> pair = Facing.of(picture, itself, itself, np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.5]]]))
        >>> pair.inside[0, :5].tolist(), pair.there[0, :4].tolist()
        ([True, True, True, True, False], [4, 5, 6, 7])
        """
        inside, there = _places(to, _HERE)
        return cls(pictures, still, moved, to, inside, there[0])

    def take(self, which: np.ndarray) -> Self:
        """Some pairs alone, by their numbers or bool [n]."""
        return type(self)(self.pictures, *(field[which] for field in (self.still, self.moved, self.to, self.inside, self.there)))

    def beside(self, by: np.ndarray) -> np.ndarray:
        """The cells of the other in which places beside the middles lie, or the nearest, int64 [b, n, 64].

        Args:
          by: float64 [b, 2], down and along, in cells.
        """
        return _places(self.to, by)[1]

    def levels(self) -> np.ndarray:
        """The sum of the levels of each cell of the one: int64 [n, 64]."""
        return levels(self.pictures, self.still)

    def others_levels(self) -> np.ndarray:
        """The sum of the levels of each cell of the other: int64 [n, 64]."""
        return levels(self.pictures, self.moved)

    def seen_levels(self) -> np.ndarray:
        """The sum of the levels that each cell of the one has in the other: int64 [n, 64].

        Of the other at half the size, half a level rounded up, the nearest pixels are taken.

        >>> halves = np.tile(np.repeat(np.array([0, 9], np.uint8), 24), 48)[None]
        >>> itself = np.array([0])
        >>> pair = Facing.of(halves, itself, itself, np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.25]]]))
        >>> pair.seen_levels()[0, :4].tolist()
        [0, 0, 324, 324]
        """
        sums = np.zeros((len(self.to), CELLS), np.int64)
        _see(self.pictures, self.moved, self.to, sums)
        return 4 * sums


def _places(to: np.ndarray, beside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether the middles of cells lie in the other picture, bool [n, 64], and what `Facing.beside` returns."""
    inside, there = np.empty((len(to), CELLS), bool), np.empty((len(beside), len(to), CELLS), np.int64)
    _lie(to, beside, inside, there)
    return inside, there


@compiled
def _lie(to, beside, inside, there):  # type: ignore[no-untyped-def]
    for row in range(len(inside)):
        map_ = to[row]
        yy, yx, y0, xy, xx, x0 = map_[0, 0], map_[0, 1], map_[0, 2], map_[1, 0], map_[1, 1], map_[1, 2]
        for cell in range(CELLS):
            down, along = _CELLS_DOWN[cell], _CELLS_ALONG[cell]
            y, x = (yy * down + yx * along + y0) * CELLS_SIDE, (xy * down + xx * along + x0) * CELLS_SIDE
            inside[row, cell] = (y >= 0) & (y < CELLS_SIDE) & (x >= 0) & (x < CELLS_SIDE)
            for place in range(len(beside)):
                down, along = y + beside[place, 0], x + beside[place, 1]
                down, along = down if down > 0 else 0.0, along if along > 0 else 0.0
                down, along = down if down < _LAST else _LAST, along if along < _LAST else _LAST
                there[place, row, cell] = np.int64(down) * CELLS_SIDE + np.int64(along)


@compiled
def _see(pictures, moved, to, sums):  # type: ignore[no-untyped-def]
    last = _HALF - 1.0
    for row in range(len(sums)):
        picture, map_, out = pictures[moved[row]], to[row], sums[row]
        yy, yx, y0, xy, xx, x0 = map_[0, 0], map_[0, 1], map_[0, 2], map_[1, 0], map_[1, 1], map_[1, 2]
        for i in range(np.uint64(_HALF)):
            for j in range(np.uint64(_HALF)):
                down, along = _POINTS[i], _POINTS[j]
                y, x = (yy * down + yx * along + y0) * _HALF, (xy * down + xx * along + x0) * _HALF
                y, x = y if y > 0 else 0.0, x if x > 0 else 0.0
                y, x = y if y < last else last, x if x < last else last
                at = (np.uint64(y) * _SIDE + np.uint64(x)) * _TWO
                upper, lower = np.int64(picture[at]) + picture[at + _ONE], np.int64(picture[at + _SIDE]) + picture[at + _SIDE + _ONE]
                out[i // _OF_CELL * _ROW + j // _OF_CELL] += upper + lower + 2 >> 2
