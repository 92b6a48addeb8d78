"""Whether two pictures differ in how light what has colour is, while all else is as it was: towels in light blue, and in a deeper blue.

Whatever makes a picture lighter or darker as a whole, or gives it more contrast, moves every level but one or two. So where cells of
several levels are what they were, those of levels between them are too, unless another thing is shown there. Hues alone do not tell it:
both towels are blue.

Two pictures are of other shades if six cells are what they were within three levels, and ten with colour, that lie between the second
lightest and the second darkest of these, and half of all that have colour, are lighter by more than 12 levels, or all darker: what is laid
over a copy covers less of it.
"""

import numpy as np

from transforms.images.cells import AT, CELL, INNER, OTHER, SAME, levels, places, read, seen_levels
from transforms.images.hues import FAINT, HUE

_ANCHORS, _MANY = 6, 10  # cells that are what they were; those that are lighter, or darker
_BLACK, _WHITE = 8 * CELL**2, 248 * CELL**2  # of the sum of the levels of a cell: where levels end, and stay whatever is done


def of_other_shades(
    one: np.ndarray, other: np.ndarray, pictures: np.ndarray, still: np.ndarray, moved: np.ndarray, to: np.ndarray
) -> np.ndarray:
    """Whether aligned pictures are of other shades, bool [n].

    Args:
      one: the hues of the one looked for, uint8 [n, 64].
      other: those of the other.
      pictures: thumbnails, uint8 [m, 48 * 48].
      still: int64 [n], the one looked for.
      moved: int64 [n], the other, in which.
      to: float64 [n, 2, 3], the map from the one to the other, as `transforms.images.alignment` found it.
    """
    found = np.zeros(len(to), bool)
    inside, there = places(to, AT)
    other = read(other, there[0])
    coloured = inside & INNER & (np.maximum(one, other) >= HUE) & (np.minimum(one, other) >= FAINT)
    own, seen = levels(pictures[still]), read(levels(pictures[moved]), there[0])
    asked = np.flatnonzero(_moved(coloured, own - seen, OTHER // 2) >= _MANY)
    if len(asked):
        own, inside, coloured = own[asked], inside[asked], coloured[asked]
        off = own - seen_levels(pictures, moved[asked], to[asked])
        same = inside & (np.abs(off) <= SAME) & (own > _BLACK) & (own < _WHITE)
        darkest, lightest = np.sort(np.where(same, own, _WHITE), axis=1)[:, 1:2], np.sort(np.where(same, own, 0), axis=1)[:, -2:-1]
        deeper = _moved(coloured & (own >= darkest) & (own <= lightest), off, OTHER)
        found[asked] = (same.sum(axis=1) >= _ANCHORS) & (deeper >= _MANY) & (2 * deeper >= coloured.sum(axis=1))
    return found


def _moved(which: np.ndarray, off: np.ndarray, by: int) -> np.ndarray:
    """How many of some cells, bool [n, 64], are lighter by so much, or darker, whichever are more: int64 [n]."""
    found: np.ndarray = np.maximum((which & (off > by)).sum(axis=1), (which & (off < -by)).sum(axis=1))
    return found
