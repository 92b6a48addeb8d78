"""Gathers what a run left behind that the documents speak of: judge's marker, footers, counts. No row of data is read."""

import contextlib
import dataclasses
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.documents.combine import CombineSummaries, missing, parts_of, sweep_parts
from pipeline.documents.counts import Counts, open_counts
from pipeline.judged import read_judged
from pipeline.run import Run
from schemas import annotations
from schemas.errors import JobError
from transforms.annotate import TALLY, source_schema
from transforms.emit import data_files
from transforms.footers import Footer, read_footers
from transforms.release_schema import ReleaseSchema, release_schema
from transforms.storage import exists, list_folder, read_json

_DIGEST = len(".0123456789abcdef")
AGAIN = "run `winnow run` again: it does only what is missing"


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What is known of a finished run.

    Attributes:
      run: the run.
      judged: judge's marker: counts, cluster sizes, weights, audit, hashes of ledger files.
      counts: the summaries of all shards, added up.
      data_files: shard -> rows, bytes and sha256 of its data file.
      schema: the release's schema.
      notes: what was noticed about shards as a whole, without its details -> shards.
      unreadable_shards: shards that could not be read at all.
      not_scored: filter -> rows on which it failed.
      source_rows: rows of the source, counted by other code than the reader.
      source_bytes: bytes of the shards as they lie.
      revision: of which release this one is a revision, and how (`Layout.revision`); None where it is none.
    """

    run: Run
    judged: Mapping[str, Any]
    counts: Counts
    data_files: Mapping[str, Mapping[str, Any]]
    schema: ReleaseSchema
    notes: Mapping[str, int]
    unreadable_shards: int
    not_scored: Mapping[str, int]
    source_rows: int
    source_bytes: int
    revision: Mapping[str, Any] | None = None


@contextlib.contextmanager
def gather(run: Run) -> Iterator[Evidence]:
    """Opens what a finished emit phase left; summaries are added up in Beam where that was not done yet.

    Raises:
      JobError: emit has not ended, or a data file is not the one it wrote.
    """
    judged = read_judged(run.layout)
    if judged is None:
        raise JobError(f"{run.layout.out}: no finished judge phase to write documents about; {AGAIN}")
    summaries = by_shard(run, run.layout.emitted)
    footers = read_footers(list(summaries.values()))
    described = data_files({name: footer.metadata for name, footer in zip(summaries, footers, strict=True)})
    _check_data(run, described)
    parts = parts_of(run.layout, list(summaries.values()))
    if missing(run.layout, parts):
        run.engine.run("document", lambda root: root | CombineSummaries(list(summaries.values()), parts))
    sweep_parts(run.layout, parts)
    annotated = read_footers(list(by_shard(run, run.layout.annotations).values()))
    tallies = [json.loads(footer.metadata[TALLY]) for footer in annotated]
    failed: Counter[str] = Counter()
    for tally in tallies:
        failed.update(tally["not_scored"])
    with open_counts(parts) as counts:
        yield Evidence(
            run=run, judged=judged, counts=counts, data_files=described, schema=_schema(run, annotated), notes=_notes(annotated),
            unreadable_shards=sum(tally["unreadable_shard"] is not None for tally in tallies), not_scored=dict(sorted(failed.items())),
            source_rows=sum(int(footer.metadata[annotations.SOURCE_ROWS]) for footer in annotated),
            source_bytes=_source_bytes(run), revision=_revision(run),
        )  # fmt: skip


def by_shard(run: Run, folder: str, ending: str = ".parquet") -> dict[str, str]:
    """Shard -> its file `<shard>.<digest>.parquet`, or with another ending, in a folder, in the order of the run's shards."""
    found = {file.path.rsplit("/", 1)[-1][: -_DIGEST - len(ending)]: file.path for file in list_folder(folder, ending)}
    absent = [shard.name for shard in run.shards if shard.name not in found]
    if absent:
        raise JobError(f"{folder}: nothing about shard {absent[0]}, so the documents would leave it out; {AGAIN}")
    return {shard.name: found[shard.name] for shard in run.shards}


def _check_data(run: Run, described: Mapping[str, Mapping[str, Any]]) -> None:
    sizes = {file.path: file.size for file in list_folder(run.layout.data, ".parquet")}
    for name, file in described.items():
        path = run.layout.data_file(name)
        if sizes.get(path) != file["bytes"]:
            raise JobError(f"{path} is not the file that this run wrote ({file['bytes']} bytes); {AGAIN}")


def _schema(run: Run, annotated: list[Footer]) -> ReleaseSchema:
    shards = [
        (shard.source, source_schema(footer.metadata), json.loads(footer.metadata[annotations.ROLES]))
        for shard, footer in zip(run.shards, annotated, strict=True)
    ]
    images = any(source.format != "urls" for source in run.job.source)
    return release_schema(shards, run.job.publish.drop, images=images, captions=run.job.dedup.keep_captions)


def _notes(annotated: list[Footer]) -> dict[str, int]:
    """What notes say before the colon: behind it stand names of members and columns, which may be anybody's.

    The only note of a shard that could not be read begins with its path, and is left out: such shards are counted.
    """
    found: Counter[str] = Counter()
    for footer in annotated:
        if json.loads(footer.metadata[TALLY])["unreadable_shard"] is None:
            found.update({note.partition(":")[0] for note in json.loads(footer.metadata[annotations.NOTES])})
    return dict(sorted(found.items()))


def _revision(run: Run) -> dict[str, Any] | None:
    return read_json(run.layout.revision) if exists(run.layout.revision) else None


def _source_bytes(run: Run) -> int:
    """Bytes of all source files; one that is read in ranges counts once."""
    return sum({shard.path: shard.size + shard.sidecar_size for shard in run.shards}.values())
