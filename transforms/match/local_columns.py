"""A signature file on this machine: its columns over a map of it, or of a few rows here and there what is read of each.

Rows are read of hundreds of files at a time, a few of each: to map a file takes as long as to ask for twenty rows, so it is not mapped for
them. A page that is looked at where it is mapped takes 3.5 microseconds, with the 15 around it, to ask for a row half of one; and where
the page cache does not hold all files of a run, what lies around each row costs more than to ask for it.
"""

import contextlib
import functools
import math
import mmap
import os
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import DTypeLike

from schemas.errors import InputError
from schemas.signatures import DETAIL
from transforms import storage
from transforms.match.column_layout import LAYOUTS, checked, width_of, zeros
from transforms.match.detail_column import DETAILED, DETAILS, Held, Octets, no_details

WIDE = 1 << 10  # bytes of a row of a column
APART = 1 << 14  # bytes from one row to the next, in the mean: what lies between costs more to look at than it costs to ask for each
FETCHED = 1 << 17  # bytes of a file: what a system fetches in one go, if not more
BETWEEN = 1 << 15  # bytes that cost less to fetch than another request for what is behind them
_FILES_KNOWN = 4_096  # where whose columns begin is remembered
_END = np.dtype("<i8")  # of a row's detail

Column = np.ndarray | Held | Octets
"""What rows are taken of as of an array."""


class LocalColumns:
    """The columns of an open file.

    Attributes:
      rows: how many it has.
    """

    def __init__(self, path: str, file: int) -> None:
        """Takes where the file lies and its descriptor, which must stay open until all is read; arrays over the map outlive it."""
        self._path, self._file = path, file
        found = os.fstat(file)
        self.rows, self._places = _places(path, (found.st_ino, found.st_size, found.st_mtime_ns))

    def has(self, name: str) -> bool:
        """Whether it has a column: whether some row of it is not zero there."""
        return name in self._places

    def column(self, name: str) -> Column:
        """A column over the map, or one that the file has not."""
        if name in (DETAILED, DETAILS):
            ends, details = no_details(self.rows)
            if self.has(DETAILED):
                ends = self._mapped(_END, self.rows + 1, DETAILED)
                details = self._mapped(np.uint8, int(ends[-1]), DETAILS).reshape(-1, DETAIL)
            return Held(ends) if name == DETAILED else Octets(ends, details)
        return self._array(name) if self.has(name) else zeros(name, self.rows)

    def _array(self, name: str) -> np.ndarray:
        kind, shape = LAYOUTS[name]
        if kind == np.bool_:
            return np.unpackbits(self._mapped(np.uint8, -(-self.rows // 8), name), count=self.rows, bitorder="little").view(np.bool_)
        return self._mapped(kind, self.rows * math.prod(shape), name).reshape(self.rows, *shape)

    def some(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Some rows of a column, int64[n], ascending: read one by one if they are few, else looked at where it is mapped."""
        if name in (DETAILED, DETAILS):
            return self._some_details(name, rows)
        if not self.has(name):
            return zeros(name, len(rows))
        (kind, shape), width = LAYOUTS[name], width_of(name)
        if kind == np.bool_ or not are_few(rows, width):
            return np.take(self._array(name), rows, axis=0)  # by an index it takes two to ten times as long
        return self._one_by_one(name, rows, width, width).view(kind).reshape(-1, *shape)

    def expect(self, name: str, rows: np.ndarray) -> None:
        """Tells the system that rows of a column will be read, int64[n], ascending.

        So what is read here and there, over and over, is fetched in order and in large parts, and little that lies between takes its place.
        """
        if not self.has(name):
            return
        width = width_of(name)
        starts = self._places[name] + rows * width
        parted = np.flatnonzero(np.diff(starts) > width + BETWEEN)
        begins, ends = np.concatenate([starts[:1], starts[parted + 1]]), np.concatenate([starts[parted], starts[-1:]]) + width
        for start, stop in zip(begins.tolist(), ends.tolist(), strict=True):
            for at in range(start, stop, FETCHED):
                self._will_need(at, min(FETCHED, stop - at))

    def _will_need(self, start: int, size: int) -> None:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._file, start, size, os.POSIX_FADV_WILLNEED)

    @functools.cached_property
    def _content(self) -> mmap.mmap:
        return mmap.mmap(self._file, 0, access=mmap.ACCESS_READ)

    def _mapped(self, kind: DTypeLike, count: int, name: str) -> np.ndarray:
        return np.frombuffer(self._content, kind, count, self._places[name])

    def _some_details(self, name: str, rows: np.ndarray) -> np.ndarray:
        width = _END.itemsize
        if not self.has(DETAILED):
            return np.zeros(len(rows), bool) if name == DETAILED else np.empty((0, DETAIL), np.uint8)
        if not are_few(rows, width):
            return self.column(name)[rows]
        begins, ends = self._one_by_one(DETAILED, rows, width, 2 * width).view(_END).T
        held: np.ndarray = ends > begins
        return held if name == DETAILED else self._one_by_one(DETAILS, begins[held] // DETAIL, DETAIL, DETAIL)

    def _one_by_one(self, name: str, rows: np.ndarray, stride: int, width: int) -> np.ndarray:
        """What begins at some rows of a column that takes so many bytes a row, uint8[n, width].

        The system is asked for all wide ones before the first is waited for: where it holds none, edges of pictures take less than half of
        the processor's time and of the wait for it.
        """
        starts = (self._places[name] + rows * stride).tolist()
        if width >= WIDE:
            for start in starts:
                self._will_need(start, width)
        found = b"".join([os.pread(self._file, width, start) for start in starts])
        if len(found) != len(rows) * width:
            raise InputError(f"{self._path}: the file ends within a column; remove it and run again")
        return np.frombuffer(found, np.uint8).reshape(-1, width)


@contextlib.contextmanager
def local_columns(path: str) -> Iterator[LocalColumns]:
    """A signature file on this machine, opened.

    Raises:
      InputError: it cannot be opened, another version wrote it, or it is damaged.
    """
    with storage.open_read(path) as file:
        yield LocalColumns(path, file.fileno())


def are_few(rows: np.ndarray, width: int) -> bool:
    """Whether rows of a column of a width, int64[n], ascending, lie so far apart that each is better asked for alone."""
    return len(rows) * APART < int(rows[-1] - rows[0]) * width


@functools.lru_cache(maxsize=_FILES_KNOWN)
def _places(path: str, version: tuple[int, ...]) -> tuple[int, dict[str, int]]:  # noqa: ARG001 -- another file of the name is not this one
    """How many rows a file has, and at which byte the values of each of its columns begin; Arrow is asked once."""
    with storage.open_arrow(path) as source:
        batch = checked(path, pa.ipc.open_file(source)).get_batch(0)
        source.seek(0)
        start = source.read_buffer().address
        if not batch.num_rows:
            return 0, {}
        places = {name: column.buffers()[-1].address - start for name, column in zip(batch.schema.names, batch.columns, strict=True)}
        if DETAILS in places:
            places[DETAILED] = batch.column(DETAILS).buffers()[1].address - start
        return batch.num_rows, places
