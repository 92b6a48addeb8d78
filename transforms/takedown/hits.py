"""Which rows of a release the entries of a takedown cover: directly, by their cluster, and which copies of them stay."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.reasons import KEPT, REMOVED_LATER
from transforms.consent.lists import Lists
from transforms.consent.signal import CONTENT, Scope
from transforms.storage import open_read, read_parquet

GONE: Final = "taken down after release"  # `problem` of an annotation that a takedown has emptied
CLUSTER: Final = "cluster"
IMAGE: Final = "image"
COPY: Final = "a copy in its cluster is taken down"
_MATCHED: Final = ("uid", "url", "url_id", "domain", "sha256", "sha1", "md5", "phash", "problem")
Place = tuple[str, int]  # shard and row


@dataclasses.dataclass(frozen=True)
class Cause:
    """Why a row goes.

    Attributes:
      kind: of the entry that covers it; `image` for an example picture, `cluster` for a copy of a row that goes.
      reason: `opt_out`, `taken_down` or `illegal`.
      scope: whether its picture goes wherever it is, or its URL.
      detail: which entry, as evidence has it.
      entry: number of the entry among those of the takedown.
    """

    kind: str
    reason: str
    scope: Scope
    detail: str
    entry: int


Hits = dict[int, list[Cause]]


@dataclasses.dataclass(frozen=True)
class Spread:
    """All rows that a takedown concerns.

    Attributes:
      removed: shard -> row -> why it goes.
      copies: shard -> kept rows that are copies of one that goes for its URL.
      members: rows that go because a copy does.
    """

    removed: Mapping[str, Hits]
    copies: Mapping[str, Sequence[int]]
    members: int


def find(annotation: str, lists: Lists, slack: int) -> Hits:
    """Rows of a shard that entries cover; what an earlier takedown has emptied is not found again.

    Args:
      annotation: path of the shard's annotations.
      lists: the entries.
      slack: bits added to the radius of perceptual hashes.
    """
    wanted = [*_MATCHED, *(("opt_out",) if lists.has(("creator",)) else ())]
    with open_read(annotation) as file:
        source = pq.ParquetFile(file, pre_buffer=False)
        there = [name for name in wanted if name in source.schema_arrow.names]
        table = source.read(there, use_threads=False).combine_chunks()
    batch = table.to_batches(max_chunksize=max(1, table.num_rows))[0] if table.num_rows else pa.RecordBatch.from_pylist([], table.schema)
    creators = pc.struct_field(batch.column("opt_out"), "creators") if "opt_out" in there else None
    gone = pc.fill_null(pc.equal(batch.column("problem"), GONE), False).to_pylist()
    found: Hits = defaultdict(list)
    for match in lists.match(batch, creators, slack):
        for row, detail, entry in zip(match.rows.tolist(), match.details, match.entries.tolist(), strict=True):
            if not gone[row]:
                found[row].append(Cause(match.kind, match.reason, match.scope, detail, entry))
    return dict(found)


def spread(ledgers: Mapping[str, str], hits: Mapping[str, Hits]) -> Spread:
    """What is found, and by content what shares a cluster with it; a location spreads over no cluster.

    Args:
      ledgers: shard -> its ledger file.
      hits: shard -> rows that entries cover.
    """
    whole: dict[str, dict[str, Cause]] = {}  # cluster -> reason -> the first cause of its going
    located: set[str] = set()
    for shard, found in hits.items():
        clusters = read_parquet(ledgers[shard], ["cluster"]).column("cluster").to_pylist() if found else []
        for row, causes in found.items():
            for cause in causes:
                if clusters[row] is not None and cause.scope == CONTENT:
                    whole.setdefault(clusters[row], {}).setdefault(cause.reason, cause)
                elif clusters[row] is not None:
                    located.add(clusters[row])
    removed = {shard: {row: list(causes) for row, causes in found.items()} for shard, found in hits.items() if found}
    copies: dict[str, list[int]] = {}
    members = 0
    if whole or located:
        members = _add_clusters(ledgers, whole, located, removed, copies)
    return Spread(removed, copies, members)


def _add_clusters(
    ledgers: Mapping[str, str],
    whole: Mapping[str, Mapping[str, Cause]],
    located: set[str],
    removed: dict[str, Hits],
    copies: dict[str, list[int]],
) -> int:
    asked = pa.array(sorted({*whole, *located}), pa.string())
    members = 0
    for shard, path in ledgers.items():
        table = read_parquet(path, ["row", "cluster", "verdict", "flags"])
        chosen = table.filter(pc.is_in(table.column("cluster"), asked))
        for found in chosen.to_pylist():
            if REMOVED_LATER in found["flags"]:
                continue
            row, mine = found["row"], removed.get(shard, {})
            causes = whole.get(found["cluster"], {})
            known = {cause.reason for cause in mine.get(row, ())}
            more = [dataclasses.replace(cause, kind=CLUSTER, detail=COPY) for reason, cause in causes.items() if reason not in known]
            if more:
                members += not known
                removed.setdefault(shard, {}).setdefault(row, []).extend(more)
            elif not known and not causes and found["verdict"] == KEPT:
                copies.setdefault(shard, []).append(row)
    return members


def union(parts: Iterable[tuple[str, Hits]]) -> dict[str, Hits]:
    """Hits of several searches together, by shard."""
    joined: dict[str, Hits] = {}
    for shard, found in parts:
        for row, causes in found.items():
            joined.setdefault(shard, {}).setdefault(row, []).extend(causes)
    return joined


def naming(ledgers: Mapping[str, str], uids: Iterable[str], columns: Sequence[str]) -> set[str]:
    """Shards whose ledger names one of these uids in one of these columns (texts, or lists of them)."""
    asked = pa.array(sorted(uids), pa.string())
    found = set()
    for shard, path in ledgers.items():
        table = read_parquet(path, columns)
        for name in columns:
            column = table.column(name)
            values = pc.list_flatten(column) if pa.types.is_list(column.type) else column
            if pc.any(pc.is_in(values, asked)).as_py():
                found.add(shard)
                break
    return found
