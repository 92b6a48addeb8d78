"""Spherical k-means over a sample of embeddings, and the centroid that each embedding is nearest to: the same on every machine."""

import math

import numpy as np

from transforms.semantic.grid import MOST_NUMBERS, SCALE, on_grid

ITERATIONS = 10
SAMPLE_PER_CENTROID = 64
MOST_SAMPLED = 1 << 18
MOST_CENTROIDS = 1 << 15
ALL_PAIRS = 4_096  # up to so many rows have one centroid, so that every pair is compared
MOST_AROUND = 1 << 16  # rows around one centroid that are compared in one place
_BLOCK = 1 << 22  # products held at a time


def centroids_for(rows: int) -> int:
    """How many centroids make the work least: as much to find the nearest as to compare all pairs around one.

    >>> centroids_for(4_000), centroids_for(200_000), centroids_for(10**9)
    (1, 316, 22361)
    """
    return 1 if rows <= ALL_PAIRS else min(MOST_CENTROIDS, round(math.sqrt(rows / 2)))


def sampled(rows: int, centroids: int) -> int:
    """Rows of the sample that centroids are found on."""
    return min(rows, MOST_SAMPLED, max(ALL_PAIRS, SAMPLE_PER_CENTROID * centroids))


def find_centroids(sample: np.ndarray, centroids: int, rows: int) -> np.ndarray:
    """Centroids on the grid, float32 [k, width].

    Lloyd's iterations from the first distinct vectors of the sample. A centroid that more than `MOST_AROUND` of all rows seem nearest to is
    parted into several, as far as its vectors differ.

    Args:
      sample: unit vectors, float16 [n, width], in an order that their content decides.
      centroids: how many are wanted; fewer where fewer vectors differ.
      rows: how many rows there are in all.

    Raises:
      ValueError: the vectors have more than 4,096 numbers.
    """
    if sample.shape[1] > MOST_NUMBERS:
        raise ValueError(f"embeddings of {sample.shape[1]} numbers; at most {MOST_NUMBERS} can be compared")
    points = on_grid(sample)
    found = _lloyd(points, centroids)
    most = max(1, MOST_AROUND * len(points) // max(rows, 1))  # of the sample
    done: list[np.ndarray] = []
    waiting = [(centre, points[near]) for centre, near in zip(found, _members(points, found), strict=True)]
    while waiting:
        centre, near = waiting.pop(0)
        parts = _lloyd(near, -(-2 * len(near) // most)) if len(near) > most else np.empty((0, 0))
        if len(parts) > 1:
            waiting += [(part, near[chosen]) for part, chosen in zip(parts, _members(near, parts), strict=True) if len(chosen)]
        else:
            done.append(centre)
    return np.unique(np.array(done, np.float32), axis=0)


def nearest(vectors: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """The number of the centroid that each vector has the greatest cosine with, int32[n]; of equal ones the first.

    Args:
      vectors: unit vectors, floats [n, width].
      centroids: of `find_centroids`.
    """
    return _nearest(on_grid(vectors), centroids)


def _nearest(points: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """The same of points on the grid."""
    found = np.empty(len(points), np.int32)
    step = max(1, _BLOCK // len(centroids))
    for start in range(0, len(points), step):
        found[start : start + step] = (points[start : start + step] @ centroids.T).argmax(axis=1)
    return found


def _lloyd(points: np.ndarray, centroids: int) -> np.ndarray:
    distinct = np.sort(np.unique(points, axis=0, return_index=True)[1])
    found = points[distinct[:centroids]]
    for _ in range(ITERATIONS if len(found) > 1 else 0):
        moved = found.copy()
        for number, near in enumerate(_members(points, found)):
            total = points[near].sum(axis=0, dtype=np.float64)  # whole numbers: exact
            length = math.sqrt(math.fsum(np.square(total).tolist()))  # rounded once, whatever the order
            if length > 0:
                moved[number] = np.rint(total / length * SCALE)
        if np.array_equal(moved, found):
            break
        found = moved
    return found


def _members(points: np.ndarray, centroids: np.ndarray) -> list[np.ndarray]:
    """Of each centroid the places of the points that are nearest to it, ascending."""
    near = _nearest(points, centroids)
    order = np.argsort(near, kind="stable")
    return np.split(order, np.searchsorted(near[order], np.arange(1, len(centroids))))
