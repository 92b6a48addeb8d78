"""Match: which rows are the same? Five steps over signatures, as Beam jobs of one form.

Every step is `owners -> send -> GroupByKey -> step [-> GroupByKey -> save]`, over pairs of a number and a packed block. A step leaves one
small file per owner and hands on the owners, so steps follow each other in one pipeline where memory allows one pass of each, and in a
pipeline each where it does not; results do not know the difference.

| step | exchange | result, per owner |
|---|---|---|
| identity | equal normal forms, equal bytes | rows that another stands for |
| pairs, in passes | keys of bands and hashes | candidate pairs |
| edges, in shares | signatures of one side of a pair | verified edges |
| groups | none: one union-find | groups of rows |
| clusters, in shares | members of groups | clusters |
"""

import functools
import json
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import apache_beam as beam
import numpy as np

from schemas.job import Dedup
from schemas.layout import join
from transforms import storage
from transforms.match import compact, grouping, identity, partners, passes, verification
from transforms.match.blocks import EMPTY
from transforms.match.plan import CAPTIONS, IDENTITY_BYTES, PARTITION_BYTES, PICTURES, STEPS, Plan, Reach, key_bytes, make_plan
from transforms.match.rows import OWNER_BITS, ElderFile, SignatureFile

Build = Callable[[beam.Pipeline], None]
Block = tuple[int, bytes]

BASE_BYTES = 1_500 << 20  # a driver and a worker before any row
COPIES = 10  # of every exchanged byte in memory, at most: measured 4 in one process, up to 9.5 in two
ROW_BYTES = 3_072  # a row in all steps together, thumbnails of half of the rows among them
CAPTION_MEMBER_BYTES = 256
CUT = ("hashes_cut", "views_in_crowded_buckets", "views_with_more_neighbours")  # facts that a pass counts
PAIR_BYTES = {CAPTIONS: 160, PICTURES: 2_400}  # a pair with what verifies its smaller row


class Engine(Protocol):
    """Runs pipelines, each to its end."""

    def run(self, label: str, build: Build, size_hint_bytes: int = 0) -> None:
        """Builds a pipeline, runs it, and returns when it has ended well."""


class _Step(beam.DoFn):
    """A function of an element, or of a key and its values; what it yields goes on."""

    def __init__(self, function: Callable[..., Iterable[Any]], *, grouped: bool):
        self._function = function
        self._grouped = grouped

    def process(self, element: Any) -> Iterable[Any]:
        return self._function(*element) if self._grouped else self._function(element)


def _step(function: Callable[..., Iterable[Any]], *arguments: Any, grouped: bool = False, output: Any = int) -> beam.PTransform:
    """A step's function as a ParDo; the function is named, never pickled by value, and its arguments are small."""
    return beam.ParDo(_Step(functools.partial(function, *arguments), grouped=grouped)).with_output_types(output)


class _Identity(beam.PTransform):
    """Owners -> owners: which rows another stands for."""

    def __init__(self, plan: Plan):
        super().__init__()
        self._plan = plan

    def expand(self, owners: beam.PCollection) -> beam.PCollection:
        chosen = (
            owners
            | "SendIdentities" >> _step(identity.send, self._plan, output=Block)
            | "EqualRows" >> beam.GroupByKey()
            | "Choose" >> _step(identity.choose, self._plan, grouped=True, output=Block)
        )
        return chosen | _Complete(self._plan.owners) | "Save" >> _step(identity.save, self._plan, grouped=True)


class _Pairs(beam.PTransform):
    """Owners -> owners and families: candidate pairs of one pass."""

    def __init__(self, plan: Plan, units: list[int], number: int):
        super().__init__()
        self._plan, self._units, self._number = plan, units, number

    def expand(self, owners: beam.PCollection) -> beam.PCollection:
        pairs = (
            owners
            | "SendKeys" >> _step(passes.send, self._plan, self._units, output=Block)
            | "Buckets" >> beam.GroupByKey()
            | "Pair" >> _step(passes.pair, self._plan, grouped=True, output=Block)
        )
        return pairs | _Complete(2 * self._plan.owners) | "Save" >> _step(passes.save, self._plan, self._number, grouped=True)


class _Partners(beam.PTransform):
    """Owners and families -> the same: of what each view was told, the pairs that are worth verifying. Nothing to do for plain hashes."""

    def __init__(self, plan: Plan, *, passes: int):
        super().__init__()
        self._plan, self._passes = plan, passes

    def expand(self, families: beam.PCollection) -> beam.PCollection:
        if self._plan.reach == "plain":
            return families
        pairs = families | "SendPartners" >> _step(partners.send, self._plan, self._passes, output=Block)
        return pairs | _Complete(2 * self._plan.owners) | "SavePartners" >> _step(partners.save, self._plan, grouped=True)


class _Edges(beam.PTransform):
    """Owners and families -> the same: a share of all pairs, verified."""

    def __init__(self, plan: Plan, *, number: int, count: int, passes: int):
        super().__init__()
        self._plan, self._share, self._passes = plan, (number, count), passes

    def expand(self, families: beam.PCollection) -> beam.PCollection:
        pairs = families | "SendPairs" >> _step(verification.send, self._plan, *self._share, self._passes, output=Block)
        return pairs | _Complete(2 * self._plan.owners) | "Verify" >> _step(verification.check, self._plan, self._share[0], grouped=True)


class _Groups(beam.PTransform):
    """Whatever elements, once all are there -> owners: groups of rows."""

    def __init__(self, plan: Plan, *, shares: int):
        super().__init__()
        self._plan, self._shares = plan, shares

    def expand(self, done: beam.PCollection) -> beam.PCollection:
        return (
            done
            | "Wait" >> beam.Map(_one_key).with_output_types(Block)
            | "AllEdges" >> beam.GroupByKey()
            | "Group" >> _step(grouping.group, self._plan, self._shares, grouped=True, output=Block)
            | "Spread" >> beam.GroupByKey()
            | "Owner" >> beam.Keys()
        )


class _Clusters(beam.PTransform):
    """Owners -> owners: the clusters of a share of the groups."""

    def __init__(self, plan: Plan, *, number: int, count: int, edge_shares: int):
        super().__init__()
        self._plan, self._share, self._edge_shares = plan, (number, count), edge_shares

    def expand(self, owners: beam.PCollection) -> beam.PCollection:
        placed = (
            owners
            | "SendMembers" >> _step(compact.send, self._plan, *self._share, self._edge_shares, output=Block)
            | "Members" >> beam.GroupByKey()
            | "Lead" >> _step(compact.choose, self._plan, grouped=True, output=Block)
        )
        return placed | _Complete(self._plan.owners) | "Save" >> _step(compact.save, self._plan, self._share[0], grouped=True)


class _Complete(beam.PTransform):
    """Blocks by key -> the same grouped, with every key from 0 on, if only with an empty block."""

    def __init__(self, keys: int):
        super().__init__()
        self._keys = keys

    def expand(self, blocks: beam.PCollection) -> beam.PCollection:
        every = blocks.pipeline | "EveryKey" >> beam.Create([(key, EMPTY) for key in range(self._keys)]).with_output_types(Block)
        return (blocks, every) | "Both" >> beam.Flatten() | "Group" >> beam.GroupByKey()


def _one_key(_: int) -> Block:
    return 0, EMPTY


def match(
    signatures: Sequence[SignatureFile],
    folder: str,
    dedup: Dedup,
    engine: Engine,
    memory_bytes: int | None = None,
    owner_bits: int = OWNER_BITS,
    partition_bytes: int = PARTITION_BYTES,
    elders: Sequence[ElderFile] = (),
) -> None:
    """Writes the clusters of all rows into a folder, where `transforms.match.clusters.read_clusters` finds them, and `facts.json`.

    Args:
      signatures: every file with its rows, in shard order; dense row numbers follow it.
      folder: `work/clusters`.
      dedup: the policy.
      engine: what runs the pipelines.
      memory_bytes: what one machine's engine may hold; decides the number of passes and nothing else. None: one pass, for an engine
        that spreads an exchange over machines or disks.
      owner_bits: an owner has 2^owner_bits consecutive rows.
      partition_bytes: what one key of an exchange holds at most, about.
      elders: rows of earlier runs and of benchmark sets, numbered after all others; `transforms.match.elders` says what is told of them.
    """
    _remove(folder)
    plan = make_plan(tuple(signatures), folder, dedup.policy, dedup.images.reach, owner_bits, partition_bytes, tuple(elders))
    size = plan.total * sum(plan.key_bytes)
    if not plan.own:
        facts = {"rows": 0, **dict.fromkeys(CUT, 0), "pictures_with_more_partners": 0, "rows_beyond_leaders": 0}
    elif memory_bytes is None or plan.total * ROW_BYTES * COPIES + BASE_BYTES <= memory_bytes:
        engine.run("match", functools.partial(_whole, plan), size)
        facts = _facts(plan, 1, 1)
    else:
        facts = _in_passes(plan, engine, memory_bytes, size)
    storage.write_bytes(join(folder, "facts.json"), json.dumps(facts, sort_keys=True).encode())
    _remove(join(folder, STEPS))


def _remove(folder: str) -> None:
    """Takes away what an earlier run, or the steps of this one, left directly in a folder and in the one of its steps."""
    for part in (folder, join(folder, STEPS)):
        storage.sweep(part)
        storage.remove_all(file.path for file in storage.list_folder(part))


def passes_needed(rows: int, reach: Reach, memory_bytes: int) -> int:
    """How many passes over the keys keep the engine of one machine within its memory.

    >>> passes_needed(10_000_000, "plain", 8 << 30)
    15
    """
    return max(1, math.ceil(rows * sum(key_bytes(reach)) * COPIES / max(memory_bytes - BASE_BYTES, BASE_BYTES)))


def _whole(plan: Plan, pipeline: beam.Pipeline) -> None:
    """All steps, one after the other, in one pipeline."""
    owners = pipeline | "Owners" >> beam.Create(range(plan.owners))
    owners = owners | _Identity(plan)
    families = owners | _Pairs(plan, plan.units(), 0)
    families = families | _Partners(plan, passes=1)
    families = families | _Edges(plan, number=0, count=1, passes=1)
    owners = families | _Groups(plan, shares=1)
    owners = owners | _Clusters(plan, number=0, count=1, edge_shares=1)
    _ = owners | "Write" >> _step(compact.write, plan, 1)


def _in_passes(plan: Plan, engine: Engine, memory_bytes: int, size: int) -> dict[str, int]:
    """A pipeline for each step, pass and share; the number of shares follows from what the step before has found."""
    owners, families = range(plan.owners), range(2 * plan.owners)

    def run(label: str, elements: Iterable[int], step: beam.PTransform, size_hint_bytes: int) -> None:
        def build(pipeline: beam.Pipeline) -> None:
            _ = pipeline | "Elements" >> beam.Create(elements) | step

        engine.run(label, build, size_hint_bytes)

    def shares_of(found_bytes: int) -> int:
        return max(1, math.ceil(found_bytes * COPIES / max(memory_bytes - BASE_BYTES, BASE_BYTES)))

    run("match: identity", owners, _Identity(plan), plan.total * 2 * IDENTITY_BYTES)
    units = plan.passes(passes_needed(plan.total, plan.reach, memory_bytes))
    for number, mine in enumerate(units):
        run(f"match: pass {number + 1} of {len(units)}", owners, _Pairs(plan, mine, number), size // len(units))
    if plan.reach == "views":
        run("match: partners", families, _Partners(plan, passes=len(units)), 0)
    pair_bytes = sum(
        storage_bytes // 8 * PAIR_BYTES[family] for family in (CAPTIONS, PICTURES) for storage_bytes in _sizes(plan, f"pairs-{family}-*")
    )
    edge_shares = shares_of(pair_bytes)
    for number in range(edge_shares):
        step = _Edges(plan, number=number, count=edge_shares, passes=len(units))
        run(f"match: edges {number + 1} of {edge_shares}", families, step, pair_bytes // edge_shares)
    run("match: groups", [0], _Groups(plan, shares=edge_shares), 0)
    members = [sum(_sizes(plan, f"groups-{graph}-*")) // 32 for graph in grouping.graphs_of(plan)]
    member_bytes = members[0] * CAPTION_MEMBER_BYTES + sum(members[1:]) * compact.MEMBER_BYTES
    shares = min(shares_of(member_bytes), 1 << plan.range_bits(compact.MEMBER_BYTES))
    for number in range(shares):
        run(
            f"match: clusters {number + 1} of {shares}",
            owners,
            _Clusters(plan, number=number, count=shares, edge_shares=edge_shares),
            member_bytes // shares,
        )
    run("match: write", owners, _step(compact.write, plan, shares), 0)
    return _facts(plan, len(units), shares)


def _sizes(plan: Plan, pattern: str) -> list[int]:
    return [file.size for file in storage.list_files(join(plan.folder, STEPS, pattern))]


def _facts(plan: Plan, passes_run: int, shares: int) -> dict[str, int]:
    """What bounds have cut, over all rows."""
    owners = range(plan.owners)
    cut = np.sum([plan.load("cut", PICTURES, owner, number) for owner in owners for number in range(passes_run)], axis=0).tolist()
    crowded = sum(int(plan.load("partners", owner)[0]) for owner in owners) if plan.reach == "views" else 0
    left = sum(int(plan.load("left", owner, number)[0]) for owner in owners for number in range(shares))
    return {"rows": plan.own, **dict(zip(CUT, cut, strict=True)), "pictures_with_more_partners": crowded, "rows_beyond_leaders": left}
