"""`winnow preview`: a sample of rows, what would go, and why; nothing is written."""

from collections import Counter
from collections.abc import Collection

from rich.console import Console
from rich.table import Table

from pipeline.commands.console import plain
from pipeline.commands.sample import Look, first_rows, judged, measured, spread
from pipeline.run import Run
from schemas.errors import UnreadableShardError
from schemas.reasons import ILLEGAL
from transforms.filters.base import Finding

SHARDS = 4
EXAMPLES = 3
SHOWN = 72  # characters of a caption


def preview(run: Run, console: Console, rows: int) -> None:
    """Prints one line a reason, flag and action, with a few examples of each."""
    chosen = spread(run.shards, SHARDS)
    looks: list[Look] = []
    for shard in chosen:
        try:
            samples = first_rows(run, shard, -(-rows // len(chosen)))
        except UnreadableShardError as error:
            console.print(f"[bold]alarm[/bold]: {plain(error)}")
            continue
        if samples is not None:
            looks.append(measured(run, shard, samples))
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], list[str]] = {}
    total = rejected = 0
    for found, verdicts in zip(looks, judged(looks, run), strict=True):
        total += len(verdicts)
        rejected += int(verdicts.rejected.sum())
        illegal = {row for finding in verdicts.findings if finding.word == ILLEGAL for row in finding.rows.tolist()}
        for finding in (finding for finding in verdicts.findings if len(finding.rows)):
            counts[finding.kind, finding.word] += len(finding.rows)
            shown = examples.setdefault((finding.kind, finding.word), [])
            shown += _examples(found, finding, illegal, EXAMPLES - len(shown))
    told = f"{total} rows of {len(looks)} shards: {total - rejected} would stay, {rejected} would go"
    console.print(f"{told}, before duplicates are looked for" if total else "the shards that were looked at hold no rows")
    table = Table("", "what", "rows", "for example")
    for kind in ("reason", "flag", "action"):
        for (of, word), n in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            if of == kind:
                table.add_row(kind, plain(word), str(n), "\n".join(examples[of, word]))
    if counts:
        console.print(table)


def _examples(found: Look, finding: Finding, illegal: Collection[int], number: int) -> list[str]:
    """Keys and captions of rows; of those that a list calls illegal nothing is shown."""
    keys, captions = (found.samples.core.column(name).to_pylist() for name in ("key", "caption"))
    shown = []
    for place, row in [(place, row) for place, row in enumerate(finding.rows.tolist()) if row not in illegal][:number]:
        score = "" if finding.scores is None else f" ({finding.scores[place]:g})"
        shown.append(plain(f"{keys[row] or f'{found.shard.name} row {row}'}{score} {(captions[row] or '')[:SHOWN]}"))
    return shown
