"""Buckets of captions that share a band, and which pairs of a bucket are worth verifying.

What is told is a function of the rows in the bucket alone: a bucket is put in an order that content decides before it is looked at.
Up to 8 rows: every pair. More: each with the first and with its neighbour, which keeps a bucket of near-equal rows in one component;
rows of one word stand at one place of the order, and each is told with all at the first place and all at the place before its own, so
that no row number decides.
"""

import numpy as np

from transforms.compiled import compiled
from transforms.match.keys import LOW_BITS, ROW_BITS

ALL_PAIRS = 8

_LONGEST_PACKED = 1 << ROW_BITS


def caption_pairs(words: np.ndarray, rows: np.ndarray, own: int) -> np.ndarray:
    """Candidate pairs of captions, uint64[m, 2]: smaller row, larger row.

    Args:
      words: uint64[n] of `keys.caption_words`: what they share is their upper 40 bits.
      rows: uint64[n], dense row numbers.
      own: rows from here on are of the elder side, of which no two are told.

    >>> caption_pairs(np.array([5 << 24, 9 << 24, 5 << 24], np.uint64), np.array([70, 80, 30], np.uint64), 100).tolist()
    [[30, 70]]
    """
    if len(words) <= _LONGEST_PACKED:
        sorted_words = words & ~LOW_BITS | np.arange(len(words), dtype=np.uint64)
        sorted_words.sort()
        places = (sorted_words & LOW_BITS).astype(np.int64)
    else:
        places = np.argsort(words >> np.uint64(ROW_BITS), kind="stable")
        sorted_words = words[places]
    some = np.empty((2, len(words)), np.uint64)
    told = np.empty((len(words), 2), np.uint64)
    found = _tell(sorted_words, places, words, rows, np.uint64(own), some, told)
    if found > len(told):
        told = np.empty((found, 2), np.uint64)
        _tell(sorted_words, places, words, rows, np.uint64(own), some, told)
    return told[:found]


@compiled
def _sort(some: np.ndarray, size: int) -> None:
    """Sorts the beginning of two rows by the first, then the second (Shell's sort, Knuth's gaps)."""
    gap = 1
    while gap < size // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, size):
            word, row, j = some[0, i], some[1, i], i
            while j >= gap and (some[0, j - gap] > word or (some[0, j - gap] == word and some[1, j - gap] > row)):
                some[0, j], some[1, j] = some[0, j - gap], some[1, j - gap]
                j -= gap
            some[0, j], some[1, j] = word, row
        gap //= 3


@compiled
def _tell(
    sorted_words: np.ndarray,
    places: np.ndarray,
    words: np.ndarray,
    rows: np.ndarray,
    own: np.uint64,
    some: np.ndarray,
    told: np.ndarray,
) -> int:
    """How many pairs there are; those for which there is room are told. Only buckets of two rows or more look at `words` and `rows`."""
    found, begin, shift = 0, 0, np.uint64(ROW_BITS)
    while begin < len(places):
        top, end = sorted_words[begin] >> shift, begin + 1
        while end < len(places) and sorted_words[end] >> shift == top:
            end += 1
        size = end - begin
        if size == 1:
            begin = end
            continue
        for i in range(size):
            some[0, i], some[1, i] = words[places[begin + i]], rows[places[begin + i]]
        _sort(some, size)
        first = 1
        while first < size and some[0, first] == some[0, 0]:
            first += 1
        if size <= ALL_PAIRS:
            first = size
        before, place = 0, 0
        for k in range(1, size):
            if some[0, k] != some[0, k - 1]:
                before, place = place, k
            j = 0
            while j < k:
                if first <= j < before:
                    j = before
                low, high = min(some[1, j], some[1, k]), max(some[1, j], some[1, k])
                if low < high and low < own:
                    if found < len(told):
                        told[found, 0], told[found, 1] = low, high
                    found += 1
                j += 1
        begin = end
    return found
