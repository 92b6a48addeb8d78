"""Signature files: the columns of `schemas.signatures.SIGNATURE` that say something, in one uncompressed batch, read by column.

Two names stand for the column of details, which is not of fixed width: see `transforms.match.detail_column`.

A column that is zero in every row of a file is left out and read as zeros: a list of URLs carries no 2.3 kB of thumbnail a row, and
pictures that are compared as they are carry no views.
"""

import functools
import hashlib
import mmap
import os
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from schemas.errors import InputError
from schemas.signatures import DETAIL, SIGNATURE
from transforms import storage
from transforms.match.detail_column import DETAILED, DETAILS, Held, Octets, columns_of, no_details

_FIXED = pa.schema([field for field in SIGNATURE if field.name != DETAILS])  # a file of these alone has rows without details
_METADATA = {b"winnow.columns": hashlib.sha256(str(_FIXED).encode()).hexdigest().encode()}
_ALWAYS = "uid"
_FILES_KNOWN = 4_096  # local files, where whose columns begin is remembered
WIDE = 1 << 10  # bytes of a row of a column
APART = 1 << 14  # bytes from one row to the next, in the mean: what lies between costs more to look at than it costs to ask for each
FETCHED = 1 << 17  # bytes of a file: what a system fetches in one go, if not more
BETWEEN = 1 << 15  # bytes that cost less to fetch than another request for what is behind them

Column = np.ndarray | Held | Octets
"""What rows are taken of as of an array."""


def write_columns(batches: Sequence[pa.RecordBatch], path: str) -> None:
    """Writes a signature file on this machine.

    Args:
      batches: of schema `SIGNATURE`, or all of them without the same columns of it.
      path: where.
    """
    table = pa.Table.from_batches(batches) if batches else SIGNATURE.empty_table()
    kept = [name for name in table.column_names if name == _ALWAYS or any(_says_something(part) for part in table.column(name).chunks)]
    schema = pa.schema([SIGNATURE.field(name) for name in kept], _METADATA)
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
        with storage.open_read(path) as file:
            return _mapped(path, file.fileno(), names)
    with storage.open_arrow(path) as source:
        reader = _checked(path, pa.ipc.open_file(source))
        there = reader.schema.names
        fields = [there.index(name) for name in {*names, _ALWAYS, *({DETAILS} if DETAILED in names else ())} if name in there]
        batch = pa.ipc.open_file(source, options=pa.ipc.IpcReadOptions(included_fields=fields)).get_batch(0)
    return {name: _column_of(batch, name) for name in names}


def _column_of(batch: pa.RecordBatch, name: str) -> Column:
    """A column of a batch, or one that it has not."""
    if name in (DETAILED, DETAILS):
        ends, details = columns_of(batch.column(DETAILS)) if DETAILS in batch.schema.names else no_details(batch.num_rows)
        return Held(ends) if name == DETAILED else Octets(ends, details)
    return _values(batch.column(name)) if name in batch.schema.names else _zeros_of(SIGNATURE.field(name).type, batch.num_rows)


def read_rows(path: str, names: Sequence[str], rows: int, wanted: slice | np.ndarray) -> dict[str, np.ndarray]:
    """Columns of some rows of a signature file: by a slice over its memory map, else as arrays of their own.

    Columns of a local file of which little is wanted are read row by row: a page that is looked at where it is mapped takes 3.5
    microseconds, with the 15 around it, to ask for a row half of one; and where the page cache does not hold all files of a run, what lies
    around each row costs more than to ask for it.

    Args:
      path: where.
      names: of the columns.
      rows: how many the file is said to have.
      wanted: which of them, int64[n], ascending, where it is no slice.

    Raises:
      InputError: the file was written by another version, has other rows, or is damaged.
    """
    if not storage.is_local(path) or isinstance(wanted, slice):
        return {name: column[wanted] for name, column in _of_so_many(path, _opened(path, names), rows).items()}
    with storage.open_read(path) as file:
        columns = _of_so_many(path, _mapped(path, file.fileno(), names), rows)
        places = _places_in(path, file.fileno())[1]
        return {name: _wanted(path, file.fileno(), places.get(name), column, wanted) for name, column in columns.items()}


def expect_rows(path: str, name: str, wanted: np.ndarray) -> None:
    """Tells the system that rows of a column of a local file will be read, int64[n], ascending, unless they are few.

    So what is read here and there, over and over, is fetched in order and in large parts, and little that lies between takes its place.
    """
    width = SIGNATURE.field(name).type.byte_width
    if _are_few(wanted, width):
        return
    with storage.open_read(path) as file:
        place = _places_in(path, file.fileno())[1].get(name)
        if place is None:
            return
        _expect(file.fileno(), place + wanted * width, width, BETWEEN)


def _expect(file: int, starts: np.ndarray, width: int, between: int) -> None:
    """Tells the system that values of a width will be read, which start at these bytes, ascending, and with them what is hardly between."""
    if not hasattr(os, "posix_fadvise"):
        return
    parted = np.flatnonzero(np.diff(starts) > width + between)
    begins, ends = starts[np.concatenate([[0], parted + 1])], starts[np.concatenate([parted, [len(starts) - 1]])] + width
    for start, stop in zip(begins.tolist(), ends.tolist(), strict=True):
        for at in range(start, stop, FETCHED):
            os.posix_fadvise(file, at, min(FETCHED, stop - at), os.POSIX_FADV_WILLNEED)


def has_column(path: str, name: str) -> bool:
    """Whether a local file has a column: whether some row of it is not zero there."""
    with storage.open_read(path) as file:
        return name in _places_in(path, file.fileno())[1]


def _checked(path: str, reader: pa.RecordBatchFileReader) -> pa.RecordBatchFileReader:
    if reader.schema.metadata != _METADATA:
        raise InputError(f"{path}: signatures of another version of Winnow; run the job again with this one")
    if reader.num_record_batches != 1:
        raise InputError(f"{path}: {reader.num_record_batches} batches where one was written; remove it and run again")
    return reader


def _mapped(path: str, file: int, names: Sequence[str]) -> dict[str, Column]:
    """The columns of an open local file over a map of it."""
    rows, places = _places_in(path, file)
    content = mmap.mmap(file, 0, access=mmap.ACCESS_READ)
    return {name: _read(content, name, rows, places) for name in names}


def _are_few(wanted: np.ndarray, width: int) -> bool:
    return len(wanted) * APART < int(wanted[-1] - wanted[0]) * width


def _of_so_many(path: str, columns: dict[str, Column], rows: int) -> dict[str, Column]:
    found = next((len(column) for column in columns.values() if len(column) != rows), None)
    if found is not None:
        raise InputError(f"{path}: {found} rows where one batch of {rows} rows was written; remove it and run again")
    return columns


def _wanted(path: str, file: int, place: int | None, column: Column, wanted: np.ndarray) -> np.ndarray:
    """Some rows of a column of an open local file that begins there: read one by one if they are few, else looked at where it is mapped."""
    if isinstance(column, Octets):
        places = column.places(wanted)
        return column[wanted] if place is None or not len(places) else _one_by_one(path, file, place, DETAIL, places)
    if place is None or isinstance(column, Held) or column.dtype == np.bool_:
        return column[wanted]
    width = column[:1].nbytes
    if not _are_few(wanted, width):
        return column[wanted]
    return _one_by_one(path, file, place, width, wanted).view(column.dtype).reshape(-1, *column.shape[1:])


def _one_by_one(path: str, file: int, place: int, width: int, rows: np.ndarray) -> np.ndarray:
    """Rows of an open file whose column of this width begins at a byte, uint8[n, width].

    The system is asked for all wide ones before the first is waited for: where it holds none, edges of pictures take less than half of the
    processor's time and of the wait for it.
    """
    if width >= WIDE:
        _expect(file, place + rows * width, width, 0)
    found = b"".join([os.pread(file, width, at) for at in (place + rows * width).tolist()])
    if len(found) != len(rows) * width:
        raise InputError(f"{path}: the file ends within a column; remove it and run again")
    return np.frombuffer(found, np.uint8).reshape(-1, width)


def _places_in(path: str, file: int) -> tuple[int, dict[str, int]]:
    """As `_places`. Rows are read from hundreds of files at a time: Arrow is asked only once for each."""
    found = os.fstat(file)
    return _places(path, (found.st_ino, found.st_size, found.st_mtime_ns))


@functools.lru_cache(maxsize=_FILES_KNOWN)
def _places(path: str, version: tuple[int, ...]) -> tuple[int, dict[str, int]]:  # noqa: ARG001 -- another file of the name is not this one
    """How many rows a local file has, and at which byte the values of each of its columns begin."""
    with storage.open_arrow(path) as source:
        batch = _checked(path, pa.ipc.open_file(source)).get_batch(0)
        source.seek(0)
        start = source.read_buffer().address
        if not batch.num_rows:
            return 0, {}
        places = {name: column.buffers()[-1].address - start for name, column in zip(batch.schema.names, batch.columns, strict=True)}
        if DETAILS in places:
            places[DETAILED] = batch.column(DETAILS).buffers()[1].address - start
        return batch.num_rows, places


def _read(content: mmap.mmap, name: str, rows: int, places: Mapping[str, int]) -> Column:
    """A column, or one that the file has not, from the bytes at which columns begin."""
    if name in (DETAILED, DETAILS):
        ends, details = no_details(rows)
        if DETAILED in places:
            ends = np.frombuffer(content, "<i8", rows + 1, places[DETAILED])
            details = np.frombuffer(content, np.uint8, int(ends[-1]), places[DETAILS]).reshape(-1, DETAIL)
        return Held(ends) if name == DETAILED else Octets(ends, details)
    kind, place = SIGNATURE.field(name).type, places.get(name)
    if place is None:
        return _zeros_of(kind, rows)
    if pa.types.is_boolean(kind):
        return np.unpackbits(np.frombuffer(content, np.uint8, -(-rows // 8), place), count=rows, bitorder="little").view(np.bool_)
    if pa.types.is_fixed_size_binary(kind):
        return np.frombuffer(content, np.uint8, rows * kind.byte_width, place).reshape(rows, kind.byte_width)
    return np.frombuffer(content, str(kind), rows, place)


def no_rows(name: str) -> np.ndarray:
    """A column of no rows."""
    ends, details = no_details(0)
    columns: dict[str, Column] = {DETAILED: Held(ends), DETAILS: Octets(ends, details)}
    return columns[name][:] if name in columns else _zeros_of(SIGNATURE.field(name).type, 0)


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _says_something(column: pa.Array) -> bool:
    return bool(len(columns_of(column)[1])) if column.type == pa.large_binary() else bool(_values(column).any())


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
