"""Third step: every candidate pair is verified where the larger row lies.

Where all signatures lie on a filesystem of this machine, only pairs travel, and the signatures of both rows are read as they are asked
for. From a remote store a worker reads its own rows alone: there the signature of the smaller row travels with the pairs, once a block.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import DTypeLike

from schemas.signatures import CAPTION_LONG, PERMUTATIONS
from transforms.images.alignment import AGREE
from transforms.match import forest
from transforms.match.blocks import pack, scatter, unpack
from transforms.match.components import distinct
from transforms.match.joined import Joined
from transforms.match.pairs import DISTANCE_MASK, LEFT_SHIFT, RIGHT_MASK, RIGHT_SHIFT, nearest_of
from transforms.match.plan import CAPTIONS, PICTURES, Plan
from transforms.match.verify import (
    AGREEMENTS,
    LEAST_EQUAL,
    PICTURE_COLUMNS,
    PICTURE_KINDS,
    Captions,
    Pictures,
    caption_agreements,
    picture_agreements,
)

PAIRS_A_BLOCK = {CAPTIONS: 1 << 16, PICTURES: 1 << 13}
LEAST_ASKED = 64  # pairs of pictures in a round
PAIRS_AT_ONCE = {CAPTIONS: 1 << 19, PICTURES: 1 << 12}  # of whose rows each file is opened once
_COLUMNS = {CAPTIONS: ("caption_kind", "caption_id", "caption_minhash", "text_minhash"), PICTURES: PICTURE_COLUMNS}
_PLACE_BITS, _PLACES = np.uint64(28), np.uint64((1 << 28) - 1)
_MINHASH = (np.uint8, PERMUTATIONS)
_SIGNATURES: dict[int, list[DTypeLike]] = {CAPTIONS: [np.uint8, np.uint64, _MINHASH, _MINHASH], PICTURES: PICTURE_KINDS}

Side = tuple[Captions | Pictures, np.ndarray]
"""Signatures, and which of them each pair has on this side."""
Sides = Callable[[np.ndarray], tuple[Side, Side]]
"""Places of pairs -> both sides, of the same signatures where they are read together."""


def pair_bytes(plan: Plan, family: int) -> int:
    """What a pair sends, about."""
    if plan.rows.near:
        return 8
    return 12 + sum(np.dtype(kind).itemsize for kind in _SIGNATURES[family][:-1])  # few have what is last


def send(plan: Plan, number: int, count: int, passes: int, forests: int, key: int) -> Iterator[tuple[int, bytes]]:
    """(Owner and family) -> (owner of the larger row and family, block of pairs and what verifies the smaller row), a share of all pairs.

    Args:
      plan: the run.
      number: which share, of `count`.
      count: shares; a pair belongs to one by its larger row.
      passes: whose pairs there are.
      forests: how many of the shares, the first, are forests, and so not this one: 1 or 0. What a forest joins is in no other share.
      key: `owner << 1 | family`.
    """
    owner, family = key >> 1, key & 1
    pairs = _share(plan, number - forests, count - forests, family, owner, passes)
    if forests and family == PICTURES:
        pairs = pairs[~forest.left_out(plan, owner, pairs)]
    for to, (mine,) in scatter(plan.owner_of(pairs >> RIGHT_SHIFT & RIGHT_MASK), plan.owners, pairs):
        if plan.rows.near:
            yield to << 1 | family, pack(owner, mine)
            continue
        for at in range(0, len(mine), PAIRS_A_BLOCK[family]):
            some = mine[at : at + PAIRS_A_BLOCK[family]]
            local, index = _numbered(some >> LEFT_SHIFT)
            found = plan.rows.read(owner, _COLUMNS[family], local)
            columns = [found[name] for name in _COLUMNS[family]]
            yield to << 1 | family, pack(owner, some, index, *columns)


def _share(plan: Plan, number: int, count: int, family: int, owner: int, passes: int) -> np.ndarray:
    """The distinct pairs of an owner that belong to a share by their larger row, uint64[n]."""
    shares = []
    for n in range(passes_of(plan, family, passes)):
        packed = plan.load("pairs", family, owner, n)
        shares.append(packed[(packed >> RIGHT_SHIFT & RIGHT_MASK) % np.uint64(count) == number])
    return nearest_of(np.concatenate(shares))


def passes_of(plan: Plan, family: int, passes: int) -> int:
    """How many files of pairs each owner has: of views one, since what was told in all passes is cut to what is worth verifying."""
    return 1 if family == PICTURES and plan.reach == "views" else passes


def check(plan: Plan, number: int, key: int, blocks: Iterable[bytes]) -> Iterator[int]:
    """(Owner and family, blocks) -> a file of edges, uint64[3, n], ascending: dense rows, smaller first, and how well they agree.

    Captions agree in so many places, pictures in so many parts of `AGREEMENTS`. Of captions every pair is verified, since their edges are
    counted, and so is every pair with an elder row; of pictures those that would join rows which the edges found here leave apart.
    """
    owner, family = key >> 1, key & 1
    kinds: list[DTypeLike] = [np.uint64] if plan.rows.near else [np.uint64, np.uint32, *_SIGNATURES[family]]
    parts = sorted((unpack(block, kinds) for block in filter(None, blocks)), key=lambda part: (part[0], part[1][0][0]))  # by smaller row
    pairs = np.concatenate([np.empty(0, np.uint64), *(arrays[0] for _, arrays in parts)])
    senders = np.repeat(np.array([sender for sender, _ in parts], np.uint64), [len(arrays[0]) for _, arrays in parts])
    left, right = senders << np.uint64(plan.owner_bits) | pairs >> LEFT_SHIFT, pairs >> RIGHT_SHIFT & RIGHT_MASK
    sides = _read_sides(plan, family, left, right) if plan.rows.near else _sent_sides(plan, family, parts, right)
    if family == CAPTIONS:
        agreed = _agreements(family, sides, np.arange(len(pairs)))
        good = agreed >= LEAST_EQUAL
    else:
        if plan.rows.near:
            for rows in (left, right):
                plan.rows.expect(distinct(rows), "thumbnail")
        agreed = _verified(plan.own, left, right, pairs & DISTANCE_MASK, sides)
        good, agreed = agreed >= AGREE, np.rint(agreed * AGREEMENTS)
    plan.save(np.stack([left[good], right[good], agreed[good].astype(np.uint64)]), "edges", family, owner, number)
    yield key


def _verified(own: int, left: np.ndarray, right: np.ndarray, distance: np.ndarray, sides: Sides) -> np.ndarray:
    """How well pairs of pictures agree, float64[n]; 0 for those between rows that are joined already.

    Each round verifies, nearest first, what would join all that is apart, and the nearest in any case, since a round of one pair costs as
    much as a dozen pairs; what failed is not asked again.
    """
    joined = Joined(distinct(np.concatenate([left, right])))
    agreed = np.zeros(len(left))
    elder = right >= own
    asked, todo = np.flatnonzero(elder), np.flatnonzero(~elder)[np.argsort(distance[~elder], kind="stable")]
    while len(asked) or len(todo):
        asked.sort()  # by row, for who reads them
        agreed[asked] = _agreements(PICTURES, sides, asked)
        edges = asked[(agreed[asked] >= AGREE) & ~elder[asked]]
        joined.join(left[edges], right[edges])
        todo = todo[joined.apart(left[todo], right[todo])]
        places = np.union1d(joined.open(left[todo], right[todo]), np.arange(min(LEAST_ASKED, len(todo))))
        asked, todo = todo[places], np.delete(todo, places)
    return agreed


def _agreements(family: int, sides: Sides, asked: np.ndarray) -> np.ndarray:
    """How well the pairs at some places agree, float64[n]."""
    out = np.zeros(len(asked))
    for at in range(0, len(asked), PAIRS_AT_ONCE[family]):
        some = slice(at, at + PAIRS_AT_ONCE[family])
        (one, at_one), (other, at_other) = sides(asked[some])
        if isinstance(one, Captions) and isinstance(other, Captions):
            out[some] = caption_agreements(one, at_one, other, at_other)
        elif isinstance(one, Pictures) and isinstance(other, Pictures):
            out[some] = picture_agreements(one, at_one, other, at_other)
    return out


def _read_sides(plan: Plan, family: int, left: np.ndarray, right: np.ndarray) -> Sides:
    """Sides whose signatures are read where they lie, those of a row on both of them once."""

    def sides(places: np.ndarray) -> tuple[Side, Side]:
        found, index = _read(plan, family, np.concatenate([left[places], right[places]]))
        return (found, index[: len(places)]), (found, index[len(places) :])

    return sides


def _read(plan: Plan, family: int, rows: np.ndarray) -> Side:
    """The signatures of some rows, and which of them each has."""
    wanted, index = _numbered(rows)
    if family == PICTURES:
        return Pictures.of(plan.rows.gather(wanted, PICTURE_COLUMNS).values()), index
    kinds, ids, short = plan.rows.gather(wanted, _COLUMNS[family][:-1]).values()
    long = plan.rows.gather(wanted[kinds & CAPTION_LONG != 0], _COLUMNS[family][-1:])  # of few rows
    return Captions(kinds, ids, short, *long.values()), index


def _sent_sides(plan: Plan, family: int, parts: list[tuple[int, list[np.ndarray]]], right: np.ndarray) -> Sides:
    """Sides of which the signatures of the one came with the pairs; those of the other are read."""
    before = np.cumsum([0, *(len(arrays[2]) for _, arrays in parts)])
    index = np.concatenate([np.empty(0, np.int64), *(arrays[1] + start for (_, arrays), start in zip(parts, before[:-1], strict=True))])
    columns = [np.concatenate([arrays[at] for _, arrays in parts]) for at in range(2, 2 + len(_SIGNATURES[family]))] if parts else []
    pictures = Pictures.of(columns) if parts and family == PICTURES else None

    def sent(places: np.ndarray) -> Side:
        wanted, at = _numbered(index[places].astype(np.uint64))
        rows = wanted.astype(np.int64)
        if pictures is not None:
            return pictures.take(rows), at
        kinds, ids, short, long = (column[rows] for column in columns)
        return Captions(kinds, ids, short, long[kinds & CAPTION_LONG != 0]), at

    return lambda places: (sent(places), _read(plan, family, right[places]))


def _numbered(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct rows, ascending, and the place of each row among them, uint32[n]; below 2^36 rows, and 2^28 of them."""
    packed = np.sort(rows << _PLACE_BITS | np.arange(len(rows), dtype=np.uint64))
    rows, places = packed >> _PLACE_BITS, (packed & _PLACES).astype(np.int64)
    fresh = np.ones(len(rows), bool)
    fresh[1:] = rows[1:] != rows[:-1]
    index = np.empty(len(rows), np.uint32)
    index[places] = np.cumsum(fresh) - 1
    return rows[fresh], index
