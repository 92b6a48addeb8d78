"""Looks at a few rows without running a job: what `winnow check` probes and `winnow preview` shows."""

import dataclasses
import hashlib
from collections.abc import Sequence

import pyarrow as pa

from pipeline.run import Run
from schemas.consent_signals import HOST_SEEN, HOST_SIGNALS
from schemas.samples import Samples
from schemas.shards import Shard
from transforms.annotate import Recipe, annotate_rows
from transforms.consent.host_policies import ask, load_snapshot
from transforms.eval_sets.hash_lists import listed_overlaps
from transforms.filters.opt_out import OptOut
from transforms.read.beside import Beside
from transforms.read.reader import open_shard
from transforms.storage import version_of
from transforms.verdicts import Facts, Verdicts, collect_facts, judge_rows


@dataclasses.dataclass(frozen=True)
class Look:
    """A few rows of one shard: as read, and measured."""

    shard: Shard
    samples: Samples
    annotations: pa.RecordBatch


def first_rows(run: Run, shard: Shard, rows: int) -> Samples | None:
    """The first rows of a shard, at most as many as its reader's first batch holds; None where the shard has none.

    Raises:
      UnreadableShardError: the shard cannot be read as a whole.
    """
    source = next(source for source in run.job.source if source.name == shard.source)
    with open_shard(shard, source) as reader:
        samples = next(iter(reader.batches()), None)
    return None if samples is None or not len(samples) else samples.slice(0, min(rows, len(samples)))


def measured(run: Run, shard: Shard, samples: Samples) -> Look:
    """The rows as every filter measures them."""
    source = next(source for source in run.job.source if source.name == shard.source)
    annotations, _ = annotate_rows(samples, shard, source.decode, Recipe(run.filters, run.job.dedup), Beside(shard))
    rule = next((rule for rule in run.filters if isinstance(rule, OptOut) and rule.enabled), None)
    if rule is not None and rule.host_policies is not None:
        snapshot = load_snapshot(rule.host_policies, version_of(rule.host_policies))
        said, seen = ask(snapshot, annotations.column("url").to_pylist(), rule.training_agents, rule.as_of)
        annotations = annotations.append_column(HOST_SIGNALS, said).append_column(HOST_SEEN, seen)
    return Look(shard, samples, annotations)


def judged(looks: Sequence[Look], run: Run) -> list[Verdicts]:
    """What would become of the rows, as far as they themselves tell: no duplicates, no reservations of other rows."""
    mode = run.job.dedup.images.mode
    facts = Facts.merged([collect_facts(found.annotations, run.filters, mode) for found in looks])
    verdicts = [judge_rows(found.annotations, run.filters, facts, mode) for found in looks]
    for found in verdicts:
        found.add(listed_overlaps(run.job.dedup.eval_overlap, found.annotations, mode))
    return verdicts


def spread(shards: Sequence[Shard], number: int) -> list[Shard]:
    """A few shards, chosen by a hash of their names, so that the same job shows the same rows."""
    by_hash = sorted(shards, key=lambda shard: hashlib.sha256(shard.name.encode()).digest())
    return sorted(by_hash[:number])
