"""Counts of rows per cell: all that the weights and the audit ever look at.

A cell is the levels of the group attributes, the reasons that hold (one bit each) and a jackknife bucket. Counts are integers, so that
they add up to the same numbers in any order; `gather` sorts them before anything becomes a float.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import xxhash

from schemas.annotations import GROUPS
from schemas.reasons import DUPLICATE_CAPTION, DUPLICATE_IMAGE, EVAL_OVERLAP, REBALANCED, UNREADABLE

ATTRIBUTES: tuple[str, ...] = tuple(field.name for field in GROUPS)
BUCKETS = 50

# Rows with one of these are no part of what the filters distorted: nothing to read, a copy of another row, or our own sampling.
OUTSIDE = frozenset({UNREADABLE, DUPLICATE_IMAGE, DUPLICATE_CAPTION, "duplicate_semantic", EVAL_OVERLAP, REBALANCED})


class Key(NamedTuple):
    """What is counted together: plain strings and integers, so that any engine can group by it."""

    levels: tuple[str, ...]
    mask: int
    bucket: int


@dataclasses.dataclass(frozen=True)
class Cells:
    """All counts of a run as columns, in canonical order (levels, mask, bucket).

    Attributes:
      levels: per attribute of `ATTRIBUTES`, its levels, sorted.
      codes: int64[cells, attributes], positions in `levels`.
      mask: int64[cells], bit i set where reason i of `reasons` holds; 0 for kept rows.
      bucket: int64[cells], 0 to 49.
      rows: int64[cells], above 0.
      reasons: the reasons, by bit.
    """

    levels: tuple[tuple[str, ...], ...]
    codes: np.ndarray
    mask: np.ndarray
    bucket: np.ndarray
    rows: np.ndarray
    reasons: tuple[str, ...]

    def has(self, reasons: Iterable[str]) -> np.ndarray:
        """Which cells carry any of the reasons, bool[cells]."""
        bits = sum(1 << bit for bit, reason in enumerate(self.reasons) if reason in set(reasons))
        return (self.mask & bits) != 0

    @property
    def kept(self) -> np.ndarray:
        """Which cells are kept rows, bool[cells]."""
        return self.mask == 0

    @property
    def reference(self) -> np.ndarray:
        """Which cells were there before our filters: readable, and no copy of another row. bool[cells]."""
        return ~self.has(OUTSIDE)


def buckets(domains: Sequence[str | None], uids: Sequence[str]) -> np.ndarray:
    """Assigns rows to the 50 buckets of the jackknife, uint8[n], by XXH3 of the registrable domain.

    Rows of one domain resemble each other, so they are left out together; a row without a domain stands for itself, by its uid.

    >>> buckets(["example.com", "example.com", None], ["a", "b", "a"]).tolist()
    [44, 44, 23]
    """
    seen: dict[str, int] = {}
    found = np.empty(len(domains), np.uint8)
    for row, (domain, uid) in enumerate(zip(domains, uids, strict=True)):
        name = f"uid:{uid}" if domain is None else f"domain:{domain}"
        if name not in seen:
            seen[name] = xxhash.xxh3_64_intdigest(name.encode()) % BUCKETS
        found[row] = seen[name]
    return found


def count_cells(groups: pa.StructArray, mask: np.ndarray, bucket: np.ndarray) -> dict[Key, int]:
    """Counts the rows of each cell.

    Args:
      groups: structs of `schemas.annotations.GROUPS`.
      mask: uint32[n], the reasons of each row as bits.
      bucket: uint8[n], from `buckets`.

    Returns:
      Counts that add up over any split of the rows: `items()` is what a `CombinePerKey(sum)` takes.

    >>> rows = pa.array([{"gender": "feminine", "age": "adult", "region": "unknown", "language": "en"}] * 3, GROUPS)
    >>> count_cells(rows, np.array([0, 0, 2]), np.array([7, 7, 7]))[Key(("feminine", "adult", "unknown", "en"), 0, 7)]
    2
    """
    columns = [groups.field(name).dictionary_encode() for name in ATTRIBUTES]
    shape = [max(1, len(column.dictionary)) for column in columns]
    group = np.ravel_multi_index([column.indices.to_numpy(zero_copy_only=False).astype(np.int64) for column in columns], shape)
    packed = (group << 38) | (mask.astype(np.int64) << 6) | bucket.astype(np.int64)
    cells, rows = np.unique(packed, return_counts=True)
    codes = zip(*(code.tolist() for code in np.unravel_index(cells >> 38, shape)), strict=True)
    names = [column.dictionary.to_pylist() for column in columns]
    levels = [tuple(level[code] for level, code in zip(names, cell, strict=True)) for cell in codes]
    masks = ((cells >> 6) & 0xFFFFFFFF).tolist()
    return {Key(*key): count for *key, count in zip(levels, masks, (cells & 63).tolist(), rows.tolist(), strict=True)}


def gather(counts: Iterable[tuple[Key, int]], reasons: Sequence[str]) -> Cells:
    """Arranges counts in canonical order; keys that repeat are added.

    >>> gather([(Key(("b", "x", "y", "en"), 1, 0), 2), (Key(("a", "x", "y", "en"), 0, 0), 3)], ["toxicity"]).rows.tolist()
    [3, 2]
    """
    total: dict[tuple, int] = {}
    for key, rows in counts:
        plain = (tuple(key[0]), int(key[1]), int(key[2]))
        total[plain] = total.get(plain, 0) + int(rows)
    ordered = sorted(key for key, rows in total.items() if rows)
    names = [np.array([key[0][place] for key in ordered], dtype=object) for place in range(len(ATTRIBUTES))]
    levels, codes = [], np.zeros((len(ordered), len(ATTRIBUTES)), np.int64)
    for place, column in enumerate(names):
        found = sorted(set(column.tolist()))
        position = {level: code for code, level in enumerate(found)}
        codes[:, place] = [position[level] for level in column.tolist()]
        levels.append(tuple(found))
    return Cells(
        levels=tuple(levels),
        codes=codes,
        mask=np.array([key[1] for key in ordered], np.int64),
        bucket=np.array([key[2] for key in ordered], np.int64),
        rows=np.array([total[key] for key in ordered], np.int64),
        reasons=tuple(reasons),
    )
