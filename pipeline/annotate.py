"""Phase 1, what is each row? Every shard that is new or has changed is read once and measured; nothing else crosses between workers.

    shards ─► AnnotateShards ─► work/annotations/, work/signatures/

That a shard's files exist under the digest of all they depend on says that they are done. While the phase runs, the driver reads the
footers of what is finished: where more rows are unreadable, or more are not scored, than the job allows, it leaves a stop file that
every worker looks for before its next shard.
"""

import json
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

import apache_beam as beam

from pipeline.eval_sets import sign_benchmarks
from pipeline.illegal import forget_emptied, is_emptied, read_emptied
from pipeline.log import LOGGER
from pipeline.progress import Progress
from pipeline.run import Run, is_matched
from pipeline.run_checks import check_preferred_values
from pipeline.semantic import is_compared
from pipeline.steps import Step
from schemas.errors import EngineError, InputError, WinnowError, reported
from schemas.job import Source
from schemas.layout import join
from schemas.shards import Shard
from schemas.versions import guard, versions
from transforms.annotate import TALLY, Recipe, annotate_shard
from transforms.filters.base import Filter
from transforms.footers import Footer, read_footers
from transforms.storage import exists, list_folder, make_private, read_bytes, remove, sweep, write_bytes

EARLY_STOP_ROWS = 10_000
POLL_SECONDS = 2.0


def annotate(run: Run) -> None:
    """Brings every shard's annotation and signatures up to date.

    Raises:
      InputError: more is unreadable, or not scored by a filter, than the job allows.
      JobError: a column by which the copy that stays is to be chosen holds nothing.
    """
    make_private(run.layout.work)
    sign_benchmarks(run)  # match reads them; what is wrong with them is told before hours of work
    for folder in (run.layout.annotations, run.layout.signatures):
        sweep(folder)
    stop = join(run.layout.work, "stop")
    remove(stop)
    done = {file.path for folder in (run.layout.annotations, run.layout.signatures) for file in list_folder(folder)}
    emptied = {} if is_matched(run) and is_compared(run) else read_emptied(run.layout)
    stale = [shard for shard in run.shards if not {run.annotation(shard), run.signature(shard)} <= done or is_emptied(run, shard, emptied)]
    with _Limits(run, stop), Progress("annotate", len(run.shards), [run.annotation(shard) for shard in run.shards]):
        if stale:
            tasks = [(shard, run.annotation(shard), run.signature(shard)) for shard in stale]
            recipe = Recipe(run.filters, run.job.dedup)
            run.engine.run("annotate", lambda root: root | AnnotateShards(tasks, run.job.source, recipe, stop), sum(s.size for s in stale))
            forget_emptied(run.layout, [signature for _, _, signature in tasks])
    check_limits(run, list(zip(run.shards, run.footers, strict=True)), final=True)
    check_preferred_values(run)  # judge goes by them; before hours of match


class AnnotateShards(beam.PTransform):
    """Reads and measures shards: one element a shard, two files each, nothing returned."""

    def __init__(self, tasks: Sequence[tuple[Shard, str, str]], sources: Sequence[Source], recipe: Recipe, stop: str) -> None:
        super().__init__()
        self.tasks, self.sources, self.recipe, self.stop = tasks, sources, recipe, stop

    def expand(self, root: beam.Pipeline) -> beam.PCollection[str]:
        """One name of a finished shard per task."""
        return (
            root
            | "Shards" >> beam.Create(self.tasks)
            | "Annotate" >> beam.ParDo(_AnnotateShard({s.name: s for s in self.sources}, self.recipe, self.stop, versions()))
        )


class _AnnotateShard(Step):
    def __init__(self, sources: dict[str, Source], recipe: Recipe, stop: str, expected: dict[str, str]) -> None:
        self.sources, self.recipe, self.stop, self.expected = sources, recipe, stop, expected

    def setup(self) -> None:
        guard(self.expected)

    def process(self, element: tuple[Shard, str, str]) -> Iterable[str]:
        shard, annotation, signature = element
        with reported(f"annotate, shard {shard.name}"):
            if exists(self.stop):
                raise _stopped(read_bytes(self.stop))
            annotate_shard(shard, self.sources[shard.source], self.recipe, annotation, signature)
            yield shard.name


def check_limits(run: Run, finished: Sequence[tuple[Shard, Footer]], *, final: bool) -> None:
    """Holds what the footers of finished annotations say against the job's limits.

    Args:
      run: the run.
      finished: shards that are annotated, and the footers of their annotations.
      final: whether these are all; before the end, shares count only from 10,000 rows.

    Raises:
      InputError: more rows or shards are unreadable than a source allows, or a filter failed on more rows than it may.
    """
    tallies = [(shard, json.loads(footer.metadata[TALLY])) for shard, footer in finished]
    for source in run.job.source:
        mine = [(shard, tally) for shard, tally in tallies if shard.source == source.name]
        lost = [f"{shard.path}: {tally['unreadable_shard']}" for shard, tally in mine if tally["unreadable_shard"]]
        if len(lost) > source.max_unreadable_shards:
            raise InputError(
                f"source {source.name}: {len(lost)} shards cannot be read at all; "
                f"max_unreadable_shards allows {source.max_unreadable_shards}. First: {lost[0]}"
            )
        rows = sum(tally["rows"] - tally["recorded"] for _, tally in mine)
        unreadable = sum(tally["unreadable"] for _, tally in mine)
        if unreadable > source.max_unreadable * rows and (final or rows >= EARLY_STOP_ROWS):
            worst = max(mine, key=lambda found: found[1]["unreadable"])[0]
            raise InputError(
                f"source {source.name}: {unreadable} of {rows} rows are unreadable, more than "
                f"max_unreadable: {source.max_unreadable} allows; most of them in {worst.path}. "
                f"Look at a few with `winnow preview`, mend the shards, or raise source.max_unreadable."
            )
    _check_not_scored(run, tallies, final=final)


def _check_not_scored(run: Run, tallies: Sequence[tuple[Shard, dict]], *, final: bool) -> None:
    rows = sum(tally["rows"] for _, tally in tallies)
    failed: Counter[str] = Counter()
    for _, tally in tallies:
        failed.update(tally["not_scored"])
    for rule in run.filters:
        allowed = run.job.max_not_scored if rule.max_not_scored is None else rule.max_not_scored
        if rule.enabled and failed[rule.name] > allowed * rows and (final or rows >= EARLY_STOP_ROWS):
            shard, tally = next(found for found in tallies if rule.name in found[1]["first_not_scored"])
            raise InputError(
                f"filter {rule.name} failed on {failed[rule.name]} of {rows} rows, more than max_not_scored: {allowed} allows; first in "
                f"{shard.path}, row {tally['first_not_scored'][rule.name]} ({tally['errors'].get(rule.name, 'no more is known')}). "
                f"{_models_of(rule)}Nothing is published on rows that nobody looked at: "
                f"mend the rows or the model, or raise filters.{rule.name}.max_not_scored."
            )


def _models_of(rule: Filter) -> str:
    """What a filter's scores come from, a sentence for an error; empty where it has no model."""
    named = ", ".join(f"{model.name} ({model.path}, SHA-256 {model.sha256})" for model in rule.models())
    return f"It asks {named}: `winnow preview` shows what it answers on a few rows. " if named else ""


def _stopped(content: bytes) -> WinnowError:
    from schemas.errors import decode

    return decode(content.decode()) or InputError("the driver stopped this phase")


class _Limits(AbstractContextManager["_Limits"]):
    """Watches the limits in the driver while annotate goes on."""

    def __init__(self, run: Run, stop: str) -> None:
        self.run, self.stop = run, stop
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch, name="limits", daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.ended.set()
        self.thread.join()
        remove(self.stop)

    def _watch(self) -> None:
        waiting = {self.run.annotation(shard): shard for shard in self.run.shards}
        finished: list[tuple[Shard, Footer]] = []
        while not self.ended.wait(POLL_SECONDS):
            try:
                fresh = [file.path for file in list_folder(self.run.layout.annotations) if file.path in waiting]
                finished += [(waiting.pop(path), footer) for path, footer in zip(fresh, read_footers(fresh), strict=True)]
                if fresh:
                    check_limits(self.run, finished, final=False)
            except EngineError as error:  # the run itself says so if it matters
                LOGGER.warning("limits cannot be watched: %s", error)
            except WinnowError as error:
                write_bytes(self.stop, error.encode().encode())
                return
