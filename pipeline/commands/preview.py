"""`winnow preview`: a sample of rows, what would go, and why; nothing is written."""

from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.commands.sample import judged, look, spread
from pipeline.run import Run
from transforms.filters.base import Finding

SHARDS = 4
EXAMPLES = 3
SHOWN = 72  # characters of a caption


def preview(run: Run, console: Console, rows: int) -> None:
    """Prints one line a reason, flag and action, with a few examples of each."""
    chosen = spread(run.shards, SHARDS)
    looks = [found for shard in chosen if (found := look(run, shard, max(1, rows // len(chosen)))) is not None]
    if not looks:
        console.print("the shards hold no rows")
        return
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], list[str]] = {}
    total = rejected = 0
    for found, verdicts in zip(looks, judged(looks, run), strict=True):
        total += len(verdicts)
        rejected += int(verdicts.rejected.sum())
        keys = found.samples.core.column("key").to_pylist()
        captions = found.samples.core.column("caption").to_pylist()
        for finding in verdicts.findings:
            word = (finding.kind, finding.word)
            counts[word] += len(finding.rows)
            for place, row in enumerate(finding.rows.tolist()[:EXAMPLES]):
                shown = examples.setdefault(word, [])
                if len(shown) < EXAMPLES:
                    caption = (captions[row] or "")[:SHOWN].replace("\n", " ")
                    shown.append(f"{keys[row] or f'{found.shard.name} row {row}'}{_score(finding, place)} {caption}")
    console.print(
        f"{total} rows of {len(looks)} shards: {total - rejected} would stay, {rejected} would go, before duplicates are looked for"
    )
    table = Table("", "what", "rows", "for example")
    for kind in ("reason", "flag", "action"):
        for (of, word), n in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            if of == kind:
                table.add_row(kind, word, str(n), escape("\n".join(examples[of, word])))
    console.print(table)


def _score(finding: Finding, place: int) -> str:
    return "" if finding.scores is None else f" ({finding.scores[place]:g})"
