"""Fourth step: the verified edges of all rows become groups, by captions and by the policy, in one place.

One worker holds the edges, 16 bytes each, and some 40 bytes for each end: about 1 GB for ten million rows of which half have an edge.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from transforms.match.blocks import EMPTY, scatter
from transforms.match.plan import CAPTIONS, PICTURES, Plan
from transforms.match.policy import Rule, groups

BY_CAPTION, BY_POLICY = 0, 1  # the two graphs


def rule_of(plan: Plan, graph: int) -> Rule:
    """The rule that a graph follows."""
    return "caption" if graph == BY_CAPTION else plan.rule


def group(plan: Plan, shares: int, _key: int, _blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Once all edges are there -> a file for each graph and owner, and every owner, to carry on with.

    A file is uint64[3, n]: rows within the owner that may share a cluster, the group of each, and what ranks it before content order
    does. By captions that is the number of its edges; by the policy it is 0.
    """
    edges = {family: _edges(plan, family, shares) for family in (CAPTIONS, PICTURES)}
    for graph in (BY_CAPTION, BY_POLICY):
        rows, roots = groups(rule_of(plan, graph), edges[CAPTIONS], edges[PICTURES])
        rank = np.zeros(len(rows), np.uint64)
        if graph == BY_CAPTION:
            rank = np.bincount(np.searchsorted(rows, edges[CAPTIONS].reshape(-1)), minlength=len(rows)).astype(np.uint64)
        found = {owner: np.stack(mine) for owner, mine in scatter(plan.owner_of(rows), plan.owners, rows & plan.local, roots, rank)}
        for owner in range(plan.owners):
            plan.save(found.get(owner, np.empty((3, 0), np.uint64)), "groups", graph, owner)
    for owner in range(plan.owners):
        yield owner, EMPTY


def _edges(plan: Plan, family: int, shares: int) -> np.ndarray:
    """Edges of a family, uint64[2, n]: the verified ones, and every row with the one that stands for it."""
    found = [np.empty((2, 0), np.uint64)]
    for owner in range(plan.owners):
        found += [plan.load("edges", family, owner, share)[:2] for share in range(shares)]
        same = plan.load("same", family, owner)
        found.append(np.stack([same[0] | np.uint64(owner << plan.owner_bits), same[1]]))
    return np.concatenate(found, axis=1)
