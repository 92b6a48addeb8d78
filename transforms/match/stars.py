"""Fourth step where no one place holds all rows: components by rounds of large-star and small-star (Kiveris et al. 2014).

Every edge joins a row to a smaller one. A round of large-star gives each row's larger neighbours its least neighbour instead of itself,
one of small-star does so for the smaller ones; components stay as they are, and in the end each is a star around its least row. Owners
hand in forests, so no owner sends more edges than rows; several rounds share a pipeline, and what the last one leaves lies in a file for
each range of rows, from which the next pipeline goes on, until a round finds nothing but stars. There is no elder side here.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import DTypeLike

from transforms.match.blocks import gather, pack, scatter
from transforms.match.components import components
from transforms.match.grouping import BY_CAPTION, BY_POLICY, GRAPH_BITS, MANY, edges_of, families_of, rule_of, save_groups
from transforms.match.keys import mixed
from transforms.match.plan import CAPTIONS, Plan
from transforms.match.policy import intersections

_GRAPH = (1 << GRAPH_BITS) - 1
EDGE_BYTES = 32  # told to both ends
_EDGES: list[DTypeLike] = [np.uint64, np.uint64, np.uint64]  # two ends, and what a step counts or names besides
_GROUPS: list[DTypeLike] = [np.uint64, np.uint64, np.uint64, np.uint64]  # rows, roots, ranks, units
_NONE = np.empty(0, np.uint64)


def keys_of(plan: Plan) -> int:
    """How many keys the exchanges of edges have: `range << GRAPH_BITS | graph`."""
    return 1 << GRAPH_BITS + plan.range_bits(EDGE_BYTES)


def start(plan: Plan, shares: int, owner: int) -> Iterator[tuple[int, bytes]]:
    """Owner -> (range and graph, block of edges), both ways, of a forest of the edges that it holds."""
    for graph in (BY_CAPTION, BY_POLICY):
        edges = np.concatenate([edges_of(plan, family, owner, shares) for family in families_of(plan, graph)], axis=1)
        rows, roots = components(edges[:2])
        joined = rows != roots
        yield from _both_ways(plan, graph, owner, rows[joined], roots[joined])


def go_on(plan: Plan, key: int) -> Iterator[tuple[int, bytes]]:
    """Range and graph -> the same as `start`, of what the last pipeline left."""
    yield from _both_ways(plan, key & _GRAPH, key, *plan.load("stars", key))


def large(plan: Plan, key: int, blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """(Range and graph, edges both ways) -> (range and graph of the larger end, edges), and how many rows are in no star yet."""
    _, (ends, others, _) = gather(blocks, _EDGES)
    ends, others, number = _neighbours(ends, others)
    smaller = others < ends
    least = _least(number, np.where(smaller, others, ends))
    below, above = (np.bincount(number[some], minlength=len(least)) for some in (smaller, ~smaller))
    yield from _to_larger(plan, key, others[~smaller], least[number[~smaller]])
    unfinished = np.count_nonzero((below > 1) | (below > 0) & (above > 0))
    if unfinished:
        yield key, pack(key, _NONE, _NONE, np.array([unfinished], np.uint64))


def small(plan: Plan, key: int, blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """(Range and graph of the larger end, edges) -> (range and graph, block of edges), both ways."""
    yield from _both_ways(plan, key & _GRAPH, key, *_small(blocks)[:2])


def save(plan: Plan, key: int, blocks: Iterable[bytes]) -> Iterator[int]:
    """What `small` does, into a file of edges, larger ends first, uint64[2, n], and one of how many rows were in no star before."""
    larger, smaller, unfinished = _small(blocks)
    plan.save(np.stack([larger, smaller]), "stars", key)
    plan.save(unfinished.sum(dtype=np.uint64)[None], "unfinished", key)
    yield key


def unfinished(plan: Plan) -> int:
    """How many rows the last round of the last pipeline found in no star."""
    return sum(int(plan.load("unfinished", key)[0]) for key in range(keys_of(plan)))


def stood_for(plan: Plan, owner: int) -> Iterator[tuple[int, bytes]]:
    """Owner -> (range and graph, block of rows that another stands for), where one family alone makes the graph."""
    for graph in (BY_CAPTION, BY_POLICY):
        families = families_of(plan, graph)
        rows = plan.load("same", families[0], owner)[0] | np.uint64(owner << plan.owner_bits)
        if len(families) == 1:
            for part, (mine,) in scatter(_part_of(plan, rows), 1 << plan.range_bits(EDGE_BYTES), rows):
                yield part << GRAPH_BITS | graph, pack(owner, _NONE, _NONE, mine)


def mark(plan: Plan, key: int, blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """(Range and graph, stars both ways and rows stood for) -> (range and graph of the root, block of roots, rows and units)."""
    graph = key & _GRAPH
    _, (ends, others, stood) = gather(blocks, _EDGES)
    ends, others, number = _neighbours(ends, others)
    rows, roots = _least(number, ends), _least(number, np.minimum(ends, others))
    units = np.where(np.isin(rows, stood), 0, 1 if len(families_of(plan, graph)) == 1 else MANY).astype(np.uint64)
    for part, mine in scatter(_part_of(plan, roots), 1 << plan.range_bits(EDGE_BYTES), roots, rows, units):
        yield part << GRAPH_BITS | graph, pack(key, *mine)


def count(plan: Plan, key: int, blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """(Range and graph of the root, roots, rows and units) -> (owner and graph, block of rows, roots, no rank, units of the group)."""
    _, (roots, rows, units) = gather(blocks, _EDGES)
    order = np.argsort(roots, kind="stable")
    roots, rows, units = roots[order], rows[order], units[order]
    first = np.ones(len(roots), bool)
    first[1:] = roots[1:] != roots[:-1]
    if len(roots):
        units = np.add.reduceat(units, np.flatnonzero(first))[np.cumsum(first) - 1]
    for owner, mine in scatter(plan.owner_of(rows), plan.owners, rows, roots, np.zeros_like(rows), units):
        yield owner << GRAPH_BITS | key & _GRAPH, pack(key, *mine)


def rank(plan: Plan, shares: int, owner: int) -> Iterator[tuple[int, bytes]]:
    """Owner -> (owner and graph, block of rows, no root, how many of the edges here each has, no units), by captions."""
    edges = edges_of(plan, CAPTIONS, owner, shares)
    rows, degrees = np.unique(edges[:2], return_counts=True)
    for to, (mine, many) in scatter(plan.owner_of(rows), plan.owners, rows, degrees.astype(np.uint64)):
        yield to << GRAPH_BITS | BY_CAPTION, pack(owner, mine, np.zeros_like(mine), many, np.zeros_like(mine))


def group(plan: Plan, key: int, blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """(Owner and graph, both) -> the file that `transforms.match.grouping.group` writes, and the owner.

    Of `image_and_caption` it is a file of components of pictures, still to be cut.
    """
    owner, graph = key >> GRAPH_BITS, key & _GRAPH
    if graph not in (BY_CAPTION, BY_POLICY):
        return
    _, (rows, *found) = gather(blocks, _GROUPS)
    columns = np.zeros((3, plan.rows.span(owner)[1] - plan.rows.span(owner)[0]), np.uint64)
    local = (rows & plan.local).astype(np.int64)
    for column, values in zip(columns, found, strict=True):
        np.add.at(column, local, values)  # a row has one root and its units once, and its rank in parts
    local = np.flatnonzero(columns[2])
    cut_later = rule_of(plan, graph) == "image_and_caption"
    save_groups(plan, graph, owner, local, *columns[:, local], step="components" if cut_later else "groups")
    yield owner, pack(graph)


def both(plan: Plan, owner: int, _blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Owner, once its groups are there -> (range of groups, block of rows in both graphs and their two roots)."""
    captions, pictures = plan.load("groups", BY_CAPTION, owner), plan.load("components", BY_POLICY, owner)
    local, mine, theirs = np.intersect1d(captions[0], pictures[0], assume_unique=True, return_indices=True)
    rows = local | np.uint64(owner << plan.owner_bits)
    roots = captions[1][mine], pictures[1][theirs]
    parts = _part_of(plan, mixed(roots[0], 64).astype(np.uint64) ^ roots[1])
    for part, found in scatter(parts, 1 << plan.range_bits(EDGE_BYTES), rows, *roots):
        yield part, pack(owner, *found)


def cut(plan: Plan, _key: int, blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """(Range of groups, rows in both graphs) -> (owner, block of rows and the group of each) of those that share both with another."""
    _, (rows, *roots) = gather(blocks, _EDGES)
    order = np.argsort(rows)
    rows, mine = intersections(rows[order], *(found[order] for found in roots))
    for owner, found in scatter(plan.owner_of(rows), plan.owners, rows, mine):
        yield owner, pack(0, *found)


def regroup(plan: Plan, owner: int, blocks: Iterable[bytes]) -> Iterator[int]:
    """(Owner, rows and groups) -> the file of groups by `image_and_caption`, and the owner."""
    _, (rows, roots) = gather(blocks, _EDGES[:2])
    order = np.argsort(rows)
    save_groups(plan, BY_POLICY, owner, rows[order] & plan.local, roots[order], np.zeros_like(rows), np.full_like(rows, MANY))
    yield owner


def _part_of(plan: Plan, rows: np.ndarray) -> np.ndarray:
    return mixed(rows, plan.range_bits(EDGE_BYTES))


def _both_ways(plan: Plan, graph: int, sender: int, left: np.ndarray, right: np.ndarray) -> Iterator[tuple[int, bytes]]:
    ends, others = np.concatenate([left, right]), np.concatenate([right, left])
    for part, mine in scatter(_part_of(plan, ends), 1 << plan.range_bits(EDGE_BYTES), ends, others):
        yield part << GRAPH_BITS | graph, pack(sender, *mine, _NONE)


def _to_larger(plan: Plan, key: int, larger: np.ndarray, smaller: np.ndarray) -> Iterator[tuple[int, bytes]]:
    for part, mine in scatter(_part_of(plan, larger), 1 << plan.range_bits(EDGE_BYTES), larger, smaller):
        yield part << GRAPH_BITS | key & _GRAPH, pack(key, *mine, _NONE)


def _neighbours(ends: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges without repetitions, ascending by end, and the number of each edge's end among all ends."""
    order = np.lexsort((others, ends))
    ends, others = ends[order], others[order]
    fresh = np.ones(len(ends), bool)
    fresh[1:] = (ends[1:] != ends[:-1]) | (others[1:] != others[:-1])
    ends, others = ends[fresh], others[fresh]
    first = np.ones(len(ends), bool)
    first[1:] = ends[1:] != ends[:-1]
    return ends, others, np.cumsum(first) - 1


def _least(number: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The least value of each number; numbers ascend from 0 without a gap."""
    return np.minimum.reduceat(values, np.flatnonzero(np.diff(number, prepend=-1))) if len(values) else values


def _small(blocks: Iterable[bytes]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges by their larger end -> edges of its neighbours, itself among them, to the least, larger ends first; and what is counted."""
    _, (ends, others, counted) = gather(blocks, _EDGES)
    ends, others, number = _neighbours(ends, others)
    least = _least(number, others)
    larger, smaller = np.concatenate([_least(number, ends), others]), np.concatenate([least, least[number]])
    rest = larger != smaller
    return larger[rest], smaller[rest], counted
