"""Connected components of a graph of rows, by union-find."""

import numpy as np

from transforms.compiled import compiled


@compiled
def _join(parents: np.ndarray, left: np.ndarray, right: np.ndarray) -> None:
    """Joins the ends of every edge; a root is the least of its tree. Paths are halved on the way up (Tarjan and van Leeuwen 1984)."""
    for i in range(len(left)):
        a, b = left[i], right[i]
        while parents[a] != a:
            parents[a] = parents[parents[a]]
            a = parents[a]
        while parents[b] != b:
            parents[b] = parents[parents[b]]
            b = parents[b]
        if a < b:
            parents[b] = a
        else:
            parents[a] = b
    for i in range(len(parents)):  # ascending: a parent is never larger, so it is final before its children
        parents[i] = parents[parents[i]]


def components(edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows that have an edge, ascending, and the least row of each one's component, uint64[n] both.

    Holds some 40 bytes an end of an edge, and nothing for rows without one.

    Args:
      edges: uint64[2, m], row numbers.

    >>> rows, roots = components(np.array([[7, 5, 2], [5, 3, 9]], np.uint64))
    >>> rows.tolist(), roots.tolist()
    ([2, 3, 5, 7, 9], [2, 3, 3, 3, 2])
    """
    rows = distinct(edges.reshape(-1))
    left, right = np.searchsorted(rows, edges)
    parents = np.arange(len(rows))
    _join(parents, left, right)
    return rows, rows[parents]


def distinct(values: np.ndarray) -> np.ndarray:
    """The distinct values, ascending; by sorting, which here is faster than the hash table of `np.unique`.

    >>> distinct(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    values = np.sort(values)
    return values[np.concatenate([[True], values[1:] != values[:-1]])] if len(values) else values
