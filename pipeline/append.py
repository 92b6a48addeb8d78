"""`winnow append`: new shards join a finished release, whose verdicts, weights and files stay as they are.

Only shards that the release does not hold are annotated. They are matched against the release as against an earlier run, and judged by
what its own run found: its counts, its reserved URLs, the weights of its cells (a cell that it kept nothing of weighs 1). What is done
as a whole goes to `work/appended/<n>/`, what belongs to a shard beside that of the others.

Until the new rows are judged, nothing of the release is touched: a kill leaves it valid, manifest and all. Then the record of the run
takes the new shards in, the manifest goes, judge's marker follows, the new data is written, the documents tell of the union, and the
manifest comes last. Whatever is killed in between, the same command ends it: a record whose last part says that it was put onto the
manifest that lies there, or where none lies, is that of an append which has not ended.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.annotate import annotate
from pipeline.commands.run import match_all
from pipeline.document import document
from pipeline.documents.facts import portable
from pipeline.elders import Elder, open_elder, parts_of
from pipeline.emit import emit, schema_of
from pipeline.frozen import Frozen, frozen_facts
from pipeline.judge import check_conservation, judge
from pipeline.judged import read_judged
from pipeline.lease import Lease
from pipeline.log import LOGGER, logged
from pipeline.removals import with_removals
from pipeline.run import Appended, Run, open_run, reopen_run, write_record
from schemas.errors import InputError, JobError
from schemas.job import Job, Phase, Source, keys_of
from schemas.shards import Shard
from schemas.versions import versions
from transforms.storage import exists, read_bytes, read_json, remove, write_bytes

FROZEN = (Phase.ANNOTATE, Phase.MATCH, Phase.JUDGE, Phase.EMIT)


def append(path: str, settings: Sequence[str], beam_args: Sequence[str] = ()) -> Iterator[str]:
    """Adds the shards that a job names and its release does not hold.

    Args:
      path: the job file; its output is the release.
      settings: `key.path=value` laid over it.
      beam_args: Beam's own options.

    Yields:
      What there is to say, a sentence at a time.

    Raises:
      InputError: there is no finished release, or a shard of it has changed.
      JobError: the job, or this version of Winnow, is not the one that made the release; names the key.
    """
    job = open_run(path, settings, beam_args, replace=True, appends=True)
    with Lease(job.layout.lease), logged(job.layout.log):
        base, elder = _release(job)
        refuse_changes(base, job.job)
        run = _appending(job, base, elder)
        if not run.shards:
            yield f"the release holds all {len(base.shards)} shards that the job names; nothing to append"
            return
        annotate(run)
        match_all(run)
        schema_of(run)
        judge(run)
        union = _take_in(run)
        emit(run)
        check_conservation(union)
        document(union)
    found = read_judged(run.layout) or {}
    kept = sum(shard["verdicts"].get("kept", 0) for shard in found["ledger"].values())
    rows = sum(shard["rows"] for shard in found["ledger"].values())
    yield f"release {union.job.datasheet.version}: {len(run.shards)} shards appended, {rows:,} rows, {kept:,} of them kept"


def _release(job: Run) -> tuple[Run, Elder]:
    """The release as it was before anything of this append, and as its rows are held against."""
    layout = job.layout
    if not exists(layout.record):
        raise InputError(f"{layout.out}: no release to append to ({layout.record} is not there); make one with `winnow run` first")
    whole = reopen_run(layout.out, layout.work)
    sha256 = hashlib.sha256(read_bytes(layout.manifest)).hexdigest() if exists(layout.manifest) else None
    if sha256 and not (whole.appended and whole.appended[-1].manifest == sha256):
        return whole, open_elder(layout, layout.out, name=False)
    if not whole.appended:
        raise InputError(f"{layout.out}: no finished release to append to ({layout.manifest} is not there); end it with `winnow run` first")
    *before, last = whole.appended
    shards = whole.shards[: len(whole.shards) - len(last.shards)]
    sheet = whole.job.datasheet.model_copy(update={"version": last.onto})
    base = dataclasses.replace(
        whole, job=whole.job.model_copy(update={"datasheet": sheet}), shards=shards, appended=tuple(before)
    )  # fmt: skip
    ledger = (read_judged(layout) or {})["ledger"]
    parts = parts_of([shard.name for shard in shards], [len(part.shards) for part in before], ledger)
    return base, Elder(None, last.manifest, layout, parts)


def refuse_changes(base: Run, job: Job) -> None:
    """Makes sure that new shards are annotated, matched, judged and published as those of the release were.

    Raises:
      JobError: names the first key, or version, that differs.
    """
    cure = "Set it back, or make the release anew with `winnow run --replace`"
    made_by = base.layout.revision if exists(base.layout.revision) else base.layout.record  # a takedown leaves rows as they were made
    then, now = read_json(made_by)["versions"], versions()
    for name in sorted(now):
        if then.get(name) != now[name]:
            raise JobError(
                f"append: the release was made with {name} {then.get(name)}, and this is {name} {now[name]}: it has one version. "
                f"Append with that one, or make the release anew with `winnow run --replace`"
            )
    if base.unannotated():
        raise JobError(f"append: a model that measured the rows of the release is another one now, or its annotations are gone. {cure}")
    columns = set(schema_of(base).schema.names)
    more = [name for name in job.publish.drop if name not in base.job.publish.drop and name not in columns]
    drop = tuple(name for name in job.publish.drop if name not in more)
    asked = job.model_copy(update={"publish": job.publish.model_copy(update={"drop": drop})})
    for key, (was, said) in _differences(_keys(base.job), _keys(asked)).items():
        raise JobError(f"append: {key} was {was} when the release was made, and this job says {said}. {cure}")


def _keys(job: Job) -> dict[str, Any]:
    """Every key that decides a byte of data or ledger, dotted, without folders; keys of sources by the source's name."""
    plain: dict[str, Any] = keys_of(job, *FROZEN)
    plain.pop("source", None)
    plain["dedup"] = {**plain["dedup"], "against": [earlier.run for earlier in job.dedup.against]}
    plain["source"] = {source.name: {"name": source.name, **keys_of(source, *FROZEN)} for source in job.source}
    return dict(_dotted(portable(plain), ""))


def _dotted(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _dotted(inner, f"{prefix}.{name}" if prefix else name)
    else:
        yield prefix, value


def _differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Keys with other values; a source that only one of them has does not differ."""
    sources = [{key.split(".")[1] for key in keys if key.startswith("source.")} for keys in (then, now)]
    apart = sources[0] ^ sources[1]
    keys = [key for key in sorted({*then, *now}) if not (key.startswith("source.") and key.split(".")[1] in apart)]
    return {key: (then.get(key), now.get(key)) for key in keys if then.get(key) != now.get(key)}


def _appending(job: Run, base: Run, elder: Elder) -> Run:
    """The new shards as a run that is held against the release."""
    number = len(base.appended) + 1
    raw = read_json(base.layout.judged)
    facts = frozen_facts(raw, base.layout.appended(number - 1).reserved)
    shards = tuple(_new_shards(job.shards, base.shards))
    return dataclasses.replace(
        job, layout=base.layout.appended(number), shards=shards, elders=(*job.elders, elder), frozen=Frozen(base, facts), replace=True,
        filters=with_removals(job.filters, [base.layout]),
    )  # fmt: skip


def _new_shards(named: Sequence[Shard], held: Sequence[Shard]) -> Iterator[Shard]:
    """The shards that a release does not hold, each under a name that none of its own has.

    Raises:
      InputError: a file of the release is another one now, or lies elsewhere now.
    """
    known = {(shard.source, shard.path, shard.row_groups): shard for shard in held}
    files = {(shard.source, shard.path) for shard in held}
    alike = {_looks(shard): shard.path for shard in held}
    taken = {shard.name.casefold() for shard in held}
    for shard in named:
        then = known.get((shard.source, shard.path, shard.row_groups))
        if then is not None and dataclasses.replace(shard, name=then.name) == then:
            continue
        if (shard.source, shard.path) in files:
            raise InputError(
                f"append: {shard.path} has changed since the release was made of it (size, time or sidecar), and a release keeps its rows. "
                f"Put the file back as it was, leave it out of the globs, or make the release anew with `winnow run --replace`"
            )
        was = alike.get(_looks(shard))
        if was is not None and not exists(was):
            raise InputError(
                f"append: {shard.path} seems to be {was}, which is in the release and not there any more: appended, each of its rows would "
                f"count twice. Put it back there, or leave it out of the globs: the release needs its shards no more"
            )
        name, number = shard.name, 2
        while name.casefold() in taken:
            name, number = f"{shard.name}-{number}", number + 1
        taken.add(name.casefold())
        yield dataclasses.replace(shard, name=name)


def _looks(shard: Shard) -> tuple[Any, ...]:
    """What stays of a shard that is moved."""
    return shard.source, os.path.basename(shard.path), shard.size, shard.version, shard.row_groups


def _take_in(run: Run) -> Run:
    """Makes the new shards part of the release, whose manifest goes first; returns the union as documents tell of it."""
    assert run.frozen is not None
    base, layout = run.frozen.base, run.frozen.base.layout
    lists = {portable(found.name): found.sha256 for rule in run.filters for found in rule.list_files()}
    release = _next_version(base.job.datasheet.version, run.job.datasheet.version)
    *elders, elder = run.elders
    part = Appended(
        release, base.job.datasheet.version, elder.sha256, tuple(shard.name for shard in run.shards), lists, tuple(elders)
    )  # fmt: skip
    job = run.job.model_copy(
        update={
            "source": _sources(base.job.source, run.job.source),
            "datasheet": run.job.datasheet.model_copy(update={"version": release}),
        }
    )
    union = dataclasses.replace(
        run, job=job, layout=layout, shards=(*base.shards, *run.shards), elders=base.elders, frozen=None, appended=(*base.appended, part)
    )  # fmt: skip
    write_record(union)
    remove(layout.manifest)
    raw, marker = read_json(layout.judged), read_json(run.layout.judged)
    number = len(union.appended)
    raw["appended"] = [*(found for found in raw.get("appended", ()) if found["part"] < number), {"part": number, **marker}]
    raw["digest"] = hashlib.sha256(f"{elder.sha256} {marker['digest']}".encode()).hexdigest()[:16]
    write_bytes(layout.judged, json.dumps(raw, sort_keys=True, allow_nan=False).encode())
    LOGGER.info("append: %d shards become part of the release", len(run.shards))
    return union


def _sources(then: Sequence[Source], now: Sequence[Source]) -> tuple[Source, ...]:
    """The sources of the release, then those that are new."""
    names = {source.name for source in then}
    return (*then, *(source for source in now if source.name not in names))


def _next_version(then: str, declared: str) -> str:
    """The version of a release with more shards: the next minor one, or a later one that the job declares.

    >>> _next_version("1.2.3", "1.0.0"), _next_version("1.2.3", "2.0.0")
    ('1.3.0', '2.0.0')
    """
    major, minor, _ = map(int, then.split("."))
    bumped = f"{major}.{minor + 1}.0"
    return max(bumped, declared, key=lambda version: tuple(map(int, version.split("."))))
