"""Thumbnails read through an affine map, and the map improved step by step until one picture lies on the other.

Gauss-Newton steps on an affine map (Lucas and Kanade 1981; Baker and Matthews 2004), in which a block of the picture weighs by its
correlation squared, so that overlays drop out.

Every kernel does one thing to a few pairs and calls no other, which halves the time to compile them. Sums run down columns and then across
a block, in that order and without fused multiplies, so that the result is the same on every machine.
"""

import dataclasses
import math

import numpy as np

from schemas.signatures import THUMBNAIL_SIDE
from transforms.compiled import compiled

FEW = 16  # pairs that fit a core's cache
GRID = 6
BLOCKS = GRID * GRID
# Planes of work: the picture looked for and its slopes, the other as seen through the map and its slopes, ones.
STILL, DOWN, ALONG, SEEN, SEEN_DOWN, SEEN_ALONG, ONES, _PLANES = range(8)
_OF_STILL = np.array([
    (STILL, ONES), (DOWN, ONES), (ALONG, ONES), (STILL, STILL), (DOWN, STILL), (ALONG, STILL), (DOWN, DOWN), (DOWN, ALONG), (ALONG, ALONG),
])  # fmt: skip
_OF_SEEN = np.array([(SEEN, ONES), (SEEN, SEEN), (STILL, SEEN), (DOWN, SEEN), (ALONG, SEEN)])
_FLAT = 6.25  # variance, levels squared, below which a block says nothing about the map
_HELD = np.array([0.001, 0.021, 0.021] * 2)  # damping of shift, and of scale, shear and turn, as shares of the stiffness of the shift
_FAR = np.array([2.5, 4.0, 4.0] * 2)  # pixels that one step may shift; that it may stretch, shear or turn a side
_HALF, _QUARTER, _MIDDLE = np.float32(0.5), np.float32(0.25), np.float32(128)


def _features() -> np.ndarray:
    """Of each block: 1, y, x, y * y, y * x, x * x of its middle, float64 [36, 8]."""
    y, x = ((np.indices((GRID, GRID)) + 0.5) / GRID - 0.5).reshape(2, BLOCKS)
    return np.stack([np.ones(BLOCKS), y, x, y * y, y * x, x * x, np.zeros(BLOCKS), np.zeros(BLOCKS)], axis=1)


_FEATURES = _features()


@dataclasses.dataclass
class Level:
    """A few pairs at one size: planes of work, sums of their products over blocks, and the picture that moves in words of four pixels."""

    side: int
    planes: np.ndarray
    words: np.ndarray
    sums: np.ndarray

    @classmethod
    def of(cls, side: int, pairs: int) -> "Level":
        """Room for so many pairs of that side."""
        planes = np.zeros((pairs, _PLANES, side * side), np.float32)
        planes[:, ONES] = 1
        return cls(side, planes, np.zeros((pairs, side * side), np.uint32), np.zeros((pairs, len(_OF_STILL) + len(_OF_SEEN), BLOCKS)))

    def load(self, left: np.ndarray, right: np.ndarray, swapped: np.ndarray) -> None:
        """Takes pairs of thumbnails, uint8 [n, 48 * 48]; the right one is looked for in the left where they are swapped."""
        _load(left, right, swapped, self.planes, self.words)

    def halve(self, full: "Level") -> None:
        """Takes the pairs of a level of twice the side."""
        _halve(full.planes, self.planes, self.words)

    def slope(self, plane: int) -> None:
        """Central differences of a plane, into the two planes after it."""
        _take_slopes(self.planes, plane)

    def warp(self, to: np.ndarray) -> None:
        """Reads the picture that moves at the maps, float64 [n, 2, 3], into the plane `SEEN`."""
        _warp(self.planes, self.words, to)

    def multiply(self, pairs: np.ndarray, first: int = 0) -> np.ndarray:
        """Sums over 6 x 6 blocks of the products of pairs of planes, int64 [m, 2], into `sums` from the first on: float64 [n, m, 36]."""
        sums = self.sums[:, first : first + len(pairs)]
        _multiply(self.planes, pairs, self.sums, first)
        return sums

    def align(self, to: np.ndarray, steps: int, floor: float) -> None:
        """Improves the maps in place; blocks that correlate less than the floor have no say."""
        self.slope(STILL)
        self.multiply(_OF_STILL)
        for _ in range(steps):
            self.warp(to)
            self.multiply(_OF_SEEN, len(_OF_STILL))
            _improve(self.sums, _FEATURES, _HELD, _FAR, floor, self.side, to)


@compiled
def _load(left, right, swapped, planes, packed):  # type: ignore[no-untyped-def]
    """Both pictures, the one that moves also as words of a pixel and its neighbours."""
    side, one, pixels = np.uint64(THUMBNAIL_SIDE), np.uint64(1), np.uint64(planes.shape[2])
    for row in range(len(planes)):
        still, moved = (right[row], left[row]) if swapped[row] else (left[row], right[row])
        to, level, word = planes[row, STILL], planes[row, SEEN], packed[row]
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
        for plane in range(STILL, SEEN + 1, SEEN - STILL):
            source, to = full[row, plane], planes[row, plane]
            for i in range(side):
                for j in range(side):
                    at = i * side * two * two + j * two
                    upper, lower = source[at] + source[at + one], source[at + side * two] + source[at + side * two + one]
                    to[i * side + j] = _QUARTER * (upper + lower)
        level = planes[row, SEEN]
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
def _warp(planes, packed, to):  # type: ignore[no-untyped-def]
    """Reads the moved picture at the map (shares of a side to shares of a side), between pixels linearly."""
    n = int(math.sqrt(planes.shape[2]))
    last, share, zero = np.float32(n - 1.001), 0.5 / n, np.float32(0)
    down, along, got = np.empty(n * n, np.float32), np.empty(n * n, np.float32), np.empty(n * n, np.uint32)
    for row in range(len(planes)):
        map_, words, seen = to[row], packed[row], planes[row, SEEN]
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
        for pixel in range(n * n):
            got[pixel] = words[np.uint64(got[pixel])]
        for pixel in range(n * n):
            word = got[pixel]
            a, b = np.float32(np.int32(word & 255)), np.float32(np.int32(word >> 8 & 255))
            c, d = np.float32(np.int32(word >> 16 & 255)), np.float32(np.int32(word >> 24))
            a += along[pixel] * (b - a)
            c += along[pixel] * (d - c)
            seen[pixel] = a + down[pixel] * (c - a) - _MIDDLE


@compiled
def _multiply(planes, pairs, sums, first):  # type: ignore[no-untyped-def]
    """Down the columns of a row of blocks, then neighbours until a block is one number; two rows of 24 pixels lie side by side."""
    side, one, two = np.uint64(THUMBNAIL_SIDE), np.uint64(1), np.uint64(2)
    rows = np.uint64(planes.shape[2] // (GRID * THUMBNAIL_SIDE))
    line, folded = np.empty(THUMBNAIL_SIDE, np.float32), np.empty(THUMBNAIL_SIDE, np.float32)
    for row in range(len(planes)):
        for pair in range(len(pairs)):
            left, right, out = planes[row, pairs[pair, 0]], planes[row, pairs[pair, 1]], sums[row, first + pair]
            for i in range(np.uint64(GRID)):
                begin = i * rows * side
                for j in range(side):
                    line[j] = left[begin + j] * right[begin + j] + left[begin + side + j] * right[begin + side + j]
                for k in range(two, rows, two):
                    begin = (i * rows + k) * side
                    for j in range(side):
                        line[j] += left[begin + j] * right[begin + j] + left[begin + side + j] * right[begin + side + j]
                wide = side
                for _ in range(two + rows // (two * two * two)):
                    wide = wide // two
                    for j in range(wide):
                        folded[j] = line[two * j] + line[two * j + one]
                    for j in range(wide):
                        line[j] = folded[j]
                for j in range(np.uint64(GRID)):
                    out[i * np.uint64(GRID) + j] = line[j] if rows > two else line[j] + line[j + np.uint64(GRID)]


@compiled
def _improve(sums, features, held, far, floor, side, to):  # type: ignore[no-untyped-def]
    """One step that improves each map in place: shift, stretch and shear of y, then of x. None where nothing can be told."""
    area, blocks, low, n = float((side // GRID) ** 2), sums.shape[2], features.shape[1], len(far)
    own, cross, weighed = np.empty((3, blocks)), np.empty((3, blocks)), np.empty((5, blocks))
    moments, matrix, step = np.empty((5, low)), np.empty((n, n)), np.empty(n)
    for row in range(len(to)):
        s, t = sums[row], to[row]
        for plane in range(len(own)):
            for b in range(blocks):
                mean = s[plane, b] / area
                own[plane, b], cross[plane, b] = s[3 + plane, b] - mean * s[0, b], s[11 + plane, b] - mean * s[9, b]
        for b in range(blocks):
            variance, seen_variance = max(own[0, b] / area, 1e-3), max((s[10, b] - s[9, b] * s[9, b] / area) / area, 1e-3)
            gain = math.sqrt(variance / seen_variance)
            weight = max(cross[0, b] / area / variance * gain - floor, 0.0) / (1 - floor)
            weighed[0, b] = weight * weight / variance if variance >= _FLAT else 0.0
            cross[0, b] = gain
        for moment in range(len(weighed) - 1, -1, -1):
            for b in range(blocks):
                value = s[6 + moment, b] if moment < 3 else own[moment - 2, b] - cross[0, b] * cross[moment - 2, b]
                weighed[moment, b] = weighed[0, b] * value
            for k in range(low):
                moments[moment, k] = 0.0
            for b in range(blocks):
                for k in range(low):
                    moments[moment, k] += weighed[moment, b] * features[b, k]
        stiffness = moments[0, 0] + moments[2, 0]
        if stiffness <= 0:
            continue
        for i in range(n):
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
        for i in range(n - 1, -1, -1):
            for k in range(i + 1, n):
                step[i] -= matrix[k, i] * step[k]
            step[i] /= matrix[i, i]
        for i in range(n):
            step[i] = min(max(step[i], -far[i]), far[i]) / side
        for i in range(2):
            y, x = t[i, 0], t[i, 1]
            t[i, 0] = y * (1 + step[1]) + x * step[4]
            t[i, 1] = y * step[2] + x * (1 + step[5])
            t[i, 2] += y * (step[0] - 0.5 * (step[1] + step[2])) + x * (step[3] - 0.5 * (step[4] + step[5]))
