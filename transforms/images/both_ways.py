"""Whether each of two aligned pictures is lighter than the other somewhere in the middle: another print on a mug, another chair in a room.

What is put over a photo is mostly white, or lies at its edges; where a photo shows through it, that is lighter as a whole. Where two photos
of one place show two things, the one is darker here and the other there.

Of 8 x 8 cells those inside both count that do not lie at an edge. The middle of the levels by which they differ is taken away first: a
whole picture may be lighter. Where the cells are parted in three, not in halves, what makes half of a photo lighter is one way too.
"""

import numpy as np

from transforms.images.cells import CELL, INNER
from transforms.images.facing import Facing

_MUCH = 10 * CELL**2  # of the sum of the levels of a cell


def lighter_both_ways(facing: Facing, parts: int = 2) -> np.ndarray:
    """Whether in some cell each is lighter than the other by more than ten levels, bool [n].

    Args:
      facing: the pairs.
      parts: into which the cells fall by how much lighter they are, all as large: so much darker than the second, or lighter than the last
        but one.

    >>> mugs = np.full((2, 48, 48), 150, np.uint8)
    >>> mugs[0, 12:18, 12:18], mugs[1, 24:30, 24:30] = 90, 90
    >>> one, other, as_they_lie = np.array([0]), np.array([1]), np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> lighter_both_ways(Facing.of(mugs.reshape(2, -1), one, other, as_they_lie)).tolist()
    [True]
    """
    inside = facing.inside & INNER
    off = facing.levels() - facing.seen_levels()
    count = inside.sum(axis=1, keepdims=True)
    ordered = np.sort(np.where(inside, off, np.iinfo(off.dtype).max), axis=1)
    places = np.concatenate([0 * count, count // parts, count * (parts - 1) // parts, np.maximum(count - 1, 0)], axis=1)
    least, second, last_but_one, most = np.take_along_axis(ordered, places, axis=1).T
    return np.logical_and(most - last_but_one > _MUCH, second - least > _MUCH)
