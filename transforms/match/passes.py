"""Second step, in as many passes as memory asks for: rows that share a key meet, and candidate pairs go to the owner of the smaller row.

A bucket lies whole in one range of one key, and what it tells depends on its rows alone; pairs of all passes are united. So the number
of passes, ranges and owners cannot show.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from schemas.signatures import BANDS, CAPTION_LONG, CAPTION_SHORT
from transforms.match import keys
from transforms.match.blocks import gather, pack, scatter
from transforms.match.components import distinct
from transforms.match.elders import NO_PART
from transforms.match.keys import BUCKET_BITS, HASH_BITS, KEY_BITS
from transforms.match.pairs import by_top, caption_pairs, picture_pairs
from transforms.match.plan import CAPTIONS, KEY_BYTES, PICTURES, RANGE_BITS, Plan

LEFT_SHIFT = np.uint64(40)  # a pair in 64 bits: row within its owner 24, dense row 36, views 4
RIGHT_SHIFT = np.uint64(4)
RIGHT_MASK = np.uint64((1 << 36) - 1)


def send(plan: Plan, units: list[int], owner: int) -> Iterator[tuple[int, bytes]]:
    """Owner -> (unit, block of key words and rows), for the units of one pass."""
    wanted: dict[int, set[int]] = {}
    for unit in units:
        wanted.setdefault(unit >> RANGE_BITS, set()).add(unit & (1 << RANGE_BITS) - 1)
    bands = [key for key in wanted if key < BANDS]
    if bands:
        yield from _send_captions(plan, {key: wanted[key] for key in bands}, owner)
    if len(bands) < len(wanted):
        yield from _send_pictures(plan, {key: ranges for key, ranges in wanted.items() if key >= BANDS}, owner)


def _send_captions(plan: Plan, wanted: dict[int, set[int]], owner: int) -> Iterator[tuple[int, bytes]]:
    columns = plan.rows.read(owner, ["caption_kind", "caption_id", "caption_bands", "text_bands"])
    kinds = np.where(plan.places(owner).kind == NO_PART, 0, columns["caption_kind"])
    kinds[plan.load("same", CAPTIONS, owner)[0].astype(np.int64)] = 0
    short, long = np.flatnonzero(kinds & CAPTION_SHORT), np.flatnonzero(kinds & CAPTION_LONG)
    rows = np.concatenate([short, long])
    ids = columns["caption_id"][rows]
    for band, ranges in sorted(wanted.items()):
        bits = plan.range_bits(KEY_BYTES[band])
        column = slice(8 * band, 8 * band + 8)
        found = np.concatenate([columns["caption_bands"][short, column], columns["text_bands"][long, column]])
        words = keys.caption_words(found.view("<u8")[:, 0].astype(np.uint64), ids)
        for part, mine in scatter(keys.ranges_of_captions(words, bits), 1 << bits, words, rows.astype(np.uint32)):
            if part in ranges:
                yield band << RANGE_BITS | part, pack(owner, *mine)


def _send_pictures(plan: Plan, wanted: dict[int, set[int]], owner: int) -> Iterator[tuple[int, bytes]]:
    columns = plan.rows.read(owner, ["has_hashes", "picture_id", "picture_hashes"])
    alive = columns["has_hashes"] & (plan.places(owner).kind != NO_PART)
    alive[plan.load("same", PICTURES, owner)[0].astype(np.int64)] = False
    rows = np.flatnonzero(alive)
    hashes = columns["picture_hashes"][rows].view("<u8").astype(np.uint64)
    found, words = keys.picture_entries(hashes, columns["picture_id"][rows], rows)
    words[words & keys.LOW_BITS >= max(0, plan.own - (owner << plan.owner_bits))] |= keys.ELDER
    for number, ranges in sorted(wanted.items()):
        key, bits = number - BANDS, plan.range_bits(KEY_BYTES[number])
        permuted = keys.permuted(found, key)
        for part, mine in scatter(keys.ranges_of_pictures(permuted, key, bits), 1 << bits, permuted, words):
            if part in ranges:
                yield number << RANGE_BITS | part, pack(owner, *mine)


def pair(plan: Plan, unit: int, blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """(Unit, blocks) -> (owner of the smaller row and family, block of pairs in 64 bits each, and how many hashes a bound cut)."""
    number = unit >> RANGE_BITS
    cut = 0
    if number < BANDS:
        family = CAPTIONS
        owners, (words, local) = gather(blocks, [np.uint64, np.uint32])
        words, rows = by_top(words, owners << np.uint64(plan.owner_bits) | local)
        words, rows = _with_own(plan, words >> np.uint64(64 - BUCKET_BITS), rows, words, rows)
        pairs = caption_pairs(words, rows)
    else:
        family = PICTURES
        owners, (hashes, words) = gather(blocks, [np.uint64, np.uint64])
        rows = owners << np.uint64(plan.owner_bits) | words & keys.LOW_BITS
        hashes, words, rows = by_top(hashes, words, rows)
        buckets = hashes >> np.uint64(HASH_BITS - KEY_BITS[number - BANDS])
        hashes, words, rows = _with_own(plan, buckets, rows, hashes, words, rows)
        pairs, cut = picture_pairs(hashes, words, rows, number - BANDS)
    pairs = pairs[pairs[:, 0] < plan.own]  # two elder rows are no pair
    packed = (pairs[:, 0] & plan.local) << LEFT_SHIFT | pairs[:, 1] << RIGHT_SHIFT | pairs[:, 2]
    for owner, (mine,) in scatter(plan.owner_of(pairs[:, 0]), plan.owners, packed):
        yield owner << 1 | family, pack(unit, distinct(mine), np.empty(0, np.uint64))
    if cut:
        yield family, pack(unit, np.empty(0, np.uint64), np.array([cut], np.uint64))


def _with_own(plan: Plan, buckets: np.ndarray, rows: np.ndarray, *arrays: np.ndarray) -> list[np.ndarray]:
    """The arrays without the buckets, ascending, that hold elder rows alone."""
    if plan.own == plan.total or not len(rows):
        return list(arrays)
    starts = np.flatnonzero(np.concatenate([[True], buckets[1:] != buckets[:-1]]))
    own = np.logical_or.reduceat(rows < plan.own, starts)
    kept = np.repeat(own, np.diff(starts, append=len(rows)))
    return [array[kept] for array in arrays]


def save(plan: Plan, number: int, key: int, blocks: Iterable[bytes]) -> Iterator[int]:
    """(Owner and family, blocks) -> two files: the distinct pairs of the pass, uint64[n], and how many hashes a bound cut."""
    _, (packed, cut) = gather(blocks, [np.uint64, np.uint64])
    plan.save(distinct(packed), "pairs", key & 1, key >> 1, number)
    plan.save(cut.sum(dtype=np.uint64)[None], "cut", key & 1, key >> 1, number)
    yield key
