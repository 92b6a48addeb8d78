"""The first step of judge where the job names a snapshot of host policies: what the hosts say of every row's URL.

    annotations ─► SendUrls ─► GroupByKey, ranges of hosts ─► AskHosts ─► GroupByKey, shards ─► WriteSaid

What crosses a shuffle: the URLs of rows whose host the snapshot may know, and what was said of them. A range of hosts is a row group of
the snapshot, read by whoever asks it and by nobody else; each host is parsed once there. What is written is the result of a finished
job, `work/policies/<shard>.parquet`; judge reads it beside the annotations as often as it reads those.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.progress import Progress
from pipeline.run import Run
from pipeline.steps import Step
from schemas.consent_signals import HOST_SEEN, HOST_SIGNALS, SAID
from schemas.errors import reported
from schemas.layout import Layout
from schemas.versions import guard, versions
from transforms.consent.host_policies import load_snapshot
from transforms.consent.signal import Signal
from transforms.consent.stored import lists_of
from transforms.filters.base import Filter
from transforms.filters.opt_out import OptOut
from transforms.storage import atomic_write, exists, list_folder, read_parquet, remove_all, version_of
from transforms.text.url import host_of, normal_url

ROWS_A_BLOCK = 10_000
_COMPRESSED = pa.ipc.IpcWriteOptions(compression="zstd")  # an engine may keep what it shuffles in memory
_ASKED = pa.schema([("row", pa.int64()), ("url", pa.string())])


@dataclasses.dataclass(frozen=True)
class Question:
    """What is asked of the hosts.

    Attributes:
      snapshot: path of the snapshot, and `version`, which tells one that has changed.
      agents: crawlers that fetch for training.
      as_of: policies fetched later do not count; None: all do.
      names: shard names, in order; `annotations` their files.
      layout: where files lie.
      versions: of the code and the libraries that decide bytes.
    """

    snapshot: str
    version: str
    agents: tuple[str, ...]
    as_of: str | None
    names: tuple[str, ...]
    annotations: tuple[str, ...]
    layout: Layout
    versions: Mapping[str, str]


def host_rule(filters: Iterable[Filter]) -> OptOut | None:
    """The filter that asks the hosts; None where the job names no snapshot of them."""
    return next((rule for rule in filters if isinstance(rule, OptOut) and rule.enabled and rule.host_policies is not None), None)


def ask_hosts(run: Run, names: tuple[str, ...], annotations: tuple[str, ...]) -> None:
    """Leaves what the hosts say of the rows of every shard in `policies`, and nothing else there."""
    remove_all(file.path for file in list_folder(run.layout.policies))
    rule = host_rule(run.filters)
    if rule is None or rule.host_policies is None:
        return
    version = version_of(rule.host_policies)
    question = Question(rule.host_policies, version, rule.training_agents, rule.as_of, names, annotations, run.layout, versions())
    with Progress("judge, host policies", 0, []):
        run.engine.run(
            "host policies",
            lambda root: root | shard_numbers(len(names)) | AskHostPolicies(question),
        )


def shard_numbers(shards: int) -> beam.PTransform:
    """Numbers of shards, spread over the workers."""
    return beam.Create(range(shards), reshuffle=True)


class AskHostPolicies(beam.PTransform):
    """Shard numbers -> names of shards of whose rows something is known; the picture above is its graph."""

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question

    def expand(self, shards: beam.PCollection[int]) -> beam.PCollection[str]:
        """See the class."""
        question = self.question
        return (
            shards
            | "SendUrls" >> beam.ParDo(_SendUrls(question))
            | "HostRanges" >> beam.GroupByKey()
            | "AskHosts" >> beam.ParDo(_AskHosts(question))
            | "ShardsAgain" >> beam.GroupByKey()
            | "WriteSaid" >> beam.ParDo(_WriteSaid(question))
        )


class _Step(Step):
    def __init__(self, question: Question) -> None:
        self.question = question

    def setup(self) -> None:
        guard(dict(self.question.versions))


class _SendUrls(_Step):
    def process(self, shard: int) -> Iterator[tuple[int, tuple[int, bytes]]]:
        with reported(f"judge, host policies, shard {self.question.names[shard]}"):
            snapshot = load_snapshot(self.question.snapshot, self.question.version)
            asked: dict[int, list[tuple[int, str]]] = {}
            for row, url in enumerate(read_parquet(self.question.annotations[shard], ["url"]).column("url").to_pylist()):
                normal = None if url is None else normal_url(url)
                host = None if normal is None else host_of(normal)
                number = None if host is None else snapshot.range_of(host)
                if number is not None and normal is not None:
                    asked.setdefault(number, []).append((row, normal))
            for number, found in sorted(asked.items()):
                for at in range(0, len(found), ROWS_A_BLOCK):
                    rows, urls = zip(*found[at : at + ROWS_A_BLOCK], strict=True)
                    yield number, (shard, _packed([rows, urls], _ASKED))


class _AskHosts(_Step):
    def process(self, element: tuple[int, Iterable[tuple[int, bytes]]]) -> Iterator[tuple[int, bytes]]:
        number, blocks = element
        with reported("judge, host policies"):
            question = self.question
            policies = load_snapshot(question.snapshot, question.version).policies(number, question.as_of)
            for shard, block in blocks:
                rows, numbers, seen = [], [], []
                answers: dict[tuple[Signal, ...], int] = {}
                for row, url in zip(*_unpacked(block), strict=True):
                    policy = policies.of(host_of(url) or "", url.partition(":")[0])
                    if policy is not None:
                        rows.append(row)
                        numbers.append(answers.setdefault(policy.signals(url, question.agents), len(answers)))
                        seen.append(policy.seen)
                if rows:
                    yield shard, _packed([pa.array(rows, pa.int64()), lists_of(numbers, list(answers)), pa.array(seen, pa.int32())], SAID)


class _WriteSaid(_Step):
    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[str]:
        shard, blocks = element
        name = self.question.names[shard]
        with reported(f"judge, host policies, shard {name}"):
            table = pa.concat_tables([pa.ipc.open_stream(block).read_all() for block in blocks]).sort_by("row")
            with atomic_write(self.question.layout.policy_file(name)) as scratch:
                pq.write_table(table, scratch, compression="zstd")
            yield name


def with_host_signals(annotations: pa.RecordBatch, path: str) -> pa.RecordBatch:
    """Annotations with the columns `host_signals`, list<SIGNAL>, and `host_seen` beside them, null where nobody knows a row's host."""
    found = read_parquet(path).combine_chunks() if exists(path) else SAID.empty_table()
    place = np.full(annotations.num_rows, -1, np.int64)
    place[found.column("row").to_numpy()] = np.arange(found.num_rows)
    places = pa.array(place, mask=place < 0)
    for name, kept in ((HOST_SIGNALS, "signals"), (HOST_SEEN, "seen")):
        field = SAID.field(kept).with_name(name).with_nullable(True)
        annotations = annotations.append_column(field, found.column(kept).combine_chunks().take(places))
    return annotations


def _packed(columns: list[Any], schema: pa.Schema) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=_COMPRESSED) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays([pa.array(column) for column in columns], schema=schema))
    return sink.getvalue().to_pybytes()


def _unpacked(block: bytes) -> list[list[Any]]:
    return [column.to_pylist() for column in pa.ipc.open_stream(block).read_all().columns]
