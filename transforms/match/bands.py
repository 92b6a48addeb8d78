"""Captions of a pass: every row's keys go to the range of the band they fall into, and those that meet there are told to owners of rows.

A key travels as eight bytes, and the rows of a block, which ascend, as two.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from schemas.signatures import CAPTION_LONG, CAPTION_SHORT
from transforms.match import keys
from transforms.match.blocks import in_order, pack, pack_rows, scatter, unpack, unpack_rows
from transforms.match.caption_pairs import caption_pairs
from transforms.match.elders import NO_PART
from transforms.match.pairs import packed_pairs
from transforms.match.plan import CAPTIONS, RANGE_BITS, Plan


def send(plan: Plan, wanted: dict[int, set[int]], owner: int) -> Iterator[tuple[int, bytes]]:
    """Owner -> (unit, block of key words and rows), for some ranges of some bands."""
    kinds = np.where(plan.places(owner).kind == NO_PART, 0, plan.rows.read(owner, ["caption_kind"])["caption_kind"])
    kinds[plan.load("same", CAPTIONS, owner)[0].astype(np.int64)] = 0
    for name, bit in (("caption_bands", CAPTION_SHORT), ("text_bands", CAPTION_LONG)):
        rows = np.flatnonzero(kinds & bit)
        columns = plan.rows.read(owner, ["caption_id", name], rows)
        bands = columns[name].view("<u8")
        for band, ranges in sorted(wanted.items()):
            bits = plan.range_bits_of(band)
            words = keys.caption_words(bands[:, band], columns["caption_id"])
            for part, mine in scatter(keys.ranges_of_captions(words, bits), 1 << bits, words, rows):
                if part in ranges:
                    yield band << RANGE_BITS | part, pack(owner, mine[0], pack_rows(mine[1]))


def pair(plan: Plan, blocks: Iterable[bytes]) -> Iterator[tuple[int, np.ndarray]]:
    """Blocks of a unit -> (owner of the smaller row, distinct pairs in 64 bits each)."""
    words, rows = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
    for owner, (some, local) in (unpack(block, [np.uint64, np.uint8]) for block in in_order(blocks)):
        words.append(some)
        rows.append(unpack_rows(local) | np.uint64(owner << plan.owner_bits))
    pairs = caption_pairs(np.concatenate(words), np.concatenate(rows), plan.own)
    packed = packed_pairs(pairs[:, 0] & plan.local, pairs[:, 1], np.zeros(len(pairs), np.uint64))
    for owner, (mine,) in scatter(plan.owner_of(pairs[:, 0]), plan.owners, packed):
        yield owner, mine
