"""Last step: the rows of each group meet in content order and are parted into clusters, each around its leader.

What travels of a row is its group, its order, its identities and the signature of its caption; a thumbnail travels once for each
picture, group and owner.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from schemas.signatures import CAPTION_LONG, PERMUTATIONS
from transforms.match.blocks import gather, pack, scatter
from transforms.match.clusters import ALONE, Clusters, path_of, write_clusters
from transforms.match.grouping import BY_CAPTION, BY_POLICY, rule_of
from transforms.match.keys import mixed
from transforms.match.leaders import leaders
from transforms.match.members import MEMBER, Members
from transforms.match.order import as_words
from transforms.match.plan import Plan
from transforms.match.verify import PICTURE_COLUMNS, PICTURE_KINDS, Pictures

ROWS_A_BLOCK = 1 << 12
MEMBER_BYTES = 2_816  # a row that brings its picture
MOST_LEADERS = {BY_CAPTION: 4_096, BY_POLICY: 256}
"""Of a group that a row is compared with. A caption costs 20 ns, a picture 80 us: 50,000 rows in a chain stay below 20 minutes."""

PLACED = np.dtype([("row", "<u8"), ("leader", "<u8"), ("link", "u1"), ("agreement", "<f4")])
_COLUMNS = ("order", "picture_id", "caption_id", "caption_kind", "has_picture", "has_hashes", "caption_minhash", "text_minhash")


def send(plan: Plan, number: int, count: int, owner: int) -> Iterator[tuple[int, bytes]]:
    """Owner -> (range of groups and graph, block of members), a share of all ranges."""
    bits = plan.range_bits(MEMBER_BYTES)
    for graph in (BY_CAPTION, BY_POLICY):
        local, roots, rank = plan.load("groups", graph, owner)
        for part, (rows, mine, ranks) in scatter(mixed(roots, bits), 1 << bits, local, roots, rank):
            if part % count == number:
                for at in range(0, len(rows), ROWS_A_BLOCK):
                    some = slice(at, at + ROWS_A_BLOCK)
                    yield part << 1 | graph, _block(plan, graph, owner, rows[some], mine[some], ranks[some])


def _block(plan: Plan, graph: int, owner: int, local: np.ndarray, roots: np.ndarray, rank: np.ndarray) -> bytes:
    columns = plan.rows.read(owner, _COLUMNS, local)
    members = np.zeros(len(local), MEMBER)
    members["root"], members["row"] = roots, local | np.uint64(owner << plan.owner_bits)
    members["rank"] = rank
    members["high"], members["low"] = as_words(columns["order"])
    members["picture"], members["caption"] = columns["picture_id"], columns["caption_id"]
    members["kind"], members["has_picture"], members["short"] = columns["caption_kind"], columns["has_picture"], columns["caption_minhash"]
    if graph == BY_POLICY:
        shown = np.flatnonzero(columns["has_hashes"])
        order = np.lexsort((shown, columns["picture_id"][shown], roots[shown]))
        shown = shown[order]
        fresh = np.ones(len(shown), bool)
        fresh[1:] = (np.diff(roots[shown]) != 0) | (np.diff(columns["picture_id"][shown]) != 0)
        members["thumbnail"][shown[fresh]] = True
    pictures = plan.rows.read(owner, PICTURE_COLUMNS, local[members["thumbnail"]])
    texts = columns["text_minhash"][members["kind"] & CAPTION_LONG != 0]
    return pack(owner, members.view(np.uint8), texts, *[pictures[name] for name in PICTURE_COLUMNS])


def choose(plan: Plan, key: int, blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """(Range and graph, blocks) -> (owner, block of rows that are not alone, each with its leader), and how many a bound left leading."""
    graph = key & 1
    _, (table, long, *pictures) = gather(blocks, [MEMBER, (np.uint8, PERMUTATIONS), *PICTURE_KINDS])
    if not len(table):
        return
    members = Members(rule_of(plan, graph), table, long, Pictures.of(pictures))
    heads = members.heads
    places, left = leaders(members.root[heads], members.compare, MOST_LEADERS[graph])
    leader = heads[places][members.head]
    link, agreement = members.ties(leader)
    several = np.bincount(leader, minlength=len(leader))[leader] > 1
    placed = np.empty(int(several.sum()), PLACED)
    placed["row"], placed["leader"] = members.row[several], members.row[leader[several]]
    placed["link"], placed["agreement"] = link[several], agreement[several]
    for owner, (mine,) in scatter(plan.owner_of(placed["row"]), plan.owners, placed):
        yield owner, pack(graph, mine.view(np.uint8), np.empty(0, np.uint64))
    if left:
        yield 0, pack(graph, np.empty(0, np.uint8), np.array([left], np.uint64))


def save(plan: Plan, number: int, owner: int, blocks: Iterable[bytes]) -> Iterator[int]:
    """(Owner, blocks) -> a file for each graph of what one share of the groups found, and of how many rows a bound left leading."""
    graphs, (placed, left) = gather(blocks, [PLACED, np.uint64])
    for graph in (BY_CAPTION, BY_POLICY):
        mine = placed[graphs == graph]
        plan.save(mine[np.argsort(mine["row"])], "placed", graph, owner, number)
    plan.save(left.sum(dtype=np.uint64)[None], "left", owner, number)
    yield owner


def write(plan: Plan, count: int, owner: int) -> Iterator[int]:
    """Owner -> the clusters of its rows, from all shares."""
    start, stop = plan.rows.span(owner)
    found = Clusters(
        np.full(stop - start, ALONE, np.int64), np.full(stop - start, ALONE, np.int64),
        np.zeros(stop - start, np.uint8), np.zeros(stop - start, np.float32),
    )  # fmt: skip
    for number in range(count):
        placed = plan.load("placed", BY_CAPTION, owner, number)
        found.caption_cluster[placed["row"].astype(np.int64) - start] = placed["leader"]
        placed = plan.load("placed", BY_POLICY, owner, number)
        local = placed["row"].astype(np.int64) - start
        found.cluster[local], found.link[local], found.agreement[local] = placed["leader"], placed["link"], placed["agreement"]
    write_clusters(path_of(plan.folder, owner), found)
    yield owner
