"""`winnow check`: whether a job can run, what it would read, and what that would cost; no worker is started."""

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.commands.sample import Look, first_rows, judged, measured
from pipeline.memory import available_bytes
from pipeline.run import Run
from schemas import reasons
from schemas.errors import UnreadableShardError
from schemas.job import Source
from schemas.samples import Samples
from schemas.shards import Shard
from transforms.eval_sets.hash_lists import load_sets
from transforms.read.count import count_rows
from transforms.read.reader import open_shard
from transforms.source_numbers import values_of
from transforms.storage import is_local
from transforms.verdicts import Verdicts

PROBED_ROWS = 100
WARMING_ROWS = 5  # measured first, so that loading models is not taken for the cost of rows
FEWEST = 5  # rows of a group of which a filter must remove every one before that is an alarm
ROW_BYTES = 3_600  # a row's signatures (most of it the thumbnail), annotation and ledger
MANY_ROWS = 1_000_000  # below, match takes one pass wherever it runs
WHOLE_RUN = 1.6  # a run's CPU seconds for one of measuring: it also reads twice, matches, judges and writes


def check(run: Run, console: Console, *, plan: bool) -> None:
    """Prints what was found; the job itself was validated when the run was opened.

    Raises:
      InputError: no shard can be read.
    """
    console.print(_shards(run))
    if run.job.dedup.eval_overlap:
        console.print(_eval_sets(run))
    shard, samples = _first_readable(run, console)
    if samples is None:
        console.print(f"no shard that was looked at holds any row; the last is {escape(shard.path)}")
        return
    firsts = {source.name: next((other for other in run.shards if other.source == source.name), None) for source in run.job.source}
    rows = 0
    for source in run.job.source:
        first = shard if shard.source == source.name else firsts[source.name]
        if first is not None:
            rows += _tell_source(run, source, first, console)
    measured(run, shard, samples.slice(0, WARMING_ROWS))
    began = time.process_time()
    found = measured(run, shard, samples)
    cost = (time.process_time() - began) / len(samples)
    _tell_verdicts(run, found, console)
    _tell_cost(run, rows, cost, console, plan=plan)
    if plan:
        console.print(_plan(run, rows))


def _shards(run: Run) -> Table:
    table = Table("source", "format", "shards", "size", "first")
    for source in run.job.source:
        mine = [shard for shard in run.shards if shard.source == source.name]
        if mine:
            size = sum({shard.path: shard.size for shard in mine}.values())
            table.add_row(source.name, source.format, f"{len(mine):,}", told_bytes(size), escape(mine[0].path))
    return table


def _eval_sets(run: Run) -> Table:
    table = Table("set to keep out", "picture files", "caption files", "shards", "hashes")
    hashes = {listed.name: listed.size for listed in load_sets(run.job.dedup.eval_overlap)}
    for wanted in run.job.dedup.eval_overlap:
        mine = [part for part in run.benchmarks if part.set == wanted.name]
        numbers = [sum(len(part.files) for part in mine if part.kind == kind) for kind in ("images", "captions")]
        numbers += [sum(part.shard is not None for part in mine), hashes.get(wanted.name, 0)]
        table.add_row(wanted.name, *(f"{number:,}" for number in numbers))
    return table


def _first_readable(run: Run, console: Console) -> tuple[Shard, Samples | None]:
    """The first shard that can be read and holds a row, and its first rows; those before it are told of."""
    broken: UnreadableShardError | None = None
    for shard in run.shards:
        try:
            samples = first_rows(run, shard, PROBED_ROWS)
        except UnreadableShardError as error:
            console.print(f"[bold]alarm[/bold]: {escape(str(error))}")
            broken = error
            continue
        if samples is not None:
            return shard, samples
    if broken is not None:
        raise broken
    return run.shards[-1], None


def _tell_source(run: Run, source: Source, shard: Shard, console: Console) -> int:
    """Says what a shard's columns are taken for; returns how many rows its source may have, 0 where the shard cannot be read."""
    try:
        with open_shard(shard, source) as reader:
            roles = reader.roles
        counted = count_rows(shard, source)
    except UnreadableShardError as error:
        console.print(f"[bold]alarm[/bold]: {escape(str(error))}")
        return 0
    told = ", ".join(f"{role} = {column}" for role, column in sorted(roles.items()))
    console.print(f"columns of {escape(shard.path)}: {escape(told or 'none that is known')}")
    for role in ("caption", "url") if source.format != "webdataset" else ():  # a tar has captions in members of their own
        if role not in roles:
            console.print(f"[bold]alarm[/bold]: source {source.name} has no {role} that is known; name its column: source.columns.{role}")
    return _estimated_rows([other for other in run.shards if other.source == source.name], counted, shard)


def _estimated_rows(shards: Sequence[Shard], counted: int, shard: Shard) -> int:
    """Rows of a source, if the rows of every shard are as large as those of the one that was counted."""
    sizes = {other.path: other.size for other in shards}
    if shard.row_groups is not None:  # a range of a file: as many rows in every range
        return counted * len(shards)
    return max(counted, round(counted * sum(sizes.values()) / max(1, shard.size)))


def _tell_verdicts(run: Run, found: Look, console: Console) -> None:
    [verdicts] = judged([found], run)
    unreadable, gone = int(verdicts.unreadable.sum()), int(verdicts.rejected.sum())
    told = f"probed {len(found.samples)} rows: {unreadable} unreadable, {gone - unreadable} would be rejected"
    console.print(f"{told}, before duplicates are looked for")
    for alarm in (*_silenced(verdicts), *_numberless(run, verdicts)):
        console.print(f"[bold]alarm[/bold]: {escape(alarm)}")


def _numberless(run: Run, verdicts: Verdicts) -> Iterator[str]:
    """Columns by which the copy that stays is to be chosen, and which hold nothing to choose by in the probed rows."""
    for place, wish in enumerate(run.job.dedup.prefer):
        if wish.column is not None and np.isnan(values_of(verdicts.annotations.column("numbers"), wish.column)).all():
            yield f"dedup.prefer.{place}: column {wish.column} holds no number, date or true/false in the probed rows"


def _silenced(verdicts: Verdicts) -> Iterator[str]:
    """Filters that remove every probed row of a language or group."""
    groups = verdicts.annotations.column("groups")
    removed: dict[str, np.ndarray] = {}
    for finding in verdicts.findings:
        if finding.kind == "reason" and finding.word != reasons.UNREADABLE:
            removed.setdefault(finding.word, np.zeros(len(verdicts), bool))[finding.rows] = True
    for attribute in groups.type:
        levels = groups.field(attribute.name).to_pylist()
        rows = Counter(levels)
        for reason, mask in removed.items():
            gone = Counter(level for level, out in zip(levels, mask.tolist(), strict=True) if out)
            for level in sorted(level for level, n in rows.items() if n >= FEWEST and gone[level] == n):
                yield f"{reason} removes all {rows[level]} probed rows with {attribute.name} = {level}"


def _tell_cost(run: Run, rows: int, cost: float, console: Console, *, plan: bool) -> None:
    size = sum({shard.path: shard.size for shard in run.shards}.values())
    scratch = rows * ROW_BYTES
    console.print(
        f"expect about {rows:,} rows, {_duration(cost * rows * WHOLE_RUN)} of one core, "
        f"{told_bytes(scratch)} in {escape(run.layout.work)}, and at most {told_bytes(size)} in {escape(run.layout.out)}"
    )
    folder = run.layout.work
    if is_local(folder):
        while not os.path.exists(folder):
            folder = os.path.dirname(folder) or "."
        free = shutil.disk_usage(folder).free
        if free < scratch + size:
            told = f"{told_bytes(free)} are free below {escape(folder)}, about {told_bytes(scratch + size)} will be needed"
            console.print(f"[bold]alarm[/bold]: {told}")
    if plan or rows > MANY_ROWS:
        console.print(_match_need(run, rows))


def _match_need(run: Run, rows: int) -> str:
    from pipeline.match import passes_needed  # loads Beam and compiled kernels: two seconds that a small job need not wait for
    from transforms.match.plan import key_bytes

    memory = available_bytes()
    passes = passes_needed(rows, run.job.dedup.images.reach, memory)
    laid = told_bytes(rows * sum(key_bytes(run.job.dedup.images.reach, rows)) / passes)
    named = "1 pass" if passes == 1 else f"{passes} passes"
    return f"match on this machine: {named} in the {told_bytes(memory)} of memory it may take, with up to {laid} of keys on disk meanwhile"


def _plan(run: Run, rows: int) -> Table:
    from transforms.match.plan import key_bytes

    table = Table("phase", "reads", "writes", "crosses a shuffle", title="plan")
    table.add_row("annotate", "source", "annotations, signatures", "shard descriptors")
    table.add_row(
        "match", "signatures", "clusters", f"packed keys, about {told_bytes(rows * sum(key_bytes(run.job.dedup.images.reach, rows)))}"
    )
    table.add_row("judge", "annotations, clusters, lists", "ledger", "rows of clusters, reserved URLs, counts per cell")
    captions = ", captions of copies" if run.job.dedup.keep_captions else ""
    table.add_row("emit", "source, ledger", "data, summaries", f"shard descriptors{captions}")
    table.add_row("document", "summaries", "datasheet, cards, manifest", "summaries")
    for rule in run.filters:
        bounds = {name: getattr(rule, name) for name in ("max", "min", "keep") if getattr(rule, name, None) is not None}
        table.add_row(f"  {rule.name}", ", ".join(rule.reads) or "-", rule.action if rule.enabled else "measured only", str(bounds or ""))
    return table


def told_bytes(number: float) -> str:
    """A size for people.

    >>> told_bytes(1234), told_bytes(2.5e12)
    ('1 kB', '2.5 TB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:,.0f} {unit}"
        number /= 1000
    return f"{number:,.1f} TB"


def _duration(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"
