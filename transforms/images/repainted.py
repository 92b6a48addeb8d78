"""Whether a picture has other colours in some places while the rest of it is as it was: a bicycle in blue on the meadow of a red one.

A photo may have been made warmer or paler as a whole, which moves whatever is light or has colour. So two pictures are looked at for what
stayed: of 8 x 8 cells three tenths must have their level and their colour still, some of them light or coloured. Two that fill the same
frame are others then if five cells in the middle are of another colour by six levels of Cb and Cr together, or two by twelve, and one of
them where no band at an edge reaches. Where one was cropped or turned, a cell of it lies across several: the nearest of those around it
counts, or what two of them mix to, and four must differ by twelve.

Three things change colours in some places, and make no other picture. A copy in grey has none at all. One that was made paler or more
colourful has all by one factor: what that factor explains is not counted, unless what stayed has colours, which it would have changed.
Under white that is laid over a picture a colour becomes as much paler as it becomes lighter: what is so in one of the two is not counted.
Of 103,000 pairs of edited photos 106 differ so, six of them a copy and its photo.
"""

import numpy as np

from schemas.signatures import CELLS_SIDE
from transforms.images.cells import AROUND, CELL, INNER, read_colours, squared
from transforms.images.facing import Facing
from transforms.images.maps import stretched

_FRAME = 0.02  # of a side, by which the map from one to the other may move or stretch it
_CORE = np.pad(np.ones((CELLS_SIDE - 4, CELLS_SIDE - 4), bool), 2).ravel()  # which no band at an edge reaches
_GREY = 2  # Cb or Cr of any cell of a picture in grey, saved again or not, at most
# Of colours, Cb and Cr together, squared: within which a cell has its own still; from where it is coloured; by which a factor would have
# changed all that stayed, and did half of that at most.
_STILL, _COLOURED, _REFUTED = 2.5**2, 6.0**2, 2 * 4.0**2
_IN_FRAME, _ELSEWHERE = ((12.0**2, 2), (6.0**2, 5)), ((12.0**2, 4),)  # how far apart colours are, and cells of which that is enough
_SHARE, _ANCHORS = 0.3, 6  # of the cells in both, that stayed; such as are light or coloured
_MOST = 4.0  # the factor of colours
# Of the sum of the levels of a cell: within which it stayed; from where it is light; by which it is lighter under white; white.
_LEVEL, _LIGHT, _OVER, _WHITE = (level * CELL**2 for level in (4, 50, 8, 255))
_UNDER = 12.0**2  # Cb and Cr, squared, within which white explains a colour


def repainted(chroma: np.ndarray, facing: Facing) -> np.ndarray:
    """Whether aligned pictures are of other colours in some places, bool [n].

    Args:
      chroma: int8 [m, 2, 64], of all pictures, see `transforms.images.chroma`.
      facing: the pairs.
    """
    found = np.zeros(len(facing.to), bool)
    coloured = np.logical_or.reduce((chroma > _GREY) | (chroma < -_GREY), axis=(1, 2))
    asked = np.flatnonzero(coloured[facing.still] & coloured[facing.moved])
    asked = asked[_may_be(chroma, facing.take(asked))]
    if len(asked):
        found[asked] = _are(chroma, facing.take(asked))
    return found


def _may_be(chroma: np.ndarray, facing: Facing) -> np.ndarray:
    """Whether enough cells are of another colour than those at their middles, and enough have their levels still: bool [n]."""
    off = squared(read_colours(chroma[facing.moved], facing.there) - chroma[facing.still])
    found = _enough(facing.inside & INNER, off, _in_one_frame(facing.to))
    asked = np.flatnonzero(found)
    some = facing.take(asked)
    own = some.levels()
    found[asked] = _held(_in_level(own, some.seen_levels(), some.inside), chroma[some.still].astype(np.float32), own, some.inside)
    return found


def _are(chroma: np.ndarray, facing: Facing) -> np.ndarray:
    """`repainted` of those that may be."""
    one, given, inside, in_frame = chroma[facing.still].astype(np.float32), chroma[facing.moved], facing.inside, _in_one_frame(facing.to)
    other, own, seen = read_colours(given, facing.there), facing.levels(), facing.seen_levels()
    off, elsewhere = squared(other - one), np.flatnonzero(~in_frame)
    if len(elsewhere):
        around = facing.take(elsewhere).beside(AROUND)
        off[elsewhere] = _nearest(one[elsewhere], read_colours(given[elsewhere], around))
    stays = _in_level(own, seen, inside) & (off <= _STILL)
    found = _held(stays, one, own, inside)
    for left in (_beside_factor(one, other, off, inside, stays), _beside_factor(other, one, off, inside, stays)):
        for over in (_under_white(one, own, other, seen), _under_white(other, seen, one, own)):
            found &= _enough(inside & INNER & ~over, left, in_frame)
    return found


def _in_level(own: np.ndarray, seen: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Which cells inside have their level still, bool [n, 64]."""
    found: np.ndarray = inside & (np.abs(seen - own) <= _LEVEL)
    return found


def _held(stays: np.ndarray, one: np.ndarray, own: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Whether enough of the cells inside stay, bool [n, 64], and enough of these are light or coloured: bool [n]."""
    anchors = stays & ((own >= _LIGHT) | (squared(one) >= _COLOURED))
    found: np.ndarray = (stays.sum(axis=1) >= _SHARE * inside.sum(axis=1)) & (anchors.sum(axis=1) >= _ANCHORS)
    return found


def _in_one_frame(to: np.ndarray) -> np.ndarray:
    """Whether maps move no corner but to itself, or to the one it is mirrored to."""
    mirrored = to[:, [0, 1], [0, 1]] < 0
    found: np.ndarray = np.maximum(stretched(to), np.abs(to[:, :, 2] - mirrored).max(axis=1)) <= _FRAME
    return found


def _nearest(one: np.ndarray, around: np.ndarray) -> np.ndarray:
    """How far colours, [n, 2, 64], are from those around, [9, n, 2, 64], or from what two opposite ones mix to, squared: [n, 64]."""
    least = np.min([squared(one - other) for other in around], axis=0)
    for end in range(len(around) // 2):
        from_end, along = one - around[end], around[-1 - end] - around[end]
        share = np.clip((from_end * along).sum(axis=1) / np.maximum(squared(along), 1), 0, 1)
        np.minimum(least, squared(from_end - share[:, None] * along), out=least)
    return least


def _enough(cells: np.ndarray, off: np.ndarray, in_frame: np.ndarray) -> np.ndarray:
    """Whether so many of some cells, bool [n, 64], are of another colour, one of them away from the edges: bool [n]."""
    found = np.zeros(len(off), bool)
    for which, least in ((in_frame, _IN_FRAME), (~in_frame, _ELSEWHERE)):
        for much, count in least:
            far = cells & (off >= much)
            found |= which & (far.sum(axis=1) >= count) & (far & _CORE).any(axis=1)
    return found


def _under_white(one: np.ndarray, own: np.ndarray, other: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Whether white laid over cells of one colour, [n, 2, 64], and level, [n, 64], gives those of the other: bool [n, 64]."""
    left = np.clip((_WHITE - seen) / np.maximum(_WHITE - own, 1), 0, 1)
    found: np.ndarray = (seen - own >= _OVER) & (squared(other - left[:, None] * one) <= _UNDER)
    return found


def _beside_factor(one: np.ndarray, other: np.ndarray, off: np.ndarray, inside: np.ndarray, stays: np.ndarray) -> np.ndarray:
    """How far other colours are from the one, squared, [n, 64], or from it times one factor, unless what stays refutes that."""
    shared, own = ((one * side).sum(axis=1) * inside for side in (other, one))
    factor = np.clip(shared.sum(axis=1) / np.maximum(own.sum(axis=1), 1), 0, _MOST)[:, None]
    moved, did = (((1 - factor) ** 2 * own) * stays).sum(axis=1), (off * stays).sum(axis=1)
    refuted = (moved >= _REFUTED) & (did <= moved / 2)
    return np.where(refuted[:, None], off, np.minimum(off, squared(other - factor[:, None] * one)))
