"""Whether two thumbnails show the same picture: one is aligned with the other, then their outlines and folds are compared.

Hashes propose pairs; two shirts laid out alike are a pair to them. Here the one thumbnail is fitted to the other by Gauss-Newton steps on
an affine map (Lucas and Kanade 1981; Baker and Matthews 2004), three at 24 x 24 and two at 48 x 48, in which a block of the picture weighs
by its correlation squared, so that overlays drop out. Then gradients g / (|g| + 1), in which a fold counts as much as an outline, are
correlated in 36 blocks, less each block's mean: the mean over the blocks with detail that lie inside both pictures, of which fewer than 12
count as 12.

Sums run down columns and then across a block, in that order and without fused multiplies, so that the result is the same on every
machine. Of the two thumbnails the one that shows less is looked for in the other, of equal ones the smaller, compared pixel by pixel.
"""

import math

import numpy as np

from schemas.signatures import PICTURES_AGREE, THUMBNAIL_SIDE
from transforms.compiled import compiled

AGREE = PICTURES_AGREE  # of 1,040 photos no two different ones within 12 bits reach 0.58; of nine edits of 149 of them 99.5 in 100 reach it
GRAIN = 2.0**-20
"""Maps are multiples of it: the inverse of an inverse is the map itself."""

_GRID = 6
_BLOCKS = _GRID * _GRID
# Planes of work: the picture looked for, its slopes, the other as seen through the map, its slopes, the other as it is.
_STILL, _DOWN, _ALONG, _SEEN, _SEEN_DOWN, _SEEN_ALONG, _MOVED, _PLANES = range(8)
_COARSE, _STEPS = 3, 5  # steps at 24 x 24, steps in all
_FLOOR = 0.2  # correlation below which a block is left out at 48 x 48; at 24 x 24 it is 0
_FLAT = 6.25  # variance, levels squared, below which a block says nothing about the map
_HELD, _HELD_MORE = 0.001, 0.021  # damping of shift, and of scale, shear and turn, as shares of the stiffness of the shift
_FAR, _FARTHER = 2.5, 4.0  # pixels that one step may shift; that it may stretch, shear or turn a side
_SOFT = 1.0
_DETAIL = 0.35 * 0.35  # mean square of softened gradients from which a block has detail
_FEWEST = 12
_MARGIN = 0.02
_SAME_SIZE = 1.0001


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
    if maps.ndim == 1:
        from transforms.images.nearest import mirror_maps

        maps = mirror_maps(maps)
    found = np.zeros(len(left), np.float64)
    flat = (len(left), THUMBNAIL_SIDE * THUMBNAIL_SIDE)
    _agree_all(left.reshape(flat), right.reshape(flat), maps, found)
    return np.rint(found * 1e4).astype(np.float32) / np.float32(1e4)


@compiled
def _agree_all(left, right, maps, found):  # type: ignore[no-untyped-def]
    side, pixels = THUMBNAIL_SIDE, THUMBNAIL_SIDE * THUMBNAIL_SIDE
    full, half = np.zeros((_PLANES, side, side), np.float32), np.zeros((_PLANES, side // 2, side // 2), np.float32)
    to, sums, lines, at = np.zeros((2, 3)), np.zeros((14, _BLOCKS)), np.zeros((10, side), np.float32), np.zeros(side, np.int32)
    for row in range(len(found)):
        swapped = False
        for i in range(pixels):
            if left[row, i] != right[row, i]:
                swapped = left[row, i] > right[row, i]
                break
        _begin(maps[row], swapped, to)
        if abs(to[0, 0] * to[1, 1] - to[0, 1] * to[1, 0]) > _SAME_SIZE:  # the first shows more
            _invert(to)
            swapped = not swapped
        for i in range(side):
            for j in range(side):
                one, other = np.float32(left[row, i * side + j]), np.float32(right[row, i * side + j])
                full[_STILL, i, j] = (other if swapped else one) - np.float32(128)
                full[_MOVED, i, j] = (one if swapped else other) - np.float32(128)
        for plane in (_STILL, _MOVED):
            for i in range(side // 2):
                for j in range(side // 2):
                    upper = full[plane, 2 * i, 2 * j] + full[plane, 2 * i, 2 * j + 1]
                    lower = full[plane, 2 * i + 1, 2 * j] + full[plane, 2 * i + 1, 2 * j + 1]
                    half[plane, i, j] = np.float32(0.25) * (upper + lower)
        for step in range(_STEPS + 1):
            planes = half if step < _COARSE else full
            if step == 0 or step == _COARSE:
                _slopes(planes, _STILL)
                _sum_still(planes, lines, sums)
            _warp(planes, to, at, lines)
            if step < _STEPS:
                _sum_seen(planes, lines, sums)
                _improve(sums, 0.0 if step < _COARSE else _FLOOR, planes.shape[1], to)
        _slopes(full, _SEEN)
        found[row] = _compare(full, lines, sums, to)


@compiled
def _begin(given, swapped, to):  # type: ignore[no-untyped-def]
    """The map from the first of two pictures in the order of their pixels, in multiples of the grain."""
    for i in range(2):
        for j in range(3):
            to[i, j] = given[i, j]
    if swapped:
        _invert(to)
    for i in range(2):
        for j in range(3):
            to[i, j] = np.rint(to[i, j] / GRAIN) * GRAIN


@compiled
def _invert(to):  # type: ignore[no-untyped-def]
    area = to[0, 0] * to[1, 1] - to[0, 1] * to[1, 0]
    a, b, c, d = to[1, 1] / area, -to[0, 1] / area, -to[1, 0] / area, to[0, 0] / area
    e, f = to[0, 2], to[1, 2]
    to[0, 0], to[0, 1], to[0, 2] = a, b, -(a * e + b * f)
    to[1, 0], to[1, 1], to[1, 2] = c, d, -(c * e + d * f)


@compiled
def _warp(planes, to, at, lines):  # type: ignore[no-untyped-def]
    """Reads the moved picture at the map `to` (shares of a side to shares of a side), between pixels linearly."""
    n = planes.shape[1]
    source = planes[_MOVED].reshape(n * n)
    last = np.float32(n - 1.001)
    across_y, across_x = np.float32(to[0, 1]), np.float32(to[1, 1])
    for i in range(n):
        p, q = (i + 0.5) / n, 0.5 / n
        y0 = np.float32((to[0, 0] * p + to[0, 1] * q + to[0, 2]) * n - 0.5)
        x0 = np.float32((to[1, 0] * p + to[1, 1] * q + to[1, 2]) * n - 0.5)
        for j in range(n):
            y = min(max(y0 + np.float32(j) * across_y, np.float32(0)), last)
            x = min(max(x0 + np.float32(j) * across_x, np.float32(0)), last)
            yi, xi = np.int32(y), np.int32(x)
            lines[0, j], lines[1, j], at[j] = y - np.float32(yi), x - np.float32(xi), yi * np.int32(n) + xi
        for j in range(n):
            k = np.uint64(at[j])  # unsigned: an index that may be negative is checked at every pixel
            upper, lower = source[k], source[k + np.uint64(n)]
            upper += lines[1, j] * (source[k + np.uint64(1)] - upper)
            lower += lines[1, j] * (source[k + np.uint64(n + 1)] - lower)
            planes[_SEEN, i, j] = upper + lines[0, j] * (lower - upper)


@compiled
def _slopes(planes, of):  # type: ignore[no-untyped-def]
    """Central differences of a plane; the edges stay 0."""
    n = planes.shape[1]
    for i in range(1, n - 1):
        for j in range(n):
            planes[of + 1, i, j] = np.float32(0.5) * (planes[of, i + 1, j] - planes[of, i - 1, j])
    for i in range(n):
        for j in range(1, n - 1):
            planes[of + 2, i, j] = np.float32(0.5) * (planes[of, i, j + 1] - planes[of, i, j - 1])


@compiled
def _fold(lines, many, first, block, sums):  # type: ignore[no-untyped-def]
    """Sums of columns to sums of the six blocks of a row of blocks."""
    side = (THUMBNAIL_SIDE if block[1] == THUMBNAIL_SIDE else THUMBNAIL_SIDE // 2) // _GRID
    for pair in range(many):
        for bj in range(_GRID):
            total = np.float32(0)
            for j in range(side):
                total += lines[pair, bj * side + j]
            sums[first + pair, block[0] * _GRID + bj] = total


@compiled
def _sum_still(planes, lines, sums):  # type: ignore[no-untyped-def]
    """Sums over blocks of what stays: the picture, its square, its slopes, their products with it and with each other."""
    n = planes.shape[1]
    for bi in range(_GRID):
        lines[:] = np.float32(0)
        for k in range(n // _GRID):
            i = bi * (n // _GRID) + k
            for j in range(n):
                a, y, x = planes[_STILL, i, j], planes[_DOWN, i, j], planes[_ALONG, i, j]
                lines[0, j] += a
                lines[1, j] += a * a
                lines[2, j] += y
                lines[3, j] += x
                lines[4, j] += y * a
                lines[5, j] += x * a
                lines[6, j] += y * y
                lines[7, j] += y * x
                lines[8, j] += x * x
        _fold(lines, 9, 0, (bi, n), sums)


@compiled
def _sum_seen(planes, lines, sums):  # type: ignore[no-untyped-def]
    """The same of what every step moves."""
    n = planes.shape[1]
    for bi in range(_GRID):
        lines[:] = np.float32(0)
        for k in range(n // _GRID):
            i = bi * (n // _GRID) + k
            for j in range(n):
                b = planes[_SEEN, i, j]
                lines[0, j] += b
                lines[1, j] += b * b
                lines[2, j] += planes[_STILL, i, j] * b
                lines[3, j] += planes[_DOWN, i, j] * b
                lines[4, j] += planes[_ALONG, i, j] * b
        _fold(lines, 5, 9, (bi, n), sums)


@compiled
def _improve(sums, floor, n, to):  # type: ignore[no-untyped-def]
    """One step that improves the map in place: shift, stretch and shear of y, then of x. None where nothing can be told."""
    normal, step = np.zeros((6, 6)), np.zeros(6)
    area = float((n // _GRID) ** 2)
    for block in range(_BLOCKS):
        mean, seen_mean = sums[0, block] / area, sums[9, block] / area
        variance = max(sums[1, block] / area - mean * mean, 1e-3)
        seen_variance = max(sums[10, block] / area - seen_mean * seen_mean, 1e-3)
        correlation = (sums[11, block] / area - mean * seen_mean) / math.sqrt(variance * seen_variance)
        if variance < _FLAT or correlation < floor:
            continue
        gain = math.sqrt(variance / seen_variance)
        weight = (correlation - floor) / (1 - floor)
        weight = weight * weight / variance
        error_y = weight * (sums[4, block] - mean * sums[2, block] - gain * (sums[12, block] - seen_mean * sums[2, block]))
        error_x = weight * (sums[5, block] - mean * sums[3, block] - gain * (sums[13, block] - seen_mean * sums[3, block]))
        yy, yx, xx = weight * sums[6, block], weight * sums[7, block], weight * sums[8, block]
        features = (1.0, (block // _GRID + 0.5) / _GRID - 0.5, (block % _GRID + 0.5) / _GRID - 0.5)
        for a in range(3):
            step[a] += features[a] * error_y
            step[3 + a] += features[a] * error_x
            for b in range(3):
                share = features[a] * features[b]
                normal[a, b] += yy * share
                normal[3 + a, b] += yx * share
                normal[3 + a, 3 + b] += xx * share
    stiffness = normal[0, 0] + normal[3, 3]
    for a in range(6):
        normal[a, a] += stiffness * (_HELD if a % 3 == 0 else _HELD_MORE)
    if stiffness <= 0 or not _solve(normal, step):
        return
    for a in range(6):
        limit = _FAR if a % 3 == 0 else _FARTHER
        step[a] = min(max(step[a], -limit), limit) / n
    for i in range(2):
        y, x = to[i, 0], to[i, 1]
        to[i, 0] = y * (1 + step[1]) + x * step[4]
        to[i, 1] = y * step[2] + x * (1 + step[5])
        to[i, 2] += y * (step[0] - 0.5 * (step[1] + step[2])) + x * (step[3] - 0.5 * (step[4] + step[5]))


@compiled
def _solve(matrix, vector):  # type: ignore[no-untyped-def]
    """Cholesky in the lower triangle, the solution in place of the vector; false where the matrix is not positive definite."""
    n = len(vector)
    for i in range(n):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            if i > j:
                matrix[i, j] = total / matrix[j, j]
            elif total <= 0:
                return False
            else:
                matrix[i, i] = math.sqrt(total)
    for i in range(n):
        for k in range(i):
            vector[i] -= matrix[i, k] * vector[k]
        vector[i] /= matrix[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            vector[i] -= matrix[k, i] * vector[k]
        vector[i] /= matrix[i, i]
    return True


@compiled
def _compare(planes, lines, sums, to):  # type: ignore[no-untyped-def]
    """Mean correlation of gradients of length |g| / (|g| + 1) over the blocks with detail that the map leaves inside."""
    n = planes.shape[1]
    for i in range(n):
        for pair in (_DOWN, _SEEN_DOWN):
            for j in range(n):
                y, x = planes[pair, i, j], planes[pair + 1, i, j]
                scale = np.float32(1) / (np.sqrt(y * y + x * x) + np.float32(_SOFT))
                planes[pair, i, j], planes[pair + 1, i, j] = y * scale, x * scale
    for bi in range(_GRID):
        lines[:] = np.float32(0)
        for k in range(n // _GRID):
            i = bi * (n // _GRID) + k
            for j in range(n):
                y, x, v, w = planes[_DOWN, i, j], planes[_ALONG, i, j], planes[_SEEN_DOWN, i, j], planes[_SEEN_ALONG, i, j]
                lines[0, j] += y
                lines[1, j] += x
                lines[2, j] += v
                lines[3, j] += w
                lines[4, j] += y * v + x * w
                lines[5, j] += y * y + x * x
                lines[6, j] += v * v + w * w
        _fold(lines, 7, 0, (bi, n), sums)
    total, blocks, area = 0.0, 0, float((n // _GRID) ** 2)
    for block in range(_BLOCKS):
        inside = True
        for corner in range(4):
            p, q = (block // _GRID + (corner >> 1)) / _GRID, (block % _GRID + (corner & 1)) / _GRID
            y, x = to[0, 0] * p + to[0, 1] * q + to[0, 2], to[1, 0] * p + to[1, 1] * q + to[1, 2]
            inside &= min(y, x) >= -_MARGIN and max(y, x) <= 1 + _MARGIN
        y, x, v, w = sums[0, block], sums[1, block], sums[2, block], sums[3, block]
        both = sums[4, block] - (y * v + x * w) / area
        one, other = sums[5, block] - (y * y + x * x) / area, sums[6, block] - (v * v + w * w) / area
        if inside and max(one, other) > _DETAIL * area:
            blocks += 1
            total += max(0.0, both / math.sqrt(max(one * other, 0.0) + 1e-6))
    return total / max(_FEWEST, blocks)
