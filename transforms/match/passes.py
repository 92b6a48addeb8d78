"""Second step, in as many passes as memory asks for: rows that share a key meet, and candidate pairs go to the owner of the smaller row.

A bucket lies whole in one range of one key, and what it tells depends on its rows alone; pairs of all passes are united. So the number
of passes, ranges and owners cannot show.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from schemas.signatures import BANDS
from transforms.match import bands, hashed, keys, view_keys
from transforms.match.blocks import gather, pack, scatter
from transforms.match.buckets import by_top, run_starts, settle
from transforms.match.identity import pictures_that_stand
from transforms.match.neighbours import neighbours
from transforms.match.pairs import nearest_of, packed_pairs, picture_pairs
from transforms.match.partners import PARTNERS, candidates, kept
from transforms.match.plan import CAPTIONS, PICTURES, RANGE_BITS, Plan
from transforms.match.planes import HASH_BITS
from transforms.match.portions import portions

_ROWS_AT_ONCE = 1 << 15  # whose views are sent in one block
CUTS = 3  # kinds of what a bound cut: plain hashes; views compared with a part of their bucket; views with more neighbours than are told


def send(plan: Plan, units: list[int], owner: int) -> Iterator[tuple[int, bytes]]:
    """Owner -> (unit, block of key words and rows), for the units of one pass."""
    wanted: dict[int, set[int]] = {}
    for unit in units:
        wanted.setdefault(unit >> RANGE_BITS, set()).add(unit & (1 << RANGE_BITS) - 1)
    captions = {key: ranges for key, ranges in wanted.items() if key < BANDS}
    if captions:
        yield from bands.send(plan, captions, owner)
    if len(captions) < len(wanted):
        send_pictures = _send_views if plan.reach == "views" else _send_pictures
        yield from send_pictures(plan, {key: ranges for key, ranges in wanted.items() if key >= BANDS}, owner)


def _send_pictures(plan: Plan, wanted: dict[int, set[int]], owner: int) -> Iterator[tuple[int, bytes]]:
    pictures = hashed.read(plan, owner)
    for number, ranges in sorted(wanted.items()):
        for part, mine in keys.picture_entries(pictures, plan.plane, number - BANDS, _asked(plan, number, ranges)):
            yield number << RANGE_BITS | part, pack(owner, mine)


def _asked(plan: Plan, number: int, ranges: set[int]) -> np.ndarray:
    """Which of the ranges of a key are asked for, bool[2^bits]."""
    asked = np.zeros(1 << plan.range_bits_of(number), bool)
    asked[list(ranges)] = True
    return asked


def _send_views(plan: Plan, wanted: dict[int, set[int]], owner: int) -> Iterator[tuple[int, bytes]]:
    every = pictures_that_stand(plan, owner, plan.rows.read(owner, ["views"])["views"] != 0)
    for start in range(0, len(every), _ROWS_AT_ONCE):
        rows = every[start : start + _ROWS_AT_ONCE]
        columns = plan.rows.read(owner, ["views", "picture_id", "view_hashes", "view_doubts"], rows)
        hashes, doubts = view_keys.of_columns(columns["view_hashes"], columns["view_doubts"])
        elder = rows >= plan.own - (owner << plan.owner_bits)
        have, ids = columns["views"].astype(np.uint32), columns["picture_id"].astype(np.uint64)
        for number, ranges in sorted(wanted.items()):
            asked = _asked(plan, number, ranges)
            for part, mine in view_keys.entries(have, hashes, doubts, ids, rows.astype(np.uint64), elder, number - BANDS, asked):
                yield number << RANGE_BITS | part, pack(owner, mine)


def pair(plan: Plan, unit: int, blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """(Unit, blocks) -> (owner and family, block of what was found, and what bounds cut).

    Captions and plain hashes: pairs in 64 bits, to the owner of the smaller row. Views: candidates in 128, to the owner of the row that
    asked.
    """
    number = unit >> RANGE_BITS
    cut, none = np.zeros((1, CUTS), np.uint64), np.empty(0, np.uint64)
    if number < BANDS:
        for owner, mine in bands.pair(plan, blocks):
            yield owner << 1 | CAPTIONS, pack(unit, nearest_of(mine), none, none)
        return
    key, views = number - BANDS, plan.reach == "views"
    bits = view_keys.VIEW_KEY_BITS[key] if views else int(plan.plane.bits[key])
    told, counted = [np.empty((0, 3), np.uint64)], slice(1, CUTS) if views else slice(1)
    for portion in portions(blocks, plan.owner_bits, bits, plan.range_bits_of(number)):
        hashes, words, rows = by_top(*portion)
        hashes, words, rows = _with_own(plan, hashes >> np.uint64(HASH_BITS - bits), rows, hashes, words, rows)
        settle(hashes, words, rows)
        pairs, more = neighbours(hashes, words, rows, bits) if views else picture_pairs(hashes, words, rows, plan.plane, key)
        told.append(pairs)
        cut[0, counted] += np.array(more, np.uint64)
    found = np.concatenate(told)
    if views:
        for owner, some in scatter(plan.owner_of(found[:, 0]), plan.owners, *candidates(found, plan.local)):
            yield owner << 1 | PICTURES, pack(unit, *some, none)
    else:
        found = found[found[:, 0] < plan.own]  # two elder rows are no pair
        packed = packed_pairs(found[:, 0] & plan.local, found[:, 1], found[:, 2])
        for owner, (mine,) in scatter(plan.owner_of(found[:, 0]), plan.owners, packed):
            yield owner << 1 | PICTURES, pack(unit, nearest_of(mine), none, none)
    if cut.any():
        yield PICTURES, pack(unit, none, none, cut)


def _with_own(plan: Plan, buckets: np.ndarray, rows: np.ndarray, *arrays: np.ndarray) -> list[np.ndarray]:
    """The arrays without the buckets, ascending, that hold elder rows alone."""
    if plan.own == plan.total or not len(rows):
        return list(arrays)
    starts = run_starts(buckets)
    own = np.logical_or.reduceat(rows < plan.own, starts)
    kept = np.repeat(own, np.diff(starts, append=len(rows)))
    return [array[kept] for array in arrays]


def save(plan: Plan, number: int, key: int, blocks: Iterable[bytes]) -> Iterator[int]:
    """(Owner and family, blocks) -> two files: what the pass found, distinct, and what bounds cut.

    Pairs are uint64[n], in the file `pairs`; candidates uint64[2, n], in `told`, of each row no more than may be kept in the end.
    """
    family, owner = key & 1, key >> 1
    _, (first, second, cut) = gather(blocks, [np.uint64, np.uint64, np.uint64])
    if family == PICTURES and plan.reach == "views":
        plan.save(kept(np.stack([first, second]), PARTNERS + 1)[0], "told", owner, number)
    else:
        plan.save(nearest_of(first), "pairs", family, owner, number)
    plan.save(cut.reshape(-1, CUTS).sum(axis=0, dtype=np.uint64), "cut", family, owner, number)
    yield key
