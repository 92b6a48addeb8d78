"""Signature files: the columns of `schemas.signatures.SIGNATURE` that say something, in one uncompressed batch, read by column.

A column that is zero in every row of a file is left out and read as zeros: a list of URLs carries no 2.3 kB of thumbnail a row, and
pictures that are compared as they are carry no views.
"""

import functools
import hashlib
import mmap
import os
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from schemas.errors import InputError
from schemas.signatures import SIGNATURE
from transforms import storage

_METADATA = {b"winnow.columns": hashlib.sha256(str(SIGNATURE).encode()).hexdigest().encode()}
_ALWAYS = "uid"
_FILES_KNOWN = 4_096  # local files, where whose columns begin is remembered


def write_columns(batches: Sequence[pa.RecordBatch], path: str) -> None:
    """Writes a signature file on this machine.

    Args:
      batches: of schema `SIGNATURE`, or all of them without the same columns of it.
      path: where.
    """
    table = pa.Table.from_batches(batches) if batches else SIGNATURE.empty_table()
    kept = [name for name in table.column_names if name == _ALWAYS or any(_values(part).any() for part in table.column(name).chunks)]
    schema = pa.schema([SIGNATURE.field(name) for name in kept], _METADATA)
    columns = [_one_array(table.column(name)) for name in kept]
    with pa.OSFile(path, "wb") as target, pa.ipc.new_file(target, schema) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def open_columns(path: str, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Columns of a signature file as arrays over its memory map; a remote file is read, these columns alone.

    Raises:
      InputError: the file was written by another version, or is damaged.
    """
    if storage.is_local(path):
        return _mapped(path, names)
    with storage.open_arrow(path) as source:
        reader = _checked(path, pa.ipc.open_file(source))
        there = reader.schema.names
        fields = [there.index(name) for name in {*names, _ALWAYS} if name in there]
        batch = pa.ipc.open_file(source, options=pa.ipc.IpcReadOptions(included_fields=fields)).get_batch(0)
    return {name: _values(batch.column(name)) if name in there else _zeros_of(SIGNATURE.field(name).type, batch.num_rows) for name in names}


def _checked(path: str, reader: pa.RecordBatchFileReader) -> pa.RecordBatchFileReader:
    if reader.schema.metadata != _METADATA:
        raise InputError(f"{path}: signatures of another version of Winnow; run the job again with this one")
    if reader.num_record_batches != 1:
        raise InputError(f"{path}: {reader.num_record_batches} batches where one was written; remove it and run again")
    return reader


def _mapped(path: str, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The columns of a local file over a map of it. Rows are read from hundreds of files at a time: Arrow is asked only once for each."""
    with storage.open_read(path) as file:
        found = os.fstat(file.fileno())
        rows, places = _places(path, (found.st_ino, found.st_size, found.st_mtime_ns))
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return {name: _read(content, SIGNATURE.field(name).type, rows, places.get(name)) for name in names}


@functools.lru_cache(maxsize=_FILES_KNOWN)
def _places(path: str, version: tuple[int, ...]) -> tuple[int, dict[str, int]]:  # noqa: ARG001 -- another file of the name is not this one
    """How many rows a local file has, and at which byte the values of each of its columns begin."""
    with storage.open_arrow(path) as source:
        batch = _checked(path, pa.ipc.open_file(source)).get_batch(0)
        source.seek(0)
        start = source.read_buffer().address
        columns = zip(batch.schema.names, batch.columns, strict=True)
        return batch.num_rows, {name: column.buffers()[1].address - start for name, column in columns} if batch.num_rows else {}


def _read(content: mmap.mmap, kind: pa.DataType, rows: int, place: int | None) -> np.ndarray:
    """A column that begins at a byte, or one that the file has not."""
    if place is None:
        return _zeros_of(kind, rows)
    if pa.types.is_boolean(kind):
        return np.unpackbits(np.frombuffer(content, np.uint8, -(-rows // 8), place), count=rows, bitorder="little").view(np.bool_)
    if pa.types.is_fixed_size_binary(kind):
        return np.frombuffer(content, np.uint8, rows * kind.byte_width, place).reshape(rows, kind.byte_width)
    return np.frombuffer(content, str(kind), rows, place)


def no_rows(name: str) -> np.ndarray:
    """A column of no rows."""
    return _zeros_of(SIGNATURE.field(name).type, 0)


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _values(column: pa.Array) -> np.ndarray:
    """The values over Arrow's own memory; Arrow's `to_numpy` would load pandas, for a quarter of a second."""
    kind, rows, offset = column.type, len(column), column.offset
    if not rows:
        return _zeros_of(kind, 0)
    buffer = column.buffers()[1]
    if pa.types.is_boolean(kind):
        return np.unpackbits(np.frombuffer(buffer, np.uint8), count=offset + rows, bitorder="little")[offset:].view(np.bool_)
    if pa.types.is_fixed_size_binary(kind):
        width = kind.byte_width
        return np.frombuffer(buffer, np.uint8, rows * width, offset * width).reshape(-1, width)
    return np.frombuffer(buffer, str(kind), rows, offset * kind.bit_width // 8)


def _zeros_of(kind: pa.DataType, rows: int) -> np.ndarray:
    """A column of zeros that takes no memory."""
    if pa.types.is_fixed_size_binary(kind):
        return np.broadcast_to(np.uint8(0), (rows, kind.byte_width))
    return np.broadcast_to(np.zeros((), str(kind)), rows)
