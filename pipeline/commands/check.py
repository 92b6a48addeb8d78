"""`winnow check`: whether a job can run, what it would read, and what that would cost; no worker is started."""

import os
import shutil
import time
from collections import Counter

from rich.console import Console
from rich.table import Table
from transforms.read.count import count_rows

from pipeline.commands.sample import judged, look
from pipeline.run import Run
from transforms.storage import is_local

PROBED_ROWS = 50
SIGNATURE_BYTES = 2_900  # a row's signatures, most of it the thumbnail
WHOLE_JOB = 1.6  # a run's CPU seconds for one of a probe: reading twice, matching, judging, writing


def check(run: Run, console: Console, *, plan: bool) -> None:
    """Prints what was found; the job itself was validated when the run was opened."""
    shards, size = run.shards, sum(shard.size for shard in run.shards)
    console.print(f"{len(shards)} shards, {_bytes(size)}: {shards[0].path}{' ...' if len(shards) > 1 else ''}")
    began = time.process_time()
    found = look(run, shards[0], PROBED_ROWS)
    cost = time.process_time() - began
    if found is None:
        console.print(f"the first shard, {shards[0].name}, holds no rows")
        return
    rows = len(found.samples)
    total = round(count_rows(shards[0]) * size / max(1, shards[0].size))
    console.print(
        f"about {total:,} rows; columns: {', '.join(f'{role} = {column}' for role, column in sorted(found.samples.roles.items()))}"
    )
    verdicts = judged([found], run)[0]
    unreadable = int(verdicts.unreadable.sum())
    console.print(
        f"probed {rows} rows of {shards[0].name}: {unreadable} unreadable, {int(verdicts.rejected.sum()) - unreadable} would be rejected"
    )
    for warning in _silenced(found.annotations.column("groups"), verdicts):
        console.print(f"[bold]alarm[/bold]: {warning}")
    scratch = total * (SIGNATURE_BYTES + 700)
    console.print(
        f"expect about {_duration(cost / rows * total * WHOLE_JOB)} of one core, {_bytes(scratch)} in {run.layout.work}, "
        f"and at most {_bytes(size)} in {run.layout.out}"
    )
    _check_room(run, scratch + size, console)
    if plan:
        console.print(_plan(run, total))


def _silenced(groups: object, verdicts: object) -> list[str]:
    """Languages of which every probed row would go."""
    languages = groups.field("language").to_pylist()  # type: ignore[attr-defined]
    rejected = verdicts.rejected.tolist()  # type: ignore[attr-defined]
    seen, gone = Counter(languages), Counter(word for word, out in zip(languages, rejected, strict=True) if out)
    return [
        f"all {n} probed rows in language {word} would be rejected"
        for word, n in sorted(seen.items(), key=str)
        if n >= 5 and gone[word] == n
    ]


def _check_room(run: Run, needed: int, console: Console) -> None:
    if is_local(run.layout.work):
        folder = run.layout.work
        while not os.path.exists(folder):
            folder = os.path.dirname(folder) or "/"
        free = shutil.disk_usage(folder).free
        if free < needed:
            console.print(f"[bold]alarm[/bold]: {_bytes(free)} are free below {folder}, {_bytes(needed)} are expected to be needed")


def _plan(run: Run, rows: int) -> Table:
    table = Table("phase", "reads", "writes", "crosses a shuffle", title="plan")
    pairs = rows * (18 * 12 + 12 * 4 * 16)
    table.add_row("annotate", "source", "annotations, signatures", "shard descriptors")
    table.add_row("match", "signatures", "clusters", f"packed keys, about {_bytes(pairs)}")
    table.add_row("judge", "annotations, clusters, lists", "ledger", "rows of clusters, reserved URLs, counts per cell")
    table.add_row("emit", "source, ledger", "data, summaries", "shard descriptors")
    table.add_row("document", "summaries", "datasheet, cards, manifest", "summaries")
    for rule in run.filters:
        bounds = {name: getattr(rule, name) for name in ("max", "min", "keep") if getattr(rule, name, None) is not None}
        table.add_row(f"  {rule.name}", ", ".join(rule.reads) or "-", rule.action if rule.enabled else "measured only", str(bounds or ""))
    return table


def _bytes(number: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:,.0f} {unit}"
        number /= 1000
    return f"{number:,.1f} TB"


def _duration(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"
