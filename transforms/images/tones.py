"""Whether a picture whose white is none any more is a toned copy of one that shows white: a product in sepia, and another one in red.

Of a toned copy no hues are kept (`transforms.images.hues`), since nothing in it is white; where the other shows white, it shows how light
white has become. What is darker has become as much darker, or less, since a tone may lift black, to 45 at most: sepia lifts it to 29. Two
pictures are others if four cells in the middle are lighter or darker than that by more than 12 levels. As with hues, what lies around
counts: the edge of a product falls into other shares of a cell in each copy. Of 7,500 edited copies of photos one is lost by it.

Sums are of whole numbers, so that they are the same in any order.
"""

import numpy as np

from transforms.images.cells import AROUND, CELL, INNER, OTHER, SAME_WHITE, SEVERAL, read
from transforms.images.facing import Facing
from transforms.images.hues import WHITE

# Of the sum of the levels of a cell: from where it was white; white itself; black, at most, once toned; below which it is white no more.
_PAPER, _MOST, _LIFTED, _LOST = (level * CELL**2 for level in (250, 255, 45, WHITE))


def of_other_tones(white: np.ndarray, facing: Facing) -> np.ndarray:
    """Whether aligned pictures, of which one alone shows white, have levels that no tone laid on it explains: bool [n].

    Args:
      white: bool [m], which of the pictures show it.
      facing: the pairs.
    """
    found = np.zeros(len(facing.to), bool)
    asked = np.flatnonzero(white[facing.still] ^ white[facing.moved])
    if not len(asked):
        return found
    facing = facing.take(asked)
    inside, one, around = facing.inside, facing.levels(), read(facing.others_levels(), facing.beside(AROUND))
    first, other = white[facing.still][:, None], around[len(around) // 2]
    paper = inside & (np.where(first, one, other) >= _PAPER)
    count = paper.sum(axis=1)
    white = (np.where(first, other, one) * paper).sum(axis=1) / np.maximum(count, 1)
    least, most = _toned(one, first, white)
    others_least, others_most = _toned(np.stack([around.min(axis=0), around.max(axis=0)]), ~first, white)
    off = (least > others_most.max(axis=0) + OTHER) | (most < others_least.min(axis=0) - OTHER)
    found[asked] = (count >= SAME_WHITE) & (white < _LOST) & ((off & inside & INNER).sum(axis=1) >= SEVERAL)
    return found


def _toned(before: np.ndarray, which: np.ndarray, white: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest level that a tone makes of levels, [..., n, 64], where white becomes so light, [n]: both linear in them.

    `which` are to be toned, bool [n, 1]; others stay.
    """
    least = before * (white / _MOST)[:, None]
    most = least + _LIFTED * (1 - before / _MOST)
    return np.where(which, least, before), np.where(which, most, before)
