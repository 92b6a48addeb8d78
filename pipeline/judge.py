"""Phase 3, what becomes of each row? The whole set is judged at once; no picture and no caption is read again.

    annotations ─► CollectFacts ─► MergeFacts ┐
    annotations ─► FindPatches ───────────────┤ (pipeline.patches)
    annotations ─► SendMembers ◄──────────────┤ facts of the run; rows of earlier runs that are in a cluster with one of this: SendElders
                     └► GroupByKey ─► ResolveClusters ─► GroupByKey by shard ┬─ and the captions they carry
    annotations ─► SendCaptions ◄────────────────────────────────────────────┤ who stays of each cluster
                     └► GroupByKey ─► CapCaptions ─► GroupByKey by shard ────┤ who stays of each caption
    annotations ─► SendSame ◄────────────────────────────────────────────────┤ with dedup.semantic.of: who stays of those that mean the same
    annotations ─► CountSignals
    annotations ─► CountCells ◄──────────────────────────────────────────────┤
                     └► CombinePerKey(sum) ─► SolveWeights ──────────────────┤ weights of the cells
    annotations ─► WriteLedger ◄─────────────────────────────────────────────┘

What crosses a shuffle: packed records of rows in clusters, hashes of reserved URLs, integer counts. Every step reads the shard's
annotation file again, which is cheaper than to move it. The marker, `judged.json`, is written last and holds what concerns the run as
a whole: counts, weights, audit, and the hash of every ledger file.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.docket import Docket, flat, open_docket, unpacked
from pipeline.illegal import empty_illegal
from pipeline.judge_step import JudgeStep
from pipeline.judged import read_judged
from pipeline.patches import with_patches
from pipeline.policies import ask_hosts
from pipeline.progress import Progress
from pipeline.run import Run
from pipeline.signals import CountSignals
from schemas.errors import LawError, reported
from schemas.ledger import CARRIED, VERDICTS
from schemas.reasons import ILLEGAL
from transforms.earlier import Kind
from transforms.footers import Footer, read_footers
from transforms.ledger import ledger_batch, write_ledger
from transforms.outcomes import carried_by
from transforms.resolve import by_shard, cap, resolve
from transforms.storage import atomic_write, list_folder, remove, remove_all, sweep, write_bytes
from transforms.suspects import ranked, suspects_of
from transforms.verdicts import Facts, collect_facts
from transforms.weigh import Weights, count_shard, solve_weights, weigh


def judge(run: Run) -> None:
    """Brings the ledger up to date, whole; nothing is done where the marker says that it is, and every file is there.

    Raises:
      LawError: the ledger does not account for every row of the source.
    """
    there = {file.path for file in list_folder(run.layout.ledger)}
    if _marker(run) != run.judge_digest or not {run.layout.ledger_file(shard.name) for shard in run.shards} <= there:
        remove(run.layout.judged)
        sweep(run.layout.ledger)
        sweep(run.layout.captions)
        docket = open_docket(run)
        if docket.hosts_asked:
            ask_hosts(run, docket.names, docket.annotations)
        with Progress("judge", 0, []):
            run.engine.run("judge", lambda root: root | JudgeRun(docket, run.judge_digest), 400 * docket.starts[-1])
        _sweep_ledgers(run)
    check_conservation(run)
    if not run.layout.trial:
        empty_illegal(run)


def _marker(run: Run) -> str | None:
    found = read_judged(run.layout)
    return None if found is None else found["digest"]


def check_conservation(run: Run) -> None:
    """Law 1: kept + rejected + unreadable = the source's own count, per shard and in all.

    The source's count was taken from the same bytes by other code than the reader; the ledger's comes from its files on disk.
    """
    check_counts(run, run.footers)


def check_counts(run: Run, sources: Sequence[Footer]) -> None:
    """The same, where the footers of the annotations are at hand.

    Raises:
      LawError: names the shard.
    """
    ledgers = read_footers([run.layout.ledger_file(shard.name) for shard in run.shards])
    for shard, source, ledger in zip(run.shards, sources, ledgers, strict=True):
        counted = int(source.metadata[b"winnow.source_rows"])
        verdicts = sum(json.loads(ledger.metadata[VERDICTS]).values())
        if not counted == ledger.rows == verdicts:
            raise LawError(
                f"conservation is broken in shard {shard.name} ({shard.path}): the source holds {counted} rows, the ledger {ledger.rows}, "
                f"verdicts {verdicts}. Nothing is published. This is a defect of Winnow's: please report it with the shard."
            )


def _sweep_ledgers(run: Run) -> None:
    files = (run.layout.ledger_file, *((run.layout.captions_file,) if run.job.dedup.keep_captions else ()))
    names = {shard.name for shard in run.shards} | (run.frozen.names if run.frozen else set())
    mine = {file(name) for name in names for file in files}
    for folder in (run.layout.ledger, run.layout.captions):
        remove_all(file.path for file in list_folder(folder) if file.path not in mine)


class JudgeRun(beam.PTransform):
    """Judges every row of a run and writes its ledger; the picture above is its graph."""

    def __init__(self, docket: Docket, digest: str) -> None:
        super().__init__()
        self.docket, self.digest = docket, digest

    def expand(self, root: beam.Pipeline) -> beam.PCollection[str]:
        """The marker's digest, once it is written."""
        docket = self.docket
        shards = root | "Shards" >> beam.Create(range(len(docket.names)))
        merged = shards | "CollectFacts" >> beam.ParDo(_CollectFacts(docket)) | "MergeFacts" >> beam.CombineGlobally(Facts.merged)
        merged = merged if docket.frozen is None else merged | "Freeze" >> beam.Map(docket.frozen.of)
        facts = beam.pvalue.AsSingleton(with_patches(merged, shards, docket))
        sent = shards | "SendMembers" >> beam.ParDo(_SendMembers(docket), facts)
        images, carried, image_sizes = _to_shards(_with_elders(sent, shards, docket, "Clusters", "image"), "Clusters", docket)
        judged = _with(shards, "JoinClusters", images=images)
        sent = judged | "SendCaptions" >> beam.ParDo(_SendCaptions(docket), facts)
        sent = _with_elders(sent, shards, docket, "Captions", "caption")
        captions, _, caption_sizes = _to_shards(sent, "Captions", docket, kind="caption")
        judged = _with(shards, "JoinCaptions", images=images, captions=captions, carried=carried)
        every_size = [image_sizes, caption_sizes]
        if docket.semantic.of is not None:
            same = judged | "SendSame" >> beam.ParDo(_SendSame(docket), facts)
            same = _with_elders(same, shards, docket, "Same", "semantic")
            semantic, _, same_sizes = _to_shards(same, "Same", docket, kind="semantic")
            every_size.append(same_sizes)
            judged = _with(shards, "JoinSame", images=images, captions=captions, carried=carried, semantic=semantic)
        counts = judged | "CountCells" >> beam.ParDo(_CountCells(docket), facts) | "SumCells" >> beam.CombinePerKey(sum)
        solved = beam.pvalue.AsSingleton(
            counts | "AllCells" >> beam.combiners.ToList() | "SolveWeights" >> beam.ParDo(_SolveWeights(docket))
        )
        sizes = every_size | "Sizes" >> beam.Flatten() | "SumSizes" >> beam.CombinePerKey(sum)
        signals = shards | "CountSignals" >> CountSignals(docket)
        written = judged | "WriteLedger" >> beam.ParDo(_WriteLedger(docket), facts, solved)
        everything = written | "AllLedgers" >> beam.combiners.ToList()
        mark = beam.ParDo(_Mark(docket, self.digest), facts, solved, beam.pvalue.AsDict(sizes), beam.pvalue.AsDict(signals))
        return everything | "Mark" >> mark


def _to_shards(
    sent: beam.PCollection, label: str, docket: Docket, *, kind: Kind = "image"
) -> tuple[beam.PCollection, beam.PCollection, beam.PCollection]:
    """Packed members, by partition -> packed outcomes, and captions carried, by shard number; and how many clusters are of each size."""
    resolved = (
        sent
        | f"Group{label}" >> beam.GroupByKey()
        | f"Resolve{label}" >> beam.ParDo(_Resolve(docket, kind)).with_outputs("sizes", "carried", main="outcomes")
    )
    carried = resolved.carried | f"Return{label}Carried" >> beam.GroupByKey()
    return resolved.outcomes | f"Return{label}" >> beam.GroupByKey(), carried, resolved.sizes


def _with_elders(sent: beam.PCollection, shards: beam.PCollection, docket: Docket, label: str, kind: Kind) -> beam.PCollection:
    """Packed members, by partition, and those of earlier runs that are in a cluster with one of them."""
    if not docket.elders:
        return sent
    met = shards | f"Met{label}" >> beam.ParDo(_Met(docket, kind)) | f"All{label}Met" >> beam.CombineGlobally(_distinct)
    files = sent.pipeline | f"Elders{label}" >> beam.Create(range(len(docket.elders)))
    elders = files | f"SendElders{label}" >> beam.ParDo(_SendElders(docket, kind), beam.pvalue.AsSingleton(met))
    return (sent, elders) | f"Both{label}" >> beam.Flatten()


def _distinct(packed: Iterable[bytes]) -> bytes:
    return np.unique(np.frombuffer(b"".join(packed), "<i8")).tobytes()


def _with(shards: beam.PCollection, label: str, **parts: beam.PCollection) -> beam.PCollection:
    """Shard number -> its outcomes; every shard is there, with or without any."""
    return {"shard": shards | f"{label}Key" >> beam.Map(_keyed), **parts} | label >> beam.CoGroupByKey()


def _keyed(shard: int) -> tuple[int, int]:
    return shard, shard


class _CollectFacts(JudgeStep):
    def process(self, shard: int) -> Iterable[Facts]:
        with self.at(shard):
            yield collect_facts(self.docket.read(shard), self.docket.filters, self.docket.mode, self.docket.pairs)


class _SendMembers(JudgeStep):
    def process(self, shard: int, facts: Facts) -> Iterable[tuple[int, bytes]]:
        with self.at(shard):
            docket = self.docket
            yield from docket.members(shard, docket.verdicts(shard, facts), by_caption=False)


class _Met(JudgeStep):
    """Elder clusters that a row of a shard is in, packed."""

    def __init__(self, docket: Docket, kind: Kind) -> None:
        super().__init__(docket)
        self.kind = kind

    def process(self, shard: int) -> Iterable[bytes]:
        with self.at(shard):
            clusters = self.docket.clusters_of(shard, self.kind)
            yield np.unique(clusters[clusters >= self.docket.starts[-1]]).astype("<i8").tobytes()


class _SendElders(JudgeStep):
    def __init__(self, docket: Docket, kind: Kind) -> None:
        super().__init__(docket)
        self.kind = kind

    def process(self, number: int, met: bytes) -> Iterable[tuple[int, bytes]]:
        with reported("judge, earlier runs"):
            yield from self.docket.elder_members(number, np.frombuffer(met, "<i8"), self.kind)


class _SendCaptions(JudgeStep):
    def process(self, element: tuple[int, Mapping[str, Iterable]], facts: Facts) -> Iterable[tuple[int, bytes]]:
        shard, parts = element
        with self.at(shard):
            verdicts, _, _ = self.docket.judged(shard, facts, flat(parts["images"]))
            yield from self.docket.members(shard, verdicts, by_caption=True)


class _SendSame(JudgeStep):
    def process(self, element: tuple[int, Mapping[str, Iterable]], facts: Facts) -> Iterable[tuple[int, bytes]]:
        shard, parts = element
        with self.at(shard):
            yield from self.docket.same_members(shard, self.docket.settled(shard, facts, parts).verdicts)


class _Resolve(JudgeStep):
    def __init__(self, docket: Docket, kind: Kind) -> None:
        super().__init__(docket)
        self.kind = kind

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterable[tuple[int, bytes]]:
        with reported("judge, clusters"):
            docket = self.docket
            records = unpacked(element[1], docket.choice)
            carried = None
            if self.kind == "image":
                asked = docket.placeholders
                outcomes, carried = resolve(records, docket.pairs, docket.release, captions=docket.keep_captions, placeholders=asked)
            else:
                of_texts = self.kind == "caption"
                most, triggers = (docket.max_per_caption, docket.triggers) if of_texts else (1, None)
                outcomes = cap(records, most, docket.pairs, docket.release, triggers, of_texts=of_texts)
            for size, number in docket.sizes(outcomes).items():
                yield beam.pvalue.TaggedOutput("sizes", ((self.kind, size), number))
            starts = np.array(docket.starts[:-1])
            yield from by_shard(_of_this_run(outcomes, docket), starts)
            for part in by_shard(_of_this_run(carried, docket), starts) if carried is not None else ():
                yield beam.pvalue.TaggedOutput("carried", part)


def _of_this_run(found: np.ndarray, docket: Docket) -> np.ndarray:
    return found[found["row"] < docket.starts[-1]]


class _CountCells(JudgeStep):
    def process(self, element: tuple[int, Mapping[str, Iterable]], facts: Facts) -> Iterable[tuple[Any, int]]:
        shard, parts = element
        with self.at(shard):
            yield from count_shard(self.docket.settled(shard, facts, parts).verdicts, self.docket.vocabulary)


class _SolveWeights(JudgeStep):
    def process(self, counts: Sequence[tuple[Any, int]]) -> Iterable[Weights]:
        with reported("judge, weights"):
            docket = self.docket
            yield docket.frozen.weights if docket.frozen else solve_weights(counts, docket.rebalance, docket.filters, docket.vocabulary)


class _WriteLedger(JudgeStep):
    def process(self, element: tuple[int, Mapping[str, Iterable]], facts: Facts, solved: Weights) -> Iterable[tuple[str, dict]]:
        shard, parts = element
        with self.at(shard):
            docket = self.docket
            settled = docket.settled(shard, facts, parts)
            verdicts = settled.verdicts
            weights = weigh(verdicts, solved, docket.rebalance)
            carried = _carry(docket, shard, ~verdicts.rejected, flat(parts["carried"])) if docket.keep_captions else None
            batch = ledger_batch(
                verdicts, settled.images, settled.captions, settled.copies, weights, docket.vocabulary, carried, settled.semantic
            )
            written = write_ledger(pa.Table.from_batches([batch]), docket.layout.ledger_file(docket.names[shard]))
            illegal = int((verdicts.bits(docket.vocabulary) >> np.uint64(docket.vocabulary.index(ILLEGAL)) & np.uint64(1)).sum())
            told = {"captions": sum(map(len, carried.values())) if carried else 0, "illegal": illegal, "suspects": suspects_of(batch)}
            yield docket.names[shard], written | told


class _Mark(JudgeStep):
    def __init__(self, docket: Docket, digest: str) -> None:
        super().__init__(docket)
        self.digest = digest

    def process(
        self, written: Sequence[tuple[str, dict]], facts: Facts, solved: Weights, sizes: Mapping, signals: Mapping
    ) -> Iterable[str]:
        with reported("judge, marker"):
            marker = {
                "digest": self.digest,
                "counts": facts.counts,
                "reserved_urls": len(facts.reserved) // 16,
                "signals": [[*said, *counted] for said, counted in sorted(signals.items())],
                "cluster_sizes": {
                    kind: {size: n for (of, size), n in sorted(sizes.items()) if of == kind} for kind in ("image", "caption", "semantic")
                },
                "semantic": self.docket.compared(),
                "not_duplicates": self.docket.pairs_told(facts),
                "weights": solved.report,
                "cells": solved.cells,
                "suspects": ranked(suspect for _, told in written for suspect in told["suspects"]),
                "ledger": {name: {k: v for k, v in told.items() if k != "suspects"} for name, told in sorted(written)},
            }
            write_bytes(self.docket.layout.reserved, facts.reserved)
            write_bytes(self.docket.layout.judged, json.dumps(marker, sort_keys=True, allow_nan=False).encode())
            yield self.digest


def _carry(docket: Docket, shard: int, kept: np.ndarray, packed: Sequence[bytes]) -> dict[int, list[str]]:
    """Writes down where the captions lie that kept rows carry (schemas.ledger.CARRIED); returns row -> uids of those they are from."""
    found = carried_by(packed)
    found = found[kept[found["row"] - docket.starts[shard]]]
    row = found["row"] - docket.starts[shard]
    of = np.searchsorted(docket.starts, found["from"], side="right") - 1
    from_row = found["from"] - np.array(docket.starts)[of]
    names = pa.array(docket.names, pa.string()).take(pa.array(of))
    with atomic_write(docket.layout.captions_file(docket.names[shard])) as scratch:
        pq.write_table(pa.Table.from_arrays([pa.array(row), names, pa.array(from_row)], schema=CARRIED), scratch, compression="zstd")
    carried: dict[int, list[str]] = {}
    for place, uid in zip(row.tolist(), found["uid"].tolist(), strict=True):
        carried.setdefault(place, []).append(uid.hex())
    return carried
