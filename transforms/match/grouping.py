"""Fourth step: the verified edges of all rows become groups, by captions and by the policy, in one place.

One worker holds the edges, 16 bytes each, and some 40 bytes for each end: about 1 GB for ten million rows of which half have an edge.
"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from transforms.match.blocks import EMPTY, scatter
from transforms.match.components import distinct
from transforms.match.plan import CAPTIONS, PICTURES, Plan
from transforms.match.policy import Rule, groups

BY_CAPTION, BY_PICTURE, BY_POLICY = range(3)  # the graphs


def graphs_of(plan: Plan) -> tuple[int, ...]:
    """The graphs of a run: by captions and by its policy, and by pictures alone where elder rows are looked for and the policy asks more.

    Whatever makes two rows of the run one cluster, a picture is enough to tie one to what is to be kept out.
    """
    return (BY_CAPTION, BY_PICTURE, BY_POLICY) if plan.elder and plan.rule == "image_and_caption" else (BY_CAPTION, BY_POLICY)


def rule_of(plan: Plan, graph: int) -> Rule:
    """The rule that a graph follows."""
    return "caption" if graph == BY_CAPTION else "image" if graph == BY_PICTURE else plan.rule


def group(plan: Plan, shares: int, _key: int, _blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Once all edges are there -> a file for each graph and owner, and every owner, to carry on with.

    A file is uint64[3, n]: rows within the owner that may share a cluster, the group of each, and what ranks it before content order
    does. By captions that is the number of its edges; else it is 0. Of elder rows those are here that a row of the run has an
    edge to; an elder cluster is one node of the graph.
    """
    edges = {family: _edges(plan, family, shares) for family in (CAPTIONS, PICTURES)}
    for graph in graphs_of(plan):
        if graph == BY_POLICY and plan.rule == "image_and_caption":
            edges = {family: np.concatenate([found, _stood_for(plan, family, found)], axis=1) for family, found in edges.items()}
        met, first = _elder_nodes(plan, graph, edges)
        nodes = {family: _renamed(found, met, first) for family, found in edges.items()}
        rows, roots = groups(rule_of(plan, graph), nodes[CAPTIONS], nodes[PICTURES])
        at = np.searchsorted(rows, first)
        here = at < len(rows)
        here[here] = rows[at[here]] == first[here]
        own = rows < plan.own
        rows, roots = np.concatenate([rows[own], met[here]]), np.concatenate([roots[own], roots[at[here]]])
        if graph == BY_PICTURE:
            held = np.isin(roots, roots[rows >= plan.own])
            rows, roots = rows[held], roots[held]
        rank = np.zeros(len(rows), np.uint64)
        if graph == BY_CAPTION:
            rank = np.bincount(np.searchsorted(rows, edges[CAPTIONS].reshape(-1)), minlength=len(rows)).astype(np.uint64)
        found = {owner: np.stack(mine) for owner, mine in scatter(plan.owner_of(rows), plan.owners, rows & plan.local, roots, rank)}
        for owner in range(plan.owners):
            plan.save(found.get(owner, np.empty((3, 0), np.uint64)), "groups", graph, owner)
    for owner in range(plan.owners):
        yield owner, EMPTY


def _edges(plan: Plan, family: int, shares: int) -> np.ndarray:
    """Edges of a family, uint64[2, n]: the verified ones, every row with the one that stands for it, and with an elder row it equals."""
    found = [np.empty((2, 0), np.uint64)]
    for owner in range(plan.owners):
        found += [plan.load("edges", family, owner, share)[:2] for share in range(shares)]
        for step in ("same", "met"):
            same = plan.load(step, family, owner)
            rows = same[0] | np.uint64(owner << plan.owner_bits)
            found.append(np.stack([rows, same[1]])[:, rows < plan.own])
    return np.concatenate(found, axis=1)


def _stood_for(plan: Plan, family: int, edges: np.ndarray) -> np.ndarray:
    """Edges, uint64[2, n], between elder rows and the one that stands for them, where that one has an edge.

    A row may have its picture from one elder row and its caption from another: then a third that has both may be stood for in either.
    """
    met, found = distinct(edges[edges >= plan.own]), [np.empty((2, 0), np.uint64)]
    for owner in range(plan.own >> plan.owner_bits, plan.owners):
        same = plan.load("same", family, owner)
        found.append(np.stack([same[0] | np.uint64(owner << plan.owner_bits), same[1]])[:, np.isin(same[1], met)])
    return np.concatenate(found, axis=1)


def _elder_nodes(plan: Plan, graph: int, edges: Mapping[int, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Elder rows that have an edge, ascending, and the first row of the elder cluster of each."""
    ends = np.concatenate([found.reshape(-1) for found in edges.values()])
    met = distinct(ends[ends >= plan.own])
    first = [np.empty(0, np.uint64)]
    for owner, (rows,) in scatter(plan.owner_of(met), plan.owners, met):
        places = plan.places(owner, rows & plan.local)
        first.append(places.caption_cluster if graph == BY_CAPTION else places.cluster)
    return met, np.concatenate(first)


def _renamed(edges: np.ndarray, rows: np.ndarray, names: np.ndarray) -> np.ndarray:
    """Edges with some of their ends (ascending) under other names."""
    if not len(rows):
        return edges
    at = np.minimum(np.searchsorted(rows, edges), len(rows) - 1)
    return np.where(rows[at] == edges, names[at], edges)
