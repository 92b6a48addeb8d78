"""How one picture may lie in another: the nearest pair of their views, and the map between their thumbnails that it means.

Every view of either picture is compared with what is looked up of the other: the whole, the one between the bars and the untrimmed one, in
all orientations that are allowed; parts are compared with the same parts. A view is a known rectangle of its picture, so the nearest pair
says which point of the one thumbnail shows what a point of the other does. `alignment` starts from there.
"""

import numpy as np

from schemas.signatures import LOOKED_UP, PARTS, VIEWS
from transforms.compiled import compiled
from transforms.images.alignment import GRAIN
from transforms.images.views import RECTANGLES, SQUARE, TURNED, UNBARRED

ORIENTATIONS = 8
"""As it is; bit 0: mirrored; bit 1: upside down; bit 2: then turned about its diagonal."""
_NONE = 65  # a distance that no two hashes have
_ODD_COLUMNS, _ODD_ROWS = np.uint64(0xAAAAAAAAAAAAAAAA), np.uint64(0xFF00FF00FF00FF00)
_FIRST_PART, _FIRST_TURN, _LEFT, _RIGHT = VIEWS.index(PARTS[0]), len(RECTANGLES), VIEWS.index("left"), VIEWS.index("right")
_IN = np.array([VIEWS.index(name) for name in LOOKED_UP])
_WAYS = np.array([2 if name == "untrimmed" else ORIENTATIONS for name in LOOKED_UP])


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
    maps, distances = np.zeros((len(left[0]), 2, 3)), np.zeros(len(left[0]), np.int64)
    _nearest_all(*left, *right, maps, distances)
    return maps, distances


def mirror_maps(mirrored: np.ndarray) -> np.ndarray:
    """The maps of pictures compared as they are, or one turned left to right (bool [n]): float64 [n, 2, 3]."""
    maps = np.zeros((len(mirrored), 2, 3))
    maps[:, 0, 0], maps[:, 1, 1], maps[:, 1, 2] = 1, np.where(mirrored, -1, 1), mirrored
    return maps


def orient(hashes: np.ndarray, orientation: int) -> np.ndarray:
    """The hashes, uint64 [n], of the pictures in another orientation."""
    return np.array([_orient.py_func(word, orientation) for word in hashes.tolist()], np.uint64)  # type: ignore[attr-defined]


@compiled
def _orient(word, orientation):  # type: ignore[no-untyped-def]
    word = np.uint64(word)
    if orientation & 1:
        word ^= _ODD_COLUMNS
    if orientation & 2:
        word ^= _ODD_ROWS
    if orientation & 4:  # exchanges single bits, then pairs, then nibbles across the diagonal
        for shift, mask in ((7, 0x00AA00AA00AA00AA), (14, 0x0000CCCC0000CCCC), (28, 0x00000000F0F0F0F0)):
            moved = (word ^ word >> np.uint64(shift)) & np.uint64(mask)
            word ^= moved ^ moved << np.uint64(shift)
    return word


@compiled
def _ones(x):  # type: ignore[no-untyped-def]
    x -= x >> np.uint64(1) & np.uint64(0x5555555555555555)
    x = (x & np.uint64(0x3333333333333333)) + (x >> np.uint64(2) & np.uint64(0x3333333333333333))
    return np.int64((x + (x >> np.uint64(4)) & np.uint64(0x0F0F0F0F0F0F0F0F)) * np.uint64(0x0101010101010101) >> np.uint64(56))


@compiled
def _frame(view, info, out):  # type: ignore[no-untyped-def]
    """The map from a view's square to the thumbnail."""
    top, bottom, left, right = 0.0, 1.0, 0.0, 1.0
    if view < _FIRST_TURN:
        top, bottom, left, right = RECTANGLES[view, 0], RECTANGLES[view, 1], RECTANGLES[view, 2], RECTANGLES[view, 3]
    elif view < SQUARE:
        aspect, cosine, sine = float(info[0]), TURNED[view - _FIRST_TURN, 0], TURNED[view - _FIRST_TURN, 1]
        out[0, 0], out[0, 1], out[1, 0], out[1, 1] = cosine, sine * aspect, -sine / aspect, cosine
        out[0, 2], out[1, 2] = 0.5 - 0.5 * (out[0, 0] + out[0, 1]), 0.5 - 0.5 * (out[1, 0] + out[1, 1])
        return
    elif view == SQUARE:
        top, left = max(0.0, 0.5 - 0.5 * info[0]), max(0.0, 0.5 - 0.5 / info[0])
        bottom, right = 1 - top, 1 - left
    else:
        at = 1 if view == UNBARRED else 5
        top, bottom, left, right = float(info[at]), float(info[at + 1]), float(info[at + 2]), float(info[at + 3])
    out[0, 0], out[0, 1], out[0, 2], out[1, 0], out[1, 1], out[1, 2] = bottom - top, 0.0, top, 0.0, right - left, left


@compiled
def _turn(orientation, t):  # type: ignore[no-untyped-def]
    """A frame after the map from the square of the oriented picture to that of the picture."""
    for i in range(2):
        down, along, shift = t[i, 0], t[i, 1], t[i, 2]
        if orientation & 2:
            down, shift = -down, shift + down
        if orientation & 1:
            along, shift = -along, shift + along
        t[i, 0], t[i, 1], t[i, 2] = (along, down, shift) if orientation & 4 else (down, along, shift)


@compiled
def _invert(t, out):  # type: ignore[no-untyped-def]
    area = t[0, 0] * t[1, 1] - t[0, 1] * t[1, 0]
    a, b, c, d = t[1, 1] / area, -t[0, 1] / area, -t[1, 0] / area, t[0, 0] / area
    out[0, 2], out[1, 2] = -(a * t[0, 2] + b * t[1, 2]), -(c * t[0, 2] + d * t[1, 2])
    out[0, 0], out[0, 1], out[1, 0], out[1, 1] = a, b, c, d


@compiled
def _search(have, hashes, other_have, other_hashes, best):  # type: ignore[no-untyped-def]
    """The nearest view of one in what is looked up of the other: distance, view, looked up, orientation; the first of equally near ones."""
    best[0] = _NONE
    for place in range(len(_IN)):
        entry = _IN[place]
        if other_have >> np.uint32(entry) & np.uint32(1) == 0:
            continue
        for orientation in range(_WAYS[place]):
            word = _orient(other_hashes[entry], orientation)
            for view in range(len(VIEWS)):
                distance = _ones(hashes[view] ^ word)
                if distance < best[0] and have >> np.uint32(view) & np.uint32(1) and not _FIRST_PART <= view < _FIRST_TURN:
                    best[0], best[1], best[2], best[3] = distance, view, entry, orientation
    for view in range(_FIRST_PART, _FIRST_TURN):
        for orientation in range(2):
            entry = view
            if orientation == 1 and view in (_LEFT, _RIGHT):
                entry = _LEFT + _RIGHT - view
            distance = _ones(hashes[view] ^ _orient(other_hashes[entry], orientation))
            if distance < best[0]:
                best[0], best[1], best[2], best[3] = distance, view, entry, orientation


@compiled
def _nearest_all(have, hashes, geometry, other_have, other_hashes, other_geometry, maps, distances):  # type: ignore[no-untyped-def]
    here, there = np.zeros(4, np.int64), np.zeros(4, np.int64)
    start, back, end = np.empty((2, 3)), np.empty((2, 3)), np.empty((2, 3))
    for row in range(len(distances)):
        _search(have[row], hashes[row], other_have[row], other_hashes[row], here)
        _search(other_have[row], other_hashes[row], have[row], hashes[row], there)
        first = 0
        for k in range(4):
            if first == 0 and here[k] != there[k]:
                first = 1 if here[k] < there[k] else -1
        for view in range(len(VIEWS)):
            if first == 0 and hashes[row, view] != other_hashes[row, view]:
                first = 1 if hashes[row, view] < other_hashes[row, view] else -1
        best, info, other_info = (there, other_geometry[row], geometry[row]) if first < 0 else (here, geometry[row], other_geometry[row])
        distances[row] = best[0]
        _frame(best[1], info, start)
        _frame(best[2], other_info, end)
        _turn(best[3], end)
        _invert(start, back)
        for i in range(2):
            for j in range(3):
                total = end[i, 0] * back[0, j] + end[i, 1] * back[1, j] + (end[i, 2] if j == 2 else 0.0)
                maps[row, i, j] = np.rint(total / GRAIN) * GRAIN
        if first < 0:
            _invert(maps[row], maps[row])
