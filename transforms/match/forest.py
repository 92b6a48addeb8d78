"""Before all pairs of pictures are verified, in one place: the nearest of them that would join whatever meets, and what those did join.

Where a picture's copies lie with many owners, each owner would verify most pairs among them, though any that join them all do. So a
forest of candidates is verified first, the nearest first, and of the others those are left out whose rows it has joined: 4 bytes a row
and a look at each pair, for an alignment each. Components, and so clusters, are the same without it.
"""

from collections.abc import Iterator

import numpy as np

from transforms.match.components import UnionFind
from transforms.match.pairs import DISTANCE_MASK, LEFT_SHIFT, RIGHT_MASK, RIGHT_SHIFT
from transforms.match.plan import PICTURES, Plan

FOREST = 0  # the share of edges that lie in the forest
BYTES_A_ROW = 4


def grows(plan: Plan, room: int) -> bool:
    """Whether a forest is verified first: rows are at hand, and what is held of them in one place fits so many bytes."""
    return plan.rows.near and plan.total * BYTES_A_ROW <= room


def choose(plan: Plan, passes: int, _: int) -> Iterator[int]:
    """Once all pairs are there -> a file for each owner, uint64[n], ascending: which of its pairs of rows of the run are in the forest."""
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
    for owner, parts in enumerate(chosen):
        plan.save(np.sort(np.concatenate(parts)), "forest", owner)
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
