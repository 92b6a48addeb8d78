"""How one picture may lie in another: the nearest pair of their views, and the map between their thumbnails that it means.

Every view of either picture is compared with what is looked up of the other: the whole, the one between the bars and the untrimmed one, in
all orientations that are allowed; parts are compared with the same parts. A view is a known rectangle of its picture, so the nearest pair
says which point of the one thumbnail shows what a point of the other does. `alignment` starts from there.
"""

import numpy as np

from schemas.signatures import LOOKED_UP, PARTS, VIEWS
from transforms.compiled import ZERO, compiled, ones
from transforms.images.maps import after, inverted, mirror_maps, rounded
from transforms.images.views import frames

__all__ = ["MEETINGS", "ORIENTATIONS", "mirror_maps", "nearest_views", "orient"]

ORIENTATIONS = 8
"""As it is; bit 0: mirrored; bit 1: upside down; bit 2: then turned about its diagonal."""
_NONE = 65  # a distance that no two hashes have
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
    found = np.zeros((len(left[0]), 5), np.int64)
    _nearest_all(*left[:2], *right[:2], MEETINGS, _FLIPS, np.empty((2, 4), np.int64), found)
    distances, views, entries, orientations, crossed = found.T
    crossed = crossed != 0
    maps = inverted(frames(views, np.where(crossed[:, None], right[2], left[2])))
    ends = _turned(frames(entries, np.where(crossed[:, None], left[2], right[2])), orientations)
    maps = rounded(after(ends, maps))
    return np.where(crossed[:, None, None], inverted(maps), maps), distances


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
    if orientation & 4:
        for shift, mask in zip(_SHIFTS, _MASKS, strict=True):
            moved = (words ^ words >> shift) & mask
            words ^= moved ^ moved << shift
    return words


@compiled
def _nearest_all(have, hashes, other_have, other_hashes, meetings, flips, best, found):  # type: ignore[no-untyped-def]
    """Distance, view, looked up, orientation, and whether the view is one of the other picture's; of equally near ones the first.

    `best` is for the two ways round: a view of the one in what is looked up of the other, and the reverse.
    """
    for row in range(len(found)):
        own, others, first = hashes[row], other_hashes[row], ZERO
        for way in range(2):
            asking, asked = (others, own) if way else (own, others)
            held, looked_up = (other_have[row], have[row]) if way else (have[row], other_have[row])
            nearest = best[way]
            nearest[0] = _NONE
            for k in range(len(meetings)):
                entry, orientation = meetings[k, 0], meetings[k, 1]
                if looked_up >> np.uint32(entry) & _BIT == 0:
                    continue
                word = asked[entry] ^ flips[orientation]
                if orientation > 3:  # exchanges single bits, then pairs, then nibbles across the diagonal
                    for step in range(len(_SHIFTS)):
                        moved = (word ^ word >> _SHIFTS[step]) & _MASKS[step]
                        word ^= moved ^ moved << _SHIFTS[step]
                for view in range(meetings[k, 2], meetings[k, 3]):
                    distance = np.int64(ones(asking[view] ^ word))
                    if distance < nearest[0] and held >> np.uint32(view) & _BIT:
                        nearest[0], nearest[1], nearest[2], nearest[3] = distance, view, entry, orientation
        for k in range(4):
            if first == 0 and best[0, k] != best[1, k]:
                first = 1 if best[0, k] < best[1, k] else -1
        for view in range(len(own)):
            if first == 0 and own[view] != others[view]:
                first = 1 if own[view] < others[view] else -1
        for k in range(4):
            found[row, k] = best[1 if first < 0 else 0, k]
        found[row, 4] = first < 0
