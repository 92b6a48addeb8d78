"""All pairs around one centroid: who means the same as whom, and how far each row lies from its neighbours."""

import dataclasses

import numpy as np

from transforms.semantic.grid import SQUARE, on_grid
from transforms.vectors import cosines

NEIGHBOURS = 8
SLACK = 2e-3  # of a cosine on the grid: its error is 1e-4 in the mean at any width
_BLOCK = 1 << 24  # products held at a time
_PAIRS = 1 << 12  # verified at a time
ALONE = -1


@dataclasses.dataclass(frozen=True)
class Compared:
    """What comparing rows with each other found, in their order.

    Attributes:
      leader: int64[n], the place of the row that each belongs to, its own for a leader, -1 for a row alone.
      similarity: float64[n], cosine with the leader, a multiple of 1e-4; 1.0 for leaders, 0.0 for rows alone.
      outlier: float32[n], 1 - mean cosine with the 8 nearest others (fewer where there are fewer), a multiple of 1e-4; NaN where there is
        no other.
    """

    leader: np.ndarray
    similarity: np.ndarray
    outlier: np.ndarray


def compare(vectors: np.ndarray, eps: float, elders: int = 0) -> Compared:
    """Compares rows with each other: each belongs to the first leader before it with a cosine above 1 - eps, or is a leader itself.

    So every member means the same as its leader, and a chain of small steps is not one cluster. Pairs are found by whole numbers and
    verified exactly, so the result is the same on every machine.

    Args:
      vectors: unit vectors, float16 [n, width], best row first.
      eps: how much may be missing to a cosine of 1.
      elders: so many of the first rows are of earlier runs: leaders all, never compared with each other. Nothing is told about them, and
        they are neighbours of the others.
    """
    n = len(vectors)
    points = on_grid(vectors)
    leader, similarity, outlier = np.full(n, ALONE, np.int64), np.zeros(n), np.full(n, np.nan, np.float32)
    is_leader = np.arange(n) < elders
    least = np.float32((1 - eps - SLACK) * SQUARE)
    step = max(1, _BLOCK // max(n, 1))
    for start in range(elders, n, step):
        stop = min(start + step, n)
        products = points[start:stop] @ points.T
        products[np.arange(stop - start), np.arange(start, stop)] = -np.inf
        outlier[start:stop] = _outlier(products)
        _lead(vectors, products > least, start, eps, is_leader, leader, similarity)
    members = np.bincount(leader[leader != ALONE], minlength=n)
    single = is_leader & (members <= 1) & (np.arange(n) >= elders)
    leader[single], similarity[single] = ALONE, 0.0
    return Compared(leader, similarity, outlier)


def _outlier(products: np.ndarray) -> np.ndarray:
    """One minus the mean cosine with the nearest others, from the products of some rows with all (-inf with themselves)."""
    others = products.shape[1] - 1
    if not others:
        return np.full(len(products), np.nan, np.float32)
    count = min(NEIGHBOURS, others)
    near = products if count == others else np.partition(products, others + 1 - count, axis=1)[:, -count:]
    sums = np.where(np.isfinite(near), near, 0).sum(axis=1, dtype=np.float64)  # whole numbers: exact
    return np.round(1 - sums / (count * SQUARE), 4).astype(np.float32)


def _lead(
    vectors: np.ndarray, near: np.ndarray, start: int, eps: float, is_leader: np.ndarray, leader: np.ndarray, similarity: np.ndarray
) -> None:
    """Finds the leaders of the rows from `start`; `near`, bool [rows, n], proposes. Writes into the last three."""
    stop = start + len(near)
    before = np.flatnonzero(is_leader[:start])
    rows, places = np.nonzero(near[:, before])
    _join(vectors, rows + start, before[places], eps, leader, similarity)
    among = np.tril(near[:, start:stop], -1)
    for row in (start + np.arange(len(near)))[leader[start:stop] == ALONE].tolist():
        if among[row - start].any():
            candidates = start + np.flatnonzero(among[row - start])
            candidates = candidates[is_leader[candidates]]
            _join(vectors, np.full(len(candidates), row), candidates, eps, leader, similarity)
        if leader[row] == ALONE:
            is_leader[row], leader[row], similarity[row] = True, row, 1.0


def _join(vectors: np.ndarray, rows: np.ndarray, leaders: np.ndarray, eps: float, leader: np.ndarray, similarity: np.ndarray) -> None:
    """Each row to the first of its leaders that it is verified against; rows ascend, and the leaders of each."""
    for begin in range(0, len(rows), _PAIRS):
        row, to = rows[begin : begin + _PAIRS], leaders[begin : begin + _PAIRS]
        found = cosines(vectors[row], vectors[to])
        holds = (found > round(1 - eps, 4)) & (leader[row] == ALONE)
        first, at = np.unique(row[holds], return_index=True)
        leader[first], similarity[first] = to[holds][at], found[holds][at]
