"""Measures every row of a shard once: digests, picture, every filter, groups; writes annotations and signatures.

Nothing is judged here and nothing short-circuits: an unreadable row and a row that one filter will reject are measured by all others too.
"""

import dataclasses
import hashlib
import json
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas import annotations
from schemas.errors import UnreadableShardError, WinnowError
from schemas.job import Decode, Dedup, Source
from schemas.samples import Samples
from schemas.shards import Shard
from transforms.filters.base import Batch, Filter
from transforms.images.decode import Picture, PictureError, open_picture
from transforms.images.phash import Hashes, hash_pictures
from transforms.images.view import View
from transforms.read.beside import Beside
from transforms.read.count import count_rows
from transforms.read.reader import open_shard
from transforms.source_numbers import numbers_of
from transforms.storage import atomic_write
from transforms.text.caption import count_words
from transforms.text.groups import groups
from transforms.text.url import host_of, normal_url, registrable_domain, without_credentials

ABSENT = struct.pack("<Q", 2**64 - 1)
EXACT_IN_DOUBLE = 2**53
VIEWS_BYTES = 64 << 20  # what models see is kept of so many bytes of a batch; further pictures are decoded again when they are asked for


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What annotate depends on beside the shard itself.

    Attributes:
      filters: every installed filter, each after those it reads.
      dedup: how rows are signed.
    """

    filters: tuple[Filter, ...]
    dedup: Dedup

    @property
    def schema(self) -> pa.Schema:
        """Schema of the annotation files."""
        return annotations.schema({rule.name: rule.measured for rule in self.filters})

    @property
    def views(self) -> list[View]:
        """How the filters' models see pictures, each way once."""
        return list(dict.fromkeys(view for rule in self.filters for view in rule.views()))


@dataclasses.dataclass
class Tally:
    """What the driver wants to know of a shard without reading its rows; stands in the annotation's footer.

    Attributes:
      rows: all rows.
      recorded: rows that the downloader had recorded as failed.
      unreadable: unreadable rows among the others.
      unreadable_shard: why the shard could not be read at all.
      not_scored: filter -> rows on which it raised. `first_not_scored`: the first such row. `errors`: the class of what it raised there.
      numbers: column of the source -> rows in which it holds a number.
    """

    rows: int = 0
    recorded: int = 0
    unreadable: int = 0
    unreadable_shard: str | None = None
    not_scored: Counter[str] = dataclasses.field(default_factory=Counter)
    first_not_scored: dict[str, int] = dataclasses.field(default_factory=dict)
    errors: dict[str, str] = dataclasses.field(default_factory=dict)
    numbers: Counter[str] = dataclasses.field(default_factory=Counter)

    def add(self, batch: pa.RecordBatch) -> None:
        """Counts a batch of annotations."""
        self.rows += batch.num_rows
        recorded = pc.sum(batch.column("recorded")).as_py() or 0
        self.recorded += recorded
        self.unreadable += batch.num_rows - batch.column("problem").null_count - recorded
        failed = batch.column("not_scored")
        if len(failed.flatten()):
            for row, names in zip(batch.column("row").to_pylist(), failed.to_pylist(), strict=True):
                for name in names:
                    self.not_scored[name] += 1
                    self.first_not_scored.setdefault(name, row)
        for column in pc.value_counts(batch.column("numbers").flatten().field("column")).to_pylist():
            self.numbers[column["values"]] += column["counts"]

    def encoded(self) -> bytes:
        """JSON for the footer."""
        return json.dumps(vars(self), sort_keys=True).encode()


TALLY = b"winnow.tally"


def annotate_shard(shard: Shard, source: Source, recipe: Recipe, annotation: str, signature: str) -> None:
    """Reads a shard once and writes its two files; the annotation comes last, so that its being there says that both are.

    Raises:
      MissingError: a model is gone.
      InputError: the shard cannot be opened.
    """
    from transforms.match.columns import write_columns
    from transforms.match.signatures import sign

    tally, wide = Tally(), set[str]()
    signed: list[pa.RecordBatch] = []
    with atomic_write(annotation) as scratch, pq.ParquetWriter(scratch, recipe.schema, compression="zstd") as writer:
        try:
            with open_shard(shard, source) as reader:
                beside = Beside(shard)
                for samples in reader.batches():
                    rows, measured_rows = annotate_rows(samples, shard, source.decode, recipe, beside)
                    writer.write_batch(rows)
                    signed.append(sign(*measured_rows, recipe.dedup.captions.digits))
                    tally.add(rows)
                    tally.errors = {**measured_rows[0].errors, **tally.errors}
                    wide |= _wide_columns(samples.source)
                schema, notes, roles = reader.schema, reader.notes, dict(reader.roles)
                counted = count_rows(shard, source)  # here, while a copy of a remote tar is at hand
        except UnreadableShardError as error:
            tally.unreadable_shard, schema, notes, counted, roles = str(error), pa.schema([]), [str(error)], tally.rows, {}
        writer.add_key_value_metadata(
            {
                annotations.SOURCE_ROWS: str(counted),
                annotations.SOURCE_SCHEMA: _schema_text(schema, wide),
                annotations.NOTES: json.dumps(notes),
                annotations.ROLES: json.dumps(roles, sort_keys=True),
                TALLY: tally.encoded(),
            }
        )
        with atomic_write(signature) as target:
            write_columns(signed, target)


ToSign = tuple[Batch, list[bytes], Hashes | None, list[bytes | None]]


def annotate_rows(samples: Samples, shard: Shard, budget: Decode, recipe: Recipe, beside: Beside) -> tuple[pa.RecordBatch, ToSign]:
    """Annotations of a batch (Recipe.schema), row for row, and what its signatures are made of: the batch, uids, hashes, URL identities."""
    images: list[bytes | None] = samples.core.column("image").to_pylist()
    urls: list[str | None] = samples.core.column("url").to_pylist()
    captions: list[str | None] = samples.core.column("caption").to_pylist()
    problems: list[str | None] = samples.core.column("problem").to_pylist()
    pictures = _open_pictures(images, problems, budget, recipe.dedup.images.mode, recipe.views if samples.has_bytes else None)
    hashes = hash_pictures(pictures, recipe.dedup.images.reach)
    sha256 = [None if raw is None else hashlib.sha256(raw).digest() for raw in images]
    normal_urls = [None if url is None else normal_url(url) for url in urls]
    batch = Batch(
        samples=samples,
        pictures=pictures,
        sha256=sha256,
        sha1=[None if raw is None else hashlib.sha1(raw, usedforsecurity=False).digest() for raw in images],
        md5=[None if raw is None else hashlib.md5(raw, usedforsecurity=False).digest() for raw in images],
        phash=[
            None if low or picture is None else int(h) for h, low, picture in zip(hashes.phash, hashes.low_detail, pictures, strict=True)
        ],
        measures={},
        mode=recipe.dedup.images.mode,
        beside=beside.of(samples),
        filters={rule.name: rule for rule in recipe.filters},
    )
    failed: list[list[str]] = [[] for _ in range(len(batch))]
    for rule in recipe.filters:
        batch.measures[rule.name], rows = measured(rule, batch)
        for row in rows:
            failed[row].append(rule.name)
            batch.errors.setdefault(rule.name, rows[row])
    uids = [row_uid(*fields) for fields in zip(sha256, normal_urls, captions, strict=True)]
    url_ids = [_text_id(url) for url in normal_urls]
    hosts = [None if url is None else host_of(url) for url in normal_urls]
    private = batch.measures["personal_data"]
    withheld = {name: pc.fill_null(private.field(f"{name}_withheld"), True).to_pylist() for name in ("url", "key")}
    columns: dict[str, Any] = {
        "uid": [uid.hex() for uid in uids],
        "source": [shard.source] * len(batch),
        "shard": [shard.name] * len(batch),
        "row": samples.core.column("row"),
        "key": [None if gone else key for key, gone in zip(samples.core.column("key").to_pylist(), withheld["key"], strict=True)],
        "url": [None if gone or url is None else without_credentials(url) for url, gone in zip(urls, withheld["url"], strict=True)],
        "url_id": url_ids,
        "domain": [None if host is None else registrable_domain(host) for host in hosts],
        "problem": problems,
        "recorded": _recorded(samples),
        "flags": _flags(samples, pictures),
        "not_scored": failed,
        "bytes": [None if raw is None else len(raw) for raw in images],
        "format": [None if p is None else p.format for p in pictures],
        "width": [None if p is None else p.width for p in pictures],
        "height": [None if p is None else p.height for p in pictures],
        "sha256": sha256,
        "sha1": batch.sha1,
        "md5": batch.md5,
        "phash": batch.phash,
        "low_detail": [bool(low) and p is not None for low, p in zip(hashes.low_detail, pictures, strict=True)],
        "has_caption": [text is not None for text in captions],
        "caption_length": [0 if text is None else len(text) for text in captions],
        "words": [0 if text is None else count_words(text) for text in batch.normal_captions],
        "caption_id": [_text_id(text) for text in captions],
        "normal_caption_id": [_text_id(text) for text in batch.normal_captions],
        "numbers": numbers_of(samples.source),
        "groups": groups(batch.normal_captions, pa.array(batch.measures["language"].field("label")).to_pylist(), hosts),
        **batch.measures,
    }
    schema = recipe.schema
    arrays = [columns[f.name] if isinstance(columns[f.name], pa.Array) else pa.array(columns[f.name], f.type) for f in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema), (batch, uids, hashes if samples.has_bytes else None, url_ids)


def _text_id(text: str | None) -> bytes | None:
    """First 128 bits of the SHA-256 of a text as UTF-8."""
    return None if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def measured(rule: Filter, batch: Batch) -> tuple[pa.StructArray, dict[int, str]]:
    """What a filter measures, and the rows on which it raised, each with the class of what it raised.

    A batch that raises is measured row by row, so that one bad row costs no other its score.
    """
    try:
        return _conformed(rule, rule.measure(batch)), {}
    except WinnowError:
        raise
    except Exception:  # whatever a filter or its model raises over one row must not stop the others
        parts, failed = [], {}
        for row in range(len(batch)):
            try:
                parts.append(_conformed(rule, rule.measure(batch.slice(row, 1))))
            except WinnowError:
                raise
            except Exception as error:  # this is the row: it is counted, flagged, and follows the filter's on_missing
                failed[row] = type(error).__name__
                parts.append(pa.nulls(1, rule.measured))
        return pa.concat_arrays(parts) if parts else pa.nulls(0, rule.measured), failed


def _conformed(rule: Filter, found: pa.StructArray) -> pa.StructArray:
    return found if found.type == rule.measured else found.cast(rule.measured)


def _open_pictures(
    images: Sequence[bytes | None],
    problems: list[str | None],
    budget: Decode,
    mode: Literal["fast", "exact"],
    views: Sequence[View] | None,
) -> list[Picture | None]:
    """Decodes pictures, one at a time, unless `views` is None; writes what is wrong with one into `problems`."""
    pictures: list[Picture | None] = []
    kept = 0
    for row, raw in enumerate(images):
        picture = None
        if problems[row] is None and views is not None:
            try:
                picture = open_picture(raw or b"", budget, mode, views if kept < VIEWS_BYTES else ())
                kept += sum(pixels.nbytes for pixels in picture.seen.values())
            except PictureError as error:
                problems[row] = "no bytes" if raw is None else str(error)
        pictures.append(picture)
    return pictures


def row_uid(sha256: bytes | None, url: str | None, caption: str | None) -> bytes:
    """First 128 bits of SHA-256 over three fields, each an 8-byte little-endian length and its bytes; absent: length 2^64 - 1.

    >>> row_uid(None, None, None).hex()
    '44a5f7891570e5631e8c91c85186e663'
    """
    whole = hashlib.sha256()
    for field in (sha256, url, caption):
        raw = field.encode("utf-8", "surrogatepass") if isinstance(field, str) else field
        whole.update(ABSENT if raw is None else struct.pack("<Q", len(raw)) + raw)
    return whole.digest()[:16]


def _flags(samples: Samples, pictures: Sequence[Picture | None]) -> list[list[str]]:
    read: list[list[str]] = samples.core.column("flags").to_pylist()
    return [[*flags, *(() if picture is None else picture.flags)] for flags, picture in zip(read, pictures, strict=True)]


def _recorded(samples: Samples) -> pa.Array:
    """Rows that the reader calls unreadable and whose recorded status says that the download failed."""
    status = samples.role("status")
    if status is None:
        return pa.array([False] * len(samples))
    failed = pc.not_equal(status.cast(pa.string()), "success")
    return pc.fill_null(pc.and_(failed, pc.is_valid(samples.core.column("problem"))), False)


def _wide_columns(source: pa.RecordBatch) -> set[str]:
    """Integer columns that hold a number which a double cannot."""
    wide = set()
    for field, column in zip(source.schema, source.columns, strict=True):
        if pa.types.is_int64(field.type) or pa.types.is_uint64(field.type):
            values = column.drop_null().to_numpy(zero_copy_only=False)
            if len(values) and max(abs(int(values.max())), abs(int(values.min()))) > EXACT_IN_DOUBLE:
                wide.add(field.name)
    return wide


def _schema_text(schema: pa.Schema, wide: set[str]) -> str:
    marked = pa.schema([f.with_metadata({b"winnow.wide": b"1"}) if f.name in wide else f.remove_metadata() for f in schema])
    return marked.serialize().to_pybytes().hex()


def source_schema(footer: Mapping[bytes, bytes]) -> pa.Schema:
    """The source's own columns as `annotate_shard` left them in a footer."""
    return pa.ipc.read_schema(pa.py_buffer(bytes.fromhex(footer[annotations.SOURCE_SCHEMA].decode())))
