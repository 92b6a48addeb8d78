"""`winnow tune`: judges a finished run again with other thresholds, in a folder of its own, and says what would change."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from pipeline.commands.console import plain
from pipeline.commands.ledgers import ledgers
from pipeline.jobfile import phases_of
from pipeline.judge import judge
from pipeline.judged import read_judged
from pipeline.lease import Lease
from pipeline.log import logged
from pipeline.run import Run, reopen_run
from pipeline.semantic import is_compared
from schemas import reasons
from schemas.errors import DifferenceError, JobError
from schemas.job import Phase
from schemas.layout import Layout
from transforms.storage import exists, read_json

EARLIER = {Phase.ANNOTATE: "its rows would have to be read and measured again", Phase.MATCH: "its clusters would have to be found again"}


def tune(out: str, work: str | None, settings: Sequence[str], console: Console) -> None:
    """Prints verdicts and reasons before and after; the release and its ledger are not touched.

    Args:
      out: the release folder.
      work: the work folder, where the job set another than the default.
      settings: `key.path=value`, keys that judge reads.
      console: where the tables go.

    Raises:
      JobError: a key belongs to another phase; names it.
      DifferenceError: there is no such run, or another version of Winnow made it.
    """
    if not settings:
        raise JobError("tune: say what to try, for example --set filters.toxicity.max=0.4")
    for setting in settings:
        _refuse_other_phases(setting.partition("=")[0].strip())
    now, then = reopen_run(out, work), reopen_run(out, work, settings)
    _refuse_other_inputs(now, then)
    trial = dataclasses.replace(then, layout=then.layout.tuned())
    with Lease(now.layout.lease), logged(now.layout.log):
        judge(trial)
    _tell(now.layout, trial.layout, console)


def _refuse_other_phases(key: str) -> None:
    phases = phases_of(key)
    if phases and Phase.JUDGE not in phases:
        phase = next(iter(sorted(phases)))
        why = EARLIER.get(phase, "judge does not read it")
        raise JobError(f"--set {key}: this key belongs to {phase.value}, {why}; use `winnow run JOB --set {key}=... --replace`")


def _refuse_other_inputs(now: Run, then: Run) -> None:
    if now.appended:
        raise JobError("tune: this release was appended to, and its verdicts are frozen; `winnow run --replace` judges all rows anew")
    read_before = [(run.annotate_digests, run.match_digest, run.semantic_digest) for run in (then, now)]
    if read_before[0] != read_before[1]:
        raise JobError("tune: these settings change what annotate or match reads; use `winnow run JOB --set ... --replace`")
    finished = read_judged(now.layout) is not None and exists(now.layout.matched)
    fresh = finished and read_json(now.layout.matched)["digest"] == now.match_digest
    if not (fresh and is_compared(now)) or now.unannotated():
        raise DifferenceError(
            f"{now.layout.out}: not a finished run of this version of Winnow and these models; `winnow run JOB` brings it up to date"
        )


def _tell(before: Layout, after: Layout, console: Console) -> None:
    changed: Counter[str] = Counter()
    verdicts, given = (Counter[str](), Counter[str]()), (Counter[str](), Counter[str]())
    columns = ["verdict", "reasons"]
    for (_, old), (_, new) in zip(ledgers(before, columns), ledgers(after, columns), strict=True):
        for place, table in enumerate((old, new)):
            verdicts[place].update(_counts(table["verdict"]))
            given[place].update(_counts(pc.list_flatten(table["reasons"])))
        was, is_now = (pc.equal(table["verdict"], reasons.KEPT) for table in (old, new))
        changed["goes"] += pc.sum(pc.and_(was, pc.invert(is_now))).as_py() or 0
        changed["comes back"] += pc.sum(pc.and_(is_now, pc.invert(was))).as_py() or 0
    console.print(_compared("verdict", *verdicts))
    console.print(_compared("reason", *given))
    old_report, new_report = ((read_judged(layout) or {}).get("weights", {}) for layout in (before, after))
    console.print(f"weights now: {plain(old_report.get('told'))}\nweights then: {plain(new_report.get('told'))}")
    console.print(
        f"{changed['goes']} rows that were kept would go, {changed['comes back']} would come back. "
        "Apply with `winnow run JOB --set ... --replace`."
    )


def _counts(words: Any) -> dict[str, int]:
    return {pair["values"]: pair["counts"] for pair in pc.value_counts(words).to_pylist()}


def _compared(title: str, before: Counter[str], after: Counter[str]) -> Table:
    table = Table(title, "now", "then", "change")
    for word in sorted({*before, *after}):
        old, new = before[word], after[word]
        table.add_row(plain(word), str(old), str(new), f"{new - old:+d}" if new != old else "")
    return table
