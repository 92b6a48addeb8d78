"""Signature files: the columns of `schemas.signatures.SIGNATURE` that say something, in one uncompressed batch, read by column.

Two names stand for the column of details, which is not of fixed width: see `transforms.match.detail_column`.

A column that is zero in every row of a file is left out and read as zeros: a list of URLs carries no 2.3 kB of thumbnail a row, and
pictures that are compared as they are carry no views.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from schemas.errors import InputError
from schemas.signatures import SIGNATURE
from transforms import storage
from transforms.match.column_layout import METADATA, checked, width_of, zeros
from transforms.match.detail_column import DETAILED, DETAILS, Held, Octets, columns_of, no_details
from transforms.match.local_columns import Column, are_few, local_columns

_ALWAYS = "uid"


def write_columns(batches: Sequence[pa.RecordBatch], path: str) -> None:
    """Writes a signature file on this machine.

    Args:
      batches: of schema `SIGNATURE`, or all of them without the same columns of it.
      path: where.
    """
    table = pa.Table.from_batches(batches) if batches else SIGNATURE.empty_table()
    kept = [name for name in table.column_names if name == _ALWAYS or any(_says_something(part) for part in table.column(name).chunks)]
    schema = pa.schema([SIGNATURE.field(name) for name in kept], METADATA)
    columns = [_one_array(table.column(name)) for name in kept]
    with pa.OSFile(path, "wb") as target, pa.ipc.new_file(target, schema) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def open_columns(path: str, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Columns of a signature file as arrays over its memory map; a remote file is read, these columns alone.

    Args:
      path: where.
      names: of the columns.

    Raises:
      InputError: the file was written by another version, or is damaged.
    """
    return {name: column[:] for name, column in _opened(path, names).items()}


def _opened(path: str, names: Sequence[str]) -> dict[str, Column]:
    if storage.is_local(path):
        with local_columns(path) as here:
            return {name: here.column(name) for name in names}
    with storage.open_arrow(path) as source:
        reader = checked(path, pa.ipc.open_file(source))
        there = reader.schema.names
        fields = [there.index(name) for name in {*names, _ALWAYS, *({DETAILS} if DETAILED in names else ())} if name in there]
        batch = pa.ipc.open_file(source, options=pa.ipc.IpcReadOptions(included_fields=fields)).get_batch(0)
    return {name: _column_of(batch, name) for name in names}


def _column_of(batch: pa.RecordBatch, name: str) -> Column:
    """A column of a batch, or one that it has not."""
    if name in (DETAILED, DETAILS):
        ends, details = columns_of(batch.column(DETAILS)) if DETAILS in batch.schema.names else no_details(batch.num_rows)
        return Held(ends) if name == DETAILED else Octets(ends, details)
    here = name in batch.schema.names and batch.num_rows
    return _values(batch.column(name)) if here else zeros(name, batch.num_rows)


def read_rows(path: str, names: Sequence[str], rows: int, wanted: slice | np.ndarray) -> dict[str, np.ndarray]:
    """Columns of some rows of a signature file: by a slice over its memory map, else as arrays of their own.

    Args:
      path: where.
      names: of the columns.
      rows: how many the file is said to have.
      wanted: which of them, int64[n], ascending, where it is no slice.

    Raises:
      InputError: the file was written by another version, has other rows, or is damaged.
    """
    if not storage.is_local(path) or isinstance(wanted, slice):
        columns = _opened(path, names)
        for column in columns.values():
            _expect_so_many(path, len(column), rows)
        return {name: column[wanted] for name, column in columns.items()}
    with local_columns(path) as here:
        _expect_so_many(path, here.rows, rows)
        return {name: here.some(name, wanted) for name in names}


def _expect_so_many(path: str, found: int, rows: int) -> None:
    if found != rows:
        raise InputError(f"{path}: {found} rows where one batch of {rows} rows was written; remove it and run again")


def expect_rows(path: str, name: str, wanted: np.ndarray) -> None:
    """Tells the system that rows of a column of a local file will be read, int64[n], ascending, unless they are few."""
    if are_few(wanted, width_of(name)):
        return
    with local_columns(path) as here:
        here.expect(name, wanted)


def has_column(path: str, name: str) -> bool:
    """Whether a local file has a column: whether some row of it is not zero there."""
    with local_columns(path) as here:
        return here.has(name)


def no_rows(name: str) -> np.ndarray:
    """A column of no rows."""
    ends, details = no_details(0)
    columns: dict[str, Column] = {DETAILED: Held(ends), DETAILS: Octets(ends, details)}
    return columns[name][:] if name in columns else zeros(name, 0)


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _says_something(column: pa.Array) -> bool:
    if not len(column):
        return False
    return bool(len(columns_of(column)[1])) if column.type == pa.large_binary() else bool(_values(column).any())


def _values(column: pa.Array) -> np.ndarray:
    """The values over Arrow's own memory; Arrow's `to_numpy` would load pandas, for a quarter of a second."""
    kind, rows, offset = column.type, len(column), column.offset
    buffer = column.buffers()[1]
    if pa.types.is_boolean(kind):
        return np.unpackbits(np.frombuffer(buffer, np.uint8), count=offset + rows, bitorder="little")[offset:].view(np.bool_)
    if pa.types.is_fixed_size_binary(kind):
        width = kind.byte_width
        return np.frombuffer(buffer, np.uint8, rows * width, offset * width).reshape(-1, width)
    return np.frombuffer(buffer, str(kind), rows, offset * kind.bit_width // 8)
