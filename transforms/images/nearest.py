"""How one picture may lie in another: the nearest pair of their views, and the map between their thumbnails that it means.

Every view of either picture is compared with what is looked up of the other: the whole, the one between the bars and the untrimmed one, in
all orientations that are allowed; parts are compared with the same parts. A view is a known rectangle of its picture, so the nearest pair
says which point of the one thumbnail shows what a point of the other does. `alignment` starts from there.
"""

import numpy as np

from schemas.signatures import LOOKED_UP, PARTS, VIEWS
from transforms.compiled import compiled, ones
from transforms.images.maps import after, inverted, mirror_maps, rounded
from transforms.images.views import frames

__all__ = ["MEETINGS", "ORIENTATIONS", "mirror_maps", "nearest_views", "orient"]

ORIENTATIONS = 8
"""As it is; bit 0: mirrored; bit 1: upside down; bit 2: then turned about its diagonal."""
_NONE = np.uint64(65)  # a distance that no two hashes have
_ODD_COLUMNS, _ODD_ROWS = np.uint64(0xAAAAAAAAAAAAAAAA), np.uint64(0xFF00FF00FF00FF00)
_FLIPS = np.array([(_ODD_COLUMNS if way & 1 else 0) ^ (_ODD_ROWS if way & 2 else 0) for way in range(ORIENTATIONS)], np.uint64)
_SHIFTS = np.array([7, 14, 28], np.uint64)
_MASKS = np.array([0x00AA00AA00AA00AA, 0x0000CCCC0000CCCC, 0x00000000F0F0F0F0], np.uint64)
_BIT = np.uint32(1)
_MIRRORED_PARTS = {"left": "right", "right": "left"}


def _meetings() -> np.ndarray:
    """What is compared: a view that is looked up, its orientation, and the first and the last of the views that meet it, int64 [n, 4]."""
    parts = VIEWS.index(PARTS[0])
    found = [
        (VIEWS.index(name), orientation, 0, parts)
        for name in LOOKED_UP
        for orientation in range(2 if name == "untrimmed" else ORIENTATIONS)
    ]
    for view, name in enumerate(PARTS, parts):
        found += [(view, 0, view, view + 1), (VIEWS.index(_MIRRORED_PARTS.get(name, name)), 1, view, view + 1)]
    return np.array(found)


MEETINGS = _meetings()
"""What is compared: a view that is looked up, its orientation, and the first and the last of the views that meet it, int64 [n, 4]."""


def nearest_views(
    left: tuple[np.ndarray, np.ndarray, np.ndarray], right: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest pair of views of each pair of pictures.

    Args:
      left: of each pair, which views there are (uint32 [n]), their hashes (uint64 [n, views]) and the geometry (float32 [n, 9]), as in
        `transforms.images.views.Views`.
      right: likewise.

    Returns:
      maps, float64 [n, 2, 3]: a point of the left thumbnail, (down, along, 1) with sides of 1, to that of the right one, by the nearest
      pair of views. distances, int64 [n]: bits in which it differs. When left and right change places, distances stay, maps are inverted.
    """
    one_way, other_way = _nearest(left, right), _nearest(right, left)
    crossed, same = _less(other_way, one_way), np.flatnonzero((other_way == one_way).all(axis=1))
    crossed[same] = _less(right[1][same], left[1][same])
    distances, views, entries, orientations = np.where(crossed[:, None], other_way, one_way).T
    own, other = np.where(crossed[:, None], (right[2], left[2]), (left[2], right[2]))
    squares = frames(np.concatenate([views, entries]), np.concatenate([own, other]))
    maps = rounded(after(_turned(squares[len(views) :], orientations), inverted(squares[: len(views)])))
    return np.where(crossed[:, None, None], inverted(maps), maps), distances


def _nearest(asking: tuple[np.ndarray, ...], asked: tuple[np.ndarray, ...]) -> np.ndarray:
    """The nearest of the one's views to what is looked up of the other: distance, view, looked up, orientation, int64 [n, 4].

    Of equally near ones the first of `MEETINGS`, and of its views.
    """
    found = np.zeros((len(asking[0]), 4), np.int64)
    _meet(asking[0], asking[1], asked[0], asked[1], MEETINGS, found)
    return found


def _less(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether rows of numbers come before others by the first in which they differ, bool [n]."""
    rows, place = np.arange(len(one)), (one != other).argmax(axis=1)
    return one[rows, place] < other[rows, place]


def _turned(maps: np.ndarray, orientations: np.ndarray) -> np.ndarray:
    """Frames after the map from the square of the oriented picture to that of the picture."""
    down, along, shift = maps.transpose(2, 0, 1)
    flipped = (orientations & 2 != 0)[:, None]
    down, shift = np.where(flipped, -down, down), np.where(flipped, shift + down, shift)
    mirrored = (orientations & 1 != 0)[:, None]
    along, shift = np.where(mirrored, -along, along), np.where(mirrored, shift + along, shift)
    exchanged = (orientations & 4 != 0)[:, None]
    return np.stack([np.where(exchanged, along, down), np.where(exchanged, down, along), shift], axis=2)


def orient(hashes: np.ndarray, orientation: int) -> np.ndarray:
    """The hashes, uint64 [n], of the pictures in another orientation."""
    words = hashes.astype(np.uint64)
    if orientation & 1:
        words ^= _ODD_COLUMNS
    if orientation & 2:
        words ^= _ODD_ROWS
    return _turned_bits(words) if orientation & 4 else words


def _turned_bits(words: np.ndarray) -> np.ndarray:
    """Hashes of pictures turned about their diagonal: single bits change places across it, then pairs, then nibbles."""
    for shift, mask in zip(_SHIFTS, _MASKS, strict=True):
        moved = (words ^ words >> shift) & mask
        words = words ^ moved ^ moved << shift
    return words


@compiled
def _meet(have, hashes, others, words, meetings, found):  # type: ignore[no-untyped-def]
    """Distance, view, looked up and orientation of the nearest view, of equally near ones the first."""
    for row in range(len(found)):
        held, own, there, asked, out, nearest = have[row], hashes[row], others[row], words[row], found[row], _NONE
        for k in range(len(meetings)):
            entry, orientation = meetings[k, 0], meetings[k, 1]
            if there >> np.uint32(entry) & _BIT:
                word = asked[entry] ^ _FLIPS[orientation]
                if orientation > 3:
                    for step in range(3):
                        moved = (word ^ word >> _SHIFTS[step]) & _MASKS[step]
                        word ^= moved ^ moved << _SHIFTS[step]
                for view in range(meetings[k, 2], meetings[k, 3]):
                    distance = ones(own[view] ^ word)
                    if distance < nearest and held >> np.uint32(view) & _BIT:
                        nearest, out[1], out[2], out[3] = distance, view, entry, orientation
        out[0] = nearest
