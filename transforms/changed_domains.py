"""Domains that changed hands, and when: lists that people bring, asked by host.

Whoever buys a domain that expired decides what its old addresses show: of LAION-400M and COYO-700M 0.01 % of the pictures could be had
for 60 dollars (Carlini et al. 2023, Poisoning web-scale training datasets is practical). Nothing is looked up: a list is CSV or Parquet
with the columns `domain` and `changed_at` (YYYY-MM-DD, or empty where nobody knows), and stands for the domain and all hosts below it.
"""

import csv
import dataclasses
import datetime as dt
import functools
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from schemas.errors import JobError
from transforms.consent.list_files import content_of, text_of
from transforms.filters.base import Artefact
from transforms.storage import list_files, read_bytes
from transforms.text.url import host_of, listed_domain

KEY: Final = "changed_domains"
COLUMNS: Final = ("domain", "changed_at")


@dataclasses.dataclass(frozen=True)
class Changes:
    """Domains and the latest date on which each changed hands, ISO; empty where nobody knows."""

    dates: Mapping[str, str]

    def of(self, host: str) -> tuple[str, str] | None:
        """The listed domain that a host is, or lies below, and its date; the nearest where several are. None where none is.

        >>> Changes({"example.org": "2022-01-31"}).of("img.example.org"), Changes({"example.org": ""}).of("anexample.org")
        (('example.org', '2022-01-31'), None)
        """
        domain = listed_domain(host, self.dates)
        return None if domain is None else (domain, self.dates[domain])


def change_files(paths: Sequence[str]) -> list[Artefact]:
    """The lists as the manifest names them; each is read, so that what is wrong with one is told before any row is judged.

    Raises:
      MissingError: a list is not there.
      JobError: a list is malformed; the message names the row.
    """
    load_changes(paths)
    return [Artefact(f"{KEY}: {path.rsplit('/', 1)[-1]}", path, hashlib.sha256(read_bytes(path)).hexdigest()) for path in paths]


def load_changes(paths: Sequence[str]) -> Changes:
    """What all lists say together; read once in a process, as long as no list changes."""
    return _loaded(tuple(paths), tuple((found.path, found.size, found.version) for path in paths for found in list_files(path)))


@functools.lru_cache(maxsize=2)
def _loaded(paths: tuple[str, ...], versions: tuple[tuple[str, int, str], ...]) -> Changes:  # noqa: ARG001  part of the key
    dates: dict[str, str] = {}
    for path in paths:
        for row, values in _rows(path):
            domain, date = _entry(path, row, *values)
            dates[domain] = max(date, dates.get(domain, ""))
    return Changes(dates)


def _rows(path: str) -> Iterator[tuple[int, list[Any]]]:
    content = content_of(path, KEY)
    if content[:4] == b"PAR1":
        yield from _parquet(path, content)
        return
    rows = csv.reader(io.StringIO(text_of(path, content), newline=""))
    names: list[str] | None = None
    for values in rows:
        if not any(value.strip() for value in values):
            continue
        if names is None:
            names = [value.strip().casefold() for value in values]
            if not set(COLUMNS) <= set(names):
                raise JobError(f"{path}: the first line must name the columns {', '.join(COLUMNS)}; it has {', '.join(values)}")
            continue
        yield rows.line_num, [values[place] if (place := names.index(name)) < len(values) else "" for name in COLUMNS]


def _parquet(path: str, content: bytes) -> Iterator[tuple[int, list[Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(content))
    except pa.ArrowException as error:
        raise JobError(f"{path}: looks like Parquet and cannot be read ({error}); write the list again") from error
    if not set(COLUMNS) <= set(table.column_names):
        raise JobError(f"{path}: has the columns {', '.join(table.column_names)}; a list needs {' and '.join(COLUMNS)}")
    values = zip(*(table.column(name).to_pylist() for name in COLUMNS), strict=True)
    yield from ((row, list(found)) for row, found in enumerate(values, 1))


def _entry(path: str, row: int, domain: Any, date: Any) -> tuple[str, str]:
    host = host_of(f"//{domain.strip()}/") if isinstance(domain, str) and domain.strip() else None
    if host is None or "." not in host:
        raise JobError(f"{path}, row {row}: {str(domain)[:80]!r} is no domain")
    day = date.isoformat()[:10] if isinstance(date, dt.date) else str(date or "").strip()
    try:
        return host, day and dt.date.fromisoformat(day).isoformat()
    except ValueError as error:
        raise JobError(f"{path}, row {row}: changed_at is {day[:20]!r}, and must be a date YYYY-MM-DD or empty") from error
