"""What travels through an exchange: a block of packed arrays from one sender, never an element per row.

A block is the sender's number and, for each array, its length in bytes and its bytes, padded to eight.
"""

import struct
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import DTypeLike

_NUMBER = struct.Struct("<Q")
_HALF = 16  # bits of a row

EMPTY = b""
"""A block that says nothing: sent to every key of an exchange, so that each appears on the other side."""


def pack(sender: int, *arrays: np.ndarray) -> bytes:
    """One block."""
    parts: list[bytes | memoryview] = [_NUMBER.pack(sender)]
    for array in arrays:
        parts += [_NUMBER.pack(array.nbytes), np.ascontiguousarray(array).view(np.uint8).data, bytes(-array.nbytes % 8)]
    return b"".join(parts)


def unpack(block: bytes, kinds: list[DTypeLike]) -> tuple[int, list[np.ndarray]]:
    """The sender of a block and its arrays, of these types.

    >>> unpack(pack(3, np.array([1, 2], np.uint32), np.zeros((1, 4), np.uint8)), [np.uint32, (np.uint8, 4)])
    (3, [array([1, 2], dtype=uint32), array([[0, 0, 0, 0]], dtype=uint8)])
    """
    arrays, at = [], 2 * _NUMBER.size
    for kind in kinds:
        dtype = np.dtype(kind)
        size = _NUMBER.unpack_from(block, at - _NUMBER.size)[0]
        arrays.append(np.frombuffer(block, dtype, size // dtype.itemsize, at))
        at += size + -size % 8 + _NUMBER.size
    return _NUMBER.unpack_from(block)[0], arrays


def gather(blocks: Iterable[bytes], kinds: list[DTypeLike]) -> tuple[np.ndarray, list[np.ndarray]]:
    """All blocks of a key as whole arrays, in order.

    Returns:
      The sender of each row of the first array, uint64[n], and the arrays.
    """
    parts = [unpack(block, kinds) for block in in_order(blocks)]
    if not parts:
        return np.empty(0, np.uint64), [
            np.empty(0, kind) if not isinstance(kind, tuple) else np.empty((0, kind[1]), kind[0]) for kind in kinds
        ]
    senders = np.repeat(np.array([sender for sender, _ in parts], np.uint64), [len(arrays[0]) for _, arrays in parts])
    return senders, [np.concatenate([arrays[i] for _, arrays in parts]) for i in range(len(kinds))]


def pack_rows(rows: np.ndarray) -> np.ndarray:
    """Ascending numbers below 2^32 as octets: two each, and how many of them there are with each upper half.

    >>> len(pack_rows(np.array([7, 90_000])))
    16
    """
    begins = np.arange(2 + (int(rows[-1]) >> _HALF) if len(rows) else 1) << _HALF
    halves = np.diff(np.searchsorted(rows, begins))
    parts = np.array([len(halves)], "<u4"), halves.astype("<u4"), rows.astype("<u2")
    return np.concatenate([part.view(np.uint8) for part in parts])


def unpack_rows(octets: np.ndarray) -> np.ndarray:
    """What `pack_rows` packed, uint64[n].

    >>> unpack_rows(pack_rows(np.array([7, 90_000]))).tolist()
    [7, 90000]
    """
    begin = 4 + 4 * int(octets[:4].view("<u4")[0])
    halves = octets[4:begin].view("<u4")
    return np.repeat(np.arange(len(halves), dtype=np.uint64) << np.uint64(_HALF), halves) + octets[begin:].view("<u2")


def in_order(blocks: Iterable[bytes]) -> list[bytes]:
    """The blocks of a key by sender and then by content, without empty ones, since the order of arrival must not show."""
    return sorted(filter(None, blocks), key=lambda block: (_NUMBER.unpack_from(block), block))


def scatter(parts: np.ndarray, count: int, *arrays: np.ndarray) -> Iterator[tuple[int, list[np.ndarray]]]:
    """The arrays split by part number: (part, its rows of each array) for every part that has rows; rows keep their order.

    >>> [(part, rows.tolist()) for part, [rows] in scatter(np.array([1, 0, 1]), 2, np.array([5, 6, 7]))]
    [(0, [6]), (1, [5, 7])]
    """
    if not len(parts):
        return
    if count == 1:
        yield 0, list(arrays)
        return
    order = np.argsort(parts.astype(np.uint16) if count <= 1 << 16 else parts, kind="stable")  # 16 bits: numpy sorts by radix
    ends = np.cumsum(np.bincount(parts, minlength=count))
    for part in np.flatnonzero(np.diff(ends, prepend=0)).tolist():
        mine = order[(ends[part - 1] if part else 0) : ends[part]]
        yield part, [array[mine] for array in arrays]
