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


def grown(array: np.ndarray, used: int, more: int) -> np.ndarray:
    """An array twice as long, and by `more` at least, with the first `used` numbers of this one.

    Kernels that tell more than they were given room for stop where they are and go on in it: to grow an array takes seconds to compile.
    """
    out = np.empty(2 * len(array) + more, array.dtype)
    out[:used] = array[:used]
    return out


def settle(first: np.ndarray, second: np.ndarray, third: np.ndarray, key_bits: int) -> None:
    """Orders each bucket by all three of its arrays in turn, in place.

    Args:
      first: uint64[n], whose top `key_bits` are the key; sorted by them.
      second: uint64[n].
      third: uint64[n]; may be `second` itself.
      key_bits: at most 40.

    >>> words = np.array([1 << 63 | 7, 1 << 63 | 5], np.uint64)
    >>> settle(words, words, words, 1)
    >>> (words & np.uint64(15)).tolist()
    [5, 7]
    """
    _settle(first, second, third, np.uint64(64 - key_bits))


@compiled
def _settle(first: np.ndarray, second: np.ndarray, third: np.ndarray, shift: np.uint64) -> None:
    """Shell's sort of every bucket, with Knuth's gaps."""
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
