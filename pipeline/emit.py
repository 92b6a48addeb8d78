"""Phase 4, what is published? Shard by shard: the source is read a second time, and only what the ledger keeps.

    source shard + its ledger ─► EmitShards ─► out/data/, a summary in work/emitted/

With `dedup.keep_captions` the captions of a cluster's other rows come from their own shards first:

    shard ─► AskCaptions ─► GroupByKey by the shard they lie in ─► ReadCaptions ─► GroupByKey by the shard that asked ─► EmitShards

A shard is written again only where its source, its ledger, the schema of the run or the emit keys changed: its summary's name holds
their digest, and the summary's footer the data file's size and hash.
"""

import dataclasses
import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
import pyarrow as pa

from pipeline.judged import read_judged
from pipeline.progress import Progress
from pipeline.run import Run
from pipeline.run_checks import check_dropped
from pipeline.steps import Step
from schemas import annotations
from schemas.errors import JobError, reported
from schemas.job import Phase, Source, keys_of
from schemas.versions import digest, guard, versions
from transforms.annotate import source_schema
from transforms.carry import Carried, answers, asks
from transforms.emit import FILE, Task, emit_shard
from transforms.filters.personal_data import PersonalData
from transforms.footers import read_footers
from transforms.release_schema import ReleaseSchema, release_schema
from transforms.storage import exists, list_folder, remove, remove_all, sweep
from transforms.text.allowed import allowed_by

CARRIED_AT_ONCE = 4_000_000  # captions that one pipeline moves, some 300 MB


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
        for some in _passes(run, stale):
            size = sum(task.shard.size for task in some)
            captions = Captions(tuple(tasks), redacted_kinds(run)) if run.job.dedup.keep_captions else None
            run.engine.run("emit", functools.partial(_emitting, some, run.job.source, release, captions), size)
    _sweep(run, tasks)


def _emitting(
    tasks: Sequence[Task], sources: Sequence[Source], release: ReleaseSchema, captions: "Captions | None", root: beam.Pipeline
) -> None:
    root | EmitShards(tasks, sources, release, captions)


def _passes(run: Run, stale: Sequence[Task]) -> Iterator[list[Task]]:
    """Stale shards, in runs that carry at most `CARRIED_AT_ONCE` captions, or one shard: an engine may keep what it shuffles in memory."""
    ledger = (read_judged(run.layout) or {})["ledger"]
    some: list[Task] = []
    count = 0
    for task in stale:
        more = ledger[task.shard.name]["captions"]
        if some and count + more > CARRIED_AT_ONCE:
            yield some
            some, count = [], 0
        some, count = [*some, task], count + more
    if some:
        yield some


def redacted_kinds(run: Run) -> tuple[str, ...]:
    """Kinds of personal data that are written over in captions that other rows carry, as in those that are published where they are."""
    rule = next(rule for rule in run.filters if isinstance(rule, PersonalData))
    return rule.redact if rule.enabled else ()


def allowed_in(run: Run) -> frozenset[bytes]:
    """Personal data that is left where it stands."""
    return allowed_by(next(rule for rule in run.filters if isinstance(rule, PersonalData)).allow)


def credit_kinds(run: Run) -> tuple[str, ...]:
    """Kinds of personal data that are written over in attribution: those that would reject a caption too, since no row goes for them."""
    rule = next(rule for rule in run.filters if isinstance(rule, PersonalData))
    return (*rule.redact, *rule.reject) if rule.enabled else ()


def schema_of(run: Run) -> ReleaseSchema:
    """The schema of the release, from the footers of all annotations, those of the release that is appended to among them.

    Raises:
      JobError: `publish.drop` names a column that no shard has, so that another one, meant to be dropped, would be published; or shards
        that are appended would make another schema.
    """
    shards = _described(run)
    if run.frozen is not None:
        shards = [*_described(run.frozen.base), *shards]
    there = {name for _, schema, _ in shards for name in schema.names}
    if there:
        check_dropped(run.job.publish.drop, there)
    images = any(source.format != "urls" for source in run.job.source)
    found = release_schema(shards, run.job.publish.drop, images=images, captions=run.job.dedup.keep_captions)
    if run.frozen is not None:
        check_frozen(schema_of(run.frozen.base).schema, found.schema)
    return found


def _described(run: Run) -> list[tuple[str, pa.Schema, dict[str, str]]]:
    return [
        (shard.source, source_schema(footer.metadata), json.loads(footer.metadata[annotations.ROLES]))
        for shard, footer in zip(run.shards, run.footers, strict=True)
    ]


def check_frozen(then: pa.Schema, now: pa.Schema) -> None:
    """Makes sure that shards which are appended fit the columns that the release has.

    Raises:
      JobError: names the first column that does not.
    """
    for field in now:
        if field.name not in then.names:
            raise JobError(
                f"append: the new shards have a column {field.name!r} that the release lacks, and its files stay as they are. Say "
                f"--set publish.drop=[..., {field.name}] to leave it out, or make the release anew with `winnow run --replace`"
            )
        if then.field(field.name).type != field.type:
            raise JobError(
                f"append: column {field.name!r} is {then.field(field.name).type} in the release, and with the new shards it would be "
                f"{field.type}. Mend the column in the shards, leave them out, or make the release anew with `winnow run --replace`"
            )


def tasks_of(run: Run) -> list[Task]:
    """One task a shard, its summary named by the digest of all that emit depends on."""
    judged = read_judged(run.layout)
    if judged is None:
        raise JobError("emit needs a finished judge phase: run `winnow run` without naming a phase")
    redact, allowed, common = credit_kinds(run), allowed_in(run), common_of(run)
    return [
        Task(
            shard=shard,
            annotation=run.annotation(shard),
            ledger=run.layout.ledger_file(shard.name),
            captions=run.layout.captions_file(shard.name),
            data=run.layout.data_file(shard.name),
            redact=redact,
            allowed=allowed,
            summary=run.layout.summary(
                shard.name, summary_digest(run.annotate_digests[shard.name], judged["ledger"][shard.name]["sha256"], common)
            ),
        )
        for shard in run.shards
    ]


def common_of(run: Run) -> list[Any]:
    """What the data and the summary of every shard depend on, beside its annotation and its ledger."""
    common = [schema_of(run).digestible(), keys_of(run.job, Phase.EMIT), versions(), credit_kinds(run)]
    if run.job.dedup.keep_captions:
        common.append(redacted_kinds(run))
    if allowed := allowed_in(run):
        common.append(sorted(digest.hex() for digest in allowed))
    return common


def summary_digest(annotated: str, ledger: str, common: Sequence[Any]) -> str:
    """The digest in the name of a summary: of all that emit depends on.

    Args:
      annotated: digest of all that the shard's annotation depends on.
      ledger: SHA-256 of its ledger file.
      common: see `common_of`.
    """
    return digest([annotated, ledger, common])


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
    frozen = run.frozen.names if run.frozen else frozenset()
    owned |= {run.layout.data_file(name) for name in frozen}
    for folder in (run.layout.annotations, run.layout.signatures, run.layout.emitted, run.layout.data):
        there = (file.path for file in list_folder(folder))
        remove_all(path for path in there if path not in owned and (folder == run.layout.data or _about(path) not in frozen))


def _about(path: str) -> str:
    """The shard that a file `<shard>.<digest>.<type>` is about."""
    return path.rsplit("/", 1)[-1].rsplit(".", 2)[0]


@dataclasses.dataclass(frozen=True)
class Captions:
    """What it takes to fetch captions: every shard of the run, and the kinds of personal data that are written over in them."""

    tasks: tuple[Task, ...]
    redact: tuple[str, ...]


class EmitShards(beam.PTransform):
    """Publishes shards: one element a shard, two files each."""

    def __init__(self, tasks: Sequence[Task], sources: Sequence[Source], release: ReleaseSchema, captions: Captions | None = None) -> None:
        super().__init__()
        self.tasks, self.release, self.captions = tasks, release, captions
        self.sources = {source.name: source for source in sources}

    def expand(self, root: beam.Pipeline) -> beam.PCollection[str]:
        """One name of a finished shard per task."""
        emit = _EmitShard(self.sources, self.release, versions())
        if self.captions is None:
            shards = root | "Shards" >> beam.Create([(number, {"task": [task]}) for number, task in enumerate(self.tasks)])
            return shards | "Emit" >> beam.ParDo(emit)
        numbers = {task.shard.name: number for number, task in enumerate(self.captions.tasks)}
        shards = root | "Shards" >> beam.Create([(numbers[task.shard.name], task) for task in self.tasks])
        answers = (
            shards
            | "AskCaptions" >> beam.ParDo(_AskCaptions(self.sources, numbers, versions()))
            | "GroupAsked" >> beam.GroupByKey()
            | "ReadCaptions" >> beam.ParDo(_ReadCaptions(self.sources, self.captions, versions()))
        )
        return {"task": shards, "captions": answers} | "JoinCaptions" >> beam.CoGroupByKey() | "Emit" >> beam.ParDo(emit)


class _Step(Step):
    def __init__(self, sources: Mapping[str, Source], expected: dict[str, str]) -> None:
        self.sources, self.expected = sources, expected

    def setup(self) -> None:
        guard(self.expected)


class _AskCaptions(_Step):
    def __init__(self, sources: Mapping[str, Source], numbers: Mapping[str, int], expected: dict[str, str]) -> None:
        super().__init__(sources, expected)
        self.numbers = numbers

    def process(self, element: tuple[int, Task]) -> Iterable[tuple[int, bytes]]:
        number, task = element
        with reported(f"emit, shard {task.shard.name}"):
            yield from asks(task.captions, number, self.numbers)


class _ReadCaptions(_Step):
    def __init__(self, sources: Mapping[str, Source], captions: Captions, expected: dict[str, str]) -> None:
        super().__init__(sources, expected)
        self.captions = captions

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterable[tuple[int, bytes]]:
        shard = self.captions.tasks[element[0]].shard
        with reported(f"emit, captions of shard {shard.name}"):
            yield from answers(shard, self.sources[shard.source], element[1], self.captions.redact, self.captions.tasks[element[0]].allowed)


class _EmitShard(_Step):
    def __init__(self, sources: Mapping[str, Source], release: ReleaseSchema, expected: dict[str, str]) -> None:
        super().__init__(sources, expected)
        self.release = release

    def process(self, element: tuple[int, Mapping[str, Iterable]]) -> Iterable[str]:
        for task in element[1]["task"]:
            with reported(f"emit, shard {task.shard.name}"):
                carried = Carried.of(element[1]["captions"]) if "captions" in element[1] else None
                emit_shard(task, self.sources[task.shard.source], self.release, carried)
                yield task.shard.name
