"""`winnow why`: what became of one row, by its key, uid or URL, and of the other rows of its cluster."""

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.run import Run
from schemas.errors import DifferenceError
from schemas.layout import join
from transforms.text.url import without_credentials


def why(run: Run, console: Console, wanted: str) -> None:
    """Prints the ledger row of every match, its evidence, and its cluster.

    Raises:
      DifferenceError: the ledger holds no such key, uid or URL.
    """
    ledger = join(run.layout.ledger, "*.parquet")
    with duckdb.connect() as database:
        found = database.execute(
            "select * from read_parquet($1) where key = $2 or uid = lower($2) or url = $2 or url = $3 order by shard, row",
            [ledger, wanted, without_credentials(wanted)],
        ).to_arrow_table()
        if not found.num_rows:
            raise DifferenceError(f"{wanted}: no row of {run.layout.out} has this key, uid or URL")
        for row in found.to_pylist():
            console.print(_row(row))
            if row["cluster"]:
                others = database.execute(
                    "select key, uid, url, verdict, reasons from read_parquet($1) where cluster = $2 order by verdict, shard, row limit 50",
                    [ledger, row["cluster"]],
                ).fetchall()
                table = Table("key", "uid", "url", "verdict", "reasons", title=f"cluster {row['cluster']}")
                for key, uid, url, verdict, reasons in others:
                    table.add_row(escape(str(key)), uid, escape(str(url)), verdict, ", ".join(reasons))
                console.print(table)


def _row(row: dict) -> Table:
    table = Table("column", "value", title=f"{row['shard']}, row {row['row']}")
    for name, value in row.items():
        if name != "evidence" and value not in (None, []):
            table.add_row(name, escape(", ".join(value) if isinstance(value, list) else str(value)))
    for entry in row["evidence"]:
        told = [f"{name} {entry[name]:g}" for name in ("score", "threshold") if entry[name] is not None]
        table.add_row(f"  {entry['reason']}", escape("; ".join([*told, *([entry["detail"]] if entry["detail"] else [])])))
    return table
