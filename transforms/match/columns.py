"""Signature files: the columns of `schemas.signatures.SIGNATURE` that say something, in one uncompressed batch, read by column.

A column that is zero in every row of a file is left out and read as zeros: a list of URLs carries no 2.3 kB of thumbnail a row, and
pictures that are compared as they are carry no views.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from schemas.errors import InputError
from schemas.signatures import SIGNATURE
from transforms import storage

_METADATA = {b"winnow.columns": hashlib.sha256(str(SIGNATURE).encode()).hexdigest().encode()}
_ALWAYS = "uid"


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
    with storage.open_arrow(path) as source:
        reader = pa.ipc.open_file(source)
        if reader.schema.metadata != _METADATA:
            raise InputError(f"{path}: signatures of another version of Winnow; run the job again with this one")
        if reader.num_record_batches != 1:
            raise InputError(f"{path}: {reader.num_record_batches} batches where one was written; remove it and run again")
        there = reader.schema.names
        if not storage.is_local(path):  # Arrow copies the columns of such a choice, so a map is better read without
            fields = [there.index(name) for name in {*names, _ALWAYS} if name in there]
            reader = pa.ipc.open_file(source, options=pa.ipc.IpcReadOptions(included_fields=fields))
        batch = reader.get_batch(0)
    return {name: _values(batch.column(name)) if name in there else _zeros_of(SIGNATURE.field(name).type, batch.num_rows) for name in names}


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
