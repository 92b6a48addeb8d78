"""Rows of a Parquet file, or of a range of its row groups: a column of picture bytes and the source's own columns."""

import contextlib
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import JobError, UnreadableShardError
from schemas.job import Source
from schemas.samples import MAX_BATCH_BYTES, MAX_BATCH_ROWS, Samples
from schemas.shards import Shard
from transforms.read.batches import make_batch, make_samples, within_budget
from transforms.read.cleaning import DAMAGE, REPLACED, as_text, clean, clean_type, recorded_failures
from transforms.read.columns import ROLES, resolve
from transforms.storage import is_local, open_read

DAMAGED = "damaged column chunk"
# A dictionary holds a repeated cell once, and the footer counts it once: few rows at a time bound what it unfolds to.
_PICTURE_ROWS = 16


class ParquetReader:
    """Reads the rows of one shard.

    Attributes:
      schema: the source's own columns under unique names, the image column left out.
      roles: role -> column of `schema`.
      notes: what was noticed about the shard; complete when it has been read.
      has_bytes: whether rows carry pictures.
    """

    has_bytes: ClassVar[bool] = True

    def __init__(self, shard: Shard, source: Source) -> None:
        self._budget = source.decode
        self._remote = None if is_local(shard.path) else open_read(shard.path)
        self._path = shard.path
        try:
            self._file = pq.ParquetFile(self._remote or shard.path, buffer_size=1 << 20, pre_buffer=False, page_checksum_verification=True)
            arrow, names = self._file.schema_arrow, self._file.schema_arrow.names
        except DAMAGE as error:
            raise UnreadableShardError(
                f"{shard.path}: cannot be read as Parquet ({error}); fetch it again, or allow it with `source.max_unreadable_shards`"
            ) from error
        source, self._child = _dotted(arrow, source)
        columns = resolve(names, source, shard.path)
        self.notes = list(columns.notes)
        self._image = _image_place(arrow, source, shard.path, self._child)
        fields = [pa.field(name, clean_type(field.type)) for name, field in zip(columns.names, arrow, strict=True)]
        self._others = [place for place in range(len(fields)) if place != self._image]
        self._arrow = arrow
        self.schema = pa.schema([fields[place] for place in self._others])
        self.roles = {role: column for role, column in columns.roles.items() if role != "image"}
        self.missing = columns.missing
        self._groups = range(*(shard.row_groups or (0, self._file.num_row_groups)))
        self._replaced = 0
        self._check_image(sum(self._file.metadata.row_group(group).num_rows for group in self._groups))

    def close(self) -> None:
        """Lets the file go."""
        self._file.close()
        if self._remote is not None:
            self._remote.close()

    def batches(self, rows: np.ndarray | None = None) -> Iterator[Samples]:
        """The rows in order, at most 1,000 and about 64 MB at a time.

        Args:
          rows: ascending row numbers of those wanted; None for all. Row groups without one are not read.
        """
        first = 0
        for group in self._groups:
            end = first + self._file.metadata.row_group(group).num_rows
            wanted = np.arange(first, end) if rows is None else rows[np.searchsorted(rows, first) : np.searchsorted(rows, end)]
            if len(wanted):
                yield from self._gathered(group, first, wanted)
            first = end
        if self._replaced:
            self.notes.append(f"{REPLACED} in {self._replaced} values")
            self._replaced = 0

    def captions(self) -> pa.Array:
        """The raw caption of every row, string; no other column is read. From where the column is damaged on, a row group has none."""
        parts = [pa.array([], pa.string())]
        for group in self._groups:
            missing = self._file.metadata.row_group(group).num_rows
            if "caption" in self.roles:
                with contextlib.suppress(*DAMAGE):
                    for _, batch in self._iterate(group, MAX_BATCH_ROWS, 0, [self.roles["caption"]]):
                        text, _ = as_text(clean(batch.column(self.roles["caption"]))[0])
                        parts.append(pa.nulls(batch.num_rows, pa.string()) if text is None else text)
                        missing -= batch.num_rows
            parts.append(pa.nulls(missing, pa.string()))
        return pa.concat_arrays(parts)

    def _gathered(self, group: int, first: int, wanted: np.ndarray) -> Iterator[Samples]:
        """Wanted rows of one group, small reads put together."""
        held: list[pa.RecordBatch] = []
        numbers: list[np.ndarray] = []
        size, damage = 0, False
        for start, batch, damaged in self._read(group):
            low, high = np.searchsorted(wanted, (first + start, first + start + batch.num_rows))
            here = wanted[low:high]
            if len(here):
                picked = batch if len(here) == batch.num_rows else batch.take(pa.array(here - first - start))
                rows = sum(map(len, numbers)) + len(here)
                if held and (damaged != damage or rows > MAX_BATCH_ROWS or size + picked.nbytes > MAX_BATCH_BYTES):
                    yield self._samples(pa.concat_batches(held), np.concatenate(numbers), damaged=damage)
                    held, numbers, size = [], [], 0
                held, numbers, size, damage = [*held, picked], [*numbers, here], size + picked.nbytes, damaged
            if high == len(wanted):
                break
        if held:
            yield self._samples(pa.concat_batches(held), np.concatenate(numbers), damaged=damage)

    def _read(self, group: int) -> Iterator[tuple[int, pa.RecordBatch, bool]]:
        """First row, columns as the file has them, and whether the picture column could not be read."""
        count, done, step = self._file.metadata.row_group(group).num_rows, 0, self._step(group)
        while done < count:
            try:
                for start, batch in self._iterate(group, step, done):
                    yield start, batch, False
                    done = start + batch.num_rows
                break
            except (
                pa.ArrowNotImplementedError
            ):  # "nested data conversions": a column of this batch holds more than 2 GiB (apache/arrow#32723)
                if step == 1:
                    break
                step = max(1, step // 2)
            except DAMAGE:
                break
        if done < count:
            self.notes.append(f"{DAMAGED}: row group {group}, rows from {done} on")
            yield from self._rest(group, done, count)

    def _iterate(self, group: int, step: int, done: int, columns: list[str] | None = None) -> Iterator[tuple[int, pa.RecordBatch]]:
        start = 0
        for batch in self._file.iter_batches(batch_size=step, row_groups=[group], columns=columns, use_threads=False):
            if start + batch.num_rows > done:
                skip = max(0, done - start)
                yield start + skip, batch.slice(skip)
            start += batch.num_rows

    def _rest(self, group: int, done: int, count: int) -> Iterator[tuple[int, pa.RecordBatch, bool]]:
        """The rows whose picture column cannot be read: their other columns where those can, else nulls. No row is lost."""
        others = [self._arrow.names[place] for place in self._others]
        with contextlib.suppress(*DAMAGE):
            for start, batch in self._iterate(group, MAX_BATCH_ROWS, done, others):
                if batch.schema.names != others:
                    break
                columns: list[pa.Array] = list(batch.columns)
                if self._image is not None:
                    columns.insert(self._image, pa.nulls(batch.num_rows, self._arrow.field(self._image).type))
                yield start, pa.RecordBatch.from_arrays(columns, schema=self._arrow), True
                done = start + batch.num_rows
        while done < count:
            length = min(MAX_BATCH_ROWS, count - done)
            yield done, pa.RecordBatch.from_arrays([pa.nulls(length, field.type) for field in self._arrow], schema=self._arrow), True
            done += length

    def _step(self, group: int) -> int:
        """Rows to read at once, from the footer's byte counts."""
        footer = self._file.metadata.row_group(group)
        step = MAX_BATCH_BYTES * footer.num_rows // max(1, footer.total_byte_size)
        if self._image is not None and self.has_bytes:
            step = min(step, _PICTURE_ROWS)
        return max(1, min(MAX_BATCH_ROWS, step))

    def _samples(self, batch: pa.RecordBatch, rows: np.ndarray, *, damaged: bool) -> Samples:
        cleaned = [clean(batch.column(place)) for place in self._others]
        self._replaced += sum(count for _, count in cleaned)
        source = make_batch([column for column, _ in cleaned], self.schema, len(rows))
        image, problems = self._pictures(batch)
        recorded, disallowed = recorded_failures(self._column(source, "status"), self._column(source, "error_message"), len(rows))
        if damaged:
            problems = [DAMAGED] * len(rows)
        else:
            pairs = zip(recorded, problems, strict=True)
            problems = [told or problem if problem or not self.has_bytes else None for told, problem in pairs]
        return make_samples(
            source, self.roles, rows=rows, key=self._text(source, "key"), image=image, caption=self._text(source, "caption"),
            url=self._text(source, "url"), problem=problems, disallowed=disallowed, has_bytes=self.has_bytes,
        )  # fmt: skip

    def _pictures(self, batch: pa.RecordBatch) -> tuple[pa.Array, list[str | None]]:
        if self._image is None or not self.has_bytes:
            return pa.nulls(batch.num_rows, pa.large_binary()), [None] * batch.num_rows
        column = batch.column(self._image)
        if pa.types.is_struct(column.type):
            column = column.flatten()[column.type.get_field_index(self._child)]
        return within_budget(column.cast(pa.large_binary()), self._budget)

    def _column(self, source: pa.RecordBatch, role: str) -> pa.Array | None:
        return source.column(self.roles[role]) if role in self.roles else None

    def _text(self, source: pa.RecordBatch, role: str) -> pa.Array:
        column = self._column(source, role)
        text, _ = (None, 0) if column is None else as_text(column)
        return pa.nulls(source.num_rows, pa.string()) if text is None else text

    def _check_image(self, rows: int) -> None:
        if self._image is None and rows and self.has_bytes:
            raise JobError(
                f"{self._path}: no column holds pictures (columns: {', '.join(self._arrow.names)}); name it with `source.columns.image`, "
                f"or set `source.format: urls`"
            )


def _dotted(arrow: pa.Schema, source: Source) -> tuple[Source, str]:
    """The source with `image: column.child` mapped to the column alone, and the child that holds the bytes."""
    column, dot, child = source.columns.get("image", "").partition(".")
    if dot and f"{column}.{child}" not in arrow.names and column in arrow.names:
        return source.model_copy(update={"columns": source.columns | {"image": column}}), child
    return source, "bytes"


def _image_place(arrow: pa.Schema, source: Source, path: str, child: str) -> int | None:
    """Which column holds picture bytes: the mapped one, else the first known name of a fitting type."""
    mapped = source.columns.get("image")
    for name in (mapped,) if mapped else ROLES["image"]:
        places = arrow.get_all_field_indices(name)
        if places and _holds_bytes(arrow.field(places[0]).type, child):
            return int(places[0])
        if places and mapped:
            raise JobError(
                f"{path}: column {mapped!r} (source.columns.image) is {arrow.field(places[0]).type}, which holds no picture bytes"
            )
    return None


def _holds_bytes(kind: pa.DataType, child: str) -> bool:
    if pa.types.is_struct(kind):
        place = kind.get_field_index(child)
        return place >= 0 and not pa.types.is_struct(kind.field(place).type) and _holds_bytes(kind.field(place).type, child)
    return any(
        fits(kind)
        for fits in (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary, pa.types.is_null)
    )
