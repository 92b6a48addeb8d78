"""The combined summaries as a database: every count of the run, added up where it is asked for."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import duckdb

from transforms.local_copy import local_copy

UNIT = 2.0**32


class Count(NamedTuple):
    """One line of the summaries; labels mean what `schemas.summaries.METRICS` says of the metric."""

    a: str | None
    b: str | None
    c: str | None
    rows: int
    bytes: int
    weight: float


class Counts:
    """Counts by metric and labels."""

    def __init__(self, database: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> None:
        self.database = database
        # a view takes no parameters
        listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
        database.execute(f"create view summary as select * from read_parquet([{listed}])")  # noqa: S608 - our own files, quoted

    def lines(self, metric: str) -> list[Count]:
        """All lines of a metric, in the order of its labels."""
        found = self.database.execute(
            "select a, b, c, sum(rows)::hugeint::bigint, sum(bytes)::hugeint::bigint, sum(weight)::hugeint from summary"
            " where metric = $1 group by a, b, c order by a nulls first, b nulls first, c nulls first",
            [metric],
        ).fetchall()
        return [Count(a, b, c, int(rows), int(size), int(weight) / UNIT) for a, b, c, rows, size, weight in found]

    def rows(self, metric: str) -> dict[str, int]:
        """First label -> rows, of a metric with one label, or summed over the others; where the label is null, under "-"."""
        sums: dict[str, int] = {}
        for line in self.lines(metric):
            sums[line.a or "-"] = sums.get(line.a or "-", 0) + line.rows
        return sums


@contextlib.contextmanager
def open_counts(paths: Sequence[str]) -> Iterator[Counts]:
    """The counts in the combined files, wherever they lie."""
    with contextlib.ExitStack() as stack:
        local = [stack.enter_context(local_copy(path)) for path in paths]
        yield Counts(stack.enter_context(duckdb.connect()), local)
