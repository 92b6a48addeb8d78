"""Publishes the kept rows of a shard: source and ledger in, one Parquet file and its summary out.

What is published was decided: the ledger says which rows, with what weight, and what is to be redacted. Here it is done. Position,
serial numbers and owner go from every picture and every metadata column, whatever the ledger says; faces are blurred where it says so.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas import reasons
from schemas.annotations import EMBEDDINGS
from schemas.job import Source
from schemas.release import IMAGE, SCHEMA_VERSION
from schemas.samples import Samples
from schemas.shards import Shard
from schemas.summaries import SUMMARY
from transforms.attribution import attribution
from transforms.carry import Carried
from transforms.footers import columns_but
from transforms.images.blur import blur_boxes
from transforms.images.decode import EXTENSIONS, sniff
from transforms.images.scrub import scrub, scrub_exif_text
from transforms.read.reader import open_shard
from transforms.release_schema import ReleaseSchema, conform
from transforms.storage import atomic_write, read_parquet
from transforms.summaries import CREDITED, Published, summarise
from transforms.text.personal_data import EMAIL, PHONE, redact
from transforms.text.personal_values import redact_value

GROUP_ROWS = 10_000
GROUP_BYTES = 128 << 20
FILE = b"winnow.file"  # footer of a summary: JSON rows, bytes and sha256 of the data file
REDACTED = "redacted:"


@dataclasses.dataclass(frozen=True)
class Task:
    """One shard to publish: where its source, annotation and ledger lie, what it carries, and where data and summary go.

    `redact` are kinds of personal data that are written over in what pictures say of who made them, `allowed` what is left where it stands
    in captions and columns (transforms.text.personal_data.allowed_by).
    """

    shard: Shard
    annotation: str
    ledger: str
    captions: str
    data: str
    summary: str
    redact: tuple[str, ...] = (EMAIL, PHONE)
    allowed: frozenset[bytes] = frozenset()


def emit_shard(task: Task, source: Source, release: ReleaseSchema, carried: Carried | None = None) -> None:
    """Writes the data file, then its summary, whose being there says that both are done.

    Args:
      task: the shard.
      source: what it belongs to.
      release: the run's schema.
      carried: captions that its rows carry beside their own, where the schema has a column for them.
    """
    annotations, ledger = read_parquet(task.annotation, columns_but(task.annotation, EMBEDDINGS)), read_parquet(task.ledger)
    for name in ("width", "height"):
        ledger = ledger.append_column(name, annotations.column(name))
    ledger = ledger.append_column("faces", pc.struct_field(annotations.column("faces"), "boxes"))
    kept = np.flatnonzero(ledger.column("verdict").to_numpy() == reasons.KEPT)
    described, published = write_data(task.data, release.schema, _published(task, source, release, ledger, kept, carried))
    write_summary(task.summary, summarise(annotations, ledger, published), described)


def write_data(path: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> tuple[dict[str, Any], Published]:
    """Writes a data file.

    Returns:
      What it is (rows, bytes, sha256), and what its summary must know of its columns.
    """
    nulls: dict[str, int] = dict.fromkeys(schema.names, 0)
    values: dict[str, list[pa.Array]] = {name: [] for name in CREDITED if name in schema.names and schema.field(name).type == pa.string()}
    rows = 0
    with atomic_write(path) as scratch:
        with pq.ParquetWriter(scratch, schema, version="2.6", compression="zstd", store_schema=True) as writer:
            for table in _groups(batches):
                writer.write_table(table, row_group_size=table.num_rows)
                rows += table.num_rows
                for name in table.column_names:
                    nulls[name] += table.column(name).null_count
                for name in values:
                    values[name] += table.column(name).chunks
            writer.add_key_value_metadata({"schema_version": SCHEMA_VERSION})
        with open(scratch, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            return {"rows": rows, "bytes": file.seek(0, 2), "sha256": sha256}, Published(
                nulls, {name: pa.chunked_array(c, pa.string()) for name, c in values.items()}
            )


def write_summary(path: str, summary: pa.Table, described: Mapping[str, Any]) -> None:
    """Writes the summary of a shard, and in its footer what its data file is."""
    with atomic_write(path) as scratch, pq.ParquetWriter(scratch, SUMMARY, compression="zstd") as writer:
        writer.write_table(summary.cast(SUMMARY))
        writer.add_key_value_metadata({FILE: json.dumps(described)})


def _published(
    task: Task, source: Source, release: ReleaseSchema, ledger: pa.Table, kept: np.ndarray, carried: Carried | None
) -> Iterator[pa.RecordBatch]:
    """Kept rows as they are published, batch by batch, in the order of the source."""
    if not len(kept):
        return
    chosen = ledger.take(pa.array(kept))
    at = 0
    with open_shard(task.shard, source) as reader:
        for samples in reader.batches(kept):
            rows = chosen.slice(at, len(samples))
            yield publish(samples, rows, release, task.shard.source, carried, task.redact, task.allowed)
            at += len(samples)


def publish(
    samples: Samples,
    ledger: pa.Table,
    release: ReleaseSchema,
    source: str,
    carried: Carried | None = None,
    redacted: Sequence[str] = (EMAIL, PHONE),
    allowed: frozenset[bytes] = frozenset(),
) -> pa.RecordBatch:
    """Kept rows of a batch as they are published (release.schema).

    Args:
      samples: kept rows only.
      ledger: their ledger rows, in the same order.
      release: the run's schema.
      source: name of the source they come from.
      carried: captions that they carry beside their own.
      redacted: kinds of personal data that are written over in what pictures and columns say of who made them.
      allowed: what is not written over in captions and columns.
    """
    if samples.core.column("row").to_pylist() != ledger.column("row").to_pylist():
        raise AssertionError("samples and ledger rows do not lie side by side")
    kinds = [_redacted(actions) for actions in ledger.column("actions").to_pylist()]
    columns: dict[str, pa.Array] = {**_own_columns(samples, ledger, kinds, allowed), **attribution(samples, redacted)}
    if carried is not None:
        columns["captions"] = _captions(columns["caption"], ledger.column("row").to_pylist(), carried)
        columns["caption_count"] = ledger.column("caption_count").combine_chunks()
    dirty = [row for row, found in enumerate(kinds) if found]
    mapping = release.columns.get(source, {})
    key_column = samples.roles.get("key")
    for column, name in mapping.items():
        if column == key_column:
            array = ledger.column("key").combine_chunks()
        elif column not in samples.source.schema.names:
            continue
        elif column == samples.roles.get("exif"):
            texts = samples.source.column(column).to_pylist()
            array = pa.array([None if text is None else scrub_exif_text(text)[0] for text in texts], pa.string())
        else:
            array = samples.source.column(column)
        columns[name] = conform(_clean(array, kinds, dirty, allowed), release.schema.field(name).type)
    arrays = [columns[f.name] if f.name in columns else pa.nulls(len(samples), f.type) for f in release.schema]
    return pa.RecordBatch.from_arrays(arrays, schema=release.schema)


def _own_columns(samples: Samples, ledger: pa.Table, kinds: Sequence[frozenset[str]], allowed: frozenset[bytes]) -> dict[str, pa.Array]:
    captions = samples.core.column("caption").to_pylist()
    texts = [redact(text, found, allowed) if text is not None and found else text for text, found in zip(captions, kinds, strict=True)]
    columns = {
        "uid": ledger.column("uid").combine_chunks(),
        "url": ledger.column("url").combine_chunks(),
        "caption": pa.array(texts, pa.string()),
        **{name: ledger.column(name).combine_chunks() for name in ("weight", "copies", "copy_hosts")},
    }
    images: list[dict[str, Any] | None] = []
    written: list[str | None] = []
    read: list[str | None] = []
    pictures = samples.core.column("image").to_pylist()
    for raw, uid, faces in zip(pictures, columns["uid"].to_pylist(), _blurred(ledger), strict=True):
        clean = None if raw is None else scrub(raw).image
        if clean is not None and faces:
            clean = blur_boxes(clean, faces)
        images.append(None if clean is None else {"bytes": clean, "path": f"{uid}.{EXTENSIONS[sniff(clean) or 'jpeg']}"})
        read.append(_hex(raw))
        written.append(read[-1] if clean is raw else _hex(clean))
    return {
        **columns,
        "image": pa.array(images, IMAGE),
        **{name: _size(ledger.column(name), samples.role(name)) for name in ("width", "height")},
        "sha256": pa.array(written, pa.string()),
        "read_sha256": pa.array(read, pa.string()),
    }


def _blurred(ledger: pa.Table) -> list[list[dict[str, int]]]:
    """The boxes that are blurred in each row: all that are known of a picture in which one face must not be seen, doubtful ones too."""
    asked = [reasons.BLURRED_FACES in actions for actions in ledger.column("actions").to_pylist()]
    if not any(asked):
        return [[]] * len(asked)
    return [boxes if blurred else [] for blurred, boxes in zip(asked, ledger.column("faces").to_pylist(), strict=True)]


def _captions(own: pa.Array, rows: Sequence[int], carried: Carried) -> pa.Array:
    """The captions of each row: its own, then those it carries; those that became one text by redaction once."""
    found = [
        list(dict.fromkeys([*(() if text is None else (text,)), *carried.by(row)])) for text, row in zip(own.to_pylist(), rows, strict=True)
    ]
    return pa.array(found, pa.list_(pa.string()))


def _hex(raw: bytes | None) -> str | None:
    return None if raw is None else hashlib.sha256(raw).hexdigest()


def _size(measured: pa.ChunkedArray, declared: pa.Array | None) -> pa.Array:
    """A side as displayed; as declared where there is no picture to measure."""
    sizes = measured.combine_chunks()
    if declared is None or not sizes.null_count or not (pa.types.is_integer(declared.type) or pa.types.is_floating(declared.type)):
        return sizes
    return pc.coalesce(sizes, pc.cast(declared, pa.int32(), safe=False))


def _redacted(actions: Sequence[str]) -> frozenset[str]:
    return frozenset(action.removeprefix(REDACTED) for action in actions if action.startswith(REDACTED))


def _clean(array: pa.Array, kinds: Sequence[frozenset[str]], dirty: Sequence[int], allowed: frozenset[bytes]) -> pa.Array:
    """A source column with personal data redacted in the rows whose actions say so; nested values too."""
    if not dirty or not _holds_text(array.type):
        return array
    values = array.to_pylist()
    for row in dirty:
        values[row] = redact_value(values[row], kinds[row], allowed)
    return pa.array(values, array.type)


def _holds_text(kind: pa.DataType) -> bool:
    if pa.types.is_nested(kind):
        return any(_holds_text(kind.field(place).type) for place in range(kind.num_fields))
    if pa.types.is_dictionary(kind):
        return _holds_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches joined into row groups of 10,000 rows or 128 MiB, whichever comes first; how the reader cut them does not show."""
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        rest = batch
        while rest.num_rows:
            room = _room(rest, GROUP_ROWS - rows, GROUP_BYTES - size)
            if room:
                part = rest.slice(0, room)
                waiting.append(part)
                rows, size = rows + room, size + part.nbytes
                rest = rest.slice(room)
            if rest.num_rows or rows == GROUP_ROWS:
                yield pa.Table.from_batches(waiting)
                waiting, rows, size = [], 0, 0
    if waiting:
        yield pa.Table.from_batches(waiting)


def _room(batch: pa.RecordBatch, rows: int, size: int) -> int:
    """How many rows of a batch still fit; at least one row fits an empty group."""
    if batch.num_rows <= rows and batch.nbytes <= size:
        return batch.num_rows
    fits = 0
    while fits < min(rows, batch.num_rows) and batch.slice(fits, 1).nbytes <= size:
        size -= batch.slice(fits, 1).nbytes
        fits += 1
    return fits if fits or size < GROUP_BYTES else 1


def data_files(summaries: Mapping[str, Mapping[bytes, bytes]]) -> dict[str, dict[str, Any]]:
    """What the footers of summaries say of the data files: rows, bytes, sha256, by shard."""
    return {name: json.loads(metadata[FILE]) for name, metadata in summaries.items()}
