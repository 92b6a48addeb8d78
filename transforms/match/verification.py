"""Third step: every candidate pair is verified where the larger row lies; the signature of the smaller one travels there once a block."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import DTypeLike

from schemas.signatures import CAPTION_LONG, PERMUTATIONS
from transforms.images.alignment import AGREE
from transforms.match.blocks import pack, scatter, unpack
from transforms.match.components import distinct
from transforms.match.joined import Joined
from transforms.match.pairs import DISTANCE_MASK, LEFT_SHIFT, RIGHT_MASK, RIGHT_SHIFT, nearest_of
from transforms.match.plan import CAPTIONS, PICTURES, Plan
from transforms.match.verify import LEAST_EQUAL, PICTURE_COLUMNS, PICTURE_KINDS, Captions, Pictures, caption_agreements, picture_agreements

AGREEMENTS = 10_000
PAIRS_A_BLOCK = {CAPTIONS: 1 << 16, PICTURES: 1 << 13}
_CAPTION_COLUMNS = ("caption_kind", "caption_id", "caption_minhash", "text_minhash")
_MINHASH = (np.uint8, PERMUTATIONS)
_KINDS: dict[int, list[DTypeLike]] = {
    CAPTIONS: [np.uint64, np.uint32, np.uint8, np.uint64, _MINHASH, _MINHASH],
    PICTURES: [np.uint64, np.uint32, *PICTURE_KINDS],
}  # fmt: skip


def send(plan: Plan, number: int, count: int, passes: int, key: int) -> Iterator[tuple[int, bytes]]:
    """(Owner and family) -> (owner of the larger row and family, block of pairs and what verifies the smaller row), a share of all pairs.

    Args:
      plan: the run.
      number: which share, of `count`.
      count: shares; a pair belongs to one by its larger row.
      passes: whose pairs there are.
      key: `owner << 1 | family`.
    """
    owner, family = key >> 1, key & 1
    shares = []
    for n in range(1 if family == PICTURES and plan.reach == "views" else passes):
        packed = plan.load("pairs", family, owner, n)
        shares.append(packed[(packed >> RIGHT_SHIFT & RIGHT_MASK) % np.uint64(count) == number])
    pairs = nearest_of(np.concatenate(shares))
    size = PAIRS_A_BLOCK[family]
    for to, (mine,) in scatter(plan.owner_of(pairs >> RIGHT_SHIFT & RIGHT_MASK), plan.owners, pairs):
        for at in range(0, len(mine), size):
            some = mine[at : at + size]
            local, index = _numbered(some >> LEFT_SHIFT)
            yield to << 1 | family, pack(owner, some, index, *_signatures(plan, owner, family, local))


def check(plan: Plan, number: int, key: int, blocks: Iterable[bytes]) -> Iterator[int]:
    """(Owner and family, blocks) -> a file of edges, uint64[3, n], ascending: dense rows, smaller first, and how well they agree.

    Captions agree in so many places, pictures in so many parts of `AGREEMENTS`. Of captions every pair is verified, since their edges are
    counted, and so is every pair with an elder row; of pictures those that would join rows which the edges found here leave apart.
    """
    owner, family = key >> 1, key & 1
    edges, joined = [np.empty((3, 0), np.uint64)], Joined()
    for block in filter(None, blocks):
        sender, (pairs, index, *left) = unpack(block, _KINDS[family])
        right_rows = pairs >> RIGHT_SHIFT & RIGHT_MASK
        left_rows = np.uint64(sender << plan.owner_bits) | pairs >> LEFT_SHIFT
        local, places = _numbered(right_rows & plan.local)
        right = _signatures(plan, owner, family, local)
        if family == CAPTIONS:
            agreed = caption_agreements(Captions(*left), index, Captions(*right), places)
            good = agreed >= LEAST_EQUAL
        else:
            sides = Pictures.of(left), index, Pictures.of(right), places
            agreed = _verified(joined, plan.own, left_rows, right_rows, pairs & DISTANCE_MASK, sides)
            good, agreed = agreed >= AGREE, np.rint(agreed * AGREEMENTS)
        edges.append(np.stack([left_rows[good], right_rows[good], agreed[good].astype(np.uint64)]))
    found = np.concatenate(edges, axis=1)
    found = found[:, np.lexsort(found[::-1])]
    fresh = np.ones(found.shape[1], bool)
    fresh[1:] = (np.diff(found, axis=1) != 0).any(axis=0)
    plan.save(found[:, fresh], "edges", family, owner, number)
    yield key


def _verified(
    joined: Joined,
    own: int,
    left: np.ndarray,
    right: np.ndarray,
    distance: np.ndarray,
    sides: tuple[Pictures, np.ndarray, Pictures, np.ndarray],
) -> np.ndarray:
    """How well pairs of pictures agree, float64[n]; 0 for those between rows that are joined already.

    Each round verifies, nearest first, what would join all that is apart; what failed is not asked again.
    """
    one, at_one, other, at_other = sides
    agreed = np.zeros(len(left))
    elder = right >= own
    asked, todo = np.flatnonzero(elder), np.flatnonzero(~elder)[np.argsort(distance[~elder], kind="stable")]
    while len(asked) or len(todo):
        agreed[asked] = picture_agreements(one, at_one[asked], other, at_other[asked])
        edges = asked[(agreed[asked] >= AGREE) & ~elder[asked]]
        joined.join(left[edges], right[edges])
        todo = todo[joined.apart(left[todo], right[todo])]
        places = joined.open(left[todo], right[todo])
        asked, todo = todo[places], np.delete(todo, places)
    return agreed


def _numbered(local: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct rows, ascending, and the place of each row among them, uint32[n]."""
    rows = distinct(local)
    return rows, np.searchsorted(rows, local).astype(np.uint32)


def _signatures(plan: Plan, owner: int, family: int, local: np.ndarray) -> list[np.ndarray]:
    if family == PICTURES:
        found = plan.rows.read(owner, PICTURE_COLUMNS, local)
        return [found[name] for name in PICTURE_COLUMNS]
    columns = plan.rows.read(owner, _CAPTION_COLUMNS, local)
    kinds, ids, short, long = (columns[name] for name in _CAPTION_COLUMNS)
    return [kinds, ids, short, long[kinds & CAPTION_LONG != 0]]
