"""Whether two pictures that look alike in grey are of other colours: a product in red, and in blue.

Two pictures are if four cells in the middle, of 36, lie 19 degrees apart, or two lie 60: what is laid over a copy mostly lies nearer its
edges. A cell may lie on the edge of two colours, which it mixes to another share in each picture: the nearest of those around it counts,
and whatever lies between two of them on either side. So what is small lies all on edges: 60 degrees are other colours of what lies within
two fifths of a cell. Of 32,500 pairs of edited copies with white in both (photos, documents, screens, faces, products) 100 differ so, most
of them one photo with more contrast; of 9,520 pairs of products of one shape that differ anywhere, 9,455.

Where hues are missing in one, it may be a grey copy. They are two if each has a hue in three cells where the other has none; or if one has
in four, while the other has some colour of its own, if a faint one, in two, as ten of those 32,500 do, or lies 12 levels apart there: a
grey copy has the levels it was made of, within one.

What a filter does to a whole picture, a shade of sepia or another white balance, moves white as well: two pictures are compared where both
are neutral in three places at least. Without these, as where a product fills its border, hues alone are, unless one picture has that of
sepia everywhere and the other has several: it may be a copy in sepia, of what was framed.

Where one of them is not on white (`transforms.images.drawn.Looks.white`), it may be a photo, of which such filters are many, and what is
dark stays neutral under all of them. Two are then if twelve cells lie 30 degrees apart; if six light ones are neutral in both and of one
level, while six others lie 19 degrees apart, or as above where hues are missing in one; or if half of all have their level and their hue
still, and four lie 19 degrees apart. Of 111,000 pairs of edited photos two differ so, of 3,064 pairs of photos made warmer, cooler,
greener, paler or more colourful 94, and of 1,166 pairs of products of one shape in another colour 677.
"""

import numpy as np

from schemas.signatures import CELLS
from transforms.images.cells import AROUND, CELL, INNER, OTHER, SAME, SAME_WHITE, SEVERAL, WITHIN, read
from transforms.images.facing import Facing
from transforms.images.hues import APART, FAINT, HUE, NEUTRAL, SOME, TONED, TURN, colours, of_one_hue, turns_between

_FAR = 42  # hues from one to the other: of what lies within
_FEW_FAR = 2  # cells that lie so far apart from all around
_EXCHANGED = 3  # cells of which each picture is neutral and the other has a hue
_BARE = 4  # cells of which one picture is neutral and the other has a hue
_WIDELY, _MANY = 21, 12  # of what is not on white: hues from one to the other; cells of which that is enough
_NO_TURN = 4  # hues from one to the other, as saving turns them
_MORE, _STAYING = 6, 6  # cells that lie apart; light ones that are what they were, with which so many are enough
_SHINING = 100 * CELL**2  # of the sum of the levels of a cell, from where it is light


def of_other_hues(one: np.ndarray, other: np.ndarray, white: np.ndarray, facing: Facing) -> np.ndarray:
    """Whether aligned pictures are of other colours, bool [n].

    Args:
      one: the hues of the one looked for, uint8 [n, 64].
      other: those of the other.
      white: bool [n], whether both are on white.
      facing: the pairs.
    """
    found = np.zeros(len(one), bool)
    asked = np.flatnonzero(_may_be(one, np.where(facing.inside, read(other, facing.there), 0)))
    if len(asked):
        found[asked] = _of_others(one[asked], other[asked], white[asked], facing.take(asked))
    return found


def _may_be(one: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Whether cells differ from those at their middles, uint8 [n, 64] each, in so many places that they may from those around: bool [n]."""
    hued, hued_there = one >= HUE, there >= HUE
    apart = hued & (there != 0) & (np.where(hued_there, turns_between(one, there), TURN) >= APART)
    gained, lost = (one == NEUTRAL) & hued_there, hued & (there == NEUTRAL)
    several, more, less = ((what & INNER).sum(axis=1) for what in (apart, gained, lost))
    found: np.ndarray = (several >= _FEW_FAR) | (np.maximum(more, less) >= _EXCHANGED)
    return found


def _of_others(one: np.ndarray, other: np.ndarray, white: np.ndarray, facing: Facing) -> np.ndarray:
    """`of_other_hues` of those that may be."""
    there = facing.beside(WITHIN)
    near = np.where(facing.inside, read(other, there), 0)
    bare, bare_there, hued, hued_there = one == NEUTRAL, near == NEUTRAL, one >= HUE, near >= HUE
    met, turns = hued & hued_there.any(axis=0) & INNER, _apart(one, read(other, facing.beside(AROUND)))
    apart = (turns >= APART) | (np.where(hued_there, turns_between(one, near), TURN).min(axis=0) >= _FAR)
    gained, lost = bare & hued_there.all(axis=0) & INNER, hued & bare_there.all(axis=0) & INNER
    others, far, more, less = (what.sum(axis=1) for what in (met & apart, met & (turns >= _FAR), gained, lost))
    recoloured = (others >= SEVERAL) | (far >= _FEW_FAR)
    bared = np.maximum(more, less) >= _BARE
    own = np.where((more >= less)[:, None], one, other)
    differ = (np.minimum(more, less) >= _EXCHANGED) | (bared & (((own >= FAINT) & INNER).sum(axis=1) >= SOME))
    asked = np.flatnonzero(bared & ~differ)
    if len(asked):
        differ[asked] = _of_other_shade(facing.take(asked), there[:, asked], gained[asked], lost[asked])
    neutral = bare & bare_there.any(axis=0)
    anchored, toned = neutral.sum(axis=1) >= SAME_WHITE, _may_be_toned(one, other)
    found: np.ndarray = (differ & anchored) | (recoloured & (anchored | ~toned))
    elsewhere = ~white
    found[elsewhere] = ((met & (turns >= _WIDELY)).sum(axis=1) >= _MANY)[elsewhere] & ~toned[elsewhere]
    asked = np.flatnonzero(elsewhere & (differ | recoloured))
    if len(asked):
        some, near = facing.take(asked), near[:, asked]
        own = some.levels()
        stays = np.abs(own - some.seen_levels()) <= SAME
        lights = (stays & neutral[asked] & (own >= _SHINING)).sum(axis=1) >= _STAYING
        half = (stays & _alike(one[asked], near).any(axis=0)).sum(axis=1) >= CELLS // 2
        found[asked] |= (half & (others >= SEVERAL)[asked]) | (lights & (differ | (others >= _MORE))[asked])
    return found


def _alike(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether cells, uint8 [..., 64] each, are both neutral, both faint, or of one hue: bool [..., 64]."""
    found: np.ndarray = np.where((one >= HUE) & (other >= HUE), turns_between(one, other) <= _NO_TURN, one == other)
    return found


def _apart(one: np.ndarray, around: np.ndarray) -> np.ndarray:
    """How many hues cells, uint8 [n, 64], lie from those around them, uint8 [9, n, 64], or from what two opposite ones mix to: [n, 64]."""
    turns = np.where(around >= HUE, turns_between(one, around), TURN)
    least = turns.min(axis=0)
    for end in range(len(around) // 2):
        np.minimum(least, (turns[end] + turns[-1 - end] - turns_between(around[end], around[-1 - end])) // 2, out=least)
    return least


def _may_be_toned(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether one of two pictures, uint8 [n, 64] each, may be a copy in sepia, and the other has several hues: bool [n]."""
    toned, other_toned = of_one_hue(one), of_one_hue(other)
    found: np.ndarray = (colours(np.where(toned[:, None], one, other)) == TONED) & (toned ^ other_toned)
    return found


def _of_other_shade(facing: Facing, there: np.ndarray, gained: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Whether two pictures have other levels where one has a hue and the other has none: bool [n].

    Either cells in which the second one has a hue, and the first none, bool [n, 64], or the other way round, whichever are more.
    """
    own, seen = len(there) * facing.levels(), read(facing.others_levels(), there).sum(axis=0)
    which = np.where((gained.sum(axis=1) >= lost.sum(axis=1))[:, None], gained, lost)
    off: np.ndarray = np.abs(((own - seen) * which).sum(axis=1))
    return off > OTHER * len(there) * which.sum(axis=1)
