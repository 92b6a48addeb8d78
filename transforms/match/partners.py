"""The nearest few rows that each picture was told of, over all keys: what is worth verifying, whatever the number of rows.

A candidate is two numbers: 24 bits row within its owner, 4 bits distance, 35 bits identity of the other; 36 bits the other row, 1 bit
`ANCHOR`. Of each row the nearest `PARTNERS` others are kept, of equally near ones the first in content order, and the first `ANCHORS`
in content order of those that stand for a crowd, by which a picture of fifty thousand encodings stays one. What is kept of parts that
were kept is what is kept of the whole, so that it does not matter in how many passes candidates were found.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from transforms.compiled import TRUE, ZERO, compiled
from transforms.match.blocks import EMPTY, gather, pack, scatter
from transforms.match.neighbours import ANCHOR
from transforms.match.pairs import nearest_of, packed_pairs
from transforms.match.plan import PICTURES, Plan
from transforms.match.view_keys import ORDER_BITS

PARTNERS = 32
ANCHORS = 8

_ROW_SHIFT, _DISTANCE_SHIFT = np.uint64(4 + ORDER_BITS), np.uint64(ORDER_BITS)
_DISTANCE_MASK, _ORDERS = np.uint64(15), np.uint64((1 << ORDER_BITS) - 1)


def candidates(told: np.ndarray, local: np.uint64) -> np.ndarray:
    """`neighbours.neighbours` as candidates, uint64[2, n].

    Args:
      told: uint64[n, 3].
      local: mask of a row within its owner.
    """
    first = (told[:, 0] & local) << _ROW_SHIFT | told[:, 2] >> np.uint64(1)
    return np.stack([first, told[:, 1] << np.uint64(1) | told[:, 2] & ANCHOR])


def kept(told: np.ndarray, most: int) -> tuple[np.ndarray, int]:
    """What is kept of candidates, uint64[2, m], in order; and how many rows had more than `most` partners.

    Args:
      told: uint64[2, n].
      most: partners of a row.
    """
    told = np.take(told, np.lexsort(told[::-1]), axis=1)
    keep = np.zeros(told.shape[1], bool)
    crowded = _keep(told[0], told[1], np.empty(most, np.uint64), np.empty(ANCHORS + 1, np.uint64), np.empty(ANCHORS + 1, np.int64), keep)
    return told[:, keep], int(crowded)


def send(plan: Plan, passes: int, key: int) -> Iterator[tuple[int, bytes]]:
    """(Owner and family) -> (owner of the smaller row and family, block of pairs, and how many rows were cut); nothing of captions."""
    owner, family = key >> 1, key & 1
    if family != PICTURES:
        yield key, EMPTY
        return
    told = np.empty((2, 0), np.uint64)
    for number in range(passes):
        told, _ = kept(np.concatenate([told, plan.load("told", owner, number)], axis=1), PARTNERS + 1)
    told, cut = kept(told, PARTNERS)
    rows = told[0] >> _ROW_SHIFT | np.uint64(owner << plan.owner_bits)
    others = told[1] >> np.uint64(1)
    left, right = np.minimum(rows, others), np.maximum(rows, others)
    pairs = packed_pairs(left & plan.local, right, told[0] >> _DISTANCE_SHIFT & _DISTANCE_MASK)
    for to, (mine,) in scatter(plan.owner_of(left), plan.owners, pairs):
        yield to << 1 | family, pack(owner, nearest_of(mine), np.empty(0, np.uint64))
    if cut:
        yield key, pack(owner, np.empty(0, np.uint64), np.array([cut], np.uint64))


def save(plan: Plan, key: int, blocks: Iterable[bytes]) -> Iterator[int]:
    """(Owner and family, blocks) -> a file of the distinct pairs, and one of how many rows were cut."""
    if key & 1 == PICTURES:
        _, (pairs, cut) = gather(blocks, [np.uint64, np.uint64])
        plan.save(nearest_of(pairs), "pairs", PICTURES, key >> 1, 0)
        plan.save(cut.sum(dtype=np.uint64)[None], "partners", key >> 1)
    yield key


@compiled
def _keep(first, second, seen, orders, places, keep):  # type: ignore[no-untyped-def]
    """Marks what is kept; how many rows had more partners than there is room for in `seen`. `orders`, `places`: one more than anchors."""
    crowded, begin, most, anchors = ZERO, ZERO, len(seen), len(orders) - 1
    while begin < len(first):
        k, many, held = begin, ZERO, ZERO
        while k < len(first) and first[k] >> _ROW_SHIFT == first[begin] >> _ROW_SHIFT:
            other, fresh = second[k] >> np.uint64(1), TRUE
            for i in range(many if many < most else most):
                fresh &= seen[i] != other
            if fresh:
                if many < most:
                    seen[many], keep[k] = other, True
                many += 1
            order, j = first[k] & _ORDERS, held
            if second[k] & ANCHOR:
                for i in range(held):
                    if second[places[i]] == second[k]:
                        j = ZERO - 1  # the nearer of two is there
                if j >= 0:
                    while j > 0 and orders[j - 1] > order:
                        orders[j], places[j] = orders[j - 1], places[j - 1]
                        j -= 1
                    orders[j], places[j] = order, k
                    held = held + 1 if held < anchors else anchors
            k += 1
        crowded += many > most
        for i in range(held):
            keep[places[i]] = True
        begin = k
    return crowded
