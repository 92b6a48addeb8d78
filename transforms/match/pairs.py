"""Buckets of pictures that share a key, and which pairs of a bucket are worth verifying.

What is told is a function of the rows in the bucket alone: a bucket is put in an order that content decides before it is looked at.

* Equal hashes: up to 8 rows every pair, of more each with the first and with its neighbour.
* Each distinct hash with at most 16 others within Hamming distance 4, found by looking back over at most 65,536 others of the bucket.
  A pair is told only by the first key that it shares, so nothing is told twice, and two mirror images are not told, since their originals
  meet as well.
"""

import numpy as np

from transforms.compiled import compiled
from transforms.match.buckets import grown, settle
from transforms.match.keys import ELDER, MIRRORED
from transforms.match.planes import HASH_BITS, Plane

ALL_PAIRS = 8
RADIUS = 4
MOST_NEIGHBOURS = 16
LOOK_BACK = 1 << 16
_MOST_TOLD = 3 * (ALL_PAIRS // 2 + MOST_NEIGHBOURS)  # numbers told of an entry
_ROOM = 1 << 16

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
    bits = int(plane.bits[key])
    settle(hashes, words, rows, bits)
    heads, seen = np.empty((2, len(hashes)), np.int64), np.empty((2, len(hashes)), np.uint64)
    masks, room = plane.permuted(plane.masks, key), _ROOM
    told, state = np.empty(room, np.uint64), np.zeros(3, np.int64)
    while _picture_pairs(hashes, words, key, np.uint64(HASH_BITS - bits), masks, heads, seen, told, state):
        told = grown(told, int(state[1]), _MOST_TOLD * len(hashes))
    found = told[: state[1]].reshape(-1, 3)
    left, right = found[:, 0].astype(np.int64), found[:, 1].astype(np.int64)
    good = (rows[left] != rows[right]) & (words[left] & words[right] & (MIRRORED | ELDER) == 0)
    left, right = rows[left[good]], rows[right[good]]
    return np.stack([np.minimum(left, right), np.maximum(left, right), found[good, 2]], axis=1), int(state[2])


@compiled
def _picture_pairs(hashes, words, key, shift, masks, heads, seen, told, state):  # type: ignore[no-untyped-def]
    """Tells places and distances; true where `told` must grow first. State: where to begin, numbers told, hashes cut."""
    begin, n = state[0], state[1]
    while begin < len(hashes):
        end = begin + 1
        while end < len(hashes) and hashes[end] >> shift == hashes[begin] >> shift:
            end += 1
        state[0], state[1] = begin, n
        if n + _MOST_TOLD * (end - begin) > len(told):
            return True
        start, many, own = begin, 0, 0
        while start < end:
            stop = start + 1
            while stop < end and hashes[stop] == hashes[start]:
                stop += 1
            for k in range(start + 1, stop if key == 0 else start):
                j = start
                while j < k:
                    told[n], told[n + 1], told[n + 2] = j, k, 0
                    n += 3
                    j = max(j + 1, k - 1) if stop - start > ALL_PAIRS else j + 1  # of many the first and the one before
            head = start
            while head < stop and words[head] & ELDER:
                head += 1
            side = 1 if head == stop else 0  # no row of the run has this hash: it is compared with those that one has
            head = start if side else head
            high = own if side else many
            found, floor = 0, max(0, high - LOOK_BACK)
            while high > floor and found < MOST_NEIGHBOURS:
                low, hits = max(floor, high - 64), np.uint64(0)
                for y in range(low, high):
                    hits += np.uint64(_ones(seen[side, y] ^ hashes[start]) <= np.uint64(RADIUS))
                for y in range(high - 1, low - 1 if hits > np.uint64(0) else high - 1, -1):
                    difference = hashes[start] ^ seen[side, y]
                    distance = _ones(difference)
                    if distance <= np.uint64(RADIUS) and found < MOST_NEIGHBOURS:
                        least = 0
                        while masks[least] & difference:
                            least += 1
                        if least == key:
                            told[n], told[n + 1], told[n + 2] = heads[side, y], head, distance
                            n += 3
                        found += 1
                high = low
            state[2] += found == MOST_NEIGHBOURS or floor > 0
            heads[0, many], seen[0, many], many = head, hashes[start], many + 1
            if side == 0:
                heads[1, own], seen[1, own], own = head, hashes[start], own + 1
            start = stop
        begin = end
    state[0], state[1] = begin, n
    return False


@compiled
def _ones(x):  # type: ignore[no-untyped-def]
    x = x - (x >> np.uint64(1) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + (x >> np.uint64(2) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return x * np.uint64(0x0101010101010101) >> np.uint64(56)
