"""What colours a picture has that may be a product: what looks alike in grey may be one cup in red, and one in blue.

Each of 8 x 8 cells is neutral, faint in colour, or of one of 252 hues, by its chroma (`transforms.images.chroma`). So a picture that was
made more or less colourful stays what it was.

Hues say something of pictures with white in them or as a border, one photo in sixteen; with a border or a ground of one colour that is
light and neutral, four photos in a thousand; and of whatever else is smooth or has a ground of one colour (`transforms.images.drawn`), as
products have in a room or before a backdrop, one photo in six more. Copies in grey or in sepia say nothing of what they were made of, where
nothing is white.
"""

import functools

import numpy as np

from transforms.images.cells import CELL, SAME_WHITE, levels
from transforms.images.resample import Box

WHITE, _SHARE = 240, 0.1
"""The level from which white is white, noise and saving included; of a thumbnail's pixels."""
_LIGHT, _GROUND = 200, 0.15  # the level from which a ground is light; of a thumbnail's pixels, which three levels in a row hold
COLOURED, GREY, TONED = range(3)
"""What colour a picture shows, see `colours`."""
NEUTRAL, FAINT, HUE, TURN = 1, 2, 3, 252
"""Of a cell: neutral, faint in colour, the first hue; and how many there are, all the way round."""
APART = 13
"""Hues from one to another, 19 degrees."""
SOME = 2
"""Cells in which a picture has some colour itself, at least."""
_BELOW_FAINT, _BELOW_CLEAR = 8.5, 14.0  # levels of Cb and Cr together
_LENGTH = 1 << 16  # of a direction: so long that the nearest of 252 is found, and products are whole in single precision
_TURNS = np.arange(TURN) * (2 * np.pi / TURN)
_TOWARDS = np.rint(_LENGTH * np.stack([np.cos(_TURNS), np.sin(_TURNS)])).astype(np.float32)  # the middle of each hue, as Cb and Cr
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
    light = levels(thumbnail.reshape(1, -1), np.array([0]))[0] >= _LIGHT * CELL**2
    neutral = np.count_nonzero(light & (kinds == NEUTRAL)) > np.count_nonzero(light) / 2
    return bool(neutral and np.count_nonzero(kinds >= FAINT) >= SOME)


def of_own_colours(kinds: np.ndarray) -> bool:
    """Whether a picture, hues uint8 [64], has colours of its own: of a copy in grey or in sepia no hues say what it was made of.

    >>> [of_own_colours(np.array(some)) for some in ([79] * 64, [106] * 64, [106] * 60 + [1] * 4, [106] * 32 + [125] * 32, [1] * 64)]
    [True, False, True, True, False]
    """
    if np.count_nonzero(kinds >= FAINT) < SOME:
        return False
    mixed = np.count_nonzero(kinds < HUE) >= SAME_WHITE or not of_one_hue(kinds[None])[0]
    return bool(mixed or colours(kinds[None])[0] == COLOURED)


def kinds(chroma: np.ndarray) -> np.ndarray:
    """The hues of cells by their chroma, int8 [..., 2, 64]: uint8 [..., 64]; 1 neutral, 2 faint, from 3 the 252 hues, in turn.

    >>> kinds(np.array([[0, 7, -43, 64], [0, 7, 127, -53]], np.int8)).tolist()
    [1, 2, 79, 227]
    """
    cb, cr = chroma.view(np.uint8).astype(np.intp).swapaxes(0, -2)
    return _kinds()[cb, cr]


@functools.cache
def _kinds() -> np.ndarray:
    """Those of every Cb and Cr, by their octets: uint8 [256, 256]. Products are of whole numbers, so that every machine finds the same."""
    levels = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.float32)
    turn = (_TOWARDS[0] * levels[:, None, None] + _TOWARDS[1] * levels[:, None]).argmax(axis=2)
    squares = levels[:, None] ** 2 + levels**2
    found = np.where(squares < _BELOW_FAINT**2, NEUTRAL, np.where(squares < _BELOW_CLEAR**2, FAINT, turn + HUE))
    return found.astype(np.uint8)


def colours(kinds: np.ndarray) -> np.ndarray:
    """What colour pictures show, hues uint8 [n, 64] each: uint8 [n].

    `COLOURED` is any but that of sepia; `GREY` none, or that of sepia beside what is neutral; `TONED` that of sepia alone, or whatever
    those have of which no hues are kept.

    >>> colours(np.array([[1] * 63 + [79], [1] * 64, [1] * 60 + [106] * 4, [106] * 64, [0] * 64])).tolist()
    [0, 1, 1, 2, 2]
    """
    coloured = np.logical_or.reduce((kinds >= HUE) & (turns_between(kinds, _SEPIA) > _NEAR_SEPIA), axis=1)
    neutral = np.logical_or.reduce(kinds == NEUTRAL, axis=1)
    return np.where(coloured, COLOURED, np.where(neutral, GREY, TONED)).astype(np.uint8)


def turns_between(one: np.ndarray, other: np.ndarray | int) -> np.ndarray:
    """How many hues lie from one to the other, the shorter way round: int64, of cells that have one.

    >>> turns_between(np.array([3, 79], np.uint8), np.array([254, 200], np.uint8)).tolist()
    [1, 121]
    """
    turn = np.abs(one.astype(np.int64) - other)
    return np.minimum(turn, TURN - turn)


def of_one_hue(cells: np.ndarray) -> np.ndarray:
    """Whether pictures, uint8 [n, 64], have no two hues: bool [n]."""
    hued = cells >= HUE
    some = np.take_along_axis(cells, hued.argmax(axis=1)[:, None], axis=1)
    return np.logical_and.reduce((turns_between(cells, some) < APART) | ~hued, axis=1)
