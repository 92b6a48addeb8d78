"""Some of very many rows, numbered from 0 on in their order: what is held of each of them is an array that long, and not one of all rows.

A bit a row says which they are, and half a bit how many are before: a billion rows take 190 MB (rank and select over a bit vector,
Jacobson 1989).
"""

import numpy as np

_WORD = 6  # bits of a row's place in a word
_PLACE = np.uint64((1 << _WORD) - 1)
_ONE = np.uint64(1)


class Numbered:
    """A set of rows, and the number of each.

    >>> some = Numbered(200)
    >>> some.add(np.array([130, 7, 64, 7], np.uint64))
    >>> some.settle()
    3
    >>> some.places(np.array([64, 130], np.uint64)).tolist(), some.rows(60, 200).tolist()
    ([1, 2], [64, 130])
    """

    def __init__(self, rows: int) -> None:
        """Takes how many rows there are in all."""
        self._words = np.zeros((rows >> _WORD) + 1, np.uint64)
        self._before = np.empty(0, np.uint32)

    def add(self, rows: np.ndarray) -> None:
        """Takes rows of the set, uint64[n], in any order."""
        np.bitwise_or.at(self._words, (rows >> np.uint64(_WORD)).astype(np.int64), _ONE << (rows & _PLACE))

    def settle(self) -> int:
        """Numbers the rows, once all are there: how many there are, 2^32 at most."""
        counts = np.bitwise_count(self._words)
        self._before = np.cumsum(counts, dtype=np.uint32) - counts
        return int(self._before[-1]) + int(counts[-1])

    def places(self, rows: np.ndarray) -> np.ndarray:
        """The number of each of some rows that are in the set, int64[...]; of another row, how many are before it."""
        at = (rows >> np.uint64(_WORD)).astype(np.int64)
        below = (_ONE << (rows & _PLACE)) - _ONE
        return self._before[at].astype(np.int64) + np.bitwise_count(self._words[at] & below)

    def rows(self, start: int, stop: int) -> np.ndarray:
        """The rows of the set from `start` to before `stop`, uint64[n], ascending."""
        first = start >> _WORD
        octets = self._words[first : (stop >> _WORD) + 1].astype("<u8").view(np.uint8)
        rows = np.flatnonzero(np.unpackbits(octets, bitorder="little")) + (first << _WORD)
        return rows[slice(*np.searchsorted(rows, [start, stop]))].astype(np.uint64)
