"""`winnow tune`: judges a finished run again with other thresholds, in a folder of its own, and says what would change."""

import dataclasses

import duckdb
from rich.console import Console
from rich.table import Table

from pipeline.judge import judge, read_judged
from pipeline.run import Run
from schemas.errors import DifferenceError
from schemas.layout import join
from transforms.storage import exists


def tune(run: Run, console: Console) -> None:
    """Prints verdicts and reasons before and after; the release is not touched.

    Args:
      run: the run as reopened, with the new settings laid over its job.
      console: where the tables go.

    Raises:
      DifferenceError: the run has no ledger, or its annotations were made with other keys or by another version.
    """
    missing = next((shard for shard in run.shards if not exists(run.annotation(shard))), None)
    if missing is not None or read_judged(run.layout) is None:
        raise DifferenceError(
            f"{run.layout.out}: only judge keys can be tuned on a finished run of this version of Winnow; a key that annotate reads, or "
            "another version, needs `winnow run` first"
        )
    trial = dataclasses.replace(run, layout=run.layout.tuned())
    judge(trial)
    before, after = join(run.layout.ledger, "*.parquet"), join(trial.layout.ledger, "*.parquet")
    with duckdb.connect() as database:
        for title, query in (
            ("verdicts", "select verdict, count(*) from read_parquet($1) group by 1"),
            ("reasons", "select unnest(reasons), count(*) from read_parquet($1) group by 1"),
        ):
            console.print(_compared(title, *(dict(database.execute(query, [path]).fetchall()) for path in (before, after))))
        changed = database.execute(
            "select count(*) filter (a.verdict = 'kept' and b.verdict != 'kept'), "
            "count(*) filter (a.verdict != 'kept' and b.verdict = 'kept') "
            "from read_parquet($1) a join read_parquet($2) b using (shard, row)",
            [before, after],
        ).fetchall()[0]
    console.print(
        f"{changed[0]} rows that were kept would go, {changed[1]} would come back. Apply with `winnow run JOB --set ... --replace`."
    )


def _compared(title: str, before: dict[str, int], after: dict[str, int]) -> Table:
    table = Table(title, "now", "then", "change")
    for word in sorted({*before, *after}):
        old, new = before.get(word, 0), after.get(word, 0)
        table.add_row(word, str(old), str(new), f"{new - old:+d}" if new != old else "")
    return table
