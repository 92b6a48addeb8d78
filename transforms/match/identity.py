"""First step: rows of equal normal form, or of equal picture bytes, are stood for by the first of them in content order.

They have equal signatures, so the choice cannot show in what is found; they leave every exchange of keys, so that a text or a picture
that stands in a million rows costs what it costs in one.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from schemas.signatures import CAPTION_NONE
from transforms.match.blocks import gather, pack, scatter
from transforms.match.keys import mixed
from transforms.match.order import as_words
from transforms.match.plan import CAPTIONS, IDENTITY_BYTES, PICTURES, Plan

_COLUMNS = {CAPTIONS: ("caption_id", "caption_kind"), PICTURES: ("picture_id", "has_picture")}


def send(plan: Plan, owner: int) -> Iterator[tuple[int, bytes]]:
    """Owner -> (range of identities and family, block of identity, order and row)."""
    bits = plan.range_bits(IDENTITY_BYTES)
    orders = as_words(plan.rows.read(owner, ["order"])["order"])
    for family in (CAPTIONS, PICTURES):
        columns = plan.rows.read(owner, _COLUMNS[family])
        ids, has = (columns[name] for name in _COLUMNS[family])
        local = np.flatnonzero(has != CAPTION_NONE if family == CAPTIONS else has)
        ids = ids[local]
        arrays = (ids, orders[0][local], orders[1][local], local.astype(np.uint32))
        for part, mine in scatter(mixed(ids, bits), 1 << bits, *arrays):
            yield part << 1 | family, pack(owner, *mine)


def choose(plan: Plan, key: int, blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """(Range and family, blocks) -> (owner, block of rows that another stands for, and that other)."""
    owners, (ids, high, low, local) = gather(blocks, [np.uint64, np.uint64, np.uint64, np.uint32])
    rows = owners << np.uint64(plan.owner_bits) | local
    order = np.argsort(ids, kind="stable")
    same = np.concatenate([[False], ids[order[1:]] == ids[order[:-1]]])
    order = order[same | np.concatenate([same[1:], [False]])]  # identities that more than one row has
    order = order[np.lexsort((rows[order], low[order], high[order], ids[order]))]
    first = np.concatenate([[True], ids[order[1:]] != ids[order[:-1]]])[: len(order)]
    stands = rows[order][first][np.cumsum(first) - 1]
    rows, stands = rows[order][~first], stands[~first]
    for owner, (mine, of) in scatter(plan.owner_of(rows), plan.owners, rows & plan.local, stands):
        yield owner, pack(key & 1, mine, of)


def save(plan: Plan, owner: int, blocks: Iterable[bytes]) -> Iterator[int]:
    """(Owner, blocks) -> a file for each family: uint64[2, n], rows within the owner, ascending, and the dense row that stands for each."""
    families, (local, stands) = gather(blocks, [np.uint64, np.uint64])
    for family in (CAPTIONS, PICTURES):
        mine = np.flatnonzero(families == family)
        mine = mine[np.argsort(local[mine])]
        plan.save(np.stack([local[mine], stands[mine]]), "same", family, owner)
    yield owner
