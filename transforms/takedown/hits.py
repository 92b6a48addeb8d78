"""Which rows of a shard the entries of a takedown cover: directly, by their cluster, and which copies of them stay."""

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Self

import pyarrow as pa
import pyarrow.compute as pc

from schemas.annotations import BASE
from schemas.reasons import KEPT, REMOVED_LATER
from transforms.consent.lists import Lists
from transforms.consent.signal import CONTENT, Scope
from transforms.storage import open_parquet, read_parquet

GONE: Final = "taken down after release"  # `problem` of an annotation that a takedown has emptied
CLUSTER: Final = "cluster"
IMAGE: Final = "image"
COPY: Final = "a copy in its cluster is taken down"
_MATCHED: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        "uid": ("uid",), "url": ("url_id",), "url_prefix": ("url", "domain"), "domain": ("url", "domain"), "sha256": ("sha256",),
        "sha1": ("sha1",), "md5": ("md5",), "phash": ("phash",), "creator": ("opt_out",), "pdq": ("opt_out",),
    }
)  # kind of an entry -> the columns of annotations that it is matched by # fmt: skip
UID: Final = re.compile(r"\b[0-9a-f]{32}\b")
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
class Clusters:
    """Clusters that rows which go are in.

    Attributes:
      whole: of rows that go for their content: cluster -> reason -> the first cause.
      located: of rows that go for their URL.
    """

    whole: Mapping[str, Mapping[str, Cause]]
    located: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.whole or self.located)

    @classmethod
    def merged(cls, parts: Iterable["Clusters"]) -> Self:
        """Those of several shards, in their order."""
        whole: dict[str, dict[str, Cause]] = {}
        located: set[str] = set()
        for part in parts:
            located |= part.located
            for cluster, causes in part.whole.items():
                for reason, cause in causes.items():
                    whole.setdefault(cluster, {}).setdefault(reason, cause)
        return cls(whole, frozenset(located))


@dataclasses.dataclass(frozen=True)
class Members:
    """Rows of a shard that share a cluster with one that goes.

    Attributes:
      removed: those that go with it.
      copies: kept rows that are copies of one that goes for its URL.
      number: of `removed`, those that did not go anyway.
    """

    removed: Hits
    copies: Sequence[int] = ()
    number: int = 0


def find(annotation: str, lists: Lists, slack: int) -> Hits:
    """Rows of a shard that entries cover; what an earlier takedown has emptied is not found again.

    Args:
      annotation: path of the shard's annotations.
      lists: the entries.
      slack: bits added to the radius of perceptual hashes.
    """
    wanted = {"problem", *(column for kind, columns in _MATCHED.items() if lists.has((kind,)) for column in columns)}
    with open_parquet(annotation) as source:
        there = [name for name in source.schema_arrow.names if name in wanted]
        table = source.read(there, use_threads=False).combine_chunks()
    for name in sorted(wanted.intersection(BASE.names).difference(there)):  # which the version that wrote them did not know
        table = table.append_column(BASE.field(name), pa.nulls(table.num_rows, BASE.field(name).type))
    batch = table.to_batches(max_chunksize=max(1, table.num_rows))[0] if table.num_rows else pa.RecordBatch.from_pylist([], table.schema)
    measured = batch.schema.field("opt_out").type.names if "opt_out" in there else []
    creators, pdq = (pc.struct_field(batch.column("opt_out"), name) if name in measured else None for name in ("creators", "pdq"))
    gone = pc.fill_null(pc.equal(batch.column("problem"), GONE), False).to_pylist()
    found: Hits = defaultdict(list)
    for match in lists.match(batch, creators, slack, pdq):
        for row, detail, entry in zip(match.rows.tolist(), match.details, match.entries.tolist(), strict=True):
            if not gone[row]:
                found[row].append(Cause(match.kind, match.reason, match.scope, detail, entry))
    return dict(found)


def clusters_of(ledger: str, hits: Hits) -> Clusters:
    """The clusters that rows of a shard are in.

    Args:
      ledger: path of its ledger.
      hits: rows that go.
    """
    whole: dict[str, dict[str, Cause]] = {}
    located: set[str] = set()
    names = read_parquet(ledger, ["cluster"]).column("cluster").to_pylist() if hits else []
    for row in sorted(hits):
        for cause in hits[row]:
            if names[row] is not None and cause.scope == CONTENT:
                whole.setdefault(names[row], {}).setdefault(cause.reason, cause)
            elif names[row] is not None:
                located.add(names[row])
    return Clusters(whole, frozenset(located))


def members(ledger: str, clusters: Clusters, known: Hits) -> Members:
    """Rows of a shard that go, by content, with a row of their cluster, and copies of what goes for its URL, which stay.

    Args:
      ledger: path of the shard's ledger.
      clusters: of the rows that go in all shards.
      known: rows of this shard that go anyway.
    """
    if not clusters:
        return Members({})
    asked = pa.array(sorted({*clusters.whole, *clusters.located}), pa.string())
    table = read_parquet(ledger, ["row", "cluster", "verdict", "flags"])
    removed: Hits = {}
    copies: list[int] = []
    number = 0
    for found in table.filter(pc.is_in(table.column("cluster"), asked)).to_pylist():
        if REMOVED_LATER in found["flags"]:
            continue
        causes = clusters.whole.get(found["cluster"], {})
        reasons = {cause.reason for cause in known.get(found["row"], ())}
        more = [dataclasses.replace(cause, kind=CLUSTER, detail=COPY) for reason, cause in causes.items() if reason not in reasons]
        if more:
            number += not reasons
            removed[found["row"]] = more
        elif not reasons and not causes and found["verdict"] == KEPT:
            copies.append(found["row"])
    return Members(removed, copies, number)


def union(parts: Iterable[Hits]) -> Hits:
    """What several searches of a shard have found."""
    joined: Hits = {}
    for found in parts:
        for row, causes in found.items():
            joined.setdefault(row, []).extend(causes)
    return joined


def names(ledger: str, uids: pa.Array, columns: Sequence[str]) -> bool:
    """Whether a ledger names one of these uids in one of these columns, as far as it has them.

    Args:
      ledger: its path.
      uids: the uids.
      columns: texts, lists of them, or `evidence`, in the details of which uids of other rows may stand.
    """
    with open_parquet(ledger) as source:
        table = source.read([name for name in columns if name in source.schema_arrow.names], use_threads=False)
    for name, column in zip(table.column_names, table.columns, strict=True):
        values = pc.list_flatten(column) if pa.types.is_list(column.type) else column
        if name == "evidence":
            values = pa.array(sorted(uids_in(pc.struct_field(values, "detail"))), pa.string())
        if pc.any(pc.is_in(values, uids)).as_py():
            return True
    return False


def uids_in(details: pa.ChunkedArray | pa.Array) -> set[str]:
    """The uids that texts name."""
    found = pc.drop_null(details.filter(pc.fill_null(pc.match_substring_regex(details, UID.pattern), False)))
    return {uid for text in found.to_pylist() for uid in UID.findall(text)}
