"""Buckets of pictures that share a key, and which pairs of a bucket are worth verifying.

What is told is a function of the rows in the bucket alone: a bucket is put in an order that content decides before it is looked at.

* Equal hashes: up to 8 rows every pair, of more each with the first and with its neighbour.
* Each distinct hash with at most 16 others within Hamming distance 4, found by looking back over at most 65,536 others of the bucket.
  A pair is told only by the first key that it shares, so nothing is told twice, and two mirror images are not told, since their originals
  meet as well.
"""

from collections.abc import Iterator

import numpy as np

from transforms.compiled import ZERO, compiled, ones
from transforms.match.buckets import grown, run_starts
from transforms.match.keys import ELDER, MIRRORED
from transforms.match.planes import HASH_BITS, Plane

ALL_PAIRS = 8
RADIUS = 4
MOST_NEIGHBOURS = 16
LOOK_BACK = 1 << 16
_ROOM = 1 << 16

LEFT_SHIFT = np.uint64(40)  # a pair in 64 bits: smaller row within its owner 24, larger dense row 36, distance 4
RIGHT_SHIFT = np.uint64(4)
RIGHT_MASK = np.uint64((1 << 36) - 1)
DISTANCE_MASK = np.uint64(15)

Selection = slice | np.ndarray


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
      hashes: uint64[n], permuted for the key, in the order of `buckets.settle`. Equal hashes are told by key 0 alone.
      words: uint64[n] of `keys.picture_entries`.
      rows: uint64[n], dense row numbers.
      plane: the keys.
      key: which of them.

    Returns:
      The pairs, and the number of hashes that a bound kept from being compared with all others of the bucket.
    """
    bits = int(plane.bits[key])
    starts = run_starts(hashes)
    heads, distinct, elder = starts, hashes[starts], words[starts] & ELDER != 0
    if elder.any():  # of each hash the first row of the run; a hash that none has is compared with those that one has
        heads = np.minimum.reduceat(np.where(words & ELDER == 0, np.arange(len(hashes)), len(hashes)), starts)
        elder = heads == len(hashes)
        heads = np.where(elder, starts, heads)
    buckets = run_starts(distinct >> np.uint64(HASH_BITS - bits))
    buckets = np.repeat(buckets, np.diff(buckets, append=len(distinct)))  # where that of each hash begins
    masks, cut = plane.permuted(plane.masks, key), 0
    told = [_equal(starts, len(hashes)) if key == 0 else np.empty((0, 3), np.int64)]
    for asking, seen, highs, lows in _held_against(elder, buckets):
        found, full = _look_back(distinct[asking], highs, np.maximum(lows, highs - LOOK_BACK), distinct[seen], masks, key)
        told.append(np.stack([heads[seen][found[:, 0]], heads[asking][found[:, 1]], found[:, 2]], axis=1))
        cut += int((full | (highs - lows > LOOK_BACK)).sum())
    left, right, distance = np.concatenate(told).T
    good = (rows[left] != rows[right]) & (words[left] & words[right] & (MIRRORED | ELDER) == 0)
    left, right = rows[left[good]], rows[right[good]]
    return np.stack([np.minimum(left, right), np.maximum(left, right), distance[good].astype(np.uint64)], axis=1), cut


def _held_against(elder: np.ndarray, buckets: np.ndarray) -> Iterator[tuple[Selection, Selection, np.ndarray, np.ndarray]]:
    """Which hashes ask and which they are held against, and where those of its bucket end and begin among these for each that asks.

    Hashes of the run are held against all before them, those that elder rows alone have against those of the run.

    Args:
      elder: bool[n], whether elder rows alone have a hash.
      buckets: int64[n], where the bucket of each hash begins.
    """
    if not elder.any():
        yield slice(None), slice(None), np.arange(len(elder)), buckets
        return
    own, elders, before = np.flatnonzero(~elder), np.flatnonzero(elder), np.concatenate([[0], np.cumsum(~elder)])
    yield own, slice(None), own, buckets[own]
    yield elders, own, before[elders], before[buckets[elders]]


def _equal(starts: np.ndarray, n: int) -> np.ndarray:
    """Pairs of entries in one run of n, int64[m, 3] with a distance of 0: of a short run all, of others the first and the one before."""
    sizes = np.diff(starts, append=n)
    starts, sizes = starts[sizes > 1], sizes[sizes > 1]
    size, start = np.repeat(sizes, sizes), np.repeat(starts, sizes)
    place = np.arange(len(start)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    backs = [np.flatnonzero((place >= back) & ((size <= ALL_PAIRS) | (back == 1))) for back in range(1, ALL_PAIRS)]
    far = np.flatnonzero((place > 1) & (size > ALL_PAIRS))
    at = np.concatenate([*backs, far])
    back = np.concatenate([np.repeat(np.arange(1, ALL_PAIRS), [len(some) for some in backs]), place[far]])
    right = start[at] + place[at]
    return np.stack([right - back, right, np.zeros_like(right)], axis=1)


def _look_back(
    hashes: np.ndarray, highs: np.ndarray, lows: np.ndarray, seen: np.ndarray, masks: np.ndarray, key: int
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest hashes before each one: int64[m, 3] of place in `seen`, place in `hashes`, distance; whether each found its fill."""
    told, state, full = np.empty(_ROOM, np.int64), np.zeros(2, np.int64), np.zeros(len(hashes), bool)
    while _tell(hashes, highs, lows, seen, masks, key, told, state, full):
        told = grown(told, int(state[1]), 3 * MOST_NEIGHBOURS)
    return told[: state[1]].reshape(-1, 3), full


@compiled
def _tell(hashes, highs, lows, seen, masks, key, told, state, full):  # type: ignore[no-untyped-def]
    """Tells places and distances; true where `told` must grow first. State: which hash is next, numbers told."""
    n = state[1]
    for asking in range(state[0], len(hashes)):
        state[0], state[1] = asking, n
        if n + 3 * MOST_NEIGHBOURS > len(told):
            return True
        hash_, high, low, found = hashes[asking], highs[asking], lows[asking], ZERO
        while high > low and found < MOST_NEIGHBOURS:
            block, hits = high - 64 if high - 64 > low else low, ZERO
            for y in range(np.uint64(block), np.uint64(high)):
                hits += ones(seen[y] ^ hash_) <= RADIUS
            for y in range(high - 1, block - 1 if hits > 0 else high - 1, -1):
                difference = seen[y] ^ hash_
                distance = ones(difference)
                if distance <= RADIUS and found < MOST_NEIGHBOURS:
                    least = ZERO
                    while masks[least] & difference:
                        least += 1
                    if least == key:
                        told[n], told[n + 1], told[n + 2] = y, asking, distance
                        n += 3
                    found += 1
            high = block
        full[asking] = found == MOST_NEIGHBOURS
    state[0], state[1] = len(hashes), n
    return False
