"""Looks at a few rows without running a job: what `winnow check` probes and `winnow preview` shows."""

import dataclasses
import hashlib
import itertools
from collections.abc import Sequence

import pyarrow as pa
from transforms.read.reader import open_shard

from pipeline.run import Run
from schemas.samples import Samples
from schemas.shards import Shard
from transforms.annotate import Recipe, annotate_rows
from transforms.verdicts import Facts, Verdicts, collect_facts, judge_rows


@dataclasses.dataclass(frozen=True)
class Look:
    """A few rows of one shard: as read, and measured."""

    shard: Shard
    samples: Samples
    annotations: pa.RecordBatch


def look(run: Run, shard: Shard, rows: int, skip: int = 0) -> Look | None:
    """The first rows of a shard's batch number `skip`, measured by every filter; None where the shard has no rows there."""
    source = next(source for source in run.job.source if source.name == shard.source)
    with open_shard(shard, source) as reader:
        samples = next(itertools.islice(reader.batches(), skip, None), None)
    if samples is None or not len(samples):
        return None
    samples = samples.slice(0, min(rows, len(samples)))
    annotations, _ = annotate_rows(samples, shard, source.decode, Recipe(run.filters, run.job.dedup.images.mode))
    return Look(shard, samples, annotations)


def judged(looks: Sequence[Look], run: Run) -> list[Verdicts]:
    """What would become of the rows, as far as they themselves tell: no duplicates, no reservations of other rows."""
    facts = Facts.merged([collect_facts(found.annotations, run.filters, run.job.dedup.images.mode) for found in looks])
    return [judge_rows(found.annotations, run.filters, facts, run.job.dedup.images.mode) for found in looks]


def spread(shards: Sequence[Shard], number: int) -> list[Shard]:
    """A few shards, chosen by a hash of their names, so that the same job shows the same rows."""
    by_hash = sorted(shards, key=lambda shard: hashlib.sha256(shard.name.encode()).digest())
    return sorted(by_hash[:number])
