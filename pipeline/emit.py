"""Phase 4, what is published? Shard by shard: the source is read a second time, and only what the ledger keeps.

    source shard + its ledger ─► EmitShards ─► out/data/, a summary in work/emitted/

A shard is written again only where its source, its ledger, the schema of the run or the emit keys changed: its summary's name holds
their digest, and the summary's footer the data file's size and hash.
"""

import json
from collections.abc import Iterable, Sequence

import apache_beam as beam

from pipeline.judge import read_judged
from pipeline.progress import Progress
from pipeline.run import Run, check_dropped
from schemas import annotations
from schemas.errors import JobError, reported
from schemas.job import Phase, Source, keys_of
from schemas.versions import digest, guard, versions
from transforms.annotate import source_schema
from transforms.emit import FILE, Task, emit_shard
from transforms.footers import read_footers
from transforms.release_schema import ReleaseSchema, release_schema
from transforms.storage import exists, list_folder, remove, remove_all, sweep


def emit(run: Run) -> None:
    """Brings the published data up to date, and sweeps what no shard of this run owns.

    Raises:
      JobError: `publish.drop` names no column of the source, or a finished release with other inputs would be overwritten.
    """
    release, tasks = schema_of(run), tasks_of(run)
    check_replace(run, tasks)
    remove(run.layout.manifest)
    for folder in (run.layout.data, run.layout.emitted):
        sweep(folder)
    stale = stale_of(run, tasks)
    with Progress("emit", len(tasks), [task.summary for task in tasks]):
        if stale:
            size = sum(task.shard.size for task in stale)
            run.engine.run("emit", lambda root: root | EmitShards(stale, run.job.source, release), size)
    _sweep(run, tasks)


def schema_of(run: Run) -> ReleaseSchema:
    """The schema of the release, from the footers of all annotations.

    Raises:
      JobError: `publish.drop` names a column that no shard has, so that another one, meant to be dropped, would be published.
    """
    shards = [
        (shard.source, source_schema(footer.metadata), json.loads(footer.metadata[annotations.ROLES]))
        for shard, footer in zip(run.shards, run.footers, strict=True)
    ]
    there = {name for _, schema, _ in shards for name in schema.names}
    if there:
        check_dropped(run.job.publish.drop, there)
    images = any(source.format != "urls" for source in run.job.source)
    return release_schema(shards, run.job.publish.drop, images=images, captions=run.job.dedup.keep_captions)


def tasks_of(run: Run) -> list[Task]:
    """One task a shard, its summary named by the digest of all that emit depends on."""
    judged = read_judged(run.layout)
    if judged is None:
        raise JobError("emit needs a finished judge phase: run `winnow run` without naming a phase")
    common = [schema_of(run).digestible(), keys_of(run.job, Phase.EMIT), versions()]
    return [
        Task(
            shard=shard,
            annotation=run.annotation(shard),
            ledger=run.layout.ledger_file(shard.name),
            data=run.layout.data_file(shard.name),
            summary=run.layout.summary(
                shard.name, digest([run.annotate_digests[shard.name], judged["ledger"][shard.name]["sha256"], common])
            ),
        )
        for shard in run.shards
    ]


def check_replace(run: Run, tasks: Sequence[Task]) -> None:
    """A finished release that other inputs made is not overwritten unless the user says so."""
    if run.replace or not exists(run.layout.manifest):
        return
    if stale_of(run, tasks):
        raise JobError(
            f"{run.layout.out} holds a finished release made from other inputs, lists or keys. Say --replace to overwrite it, "
            "or name another folder with --set output=..."
        )


def stale_of(run: Run, tasks: Sequence[Task]) -> list[Task]:
    """The shards whose summary is not there, or speaks of another data file than there is."""
    there = {file.path for file in list_folder(run.layout.emitted)}
    sizes = {file.path: file.size for file in list_folder(run.layout.data)}
    footers = iter(read_footers([task.summary for task in tasks if task.summary in there]))
    described = {task.data: json.loads(next(footers).metadata[FILE])["bytes"] for task in tasks if task.summary in there}
    return [task for task in tasks if task.data not in described or sizes.get(task.data) != described[task.data]]


def _sweep(run: Run, tasks: Sequence[Task]) -> None:
    """Removes what no shard of this run owns: shards that left the glob, superseded files."""
    owned = {path for task in tasks for path in (task.annotation, task.summary, task.data)} | {run.signature(shard) for shard in run.shards}
    for folder in (run.layout.annotations, run.layout.signatures, run.layout.emitted, run.layout.data):
        remove_all(file.path for file in list_folder(folder) if file.path not in owned)


class EmitShards(beam.PTransform):
    """Publishes shards: one element a shard, two files each."""

    def __init__(self, tasks: Sequence[Task], sources: Sequence[Source], release: ReleaseSchema) -> None:
        super().__init__()
        self.tasks, self.sources, self.release = tasks, sources, release

    def expand(self, root: beam.Pipeline) -> beam.PCollection[str]:
        """One name of a finished shard per task."""
        return (
            root
            | "Shards" >> beam.Create(self.tasks)
            | "Spread" >> beam.Reshuffle()
            | "Emit" >> beam.ParDo(_EmitShard({s.name: s for s in self.sources}, self.release, versions()))
        )


class _EmitShard(beam.DoFn):
    def __init__(self, sources: dict[str, Source], release: ReleaseSchema, expected: dict[str, str]) -> None:
        self.sources, self.release, self.expected = sources, release, expected

    def setup(self) -> None:
        guard(self.expected)

    def process(self, task: Task) -> Iterable[str]:
        with reported(f"emit, shard {task.shard.name}"):
            emit_shard(task, self.sources[task.shard.source], self.release)
            yield task.shard.name
