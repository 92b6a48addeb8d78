"""Samples of a tar as img2dataset and webdataset write it, with its sidecar.

An index of the tar comes first; captions and JSON, which are small, are read at once and become the shard's columns; pictures are read
batch by batch from where they lie. So members of one sample may be far apart, and never all pictures are in memory.
"""

import io
import os
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

import numpy as np
import pyarrow as pa

from schemas.errors import InputError, UnreadableShardError
from schemas.job import Source
from schemas.reasons import EXTRA_MEMBER
from schemas.samples import MAX_BATCH_BYTES, MAX_BATCH_ROWS, Samples
from schemas.shards import Shard
from transforms.read.batches import NO_BYTES, TOO_LARGE, make_batch, make_samples
from transforms.read.cleaning import REPLACED, as_text, clean, recorded_failures
from transforms.read.columns import resolve
from transforms.read.fields import columns_of, first_valid, parse_object
from transforms.read.grouping import Sample, group
from transforms.read.sidecar import Sidecar, read_sidecar
from transforms.read.tar_index import Member, index_tar

MAX_TEXT_BYTES: Final = 16 << 20
NO_PICTURE: Final = "no picture"
NOT_IN_TAR: Final = "not in the tar"


class WebdatasetReader:
    """Reads the rows of one tar: its keys in order of first appearance, then the rows that only the sidecar has.

    Attributes:
      schema: JSON fields, then the sidecar's further columns.
      roles: role -> column of `schema`.
      notes: what was noticed about the shard; complete when it has been read.
      has_bytes: true.
    """

    has_bytes: ClassVar[bool] = True

    def __init__(self, file: io.BufferedReader, damage: str | None, shard: Shard, source: Source) -> None:
        """Indexes an uncompressed tar; `damage` is what was wrong with the stream that it was expanded from."""
        self._file = file
        self._path = shard.path
        self._budget = source.decode
        index = index_tar(file, file.seek(0, os.SEEK_END))
        if not index.headers and (index.junk or damage):
            cause = f" ({damage})" if damage else ""
            raise UnreadableShardError(f"{shard.path}: not a tar{cause}; fetch it again, or allow it with `source.max_unreadable_shards`")
        grouped = group(index.members)
        self._samples = grouped.samples
        self._counts = {"replaced": 0, "too long": 0, "no object": 0}
        self._keys = [self._decoded(sample.key) for sample in self._samples]
        sidecar, told = (None, []) if shard.sidecar is None else read_sidecar(shard.sidecar, source)
        self.notes = [*([f"damaged stream: {damage}"] if damage else []), *index.notes(), *told]
        self._make_columns(sidecar, source, shard)
        skipped = index.skipped | ({"system files": grouped.system_files} if grouped.system_files else {})
        if skipped:
            self.notes.append("no samples: " + ", ".join(f"{count} {kind}" for kind, count in sorted(skipped.items())))
        if grouped.unread:
            self.notes.append(f"members of types that are not read: {grouped.unread}")
        self._tell_counts()

    def batches(self, rows: np.ndarray | None = None) -> Iterator[Samples]:
        """The rows in order, at most 1,000 and about 64 MB at a time.

        Args:
          rows: ascending row numbers of those wanted; None for all. No other row's picture is read.
        """
        wanted = np.arange(self._source.num_rows) if rows is None else np.asarray(rows, np.int64)
        start = size = 0
        for place, row in enumerate(wanted.tolist()):
            own = sum(member.size for member in self._pictures(row))
            if place > start and (place - start == MAX_BATCH_ROWS or size + own > MAX_BATCH_BYTES):
                yield self._batch(wanted[start:place])
                start, size = place, 0
            size += own
        if start < len(wanted):
            yield self._batch(wanted[start:])

    def captions(self) -> pa.Array:
        """The raw caption of every row, string."""
        return self._caption

    def _pictures(self, row: int) -> list[Member]:
        """The pictures of a row that the budget allows, the sample's own first."""
        if row >= len(self._samples):
            return []
        sample = self._samples[row]
        found = [sample.picture, *sample.extra] if sample.picture else []
        return [member for member in found if member.problem is None and 0 < member.size <= self._budget.max_bytes]

    def _batch(self, rows: np.ndarray) -> Samples:
        samples: list[Sample | None] = [self._samples[row] if row < len(self._samples) else None for row in rows.tolist()]
        take = pa.array(rows)
        return make_samples(
            self._source.take(take),
            self.roles,
            rows=rows,
            key=self._key.take(take),
            image=self._images([self._picture_of(row) for row in rows.tolist()]),
            caption=self._caption.take(take),
            url=self._url.take(take),
            problem=[self._problems[row] for row in rows.tolist()],
            disallowed=[self._disallowed[row] for row in rows.tolist()],
            extra=[[] if sample is None else [self._extra(member) for member in sample.extra] for sample in samples],
            flags=[[EXTRA_MEMBER] if sample is not None and sample.repeated else [] for sample in samples],
        )

    def _picture_of(self, row: int) -> Member | None:
        readable = self._pictures(row)
        return readable[0] if readable and readable[0] is self._samples[row].picture else None

    def _images(self, members: Sequence[Member | None]) -> pa.Array:
        """Picture bytes, read straight into one buffer."""
        sizes = np.array([0 if member is None else member.size for member in members], np.int64)
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        content = bytearray(int(offsets[-1]))
        view = memoryview(content)
        for start, member in zip(offsets.tolist(), members, strict=False):
            if member is not None:
                self._file.seek(member.offset)
                if self._file.readinto(view[start : start + member.size]) != member.size:
                    raise InputError(f"{self._path}: became shorter while it was read; run again when nobody writes to it")
        valid = pa.array([member is not None for member in members], pa.bool_()).buffers()[1]
        return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(members), [valid, pa.py_buffer(offsets), pa.py_buffer(content)])

    def _extra(self, member: Member) -> tuple[str, bytes | None]:
        fits = member.problem is None and member.size <= self._budget.max_bytes
        return member.name.decode(errors="replace"), self._bytes(member) if fits else None

    def _bytes(self, member: Member) -> bytes:
        self._file.seek(member.offset)
        return self._file.read(member.size)

    def _text(self, member: Member | None) -> str | None:
        """The text of a small member; None where there is none, it is cut, blank or too long."""
        if member is None or member.problem is not None:
            return None
        if member.size > MAX_TEXT_BYTES:
            self._counts["too long"] += 1
            return None
        text = self._decoded(self._bytes(member).removeprefix(b"\xef\xbb\xbf"))
        return text if text.strip() else None

    def _decoded(self, raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self._counts["replaced"] += 1
            return raw.decode(errors="replace")

    def _object(self, member: Member | None) -> dict[str, Any] | None:
        text = self._text(member)
        found = None if text is None else parse_object(text)
        self._counts["no object"] += text is not None and found is None
        return found

    def _make_columns(self, sidecar: Sidecar | None, source: Source, shard: Shard) -> None:
        """Joins JSON and sidecar into one table, and takes the core columns from it."""
        tar_rows = len(self._samples)
        texts = pa.array([self._text(sample.text) for sample in self._samples], pa.string())
        inferred, beyond = columns_of([self._object(sample.fields) for sample in self._samples])
        if beyond:
            self.notes.append(f"too many JSON fields: {beyond} are not read")
        take, rest, repeated = _joined(self._keys, sidecar)
        if repeated:
            self.notes.append(f"sidecar repeats keys of the tar: {repeated} rows are not read")
        beside = {} if sidecar is None else {name: column.take(take) for name, column in sidecar.columns.items()}
        rows = len(take)
        own = {name: pa.concat_arrays([clean(column)[0], pa.nulls(rows - tar_rows, column.type)]) for name, column in inferred.items()}
        names = [*own, *(name for name in beside if name not in own)]
        columns = resolve(names, source, shard.path)
        self.notes += columns.notes
        self.roles = {role: column for role, column in columns.roles.items() if role != "image"}
        self.missing = tuple(role for role in columns.missing if role != "image")
        merged = [first_valid(own[n], beside[n]) if n in own and n in beside else own[n] if n in own else beside[n] for n in names]
        self._source = make_batch(merged, pa.schema([(name, column.type) for name, column in zip(names, merged, strict=True)]), rows)
        self.schema = self._source.schema
        self._key = pa.array(self._keys + rest, pa.string())
        captions = [pa.concat_arrays([texts, pa.nulls(rows - tar_rows, pa.string())]), self._role("caption", own, rows)]
        self._caption = first_valid(first_valid(*captions), self._role("caption", beside, rows))
        self._url = first_valid(self._role("url", own, rows), self._role("url", beside, rows))
        self._make_problems(rows)

    def _role(self, role: str, columns: dict[str, pa.Array], rows: int) -> pa.Array:
        """A role's column as text; nulls where these columns do not have it."""
        column = columns.get(self.roles.get(role, ""))
        text = None if column is None else as_text(column)[0]
        return pa.nulls(rows, pa.string()) if text is None else text

    def _make_problems(self, rows: int) -> None:
        status, error = (self._source.column(self.roles[r]) if r in self.roles else None for r in ("status", "error_message"))
        recorded, self._disallowed = recorded_failures(status, error, rows)
        self._problems = [self._problem(row, told) for row, told in enumerate(recorded)]

    def _problem(self, row: int, recorded: str | None) -> str | None:
        if row >= len(self._samples):
            return recorded or NOT_IN_TAR
        sample = self._samples[row]
        if sample.problem is not None:
            return sample.problem
        if sample.picture is None:
            return recorded or NO_PICTURE
        if sample.picture.size == 0:
            return recorded or NO_BYTES
        return TOO_LARGE if sample.picture.size > self._budget.max_bytes else None

    def _tell_counts(self) -> None:
        replaced, too_long, no_object = self._counts.values()
        if replaced:
            self.notes.append(f"{REPLACED} in {replaced} names or members")
        if too_long:
            self.notes.append(f"texts too long: {too_long} members over {MAX_TEXT_BYTES >> 20} MiB are not read")
        if no_object:
            self.notes.append(f"JSON that is no object: {no_object} members are not read")


def _joined(keys: Sequence[str], sidecar: Sidecar | None) -> tuple[pa.Array, list[str | None], int]:
    """The sidecar's row for every key of the tar (null where it has none), then its other rows; their keys; how many rows repeat a key."""
    if sidecar is None:
        return pa.nulls(len(keys), pa.int64()), [], 0
    in_tar = set(keys)
    first: dict[str, int] = {}
    rest: list[int] = []
    repeated = 0
    for row, key in enumerate(sidecar.keys):
        if key is None or key not in in_tar:
            rest.append(row)
        elif key in first:
            repeated += 1
        else:
            first[key] = row
    return pa.array([first.get(key) for key in keys] + rest, pa.int64()), [sidecar.keys[row] for row in rest], repeated
