"""Connected components of a graph of rows, by union-find: in arrays of all rows, or of the rows that have an edge."""

import numpy as np

from transforms.compiled import compiled


@compiled
def join(parents: np.ndarray, left: np.ndarray, right: np.ndarray, new: np.ndarray) -> None:
    """Joins the ends of every edge; a root is the least of its tree. Paths are halved on the way up (Tarjan and van Leeuwen 1984).

    Args:
      parents: uint32[n], in place.
      left: uint64[m], places in it.
      right: uint64[m], likewise.
      new: bool[m], set to whether each edge joined what was apart.
    """
    for i in range(len(left)):
        a, b = left[i], right[i]
        while parents[a] != a:
            parents[a] = parents[parents[a]]
            a = np.uint64(parents[a])
        while parents[b] != b:
            parents[b] = parents[parents[b]]
            b = np.uint64(parents[b])
        new[i] = a != b
        if a < b:
            parents[b] = a
        else:
            parents[a] = b


@compiled
def flatten(parents: np.ndarray) -> None:
    """Makes every parent, uint32[n], a root."""
    for i in range(len(parents)):  # ascending: a parent is never larger, so it is final before its children
        parents[i] = parents[parents[i]]


class UnionFind:
    """Components of a graph over rows 0 to n - 1, whose edges come in parts; 4 bytes a row."""

    def __init__(self, rows: int) -> None:
        """Takes the number of rows, 2^32 at most."""
        self._parents = np.arange(rows, dtype=np.uint32)

    def join(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Takes edges: the two ends of each, uint64[m]. Says which of them joined what was apart, bool[m]."""
        new = np.empty(len(left), bool)
        join(self._parents, left, right, new)
        return new

    def roots(self) -> np.ndarray:
        """The least row of each row's component, uint32[n]. Nothing is joined afterwards."""
        flatten(self._parents)
        return self._parents


def components(edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows that have an edge, ascending, and the least row of each one's component, uint64[n] both.

    Holds some 40 bytes an end of an edge, and nothing for rows without one. The pairs of row and least row, where they differ, are a
    forest: edges that give the same components, one for each row but the least.

    Args:
      edges: uint64[2, m], row numbers.

    >>> rows, roots = components(np.array([[7, 5, 2], [5, 3, 9]], np.uint64))
    >>> rows.tolist(), roots.tolist()
    ([2, 3, 5, 7, 9], [2, 3, 3, 3, 2])
    """
    rows = distinct(edges.reshape(-1))
    places = UnionFind(len(rows))
    places.join(*np.searchsorted(rows, edges).astype(np.uint64))
    return rows, rows[places.roots()]


def distinct(values: np.ndarray) -> np.ndarray:
    """The distinct values, ascending; by sorting, which here is faster than the hash table of `np.unique`.

    >>> distinct(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    values = np.sort(values)
    return values[np.concatenate([[True], values[1:] != values[:-1]])] if len(values) else values
