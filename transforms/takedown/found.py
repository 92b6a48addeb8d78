"""What a search has found in a release, as a table: which rows go and why, which copies stay, and what is known of the rows that go."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.storage import read_parquet
from transforms.takedown.hits import Cause, Hits
from transforms.takedown.signed import phashes_of

FACTS: Final = pa.schema(
    [
        ("uid", pa.string()),  # these three as its ledger has them
        ("url", pa.string()),
        ("verdict", pa.string()),
        ("sha256", pa.binary(32)),  # of its annotation
        ("phashes", pa.list_(pa.uint64())),  # of the picture, and of it in the mirror; empty where they say nothing
    ]
)  # of a row that goes
FOUND: Final = pa.schema(
    [
        pa.field("shard", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        ("kind", pa.string()),  # of the cause; null in a row that is a copy and stays
        ("reason", pa.string()),
        ("scope", pa.string()),
        ("detail", pa.string()),
        ("entry", pa.int64()),
        *FACTS,
    ]
)
_CAUSE: Final = tuple(field.name for field in dataclasses.fields(Cause))


@dataclasses.dataclass(frozen=True)
class Row:
    """A row that goes: why, and its `FACTS` by name."""

    causes: list[Cause]
    facts: Mapping[str, Any]


def rows_of(shard: str, removed: Hits, copies: Iterable[int], facts: Mapping[int, Mapping[str, Any]]) -> pa.Table:
    """What was found in a shard, of schema `FOUND`.

    Args:
      shard: its name.
      removed: rows that go.
      copies: kept rows that are copies of one that goes for its URL.
      facts: row that goes -> its `FACTS`.
    """
    rows = [
        {"shard": shard, "row": row, **{name: getattr(cause, name) for name in _CAUSE}, **facts[row]}
        for row in sorted(removed)
        for cause in removed[row]
    ]
    rows += [{"shard": shard, "row": row} for row in sorted(copies)]
    return pa.Table.from_pylist(rows, FOUND)


def facts_of(ledger: str, annotation: str, signature: str | None, removed: Hits) -> dict[int, dict[str, Any]]:
    """`FACTS` of the rows of a shard that go.

    Args:
      ledger: path of its ledger.
      annotation: of its annotations.
      signature: of its signatures; None where there are none that can be read.
      removed: the rows.
    """
    if not removed:
        return {}
    rows = sorted(removed)
    places = pa.array(rows, pa.int64())
    known = read_parquet(ledger, ["uid", "url", "verdict"]).take(places).to_pylist()
    hashed = read_parquet(annotation, ["sha256", "phash"]).take(places).to_pylist()
    signed = [[]] * len(rows) if signature is None else phashes_of(signature, rows)
    return {
        row: {**one, "sha256": other["sha256"], "phashes": words or [word for word in [other["phash"]] if word is not None]}
        for row, one, other, words in zip(rows, known, hashed, signed, strict=True)
    }


def read_found(path: str) -> tuple[dict[str, dict[int, Row]], dict[str, list[int]]]:
    """What was found: shard -> row -> why it goes, and shard -> copies that stay; shards and rows in the order of the table."""
    removed: dict[str, dict[int, Row]] = {}
    copies: dict[str, list[int]] = {}
    for batch in read_parquet(path).to_batches(max_chunksize=65_536):
        for found in batch.to_pylist():
            if found["kind"] is None:
                copies.setdefault(found["shard"], []).append(found["row"])
                continue
            mine = removed.setdefault(found["shard"], {})
            if found["row"] not in mine:
                mine[found["row"]] = Row([], {name: found[name] for name in FACTS.names})
            mine[found["row"]].causes.append(Cause(*(found[name] for name in _CAUSE)))
    return removed, copies


def write_found(tables: Iterable[pa.Table], path: str) -> None:
    """Writes the tables of all shards as one file on this machine."""
    with pq.ParquetWriter(path, FOUND, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)
