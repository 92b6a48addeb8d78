"""Pairs of rows that people have looked at and called no duplicates: read from lists, and what a cluster is parted into by them.

A list is CSV or Parquet with the columns `uid` and `other`, or text with two uids a line. A uid is the same in every run and in every
sharding, so a list holds for as long as the rows do.
"""

import csv
import dataclasses
import functools
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from schemas.errors import JobError
from transforms.consent.list_files import content_of, text_of
from transforms.filters.base import Artefact
from transforms.storage import list_files, read_bytes

KEY: Final = "dedup.not_duplicates"
COLUMNS: Final = ("uid", "other")
_UID: Final = re.compile(r"[0-9a-f]{32}")


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Pairs of uids, each once.

    Attributes:
      sides: S16[n, 2], the smaller uid first, sorted.
    """

    sides: np.ndarray

    @functools.cached_property
    def uids(self) -> np.ndarray:
        """Every uid that is named, S16[m], sorted."""
        return np.unique(self.sides)

    @classmethod
    def of(cls, pairs: Sequence[tuple[bytes, bytes]]) -> "Pairs":
        """From pairs of raw uids, 16 bytes each."""
        return cls(np.array(sorted({(min(pair), max(pair)) for pair in pairs}), "S16").reshape(-1, 2))


NO_PAIRS = Pairs.of([])


def pair_files(paths: Sequence[str]) -> list[Artefact]:
    """The lists as the manifest names them; each is read, so that what is wrong with one is told before any row is judged.

    Raises:
      MissingError: a list is not there.
      JobError: a list is malformed; the message names the row.
    """
    load_pairs(paths)
    return [Artefact(f"{KEY}: {path.rsplit('/', 1)[-1]}", path, hashlib.sha256(read_bytes(path)).hexdigest()) for path in paths]


def load_pairs(paths: Sequence[str]) -> Pairs:
    """The pairs of all lists; read once in a process, as long as no list changes."""
    if not paths:
        return NO_PAIRS
    return _loaded(tuple(paths), tuple((found.path, found.size, found.version) for path in paths for found in list_files(path)))


@functools.lru_cache(maxsize=2)
def _loaded(paths: tuple[str, ...], versions: tuple[tuple[str, int, str], ...]) -> Pairs:  # noqa: ARG001  part of the key
    return Pairs.of([pair for path in paths for pair in _read(path)])


def _read(path: str) -> Iterator[tuple[bytes, bytes]]:
    content = content_of(path, KEY)
    if content[:4] == b"PAR1":
        for row, values in enumerate(_parquet(path, content), 1):
            yield _pair(path, row, values)
        return
    text = text_of(path, content)
    first = next((line for line in text.splitlines() if line.strip()), "")
    names = [name.strip().casefold() for name in next(csv.reader([first]), [])]
    if set(COLUMNS) <= set(names):
        rows, places = csv.reader(io.StringIO(text, newline="")), [names.index(name) for name in COLUMNS]
        waiting = True
        for values in rows:
            if any(value.strip() for value in values) and not waiting:
                yield _pair(path, rows.line_num, [values[place] if place < len(values) else None for place in places])
            waiting &= not any(value.strip() for value in values)
        return
    for row, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield _pair(path, row, re.split(r"[\s,;]+", line.strip()))


def _parquet(path: str, content: bytes) -> Iterator[list[Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(content))
    except pa.ArrowException as error:
        raise JobError(f"{path}: looks like Parquet and cannot be read ({error}); write the list again") from error
    if not set(COLUMNS) <= set(table.column_names):
        raise JobError(f"{path}: has the columns {', '.join(table.column_names)}; a list of pairs needs uid and other")
    yield from map(list, zip(*(table.column(name).to_pylist() for name in COLUMNS), strict=True))


def _pair(path: str, row: int, values: Sequence[Any]) -> tuple[bytes, bytes]:
    found = [value.hex() if isinstance(value, bytes) else str(value or "").strip().lower() for value in values]
    if len(found) != len(COLUMNS) or not all(_UID.fullmatch(uid) for uid in found):
        raise JobError(f"{path}, row {row}: is no pair of uids, each of 32 hexadecimal digits, as the ledger has them")
    if found[0] == found[1]:
        raise JobError(f"{path}, row {row}: names one uid twice; rows that share a uid repeat each other wholly")
    return bytes.fromhex(found[0]), bytes.fromhex(found[1])


def parted(cluster: np.ndarray, uid: np.ndarray, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """What clusters are parted into, so that no part holds a pair.

    Rows are looked at in the given order; each joins the first part of its cluster in which no uid stands that it is kept apart from, or
    opens a part. A row that no pair in its cluster names is in the first part. Rows with one uid go together.

    Args:
      cluster: int64[n]; rows of a cluster side by side, in the order in which they are looked at.
      uid: S16[n].
      pairs: what is kept apart.

    Returns:
      The number of each row's part in its cluster, int64[n], and for each row the first row of its cluster that it is kept apart
      from, int64[n], -1 where there is none.

    >>> pairs = Pairs.of([(b"b", b"c")])
    >>> [found.tolist() for found in parted(np.zeros(4, int), np.array([b"a", b"b", b"c", b"d"], "S16"), pairs)]
    [[0, 0, 1, 0], [-1, 2, 1, -1]]
    """
    part, other = np.zeros(len(cluster), np.int64), np.full(len(cluster), -1)
    named = np.flatnonzero(np.isin(uid, pairs.uids)) if len(pairs.sides) else np.empty(0, np.int64)
    if len(named) < 2:
        return part, other
    against = _neighbours(pairs, uid[named])
    rows = list(zip(named.tolist(), cluster[named].tolist(), uid[named].tolist(), strict=True))
    first: dict[tuple[int, bytes], int] = {}
    for row, of, who in rows:
        first.setdefault((of, who), row)
    found: dict[tuple[int, bytes], tuple[int, int]] = {}
    for row, of, who in rows:
        if (of, who) not in found:
            apart = [(of, them) for them in against.get(who, ()) if (of, them) in first]
            taken = {found[them][0] for them in apart if them in found}
            free = next(place for place in range(len(taken) + 1) if place not in taken)
            found[of, who] = free, min((first[them] for them in apart), default=-1)
        part[row], other[row] = found[of, who]
    return part, other


def _neighbours(pairs: Pairs, there: np.ndarray) -> dict[bytes, list[bytes]]:
    """Uid -> the uids it is kept apart from, for pairs both of which are there."""
    against: dict[bytes, list[bytes]] = {}
    for left, right in pairs.sides[np.isin(pairs.sides, there).all(axis=1)].tolist():
        against.setdefault(left, []).append(right)
        against.setdefault(right, []).append(left)
    return against
