"""Buckets of pictures that share a key, and which pairs of a bucket are worth verifying.

What is told is a function of the rows in the bucket alone: a bucket is put in an order that content decides before it is looked at.

* Equal hashes: up to 8 rows every pair, of more each with the first and with its neighbour.
* Each distinct hash with at most 16 others within Hamming distance 4, found by looking back over at most 65,536 others of the bucket.
  A pair is told only by the first key that it shares, so nothing is told twice, and two mirror images are not told, since their originals
  meet as well.
"""

import numpy as np

from transforms.compiled import compiled
from transforms.match.buckets import settle
from transforms.match.keys import ELDER, MIRRORED
from transforms.match.planes import HASH_BITS, Plane

ALL_PAIRS = 8
RADIUS = 4
MOST_NEIGHBOURS = 16
LOOK_BACK = 1 << 16

LEFT_SHIFT = np.uint64(40)  # a pair in 64 bits: smaller row within its owner 24, larger dense row 36, distance 4
RIGHT_SHIFT = np.uint64(4)
RIGHT_MASK = np.uint64((1 << 36) - 1)
DISTANCE_MASK = np.uint64(15)


def packed_pairs(left: np.ndarray, right: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Pairs as they travel, uint64[n]: the smaller row within its owner, the larger dense row, and how far they are."""
    return left << LEFT_SHIFT | right << RIGHT_SHIFT | distance


def nearest_of(packed: np.ndarray) -> np.ndarray:
    """The distinct pairs, ascending, each at its least distance.

    >>> pairs = packed_pairs(*np.array([[1, 1, 0], [9, 9, 9], [3, 2, 0]], np.uint64))
    >>> (nearest_of(pairs) & np.uint64(15)).tolist()
    [0, 2]
    """
    packed = np.sort(packed)
    fresh = np.ones(len(packed), bool)
    fresh[1:] = packed[1:] >> RIGHT_SHIFT != packed[:-1] >> RIGHT_SHIFT
    return packed[fresh]


@compiled
def _add(told: np.ndarray, n: int, left: np.uint64, right: np.uint64, distance: np.uint64) -> tuple[np.ndarray, int]:
    """Adds three numbers to a flat array, which grows where it is full. Loops, since numba takes seconds to compile slices."""
    if n + 3 > len(told):
        more = np.empty(2 * len(told) + 192, np.uint64)
        for i in range(n):
            more[i] = told[i]
        told = more
    told[n], told[n + 1], told[n + 2] = min(left, right), max(left, right), distance
    return told, n + 3


@compiled
def _popcount(x: np.uint64) -> np.uint64:
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (x * np.uint64(0x0101010101010101)) >> np.uint64(56)


@compiled
def _any_near(hashes: np.ndarray, low: int, high: int, to: np.uint64) -> bool:
    hits = np.uint64(0)
    for i in range(low, high):
        hits += np.uint64(_popcount(hashes[i] ^ to) <= np.uint64(RADIUS))
    return bool(hits > np.uint64(0))


@compiled
def _tell(told: np.ndarray, n: int, words: np.ndarray, rows: np.ndarray, i: int, j: int, distance: np.uint64) -> tuple[np.ndarray, int]:
    """Adds the pair of two entries, unless they are one row, two mirror images or two elder rows."""
    if rows[i] == rows[j] or words[i] & words[j] & (MIRRORED | ELDER):
        return told, n
    return _add(told, n, rows[i], rows[j], distance)


@compiled
def _look_back(
    told: np.ndarray,
    n: int,
    words: np.ndarray,
    rows: np.ndarray,
    entry: int,
    hash_of_entry: np.uint64,
    heads: np.ndarray,
    seen: np.ndarray,
    many: int,
    used: np.ndarray,
    key: int,
    masks: np.ndarray,
) -> tuple[np.ndarray, int, int]:
    """A hash with the last of the `many` seen before it. `used`: the bits of the permuted hash, as masks."""
    found, high, floor = 0, many, max(0, many - LOOK_BACK)
    while high > floor and found < MOST_NEIGHBOURS:
        low = max(floor, high - 64)
        if _any_near(seen, low, high, hash_of_entry):
            for y in range(high - 1, low - 1, -1):
                difference = hash_of_entry ^ seen[y]
                distance = _popcount(difference)
                if distance > np.uint64(RADIUS):
                    continue
                bits = np.uint64(0)
                while difference:
                    bits |= used[np.int64(_popcount((difference & (~difference + np.uint64(1))) - np.uint64(1)))]
                    difference &= difference - np.uint64(1)
                least = 0
                while masks[least] & bits:
                    least += 1
                if least == key:
                    told, n = _tell(told, n, words, rows, entry, heads[y], distance)
                found += 1
                if found == MOST_NEIGHBOURS:
                    break
        high = low
    return told, n, int(found == MOST_NEIGHBOURS or floor > 0)


@compiled
def _picture_pairs(
    hashes: np.ndarray, words: np.ndarray, rows: np.ndarray, key: int, key_bits: int, used: np.ndarray, masks: np.ndarray
) -> tuple[np.ndarray, int, int]:
    told, n, begin, crowded = np.empty(3 * len(rows) + 192, np.uint64), 0, 0, 0
    shift, heads, seen = np.uint64(HASH_BITS - key_bits), np.empty((2, len(hashes)), np.int64), np.empty((2, len(hashes)), np.uint64)
    while begin < len(hashes):
        end = begin + 1
        while end < len(hashes) and hashes[end] >> shift == hashes[begin] >> shift:
            end += 1
        if end - begin > 1:
            start, all_seen, own_seen = begin, 0, 0
            while start < end:
                stop = start + 1
                while stop < end and hashes[stop] == hashes[start]:
                    stop += 1
                if key == 0:
                    for k in range(start + 1, stop):
                        for j in range(start, k):
                            if stop - start > ALL_PAIRS and start < j < k - 1:
                                continue
                            told, n = _tell(told, n, words, rows, j, k, np.uint64(0))
                head = start
                while head < stop and words[head] & ELDER:
                    head += 1
                elder = head == stop  # no row of the run has this hash: it is compared with those that one has
                head = start if elder else head
                side, many = (1, own_seen) if elder else (0, all_seen)
                told, n, more = _look_back(told, n, words, rows, head, hashes[start], heads[side], seen[side], many, used, key, masks)
                crowded += more
                heads[0, all_seen], seen[0, all_seen], all_seen = head, hashes[start], all_seen + 1
                if not elder:
                    heads[1, own_seen], seen[1, own_seen], own_seen = head, hashes[start], own_seen + 1
                start = stop
        begin = end
    return told, n, crowded


def picture_pairs(hashes: np.ndarray, words: np.ndarray, rows: np.ndarray, plane: Plane, key: int) -> tuple[np.ndarray, int]:
    """Candidate pairs of pictures: uint64[m, 3] of smaller row, larger row, distance; and how many were cut.

    Args:
      hashes: uint64[n], permuted for the key and sorted by it; ordered inside the buckets here. Equal hashes are told by key 0 alone.
      words: uint64[n] of `keys.picture_entries`.
      rows: uint64[n], dense row numbers.
      plane: the keys.
      key: which of them.

    Returns:
      The pairs, and the number of hashes that a bound kept from being compared with all others of the bucket.
    """
    settle(hashes, words, rows, int(plane.bits[key]))
    used = np.array([1 << int(bit) for bit in plane.orders[key][::-1]], np.uint64)
    told, n, crowded = _picture_pairs(hashes, words, rows, key, int(plane.bits[key]), used, plane.masks)
    return told[:n].reshape(-1, 3), crowded
