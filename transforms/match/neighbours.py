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

from transforms.compiled import ZERO, compiled, ones
from transforms.match.buckets import grown
from transforms.match.keys import ROW_BITS
from transforms.match.planes import HASH_BITS
from transforms.match.view_keys import ELDER_VIEW, ORDER_BITS, ORDER_MASK, VIEW_RADIUS

CROWD = 1_024
MOST = 16
STANDING = 32

_ROOM = 1 << 16

_ROW_SHIFT, _ORDER_SHIFT = np.uint64(ROW_BITS), np.uint64(ORDER_BITS)
_SIDE_SHIFT, _KIND_SHIFT, _FLIPS = np.uint64(63), np.uint64(60), np.uint64(7)  # of a word: side; side and number of turned bits
_DISTANCE_BITS, _DISTANCE_MASK, _ZERO, _ONE = np.uint64(4), np.uint64(15), np.uint64(0), np.uint64(1)
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
    n, shift, most, crowd = len(hashes), np.uint64(HASH_BITS - key_bits), most or MOST, crowd or CROWD
    chains, standing, ends, seen = *np.empty((3, 2 * n), np.int64), np.empty(2 * n, np.uint64)
    counts, cut = np.zeros(2, np.int64), np.zeros(2, np.int64)
    _stand(hashes, words, shift, STANDING, chains, standing, seen, ends, counts)
    ends = ends[: counts[1]]
    standing = standing[: ends[-1] if len(ends) else 0]
    begins = np.concatenate([[0], ends[1::2]])[: len(ends) // 2]
    parts, cut[0] = _parted(np.stack([begins, ends[::2], ends[::2], ends[1::2]], axis=1), hashes[standing], int(shift), crowd)
    chained = _chained(words, rows, *chains[: counts[0]].reshape(-1, 2).T)
    rows, orders = rows[standing], words[standing] >> _ROW_SHIFT & ORDER_MASK
    told, state = np.empty(3 * (most + 1) + _ROOM, np.uint64), np.zeros(2, np.int64)
    ranks, places = np.empty(most, np.uint64), np.empty(most, np.int64)
    while _meet(rows, orders, seen, parts, np.uint64(radius), ranks, places, told, state, cut):
        told = grown(told, int(state[1]), 3 * (most + 1) * int(parts[state[0], 1] - parts[state[0], 0]))
    return np.concatenate([chained, told[: state[1]].reshape(-1, 3)]), cut


def _chained(words: np.ndarray, rows: np.ndarray, places: np.ndarray, heads: np.ndarray) -> np.ndarray:
    """Candidates of rows for which others of the same hash stand: the first of these, and the one before."""
    asking, others = np.repeat(places, 2), np.stack([heads, places - 1], axis=1).reshape(-1)
    notes = (words[others] >> _ROW_SHIFT & ORDER_MASK) << _ONE | (others == np.repeat(heads, 2)).astype(np.uint64)
    return np.stack([rows[asking], rows[others], notes], axis=1)[words[asking] & words[others] & ELDER_VIEW == 0]


def _parted(parts: np.ndarray, hashes: np.ndarray, behind: int, crowd: int) -> tuple[np.ndarray, int]:
    """Parts of buckets, int64[m, 4], in which at most `crowd` are looked up if bits can part them; and how many asked in those parted.

    A part is where those that ask begin and end, and those that are looked up; either are in the order of their hashes. Their bits are
    looked at from the last of the `behind` ones that are not the key's on.
    """
    cut = 0
    for bit in range(behind - 1, -1, -1):
        crowded = parts[:, 3] - parts[:, 2] > crowd
        if not crowded.any():
            break
        if bit == behind - 1:
            cut = int((parts[crowded, 1] - parts[crowded, 0]).sum())
        ones = np.concatenate([[0], np.cumsum(hashes >> np.uint64(bit) & np.uint64(1), dtype=np.int64)])
        middles = parts[:, 1::2] - (ones[parts[:, 1::2]] - ones[parts[:, ::2]])
        upper = np.cumsum(crowded + 1) - 1 - crowded  # where the half with the bit goes; the other follows it
        parts, halves = np.repeat(parts, crowded + 1, axis=0), middles[crowded]
        parts[upper[crowded], ::2] = halves
        parts[upper[crowded] + 1, 1::2] = halves
    return parts, cut


@compiled
def _stand(hashes, words, shift, most, chains, standing, seen, ends, counts):  # type: ignore[no-untyped-def]
    """What stands for each bucket: places of those that ask, of what they are held against, and where either ends.

    Of those that ask and for which others stand: the place, and that of the first one of the same hash. A bucket with elder rows is two:
    rows of the run are held against all, elder rows against those of the run.
    """
    n, begin, place, start, middle, buckets, before = ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO
    behind = (_ONE << shift) - _ONE
    while begin < len(hashes):
        end, key, elders = begin + 1, hashes[begin] >> shift, words[begin] & ELDER_VIEW
        while end < len(hashes) and hashes[end] >> shift == key:
            elders |= words[end] & ELDER_VIEW
            end += 1
        for turn in range(0 if end == begin + 1 else 4 if elders else 2):
            looked_up = turn & 1
            if not looked_up:
                start, before = place, n
            middle, same, head = place, ZERO, ZERO
            for k in range(begin, end):
                hash_, word = hashes[k], words[k]
                elder = word & ELDER_VIEW
                if word >> _SIDE_SHIFT != looked_up or (turn != 1 and (elder > _ZERO) != (turn == 2)):
                    continue
                change = word ^ words[k - 1]
                fresh = k == begin or hash_ != hashes[k - 1] or change >> _KIND_SHIFT > _ZERO
                head = k if fresh else head
                same = ZERO if fresh or change & ELDER_VIEW else same + 1
                if same < most:
                    # Bits that were turned count as differing, so they stand where the equal bits of the key stood.
                    turned = (_ONE << (word >> _KIND_SHIFT & _FLIPS)) - _ONE
                    standing[place], seen[place] = k, hash_ & behind | turned << shift
                    place += 1
                elif not looked_up:
                    chains[n], chains[n + 1] = k, head
                    n += 2
            if looked_up and start < middle < place:
                ends[buckets], ends[buckets + 1] = middle, place
                buckets += 2
            elif looked_up:
                place, n = start, before  # one side is empty: nobody meets
        begin = end
    counts[0], counts[1] = n, buckets


@compiled
def _meet(rows, orders, seen, parts, radius, ranks, places, told, state, cut):  # type: ignore[no-untyped-def]
    """Tells neighbours; true where `told` must grow first. State: which part is next, numbers told."""
    most, n = len(ranks), state[1]
    for part in range(state[0], len(parts)):
        low, middle, start, stop = parts[part, 0], parts[part, 1], parts[part, 2], parts[part, 3]
        state[0], state[1] = part, n
        if n + 3 * (most + 1) * (middle - low) > len(told):
            return True
        for asking in range(low, middle):
            row, hash_, held, within, first, nearest = rows[asking], seen[asking], ZERO, ZERO, _NONE, ZERO
            for block in range(start, stop, 64):
                hits, end = _ZERO, block + 64 if block + 64 < stop else stop
                for i in range(np.uint64(block), np.uint64(end)):
                    hits += np.uint64(ones(seen[i] ^ hash_) <= radius)
                for i in range(block, end if hits > _ZERO else block):
                    distance, order = ones(seen[i] ^ hash_), orders[i]
                    if distance > radius or rows[i] == row:
                        continue
                    rank, among, within = distance << _ORDER_SHIFT | order, order << _DISTANCE_BITS | distance, within + 1
                    if among < first:
                        first, nearest = among, i
                    if held < most:
                        held += 1
                    elif rank >= ranks[held - 1]:
                        continue
                    j = held - 1
                    while j > 0 and ranks[j - 1] > rank:
                        ranks[j], places[j] = ranks[j - 1], places[j - 1]
                        j -= 1
                    ranks[j], places[j] = rank, i
            for j in range(held):
                told[n], told[n + 1], told[n + 2] = row, rows[places[j]], ranks[j] << _ONE
                n += 3
            if within > most:
                cut[1] += 1
                told[n], told[n + 1] = row, rows[nearest]
                told[n + 2] = ((first & _DISTANCE_MASK) << _ORDER_SHIFT | first >> _DISTANCE_BITS) << _ONE | ANCHOR
                n += 3
    state[0], state[1] = len(parts), n
    return False
