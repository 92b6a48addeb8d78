"""Whether one of two pictures has no colour in many places where the other has, though it has colours: a grey sofa, and a teal one.

A copy in grey has no colours at all, and one that was made paler has all of them by one factor, whatever became of its levels. So two
pictures are others if eight cells in the middle are neutral in one and clearly coloured in the other, while four anywhere are coloured in
both and nearly the same. That is so of darker copies of them too, which have no level left that it was, and which
`transforms.images.repainted` so leaves to be one. What is nearly black or white may have lost its colour by that alone, and is not
counted; nor is what a copy in sepia has, which colours what was neutral. A cell of the one may lie across several of the other: all that
it lies on must be neutral, or coloured. Of 335,000 pairs of edited copies of one photo none differ so.
"""

import numpy as np

from transforms.images.cells import CELL, INNER, WITHIN, read_colours, squared
from transforms.images.facing import Facing
from transforms.images.hues import COLOURED, colours, kinds

# Of Cb and Cr together, squared: within which a cell is neutral; from where it is clearly coloured; within which it has its colour still.
_NEUTRAL, _CLEAR, _STILL = 8.5**2, 16.0**2, 4.0**2
_DRAINED, _KEPT = 8, 4  # cells that lost their colour, in the middle; that kept it, anywhere
_DARK, _LIGHT = 40 * CELL**2, 215 * CELL**2  # of the sum of the levels of a cell, between which it could show a colour


def drained(chroma: np.ndarray, facing: Facing) -> np.ndarray:
    """Whether one of two aligned pictures lacks the colours of the other in many places, and has them elsewhere: bool [n].

    Args:
      chroma: int8 [m, 2, 64], of all pictures, see `transforms.images.chroma`.
      facing: the pairs.
    """
    found = np.zeros(len(facing.to), bool)
    asked = np.flatnonzero(_most(*_bare(chroma[facing.still], read_colours(chroma[facing.moved], facing.there)[None], facing)) >= _DRAINED)
    if len(asked):
        found[asked] = _are(chroma, facing.take(asked))
    return found


def _are(chroma: np.ndarray, facing: Facing) -> np.ndarray:
    """`drained` of those that are by what their cells have at their middles."""
    one, other = chroma[facing.still].astype(np.float32), chroma[facing.moved]
    beside = read_colours(other, facing.beside(WITHIN))
    lost, gained = _bare(one, beside, facing)
    bare = (cells & (levels >= _DARK) & (levels <= _LIGHT) for cells, levels in ((lost, facing.seen_levels()), (gained, facing.levels())))
    more = lost.sum(axis=1) >= gained.sum(axis=1)
    kept = facing.inside & (squared(one) >= _CLEAR) & (squared(beside - one).min(axis=0) <= _STILL)
    own = colours(kinds(chroma[np.where(more, facing.still, facing.moved)])) == COLOURED
    found: np.ndarray = (_most(*bare) >= _DRAINED) & (kept.sum(axis=1) >= _KEPT) & own
    return found


def _bare(one: np.ndarray, beside: np.ndarray, facing: Facing) -> tuple[np.ndarray, np.ndarray]:
    """Cells in the middle with a colour of which all that they lie on has none, and the other way round: bool [n, 64] each."""
    own, there, middle = squared(one.astype(np.float32)), squared(beside), facing.inside & INNER
    lost = middle & (own >= _CLEAR) & (there.max(axis=0) <= _NEUTRAL)
    return lost, middle & (own <= _NEUTRAL) & (there.min(axis=0) >= _CLEAR)


def _most(lost: np.ndarray, gained: np.ndarray) -> np.ndarray:
    """How many cells are so in one of two ways, bool [n, 64] each: int64 [n]."""
    found: np.ndarray = np.maximum(lost.sum(axis=1), gained.sum(axis=1))
    return found
