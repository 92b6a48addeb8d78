"""Which copy stays, as far as the job decides it: protected sources first, then what `dedup.prefer` names, in its order.

Of each row that becomes a few bytes that sort ascending, best first, so that rows of any shard compare without what they were made of:

| bytes | what | sorts |
|---|---|---|
| 0 | `ELDER`, `PROTECTED` or `OTHER` | rows kept by an earlier run, then rows of protected sources |
| 1 for a source | whether the row is of another source | its rows first |
| 8 for a column | the number, turned so that the better end is the smaller | rows without a number last |

Where all are equal, consent decides, then content order (transforms.match.order).
"""

import dataclasses
from typing import Literal

import numpy as np
import pyarrow as pa

from schemas.job import Preference
from transforms.source_numbers import values_of

ELDER, PROTECTED, OTHER = 0, 1, 2
NUMBER_BYTES = 8
SIGN = np.uint64(1 << 63)
ABSENT = np.uint64(2**64 - 1)


@dataclasses.dataclass(frozen=True)
class Choice:
    """What the job says about which copy stays, and what becomes of the others.

    Attributes:
      prefer: `dedup.prefer`.
      protected: names of the sources whose rows are never rejected as duplicates.
      action: `dedup.action`.
    """

    prefer: tuple[Preference, ...] = ()
    protected: frozenset[str] = frozenset()
    action: Literal["reject", "flag"] = "reject"

    @property
    def width(self) -> int:
        """Bytes of a rank."""
        return 1 + sum(map(_width, self.prefer))

    @property
    def columns(self) -> list[str]:
        """Columns of the source that count."""
        return [wish.column for wish in self.prefer if wish.column is not None]

    def ranks(self, annotations: pa.RecordBatch) -> np.ndarray:
        """The rank of each row, uint8[n, width].

        Args:
          annotations: their column `source`, and `numbers` where a column counts.

        >>> choice = Choice((Preference(source="shop"), Preference(column="score", order="high")), frozenset({"own"}))
        >>> numbers = pa.array([[{"column": "score", "value": 0.5}], [], []], pa.list_(pa.struct({"column": "string", "value": "double"})))
        >>> rows = pa.RecordBatch.from_arrays([pa.array(["shop", "own", "web"]), numbers], ["source", "numbers"])
        >>> choice.ranks(rows)[:, :3].tolist()
        [[2, 0, 64], [1, 1, 255], [2, 1, 255]]
        """
        names = np.array(annotations.column("source").to_pylist(), object)
        out = np.empty((len(names), self.width), np.uint8)
        out[:, 0] = np.where(np.isin(names, sorted(self.protected)), PROTECTED, OTHER)
        at = 1
        for wish in self.prefer:
            if wish.column is None:
                out[:, at] = names != wish.source
            else:
                values = values_of(annotations.column("numbers"), wish.column)
                out[:, at : at + NUMBER_BYTES] = _sortable(values, high=wish.order == "high")
            at += _width(wish)
        return out

    def treatment(self, source: str | None) -> tuple[Literal["reason", "flag"], str | None]:
        """What being a duplicate is for rows of a source, and why where it is no reason although the job rejects duplicates."""
        if protected := self.protects(source):
            return "flag", protected
        return ("flag" if self.action == "flag" else "reason"), None

    def protects(self, source: str | None) -> str | None:
        """Why rows of a source are never rejected as duplicates, in words; None where they may be."""
        return f"source {source} is protected" if source in self.protected else None

    def told(self, byte: int) -> str | None:
        """In words, what a difference in a byte of two ranks means for the row that goes; None for byte -1, no difference."""
        if byte <= 0:
            return "the copy that stays is of a protected source" if byte == 0 else None
        ends = np.cumsum([_width(wish) for wish in self.prefer])
        place = int(np.searchsorted(ends, byte))
        wish = self.prefer[place]
        by = f"source {wish.source}" if wish.column is None else f"column {wish.column}, {wish.order} first"
        return f"dedup.prefer.{place}: {by}"


def _width(wish: Preference) -> int:
    return 1 if wish.column is None else NUMBER_BYTES


def _sortable(values: np.ndarray, *, high: bool) -> np.ndarray:
    """Numbers as eight bytes that sort as they do, or the other way round, uint8[n, 8]; NaN sorts last.

    A negative number's bits are turned over, a positive one's sign alone (the order of IEEE 754 numbers as integers).
    """
    bits = (-values if high else values).astype(np.float64).view(np.uint64)
    bits = np.where(bits & SIGN != 0, ~bits, bits | SIGN)
    bits = np.where(np.isnan(values), ABSENT, bits)
    return bits.astype(">u8").view(np.uint8).reshape(-1, NUMBER_BYTES)


def first_difference(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The first byte in which two ranks differ, int64[n]; -1 where they are equal.

    >>> first_difference(np.array([[2, 1, 7], [2, 1, 7]]), np.array([[2, 0, 9], [2, 1, 7]])).tolist()
    [1, -1]
    """
    differs = left != right
    return np.where(differs.any(axis=1), differs.argmax(axis=1), -1)


def as_matrix(ranks: np.ndarray) -> np.ndarray:
    """Packed ranks as bytes, uint8[n, width]."""
    return np.frombuffer(ranks.tobytes(), np.uint8).reshape(len(ranks), ranks.dtype.itemsize)


def as_records(ranks: np.ndarray) -> np.ndarray:
    """Ranks as packed records, one void of `width` bytes each."""
    return np.frombuffer(np.ascontiguousarray(ranks).tobytes(), f"V{ranks.shape[1]}")
