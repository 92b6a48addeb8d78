"""First step: rows of equal normal form, or of equal picture bytes, are stood for by the first of them in content order.

They have equal signatures, so the choice cannot show in what is found; they leave every exchange of keys, so that a text or a picture
that stands in a million rows costs what it costs in one. Rows of the run stand for rows of the run, elder rows for elder rows of their
kind; where both have an identity, those two meet here.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from schemas.signatures import CAPTION_NONE
from transforms.match.blocks import gather, pack, scatter
from transforms.match.elders import NO_PART, OWN
from transforms.match.keys import mixed
from transforms.match.order import as_words
from transforms.match.plan import CAPTIONS, IDENTITY_BYTES, PICTURES, Plan

KIND_SHIFT = np.uint32(24)  # of an elder row's kind, above a row within its owner
MET = 2  # beside a family: a row of the run and an elder row that equals it

_COLUMNS = {CAPTIONS: ("caption_id", "caption_kind"), PICTURES: ("picture_id", "has_picture")}


def send(plan: Plan, number: int, count: int, owner: int) -> Iterator[tuple[int, bytes]]:
    """Owner -> (range of identities and family, block of identity, order and row), the share `number` of `count` of all ranges."""
    bits = plan.range_bits(IDENTITY_BYTES)
    orders = as_words(plan.rows.read(owner, ["order"])["order"])
    kinds = plan.places(owner).kind
    for family in (CAPTIONS, PICTURES):
        columns = plan.rows.read(owner, _COLUMNS[family])
        ids, has = (columns[name] for name in _COLUMNS[family])
        local = np.flatnonzero((kinds != NO_PART) & (has != CAPTION_NONE if family == CAPTIONS else has))
        local = local[mixed(ids[local], bits) % count == number]
        ids = ids[local]
        arrays = (ids, orders[0][local], orders[1][local], kinds[local].astype(np.uint32) << KIND_SHIFT | local.astype(np.uint32))
        for part, mine in scatter(mixed(ids, bits), 1 << bits, *arrays):
            yield part << 1 | family, pack(owner, *mine)


def choose(plan: Plan, key: int, blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """(Range and family, blocks) -> (owner, block of rows that another stands for, and that other), (owner, block of equal elder rows)."""
    owners, (ids, high, low, local) = gather(blocks, [np.uint64, np.uint64, np.uint64, np.uint32])
    kinds, local = local >> KIND_SHIFT, local & np.uint32((1 << KIND_SHIFT) - 1)
    rows = owners << np.uint64(plan.owner_bits) | local
    order = np.argsort(ids)
    same = np.concatenate([[False], ids[order[1:]] == ids[order[:-1]]])
    order = order[same | np.concatenate([same[1:], [False]])]  # identities that more than one row has
    order = order[np.lexsort((rows[order], low[order], high[order], kinds[order], ids[order]))]
    ids, kinds, rows = ids[order], kinds[order], rows[order]
    other = np.concatenate([[True], ids[1:] != ids[:-1]])[: len(ids)]
    first = other | np.concatenate([[True], kinds[1:] != kinds[:-1]])[: len(ids)]
    stands = rows[first][np.cumsum(first) - 1]
    for owner, (mine, of) in scatter(plan.owner_of(rows[~first]), plan.owners, rows[~first] & plan.local, stands[~first]):
        yield owner, pack(key & 1, mine, of)
    leads = np.flatnonzero(other)[np.cumsum(other) - 1]  # the row of the run, where there is one
    met = np.flatnonzero(first & (kinds != OWN) & (kinds[leads] == OWN))
    for owner, (mine, of) in scatter(plan.owner_of(rows[leads[met]]), plan.owners, rows[leads[met]] & plan.local, rows[met]):
        yield owner, pack(MET | key & 1, mine, of)


def save(plan: Plan, number: int, count: int, owner: int, blocks: Iterable[bytes]) -> Iterator[int]:
    """(Owner, blocks) -> two files for each family, from all shares once the last is there.

    Both are uint64[2, n], by row: rows within the owner and the dense row that stands for each, and rows within the owner and the dense
    elder row that equals each.
    """
    families, (local, stands) = gather(blocks, [np.uint64, np.uint64])
    for family in (CAPTIONS, PICTURES):
        for step, what in (("same", family), ("met", MET | family)):
            found = np.stack([local, stands])[:, families == what]
            if number < count - 1:
                plan.save(found, f"{step}_part", family, owner, number)
                continue
            found = np.concatenate([*(plan.load(f"{step}_part", family, owner, share) for share in range(number)), found], axis=1)
            plan.save(found[:, np.argsort(found[0], kind="stable")], step, family, owner)
    yield owner


def pictures_that_stand(plan: Plan, owner: int, have: np.ndarray) -> np.ndarray:
    """Whose pictures send keys: rows within an owner, int64[m], ascending, that take part and that no other stands for.

    Args:
      plan: the run.
      owner: whose rows.
      have: bool[n], which of all its rows have what pictures meet by.
    """
    alive = have & (plan.places(owner).kind != NO_PART)
    alive[plan.load("same", PICTURES, owner)[0].astype(np.int64)] = False
    return np.flatnonzero(alive)
