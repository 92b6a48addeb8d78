"""Embeddings as annotations hold them: of unit length, float16, little-endian, one binary value a row; null where a row has none.

The numbers of two of them multiply and add up without any rounding in float64 (float16 numbers are multiples of 2^-24, and the sums of
unit vectors stay below 2), so that a cosine is the same on every machine and in whatever order it is added.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

KIND = np.dtype("<f2")
PACKED = pa.binary()


def unit(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of length 1, float16, and which of them have a direction at all: neither zero nor infinite nor NaN.

    Args:
      vectors: any floats, [n, width].

    >>> found, usable = unit(np.array([[3.0, 4.0], [0.0, 0.0], [np.nan, 1.0]]))
    >>> found[usable].round(2).tolist(), usable.tolist()
    ([[0.60009765625, 0.7998046875]], [True, False, False])
    """
    wide = vectors.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        lengths = np.sqrt(np.square(wide).sum(axis=1))
        usable = np.isfinite(lengths) & (lengths > 0)
        return np.where(usable[:, None], wide / lengths[:, None], 0).astype(KIND), usable


def pack(vectors: np.ndarray, rows: np.ndarray, n: int) -> pa.Array:
    r"""Vectors (float16, [m, width]) of m of n rows as an array of n values, null for the others.

    >>> pack(np.array([[1, 0]], "<f2"), np.array([1]), 3).to_pylist()
    [None, b'\x00<\x00\x00', None]
    """
    lengths = np.zeros(n + 1, np.int64)
    lengths[rows + 1] = vectors.shape[1] * KIND.itemsize
    there = np.zeros(n, bool)
    there[rows] = True
    content = np.ascontiguousarray(vectors.astype(KIND))
    buffers = [pa.py_buffer(np.packbits(there, bitorder="little")), pa.py_buffer(lengths.cumsum().astype(np.int32)), pa.py_buffer(content)]
    return pa.Array.from_buffers(PACKED, n, buffers)


def unpack(packed: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    r"""The vectors of an array, float16 [m, width], and the rows that have one, int64[m], ascending.

    Raises:
      ValueError: they are of several widths.

    >>> unpack(pa.array([None, b"\x00<\x00\x00"]))
    (array([[1., 0.]], dtype=float16), array([1]))
    """
    rows = np.flatnonzero(packed.is_valid().to_numpy(zero_copy_only=False))
    values = packed.drop_null()
    widths = pc.binary_length(values).unique().to_pylist()
    if len(widths) > 1:
        raise ValueError(f"embeddings of {min(widths) // KIND.itemsize} and of {max(widths) // KIND.itemsize} numbers in one column")
    if not len(rows):
        return np.empty((0, 0), KIND), rows
    offsets = np.frombuffer(values.buffers()[1], np.int32, len(values) + 1, values.offset * 4)
    content = np.frombuffer(values.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
    return content.view(KIND).reshape(len(values), -1), rows


def from_lists(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The vectors of a column of lists of numbers, float64 [m, width], and the rows that have one, int64[m].

    Raises:
      ValueError: they are of several widths, or the column holds no lists of numbers.
    """
    kind = column.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        raise ValueError(f"a column of embeddings holds lists of numbers, not {kind}")
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(lengths)
    widths = np.unique(lengths[rows])
    if len(widths) > 1:
        raise ValueError(f"embeddings of {widths[0]} and of {widths[-1]} numbers in one column")
    if not len(rows):
        return np.empty((0, 0)), rows
    values = pc.list_flatten(column.take(pa.array(rows))).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values.reshape(len(rows), -1), rows


def cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The cosine of each pair of rows of two matrices of float16 vectors, float64[n], rounded to 1e-4 (half to even).

    >>> cosines(np.array([[1, 0], [0, 1]], "<f2"), np.array([[1, 0], [0.5, 0.5]], "<f2")).tolist()
    [1.0, 0.7071]
    """
    wide, other = left.astype(np.float64), right.astype(np.float64)
    products = np.einsum("ij,ij->i", wide, other)
    lengths = np.einsum("ij,ij->i", wide, wide) * np.einsum("ij,ij->i", other, other)
    return np.round(products / np.sqrt(lengths), 4)
