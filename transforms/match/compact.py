"""Last step: the rows of each group meet in content order and are parted into clusters, each around its leader.

What travels of a row is its group, its order and its identities, and the signature of its caption where it is compared or tied by it.
The verified edges of pictures come along: to compare a pair is a function of the two, so to compare it again would say the same, and a
group of two units needs nothing else. Pictures lie where they are and are read as they are compared, few at a time, so that a
placeholder in millions of encodings takes no more memory than their records. Only in a remote store, which is not read by the row,
does a picture travel, once for each group and owner, unless its group is a crowd.
"""

import functools
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import DTypeLike

from schemas.signatures import CAPTION_LONG, PERMUTATIONS
from transforms.match.blocks import gather, pack, scatter
from transforms.match.clusters import ALONE, Clusters, path_of, write_clusters
from transforms.match.components import distinct
from transforms.match.elders import BENCHMARK, BINDING, HELD, NOTICE, OWN, TIE, write_ties
from transforms.match.grouping import BY_CAPTION, BY_PICTURE, BY_POLICY, GRAPH_BITS, MANY, families_of, graphs_of, rule_of
from transforms.match.keys import mixed
from transforms.match.leaders import leaders
from transforms.match.members import MEMBER, Members
from transforms.match.order import as_words
from transforms.match.plan import PICTURES, Plan
from transforms.match.standing import Standing
from transforms.match.verify import AGREEMENTS, PICTURE_BYTES, PICTURE_COLUMNS, PICTURE_KINDS, Pictures

ROWS_A_BLOCK = 1 << 12
MOST_LEADERS = {BY_CAPTION: 4_096, BY_PICTURE: 256, BY_POLICY: 256}
"""Of a group that a row is compared with. A caption costs 20 ns, a picture 80 us: 50,000 rows in a chain stay below 20 minutes."""

TIED = {BY_CAPTION: (BENCHMARK,), BY_PICTURE: (BENCHMARK,), BY_POLICY: (BINDING, NOTICE, BENCHMARK)}
"""Kinds of elder rows that a row is tied to whatever its cluster. A caption alone binds nobody."""

PLACED = np.dtype([("row", "<u8"), ("leader", "<u8"), ("kind", "u1"), ("link", "u1"), ("agreement", "<f4")])
"""A row and its leader, or the elder row of kind `kind` that it is tied to."""

PARTITIONS = 4  # are as much as is sent to one range: of many groups pictures are compared thousands at a time
CROWD = 1 << 15  # units of a group whose pictures are read where they lie, even in a remote store

_MINHASH = (np.uint8, PERMUTATIONS)
_EDGE: list[DTypeLike] = [np.uint64, np.uint64, np.uint64]  # two rows, and how well they agree
_KINDS: list[DTypeLike] = [MEMBER, _MINHASH, _MINHASH, *PICTURE_KINDS, *_EDGE]
_NOBODY = [np.empty(0, np.uint8)] * (3 + len(PICTURE_KINDS))
_NO_EDGES = [np.empty(0, np.uint64)] * len(_EDGE)
_COLUMNS = ("order", "picture_id", "caption_id", "caption_kind", "has_picture", "has_hashes")
_MINHASHES = ("caption_minhash", "text_minhash")


def bytes_of(plan: Plan, graph: int, rows: int, compared: int) -> int:
    """What so many rows send, about, of which so many lie in groups that are compared."""
    signed, pictured = (compared, 0) if graph == BY_CAPTION else (rows, 0 if plan.rows.near else compared)
    return rows * MEMBER.itemsize + signed * PERMUTATIONS + pictured * PICTURE_BYTES


def range_bits(plan: Plan) -> int:
    """Bits that name the ranges of groups, into which whatever all rows may send is cut."""
    return plan.range_bits(-(-bytes_of(plan, BY_POLICY, 1, 1) // PARTITIONS))


def send(plan: Plan, number: int, count: int, edge_shares: int, forests: int, owner: int) -> Iterator[tuple[int, bytes]]:
    """Owner -> (range of groups and graph, block of members), (the same, block of verified edges of pictures).

    Args:
      plan: the run.
      number: which share of all ranges, of `count`.
      count: shares.
      edge_shares: of how many shares there are edges.
      forests: how many of those, the first, are forests.
      owner: whose rows.
    """
    bits = range_bits(plan)
    for graph in graphs_of(plan):
        groups = plan.load("groups", graph, owner)
        mine = groups[:, mixed(groups[1], bits) % count == number]
        for part, block in _blocks(plan, graph, owner, mine, bits):
            yield part << GRAPH_BITS | graph, block
        if PICTURES in families_of(plan, graph):
            roots, *edges = _edges(plan, owner, mine, edge_shares, forests)
            for part, some in scatter(mixed(roots, bits), 1 << bits, *edges):
                yield part << GRAPH_BITS | graph, pack(owner, *_NOBODY, *some)


def _edges(plan: Plan, owner: int, groups: np.ndarray, shares: int, forests: int) -> np.ndarray:
    """The pairs of pictures that were compared and that an owner holds in some groups: group, rows, how well they agree, uint64[4, n]."""
    local, roots = groups[:2]
    found = [np.empty((4, 0), np.uint64)]
    files = [("edges", share) for share in range(shares)] + [("compared", share) for share in range(forests)]
    for step, share in files if len(local) else []:
        edges = plan.load(step, PICTURES, owner, share)
        right = edges[1] & plan.local
        at = np.minimum(np.searchsorted(local, right), len(local) - 1)
        here = local[at] == right
        found.append(np.concatenate([roots[at[here]][None], edges[:, here]]))
    return np.concatenate(found, axis=1)


def _blocks(plan: Plan, graph: int, owner: int, groups: np.ndarray, bits: int) -> Iterator[tuple[int, bytes]]:
    """Rows of an owner and their groups -> (range of groups, block of members)."""
    local, roots = groups[:2]
    members = _members(plan, graph, owner, groups, plan.rows.read(owner, _COLUMNS, local))
    bring = members["signed"], members["signed"] & (members["kind"] & CAPTION_LONG != 0), members["thumbnail"]
    short, long = (plan.rows.read(owner, [name], local[some])[name] for name, some in zip(_MINHASHES, bring[:2], strict=True))
    pictures = Pictures.of(plan.rows.read(owner, PICTURE_COLUMNS, local[bring[2]]).values())
    brought = [np.cumsum(some) - 1 for some in bring]
    for part, (some,) in scatter(mixed(roots, bits), 1 << bits, np.arange(len(local))):
        for at in range(0, len(some), ROWS_A_BLOCK):
            places = some[at : at + ROWS_A_BLOCK]
            mine = [nth[places[which[places]]] for nth, which in zip(brought, bring, strict=True)]
            signatures = short[mine[0]], long[mine[1]], *pictures.take(mine[2]).arrays()
            yield part, pack(owner, members[places].view(np.uint8), *signatures, *_NO_EDGES)


def _members(plan: Plan, graph: int, owner: int, groups: np.ndarray, columns: dict[str, np.ndarray]) -> np.ndarray:
    """What travels of rows of an owner besides signatures and pictures, `MEMBER`[n], in their order."""
    local, roots, rank, units = groups
    members = np.zeros(len(local), MEMBER)
    members["root"], members["row"] = roots, local | np.uint64(owner << plan.owner_bits)
    places = plan.places(owner, local)
    members["elder"], members["first"] = places.kind, places.caption_cluster if graph == BY_CAPTION else places.cluster
    members["rank"] = rank
    members["high"], members["low"] = as_words(columns["order"])
    members["picture"], members["caption"] = columns["picture_id"], columns["caption_id"]
    members["kind"], members["has_picture"], members["units"] = columns["caption_kind"], columns["has_picture"], units
    members["signed"] = (units >= MANY) | (graph != BY_CAPTION)
    if graph != BY_CAPTION:
        near = MANY if plan.rows.near else CROWD
        members["distant"] = columns["has_hashes"] & (units >= near)
        shown = np.flatnonzero(columns["has_hashes"] & (units >= MANY) & (units < near))
        parts = roots, columns["picture_id"], members["elder"]
        shown = shown[np.lexsort((shown, *(part[shown] for part in parts)))]
        fresh = np.ones(len(shown), bool)
        fresh[1:] = np.any([part[shown[1:]] != part[shown[:-1]] for part in parts], axis=0)
        members["thumbnail"][shown[fresh]] = True
    return members


def _pictures_of(plan: Plan, rows: np.ndarray) -> Pictures:
    """What the pictures of some rows are compared by, in their order."""
    wanted = distinct(rows)
    found = Pictures.of(plan.rows.gather(wanted, PICTURE_COLUMNS).values())
    return found.take(np.searchsorted(wanted, rows))


def choose(plan: Plan, key: int, blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """(Range and graph, blocks) -> (owner, block of rows that are not alone, each with its leader), and how many a bound left leading."""
    graph = key & ((1 << GRAPH_BITS) - 1)
    _, (table, short, long, *pictures, one, other, agreed) = gather(blocks, _KINDS)
    if not len(table):
        return
    read = functools.partial(_pictures_of, plan)
    members = Members(rule_of(plan, graph), table, (short, long), Pictures.of(pictures), read, (one, other, agreed / AGREEMENTS))
    placed, left = [_tied(members, kind, MOST_LEADERS[graph]) for kind in TIED[graph]], 0
    if graph != BY_PICTURE:
        clustered, left = _clustered(members, MOST_LEADERS[graph])
        placed.append(clustered)
    found = np.concatenate(placed)
    for owner, (mine,) in scatter(plan.owner_of(found["row"]), plan.owners, found):
        yield owner, pack(graph, mine.view(np.uint8), np.empty(0, np.uint64))
    if left:
        yield 0, pack(graph, np.empty(0, np.uint8), np.array([left], np.uint64))


def _clustered(members: Members, most: int) -> tuple[np.ndarray, int]:
    """Rows of the run that are not alone, each with its leader, as `PLACED`, and how many a bound left leading.

    A row that is held against an elder row has the first row of that one's cluster for a leader; the others are parted by
    `transforms.match.standing`.
    """
    heads, (places, left) = members.heads, members.joined(HELD, most)
    rest = np.flatnonzero((places < 0) & (members.elder[heads] == OWN))
    groups = members.root[heads[rest]]

    def compare(leading: np.ndarray, units: np.ndarray) -> np.ndarray:
        return members.compare(rest[leading], rest[units])

    if members.ranked:
        mine, more = leaders(groups, compare, most)
    else:
        standing = Standing(groups, lambda one, other: members.stand(rest[one], rest[other]))
        mine, more = standing.leaders(
            compare, lambda units: members.colours(rest[units]), lambda one, other: members.contested(rest[one], rest[other]), most
        )
    places[rest] = rest[mine]
    own = members.elder == OWN
    leader = np.where(own, heads[places][members.head], np.arange(len(own)))
    link, agreement = members.ties(leader)
    several = own & ((np.bincount(leader[own], minlength=len(leader))[leader] > 1) | ~own[leader])
    return _placed(members, several, np.where(own, members.row, members.first)[leader], link, agreement, HELD), left + more


def _tied(members: Members, kind: int, most: int) -> np.ndarray:
    """Rows of the run that are verified against an elder row of a kind, each with that one, as `PLACED`."""
    places, _ = members.joined(kind, most)
    found = places[members.head] >= 0
    leader = np.where(found, members.heads[places][members.head], np.arange(len(found)))
    link, agreement = members.ties(leader)
    return _placed(members, found, members.row[leader], link, agreement, kind)


def _placed(members: Members, some: np.ndarray, leader: np.ndarray, link: np.ndarray, agreement: np.ndarray, kind: int) -> np.ndarray:
    placed = np.empty(int(some.sum()), PLACED)
    placed["row"], placed["leader"], placed["kind"] = members.row[some], leader[some], kind
    placed["link"], placed["agreement"] = link[some], agreement[some]
    return placed


def save(plan: Plan, number: int, owner: int, blocks: Iterable[bytes]) -> Iterator[int]:
    """(Owner, blocks) -> files of what one share of the groups found, clusters and ties by graph, and how many rows a bound left."""
    graphs, (placed, left) = gather(blocks, [PLACED, np.uint64])
    tied = placed["kind"] != HELD
    for graph in graphs_of(plan):
        for step, some in (("placed", ~tied), ("tied", tied)):
            mine = placed[some & (graphs == graph)]
            plan.save(mine[np.lexsort((mine["kind"], mine["row"]))], step, graph, owner, number)
    plan.save(left.sum(dtype=np.uint64)[None], "left", owner, number)
    yield owner


def write(plan: Plan, count: int, owner: int) -> Iterator[int]:
    """Owner -> the clusters of its rows, and what ties them to elder rows, from all shares."""
    start = owner << plan.owner_bits
    rows = min(plan.own, plan.rows.span(owner)[1]) - start
    if rows > 0:
        found = Clusters(
            np.full(rows, ALONE, np.int64), np.full(rows, ALONE, np.int64), np.zeros(rows, np.uint8), np.zeros(rows, np.float32)
        )
        for number in range(count):
            placed = plan.load("placed", BY_CAPTION, owner, number)
            found.caption_cluster[placed["row"].astype(np.int64) - start] = placed["leader"]
            placed = plan.load("placed", BY_POLICY, owner, number)
            local = placed["row"].astype(np.int64) - start
            found.cluster[local], found.link[local], found.agreement[local] = placed["leader"], placed["link"], placed["agreement"]
        ties = _ties(plan, count, owner) if plan.elder else np.empty(0, TIE)
        for number in range(start >> plan.result_bits, -(-(start + rows) >> plan.result_bits)):
            first, end = number << plan.result_bits, number + 1 << plan.result_bits
            write_clusters(path_of(plan.folder, number), found.part(slice(first - start, end - start)))
            if plan.elder:
                write_ties(plan.folder, number, ties[slice(*np.searchsorted(ties["row"], [first, end]))])
    yield owner


def _ties(plan: Plan, count: int, owner: int) -> np.ndarray:
    """What ties an owner's rows to elder rows, as `TIE`, by row, graph and kind."""
    found = [np.empty(0, TIE)]
    for graph in graphs_of(plan):
        for number in range(count):
            placed = plan.load("tied", graph, owner, number)
            part = np.zeros(len(placed), TIE)
            part["row"], part["elder"], part["graph"] = placed["row"], placed["leader"], graph
            for name in ("kind", "link", "agreement"):
                part[name] = placed[name]
            found.append(part)
    ties = np.concatenate(found)
    ties = ties[np.lexsort((ties["kind"], ties["graph"], ties["row"]))]
    elders = distinct(ties["elder"]).astype(np.uint64)
    uids, said = [np.empty(0, "V16")], [np.empty(0, np.uint8)]
    for of, (mine,) in scatter(plan.owner_of(elders), plan.owners, elders):
        uids.append(np.ascontiguousarray(plan.rows.read(of, ["uid"], mine & plan.local)["uid"]).view("V16").ravel())
        said.append(plan.places(of, mine & plan.local).said)
    at = np.searchsorted(elders, ties["elder"].astype(np.uint64))
    ties["uid"], ties["said"] = np.concatenate(uids)[at], np.concatenate(said)[at]
    return ties
