"""Fourth step: the verified edges of all rows become groups, by captions and by the policy.

In one place, here, where what so many edges ask for fits there (`bytes_in_one_place`): edges are read owner by owner, and only of rows
that have one is anything held. `transforms.match.stars` does the same through exchanges.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from transforms.match.blocks import EMPTY, scatter
from transforms.match.components import UnionFind, distinct
from transforms.match.numbered import Numbered
from transforms.match.plan import CAPTIONS, PICTURES, Plan
from transforms.match.policy import Rule, intersections

BY_CAPTION, BY_PICTURE, BY_POLICY = range(3)  # the graphs
GRAPH_BITS = 2  # of a key
MANY = 3  # units: rows are to be compared
BYTES_A_NODE = 36  # what `group` holds of a row that has an edge: its number, its root, and what is counted of it
BYTES_OF_BOTH = 108  # the same where components by captions cut those by pictures

_FAMILIES: dict[Rule, tuple[int, ...]] = {
    "caption": (CAPTIONS,), "image": (PICTURES,), "image_and_caption": (PICTURES,), "image_or_caption": (CAPTIONS, PICTURES),
}  # fmt: skip


def graphs_of(plan: Plan) -> tuple[int, ...]:
    """The graphs of a run: by captions and by its policy, and by pictures alone where elder rows are looked for and the policy asks more.

    Whatever makes two rows of the run one cluster, a picture is enough to tie one to what is to be kept out.
    """
    return (BY_CAPTION, BY_PICTURE, BY_POLICY) if plan.elder and plan.rule == "image_and_caption" else (BY_CAPTION, BY_POLICY)


def bytes_in_one_place(plan: Plan, edges: Mapping[int, int]) -> int:
    """What `group` would hold of so many edges of each family, about: each has two ends, and there are no more ends than rows."""
    most = 0
    for graph in graphs_of(plan):
        nodes = min(plan.total, 2 * sum(edges[family] for family in _families_read(plan, graph)))
        most = max(most, nodes * (BYTES_OF_BOTH if rule_of(plan, graph) == "image_and_caption" else BYTES_A_NODE))
    return most + plan.total // 5


def rule_of(plan: Plan, graph: int) -> Rule:
    """The rule that a graph follows."""
    return "caption" if graph == BY_CAPTION else "image" if graph == BY_PICTURE else plan.rule


def families_of(plan: Plan, graph: int) -> tuple[int, ...]:
    """The families whose edges a graph has; for `image_and_caption` that of pictures, whose components those of captions cut."""
    return _FAMILIES[rule_of(plan, graph)]


def _families_read(plan: Plan, graph: int) -> tuple[int, ...]:
    return (CAPTIONS, PICTURES) if rule_of(plan, graph) == "image_and_caption" else families_of(plan, graph)


def group(plan: Plan, shares: int, _key: int, _blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Once all edges are there -> a file for each graph and owner, and every owner, to carry on with.

    A file is uint64[4, n]: rows within the owner that may share a cluster, the group of each, what ranks it before content order does,
    and how many units its group has, at least `MANY` where that is not known. The rank is the number of its edges by captions, and else 0.
    A unit is the rows that one row stands for: a group of one needs no comparison, one of two is its only edge. Of elder rows those
    are here that a row of the run has an edge to; an elder cluster is one node of the graph.
    """
    for graph in graphs_of(plan):
        if rule_of(plan, graph) == "image_and_caption":
            nodes = _nodes(plan, graph, shares, _stood_for(plan, shares))
            captions, pictures = (_components(plan, nodes, (family,), shares) for family in (CAPTIONS, PICTURES))
            found = _intersected(captions, pictures)
        else:
            nodes = _nodes(plan, graph, shares, {})
            found = _components(plan, nodes, families_of(plan, graph), shares)
        if graph == BY_PICTURE:
            found = _held(nodes, found)
        _save(plan, graph, nodes, found)
    for owner in range(plan.owners):
        yield owner, EMPTY


def edges_of(plan: Plan, family: int, owner: int, shares: int) -> np.ndarray:
    """Edges of a family that an owner holds, uint64[2, n].

    They are the verified ones, every row of the run with the one that stands for it, and with an elder row that it equals.
    """
    found = [plan.load("edges", family, owner, share)[:2] for share in range(shares)]
    for step in ("same", "met"):
        same = plan.load(step, family, owner)
        rows = same[0] | np.uint64(owner << plan.owner_bits)
        found.append(np.stack([rows, same[1]])[:, rows < plan.own])
    return np.concatenate(found, axis=1)


def save_groups(plan: Plan, graph: int, owner: int, *columns: np.ndarray, step: str = "groups") -> None:
    """Writes what `group` writes for a graph and owner: rows within the owner, ascending, their groups, ranks and units."""
    local, roots, rank, units = columns
    plan.save(np.stack([local, roots, rank, units]).astype(np.uint64), step, graph, owner)


@dataclasses.dataclass(frozen=True)
class _Nodes:
    """The nodes of a graph: every row of the run that has an edge, and behind them the elder clusters that are met.

    Attributes:
      numbered: the rows of the run.
      rows: uint64[n], the row of each node, ascending; of an elder cluster its first.
      own: how many nodes are rows of the run.
      met: uint64[m], elder rows that have an edge, ascending.
      places: int64[m], the node that each belongs to.
      more: edges between elder rows, uint64[2, k] by family.
    """

    numbered: Numbered
    rows: np.ndarray
    own: int
    met: np.ndarray
    places: np.ndarray
    more: dict[int, np.ndarray]

    def of(self, plan: Plan, rows: np.ndarray) -> np.ndarray:
        """The nodes of rows, uint64[...]."""
        nodes = self.numbered.places(np.minimum(rows, np.uint64(plan.own)))
        if len(self.met):
            elder = np.minimum(np.searchsorted(self.met, rows), len(self.met) - 1)
            nodes = np.where(rows < plan.own, nodes, self.places[elder])
        return nodes.astype(np.uint64)

    def span(self, plan: Plan, owner: int) -> slice:
        """Which nodes are an owner's rows of the run."""
        return slice(*self.numbered.places(np.minimum(np.array(plan.rows.span(owner), np.uint64), np.uint64(plan.own))))


@dataclasses.dataclass(frozen=True)
class _Components:
    """Components of a graph over its nodes.

    Attributes:
      roots: uint32[nodes], the least node of each one's component.
      degrees: uint32[nodes], how many edges each node has; 0 where it shares no group.
      met_degrees: uint32[elder rows met], how many edges each of those has.
      units: uint32[nodes], of a root how many of its rows no other stands for, where that is enough to know; else more.
    """

    roots: np.ndarray
    degrees: np.ndarray
    met_degrees: np.ndarray
    units: np.ndarray


def _nodes(plan: Plan, graph: int, shares: int, more: dict[int, np.ndarray]) -> _Nodes:
    numbered, ends = Numbered(plan.own), [np.empty(0, np.uint64), *(found.reshape(-1) for found in more.values())]
    for owner in range(plan.owners):
        for family in (CAPTIONS, PICTURES) if plan.elder else _families_read(plan, graph):
            edges = edges_of(plan, family, owner, shares)
            if family in _families_read(plan, graph):
                numbered.add(edges[edges < plan.own])
            ends.append(distinct(edges[edges >= plan.own]))
    met = distinct(np.concatenate(ends))
    first = [np.empty(0, np.uint64)]
    for owner, (rows,) in scatter(plan.owner_of(met), plan.owners, met):
        known = plan.places(owner, rows & plan.local)
        first.append(known.caption_cluster if graph == BY_CAPTION else known.cluster)
    names, places = np.unique(np.concatenate(first), return_inverse=True)
    own = numbered.settle()
    rows, end = np.empty(own + len(names), np.uint64), 0
    for owner in range(plan.owners):
        mine = numbered.rows(*(min(plan.own, row) for row in plan.rows.span(owner)))
        rows[end : end + len(mine)], end = mine, end + len(mine)
    rows[own:] = names
    return _Nodes(numbered, rows, own, met, own + places, more)


def _stood_for(plan: Plan, shares: int) -> dict[int, np.ndarray]:
    """Edges by family between elder rows and the one that stands for them, where that one has an edge.

    A row may have its picture from one elder row and its caption from another: then a third that has both may be stood for in either.
    """
    more = {}
    for family in (CAPTIONS, PICTURES) if plan.elder else ():
        ends, found = [np.empty(0, np.uint64)], [np.empty((2, 0), np.uint64)]
        for owner in range(plan.owners):
            edges = edges_of(plan, family, owner, shares)
            ends.append(distinct(edges[edges >= plan.own]))
        met = distinct(np.concatenate(ends))
        for owner in range(plan.own >> plan.owner_bits, plan.owners):
            same = plan.load("same", family, owner)
            found.append(np.stack([same[0] | np.uint64(owner << plan.owner_bits), same[1]])[:, np.isin(same[1], met)])
        more[family] = np.concatenate(found, axis=1)
    return more


def _components(plan: Plan, nodes: _Nodes, families: tuple[int, ...], shares: int) -> _Components:
    count = len(nodes.rows)
    found, degrees, met_degrees = UnionFind(count), np.zeros(count, np.uint32), np.zeros(len(nodes.met), np.uint32)
    for family in families:
        more = [nodes.more[family]] if family in nodes.more else []
        for edges in itertools.chain((edges_of(plan, family, owner, shares) for owner in range(plan.owners)), more):
            ends = nodes.of(plan, edges)
            found.join(*ends)
            np.add.at(degrees, ends.astype(np.int64).reshape(-1), np.uint32(1))
            np.add.at(met_degrees, np.searchsorted(nodes.met, edges[edges >= plan.own]), np.uint32(1))
    roots, units = found.roots(), np.zeros(count, np.uint32)
    units[roots[nodes.own :]] = MANY
    for owner in range(plan.owners):
        mine = nodes.span(plan, owner)
        counted = degrees[mine] > 0
        if len(families) == 1:
            same = plan.load("same", families[0], owner)[0] | np.uint64(owner << plan.owner_bits)
            counted[nodes.of(plan, same[same < plan.own]).astype(np.int64) - mine.start] = False
        np.add.at(units, roots[mine][counted], np.uint32(1 if len(families) == 1 else MANY))
    return _Components(roots, degrees, met_degrees, units)


def _intersected(captions: _Components, pictures: _Components) -> _Components:
    both = np.flatnonzero((captions.degrees > 0) & (pictures.degrees > 0))
    nodes, least = intersections(both, captions.roots[both], pictures.roots[both])
    roots, degrees = np.arange(len(captions.roots), dtype=np.uint32), np.zeros(len(captions.roots), np.uint32)
    roots[nodes], degrees[nodes] = least, 1
    return _Components(roots, degrees, captions.met_degrees, np.full(len(roots), MANY, np.uint32))


def _held(nodes: _Nodes, found: _Components) -> _Components:
    """Of components those that have an elder row."""
    held = np.zeros(len(found.roots), bool)
    held[found.roots[nodes.own :]] = True
    return dataclasses.replace(found, degrees=np.where(held[found.roots], found.degrees, 0))


def _save(plan: Plan, graph: int, nodes: _Nodes, found: _Components) -> None:
    here = found.degrees[nodes.places] > 0
    for owner in range(plan.owners):
        mine = nodes.span(plan, owner)
        own = np.flatnonzero(found.degrees[mine]) + mine.start
        met = slice(*np.searchsorted(nodes.met, np.array(plan.rows.span(owner), np.uint64)))
        some = here[met]
        at = np.concatenate([own, nodes.places[met][some]])
        rank = np.zeros(len(at), np.uint32)
        if graph == BY_CAPTION:
            rank = np.concatenate([found.degrees[own], found.met_degrees[met][some]])
        rows, roots = np.concatenate([nodes.rows[own], nodes.met[met][some]]), found.roots[at]
        save_groups(plan, graph, owner, rows & plan.local, nodes.rows[roots], rank, found.units[roots])
