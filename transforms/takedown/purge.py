"""Empties the private files of a shard of what identifies rows that were taken down. The rows stay, so that all are accounted for."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.annotations import BASE, EMBEDDINGS, NOTES
from schemas.reasons import UNREADABLE
from schemas.signatures import SIGNATURE
from transforms.match.columns import open_columns, write_columns
from transforms.match.detail_column import DETAILED, DETAILS, array_of
from transforms.storage import atomic_write, open_parquet, read_parquet
from transforms.takedown.hits import GONE
from transforms.takedown.tables import replaced

_STAYS = ("uid", "source", "shard", "row", "flags", "groups")
_EMPTY: dict[str, Any] = {
    "problem": GONE,
    "recorded": True,
    "not_scored": [],
    "numbers": [],
}  # recorded: counts for no limit of unreadable rows


def purge_annotations(source: str, target: str, rows: Collection[int], renamed: Mapping[str, str], hidden: Collection[int]) -> None:
    """Writes a shard's annotations again. Rows that go become unreadable, so that no later judge can keep them.

    Args:
      source: the annotations.
      target: where the others go.
      rows: rows that go.
      renamed: uids that are written down nowhere any more -> what stands in their place.
      hidden: of the rows those of which no measure is kept either.
    """
    with open_parquet(source) as opened:
        metadata = {name: value for name, value in (opened.metadata.metadata or {}).items() if name != b"ARROW:schema"}
        metadata[NOTES] = json.dumps([note.partition(":")[0] for note in json.loads(metadata[NOTES])]).encode()  # behind it stand names
        table = opened.read(use_threads=False).replace_schema_metadata(None)
    chosen = sorted(rows)
    emptied = _emptied(table.take(pa.array(chosen, pa.int64())), renamed, np.array([row in hidden for row in chosen], bool))
    with atomic_write(target) as scratch, pq.ParquetWriter(scratch, table.schema, compression="zstd") as writer:
        writer.write_table(replaced(table, chosen, emptied), row_group_size=100_000)
        writer.add_key_value_metadata(metadata)


def purge_embeddings(path: str, rows: Sequence[int]) -> None:
    """Writes a shard's annotations again without the embeddings of rows; nothing is done where these have none."""
    with open_parquet(path) as opened:
        table = opened.read(use_threads=False).replace_schema_metadata(None)
        metadata = {name: value for name, value in (opened.metadata.metadata or {}).items() if name != b"ARROW:schema"}
    at = table.schema.get_field_index(EMBEDDINGS)
    column = pa.concat_arrays(table.column(at).chunks or [pa.array([], table.schema.field(at).type)])
    gone = np.isin(np.arange(table.num_rows), rows)
    if not any(len(side.drop_null()) for side in column.filter(pa.array(gone)).flatten()):
        return
    left = pc.if_else(pa.array(gone), pa.scalar(None, column.type), column)
    with atomic_write(path) as scratch, pq.ParquetWriter(scratch, table.schema, compression="zstd") as writer:
        writer.write_table(table.set_column(at, table.schema.field(at), left), row_group_size=1_000)
        writer.add_key_value_metadata(metadata)


def _emptied(table: pa.Table, renamed: Mapping[str, str], hidden: np.ndarray) -> pa.Table:
    columns = []
    for field in table.schema:
        column = pa.concat_arrays(table.column(field.name).chunks or [pa.array([], field.type)])
        if field.name == "uid":
            column = pa.array([renamed.get(uid, uid) for uid in column.to_pylist()], field.type)
        elif field.name in BASE.names and field.name not in _STAYS:
            nothing: Any = None if field.nullable else False if pa.types.is_boolean(field.type) else 0
            column = pa.array([_EMPTY.get(field.name, nothing)] * len(column), field.type)
        elif field.name not in BASE.names:
            column = _measures(column, hidden)
        columns.append(column)
    return pa.Table.from_arrays(columns, schema=table.schema)


def _measures(column: pa.Array, hidden: np.ndarray) -> pa.Array:
    """A filter's measures: its numbers stay, texts, digests and lists go; of hidden rows everything does."""
    kept = [column.field(place) if _is_number(field.type) else pa.nulls(len(column), field.type) for place, field in enumerate(column.type)]
    gone = hidden | column.is_null().to_numpy(zero_copy_only=False)
    return pa.StructArray.from_arrays(kept, fields=list(column.type), mask=pa.array(gone))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def purge_signatures(source: str, target: str, rows: Sequence[int], renamed: Mapping[str, str]) -> None:
    """Writes a shard's signatures again: of rows that go only the uid is left, no hash and no thumbnail.

    Raises:
      InputError: they were written by another version.
    """
    columns = open_columns(source, [*SIGNATURE.names, DETAILED])
    keep = np.ones(len(columns["uid"]), bool)
    keep[np.array(rows, np.int64)] = False
    arrays = []
    for field in SIGNATURE:
        values = np.array(columns[field.name])
        if field.name == DETAILS:
            held = columns[DETAILED]
            arrays.append(array_of(held & keep, values[keep[held]]))
            continue
        if field.name != "uid":
            values[~keep] = 0
        else:
            for row in rows:
                uid = bytes(values[row]).hex()
                values[row] = np.frombuffer(bytes.fromhex(renamed.get(uid, uid)), np.uint8)
        arrays.append(_array(values, field.type))
    batch = pa.RecordBatch.from_arrays(arrays, schema=SIGNATURE)
    with atomic_write(target) as scratch:
        write_columns([batch] if batch.num_rows else [], scratch)


def _array(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    if not pa.types.is_fixed_size_binary(kind):
        return pa.array(values, kind)
    return pa.FixedSizeBinaryArray.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def purge_carried(source: str, target: str, silenced: Collection[tuple[str, int]], rows: Collection[int]) -> None:
    """Writes down again where the captions lie that a shard's rows carry (schemas.ledger.CARRIED), without those that go.

    Args:
      source: the file.
      target: where the other one goes.
      silenced: shard and row of captions that nobody carries any more.
      rows: rows of this shard that go.
    """
    table = read_parquet(source)
    stays = [found["row"] not in rows and (found["shard"], found["from_row"]) not in silenced for found in table.to_pylist()]
    with atomic_write(target) as scratch:
        pq.write_table(table.filter(pa.array(stays, pa.bool_())), scratch, compression="zstd")


def as_counted(annotations: pa.Table, ledger: pa.Table, rows: Collection[int]) -> pa.Table:
    """Annotations as the summary of a shard counts them: no domain of rows that go, and no problem of any but unreadable rows."""
    gone = pa.array(np.isin(np.arange(annotations.num_rows), sorted(rows)))
    unreadable = pc.equal(ledger.column("verdict"), UNREADABLE)
    for name, hidden in (("domain", gone), ("problem", pc.invert(unreadable))):
        column = annotations.column(name)
        at = annotations.schema.get_field_index(name)
        annotations = annotations.set_column(at, annotations.schema.field(at), pc.if_else(hidden, pa.scalar(None, column.type), column))
    return annotations
