"""Which views of a bucket are near enough to be verified: of those within the radius the nearest few, at a cost that no crowd outgrows.

In a bucket stand hashes that ask and hashes that are looked up, all of one key.

* A hash that asks is compared with at most `CROWD` that are looked up. A bucket of more is parted by the bits behind the key, lowest
  frequencies first, until each part has no more: what the rows can bear, every key is long enough for. Hashes so cut are counted.
* It is told with the `MOST` nearest within the radius, of equally near ones the first in content order; where there are more of them,
  also with the first of all in content order. So a crowd that is all of one picture stays one: each is told with the same first one.
* Of equal hashes that ask, and of those that are looked up with equally many bits turned, `STANDING` stand for all. Every further one that
  asks is told with the first and with the one before: a hash that stands in a million rows costs each of them two pairs.

So a view costs at most `CROWD` comparisons and `MOST` + 1 pairs under each key, whatever the number of rows. What is told depends on
the bucket's rows alone.
"""

import numpy as np

from transforms.compiled import compiled
from transforms.match.buckets import grown
from transforms.match.keys import ROW_BITS
from transforms.match.planes import HASH_BITS
from transforms.match.view_keys import ELDER_VIEW, ORDER_BITS, ORDER_MASK, VIEW_RADIUS

CROWD = 1_024
MOST = 16
STANDING = 32

_ROOM = 1 << 16

_ROW_SHIFT, _ORDER_SHIFT = np.uint64(ROW_BITS), np.uint64(ORDER_BITS)
_KIND_SHIFT, _FLIPS = np.uint64(60), np.uint64(7)  # of a word: side and number of turned bits
_NONE = np.uint64((1 << 64) - 1)
ANCHOR = np.uint64(1)  # in a note: told as the first of a crowd


def neighbours(
    hashes: np.ndarray, words: np.ndarray, rows: np.ndarray, key_bits: int, radius: int = VIEW_RADIUS, crowd: int = 0, most: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Candidates, uint64[m, 3]: the row that asks, the one it found, a note; and what was cut, int64[2].

    A note is 4 bits distance, 35 bits identity of the one found, 1 bit `ANCHOR`. No two elder rows are told.

    Args:
      hashes: uint64[n] of `view_keys.entries`, in the order of `buckets.settle`.
      words: uint64[n] likewise.
      rows: uint64[n], dense row numbers.
      key_bits: of the key.
      radius: greatest distance.
      crowd: 0 for `CROWD`.
      most: 0 for `MOST`.

    Returns:
      The candidates; how many hashes were compared with a part of their bucket only, and how many had more than `most` within the radius.
    """
    n, shift, most = len(hashes), np.uint64(HASH_BITS - key_bits), most or MOST
    chains, seen = np.empty(6 * n, np.uint64), np.empty(2 * n, np.uint64)
    standing, ends = np.empty(2 * n, np.int64), np.empty(2 * n, np.int64)
    counts, cut = np.zeros(2, np.int64), np.zeros(2, np.int64)
    _stand(hashes, words, rows, shift, STANDING, chains, standing, seen, ends, counts)
    told, state, ends = np.empty(3 * (most + 1) + _ROOM, np.uint64), np.zeros(3, np.int64), ends[: counts[1]]
    work = np.empty(most, np.uint64), np.empty(most, np.int64), np.empty((2 * HASH_BITS, 5), np.int64)
    while _meet(hashes, words, rows, standing, seen, ends, np.int64(shift), np.uint64(radius), crowd or CROWD, *work, told, state, cut):
        told = grown(told, int(state[2]), 3 * (most + 1) * int(ends[state[0]]))
    return np.concatenate([chains[: counts[0]], told[: state[2]]]).reshape(-1, 3), cut


@compiled
def _stand(hashes, words, rows, shift, most, told, standing, seen, ends, counts):  # type: ignore[no-untyped-def]
    """What stands for each bucket: rows that ask, what they are held against, and where either ends; and pairs of equal hashes.

    A bucket with elder rows is two: rows of the run are held against all, elder rows against those of the run.
    """
    n, begin, place, start, middle, buckets, before = 0, 0, 0, 0, 0, 0, 0
    behind = (np.uint64(1) << shift) - np.uint64(1)
    while begin < len(hashes):
        end, elders = begin + 1, words[begin] & ELDER_VIEW
        while end < len(hashes) and hashes[end] >> shift == hashes[begin] >> shift:
            elders |= words[end] & ELDER_VIEW
            end += 1
        for turn in range(0 if end == begin + 1 else 4 if elders else 2):
            if turn % 2 == 0:
                start, before = place, n
            middle, same, head = place, 0, 0
            for k in range(begin, end):
                kind, elder = words[k] >> _KIND_SHIFT, words[k] & ELDER_VIEW
                if np.int64(kind >> np.uint64(3)) != turn % 2 or (turn != 1 and np.int64(elder != 0) != (turn == 2)):
                    continue
                fresh = k == begin or hashes[k] != hashes[k - 1] or kind != words[k - 1] >> _KIND_SHIFT
                head = k if fresh else head
                same = 0 if fresh or elder != words[k - 1] & ELDER_VIEW else same + 1
                if same < most:
                    # Bits that were turned count as differing, so they stand where the equal bits of the key stood.
                    standing[place], seen[place] = k, hashes[k] & behind | (np.uint64(1) << (kind & _FLIPS)) - np.uint64(1) << shift
                    place += 1
                elif turn % 2 == 0:
                    for other in (head, k - 1):
                        if elder & words[other] == 0:
                            told[n], told[n + 1] = rows[k], rows[other]
                            told[n + 2] = (words[other] >> _ROW_SHIFT & ORDER_MASK) << np.uint64(1) | np.uint64(other == head)
                            n += 3
            if turn % 2 == 1 and start < middle < place:
                ends[buckets], ends[buckets + 1] = middle, place
                buckets += 2
            elif turn % 2 == 1:
                place, n = start, before  # one side is empty: nobody meets
        begin = end
    counts[0], counts[1] = n, buckets


@compiled
def _meet(  # type: ignore[no-untyped-def]
    hashes, words, rows, standing, seen, ends, behind, radius, crowd, ranks, places, stack, told, state, cut
):
    """Tells neighbours; true where `told` must grow first. State: which bucket is next, where it begins, numbers told."""
    most, begin, n = len(ranks), state[1], state[2]
    for bucket in range(state[0], len(ends), 2):
        state[0], state[1], state[2] = bucket, begin, n
        if n + 3 * (most + 1) * (ends[bucket] - begin) > len(told):
            return True
        stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3], stack[0, 4] = begin, ends[bucket], ends[bucket], ends[bucket + 1], behind - 1
        begin, depth = ends[bucket + 1], 1
        while depth > 0:
            depth -= 1
            low, middle, start, stop, bit = stack[depth, 0], stack[depth, 1], stack[depth, 2], stack[depth, 3], stack[depth, 4]
            if stop - start > crowd and bit >= 0:  # parted by the next bit
                cut[0] += middle - low if bit == behind - 1 else 0
                for side in range(2):
                    at, end = (start, stop) if side else (low, middle)
                    stack[depth, 2 * side], stack[depth + 1, 2 * side + 1] = at, end
                    while at < end and hashes[standing[at]] >> np.uint64(bit) & np.uint64(1) == np.uint64(0):
                        at += 1
                    stack[depth, 2 * side + 1], stack[depth + 1, 2 * side] = at, at
                stack[depth, 4], stack[depth + 1, 4] = bit - 1, bit - 1
                depth += 2
                continue
            for asking in range(low, middle):
                row, hash_, held, within, first, nearest = rows[standing[asking]], seen[asking], 0, 0, _NONE, 0
                for block in range(start, stop, 64):
                    hits, end = np.uint64(0), min(block + 64, stop)
                    for i in range(block, end):
                        hits += np.uint64(_ones(seen[i] ^ hash_) <= radius)
                    for i in range(block, end if hits > np.uint64(0) else block):
                        distance, k = _ones(seen[i] ^ hash_), standing[i]
                        if distance > radius or rows[k] == row:
                            continue
                        order = words[k] >> _ROW_SHIFT & ORDER_MASK
                        rank, within = distance << _ORDER_SHIFT | order, within + 1
                        if order << np.uint64(4) | distance < first:
                            first, nearest = order << np.uint64(4) | distance, k
                        if held < most or rank < ranks[held - 1]:
                            j = held if held < most else most - 1
                            held = j + 1
                            while j > 0 and ranks[j - 1] > rank:
                                ranks[j], places[j] = ranks[j - 1], places[j - 1]
                                j -= 1
                            ranks[j], places[j] = rank, k
                for j in range(held):
                    told[n], told[n + 1], told[n + 2] = row, rows[places[j]], ranks[j] << np.uint64(1)
                    n += 3
                if within > most:
                    cut[1] += 1
                    told[n], told[n + 1] = row, rows[nearest]
                    told[n + 2] = ((first & np.uint64(15)) << _ORDER_SHIFT | first >> np.uint64(4)) << np.uint64(1) | ANCHOR
                    n += 3
    state[0], state[2] = len(ends), n
    return False


@compiled
def _ones(x):  # type: ignore[no-untyped-def]
    x = x - (x >> np.uint64(1) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + (x >> np.uint64(2) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return x * np.uint64(0x0101010101010101) >> np.uint64(56)
