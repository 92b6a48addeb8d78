"""How columns of a signature file lie: the version that a file carries, the type and width of each, zeros for one that is left out."""

import functools
import hashlib
import math

import numpy as np
import pyarrow as pa

from schemas.errors import InputError
from schemas.signatures import SIGNATURE
from transforms.match.detail_column import DETAILS

_FIXED = pa.schema([field for field in SIGNATURE if field.name != DETAILS])  # a file of these alone has rows without details
METADATA = {b"winnow.columns": hashlib.sha256(str(_FIXED).encode()).hexdigest().encode()}
_MOST_ROWS = 1 << 36

Layout = tuple[np.dtype, tuple[int, ...]]


def _layout(kind: pa.DataType) -> Layout:
    return (np.dtype(np.uint8), (kind.byte_width,)) if pa.types.is_fixed_size_binary(kind) else (np.dtype(str(kind)), ())


LAYOUTS: dict[str, Layout] = {field.name: _layout(field.type) for field in _FIXED}
"""Of each column of fixed width: the type of its values, and the shape of those of a row."""


def width_of(name: str) -> int:
    """Bytes of a row of a column of fixed width.

    >>> width_of("caption_id"), width_of("thumbnail")
    (8, 2304)
    """
    kind, shape = LAYOUTS[name]
    return kind.itemsize * math.prod(shape)


def checked(path: str, reader: pa.RecordBatchFileReader) -> pa.RecordBatchFileReader:
    """The reader of a signature file, which has one batch.

    Raises:
      InputError: another version wrote the file, or it has other batches than one.
    """
    if reader.schema.metadata != METADATA:
        raise InputError(f"{path}: signatures of another version of Winnow; run the job again with this one")
    if reader.num_record_batches != 1:
        raise InputError(f"{path}: {reader.num_record_batches} batches where one was written; remove it and run again")
    return reader


@functools.cache
def _endless_zeros(name: str) -> np.ndarray:
    dtype, shape = LAYOUTS[name]
    return np.broadcast_to(np.zeros((), dtype), (_MOST_ROWS, *shape))


def zeros(name: str, rows: int) -> np.ndarray:
    """A column of fixed width of so many rows that are zero; it takes no memory.

    >>> zeros("caption_kind", 3).tolist()
    [0, 0, 0]
    """
    return _endless_zeros(name)[:rows]
