"""Whether two thumbnails show the same picture: one is aligned with the other, then their outlines and folds are compared.

Hashes propose pairs; two shirts laid out alike are a pair to them. Here the one thumbnail is fitted to the other by Gauss-Newton steps on
an affine map (Lucas and Kanade 1981; Baker and Matthews 2004), three at 24 x 24 and two at 48 x 48, in which a block of the picture weighs
by its correlation squared, so that overlays drop out. Then gradients g / (|g| + 1), in which a fold counts as much as an outline, are
correlated in 36 blocks, less each block's mean: the mean over the blocks with detail that lie inside both pictures, of which fewer than 12
count as 12.

Every kernel does one thing to a few pairs and calls no other, which halves the time to compile them. Sums run down columns and then across
a block, in that order and without fused multiplies, so that the result is the same on every machine.
"""

import dataclasses
import math

import numpy as np

from schemas.signatures import PICTURES_AGREE, THUMBNAIL_SIDE
from transforms.compiled import compiled

AGREE = PICTURES_AGREE  # of 1,040 photos no two different ones within 12 bits reach 0.58; of nine edits of 149 of them 99.5 in 100 reach it
GRAIN = 2.0**-20
"""Maps are multiples of it: the inverse of an inverse is the map itself."""

_GRID = 6
_BLOCKS = _GRID * _GRID
_STILL, _DOWN, _ALONG, _SEEN, _SEEN_DOWN, _SEEN_ALONG, _PLANES = range(7)
_SUMS = 14  # of a block: nine of what stays, then five of what is seen through the map
_COARSE, _FINE = 3, 2  # steps at 24 x 24, at 48 x 48
_FLOOR = 0.2  # correlation below which a block is left out at 48 x 48; at 24 x 24 it is 0
_FLAT = 6.25  # variance, levels squared, below which a block says nothing about the map
_HELD = np.array([0.001, 0.021, 0.021] * 2)  # damping of shift, and of scale, shear and turn, as shares of the stiffness of the shift
_FAR = np.array([2.5, 4.0, 4.0] * 2)  # pixels that one step may shift; that it may stretch, shear or turn a side
_DETAIL = 0.35 * 0.35  # mean square of softened gradients from which a block has detail
_FEWEST = 12
_MARGIN = 0.02
_SAME_SIZE = 1.0001
_CHUNK = 16  # pairs that fit a core's cache
_ONE, _HALF, _QUARTER, _MIDDLE = np.float32(1), np.float32(0.5), np.float32(0.25), np.float32(128)


def _features() -> np.ndarray:
    """Of each block: 1, y, x, y * y, y * x, x * x of its middle, float64 [36, 8]."""
    y, x = ((np.indices((_GRID, _GRID)) + 0.5) / _GRID - 0.5).reshape(2, _BLOCKS)
    return np.stack([np.ones(_BLOCKS), y, x, y * y, y * x, x * x, np.zeros(_BLOCKS), np.zeros(_BLOCKS)], axis=1)


_FEATURES = _features()


@dataclasses.dataclass
class _Level:
    """A few pairs at one size. `packed` holds each pixel of the picture that moves with its neighbours to the right, below and across."""

    side: int
    planes: np.ndarray
    packed: np.ndarray
    sums: np.ndarray
    lines: np.ndarray
    scratch: np.ndarray

    @classmethod
    def of(cls, side: int, pairs: int) -> "_Level":
        return cls(
            side,
            np.zeros((pairs, _PLANES, side * side), np.float32),
            np.zeros((pairs, side * side), np.uint32),
            np.zeros((pairs, _SUMS, _BLOCKS)),
            np.zeros((pairs, 9, _GRID * THUMBNAIL_SIDE), np.float32),
            np.zeros((2, side * side), np.float32),
        )

    def begin(self) -> None:
        _take_slopes(self.planes, _STILL)
        _sum_still(self.planes, self.lines)
        _fold(self.lines, 9, self.side, self.sums, 0)

    def align(self, to: np.ndarray, steps: int, floor: float) -> None:
        for _ in range(steps):
            _warp(self.planes, self.packed, to, self.scratch)
            _sum_seen(self.planes, self.lines)
            _fold(self.lines, 5, self.side, self.sums, 9)
            _improve(self.sums, _FEATURES, _HELD, _FAR, floor, self.side, to)


def agreements(left: np.ndarray, right: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """How well each pair of thumbnails agrees once aligned: 1 the same pixels, `AGREE` and more the same picture.

    Args:
      left: uint8 [n, 48, 48].
      right: uint8 [n, 48, 48].
      maps: float64 [n, 2, 3], where to begin: a point of the left thumbnail, (down, along, 1) with sides of 1, to that of the right one;
        see `transforms.images.nearest`.

    Returns:
      float32 [n], 0 to 1, rounded to 1e-4. The same when left and right change places and maps are inverted.
    """
    found = np.zeros(len(left))
    left, right = (np.ascontiguousarray(side).reshape(-1, THUMBNAIL_SIDE**2) for side in (left, right))
    swapped, to = _in_order(left, right, maps)
    size = min(_CHUNK, max(1, len(left)))
    half, full = _Level.of(THUMBNAIL_SIDE // 2, size), _Level.of(THUMBNAIL_SIDE, size)
    for start in range(0, len(left), size):
        some = slice(start, start + size)
        if len(left) - start < size:
            half, full = (_Level.of(side, len(left) - start) for side in (THUMBNAIL_SIDE // 2, THUMBNAIL_SIDE))
        _load(left[some], right[some], swapped[some], full.planes, full.packed)
        _halve(full.planes, half.planes, half.packed)
        half.begin()
        half.align(to[some], _COARSE, 0.0)
        full.begin()
        full.align(to[some], _FINE, _FLOOR)
        _warp(full.planes, full.packed, to[some], full.scratch)
        _take_slopes(full.planes, _SEEN)
        _soften(full.planes)
        _sum_slopes(full.planes, full.lines)
        _fold(full.lines, 7, THUMBNAIL_SIDE, full.sums, 0)
        _compare(full.sums, to[some], found[some])
    return np.rint(found * 1e4).astype(np.float32) / np.float32(1e4)


def _in_order(left: np.ndarray, right: np.ndarray, maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether the right picture is the one looked for, and the map from it; the left one if not.

    It is the one that shows less; of equal ones the smaller, pixel by pixel.
    """
    rows, words = np.arange(len(maps)), [side.view(">u8") for side in (left, right)]
    place = (words[0] != words[1]).argmax(axis=1)
    swapped = words[0][rows, place] > words[1][rows, place]
    to = np.where(swapped[:, None, None], inverted(maps), maps)
    to = np.rint(to / GRAIN) * GRAIN
    larger = np.abs(to[:, 0, 0] * to[:, 1, 1] - to[:, 0, 1] * to[:, 1, 0]) > _SAME_SIZE
    return swapped ^ larger, np.where(larger[:, None, None], inverted(to), to)


def inverted(maps: np.ndarray) -> np.ndarray:
    """The maps back, float64 [n, 2, 3].

    >>> inverted(np.array([[[0.5, 0, 0.25], [0, -1, 1]]])).tolist()
    [[[2.0, 0.0, -0.5], [0.0, -1.0, 1.0]]]
    """
    (a, b, y), (c, d, x) = maps.transpose(1, 2, 0)
    area = a * d - b * c
    back = np.array([[d / area, -b / area], [-c / area, a / area]])
    shift = -(back[:, 0] * y + back[:, 1] * x)
    return np.concatenate([back, shift[:, None]], axis=1).transpose(2, 0, 1) + 0.0


@compiled
def _load(left, right, swapped, planes, packed):  # type: ignore[no-untyped-def]
    """Both pictures, the one that moves also as words of a pixel and its neighbours."""
    side, one, pixels = np.uint64(THUMBNAIL_SIDE), np.uint64(1), np.uint64(planes.shape[2])
    for row in range(len(planes)):
        still, moved = (right[row], left[row]) if swapped[row] else (left[row], right[row])
        to, level, word = planes[row, _STILL], planes[row, _SEEN], packed[row]
        for k in range(pixels):
            to[k], level[k] = np.float32(still[k]) - _MIDDLE, moved[k]
        for k in range(pixels - side - one):
            below = k + side
            upper, lower = (
                np.uint32(moved[k]) | np.uint32(moved[k + one]) << 8,
                np.uint32(moved[below]) | np.uint32(moved[below + one]) << 8,
            )
            word[k] = np.uint32(upper) | np.uint32(lower) << 16


@compiled
def _halve(full, planes, packed):  # type: ignore[no-untyped-def]
    """Both pictures at half the size, the one that moves to whole levels."""
    side, pixels = np.uint64(THUMBNAIL_SIDE // 2), np.uint64(planes.shape[2])
    one, two = np.uint64(1), np.uint64(2)
    for row in range(len(planes)):
        word = packed[row]
        for plane in range(_STILL, _SEEN + 1, _SEEN - _STILL):
            source, to = full[row, plane], planes[row, plane]
            for i in range(side):
                for j in range(side):
                    at = i * side * two * two + j * two
                    upper, lower = source[at] + source[at + one], source[at + side * two] + source[at + side * two + one]
                    to[i * side + j] = _QUARTER * (upper + lower)
        level = planes[row, _SEEN]
        for k in range(pixels):
            word[k] = np.int32(level[k] + _HALF)
        for k in range(pixels - side - one):
            word[k] |= word[k + one] << np.uint32(8) | word[k + side] << np.uint32(16) | word[k + side + one] << np.uint32(24)


@compiled
def _take_slopes(planes, of):  # type: ignore[no-untyped-def]
    """Central differences of a plane; the edges stay 0."""
    pixels = np.uint64(planes.shape[2])
    side, one = np.uint64(math.sqrt(planes.shape[2])), np.uint64(1)
    for row in range(len(planes)):
        picture, down, along = planes[row, of], planes[row, of + 1], planes[row, of + 2]
        for k in range(side, pixels - side):
            down[k] = _HALF * (picture[k + side] - picture[k - side])
        for k in range(one, pixels - one):
            along[k] = _HALF * (picture[k + one] - picture[k - one])
        for i in range(side):
            along[i * side] = along[i * side + side - one] = 0


@compiled
def _warp(planes, packed, to, scratch):  # type: ignore[no-untyped-def]
    """Reads the moved picture at the map (shares of a side to shares of a side), between pixels linearly."""
    n = int(math.sqrt(planes.shape[2]))
    last, share, zero = np.float32(n - 1.001), 0.5 / n, np.float32(0)
    down, along, got = scratch[0], scratch[1], np.empty(n * n, np.uint32)
    for row in range(len(planes)):
        map_, words, seen = to[row], packed[row], planes[row, _SEEN]
        y0 = np.float32(((map_[0, 0] + map_[0, 1]) * share + map_[0, 2]) * n - 0.5)
        x0 = np.float32(((map_[1, 0] + map_[1, 1]) * share + map_[1, 2]) * n - 0.5)
        yy, yx, xy, xx = np.float32(map_[0, 0]), np.float32(map_[0, 1]), np.float32(map_[1, 0]), np.float32(map_[1, 1])
        for i in range(n):
            for j in range(n):
                k = np.uint64(i * n + j)
                y = min(max(y0 + np.float32(i) * yy + np.float32(j) * yx, zero), last)
                x = min(max(x0 + np.float32(i) * xy + np.float32(j) * xx, zero), last)
                whole_y, whole_x = np.int32(y), np.int32(x)
                down[k], along[k] = y - np.float32(whole_y), x - np.float32(whole_x)
                got[k] = whole_y * np.int32(n) + whole_x
        for k in range(n * n):
            got[k] = words[np.uint64(got[k])]
        for k in range(n * n):
            word = got[k]
            a, b = np.float32(np.int32(word & 255)), np.float32(np.int32(word >> 8 & 255))
            c, d = np.float32(np.int32(word >> 16 & 255)), np.float32(np.int32(word >> 24))
            a += along[k] * (b - a)
            c += along[k] * (d - c)
            seen[k] = a + down[k] * (c - a) - _MIDDLE


@compiled
def _sum_still(planes, lines):  # type: ignore[no-untyped-def]
    """Down the columns of each row of blocks: the picture, its square, its slopes, their products with it and with each other."""
    rows = np.uint64(planes.shape[2] // (_GRID * THUMBNAIL_SIDE))
    side = np.uint64(THUMBNAIL_SIDE)
    for row in range(len(planes)):
        picture, down, along, sums = planes[row, _STILL], planes[row, _DOWN], planes[row, _ALONG], lines[row]
        sums[:] = 0
        for bi in range(np.uint64(_GRID)):
            for i in range(rows):
                for j in range(side):
                    k, at = (bi * rows + i) * side + j, bi * side + j
                    a, y, x = picture[k], down[k], along[k]
                    sums[0, at] += a
                    sums[1, at] += a * a
                    sums[2, at] += y
                    sums[3, at] += x
                    sums[4, at] += y * a
                    sums[5, at] += x * a
                    sums[6, at] += y * y
                    sums[7, at] += y * x
                    sums[8, at] += x * x


@compiled
def _sum_seen(planes, lines):  # type: ignore[no-untyped-def]
    """The same of the picture that is seen through the map, its square, its products with the other and the other's slopes."""
    rows = np.uint64(planes.shape[2] // (_GRID * THUMBNAIL_SIDE))
    side = np.uint64(THUMBNAIL_SIDE)
    for row in range(len(planes)):
        picture, down, along, seen, sums = planes[row, _STILL], planes[row, _DOWN], planes[row, _ALONG], planes[row, _SEEN], lines[row]
        sums[:5] = 0
        for bi in range(np.uint64(_GRID)):
            for i in range(rows):
                for j in range(side):
                    k, at = (bi * rows + i) * side + j, bi * side + j
                    b = seen[k]
                    sums[0, at] += b
                    sums[1, at] += b * b
                    sums[2, at] += b * picture[k]
                    sums[3, at] += b * down[k]
                    sums[4, at] += b * along[k]


@compiled
def _soften(planes):  # type: ignore[no-untyped-def]
    """Both pairs of slopes to gradients of length |g| / (|g| + 1)."""
    for row in range(len(planes)):
        for pair in range(_DOWN, _SEEN_DOWN + 1, _SEEN_DOWN - _DOWN):
            down, along = planes[row, pair], planes[row, pair + 1]
            for k in range(len(down)):
                y, x = down[k], along[k]
                scale = _ONE / (np.sqrt(y * y + x * x) + _ONE)
                down[k], along[k] = y * scale, x * scale


@compiled
def _sum_slopes(planes, lines):  # type: ignore[no-untyped-def]
    """Down the columns of each row of blocks: the four slopes, products of the two pairs, and of each with itself."""
    rows = np.uint64(planes.shape[2] // (_GRID * THUMBNAIL_SIDE))
    side = np.uint64(THUMBNAIL_SIDE)
    for row in range(len(planes)):
        down, along, seen_down, seen_along = planes[row, _DOWN], planes[row, _ALONG], planes[row, _SEEN_DOWN], planes[row, _SEEN_ALONG]
        sums = lines[row]
        sums[:7] = 0
        for bi in range(np.uint64(_GRID)):
            for i in range(rows):
                for j in range(side):
                    k, at = (bi * rows + i) * side + j, bi * side + j
                    y, x, v, w = down[k], along[k], seen_down[k], seen_along[k]
                    sums[0, at] += y
                    sums[1, at] += x
                    sums[2, at] += v
                    sums[3, at] += w
                    sums[4, at] += y * v + x * w
                    sums[5, at] += y * y + x * x
                    sums[6, at] += v * v + w * w


@compiled
def _fold(lines, many, side, sums, first):  # type: ignore[no-untyped-def]
    """Sums of columns to sums of blocks: neighbours are added until a block is one number; two rows of 24 pixels lie side by side."""
    two, one = np.uint64(2), np.uint64(1)
    for row in range(len(lines)):
        source = lines[row].reshape(lines.shape[1] * lines.shape[2])
        length, wide = many * lines.shape[2], THUMBNAIL_SIDE
        spare = np.empty(length // 2, np.float32)
        for _ in range(3 if side == THUMBNAIL_SIDE else 2):
            length, wide = length // 2, wide // 2
            for k in range(np.uint64(length)):
                spare[k] = source[two * k] + source[two * k + one]
            for k in range(np.uint64(length)):
                source[k] = spare[k]
        for k in range(many * _GRID):
            for j in range(_GRID):
                total = source[k * wide + j]
                if wide > _GRID:
                    total += source[k * wide + _GRID + j]
                sums[row, first + k // _GRID, k % _GRID * _GRID + j] = total


@compiled
def _improve(sums, features, held, far, floor, side, to):  # type: ignore[no-untyped-def]
    """One step that improves each map in place: shift, stretch and shear of y, then of x. None where nothing can be told."""
    area = float((side // _GRID) ** 2)
    moments, matrix, step, weighed = (
        np.empty((5, features.shape[1])),
        np.empty((len(far), len(far))),
        np.empty(len(far)),
        np.empty((5, _BLOCKS)),
    )
    for row in range(len(to)):
        s, t = sums[row], to[row]
        for b in range(_BLOCKS):
            mean, seen_mean = s[0, b] / area, s[9, b] / area
            variance, seen_variance = max(s[1, b] / area - mean * mean, 1e-3), max(s[10, b] / area - seen_mean * seen_mean, 1e-3)
            gain = math.sqrt(variance / seen_variance)
            weight = max((s[11, b] / area - mean * seen_mean) / variance * gain - floor, 0.0) / (1 - floor)
            weight = weight * weight / variance if variance >= _FLAT else 0.0
            weighed[0, b], weighed[1, b], weighed[2, b] = weight * s[6, b], weight * s[7, b], weight * s[8, b]
            weighed[3, b] = weight * (s[4, b] - mean * s[2, b] - gain * (s[12, b] - seen_mean * s[2, b]))
            weighed[4, b] = weight * (s[5, b] - mean * s[3, b] - gain * (s[13, b] - seen_mean * s[3, b]))
        for r in range(len(moments)):
            for k in range(moments.shape[1]):
                moments[r, k] = 0.0
            for b in range(_BLOCKS):
                for k in range(moments.shape[1]):
                    moments[r, k] += weighed[r, b] * features[b, k]
        stiffness = moments[0, 0] + moments[2, 0]
        if stiffness <= 0:
            continue
        for i in range(len(step)):
            step[i] = moments[3 + i // 3, i % 3]
            for j in range(i + 1):
                a, b = i % 3, j % 3
                total = moments[i // 3 + j // 3, a + b + (a * b > 0)]
                if i == j:
                    total += stiffness * held[i]
                for k in range(j):
                    total -= matrix[i, k] * matrix[j, k]
                matrix[i, j] = total / matrix[j, j] if i > j else math.sqrt(max(total, 1e-12))
            for k in range(i):
                step[i] -= matrix[i, k] * step[k]
            step[i] /= matrix[i, i]
        for i in range(len(step) - 1, -1, -1):
            for k in range(i + 1, len(step)):
                step[i] -= matrix[k, i] * step[k]
            step[i] /= matrix[i, i]
        for i in range(len(step)):
            step[i] = min(max(step[i], -far[i]), far[i]) / side
        for i in range(2):
            y, x = t[i, 0], t[i, 1]
            t[i, 0] = y * (1 + step[1]) + x * step[4]
            t[i, 1] = y * step[2] + x * (1 + step[5])
            t[i, 2] += y * (step[0] - 0.5 * (step[1] + step[2])) + x * (step[3] - 0.5 * (step[4] + step[5]))


@compiled
def _compare(sums, to, found):  # type: ignore[no-untyped-def]
    """Mean correlation of softened gradients over the blocks with detail that the map leaves inside."""
    area = float((THUMBNAIL_SIDE // _GRID) ** 2)
    for row in range(len(found)):
        s, t = sums[row], to[row]
        total, blocks = 0.0, 0
        high, wide = (abs(t[0, 0]) + abs(t[0, 1])) / (2 * _GRID), (abs(t[1, 0]) + abs(t[1, 1])) / (2 * _GRID)
        for b in range(_BLOCKS):
            p, q = (b // _GRID + 0.5) / _GRID, (b % _GRID + 0.5) / _GRID
            y, x = t[0, 0] * p + t[0, 1] * q + t[0, 2], t[1, 0] * p + t[1, 1] * q + t[1, 2]
            if min(y - high, x - wide) < -_MARGIN or max(y + high, x + wide) > 1 + _MARGIN:
                continue
            both = s[4, b] - (s[0, b] * s[2, b] + s[1, b] * s[3, b]) / area
            one = s[5, b] - (s[0, b] * s[0, b] + s[1, b] * s[1, b]) / area
            other = s[6, b] - (s[2, b] * s[2, b] + s[3, b] * s[3, b]) / area
            if max(one, other) > _DETAIL * area:
                blocks += 1
                total += max(0.0, both / math.sqrt(max(one * other, 0.0) + 1e-6))
        found[row] = total / max(_FEWEST, blocks)
