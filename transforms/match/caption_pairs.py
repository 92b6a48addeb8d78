"""Buckets of captions that share a band, and which pairs of a bucket are worth verifying.

What is told is a function of the rows in the bucket alone: a bucket is put in an order that content decides before it is looked at.
Up to 8 rows: every pair. More: each with the first and with its neighbour, which keeps a bucket of near-equal rows in one component;
rows of one word stand at one place of the order, and each is told with all at the first place and all at the place before its own, so
that no row number decides.
"""

import numpy as np

from transforms.compiled import ZERO, compiled
from transforms.match.buckets import settle
from transforms.match.keys import LOW_BITS, ROW_BITS
from transforms.match.planes import HASH_BITS

ALL_PAIRS = 8

_LONGEST_PACKED = 1 << ROW_BITS
_SHIFT = np.uint64(ROW_BITS)


def caption_pairs(words: np.ndarray, rows: np.ndarray, own: int) -> np.ndarray:
    """Candidate pairs of captions, uint64[m, 2]: smaller row, larger row.

    Args:
      words: uint64[n] of `keys.caption_words`: what they share is their upper 40 bits.
      rows: uint64[n], dense row numbers.
      own: rows from here on are of the elder side, of which no two are told.

    >>> caption_pairs(np.array([5 << 24, 9 << 24, 5 << 24], np.uint64), np.array([70, 80, 30], np.uint64), 100).tolist()
    [[30, 70]]
    """
    top = words >> np.uint64(ROW_BITS)
    if len(words) <= _LONGEST_PACKED:
        top = words & ~LOW_BITS | np.arange(len(words), dtype=np.uint64)
        top.sort()
        places = (top & LOW_BITS).astype(np.int64)
        top >>= np.uint64(ROW_BITS)
    else:
        places = np.argsort(top, kind="stable")
        top = top[places]
    equal = top[1:] == top[:-1]
    shared = np.zeros(len(words), bool)
    shared[1:] |= equal
    shared[:-1] |= equal
    places = places[shared]  # only these are looked at
    words, rows = words[places], rows[places]
    settle(words, rows, rows, HASH_BITS - ROW_BITS)
    told = np.empty((len(words), 2), np.uint64)
    found = _tell(words, rows, np.uint64(own), told)
    if found > len(told):
        told = np.empty((found, 2), np.uint64)
        _tell(words, rows, np.uint64(own), told)
    return told[:found]


@compiled
def _tell(words: np.ndarray, rows: np.ndarray, own: np.uint64, told: np.ndarray) -> int:
    """How many pairs there are in buckets that are in order; those for which there is room are told."""
    found, begin = ZERO, ZERO
    while begin < len(words):
        end = begin + 1
        while end < len(words) and words[end] >> _SHIFT == words[begin] >> _SHIFT:
            end += 1
        first = begin + 1
        while first < end and (words[first] == words[begin] or end - begin <= ALL_PAIRS):
            first += 1
        before, place = begin, begin
        for k in range(begin + 1, end):
            if words[k] != words[k - 1]:
                before, place = place, k
            j, row = begin, rows[k]
            while j < k:
                j = before if first <= j < before else j
                other = rows[j]
                if row != other and (row < own or other < own):
                    if found < len(told):
                        told[found, 0], told[found, 1] = (row, other) if row < other else (other, row)
                    found += 1
                j += 1
        begin = end
    return found
