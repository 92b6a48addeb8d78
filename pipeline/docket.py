"""What every step of judge knows, and the packed records in which rows of clusters travel between them."""

import dataclasses
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
import pyarrow as pa

from pipeline.elders import numbered
from pipeline.eval_sets import elder_start, signed_parts
from pipeline.frozen import FrozenFacts
from pipeline.policies import host_rule, with_host_signals
from pipeline.run import Run
from pipeline.run_checks import check_preferred_values
from schemas import annotations
from schemas.job import Benchmark, Rebalance, Semantic
from schemas.layout import Layout, join
from schemas.versions import versions
from transforms.annotate import TALLY
from transforms.choice import Choice
from transforms.earlier import Earlier, Kind, elder_members
from transforms.eval_sets.hash_lists import listed_overlaps
from transforms.eval_sets.overlap import SignedPart, caption_overlaps, picture_overlaps
from transforms.filters.base import Filter
from transforms.filters.poisoning import Poisoning
from transforms.match.clusters import ALONE, Clusters, read_clusters
from transforms.match.elders import read_ties
from transforms.match.rows import ElderFile
from transforms.not_duplicates import Pairs, load_pairs
from transforms.outcomes import Copies, Resolved, apply_captions, apply_images, apply_semantic
from transforms.records import Policy, member_type, members
from transforms.resolve import Placeholders, Triggers
from transforms.semantic.elders import COPIES
from transforms.semantic.found import FACTS, Found, outliers, read_found
from transforms.storage import read_json, read_parquet
from transforms.verdicts import Facts, Verdicts, judge_rows, vocabulary

Parts = Mapping[str, Iterable[Iterable[bytes]]]

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
      choice: which copy stays, and what becomes of the others.
      not_duplicates: lists of pairs.
      benchmarks: sets to keep out, and `signed`, how match has numbered their rows.
      keep_captions: whether kept rows carry the captions of their cluster.
      max_per_caption: rows kept of a caption cluster.
      policy: which edges join rows into a cluster.
      elders: files of the elder side, each with the dense number of its first row.
      earlier: the runs they are of.
      frozen: what the release that rows are appended to decides; None where a release is made.
      semantic: which rows mean the same, and what becomes of them.
      versions: of the code and the libraries that decide bytes.
      hosts_asked: whether what the hosts say of the rows lies in the layout's `policies`.
    """

    names: tuple[str, ...]
    annotations: tuple[str, ...]
    starts: tuple[int, ...]
    filters: tuple[Filter, ...]
    layout: Layout
    mode: Literal["fast", "exact"]
    rebalance: Rebalance
    choice: Choice
    not_duplicates: tuple[str, ...]
    benchmarks: tuple[Benchmark, ...]
    signed: tuple[SignedPart, ...]
    keep_captions: bool
    max_per_caption: int | None
    policy: Policy
    elders: tuple[tuple[ElderFile, int], ...]
    earlier: Earlier
    frozen: FrozenFacts | None
    semantic: Semantic
    versions: Mapping[str, str]
    hosts_asked: bool = False

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Every reason of the run, in order."""
        return vocabulary(self.filters)

    @property
    def partitions(self) -> int:
        """Partitions that clusters are spread over."""
        return self.starts[-1] // PARTITION_ROWS + 1

    def read(self, shard: int) -> pa.RecordBatch:
        """A shard's annotations as one batch; without the source's numbers where nobody asks for them."""
        names = annotations.schema({rule.name: rule.measured for rule in self.filters if rule.judged}).names
        columns = [name for name in names if name != "numbers" or self.choice.columns]
        table = read_parquet(self.annotations[shard], columns).combine_chunks()
        batches = table.to_batches(max_chunksize=max(1, table.num_rows))
        batch = batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema)
        return with_host_signals(batch, self.layout.policy_file(self.names[shard])) if self.hosts_asked else batch

    @property
    def poisoning(self) -> Poisoning | None:
        """The filter that tells what repetition over many rows means; None where it is off."""
        return next((rule for rule in self.filters if isinstance(rule, Poisoning) and rule.enabled), None)

    @property
    def placeholders(self) -> Placeholders | None:
        """When a picture is a placeholder; None where nobody asks."""
        rule = self.poisoning
        if rule is None or rule.placeholder == "off":
            return None
        return Placeholders(rule.placeholder_captions, rule.placeholder_domains, rule.placeholder == "reject", rule.placeholder_related)

    @property
    def triggers(self) -> Triggers | None:
        """When a caption is suspected; None where nobody asks."""
        rule = self.poisoning
        return None if rule is None else Triggers(rule.trigger_pictures, rule.trigger_domains)

    @property
    def release(self) -> int | None:
        """The dense number of the first row of the release that rows are appended to; None where a release is made."""
        return self.earlier.starts[-1] if self.frozen else None

    def sizes(self, outcomes: np.ndarray) -> Counter[int]:
        """How many clusters there are of each size, in rows of the run and as lists part them; what is appended makes others of some.

        Args:
          outcomes: of whole clusters, as `transforms.resolve` gives them.
        """
        found: Counter[int] = Counter()
        rows, clusters, names = outcomes["row"], outcomes["cluster"], outcomes["name"].view("S16")
        part = np.cumsum(np.append(True, (clusters[1:] != clusters[:-1]) | (names[1:] != names[:-1])))[: len(rows)]
        then = (rows >= self.release) & (clusters < COPIES) if self.release is not None else np.zeros(len(rows), bool)
        for some, sign in (((rows < self.starts[-1]) | then, 1), (then, -1)):
            sizes, number = np.unique(np.unique(part[some & (names != b"")], return_counts=True)[1], return_counts=True)
            found.update({size: sign * count for size, count in zip(sizes.tolist(), number.tolist(), strict=True) if size > 1})
        return found

    def clusters(self, shard: int) -> Clusters:
        """What match found about a shard's rows."""
        return read_clusters(self.layout.clusters, self.starts[shard], self.starts[shard + 1])

    @property
    def pairs(self) -> Pairs:
        """Rows that are no duplicates of each other."""
        return load_pairs(self.not_duplicates)

    def pairs_told(self, facts: Facts) -> dict[str, int]:
        """How many pairs of rows the job keeps apart, and how many of the uids it names no row has."""
        pairs = self.pairs
        return {"pairs": len(pairs.sides), "uids": len(pairs.uids), "unknown_uids": len(pairs.uids) - len(facts.listed) // 16}

    def verdicts(self, shard: int, facts: Facts) -> Verdicts:
        """A shard judged as far as its rows themselves, and the sets they are held against, tell."""
        verdicts = judge_rows(self.read(shard), self.filters, facts, self.mode)
        if self.poisoning is not None and facts.patches:
            measures = verdicts.annotations.column(self.poisoning.name)
            verdicts.add(self.poisoning.patched(measures, facts.patches, self.starts[-1]))
        if self.elders:
            ties = read_ties(self.layout.clusters, *self.starts[shard : shard + 2])
            self.earlier.bind(verdicts, ties, self.starts[shard])
            if (asked := self.placeholders) is not None:
                self.earlier.notices(verdicts, ties, self.starts[shard], "reason" if asked.rejected else "flag")
        verdicts.add(listed_overlaps(self.benchmarks, verdicts.annotations, self.mode), spreading=True)
        if self.signed:
            start, stop = self.starts[shard : shard + 2]
            ties = read_ties(self.layout.clusters, start, stop)
            verdicts.add(picture_overlaps(ties, start, self.signed), spreading=True)
            verdicts.add(caption_overlaps(ties, start, self.signed))
        if self.semantic.of is not None:
            verdicts.add(outliers(self._same(shard), self.semantic))
        return verdicts

    def judged(self, shard: int, facts: Facts, images: Iterable[bytes]) -> tuple[Verdicts, Resolved, Copies]:
        """A shard judged as far as its image clusters."""
        verdicts = self.verdicts(shard, facts)
        return verdicts, *apply_images(verdicts, list(images), self.starts[shard], self.choice, self.earlier, self.poisoning)

    def settled(self, shard: int, facts: Facts, parts: Parts) -> "Settled":
        """A shard judged as far as `parts` tell: packed outcomes of its clusters by what they are clusters of."""
        verdicts, images, copies = self.judged(shard, facts, flat(parts["images"]))
        first = self.starts[shard]
        captions = apply_captions(verdicts, flat(parts["captions"]), first, self.choice, self.earlier, self.poisoning, [images])
        semantic = None
        if "semantic" in parts:
            before = [images, captions]
            semantic = apply_semantic(verdicts, flat(parts["semantic"]), first, self.choice, self.semantic, self.earlier, before)
        return Settled(verdicts, images, captions, semantic, copies)

    def same_members(self, shard: int, verdicts: Verdicts) -> Iterable[tuple[int, bytes]]:
        """Packed records of a shard's rows that mean the same as another, by partition."""
        found = self._same(shard)
        nothing = np.zeros(len(found.cluster), np.uint8)
        clusters = Clusters(found.cluster, np.full(len(nothing), ALONE, np.int64), nothing, found.similarity)
        records = members(verdicts, clusters, self.starts[shard], self.choice, self.filters, self.policy, by_caption=False)
        return _partitioned(records, self.partitions)

    def compared(self) -> dict[str, int] | None:
        """How rows that mean the same were looked for; None where nobody asked."""
        if self.semantic.of is None:
            return None
        return dict(read_json(join(self.layout.semantic, FACTS)))

    def _same(self, shard: int) -> Found:
        return read_found(self.layout.semantic, self.starts[shard], self.starts[shard + 1])

    def clusters_of(self, shard: int, kind: Kind) -> np.ndarray:
        """The cluster of each row of a shard, int64."""
        if kind == "semantic":
            return self._same(shard).cluster
        found = self.clusters(shard)
        return found.caption_cluster if kind == "caption" else found.cluster

    def elder_members(self, number: int, clusters: np.ndarray, kind: Kind) -> Iterable[tuple[int, bytes]]:
        """Packed records of the rows of an elder file that lie in some clusters (dense numbers, ascending), by partition."""
        file, start = self.elders[number]
        return _partitioned(elder_members(file, start, clusters, self.choice, self.policy, kind), self.partitions)

    def members(self, shard: int, verdicts: Verdicts, *, by_caption: bool) -> Iterable[tuple[int, bytes]]:
        """Packed records of a shard's rows that lie in clusters, by partition."""
        found = self.clusters(shard)
        records = members(verdicts, found, self.starts[shard], self.choice, self.filters, self.policy, by_caption=by_caption)
        return _partitioned(records, self.partitions)


@dataclasses.dataclass(frozen=True)
class Settled:
    """A shard judged whole.

    Attributes:
      verdicts: with all findings.
      images: what image (or policy) clusters say; `captions` likewise, and `semantic`, None where nobody asked.
      copies: how often each row was seen.
    """

    verdicts: Verdicts
    images: Resolved
    captions: Resolved
    semantic: Resolved | None
    copies: Copies


def flat(groups: Iterable[Iterable[bytes]]) -> list[bytes]:
    """Packed records of several groups as one list."""
    return [block for group in groups for block in group]


def open_docket(run: Run) -> Docket:
    """What the steps of judge must know of a run that is annotated and matched."""
    annotations = tuple(run.annotation(shard) for shard in run.shards)
    rows = [json.loads(footer.metadata[TALLY])["rows"] for footer in run.footers]
    starts = (0, *itertools.accumulate(rows))
    names = tuple(shard.name for shard in run.shards)
    dedup = run.job.dedup
    return Docket(
        names, annotations, starts, run.filters, run.layout, dedup.images.mode, run.job.rebalance, _choice(run), dedup.not_duplicates,
        dedup.eval_overlap, signed_parts(run, starts[-1]), dedup.keep_captions, dedup.max_per_caption,
        dedup.policy, *_elders(run, starts[-1]),
        run.frozen.facts if run.frozen else None, dedup.semantic, versions(), host_rule(run.filters) is not None,
    )  # fmt: skip


def _elders(run: Run, own: int) -> tuple[tuple[tuple[ElderFile, int], ...], Earlier]:
    """The rows of earlier runs as match numbered them, behind so many rows of the run and those of benchmark sets."""
    first = elder_start(run, own)
    files = [(of, file, start) for of, _, file, start in numbered(run.elders, run.layout, first)]
    rows = Counter[int]()
    for of, file, _ in files:
        rows[of] += file.rows
    starts = tuple(itertools.accumulate((rows[of] for of in range(len(run.elders) - 1)), initial=first)) if run.elders else ()
    return tuple((file, start) for _, file, start in files), Earlier(tuple(elder.name for elder in run.elders), starts)


def _choice(run: Run) -> Choice:
    """What the job says about which copy stays, and what becomes of the others."""
    check_preferred_values(run)
    dedup = run.job.dedup
    return Choice(dedup.prefer, frozenset(source.name for source in run.job.source if source.protected), dedup.action)


def unpacked(blocks: Iterable[bytes], choice: Choice) -> np.ndarray:
    """Member records of one partition, by row: arrival order must not show."""
    records = np.frombuffer(b"".join(blocks), member_type(choice.width))
    return records[np.argsort(records["row"], kind="stable")]


def _partitioned(records: np.ndarray, partitions: int) -> Iterable[tuple[int, bytes]]:
    part = (records["cluster"].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(40)).astype(np.int64) % partitions
    for number in np.unique(part).tolist():
        yield number, records[part == number].tobytes()
