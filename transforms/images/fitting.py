"""Thumbnails read through an affine map, and the map improved step by step until one picture lies on the other.

Gauss-Newton steps on an affine map (Lucas and Kanade 1981; Baker and Matthews 2004), in which a block of the picture weighs by its
correlation squared, so that overlays drop out.

Every kernel does one thing to a few pairs and calls no other, which halves the time to compile them. Sums run down columns and then across
a block, in that order and without fused multiplies, so that the result is the same on every machine.
"""

import dataclasses
import math
from collections.abc import Iterator

import numpy as np

from schemas.signatures import THUMBNAIL_SIDE
from transforms.compiled import compiled

FEW = 24  # pairs that fit a core's cache
GRID = 6
BLOCKS = GRID * GRID
# Planes of work: ones, the picture looked for and its slopes, the other as seen through the map and its slopes; before and behind a picture
# lies another plane, so that whoever looks beyond its first or last row finds some numbers.
ONES, STILL, DOWN, ALONG, SEEN, SEEN_DOWN, SEEN_ALONG, _PLANES = range(8)
_OF_STILL = np.array([
    (STILL, ONES), (DOWN, ONES), (ALONG, ONES), (STILL, STILL), (DOWN, STILL), (ALONG, STILL), (DOWN, DOWN), (DOWN, ALONG), (ALONG, ALONG),
])  # fmt: skip
_OF_SEEN = np.array([(SEEN, ONES), (SEEN, SEEN), (STILL, SEEN), (DOWN, SEEN), (ALONG, SEEN)])
_MOMENTS, _LOW, _UNKNOWNS = 5, 8, 6
_LINE = 64  # bytes
_LEAST, _TINY = 1e-3, 1e-12  # of a variance; of a square on the diagonal
_FLAT = 6.25  # variance, levels squared, below which a block says nothing about the map
_HELD = np.append(np.diag([0.001, 0.021, 0.021] * 2), np.zeros(_UNKNOWNS))  # damping of shift, and of scale, shear and turn, by stiffness
_FAR = np.array([2.5, 4.0, 4.0] * 2)  # pixels that one step may shift; that it may stretch, shear or turn a side
_SLOPE = np.array([-0.5, 0, 0.5], np.float32)
_MIDDLE, _ZERO = np.float32(128), np.float32(0)
_SIDE, _HALF, _GRID = np.uint64(THUMBNAIL_SIDE), np.uint64(THUMBNAIL_SIDE // 2), np.uint64(GRID)
_ONE, _TWO, _THREE, _FOUR, _EIGHT = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4), np.uint64(8)


def _features() -> np.ndarray:
    """Of each block: 1, y, x, y * y, y * x, x * x of its middle, float64 [36, 8]."""
    y, x = ((np.indices((GRID, GRID)) + 0.5) / GRID - 0.5).reshape(2, BLOCKS)
    return np.stack([np.ones(BLOCKS), y, x, y * y, y * x, x * x, np.zeros(BLOCKS), np.zeros(BLOCKS)], axis=1)


def _moments() -> np.ndarray:
    """Which moment is an element of the least-squares system, int64 [7, 6]; the last row is the right side."""
    slope, feature = np.divmod(np.arange(_UNKNOWNS), 3)
    square = np.add.outer(slope, slope) * _LOW + np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])[np.ix_(feature, feature)]
    return np.vstack([square, (3 + slope) * _LOW + feature])


_FEATURES, _MOMENT = _features().reshape(-1), _moments().reshape(-1)


@dataclasses.dataclass
class Level:
    """A few pairs at one size: planes of work, sums of their products over blocks, and the picture that moves in words of four pixels.

    `scratch`, `got`, `moments` and `systems` are for the kernels to write on, which allocate nothing.
    """

    side: int
    planes: np.ndarray
    words: np.ndarray
    sums: np.ndarray
    scratch: np.ndarray
    got: np.ndarray
    moments: np.ndarray
    systems: np.ndarray
    smaller: dict[int, "Level"] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, side: int, pairs: int, products: int = len(_OF_STILL) + len(_OF_SEEN)) -> "Level":
        """Room for so many pairs of that side, and for sums of so many products."""
        planes = room(pairs, _PLANES, side * side)
        planes[:, ONES] = 1
        words, sums = np.zeros((pairs, side * side), np.uint32), np.zeros((pairs, products, BLOCKS))
        scratch, got = room(3, side * side), np.empty(side * side, np.uint32)
        moments, systems = np.empty((2, _MOMENTS * BLOCKS)), np.empty((len(_MOMENT), pairs))
        return cls(side, planes, words, sums, scratch, got, moments, systems)

    def first(self, pairs: int) -> "Level":
        """The room of the first pairs alone."""
        if pairs == len(self.planes):
            return self
        if pairs not in self.smaller:
            own = {name: getattr(self, name)[:pairs] for name in ("planes", "words", "sums")}
            systems = self.systems.reshape(-1)[: pairs * len(_MOMENT)].reshape(-1, pairs)
            self.smaller[pairs] = dataclasses.replace(self, systems=systems, smaller={}, **own)
        return self.smaller[pairs]

    def load(self, pictures: np.ndarray, still: np.ndarray, moved: np.ndarray) -> None:
        """Takes pairs of pictures, uint8 [m, side * side]: the one looked for, and the one that moves, int64 [n] each."""
        _load(pictures, still, moved, self.side, self.planes, self.words)

    def aligned(self, pictures: np.ndarray, still: np.ndarray, moved: np.ndarray, to: np.ndarray) -> "Iterator[tuple[slice, Level]]":
        """As many pairs as there is room for after the other: which, and they at their maps, with what lies inside both in `ONES`."""
        for start in range(0, len(to), len(self.planes)):
            some = slice(start, start + len(self.planes))
            level = self.first(len(to[some]))
            level.load(pictures, still[some], moved[some])
            level.warp(to[some])
            level.bound(to[some])
            yield some, level

    def slope(self, plane: int) -> None:
        """Central differences of a plane, into the two planes after it."""
        for to, step in ((plane + 1, self.side), (plane + 2, 1)):
            slide(self.planes, plane, to, step, _SLOPE)
        self.planes[:, plane + 2].reshape(-1, self.side, self.side)[:, :, :: self.side - 1] = 0

    def warp(self, to: np.ndarray) -> None:
        """Reads the picture that moves at the maps, float64 [n, 2, 3], into the plane `SEEN`."""
        _warp(self.planes, self.words, self.side, to, self.scratch, self.got)

    def bound(self, to: np.ndarray) -> None:
        """Makes the plane `ONES` 0 where the maps lead out of the other picture."""
        _bound(self.planes, to.reshape(len(to), -1), (np.arange(self.side) + 0.5) / self.side)

    def multiply(self, pairs: np.ndarray, first: int = 0) -> np.ndarray:
        """Sums over 6 x 6 blocks of the products of pairs of planes, int64 [m, 2], into `sums` from the first on: float64 [n, m, 36]."""
        sums = self.sums[:, first : first + len(pairs)]
        _multiply(self.planes, pairs, self.sums, first, self.scratch[0])
        return sums

    def align(self, to: np.ndarray, steps: int, floor: float) -> np.ndarray:
        """Improves the maps in place; blocks that correlate less than the floor have no say. Returns the maps before the last step."""
        self.slope(STILL)
        self.multiply(_OF_STILL)
        sums, before = self.sums.reshape(len(to), -1), to
        for _ in range(steps):
            before = to.copy()
            self.warp(to)
            self.multiply(_OF_SEEN, len(_OF_STILL))
            _weigh(sums, floor, self.side, self.moments, self.systems)
            solve(self.systems, _UNKNOWNS, _TINY)
            _move(self.systems[_UNKNOWNS**2 :], _FAR, self.side, to.reshape(len(to), -1))
        return before


def room(*shape: int) -> np.ndarray:
    """Zeros, float32, from the begin of a line of the cache on: of numbers read eight at a time none then lie in two lines."""
    octets = np.zeros(4 * math.prod(shape) + _LINE, np.uint8)
    begin = -octets.ctypes.data % _LINE
    return octets[begin : begin + 4 * math.prod(shape)].view(np.float32).reshape(shape)


def halved(pictures: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Some of pictures, uint8 [m, 48 * 48], by their numbers, int64 [n], at half the size: uint8 [n, 24 * 24], half a level rounded up."""
    halves = np.empty((len(which), pictures.shape[1] // 4), np.uint8)
    _halve(pictures, which, halves)
    return halves


@compiled
def _halve(pictures, which, halves):  # type: ignore[no-untyped-def]
    for row in range(len(halves)):
        picture, half = pictures[which[row]], halves[row]
        for i in range(_HALF):
            for j in range(_HALF):
                at = _TWO * (i * _SIDE + j)
                upper, lower = np.int32(picture[at]) + picture[at + _ONE], np.int32(picture[at + _SIDE]) + picture[at + _SIDE + _ONE]
                half[i * _HALF + j] = upper + lower + 2 >> 2


@compiled
def _load(pictures, stills, moves, side, planes, packed):  # type: ignore[no-untyped-def]
    """The picture looked for, and the one that moves as words of a pixel and its neighbours."""
    below = np.uint64(side)
    for row in range(len(planes)):
        still, moved, to, word = pictures[stills[row]], pictures[moves[row]], planes[row, STILL], packed[row]
        for k in range(len(to)):
            to[k] = np.float32(still[k]) - _MIDDLE
        for k in range(np.uint64(len(word)) - below - _ONE):
            upper, lower = moved[k] | np.int32(moved[k + _ONE]) << 8, moved[k + below] | np.int32(moved[k + below + _ONE]) << 8
            word[k] = upper | lower << 16


@compiled
def slide(planes, of, to, step, weights):  # type: ignore[no-untyped-def]
    """Weighted sums of the pixels a step before, at and a step behind each of a plane, as if there were no edges, into another plane.

    Args:
      planes: float32 [n, planes, pixels].
      of: which plane.
      to: which plane takes the sums, but for the first and the last step of pixels.
      step: pixels.
      weights: float32 [3].
    """
    step, before, at, behind = np.uint64(step), weights[0], weights[1], weights[2]
    for row in range(len(planes)):
        picture, sums = planes[row, of], planes[row, to]
        for k in range(step, np.uint64(len(sums)) - step):
            sums[k] = before * picture[k - step] + at * picture[k] + behind * picture[k + step]


@compiled
def _warp(planes, packed, n, to, part, got):  # type: ignore[no-untyped-def]
    """Reads the moved picture at the map (shares of a side to shares of a side), between pixels linearly."""
    last, share, down, along = np.float32(n - 1.001), 0.5 / n, part[0], part[1]
    for row in range(len(planes)):
        map_, words, seen = to[row], packed[row], planes[row, SEEN]
        y0 = np.float32(((map_[0, 0] + map_[0, 1]) * share + map_[0, 2]) * n - 0.5)
        x0 = np.float32(((map_[1, 0] + map_[1, 1]) * share + map_[1, 2]) * n - 0.5)
        yy, yx, xy, xx = np.float32(map_[0, 0]), np.float32(map_[0, 1]), np.float32(map_[1, 0]), np.float32(map_[1, 1])
        for i in range(n):
            k = np.uint64(i * n)
            for j in range(np.int32(n)):  # which becomes a float in one instruction
                y, x = y0 + np.float32(i) * yy + np.float32(j) * yx, x0 + np.float32(i) * xy + np.float32(j) * xx
                y, x = y if y > _ZERO else _ZERO, x if x > _ZERO else _ZERO
                y, x = y if y < last else last, x if x < last else last
                whole_y, whole_x = np.int32(y), np.int32(x)
                down[k], along[k] = y - np.float32(whole_y), x - np.float32(whole_x)
                got[k] = whole_y * np.int32(n) + whole_x
                k += _ONE
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
def _bound(planes, to, at):  # type: ignore[no-untyped-def]
    """Pixels inside and outside; `at` are their middles."""
    side = np.uint64(len(at))
    for row in range(len(planes)):
        map_, ones = to[row], planes[row, ONES]
        yy, yx, y0, xy, xx, x0 = map_[0], map_[1], map_[2], map_[3], map_[4], map_[5]
        for i in range(side):
            down = at[i]
            for j in range(side):
                along = at[j]
                y, x = yy * down + yx * along + y0, xy * down + xx * along + x0
                ones[i * side + j] = (y >= 0) & (y <= 1) & (x >= 0) & (x <= 1)


@compiled
def _multiply(planes, pairs, sums, first, line):  # type: ignore[no-untyped-def]
    """Down the columns of a row of blocks, then across eight of them; two rows of 24 pixels lie side by side."""
    rows = np.uint64(len(planes[0, 0])) // (_GRID * _SIDE)
    wide, beside = (_EIGHT, _FOUR) if rows > _TWO else (_FOUR, _SIDE // _TWO)
    for row in range(len(planes)):
        for pair in range(len(pairs)):
            left, right, out = planes[row, pairs[pair, 0]], planes[row, pairs[pair, 1]], sums[row, first + pair]
            for i in range(_GRID):
                for j in range(_SIDE):
                    at = i * rows * _SIDE + j
                    total = left[at] * right[at] + left[at + _SIDE] * right[at + _SIDE]
                    if rows > _TWO:
                        for _ in range(3):
                            at += _TWO * _SIDE
                            total += left[at] * right[at] + left[at + _SIDE] * right[at + _SIDE]
                    line[j] = total
                for j in range(_GRID):
                    at = j * wide
                    total = (line[at] + line[at + _ONE]) + (line[at + _TWO] + line[at + _THREE])
                    at += beside
                    out[i * _GRID + j] = total + ((line[at] + line[at + _ONE]) + (line[at + _TWO] + line[at + _THREE]))


@compiled
def _weigh(sums, floor, side, room, systems):  # type: ignore[no-untyped-def]
    """The least-squares system of a step that improves each map: shift, stretch and shear of y, then of x."""
    share, weighed, moments = 1 / float((side // GRID) ** 2), room[0], room[1]
    for row in range(len(sums)):
        s = sums[row]
        for b in range(BLOCKS):
            total, seen = s[b], s[b + 9 * BLOCKS]
            mean = total * share
            variance, seen_variance = (s[b + 3 * BLOCKS] - mean * total) * share, (s[b + 10 * BLOCKS] - seen * seen * share) * share
            variance, seen_variance = variance if variance > _LEAST else _LEAST, seen_variance if seen_variance > _LEAST else _LEAST
            gain = math.sqrt(variance / seen_variance)
            weight = (s[b + 11 * BLOCKS] - mean * seen) * share / variance * gain - floor
            weight = weight / (1 - floor) if weight > 0 and variance >= _FLAT else 0.0
            weight = weight * weight / variance
            for moment in range(3):
                weighed[b + moment * BLOCKS] = weight * s[b + (6 + moment) * BLOCKS]
            for slope in range(1, 3):
                mean = s[b + slope * BLOCKS] * share
                error = s[b + (3 + slope) * BLOCKS] - mean * total - gain * (s[b + (11 + slope) * BLOCKS] - mean * seen)
                weighed[b + (2 + slope) * BLOCKS] = weight * error
        for k in range(_MOMENTS * _LOW):
            moments[k] = 0.0
        for moment in range(_MOMENTS):
            for b in range(BLOCKS):
                much = weighed[moment * BLOCKS + b]
                for k in range(_LOW):
                    moments[moment * _LOW + k] += much * _FEATURES[b * _LOW + k]
        stiffness = moments[0] + moments[2 * _LOW]
        for k in range(len(systems)):
            systems[k, row] = moments[_MOMENT[k]] + stiffness * _HELD[k]


@compiled
def solve(systems, size, least):  # type: ignore[no-untyped-def]
    """Solves many symmetric systems at once by Cholesky's method, in place.

    Args:
      systems: float64 [(size + 1) * size, n], rows of a matrix of which the lower half is read, and the right side; the results take it.
      size: unknowns.
      least: squares on the diagonal are at least that.
    """
    for i in range(size + 1):  # the right side so is solved forwards
        for j in range(i + 1 if i < size else size):
            to = systems[i * size + j]
            for k in range(j):
                one, other = systems[i * size + k], systems[j * size + k]
                for n in range(len(to)):
                    to[n] -= one[n] * other[n]
            root = systems[j * size + j]
            for n in range(len(to)):
                to[n] = to[n] / root[n] if i > j else math.sqrt(to[n] if to[n] > least else least)
    for i in range(size - 1, -1, -1):
        to, root = systems[size * size + i], systems[i * size + i]
        for k in range(i + 1, size):
            one, other = systems[k * size + i], systems[size * size + k]
            for n in range(len(to)):
                to[n] -= one[n] * other[n]
        for n in range(len(to)):
            to[n] /= root[n]


@compiled
def _move(steps, far, side, to):  # type: ignore[no-untyped-def]
    """Maps after the steps, float64 [6, n], as far as one may go, in place; steps are written on."""
    for i in range(_UNKNOWNS):
        step, most = steps[i], far[i]
        for row in range(len(step)):
            size = step[row]
            size = size if size < most else most
            step[row] = (size if size > -most else -most) / side
    down, down_y, down_x, along, along_y, along_x = steps[0], steps[1], steps[2], steps[3], steps[4], steps[5]
    for row in range(len(to)):
        map_, yy, yx, xy, xx = to[row], down_y[row], down_x[row], along_y[row], along_x[row]
        shift_y, shift_x = down[row] - 0.5 * (yy + yx), along[row] - 0.5 * (xy + xx)  # about the middle
        for i in range(0, _UNKNOWNS, 3):
            y, x = map_[i], map_[i + 1]
            map_[i], map_[i + 1] = y * (yy + 1) + x * xy, y * yx + x * (xx + 1)
            map_[i + 2] += y * shift_y + x * shift_x
