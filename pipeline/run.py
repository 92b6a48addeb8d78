"""A run: a job, its shards, its filters, and where every file of it lies. Each phase takes one and leaves files behind."""

import dataclasses
import functools
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.jobfile import build_job, filters_of, lay_over, layout_of, load_job
from schemas.errors import DifferenceError, MissingError
from schemas.job import Job, Phase, keys_of
from schemas.layout import Layout
from schemas.shards import Shard
from schemas.versions import digest, versions
from transforms.filters.base import Filter
from transforms.read.shards import list_shards
from transforms.storage import exists, read_bytes, write_bytes

if TYPE_CHECKING:
    from pipeline.engine import Engine


@dataclasses.dataclass(frozen=True)
class Run:
    """What the five phases share.

    Attributes:
      job: the job, paths resolved.
      layout: the release folder and the work folder.
      shards: every shard of the input, by name.
      filters: every installed filter, each after those it reads.
      engine: what runs Beam pipelines.
      replace: whether a finished release made from other inputs may be overwritten.
    """

    job: Job
    layout: Layout
    shards: tuple[Shard, ...]
    filters: tuple[Filter, ...]
    engine: "Engine"
    replace: bool = False

    @functools.cached_property
    def annotate_digests(self) -> dict[str, str]:
        """Shard name -> digest of all that its annotation depends on."""
        sources = {source.name: keys_of(source, Phase.ANNOTATE) for source in self.job.source}
        common = {
            "dedup": keys_of(self.job.dedup, Phase.ANNOTATE),
            "filters": {rule.name: keys_of(rule, Phase.ANNOTATE) for rule in self.filters},
            "models": {rule.name: [model.sha256 for model in rule.models()] for rule in self.filters},
            "versions": versions(),
        }
        return {
            shard.name: digest(
                [sources[shard.source], common, {**dataclasses.asdict(shard), "path": os.path.basename(shard.path), "sidecar": None}]
            )
            for shard in self.shards
        }

    def annotation(self, shard: Shard) -> str:
        """Path of a shard's annotation."""
        return self.layout.annotation(shard.name, self.annotate_digests[shard.name])

    def signature(self, shard: Shard) -> str:
        """Path of a shard's signatures."""
        return self.layout.signature(shard.name, self.annotate_digests[shard.name])

    @functools.cached_property
    def match_digest(self) -> str:
        """Digest of all that match depends on."""
        return digest([self.annotate_digests, keys_of(self.job.dedup, Phase.MATCH)])

    @functools.cached_property
    def judge_digest(self) -> str:
        """Digest of all that judge depends on."""
        lists = {rule.name: [found.sha256 for found in rule.list_files()] for rule in self.filters}
        return digest([self.match_digest, keys_of(self.job, Phase.JUDGE), lists])


def open_run(
    path: str, settings: Sequence[str], beam_args: Sequence[str] = (), *, replace: bool = False, limit_shards: int | None = None
) -> Run:
    """Loads a job, lists its shards, and makes sure that every model and list it names is there, before any worker starts.

    Args:
      path: the job file.
      settings: `key.path=value` laid over it.
      beam_args: Beam's own options.
      replace: whether a finished release made from other inputs may be overwritten.
      limit_shards: a trial with the first shards only, and an output of its own.

    Raises:
      JobError: the job file or the command line is wrong.
      InputError: no shard matches.
      MissingError: a model or a list is not there.
    """
    job = load_job(path, settings)
    if limit_shards is not None:
        trial = f"{job.output.rstrip('/')}.trial"
        job = job.model_copy(update={"output": trial, "work": f"{trial}.work"})
    shards = list_shards(job.source, os.path.dirname(os.path.abspath(path)))[:limit_shards]
    return _opened(job, shards, beam_args, replace=replace)


def reopen_run(out: str, work: str | None, settings: Sequence[str] = ()) -> Run:
    """A run as it was last started, from what it left in its work folder; its source need not be there.

    Args:
      out: the release folder.
      work: the work folder, where the job set another than `<out>.work`.
      settings: `key.path=value` laid over the job as it was run.

    Raises:
      DifferenceError: there is no such run.
    """
    layout = Layout(out.rstrip("/"), (work or f"{out.rstrip('/')}.work").rstrip("/"))
    if not exists(layout.record):
        raise DifferenceError(
            f"{out}: no run to look into ({layout.record} is not there); give the release folder, and --work where the job set another"
        )
    record = json.loads(read_bytes(layout.record))
    content = record["job"]
    for setting in settings:
        lay_over(content, setting)
    job = build_job(content, os.getcwd(), layout.record)
    job = job.model_copy(update={"output": layout.out, "work": layout.work})
    shards = [Shard(**{**found, "row_groups": tuple(found["row_groups"]) if found["row_groups"] else None}) for found in record["shards"]]
    return _opened(job, shards, ())


def write_record(run: Run) -> None:
    """Leaves the job and its shards in the work folder."""
    job = run.job.model_dump(mode="json")
    record = {"job": job, "shards": [dataclasses.asdict(shard) for shard in run.shards]}
    write_bytes(run.layout.record, json.dumps(record, sort_keys=True).encode())


def _opened(job: Job, shards: Sequence[Shard], beam_args: Sequence[str], *, replace: bool = False) -> Run:
    from pipeline.engine import Engine

    filters = tuple(filters_of(job))
    for rule in filters:
        try:
            rule.models(), rule.list_files()
        except MissingError as error:
            raise MissingError(f"filters.{rule.name}: {error}") from error
    return Run(job, layout_of(job), tuple(shards), filters, Engine.from_job(job.workers, beam_args), replace)
