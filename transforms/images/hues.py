"""What colours a picture with white in it has, and whether two that look alike in grey are of other colours: a product in red, and in blue.

An octet is kept for each of 8 x 8 cells of the picture without its border: whether it is neutral, faint in colour, or which of 252 hues it
has (of the mean colour, by Cb and Cr of ITU-R BT.601). So a picture that was made more or less colourful stays what it was. Pictures
without white, in them or as a border, have no hues kept, and are not decoded in colour for them: one photo in sixteen has. So have those
with a border or a ground of one colour that is light and neutral, as products stand before: four photos in a thousand more.

Two pictures are of other colours if four cells in the middle, of 36, lie 19 degrees apart, or two lie 60: what is laid over a copy mostly
lies nearer its edges. A cell may lie on the edge of two colours, which it mixes to another share in each picture: the nearest of those
around it counts, and whatever lies between two of them on either side. So what is small lies all on edges: 60 degrees are other colours of
what lies within two fifths of a cell. Of 32,500 pairs of edited copies with white in both (photos, documents, screens, faces, products)
100 differ so, most of them one photo with more contrast; of 9,520 pairs of products of one shape that differ anywhere, 9,455.

Where hues are missing in one, it may be a grey copy. They are two if each has a hue in three cells where the other has none; or if one has
in four, while the other has some colour of its own, if a faint one, in two, as ten of those 32,500 do, or lies 12 levels apart there: a
grey copy has the levels it was made of, within one.

What a filter does to a whole picture, a shade of sepia or another white balance, moves white as well: two pictures are compared where both
are neutral in three places at least. Without these, as where a product fills its border, hues alone are, unless one picture has that of
sepia everywhere and the other has several: it may be a copy in sepia, of what was framed.
"""

import numpy as np
from PIL import Image

from schemas.signatures import HUES, HUES_SIDE
from transforms.images.cells import AROUND, CELL, INNER, OTHER, SAME_WHITE, SEVERAL, WITHIN, levels, places, seen_levels
from transforms.images.resample import Box, resampled

NO_HUES = np.zeros(HUES, np.uint8)
"""Of a picture without white, or without a picture."""
LEAST = 24  # pixels of a side that hues are taken from
_MOST = 64  # pixels of a side from which it is halved, or more
WHITE, _SHARE = 240, 0.1
"""The level from which white is white, noise and saving included; of a thumbnail's pixels."""
_LIGHT, _GROUND = 200, 0.15  # the level from which a ground is light; of a thumbnail's pixels, which three levels in a row hold
COLOURED, GREY, TONED = range(3)
_NEUTRAL, FAINT, HUE, _HUES = 1, 2, 3, 252  # of a cell: the first of so many hues, in turn
_BELOW_FAINT, _BELOW_CLEAR = 8.5, 14.0  # levels of Cb and Cr together
_UNIT, _LENGTH = 1024, 1 << 20  # of a weight; of a direction, so long that the nearest of 252 is found
_CHROMA = np.array([(-173, -339, 512), (512, -429, -83)])  # Cb and Cr by red, green and blue
_TURNS = np.arange(_HUES) * (2 * np.pi / _HUES)
_TOWARDS = np.rint(_LENGTH * np.stack([np.cos(_TURNS), np.sin(_TURNS)])).astype(np.int64)  # the middle of each hue, as Cb and Cr
_APART, _FAR = 13, 42  # hues from one to the other: of what lies around, of what lies within
_EXCHANGED = 3  # cells of which each picture is neutral and the other has a hue
_WIDELY, _MANY = 21, 12  # of pictures not on white: hues from one to the other; cells of which that is enough
_MORE, _STAYING = 6, 6  # cells that lie apart, or are neutral in one, where so many light and neutral ones are what they were
_SHINING, _SAME = 100 * CELL**2, 3 * CELL**2  # of the sum of the levels of a cell: from where it is light; by which it may have changed
_FEW_FAR = 2  # cells that lie so far apart from all around
_BARE, _OWN = 4, 2  # cells of which one picture is neutral and the other has a hue; in which that one has some colour itself
_SEPIA, _NEAR_SEPIA = HUE + 103, 20  # the hue of it; hues from it


def shows_white(grey: np.ndarray, box: Box, thumbnail: np.ndarray) -> bool:
    """Whether a picture, uint8 [rows, columns], has white at the corners around the box, or a tenth of its thumbnail is white.

    >>> grey = np.full((48, 48), 200, np.uint8)
    >>> shows_white(grey, (0, 0, 48, 48), grey), shows_white(grey + 50, (0, 0, 48, 48), grey + 50)
    (False, True)
    """
    return _least_around(grey, box) >= WHITE or bool(np.count_nonzero(thumbnail >= WHITE) >= _SHARE * thumbnail.size)


def _least_around(grey: np.ndarray, box: Box) -> int:
    """The least level at the corners around a box, 0 where it is the whole picture."""
    if box == (0, 0, *grey.shape[::-1]):
        return 0
    left, top, right, bottom = box
    rows, columns = np.clip([top - 2, bottom + 1], 0, len(grey) - 1), np.clip([left - 2, right + 1], 0, grey.shape[1] - 1)
    return int(grey[np.ix_(rows, columns)].min())


def shows_light_ground(grey: np.ndarray, box: Box, thumbnail: np.ndarray) -> bool:
    """Whether a picture has a border or a ground of one colour that is light, if not white; see `shows_white`.

    >>> grey = np.tile(np.where(np.arange(48) < 30, 40, 228).astype(np.uint8), (48, 1))
    >>> shows_light_ground(grey, (0, 0, 48, 48), grey), shows_light_ground(grey - 40, (0, 0, 48, 48), grey - 40)
    (True, False)
    """
    if _least_around(grey, box) >= _LIGHT:
        return True
    if np.count_nonzero(thumbnail >= _LIGHT) < _GROUND * thumbnail.size:
        return False
    counts = np.bincount(thumbnail.ravel(), minlength=256)[_LIGHT:]
    return bool((counts[:-2] + counts[1:-1] + counts[2:]).max() >= _GROUND * thumbnail.size)


def on_neutral_ground(kinds: np.ndarray, thumbnail: np.ndarray) -> bool:
    """Whether of a picture with a light ground, hues uint8 [64], most of what is light is neutral, and some colour is in two cells.

    Else it may be a copy in sepia, or in grey, whose levels may be any.

    >>> light, kinds = np.full((48, 48), 228, np.uint8), np.full(64, 1, np.uint8)
    >>> kinds[9:11] = 79
    >>> [on_neutral_ground(some, light) for some in (kinds, np.full(64, 1, np.uint8), np.full(64, 106, np.uint8))]
    [True, False, False]
    """
    light = levels(thumbnail.reshape(1, -1))[0] >= _LIGHT * CELL**2
    neutral = np.count_nonzero(light & (kinds == _NEUTRAL)) > np.count_nonzero(light) / 2
    return bool(neutral and np.count_nonzero(kinds >= FAINT) >= _OWN)


def of_own_colours(kinds: np.ndarray) -> bool:
    """Whether a picture, hues uint8 [64], has colours of its own: of a copy in grey or in sepia no hues say what it was made of.

    >>> [of_own_colours(np.array(some)) for some in ([79] * 64, [106] * 64, [106] * 60 + [1] * 4, [106] * 32 + [125] * 32, [1] * 64)]
    [True, False, True, True, False]
    """
    if np.count_nonzero(kinds >= FAINT) < _OWN:
        return False
    mixed = np.count_nonzero(kinds < HUE) >= SAME_WHITE or not _of_one_hue(kinds[None])[0]
    return bool(mixed or colours(kinds[None])[0] == COLOURED)


def hues(image: Image.Image, box: Box, width: int, height: int) -> np.ndarray:
    """The hues of the part of a picture in a box, uint8 [64], row by row: 1 neutral, 2 faint, from 3 the 252 hues, in turn.

    Args:
      image: in colour, at whatever scale.
      box: left, top, right, bottom, where the picture is `width` by `height` pixels.
      width: see there.
      height: likewise.

    >>> hues(Image.new("RGB", (60, 60), "red"), (0, 0, 60, 60), 60, 60)[:2].tolist()
    [79, 79]
    """
    colours = image.convert("RGB")
    colours = colours.reduce((max(1, colours.width // _MOST), max(1, colours.height // _MOST)))
    left, right = box[0] * colours.width // width, -(-box[2] * colours.width // width)
    top, bottom = box[1] * colours.height // height, -(-box[3] * colours.height // height)
    planes = np.ascontiguousarray(np.asarray(colours).transpose(2, 0, 1))
    means = np.stack([resampled(plane, (left, top, right, bottom), HUES_SIDE, "area").reshape(-1) for plane in planes])
    chroma = _CHROMA @ means.astype(np.int64)
    squares = (chroma * chroma).sum(axis=0)
    hue = (_TOWARDS.T @ chroma).argmax(axis=0) + HUE
    kinds = np.where(squares < (_BELOW_FAINT * _UNIT) ** 2, _NEUTRAL, np.where(squares < (_BELOW_CLEAR * _UNIT) ** 2, FAINT, hue))
    return kinds.astype(np.uint8)


def of_other_hues(
    kept: np.ndarray, white: np.ndarray, pictures: np.ndarray, still: np.ndarray, moved: np.ndarray, to: np.ndarray
) -> np.ndarray:
    """Whether aligned pictures are of other colours, bool [n].

    Args:
      kept: hues, uint8 [m, 64], zeros where there are none.
      white: bool [m], which are on white.
      pictures: thumbnails, uint8 [m, 48 * 48].
      still: int64 [n], the one looked for.
      moved: int64 [n], the other, in which.
      to: float64 [n, 2, 3], the map from the one to the other, as `transforms.images.alignment` found it.
    """
    found = np.zeros(len(to), bool)
    both = np.flatnonzero((kept[still, 0] != 0) & (kept[moved, 0] != 0))
    if not len(both):
        return found
    still, moved, to = still[both], moved[both], to[both]
    one, other = kept[still], kept[moved]
    inside, there = places(to, WITHIN)
    near = np.where(inside, np.take_along_axis(other[None], there, axis=2), 0)
    bare, bare_there, hued, hued_there = one == _NEUTRAL, near == _NEUTRAL, one >= HUE, near >= HUE
    met, turns = hued & hued_there.any(axis=0) & INNER, _apart(one, np.take_along_axis(other[None], places(to, AROUND)[1], axis=2))
    apart = (turns >= _APART) | (np.where(hued_there, _turns(one, near), _HUES).min(axis=0) >= _FAR)
    gained, lost = bare & hued_there.all(axis=0) & INNER, hued & bare_there.all(axis=0) & INNER
    others, far, more, less = (what.sum(axis=1) for what in (met & apart, met & (turns >= _FAR), gained, lost))
    recoloured = (others >= SEVERAL) | (far >= _FEW_FAR)
    bared = np.maximum(more, less) >= _BARE
    own = np.where((more >= less)[:, None], one, other)
    differ = (np.minimum(more, less) >= _EXCHANGED) | (bared & (((own >= FAINT) & INNER).sum(axis=1) >= _OWN))
    asked = np.flatnonzero(bared & ~differ)
    if len(asked):
        sides = pictures[still[asked]], pictures[moved[asked]]
        differ[asked] = _of_other_shade(*sides, there[:, asked], gained[asked], lost[asked])
    neutral = bare & bare_there.any(axis=0)
    anchored, toned = neutral.sum(axis=1) >= SAME_WHITE, _may_be_toned(one, other)
    found[both] = (differ & anchored) | (recoloured & (anchored | ~toned))
    elsewhere = ~(white[still] & white[moved])
    found[both[elsewhere]] = ((met & (turns >= _WIDELY)).sum(axis=1) >= _MANY)[elsewhere] & ~toned[elsewhere]
    asked = np.flatnonzero(elsewhere & anchored & (differ | (others >= _MORE)))
    if len(asked):
        own = levels(pictures[still[asked]])
        stays = neutral[asked] & (own >= _SHINING) & (np.abs(own - seen_levels(pictures, moved[asked], to[asked])) <= _SAME)
        found[both[asked]] |= stays.sum(axis=1) >= _STAYING
    return found


def colours(kinds: np.ndarray) -> np.ndarray:
    """What colour pictures, hues uint8 [n, 64] each, show, uint8 [n]: `COLOURED`, some; `GREY`, none, or that of sepia alone; or `TONED`,
    that of sepia, or whatever those have of which no hues are kept, and nothing neutral.

    >>> colours(np.array([[1] * 63 + [79], [1] * 64, [1] * 60 + [106] * 4, [106] * 64, [0] * 64])).tolist()
    [0, 1, 1, 2, 2]
    """
    coloured = np.logical_or.reduce((kinds >= HUE) & (_turns(kinds, _SEPIA) > _NEAR_SEPIA), axis=1)
    neutral = np.logical_or.reduce(kinds == _NEUTRAL, axis=1)
    return np.where(coloured, COLOURED, np.where(neutral, GREY, TONED)).astype(np.uint8)


def _apart(one: np.ndarray, around: np.ndarray) -> np.ndarray:
    """How many hues cells, uint8 [n, 64], lie from those around them, uint8 [9, n, 64], or from what two opposite ones mix to: [n, 64]."""
    turns = np.where(around >= HUE, _turns(one, around), _HUES)
    least = turns.min(axis=0)
    for end in range(len(around) // 2):
        np.minimum(least, (turns[end] + turns[-1 - end] - _turns(around[end], around[-1 - end])) // 2, out=least)
    return least


def _turns(one: np.ndarray, other: np.ndarray | int) -> np.ndarray:
    """How many hues lie from one to the other, the shorter way round: int64, of kinds that have one."""
    turn = np.abs(one.astype(np.int64) - other)
    return np.minimum(turn, _HUES - turn)


def _may_be_toned(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether one of two pictures, uint8 [n, 64] each, may be a copy in sepia, and the other has several hues: bool [n]."""
    toned, other_toned = _of_one_hue(one), _of_one_hue(other)
    found: np.ndarray = (colours(np.where(toned[:, None], one, other)) == TONED) & (toned ^ other_toned)
    return found


def _of_one_hue(cells: np.ndarray) -> np.ndarray:
    """Whether pictures, uint8 [n, 64], have no two hues: bool [n]."""
    hued = cells >= HUE
    some = np.take_along_axis(cells, hued.argmax(axis=1)[:, None], axis=1)
    return np.logical_and.reduce((_turns(cells, some) < _APART) | ~hued, axis=1)


def _of_other_shade(one: np.ndarray, other: np.ndarray, there: np.ndarray, gained: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Whether two thumbnails, uint8 [n, 48 * 48] each, have other levels where one has a hue and the other has none: bool [n].

    Either cells in which the second one has a hue, and the first none, bool [n, 64], or the other way round, whichever are more.
    """
    own, seen = len(there) * levels(one), np.take_along_axis(levels(other)[None], there, axis=2).sum(axis=0)
    which = np.where((gained.sum(axis=1) >= lost.sum(axis=1))[:, None], gained, lost)
    off: np.ndarray = np.abs(((own - seen) * which).sum(axis=1))
    return off > OTHER * len(there) * which.sum(axis=1)
