"""Rows of an exchange in the order of their buckets: what shares a key stands together, in an order that content decides."""

import numpy as np

from transforms.compiled import ZERO, compiled
from transforms.match.keys import LOW_BITS, ROW_BITS

_LONGEST_PACKED = 1 << ROW_BITS


def by_top(words: np.ndarray, *arrays: np.ndarray) -> list[np.ndarray]:
    """The arrays ordered by the upper 40 bits of `words`, stable: one sort of those bits with the place in the lower 24."""
    if len(words) <= _LONGEST_PACKED:
        packed = words & ~LOW_BITS | np.arange(len(words), dtype=np.uint64)
        packed.sort()
        order = (packed & LOW_BITS).astype(np.int64)
    else:
        order = np.argsort(words >> np.uint64(ROW_BITS), kind="stable")
    return [array[order] for array in (words, *arrays)]


def run_starts(values: np.ndarray) -> np.ndarray:
    """Where each run of equal values begins, int64[m].

    >>> run_starts(np.array([7, 7, 3, 7])).tolist()
    [0, 2, 3]
    """
    return np.flatnonzero(np.concatenate([np.ones(min(1, len(values)), bool), values[1:] != values[:-1]]))


def grown(array: np.ndarray, used: int, more: int) -> np.ndarray:
    """An array twice as long, and by `more` at least, with the first `used` numbers of this one.

    Kernels that tell more than they were given room for stop where they are and go on in it: to grow an array takes seconds to compile.
    """
    out = np.empty(2 * len(array) + more, array.dtype)
    out[:used] = array[:used]
    return out


def settle(first: np.ndarray, second: np.ndarray, third: np.ndarray) -> None:
    """Orders what `by_top` has ordered by all three arrays in turn, in place.

    Whatever the length of a key, only what shares the upper 40 bits is out of order: of hashes few at a time, however full the buckets.

    Args:
      first: uint64[n], sorted by their upper 40 bits.
      second: uint64[n].
      third: uint64[n]; may be `second` itself.

    >>> words = np.array([1 << 63 | 7, 1 << 63 | 5], np.uint64)
    >>> settle(words, words, words)
    >>> (words & np.uint64(15)).tolist()
    [5, 7]
    """
    _settle(first, second, third, np.uint64(ROW_BITS))


@compiled
def _settle(first: np.ndarray, second: np.ndarray, third: np.ndarray, shift: np.uint64) -> None:
    """Shell's sort of every run that shares the bits above, with Knuth's gaps."""
    begin = ZERO
    while begin < len(first):
        end = begin + 1
        while end < len(first) and first[end] >> shift == first[begin] >> shift:
            end += 1
        gap = ZERO + 1
        while gap < (end - begin) // 3:
            gap = 3 * gap + 1
        while gap > 0:
            for i in range(begin + gap, end):
                a, b, c, j = first[i], second[i], third[i], i
                while j >= begin + gap:
                    k = j - gap
                    if first[k] < a or (first[k] == a and (second[k] < b or (second[k] == b and third[k] <= c))):
                        break
                    first[j], second[j], third[j] = first[k], second[k], third[k]
                    j = k
                first[j], second[j], third[j] = a, b, c
            gap //= 3
        begin = end
