"""Views of a picture: its crops, halves and turns, each with a hash of its own, by which edited copies are found.

A view is a rectangle of the 48 x 48 thumbnail, or what is seen of it through an affine map. Its hash is the signs of the 63 lowest
coefficients of the type-II DCT of 32 x 32 cells but the mean: bit u * 8 + v says whether the coefficient of vertical frequency u and
horizontal frequency v is positive, so that a mirrored picture has the same hash with the odd v negated, and one turned about its diagonal
has u and v exchanged. Pixels and weights are whole numbers and every sum is exact, so no order of summation can decide a bit.

Every view of one picture is compared with the whole of another, and parts with the same parts: a crop equals one view of what it was
cut from. The bits that are nearest to turning are kept for keys that allow for them.
"""

import dataclasses
import math
import threading
from collections.abc import Sequence

import numpy as np

from schemas.signatures import DOUBTS, GEOMETRY, LOOKED_UP, PARTS, SUBSETS, THUMBNAIL_SIDE, VIEWS
from transforms.images.bars import bars
from transforms.images.decode import Picture
from transforms.images.fitting import SEEN, Level, room

# Shares of the trimmed picture: top, bottom, left, right.
WINDOWS = {
    "whole": (0, 1, 0, 1), "centre95": (.025, .975, .025, .975), "centre90": (.05, .95, .05, .95), "centre85": (.075, .925, .075, .925),
    "centre80": (.1, .9, .1, .9),
    "no_foot6": (0, .94, 0, 1), "no_foot12": (0, .88, 0, 1), "no_head6": (.06, 1, 0, 1), "no_head12": (.12, 1, 0, 1),
    "north_west": (.01, .93, .01, .93), "north": (.01, .93, .04, .96), "north_east": (.01, .93, .07, .99),
    "west": (.04, .96, .01, .93), "east": (.04, .96, .07, .99),
    "south_west": (.07, .99, .01, .93), "south": (.07, .99, .04, .96), "south_east": (.07, .99, .07, .99),
    "middle": (.2, .8, 0, 1), "left": (0, 1, 0, .6), "right": (0, 1, .4, 1), "top": (0, .6, 0, 1), "bottom": (.4, 1, 0, 1),
}  # fmt: skip
# Degrees, and the share of the sides that a turned rectangle keeps.
TURNS = {"turned_left2": (-2, 0.944), "turned_right2": (2, 0.944), "turned_left4": (-4.5, 0.874), "turned_right4": (4.5, 0.874)}

_CELLS, _LOW = 32, 8
_TOGETHER = 32  # pictures whose work fits a core's cache
_UNIT = 2.0**11  # of a weight: a sum of 48 pixels stays below 2^24
_MIDDLE = np.float32(128)  # of the levels
_LEAST_BAR = 0.015  # of a side
_SEEN_THROUGH = np.array([view for view, name in enumerate(VIEWS) if name not in WINDOWS and name != "untrimmed"])
_DOUBTED = np.array([VIEWS.index(name) for name in LOOKED_UP + PARTS])


def _subset(parity: int, highest: int) -> np.ndarray:
    u, v = np.divmod(np.arange(64), 8)
    return np.flatnonzero(((u + v) % 2 == parity) & (u + v <= highest) & (u + v > 0))


SUBSET_BITS = (_subset(1, 9), _subset(0, 10))
"""The bits of a hash that a key holds: a bar through the middle of a picture moves even coefficients and leaves odd ones."""


@dataclasses.dataclass(frozen=True)
class Views:
    """What is kept of the views of a batch of pictures; zeros where there is no picture.

    Attributes:
      have: uint32 [n], bit v where the picture has view v of `schemas.signatures.VIEWS`.
      hashes: uint64 [n, views].
      doubts: uint8 [n, looked up and parts, 2, 4], for each subset the bits of the hash that are nearest to turning, nearest first.
      geometry: float32 [n, 9]: width by height without border; top, bottom, left and right between the bars, as shares of the trimmed
        picture; the same of the untrimmed picture, which lie outside it.
    """

    have: np.ndarray
    hashes: np.ndarray
    doubts: np.ndarray
    geometry: np.ndarray


def describe(pictures: Sequence[Picture | None]) -> Views:
    """The views of every picture of a batch; one row per picture, None included."""
    n = len(pictures)
    found = Views(
        np.zeros(n, np.uint32), np.zeros((n, len(VIEWS)), np.uint64),
        np.zeros((n, len(_DOUBTED), SUBSETS, DOUBTS), np.uint8), np.zeros((n, GEOMETRY), np.float32),
    )  # fmt: skip
    present = [(row, picture) for row, picture in enumerate(pictures) if picture is not None]
    for start in range(0, len(present), _TOGETHER):
        some = present[start : start + _TOGETHER]
        rows = [row for row, _ in some]
        geometry = np.stack([measure(picture) for _, picture in some])
        wholes = np.stack([picture.small[0] for _, picture in some])
        have = having(geometry)
        coefficients = transform(np.stack([picture.thumbnail for _, picture in some]), wholes, geometry)
        found.have[rows], found.geometry[rows] = have, geometry
        present_views = have[:, None] >> np.arange(len(VIEWS), dtype=np.uint32) & np.uint32(1) != 0
        found.hashes[rows] = np.where(present_views, signs(coefficients), np.uint64(0))
        doubts = _doubted(coefficients[:, _DOUBTED])
        found.doubts[rows] = np.where(present_views[:, _DOUBTED, None, None], doubts, np.uint8(0))
    return found


def measure(picture: Picture) -> np.ndarray:
    """The geometry of a picture, float32 [9], as in `Views`."""
    left, top, right, bottom = picture.box
    height, width = picture.grey.shape
    rows, columns = bottom - top, right - left
    head, foot, west, east = bars(picture.grey, picture.box)
    across, down = picture.width / width, picture.height / height  # a side may be reduced by another factor than the other
    between = head / rows, 1 - foot / rows, west / columns, 1 - east / columns
    around = -top / rows, (height - top) / rows, -left / columns, (width - left) / columns
    return np.array([columns * across / (rows * down), *between, *around], np.float32)


def having(geometry: np.ndarray) -> np.ndarray:
    """Which views pictures of this geometry, float32 [n, 9], have: uint32 [n]. Not all have bars or a border."""
    high, wide = 1 - (geometry[:, 2] - geometry[:, 1]), 1 - (geometry[:, 4] - geometry[:, 3])
    optional = {
        "unbarred": np.maximum(high, wide) > _LEAST_BAR,
        "untrimmed": (geometry[:, 5:] != np.array([0, 1, 0, 1], np.float32)).any(axis=1),
    }
    every = sum(1 << view for view, name in enumerate(VIEWS) if name not in optional)
    return np.uint32(every) | sum(held.astype(np.uint32) << np.uint32(VIEWS.index(name)) for name, held in optional.items())


def frames(views: np.ndarray, geometry: np.ndarray) -> np.ndarray:
    """The maps from the squares of these views, int64 [n], to the thumbnails of pictures of this geometry: float64 [n, 2, 3]."""
    aspect, *sides = geometry.T.astype(np.float64)
    bounds = _BOUNDS[views].T  # top, bottom, left, right
    square = np.maximum(0.0, 0.5 - 0.5 * aspect), np.maximum(0.0, 0.5 - 0.5 / aspect)
    for name, own in (
        ("square", (square[0], 1 - square[0], square[1], 1 - square[1])),
        ("unbarred", sides[:4]),
        ("untrimmed", sides[4:]),
    ):
        bounds = np.where(views == VIEWS.index(name), own, bounds)
    top, bottom, left, right = bounds
    maps = np.zeros((len(views), 2, 3))
    maps[:, 0, 0], maps[:, 0, 2], maps[:, 1, 1], maps[:, 1, 2] = bottom - top, top, right - left, left
    cosine, sine = _TURNED[views].T
    turned = np.flatnonzero(cosine)
    maps[turned, 0, 0] = maps[turned, 1, 1] = cosine[turned]
    maps[turned, 0, 1], maps[turned, 1, 0] = sine[turned] * aspect[turned], -sine[turned] / aspect[turned]
    maps[turned, :, 2] = 0.5 - 0.5 * (maps[turned, :, 0] + maps[turned, :, 1])
    return maps


_BOUNDS = np.array([WINDOWS.get(name, (0, 1, 0, 1)) for name in VIEWS], np.float64)
_ANGLES = np.array([TURNS.get(name, (0.0, 0.0)) for name in VIEWS])
_TURNED = np.round(_ANGLES[:, 1:] * np.stack([np.cos(np.radians(_ANGLES[:, 0])), np.sin(np.radians(_ANGLES[:, 0]))], axis=1), 12)


def transform(thumbnails: np.ndarray, wholes: np.ndarray, geometry: np.ndarray) -> np.ndarray:
    """The 64 coefficients of every view, whole numbers, float64 [n, views, 64]; of views that a picture does not have, anything.

    Down the columns sums are exact in single precision, then along the rows in double, in whatever order the library adds.

    Args:
      thumbnails: uint8 [n, 48, 48], without border; 32 at most.
      wholes: uint8 [n, 32, 32], with it.
      geometry: float32 [n, 9].
    """
    n = len(thumbnails)
    level, source, coefficients = _ROOM.level.first(n), _ROOM.source[:n], np.empty((n, len(VIEWS), _LOW, _LOW))
    np.subtract(thumbnails, _MIDDLE, out=source)
    _multiply(source, "whole", coefficients)
    level.load(thumbnails.reshape(n, -1), np.arange(n), np.arange(n))
    maps = frames(np.repeat(_SEEN_THROUGH, n), np.tile(geometry, (len(_SEEN_THROUGH), 1)))
    for view, to in zip(_SEEN_THROUGH, maps.reshape(-1, n, 2, 3), strict=True):
        level.warp(to)
        np.rint(level.planes[:, SEEN], out=source.reshape(n, -1))
        _multiply(source, VIEWS[view], coefficients)
    source[:] = 0
    np.subtract(wholes, _MIDDLE, out=source[:, :_CELLS, :_CELLS])
    _multiply(source, "untrimmed", coefficients)
    return coefficients.reshape(n, len(VIEWS), _LOW * _LOW)


def _multiply(source: np.ndarray, name: str, coefficients: np.ndarray) -> None:
    """The coefficients, [n, views, 8, 8], of the views of a source, float32 [n, 48, 48]."""
    n, side, products = len(source), THUMBNAIL_SIDE, _PRODUCTS[name]
    halves = _ROOM.halves[: n * products.down.size].reshape(n, len(products.along), _LOW, side)
    np.matmul(products.down, source, out=halves.reshape(n, -1, side))
    for number, (views, columns) in enumerate(products.along):
        found = halves[:, number].astype(np.float64).reshape(-1, side) @ columns
        coefficients[:, views] = found.reshape(n, _LOW, len(views), _LOW).transpose(0, 2, 1, 3)


def signs(coefficients: np.ndarray) -> np.ndarray:
    """Hashes, uint64 [...], of coefficients [..., 64]: bit k where coefficient k is positive; bit 0, the mean, is 0."""
    words = np.packbits(coefficients > 0, axis=-1, bitorder="little").view("<u8")[..., 0].astype(np.uint64)
    return words & ~np.uint64(1)


def weights(low: float, high: float, pixels: int = THUMBNAIL_SIDE) -> np.ndarray:
    """What averages the share [low, high) of a side into 32 cells and takes their eight lowest DCT coefficients, in whole units.

    Returns:
      float64 [8, 48]. Those of [1 - high, 1 - low) are the same turned round, the odd rows negated.
    """
    mirror = np.where(np.arange(8) % 2, -1.0, 1.0)[:, None]
    if low > 1 - high:
        return weights(1 - high, 1 - low, pixels)[:, ::-1] * mirror
    edges = (low + (high - low) * np.arange(_CELLS + 1) / _CELLS) * pixels
    ends = np.arange(pixels)
    shares = np.minimum(edges[1:, None], ends + 1) - np.maximum(edges[:-1, None], ends)
    shares = np.maximum(shares, 0) / (edges[1] - edges[0])
    basis = np.cos(np.pi * np.arange(8)[:, None] * (np.arange(_CELLS) + 0.5) / _CELLS) * math.sqrt(2 / _CELLS)
    basis[0] = math.sqrt(1 / _CELLS)
    found = np.zeros((8, THUMBNAIL_SIDE))
    found[:, :pixels] = np.rint((basis[:, :, None] * shares).sum(axis=1) * _UNIT)
    if low + high == 1:
        half = pixels // 2
        found[:, half:pixels] = found[:, :half][:, ::-1] * mirror
    return found


@dataclasses.dataclass(frozen=True)
class _Products:
    """What a source is multiplied with: down its columns, then along what comes of each range of rows.

    Attributes:
      down: float32 [8 * ranges of rows, 48].
      along: of each range of rows, the views that have it, and the weights of their columns: float64 [48, 8 * views].
    """

    down: np.ndarray
    along: list[tuple[list[int], np.ndarray]]


def _plan(source: str) -> _Products:
    """The products of a source, whose views are those of its windows or the one of its name."""
    pixels = _CELLS if source == "untrimmed" else THUMBNAIL_SIDE
    ranges: dict[tuple[float, float], list[str]] = {}
    for name in WINDOWS if source == "whole" else [source]:
        top, bottom, _, _ = WINDOWS.get(name, (0, 1, 0, 1))
        ranges.setdefault((top, bottom), []).append(name)
    columns = [
        np.concatenate([weights(*WINDOWS.get(name, (0, 1, 0, 1))[2:], pixels) for name in names]).T.copy() for names in ranges.values()
    ]
    down = np.concatenate([weights(*rows, pixels) for rows in ranges]).astype(np.float32)
    return _Products(down, [([VIEWS.index(name) for name in names], along) for names, along in zip(ranges.values(), columns, strict=True)])


_PRODUCTS = {source: _plan(source) for source in ("whole", *(VIEWS[view] for view in _SEEN_THROUGH), "untrimmed")}


class _Room(threading.local):
    """What one thread works on, the same memory for every batch: fresh pages cost more than what is written on them."""

    def __init__(self) -> None:
        """Makes room for a batch."""
        self.level = Level.of(THUMBNAIL_SIDE, _TOGETHER)
        self.source = room(_TOGETHER, THUMBNAIL_SIDE, THUMBNAIL_SIDE)
        self.halves = room(_TOGETHER * max(products.down.size for products in _PRODUCTS.values()))


_ROOM = _Room()


def _doubted(coefficients: np.ndarray) -> np.ndarray:
    """For each subset, the places of the coefficients, [n, views, 64], nearest to 0: nearest first, the first of equal ones first.

    Returns:
      uint8 [n, views, 2, 4].
    """
    sizes = np.abs(coefficients)
    nearest = [np.argsort(sizes[:, :, bits], axis=2, kind="stable")[:, :, :DOUBTS] for bits in SUBSET_BITS]
    return np.stack([bits[places] for bits, places in zip(SUBSET_BITS, nearest, strict=True)], axis=2).astype(np.uint8)
