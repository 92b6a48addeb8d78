"""Which rows edges have joined so far, while more of them are found."""

import numpy as np

from transforms.match.components import flatten, join


class Joined:
    """Union-find over some rows.

    >>> joined = Joined(np.array([3, 5, 7, 9], np.uint64))
    >>> pairs = np.array([7, 5], np.uint64), np.array([5, 3], np.uint64)
    >>> joined.open(*pairs).tolist()
    [0, 1]
    >>> joined.join(*pairs)
    >>> joined.open(np.array([3, 3], np.uint64), np.array([7, 9], np.uint64)).tolist()
    [1]
    """

    def __init__(self, rows: np.ndarray) -> None:
        """Takes the rows, ascending."""
        self._rows = rows
        self._parents = np.arange(len(rows), dtype=np.uint32)

    def open(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Places of the pairs that join what is apart, in order: those that would do so if each before them did; int64[m].

        Args:
          left: uint64[n], rows.
          right: uint64[n], likewise.
        """
        new = np.zeros(len(left), bool)
        join(self._parents.copy(), *self._places(left, right), new)
        return np.flatnonzero(new)

    def apart(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Whether the rows of each pair are apart, bool[n]."""
        one, other = self._places(left, right)
        return self._parents[one] != self._parents[other]

    def join(self, left: np.ndarray, right: np.ndarray) -> None:
        """Joins the rows of each pair."""
        join(self._parents, *self._places(left, right), np.empty(len(left), bool))
        flatten(self._parents)

    def _places(self, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.searchsorted(self._rows, left).astype(np.uint64), np.searchsorted(self._rows, right).astype(np.uint64)
