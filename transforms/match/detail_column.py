"""The one column of signature files that is not of fixed width: of few rows a detail, which others have none of.

It is read as two: which rows have one, bool[n], and those details, uint8[m, DETAIL], in the order of their rows.
"""

import dataclasses

import numpy as np
import pyarrow as pa

from schemas.signatures import DETAIL

DETAILS = "detail"
DETAILED = "detailed"


@dataclasses.dataclass(frozen=True)
class Held:
    """Which rows have a detail, by where each row's begins and ends, int64[n + 1], octets."""

    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, wanted: slice | np.ndarray) -> np.ndarray:
        """Of some rows, bool[n]."""
        held: np.ndarray = self.ends[1:][wanted] > self.ends[:-1][wanted]
        return held


@dataclasses.dataclass(frozen=True)
class Octets:
    """The details, uint8[m, DETAIL], and where each row's begins and ends, int64[n + 1], octets."""

    ends: np.ndarray
    details: np.ndarray

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, wanted: slice | np.ndarray) -> np.ndarray:
        """Those of some rows that have one, uint8[m, DETAIL]; of neighbouring rows without a copy."""
        if isinstance(wanted, slice):
            ends = self.ends[slice(wanted.start, None if wanted.stop is None else wanted.stop + 1)]
            return self.details[ends[0] // DETAIL : ends[-1] // DETAIL]
        return self.details[self.places(wanted)]

    def places(self, wanted: np.ndarray) -> np.ndarray:
        """Which of the details rows have, int64[m], of those that have one."""
        begins = self.ends[:-1][wanted]
        places: np.ndarray = begins[self.ends[1:][wanted] > begins] // DETAIL
        return places


def columns_of(array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Where each row's detail begins and ends, and the details, over Arrow's own memory."""
    _, ends, octets = array.buffers()
    begins = np.frombuffer(ends, "<i8")[array.offset : array.offset + len(array) + 1] if len(array) else np.zeros(1, np.int64)
    every = np.frombuffer(octets, np.uint8) if octets else np.empty(0, np.uint8)
    return begins - begins[0], every[begins[0] : begins[-1]].reshape(-1, DETAIL)


def no_details(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """The same of rows that have none."""
    return np.zeros(rows + 1, np.int64), np.empty((0, DETAIL), np.uint8)


def array_of(held: np.ndarray, details: np.ndarray) -> pa.Array:
    """The column, of which rows have a detail, bool[n], and those details, uint8[m, DETAIL]."""
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(held, dtype=np.int64)]) * DETAIL
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(np.ascontiguousarray(details))]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(held), buffers)
