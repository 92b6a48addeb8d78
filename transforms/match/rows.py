"""Rows of all signature files as one dense numbering, and the owners that read them.

A dense row number is the rows of the files before plus the row in its file; files stand in the order given. An owner is 2^18 to 2^20
consecutive rows, whatever files they lie in: the unit that reads columns and takes pairs, so that the size of a shard cannot show anywhere.
"""

import bisect
import dataclasses
import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from transforms import storage
from transforms.match.columns import expect_rows, has_column, no_rows, read_rows
from transforms.match.detail_column import DETAILS

OWNER_BITS = 18
MOST_OWNER_BITS = 20  # of a million rows some steps hold 300 MB
OWNERS = 16  # from which on owners grow with the rows


def owner_bits_of(rows: int) -> int:
    """Bits of a row within its owner that are best for so many rows.

    Every owner sends to every range and asks every file: at a cost of 0.1 ms each time, owners that stay as they are take a twelfth of all
    time at 24 million rows.

    >>> [owner_bits_of(rows) for rows in (1_000, 5_000_000, 10_000_000, 10**9)]
    [18, 18, 19, 20]
    """
    return min(max(OWNER_BITS, (rows // OWNERS).bit_length() - 1), MOST_OWNER_BITS)


@dataclasses.dataclass(frozen=True)
class SignatureFile:
    """One file of `transforms.match.columns.write_columns`, and its rows."""

    path: str
    rows: int


@dataclasses.dataclass(frozen=True)
class ElderFile(SignatureFile):
    """One file of the elder side: `transforms.match.elders` says what that is.

    Attributes:
      places: a file that says of each row its kind and its cluster.
      before: rows of the same set in the files before this one.
    """

    places: str
    before: int


@dataclasses.dataclass(frozen=True)
class Rows:
    """All rows of a run, then all rows of its elder side.

    Attributes:
      files: in shard order, then those of the elder side.
      owner_bits: an owner has 2^owner_bits rows; 24 at most.
    """

    files: tuple[SignatureFile, ...]
    owner_bits: int = OWNER_BITS

    @functools.cached_property
    def starts(self) -> list[int]:
        """The first dense row of every file, and the number of rows in all."""
        return [0, *itertools.accumulate(file.rows for file in self.files)]

    @property
    def total(self) -> int:
        return self.starts[-1]

    @property
    def owners(self) -> int:
        return -(-self.total >> self.owner_bits)

    def span(self, owner: int) -> tuple[int, int]:
        """The dense rows of an owner: first, and one past the last."""
        return owner << self.owner_bits, min(self.total, (owner + 1) << self.owner_bits)

    def read(self, owner: int, names: Sequence[str], local: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Columns of an owner's rows: numbers as they are, fixed-width binary as uint8[n, width], details of those that have one.

        Args:
          owner: which.
          names: of the columns.
          local: rows within the owner that are wanted, ascending; only the pages they lie on are touched. None: all.

        Raises:
          InputError: a file has other rows than it is said to have.
        """
        return self._read(self.parts(owner, local), names)

    def gather(self, rows: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Columns of dense rows, uint64[n], ascending, whoever owns them; as `read` gives them."""
        found: dict[str, np.ndarray] = {}
        details, at = [no_rows(DETAILS)], 0
        for number, wanted in self._places(rows):
            part = read_rows(self.files[number].path, names, self.files[number].rows, wanted)
            found = found or {name: np.empty((len(rows), *values.shape[1:]), values.dtype) for name, values in part.items()}
            for name, values in part.items():
                if name == DETAILS:  # not one a row
                    details.append(values)
                else:
                    found[name][at : at + len(wanted)] = values
            at += len(wanted)
        if DETAILS in found:
            found[DETAILS] = np.concatenate(details)
        return found or {name: no_rows(name) for name in names}

    def expect(self, rows: np.ndarray, name: str) -> None:
        """Tells the system that a column of dense rows, uint64[n], ascending, will be read soon, if they lie on this machine."""
        for number, wanted in self._places(rows):
            if storage.is_local(self.files[number].path):
                expect_rows(self.files[number].path, name, wanted)

    def _read(self, places: Iterable[tuple[int, slice | np.ndarray]], names: Sequence[str]) -> dict[str, np.ndarray]:
        parts = [read_rows(self.files[number].path, names, self.files[number].rows, wanted) for number, wanted in places]
        return {name: np.concatenate([part[name] for part in parts]) if parts else no_rows(name) for name in names}

    def _places(self, rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Numbers of the files that dense rows, uint64[n], ascending, lie in, and which of each file's rows they are."""
        ends = np.searchsorted(rows, np.array(self.starts, np.uint64))
        for number in np.flatnonzero(np.diff(ends)).tolist():
            yield number, rows[ends[number] : ends[number + 1]].astype(np.int64) - self.starts[number]

    @functools.cached_property
    def near(self) -> bool:
        """Whether any row can be read for what it takes to read it: files on a filesystem of this machine, which are mapped."""
        return all(storage.is_local(file.path) for file in self.files)

    def have(self, name: str) -> bool:
        """Whether a file on this machine has a column of which something is not zero; of files elsewhere that is taken for granted."""
        return not self.near or any(has_column(file.path, name) for file in self.files)

    def parts(self, owner: int, local: np.ndarray | None = None) -> Iterator[tuple[int, slice | np.ndarray]]:
        """Numbers of the files that an owner's rows lie in, and which of each file's rows are wanted.

        Args:
          owner: which.
          local: rows within the owner that are wanted, ascending. None: all.
        """
        start, stop = self.span(owner)
        for number, begin, end in self._files(start, stop):
            if local is None:
                yield number, slice(begin, end)
                continue
            offset = self.starts[number] + begin - start
            low, high = np.searchsorted(local, [offset, offset + end - begin])
            if low < high:
                yield number, local[low:high].astype(np.int64) - offset + begin

    def _files(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        number = bisect.bisect_right(self.starts, start) - 1
        while number < len(self.files) and self.starts[number] < stop:
            first = self.starts[number]
            begin, end = max(start - first, 0), min(stop - first, self.files[number].rows)
            if begin < end:
                yield number, begin, end
            number += 1
