"""Before all pairs of pictures are verified: the nearest of them that would join whatever meets, each tree of these in one place.

Where a picture's copies lie with many owners, each owner would verify most pairs among them, though any that join them all do. So a
forest of candidates is verified first, the nearest first, and of the others those are left out whose rows it has joined: 4 bytes a row
and a look at each pair, for an alignment each. Components, and so clusters, are the same without it.

A tree is verified whole, its pictures are read once, and as long as they are at hand all pairs are compared that
`transforms.match.compact` will ask for of a group that the tree has joined: most pictures that have a copy are read no second time. Of
27 million rows, whose thumbnails are more than memory holds, that is a tenth of what match costs.
"""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import DTypeLike

from transforms.images.alignment import AGREE
from transforms.match.blocks import gather, pack, scatter
from transforms.match.buckets import run_starts
from transforms.match.components import UnionFind, distinct
from transforms.match.pairs import DISTANCE_MASK, LEFT_SHIFT, RIGHT_MASK, RIGHT_SHIFT
from transforms.match.plan import CAPTIONS, PICTURES, Plan
from transforms.match.standing import MOST_COUNTED, pairs_within
from transforms.match.verify import AGREEMENTS, PICTURE_COLUMNS, Pictures, picture_agreements

FOREST = 0  # the share of edges that lie in the forest
BYTES_A_ROW = 4
PAIRS_AT_ONCE = 1 << 15  # whose pictures are held: 130 MB
MOST_TOGETHER = 1 << 10  # pairs of a tree that is never cut

_PAIRS: list[DTypeLike] = [np.uint64, np.uint64, np.uint64, np.bool_]  # smaller and larger row, how well they agree, whether an edge


def grows(plan: Plan, room: int) -> bool:
    """Whether a forest is verified first: rows are at hand, and what is held of them in one place fits so many bytes."""
    return plan.rows.near and plan.total * BYTES_A_ROW <= room


def choose(plan: Plan, passes: int, _: int) -> Iterator[int]:
    """Once all pairs are there -> a file for each owner, uint64[n], ascending: which of its pairs of rows of the run are in the forest.

    And one of all rows, uint32[rows]: the least row of each one's tree.
    """
    found = UnionFind(plan.total)
    chosen: list[list[np.ndarray]] = [[] for _ in range(plan.owners)]
    for distance in range(int(DISTANCE_MASK) + 1):
        for owner in range(plan.owners):
            for number in range(passes):
                packed = plan.load("pairs", PICTURES, owner, number)
                packed = packed[packed & DISTANCE_MASK == distance]
                left, right = ends(plan, owner, packed)
                own = right < plan.own
                chosen[owner].append(packed[own][found.join(left[own], right[own])])
    plan.save(found.roots(), "trees")
    for owner, parts in enumerate(chosen):
        plan.save(np.sort(np.concatenate(parts)), "forest", owner)
        yield owner


def send(plan: Plan, owner: int) -> Iterator[tuple[int, bytes]]:
    """Owner -> (owner of a tree's least row, block of pairs): so least rows, a third of all that are read, are read in order."""
    left, right = ends(plan, owner, plan.load("forest", owner))
    trees = plan.look("trees")[left]
    for place, some in scatter(plan.owner_of(trees), plan.owners, trees, left, right):
        yield place, pack(owner, *some)


def check(plan: Plan, place: int, blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """(Place, blocks) -> (owner of the larger row, block of pairs that were compared)."""
    _, (trees, left, right) = gather(blocks, [np.uint32, np.uint64, np.uint64])
    order = np.lexsort((right, left, trees))
    trees, left, right = trees[order], left[order], right[order]
    for some in _batches(trees):
        found = _compared(plan, left[some], right[some])
        for owner, mine in scatter(plan.owner_of(found[1]), plan.owners, *found):
            yield owner, pack(place, *mine)


def _batches(trees: np.ndarray) -> Iterator[slice]:
    """Pairs whose pictures are held at a time, from the tree of each, uint32[n], ascending; small trees are not cut."""
    starts = run_starts(trees)
    sizes = np.diff(starts, append=len(trees))
    place = np.where(np.repeat(sizes <= MOST_TOGETHER, sizes), np.repeat(starts, sizes), np.arange(len(trees))) // PAIRS_AT_ONCE
    bounds = [*run_starts(place).tolist(), len(trees)]
    return itertools.starmap(slice, itertools.pairwise(bounds))


def _compared(plan: Plan, left: np.ndarray, right: np.ndarray) -> list[np.ndarray]:
    """Pairs of rows and whatever else is compared of the groups that they join, as `_PAIRS`."""
    rows = distinct(np.concatenate([left, right]))
    pictures = Pictures.of(plan.rows.gather(rows, PICTURE_COLUMNS).values())
    one, other = np.searchsorted(rows, left), np.searchsorted(rows, right)
    agreed = picture_agreements(pictures, one, pictures, other)
    tree = np.ones(len(one), bool)
    if plan.rule in ("image", "image_or_caption"):  # where captions must agree as well, few other pairs are asked for
        further = _further(len(rows), one, other, agreed >= AGREE)
        agreed = np.concatenate([agreed, picture_agreements(pictures, further[0], pictures, further[1])])
        one, other = np.concatenate([[one, other], further], axis=1)
        tree = np.arange(len(one)) < len(tree)
    return [rows[one], rows[other], np.rint(agreed * AGREEMENTS).astype(np.uint64), tree & (agreed >= AGREE)]


def _further(rows: int, left: np.ndarray, right: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Pairs within each group that edges join, but those that are known; int64[2, m], smaller first.

    Args:
      rows: how many there are.
      left: int64[n], of pairs that are known, smaller than `right`.
      right: int64[n].
      good: bool[n], which of these are edges.
    """
    found = UnionFind(rows)
    found.join(left[good].astype(np.uint64), right[good].astype(np.uint64))
    roots = found.roots()
    sizes = np.bincount(roots, minlength=rows)[roots]
    asked = np.flatnonzero((sizes > 2) & (sizes <= MOST_COUNTED))
    asked = asked[np.argsort(roots[asked], kind="stable")]
    pairs = asked[pairs_within(roots[asked], MOST_COUNTED)]
    return pairs[:, ~np.isin(pairs[0] * rows + pairs[1], left * rows + right)]


def save(plan: Plan, owner: int, blocks: Iterable[bytes]) -> Iterator[int]:
    """(Owner, blocks) -> the forest's share of edges, as `transforms.match.verification` leaves them, and what else was compared."""
    _, (left, right, agreed, edge) = gather(blocks, _PAIRS)
    order = np.lexsort((right, left))
    pairs, edge = np.stack([left, right, agreed])[:, order], edge[order]
    plan.save(pairs[:, edge], "edges", PICTURES, owner, FOREST)
    plan.save(pairs[:, ~edge], "compared", PICTURES, owner, FOREST)
    plan.save(pairs[:, :0], "edges", CAPTIONS, owner, FOREST)
    yield owner


def join(plan: Plan, _: int) -> Iterator[int]:
    """Once the forest is verified -> a file, uint32[rows]: the least row of what its edges join each row to."""
    found = UnionFind(plan.total)
    for owner in range(plan.owners):
        found.join(*plan.load("edges", PICTURES, owner, FOREST)[:2])
    plan.save(found.roots(), "joined")
    yield 0


def ends(plan: Plan, owner: int, packed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows of an owner's pairs, smaller and larger, uint64[n] both."""
    return packed >> LEFT_SHIFT | np.uint64(owner << plan.owner_bits), packed >> RIGHT_SHIFT & RIGHT_MASK


def left_out(plan: Plan, owner: int, packed: np.ndarray) -> np.ndarray:
    """Which of an owner's pairs need no verifying once the forest is, bool[n]: its own, and what it joined; none with an elder row."""
    left, right = ends(plan, owner, packed)
    joined = plan.look("joined")
    return (right < plan.own) & ((joined[left] == joined[right]) | np.isin(packed, plan.load("forest", owner)))
