"""Whether two pictures differ in how light what has colour is, while all else is as it was: towels in light blue, and in a deeper blue.

Whatever makes a picture lighter or darker as a whole, or gives it more contrast, moves every level but one or two. So where cells of
several levels are what they were, those of levels between them are too, unless another thing is shown there. Hues alone do not tell it:
both towels are blue.

Two pictures are of other shades if six cells are what they were within three levels, and ten with colour, that lie between the second
lightest and the second darkest of these, and half of all that have colour, are lighter by more than 12 levels, or all darker: what is laid
over a copy covers less of it.
"""

import numpy as np

from transforms.images.cells import CELL, INNER, OTHER, SAME, read
from transforms.images.facing import Facing
from transforms.images.hues import FAINT, HUE

_ANCHORS, _MANY = 6, 10  # cells that are what they were; those that are lighter, or darker
_BLACK, _WHITE = 8 * CELL**2, 248 * CELL**2  # of the sum of the levels of a cell: where levels end, and stay whatever is done


def of_other_shades(one: np.ndarray, other: np.ndarray, facing: Facing) -> np.ndarray:
    """Whether aligned pictures are of other shades, bool [n].

    Args:
      one: the hues of the one looked for, uint8 [n, 64].
      other: those of the other.
      facing: the pairs.
    """
    found, other = np.zeros(len(one), bool), read(other, facing.there)
    coloured = facing.inside & INNER & (np.maximum(one, other) >= HUE) & (np.minimum(one, other) >= FAINT)
    some = np.flatnonzero(coloured.sum(axis=1) >= _MANY)
    facing, coloured = facing.take(some), coloured[some]
    own = facing.levels()
    asked = np.flatnonzero(_moved(coloured, own - read(facing.others_levels(), facing.there), OTHER // 2) >= _MANY)
    if len(asked):
        facing, coloured, own = facing.take(asked), coloured[asked], own[asked]
        off = own - facing.seen_levels()
        same = facing.inside & (np.abs(off) <= SAME) & (own > _BLACK) & (own < _WHITE)
        darkest, lightest = np.sort(np.where(same, own, _WHITE), axis=1)[:, 1:2], np.sort(np.where(same, own, 0), axis=1)[:, -2:-1]
        deeper = _moved(coloured & (own >= darkest) & (own <= lightest), off, OTHER)
        found[some[asked]] = (same.sum(axis=1) >= _ANCHORS) & (deeper >= _MANY) & (2 * deeper >= coloured.sum(axis=1))
    return found


def _moved(which: np.ndarray, off: np.ndarray, by: int) -> np.ndarray:
    """How many of some cells, bool [n, 64], are lighter by so much, or darker, whichever are more: int64 [n]."""
    found: np.ndarray = np.maximum((which & (off > by)).sum(axis=1), (which & (off < -by)).sum(axis=1))
    return found
