"""A run: a job, its shards, its filters, and where every file of it lies. Each phase takes one and leaves files behind."""

import dataclasses
import difflib
import functools
import json
import os
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.elders import Elder, elder_from, find_elders
from pipeline.find import find_run
from pipeline.frozen import Frozen
from pipeline.jobfile import filters_of, layout_of, load_job
from pipeline.recorded import job_as_far_as_known, recorded_job
from pipeline.removals import with_removals
from pipeline.run_checks import check_artefacts, check_folders, check_named_columns
from schemas.errors import JobError
from schemas.job import Job, Phase, keys_of
from schemas.layout import Layout
from schemas.shards import Shard, shard_from
from schemas.versions import digest, versions
from transforms.balance import targets
from transforms.eval_sets.hash_lists import hash_files
from transforms.eval_sets.sets import Part, part_from, parts_of
from transforms.filters.base import Artefact, Filter
from transforms.footers import Footer, read_footers
from transforms.not_duplicates import pair_files
from transforms.read.reader import check_columns
from transforms.read.shards import list_shards
from transforms.remote import use_options
from transforms.storage import exists, folder_of, list_folder, read_json, write_bytes

if TYPE_CHECKING:
    from pipeline.engine import Engine


@dataclasses.dataclass(frozen=True)
class Appended:
    """What one `winnow append` added to a release.

    Attributes:
      release: version of the release with it.
      onto: version of the release before, and `manifest`, the hash of its manifest.
      shards: names of the shards.
      lists: name -> hash of the opt-out lists that it was judged by.
      elders: earlier runs that it was held against, beside the release itself.
    """

    release: str
    onto: str
    manifest: str
    shards: tuple[str, ...]
    lists: Mapping[str, str]
    elders: tuple[Elder, ...]


@dataclasses.dataclass(frozen=True)
class Run:
    """What the five phases share.

    Attributes:
      job: the job, paths resolved.
      layout: the release folder and the work folder.
      shards: every shard of the input, by name.
      filters: every installed filter, each after those it reads.
      benchmarks: parts of the benchmark sets that are kept out, in the order of the job.
      elders: the finished runs that it is held against, in the order of the job.
      beam_args: Beam's own options, for the engine.
      replace: whether a finished release made from other inputs may be overwritten.
      frozen: the release that its shards are appended to; None where it makes one.
      appended: what was appended to the release, in turn; its shards are among `shards`, the last ones.
    """

    job: Job
    layout: Layout
    shards: tuple[Shard, ...]
    filters: tuple[Filter, ...]
    benchmarks: tuple[Part, ...] = ()
    elders: tuple[Elder, ...] = ()
    beam_args: tuple[str, ...] = ()
    replace: bool = False
    frozen: Frozen | None = None
    appended: tuple[Appended, ...] = ()

    @functools.cached_property
    def engine(self) -> "Engine":
        """What runs Beam pipelines; made when it is first asked for, because Beam takes a second to load."""
        from pipeline.engine import Engine

        return Engine.from_job(self.job.workers, self.beam_args)

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
                [
                    sources[shard.source],
                    common,
                    {**dataclasses.asdict(shard), "path": os.path.basename(shard.path), "sidecar": None, "embeddings": None},
                ]
            )
            for shard in self.shards
        }

    def annotation(self, shard: Shard) -> str:
        """Path of a shard's annotation."""
        return self.layout.annotation(shard.name, self.annotate_digests[shard.name])

    def signature(self, shard: Shard) -> str:
        """Path of a shard's signatures."""
        return self.layout.signature(shard.name, self.annotate_digests[shard.name])

    def unannotated(self) -> list[Shard]:
        """Shards without an annotation as this job asks; one listing."""
        there = {file.path for file in list_folder(self.layout.annotations)}
        return [shard for shard in self.shards if self.annotation(shard) not in there]

    @functools.cached_property
    def footers(self) -> list[Footer]:
        """The footers of all annotations, in the order of the shards; read once, when all of them are there."""
        return read_footers([self.annotation(shard) for shard in self.shards])

    @functools.cached_property
    def benchmark_digests(self) -> dict[str, str]:
        """Part of a benchmark set -> digest of all that its signatures depend on."""
        signing = keys_of(self.job.dedup, Phase.ANNOTATE)
        return {part.name: part.digest(signing) for part in self.benchmarks}

    @functools.cached_property
    def match_digest(self) -> str:
        """Digest of all that match depends on."""
        elders = [elder.sha256 for elder in self.elders]
        keys = {name: value for name, value in keys_of(self.job.dedup, Phase.MATCH).items() if name != "semantic"}
        return digest([self.annotate_digests, keys, self.benchmark_digests, elders])

    @functools.cached_property
    def semantic_digest(self) -> str:
        """Digest of all that it depends on which rows mean the same; empty where the job does not ask."""
        semantic = self.job.dedup.semantic
        if semantic.of is None:
            return ""
        earlier = [self.benchmark_digests, [elder.sha256 for elder in self.elders]] if self.elders else []
        return digest([self.annotate_digests, keys_of(semantic, Phase.MATCH), earlier])

    @functools.cached_property
    def judge_digest(self) -> str:
        """Digest of all that judge depends on."""
        lists = {rule.name: [found.sha256 for found in rule.list_files()] for rule in self.filters}
        pairs = [found.sha256 for found in (*self.pair_files, *self.hash_files)]
        protected = sorted(source.name for source in self.job.source if source.protected)
        return digest([self.match_digest, self.semantic_digest, keys_of(self.job, Phase.JUDGE), lists, pairs, protected])

    @property
    def pair_files(self) -> list[Artefact]:
        """The lists of `dedup.not_duplicates`."""
        return pair_files(self.job.dedup.not_duplicates)

    @property
    def hash_files(self) -> list[Artefact]:
        """The lists of hashes of `dedup.eval_overlap`."""
        return hash_files(self.job.dedup.eval_overlap)

    def check_preferred(self, names: Collection[str]) -> None:
        """Makes sure that every column by which the copy that stays is chosen is one of the source's.

        Args:
          names: the source's columns.

        Raises:
          JobError: one is not there; names the nearest.
        """
        for place, wish in enumerate(self.job.dedup.prefer):
            if wish.column is not None and wish.column not in names:
                near = difflib.get_close_matches(wish.column, sorted(names), 1, 0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(sorted(names)) or 'none'}"
                raise JobError(f"dedup.prefer.{place}.column: the source has no column {wish.column!r}; {hint}")


def is_matched(run: Run) -> bool:
    """Whether the clusters are up to date, and as many files of them there as were written."""
    if not exists(run.layout.matched):
        return False
    found = read_json(run.layout.matched)
    return found["digest"] == run.match_digest and len(list_folder(run.layout.clusters, ".arrow")) >= found.get("files", 0)


def open_run(
    path: str,
    settings: Sequence[str],
    beam_args: Sequence[str] = (),
    *,
    replace: bool = False,
    appends: bool = False,
    limit_shards: int | None = None,
) -> Run:
    """Loads a job, lists its shards, and makes sure that every model and list it names is there, before any worker starts.

    Args:
      path: the job file.
      settings: `key.path=value` laid over it.
      beam_args: Beam's own options.
      replace: whether a finished release made from other inputs may be overwritten.
      appends: whether its shards join a release, which has the columns that the job names where these have not.
      limit_shards: a trial with the first shards only, and an output of its own.

    Raises:
      JobError: the job file or the command line is wrong.
      InputError: no shard matches.
      MissingError: a model or a list is not there.
    """
    if beam_args:
        from pipeline.portable import parse

        parse(beam_args)  # an option that is wrong is told before anything is read
        use_options(beam_args)
    job = load_job(path, settings)
    if limit_shards is not None:
        trial = f"{job.output.rstrip('/')}.trial"
        job = job.model_copy(update={"output": trial, "work": f"{trial}.work"})
    targets.check(job.rebalance)
    shards = list_shards(job.source, folder_of(path))[:limit_shards]
    parts = parts_of(job.dedup.eval_overlap, folder_of(path))
    elders = find_elders(job, layout_of(job))
    run = _opened(job, shards, parts, elders, beam_args, replace=replace or limit_shards is not None)
    check_artefacts(run)
    check_folders(run)
    check_columns(run.shards, job.source)
    if not appends:
        check_named_columns(run)
    if beam_args:
        run.engine  # noqa: B018 -- so is a runner that is not there
    return run


def reopen_run(out: str, work: str | None, settings: Sequence[str] = ()) -> Run:
    """A run as it was last started, from what it left in its work folder; its source need not be there.

    Args:
      out: the release folder.
      work: the work folder, where the job set another than `<out>.work`.
      settings: `key.path=value` laid over the job as it was run.

    Raises:
      DifferenceError: there is no such run.
    """
    layout = find_run(out, work)
    record = read_json(layout.record)
    job = recorded_job(record["job"], layout.record, settings)
    targets.check(job.rebalance)
    run = _recorded(record, job, layout)
    check_artefacts(run)
    return run


def reopen_as_far_as_known(out: str, work: str | None) -> tuple[Run, list[str]]:
    """The same for what must not fail because a key, a model or a list is gone since: another version may have made the run.

    Args:
      out: the release folder.
      work: the work folder, where the job set another than `<out>.work`.

    Returns:
      The run, and the keys of its job that this version knows no more.

    Raises:
      DifferenceError: there is no such run.
    """
    layout = find_run(out, work)
    record = read_json(layout.record)
    job, unknown = job_as_far_as_known(record["job"], layout.record)
    return _recorded(record, job, layout), unknown


def _recorded(record: Mapping[str, Any], job: Job, layout: Layout) -> Run:
    """A run from its record; what the first versions did not write down, they did not know."""
    shards, benchmarks, elders, appended = (record.get(name, ()) for name in ("shards", "benchmarks", "elders", "appended"))
    run = _opened(
        job.model_copy(update={"output": layout.out, "work": layout.work}), [shard_from(found) for found in shards],
        [part_from(found) for found in benchmarks], [elder_from(found) for found in elders],
    )  # fmt: skip
    return dataclasses.replace(run, appended=tuple(_appended_from(found) for found in appended))


def _appended_from(fields: Mapping[str, Any]) -> Appended:
    elders = tuple(elder_from(found) for found in fields["elders"])
    return Appended(**{**fields, "shards": tuple(fields["shards"]), "elders": elders})


def write_record(run: Run) -> None:
    """Leaves the job, its shards, its benchmark sets and the earlier runs in the work folder."""
    job = run.job.model_dump(mode="json")
    found = {name: [dataclasses.asdict(entry) for entry in getattr(run, name)] for name in ("shards", "benchmarks", "elders", "appended")}
    record = {"job": job, "versions": versions(), **found}
    write_bytes(run.layout.record, json.dumps(record, sort_keys=True).encode())


def _opened(
    job: Job,
    shards: Sequence[Shard],
    benchmarks: Sequence[Part],
    elders: Sequence[Elder],
    beam_args: Sequence[str] = (),
    *,
    replace: bool = False,
) -> Run:
    filters = with_removals(filters_of(job), [elder.layout for elder in elders])
    return Run(job, layout_of(job), tuple(shards), filters, tuple(benchmarks), tuple(elders), tuple(beam_args), replace)
