"""Phase 3, what becomes of each row? The whole set is judged at once; no picture and no caption is read again.

    annotations ─► CollectFacts ─► MergeFacts ┐
    annotations ─► SendMembers ◄──────────────┤ facts of the run
                     └► GroupByKey ─► ResolveClusters ─► GroupByKey by shard ┐
    annotations ─► SendCaptions ◄────────────────────────────────────────────┤ who stays of each cluster
                     └► GroupByKey ─► CapCaptions ─► GroupByKey by shard ────┤ who stays of each caption
    annotations ─► CountCells ◄──────────────────────────────────────────────┤
                     └► CombinePerKey(sum) ─► SolveWeights ──────────────────┤ weights of the cells
    annotations ─► WriteLedger ◄─────────────────────────────────────────────┘

What crosses a shuffle: packed records of rows in clusters, hashes of reserved URLs, integer counts. Every step reads the shard's
annotation file again, which is cheaper than to move it. The marker, `judged.json`, is written last and holds what concerns the run as
a whole: counts, weights, audit, and the hash of every ledger file.
"""

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.progress import Progress
from pipeline.run import Run
from schemas.errors import LawError, reported
from schemas.job import Rebalance
from schemas.layout import Layout
from schemas.ledger import LEDGER, VERDICTS
from schemas.versions import guard, versions
from transforms.annotate import TALLY
from transforms.filters.base import Filter
from transforms.footers import read_footers
from transforms.ledger import ledger_batch
from transforms.match.clusters import Clusters, read_clusters
from transforms.resolve import Resolved, apply_captions, apply_images, by_shard, cap, members, resolve
from transforms.storage import atomic_write, exists, list_folder, read_bytes, read_parquet, remove, remove_all, sweep, write_bytes
from transforms.verdicts import Facts, Verdicts, collect_facts, judge_rows, vocabulary
from transforms.weigh import Weights, count_shard, solve_weights, weigh

PARTITION_ROWS = 1 << 20  # rows whose clusters meet in one partition; a constant, so that nothing shows in the result


@dataclasses.dataclass(frozen=True)
class Docket:
    """What every step of judge knows: small, picklable, the same on every engine.

    Attributes:
      names: shard names, in order; `annotations` their annotation files, `starts` the dense number of their first rows, then the total.
      filters: the filters, in reading order.
      layout: where files lie.
      mode: how pictures were decoded for hashing.
      rebalance: how weights are set.
      max_per_caption: rows kept of a caption cluster.
      versions: of the code and the libraries that decide bytes.
    """

    names: tuple[str, ...]
    annotations: tuple[str, ...]
    starts: tuple[int, ...]
    filters: tuple[Filter, ...]
    layout: Layout
    mode: Literal["fast", "exact"]
    rebalance: Rebalance
    max_per_caption: int | None
    versions: Mapping[str, str]

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Every reason of the run, in order."""
        return vocabulary(self.filters)

    @property
    def partitions(self) -> int:
        """Partitions that clusters are spread over."""
        return self.starts[-1] // PARTITION_ROWS + 1

    def read(self, shard: int) -> pa.RecordBatch:
        """A shard's annotations as one batch."""
        table = read_parquet(self.annotations[shard]).combine_chunks()
        batches = table.to_batches(max_chunksize=max(1, table.num_rows))
        return batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema)

    def clusters(self, shard: int) -> Clusters:
        """What match found about a shard's rows."""
        return read_clusters(self.layout.clusters, self.starts[shard], self.starts[shard + 1])

    def judged(self, shard: int, facts: Facts, images: Iterable[bytes]) -> tuple[Verdicts, Resolved, Clusters]:
        """A shard judged as far as its image clusters."""
        verdicts, clusters = judge_rows(self.read(shard), self.filters, facts, self.mode), self.clusters(shard)
        return verdicts, apply_images(verdicts, list(images), self.starts[shard]), clusters


def judge(run: Run) -> None:
    """Brings the ledger up to date, whole; nothing is done where the marker says that it is.

    Raises:
      LawError: the ledger does not account for every row of the source.
    """
    if _marker(run) != run.judge_digest:
        remove(run.layout.judged)
        sweep(run.layout.ledger)
        docket = _docket(run)
        with Progress("judge", 0, []):
            run.engine.run("judge", lambda root: root | JudgeRun(docket, run.judge_digest), 400 * docket.starts[-1])
        _sweep_ledgers(run)
    check_conservation(run)


def _marker(run: Run) -> str | None:
    found = read_judged(run.layout)
    return None if found is None else found["digest"]


def read_judged(layout: Layout) -> dict[str, Any] | None:
    """What judge left about the run as a whole, or None where it has not ended well."""
    return json.loads(read_bytes(layout.judged)) if exists(layout.judged) else None


def check_conservation(run: Run) -> None:
    """Law 1: kept + rejected + unreadable = the source's own count, per shard and in all.

    The source's count was taken from the same bytes by other code than the reader; the ledger's comes from its files on disk.
    """
    sources = run.footers
    ledgers = read_footers([run.layout.ledger_file(shard.name) for shard in run.shards])
    for shard, source, ledger in zip(run.shards, sources, ledgers, strict=True):
        counted = int(source.metadata[b"winnow.source_rows"])
        verdicts = sum(json.loads(ledger.metadata[VERDICTS]).values())
        if not counted == ledger.rows == verdicts:
            raise LawError(
                f"conservation is broken in shard {shard.name} ({shard.path}): the source holds {counted} rows, the ledger {ledger.rows}, "
                f"verdicts {verdicts}. Nothing is published. This is a defect of Winnow's: please report it with the shard."
            )


def _docket(run: Run) -> Docket:
    annotations = tuple(run.annotation(shard) for shard in run.shards)
    rows = [json.loads(footer.metadata[TALLY])["rows"] for footer in run.footers]
    starts = (0, *itertools.accumulate(rows))
    names = tuple(shard.name for shard in run.shards)
    dedup, rebalance = run.job.dedup, run.job.rebalance
    return Docket(names, annotations, starts, run.filters, run.layout, dedup.images.mode, rebalance, dedup.max_per_caption, versions())


def _sweep_ledgers(run: Run) -> None:
    mine = {run.layout.ledger_file(shard.name) for shard in run.shards}
    remove_all(file.path for file in list_folder(run.layout.ledger) if file.path not in mine)


class JudgeRun(beam.PTransform):
    """Judges every row of a run and writes its ledger; the picture above is its graph."""

    def __init__(self, docket: Docket, digest: str) -> None:
        super().__init__()
        self.docket, self.digest = docket, digest

    def expand(self, root: beam.Pipeline) -> beam.PCollection[str]:
        """The marker's digest, once it is written."""
        docket = self.docket
        shards = root | "Shards" >> beam.Create(range(len(docket.names))) | "Spread" >> beam.Reshuffle()
        facts = beam.pvalue.AsSingleton(
            shards | "CollectFacts" >> beam.ParDo(_CollectFacts(docket)) | "MergeFacts" >> beam.CombineGlobally(Facts.merged)
        )
        images, image_sizes = _to_shards(
            shards | "SendMembers" >> beam.ParDo(_SendMembers(docket), facts), "Clusters", docket, capped=False
        )
        judged = _with(shards, images, None, "JoinClusters")
        sent = judged | "SendCaptions" >> beam.ParDo(_SendCaptions(docket), facts)
        captions, caption_sizes = _to_shards(sent, "Captions", docket, capped=True)
        judged = _with(shards, images, captions, "JoinCaptions")
        counts = judged | "CountCells" >> beam.ParDo(_CountCells(docket), facts) | "SumCells" >> beam.CombinePerKey(sum)
        solved = beam.pvalue.AsSingleton(
            counts | "AllCells" >> beam.combiners.ToList() | "SolveWeights" >> beam.ParDo(_SolveWeights(docket))
        )
        sizes = (image_sizes, caption_sizes) | "Sizes" >> beam.Flatten() | "SumSizes" >> beam.CombinePerKey(sum)
        written = judged | "WriteLedger" >> beam.ParDo(_WriteLedger(docket), facts, solved)
        everything = written | "AllLedgers" >> beam.combiners.ToList()
        return everything | "Mark" >> beam.ParDo(_Mark(docket, self.digest), facts, solved, beam.pvalue.AsDict(sizes))


def _to_shards(sent: beam.PCollection, label: str, docket: Docket, *, capped: bool) -> tuple[beam.PCollection, beam.PCollection]:
    """Packed members, by partition -> packed outcomes, by shard number; and how many clusters there are of each size."""
    resolved = (
        sent
        | f"Group{label}" >> beam.GroupByKey()
        | f"Resolve{label}" >> beam.ParDo(_Resolve(docket, capped=capped)).with_outputs("sizes", main="outcomes")
    )
    return resolved.outcomes | f"Return{label}" >> beam.GroupByKey(), resolved.sizes


def _with(shards: beam.PCollection, images: beam.PCollection, captions: beam.PCollection | None, label: str) -> beam.PCollection:
    """Shard number -> its outcomes; every shard is there, with or without any."""
    parts = {"shard": shards | f"{label}Key" >> beam.Map(_keyed), "images": images}
    if captions is not None:
        parts["captions"] = captions
    return parts | label >> beam.CoGroupByKey()


def _keyed(shard: int) -> tuple[int, int]:
    return shard, shard


class _Step(beam.DoFn):
    """A step of judge: guards its versions, reports its errors with the shard."""

    def __init__(self, docket: Docket) -> None:
        self.docket = docket

    def setup(self) -> None:
        guard(dict(self.docket.versions))

    def at(self, shard: int) -> Any:
        return reported(f"judge, shard {self.docket.names[shard]}")


class _CollectFacts(_Step):
    def process(self, shard: int) -> Iterable[Facts]:
        with self.at(shard):
            yield collect_facts(self.docket.read(shard), self.docket.filters, self.docket.mode)


class _SendMembers(_Step):
    def process(self, shard: int, facts: Facts) -> Iterable[tuple[int, bytes]]:
        with self.at(shard):
            docket, clusters = self.docket, self.docket.clusters(shard)
            verdicts = judge_rows(docket.read(shard), docket.filters, facts, docket.mode)
            yield from _partitioned(members(verdicts, clusters.cluster, clusters, docket.starts[shard]), docket.partitions)


class _SendCaptions(_Step):
    def process(self, element: tuple[int, Mapping[str, Iterable]], facts: Facts) -> Iterable[tuple[int, bytes]]:
        shard, parts = element
        with self.at(shard):
            docket = self.docket
            verdicts, _, clusters = docket.judged(shard, facts, _flat(parts["images"]))
            yield from _partitioned(members(verdicts, clusters.caption_cluster, clusters, docket.starts[shard]), docket.partitions)


class _Resolve(_Step):
    def __init__(self, docket: Docket, *, capped: bool) -> None:
        super().__init__(docket)
        self.capped = capped

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterable[tuple[int, bytes]]:
        with reported("judge, clusters"):
            records = unpacked(element[1])
            sizes, clusters = np.unique(np.unique(records["cluster"], return_counts=True)[1], return_counts=True)
            for size, number in zip(sizes.tolist(), clusters.tolist(), strict=True):
                yield beam.pvalue.TaggedOutput("sizes", (("caption" if self.capped else "image", size), number))
            outcomes = cap(records, self.docket.max_per_caption) if self.capped else resolve(records)
            yield from by_shard(outcomes, np.array(self.docket.starts[:-1]))


class _CountCells(_Step):
    def process(self, element: tuple[int, Mapping[str, Iterable]], facts: Facts) -> Iterable[tuple[Any, int]]:
        shard, parts = element
        with self.at(shard):
            verdicts, _, _ = self.docket.judged(shard, facts, _flat(parts["images"]))
            apply_captions(verdicts, _flat(parts["captions"]), self.docket.starts[shard])
            yield from count_shard(verdicts, self.docket.vocabulary)


class _SolveWeights(_Step):
    def process(self, counts: Sequence[tuple[Any, int]]) -> Iterable[Weights]:
        with reported("judge, weights"):
            yield solve_weights(counts, self.docket.rebalance, self.docket.filters, self.docket.vocabulary)


class _WriteLedger(_Step):
    def process(self, element: tuple[int, Mapping[str, Iterable]], facts: Facts, solved: Weights) -> Iterable[tuple[str, dict]]:
        shard, parts = element
        with self.at(shard):
            docket = self.docket
            verdicts, images, _ = docket.judged(shard, facts, _flat(parts["images"]))
            captions = apply_captions(verdicts, _flat(parts["captions"]), docket.starts[shard])
            batch = ledger_batch(verdicts, images, captions, weigh(verdicts, solved, docket.rebalance), docket.vocabulary)
            yield docket.names[shard], _write(batch, docket.layout.ledger_file(docket.names[shard]))


class _Mark(_Step):
    def __init__(self, docket: Docket, digest: str) -> None:
        super().__init__(docket)
        self.digest = digest

    def process(self, written: Sequence[tuple[str, dict]], facts: Facts, solved: Weights, sizes: Mapping) -> Iterable[str]:
        with reported("judge, marker"):
            marker = {
                "digest": self.digest,
                "counts": facts.counts,
                "reserved_urls": len(facts.reserved) // 16,
                "cluster_sizes": {
                    kind: {size: n for (of, size), n in sorted(sizes.items()) if of == kind} for kind in ("image", "caption")
                },
                "weights": solved.report,
                "ledger": dict(sorted(written)),
            }
            write_bytes(self.docket.layout.judged, json.dumps(marker, sort_keys=True, allow_nan=False).encode())
            yield self.digest


def _write(batch: pa.RecordBatch, path: str) -> dict[str, Any]:
    words, counts = np.unique(batch.column("verdict").to_numpy(zero_copy_only=False).astype(str), return_counts=True)
    verdicts = dict(zip(words.tolist(), counts.tolist(), strict=True))
    with atomic_write(path) as scratch:
        with pq.ParquetWriter(scratch, LEDGER, compression="zstd") as writer:
            if batch.num_rows:
                writer.write_batch(batch, row_group_size=100_000)
            writer.add_key_value_metadata({VERDICTS: json.dumps(verdicts)})
        with open(scratch, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return {"rows": batch.num_rows, "sha256": sha256, "verdicts": verdicts}


def unpacked(blocks: Iterable[bytes]) -> np.ndarray:
    """Member records of one partition, by row: arrival order must not show."""
    from transforms.resolve import MEMBER

    records = np.frombuffer(b"".join(blocks), MEMBER)
    return records[np.argsort(records["row"], kind="stable")]


def _partitioned(records: np.ndarray, partitions: int) -> Iterable[tuple[int, bytes]]:
    part = (records["cluster"].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(40)).astype(np.int64) % partitions
    for number in np.unique(part).tolist():
        yield number, records[part == number].tobytes()


def _flat(groups: Iterable[Iterable[bytes]]) -> list[bytes]:
    return list(itertools.chain.from_iterable(groups))
