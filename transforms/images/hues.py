"""What colours a picture with white in it has, and whether two that look alike in grey are of other colours: a product in red, and in blue.

Half an octet is kept for each of 8 x 8 cells of the picture without its border: whether it is neutral, faint in colour, or which of 13
hues it has (of the mean colour, by Cb and Cr of ITU-R BT.601). So a picture that was made more or less colourful stays what it was, and so
does one whose hue was turned by up to 27 degrees. Pictures without white, in them or as a border, have no hues kept, and are not decoded
in colour for them: one photo in twenty has.

What a filter does to a whole picture, a shade of sepia or another white balance, moves white as well: two pictures are compared where
both are neutral in three places at least. They are of other colours if three cells in the middle, of 36, lie two hues apart, or nine one;
if each has a hue in three where the other has none; or if one has in five, while both have the same in eight, or the other is black or
white there and 12 levels apart, as a grey copy is not. A cell may lie on the edge of a colour in the other picture: the nearest of those
within two fifths of a cell counts. What is laid over a copy mostly lies nearer its edges. Of 2,800 pairs of edited copies with white in
both (photos, documents, screens, faces, products) none has more than two cells that differ so.
"""

import numpy as np
from PIL import Image

from schemas.signatures import HUES, HUES_SIDE, THUMBNAIL_SIDE
from transforms.images.resample import Box, resampled

NO_HUES = np.zeros(HUES, np.uint8)
"""Of a picture without white, or without a picture."""
LEAST = 24  # pixels of a side that hues are taken from
_MOST = 64  # pixels of a side from which it is halved, or more
_WHITE, _SHARE = 246, 0.1  # level, noise and saving included; of a thumbnail's pixels
_NEUTRAL, _FAINT, _HUE, _HUES = 1, 2, 3, 13  # of a cell: the first of so many hues, in turn
_BELOW_FAINT, _BELOW_CLEAR = 8.5, 14.0  # levels of Cb and Cr together
_UNIT = 1024  # of a weight
_CHROMA = np.array([(-173, -339, 512), (512, -429, -83)])  # Cb and Cr by red, green and blue
_TURNS = np.arange(_HUES) * (2 * np.pi / _HUES)
_TOWARDS = np.rint(_UNIT * np.stack([np.cos(_TURNS), np.sin(_TURNS)])).astype(np.int64)  # the middle of each hue, as Cb and Cr
_NEAR, _FAR, _FAR_COUNTS = 2, 3, 3  # hues from one to the other: those that count once; those that count more, and how much
_MUCH, _EXCHANGED = 9, 3  # of what counts; cells of which each picture is neutral and the other has a hue
_BARE, _SAME = 5, 8  # cells of which one picture is neutral and the other has a hue; in which both have the same
_APART, _BLACK, _BRIGHT = 12, 80, 215  # levels
_CELL = THUMBNAIL_SIDE // HUES_SIDE  # pixels
_SAME_WHITE = 3  # cells neutral in both
_MIDDLES = np.concatenate([(np.indices((HUES_SIDE, HUES_SIDE)).reshape(2, -1) + 0.5) / HUES_SIDE, np.ones((1, HUES_SIDE**2))])
_AROUND = np.array([(down, along) for down in (-0.4, 0.4) for along in (-0.4, 0.4)])[:, :, None]
_INNER = np.pad(np.ones((HUES_SIDE - 2, HUES_SIDE - 2), bool), 1).ravel()


def _counts() -> np.ndarray:
    """How much it counts that cells are of these two kinds, uint8 [16, 16]."""
    kinds = np.arange(16)
    turn = np.abs(kinds[:, None] - kinds)
    turn = np.minimum(turn, _HUES - turn) * (np.minimum.outer(kinds, kinds) >= _HUE)
    return np.where(turn >= _FAR, _FAR_COUNTS, turn >= _NEAR).astype(np.uint8)


_COUNTS = _counts()


def shows_white(grey: np.ndarray, box: Box, thumbnail: np.ndarray) -> bool:
    """Whether a picture, uint8 [rows, columns], has a border with white corners around the box, or a tenth of its thumbnail is white.

    >>> levels = np.full((48, 48), 200, np.uint8)
    >>> shows_white(levels, (0, 0, 48, 48), levels), shows_white(levels + 50, (0, 0, 48, 48), levels + 50)
    (False, True)
    """
    bordered = box != (0, 0, *grey.shape[::-1]) and bool(grey[[0, 0, -1, -1], [0, -1, 0, -1]].min() >= _WHITE)
    return bordered or bool(np.count_nonzero(thumbnail >= _WHITE) >= _SHARE * thumbnail.size)


def hues(image: Image.Image, box: Box, width: int, height: int) -> np.ndarray:
    """The hues of the part of a picture in a box, uint8 [32], two cells an octet, the first one high.

    Args:
      image: in colour, at whatever scale.
      box: left, top, right, bottom, where the picture is `width` by `height` pixels.
      width: see there.
      height: likewise.

    >>> [f"{octet:02x}" for octet in hues(Image.new("RGB", (60, 60), "red"), (0, 0, 60, 60), 60, 60)[:2]]
    ['77', '77']
    """
    colours = image.convert("RGB")
    colours = colours.reduce((max(1, colours.width // _MOST), max(1, colours.height // _MOST)))
    left, right = box[0] * colours.width // width, -(-box[2] * colours.width // width)
    top, bottom = box[1] * colours.height // height, -(-box[3] * colours.height // height)
    planes = np.ascontiguousarray(np.asarray(colours).transpose(2, 0, 1))
    means = np.stack([resampled(plane, (left, top, right, bottom), HUES_SIDE, "area").reshape(-1) for plane in planes])
    chroma = _CHROMA @ means.astype(np.int64)
    squares = (chroma * chroma).sum(axis=0)
    hue = (_TOWARDS.T @ chroma).argmax(axis=0) + _HUE
    kinds = np.where(squares < (_BELOW_FAINT * _UNIT) ** 2, _NEUTRAL, np.where(squares < (_BELOW_CLEAR * _UNIT) ** 2, _FAINT, hue))
    octets: np.ndarray = (kinds[::2] << 4 | kinds[1::2]).astype(np.uint8)
    return octets


def of_other_hues(kept: np.ndarray, pictures: np.ndarray, still: np.ndarray, moved: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Whether aligned pictures are of other colours, bool [n].

    Args:
      kept: hues, uint8 [m, 32], zeros where there are none.
      pictures: thumbnails, uint8 [m, 48 * 48].
      still: int64 [n], the one looked for.
      moved: int64 [n], the other, in which.
      to: float64 [n, 2, 3], the map from the one to the other, as `transforms.images.alignment` found it.
    """
    found = np.zeros(len(to), bool)
    both = np.flatnonzero((kept[still, 0] != 0) & (kept[moved, 0] != 0))
    if not len(both):
        return found
    still, moved, (inside, there) = still[both], moved[both], _places(to[both])
    one, other = (np.stack([kept[side] >> 4, kept[side] & 15], axis=2).reshape(len(both), -1) for side in (still, moved))
    near = np.where(inside, np.take_along_axis(other[None], there, axis=2), 0)
    bare, bare_there, hued, hued_there = one == _NEUTRAL, near == _NEUTRAL, one >= _HUE, near >= _HUE
    apart, white = _COUNTS[one, near].min(axis=0), (bare & bare_there.any(axis=0)).sum(axis=1)
    gained, lost = bare & hued_there.all(axis=0) & _INNER, hued & bare_there.all(axis=0) & _INNER
    cells = apart * _INNER, hued & hued_there.any(axis=0) & (apart == 0) & _INNER, gained, lost
    much, same, more, less = (what.sum(axis=1) for what in cells)
    differ, bared = (much >= _MUCH) | (np.minimum(more, less) >= _EXCHANGED), np.maximum(more, less) >= _BARE
    differ |= bared & (same >= _SAME)
    asked = np.flatnonzero(bared & ~differ)
    if len(asked):
        sides = pictures[still[asked]], pictures[moved[asked]]
        differ[asked] = _of_other_shade(*sides, there[:, asked], gained[asked], lost[asked])
    found[both] = differ & (white >= _SAME_WHITE)
    return found


def _places(to: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of cells of one picture, whether their middles lie in the other, bool [n, 64], and the cells around them there, int64 [4, n, 64]."""
    at = to @ _MIDDLES * HUES_SIDE
    down, along = np.clip(np.floor(at + _AROUND[:, None]), 0, HUES_SIDE - 1).astype(np.int64).transpose(2, 0, 1, 3)
    return ((at >= 0) & (at < HUES_SIDE)).all(axis=1), down * HUES_SIDE + along


def _levels(thumbnails: np.ndarray) -> np.ndarray:
    """The sum of the levels of each cell, int64 [n, 64]."""
    cells = thumbnails.reshape(-1, HUES_SIDE, _CELL, HUES_SIDE, _CELL).sum(axis=(2, 4), dtype=np.int64)
    return cells.reshape(len(thumbnails), -1)


def _of_other_shade(one: np.ndarray, other: np.ndarray, there: np.ndarray, gained: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Whether one of two thumbnails, uint8 [n, 48 * 48] each, is black or white where the other has a hue, and other levels: bool [n].

    Either cells in which the second one has a hue, and the first none, bool [n, 64], or the other way round, whichever are more.
    """
    levels, seen = len(there) * _levels(one), np.take_along_axis(_levels(other)[None], there, axis=2).sum(axis=0)
    first = gained.sum(axis=1) >= lost.sum(axis=1)
    which = np.where(first[:, None], gained, lost)
    total, totals = (levels * which).sum(axis=1), (seen * which).sum(axis=1)
    pixels, bare = len(there) * _CELL * _CELL * which.sum(axis=1), np.where(first, total, totals)
    return (np.abs(total - totals) > _APART * pixels) & ((bare < _BLACK * pixels) | (bare > _BRIGHT * pixels))
