"""Finished runs that a job names under `dedup.against`: found, and refused where their rows cannot be compared with those of this one.

Nothing of an earlier run is annotated or read again but its ledger, its clusters and its signatures; they must have been made as this
job makes its own, and a run that has not ended says nothing yet.
"""

import dataclasses
import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.embeddings import refuse_other_embeddings
from schemas.errors import InputError, JobError
from schemas.job import Job, Phase, keys_of
from schemas.layout import Layout, join
from schemas.versions import digest, signature_versions, versions
from transforms.match.elders import elder_set
from transforms.match.rows import ElderFile
from transforms.semantic.found import FACTS
from transforms.storage import exists, list_folder, read_bytes, read_json

_DIGEST = ".0123456789abcdef"  # between the name of a shard and the ending of a file about it


@dataclasses.dataclass(frozen=True)
class Elder:
    """A finished run.

    Attributes:
      name: how evidence and documents name it, the same wherever it lies; None for the very release that is appended to.
      sha256: of its manifest.
      layout: its folders.
      shards: names and rows of its shards, in order, of each part: the run itself, then what was appended to it.
    """

    name: str | None
    sha256: str
    layout: Layout
    parts: tuple[tuple[tuple[str, int], ...], ...]


@dataclasses.dataclass(frozen=True)
class ElderShard:
    """A shard of a finished run: where its files lie, and which rows it has.

    Attributes:
      name: of the shard.
      part: number of the part it is in.
      annotation: its annotations; None where they are gone, or there are those of two runs.
      signature: its signatures; `ledger` and `clusters` likewise.
      ledger_sha256: of the ledger, as the run told it when it ended.
      semantic: which of its rows mean the same; None where that run did not look for them.
      start: number of its first row within its part.
      rows: how many.
      own: rows of its part.
      places: where this run writes down what it knows of the rows.
    """

    name: str
    part: int
    annotation: str | None
    signature: str
    ledger: str
    ledger_sha256: str
    clusters: str
    semantic: str | None
    start: int
    rows: int
    own: int
    places: str


def find_elders(job: Job, layout: Layout) -> tuple[Elder, ...]:
    """The runs that a job names.

    Args:
      job: its paths resolved.
      layout: where its own files lie.

    Raises:
      InputError: there is no finished run where one is named.
      JobError: one was made with other keys or versions; names it, the key and the cure.
    """
    found = []
    for place, earlier in enumerate(job.dedup.against):
        where = f"dedup.against.{place}: {earlier.run}"
        folder = earlier.run.rstrip("/")
        if folder == layout.out:
            raise JobError(f"{where} is the output of this very job; `winnow append` adds shards to a release")
        found.append(open_elder(Layout(folder, (earlier.work or f"{folder}.work").rstrip("/")), where, name=True))
        refuse_others(job, found[-1], where)
    if len({elder.sha256 for elder in found}) < len(found):
        raise JobError("dedup.against: one run is named twice")
    return tuple(found)


def elder_from(fields: Mapping[str, Any]) -> Elder:
    """A finished run from its fields as JSON has them."""
    parts = tuple(tuple((name, rows) for name, rows in part) for part in fields["parts"])
    return Elder(fields["name"], fields["sha256"], Layout(**fields["layout"]), parts)


def open_elder(layout: Layout, where: str, *, name: bool) -> Elder:
    """A finished run as it lies in its folders.

    Raises:
      InputError: it has not ended, or its work folder is not there.
    """
    from transforms.ledger import ledger_digest

    if not exists(layout.manifest):
        raise InputError(
            f"{where} holds no finished run: {layout.manifest} is not there; end it with `winnow run`, or take it out of the job"
        )
    for path in (layout.record, layout.judged):
        if not exists(path):
            raise InputError(
                f"{where}: its work folder {layout.work} holds no {path.rsplit('/', 1)[-1]}; name the folder, as in "
                f"{{run: {layout.out}, work: FOLDER}}, or make the run again"
            )
    from pipeline.judged import read_judged

    manifest, known = read_bytes(layout.manifest), read_json(layout.record)
    told, ledger = read_json(layout.manifest, manifest)["ledger"]["sha256"], (read_judged(layout) or {})["ledger"]
    shards = [found["name"] for found in known["shards"]]
    if ledger_digest(ledger) != told or sorted(ledger) != sorted(shards):
        raise InputError(
            f"{where}: its ledger is not the one that its manifest speaks of; end it with `winnow run`, or take it out of the job"
        )
    sha256 = hashlib.sha256(manifest).hexdigest()
    told_as = f"{layout.out.rsplit('/', 1)[-1]} (manifest {sha256[:12]})" if name else None
    return Elder(told_as, sha256, layout, parts_of(shards, [len(part["shards"]) for part in known["appended"]], ledger))


def parts_of(shards: Sequence[str], appended: Sequence[int], ledger: Mapping[str, Any]) -> tuple[tuple[tuple[str, int], ...], ...]:
    """Names and rows of the shards of each part of a release, of which so many were appended in turn."""
    ends = [0, *itertools.accumulate([len(shards) - sum(appended), *appended])]
    return tuple(tuple((name, int(ledger[name]["rows"])) for name in shards[start:end]) for start, end in itertools.pairwise(ends))


def refuse_others(job: Job, elder: Elder, where: str) -> None:
    """Makes sure that the signatures of a finished run compare with those of a job.

    Raises:
      JobError: names the run, the key and the cure.
    """
    theirs = read_json(elder.layout.record)["job"]
    refuse_other_embeddings(job, theirs, where)
    for part, signing in keys_of(job.dedup, Phase.ANNOTATE).items():
        for name, value in signing.items():
            was = theirs["dedup"].get(part, {}).get(name)
            if was != value:
                raise JobError(
                    f"{where} was made with dedup.{part}.{name}: {was}, and this job says {value}: their signatures cannot be compared. "
                    f"Say dedup.{part}.{name}: {was} here, or make that run again with {value}"
                )
    budgets = [source.decode.model_dump() for source in job.source]
    for source in theirs["source"]:
        if source["decode"] not in budgets:
            name = next(name for name, value in budgets[0].items() if source["decode"].get(name) != value)
            raise JobError(
                f"{where} was made with source.decode.{name}: {source['decode'].get(name)}, and this job says {budgets[0][name]}: other "
                f"pictures are readable there. Say the same here, or make that run again"
            )
    then = read_json(elder.layout.manifest)["versions"]
    for name, here in signature_versions().items():
        if then.get(name) != here:
            raise JobError(
                f"{where} was made with {name} {then.get(name)}, and this is {name} {here}: their signatures cannot be compared. "
                f"Make that run again with this version (winnow run ... --replace), or use that version here"
            )


def elder_shards(elder: Elder, layout: Layout) -> Iterator[ElderShard]:
    """The shards of a finished run, part after part.

    Args:
      elder: the run.
      layout: of the run that is held against it.

    Raises:
      InputError: a shard has no signatures, or those of two runs.
    """
    from pipeline.judged import read_judged

    told = (read_judged(elder.layout) or {})["ledger"]
    annotations, signatures = _by_shard(elder.layout.annotations, ".parquet"), _by_shard(elder.layout.signatures, ".arrow")
    meant = read_json(elder.layout.record)["job"]["dedup"].get("semantic", {}).get("of") is not None
    for part, shards in enumerate(elder.parts):
        start, own, whole = 0, sum(rows for _, rows in shards), elder.layout.appended(part)
        semantic = whole.semantic if meant and exists(join(whole.semantic, FACTS)) else None
        for name, rows in shards:
            there = signatures.get(name, [])
            if len(there) != 1:
                raise InputError(
                    f"{elder.layout.signatures}: {len(there)} files about shard {name} instead of one; end that run with `winnow run`"
                )
            measured = annotations.get(name, [])
            made_of = digest([elder.sha256, part, versions()])
            yield ElderShard(
                name, part, measured[0] if len(measured) == 1 else None, there[0], elder.layout.ledger_file(name),
                told[name]["sha256"], whole.clusters, semantic, start, rows, own, layout.elder(name, made_of),
            )  # fmt: skip
            start += rows


def _by_shard(folder: str, ending: str) -> dict[str, list[str]]:
    """The files of a folder by the shard that they are about."""
    listed = sorted(file.path for file in list_folder(folder, ending))
    return {
        name: list(paths) for name, paths in itertools.groupby(listed, lambda path: path.rsplit("/", 1)[-1][: -len(_DIGEST + ending)])
    }  # fmt: skip


def numbered(elders: Sequence[Elder], layout: Layout, first: int) -> Iterator[tuple[int, ElderShard, ElderFile, int]]:
    """All shards of finished runs as match numbers their rows.

    Args:
      elders: the runs, in the order of the job.
      layout: of the run that is held against them.
      first: dense number of their first row.

    Yields:
      The number of the run, the shard, its file, and the dense number of its first row.
    """
    for number, elder in enumerate(elders):
        for _, part in itertools.groupby(elder_shards(elder, layout), lambda shard: shard.part):
            shards = list(part)
            files = elder_set((shard.signature, shard.rows, shard.places) for shard in shards)
            for shard, file in zip(shards, files, strict=True):
                yield number, shard, file, first
                first += shard.rows
