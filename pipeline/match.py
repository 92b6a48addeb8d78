"""Match: which rows are the same? Five steps over signatures, as Beam jobs of one form.

Every step of `pipeline.match_steps` leaves one small file per owner. They follow each other in one pipeline where memory allows one pass
of each, and in a pipeline each, cut into passes or shares, where it does not; results do not know the difference.

| step | exchange | result, per owner |
|---|---|---|
| identity, in shares | equal normal forms, equal bytes | rows that another stands for |
| pairs, in passes | keys of bands and hashes | candidate pairs |
| edges, in shares | signatures of one side of a pair | verified edges |
| groups | none: one union-find over the rows that have an edge; of more edges than memory holds, edges in rounds | groups of rows |
| clusters, in shares | members of groups | clusters |
"""

import dataclasses
import functools
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import apache_beam as beam
import numpy as np

from pipeline import match_steps as steps
from pipeline.memory import reused
from schemas.job import Dedup
from schemas.layout import join
from transforms import storage
from transforms.match import compact, forest, grouping, hashed, stars, verification
from transforms.match.laid import Floor
from transforms.match.plan import CAPTIONS, IDENTITY_BYTES, PICTURES, STEPS, Plan, Reach, make_plan, partition_bytes_of
from transforms.match.rows import ElderFile, SignatureFile, owner_bits_of

Build = Callable[[beam.Pipeline], None]

BASE_BYTES = 1 << 30  # a driver and a worker before any row, and what a step needs for one owner
COPIES = {False: 6, True: 10}  # of every byte that travels in memory, at most, in one process and in several
LAID = 1  # of every byte that lies on the floor: in the page cache
CUT = ("hashes_cut", "views_in_crowded_buckets", "views_with_more_neighbours")  # facts that a pass counts
ROW_BYTES = 3_072  # a row in all steps together, thumbnails of half of the rows among them
ROUNDS = 4  # of stars in a pipeline
ONE_PLACE = 3 << 30  # bytes that one worker of a cluster may hold
HEAD_BYTES = 128  # of a file of numpy's, before its values
FLOOR = "blocks"  # the folder where blocks of exchanges lie, on this machine


class Engine(Protocol):
    """Runs pipelines, each to its end."""

    def workers_for(self, size_hint_bytes: int) -> int:
        """Processes on this machine for a pipeline over so much input."""

    def run(self, label: str, build: Build, size_hint_bytes: int = 0) -> None:
        """Builds a pipeline, runs it, and returns when it has ended well."""


@dataclasses.dataclass(frozen=True)
class Memory:
    """What one machine's engine may hold, and so into how many pipelines a step is cut.

    Attributes:
      limit: bytes; None for an engine that spreads an exchange over machines or disks.
      copies: of every exchanged byte.
    """

    limit: int | None
    copies: int

    def shares(self, exchanged_bytes: float) -> int:
        """Into how many parts an exchange of so many bytes is cut.

        >>> Memory(5 << 30, 6).shares(10e9), Memory(5 << 30, 2).shares(10e9), Memory(None, 6).shares(10e9)
        (14, 5, 1)
        """
        return max(1, math.ceil(exchanged_bytes / self.part))

    @property
    def part(self) -> float:
        """Bytes of an exchange that are held at once."""
        return math.inf if self.limit is None else self.room / self.copies

    @property
    def room(self) -> int:
        """Bytes that one place may hold."""
        return ONE_PLACE if self.limit is None else max(self.limit - BASE_BYTES, BASE_BYTES)


def match(
    signatures: Sequence[SignatureFile],
    folder: str,
    dedup: Dedup,
    engine: Engine,
    memory_bytes: int | None = None,
    owner_bits: int | None = None,
    partition_bytes: int | None = None,
    elders: Sequence[ElderFile] = (),
) -> None:
    """Writes the clusters of all rows into a folder, where `transforms.match.clusters.read_clusters` finds them, and `facts.json`.

    On this machine all steps run in one process unless the engine was given more workers: what they do is mostly to move bytes, and
    between processes each is moved twice.

    Args:
      signatures: every file with its rows, in shard order; dense row numbers follow it.
      folder: `work/clusters`.
      dedup: the policy.
      engine: what runs the pipelines.
      memory_bytes: what one machine's engine may hold; decides the number of passes and nothing else. None: one pass, for an engine
        that spreads an exchange over machines or disks.
      owner_bits: an owner has 2^owner_bits consecutive rows. None: as many as are best for so many rows.
      partition_bytes: what one key of an exchange holds at most, about; None: as much as is best for so many rows.
      elders: rows of earlier runs and of benchmark sets, numbered after all others; `transforms.match.elders` says what is told of them.
    """
    _remove(folder)
    plan = make_plan(tuple(signatures), folder, dedup.policy, dedup.images.reach, owner_bits, partition_bytes, tuple(elders))
    memory = Memory(memory_bytes, COPIES[engine.workers_for(0) > 1])
    if memory_bytes is not None and storage.is_local(folder):
        plan, memory = dataclasses.replace(plan, floor=Floor(join(folder, FLOOR))), Memory(memory_bytes, LAID)
    if not plan.rows.have("views" if plan.reach == "views" else "has_hashes"):
        plan = dataclasses.replace(plan, reach="plain", pictured=False)  # no keys of pictures, and no step that views alone need
    if not plan.own:
        facts = {"rows": 0, **dict.fromkeys(CUT, 0), "pictures_with_more_partners": 0, "rows_beyond_leaders": 0}
    else:
        with reused():
            facts = _at_once(plan, engine) if _is_small(plan, memory) else _in_steps(plan, engine, memory)
    storage.write_bytes(join(folder, "facts.json"), json.dumps(facts, sort_keys=True).encode())
    _remove(join(folder, STEPS))
    if plan.floor:
        plan.floor.clear()


def _remove(folder: str) -> None:
    """Takes away what an earlier run, or the steps of this one, left directly in a folder and in those of its steps."""
    for part in (folder, join(folder, STEPS), join(folder, FLOOR)):
        storage.sweep(part)
        storage.remove_all(file.path for file in storage.list_folder(part))


def passes_needed(rows: int, reach: Reach, memory_bytes: int) -> int:
    """How many passes over the keys keep the engine of one machine within its memory.

    >>> passes_needed(10_000_000, "plain", 5 << 30)
    3
    """
    bits = owner_bits_of(rows)
    plan = Plan("", rows, bits, "image", reach, partition_bytes_of(rows, bits), "")
    return len(plan.passes(Memory(memory_bytes, LAID).part))


def _is_small(plan: Plan, memory: Memory) -> bool:
    """Whether all steps fit one pipeline: on one machine the rows of one owner; of more a forest of pairs is worth its own."""
    if memory.limit is None:
        return not _in_stars(plan, memory, dict.fromkeys((CAPTIONS, PICTURES), plan.total))
    return plan.owners == 1 and memory.shares(plan.total * ROW_BYTES) == 1


def _in_stars(plan: Plan, memory: Memory, edges: Mapping[int, int]) -> bool:
    """Whether groups are found through exchanges: so many edges of each family are more than one place may hold."""
    return not plan.elder and grouping.bytes_in_one_place(plan, edges) > memory.room


def _run(plan: Plan, engine: Engine, label: str, build: Build) -> None:
    """Runs a pipeline; where its exchanges lay the next one may write."""
    engine.run(label, build)
    if plan.floor:
        plan.floor.reuse()


def _at_once(plan: Plan, engine: Engine) -> dict[str, int]:
    """One pipeline for all steps."""
    _run(plan, engine, "match", functools.partial(_whole, plan))
    return _facts(plan, 1, 1)


def _whole(plan: Plan, pipeline: beam.Pipeline) -> None:
    """All steps, one after the other, in one pipeline."""
    owners = pipeline | "Owners" >> beam.Create(range(plan.owners))
    owners = owners | steps.Identity(plan, number=0, count=1)
    if plan.hashed:
        owners = owners | "Hashes" >> steps.step(hashed.save, plan)
    families = owners | steps.Pairs(plan, plan.units(), 0)
    families = families | steps.Partners(plan, passes=1)
    families = families | steps.Edges(plan, number=0, count=1, passes=1)
    owners = families | steps.Groups(plan, shares=1)
    owners = owners | steps.Clusters(plan, number=0, count=1, edge_shares=1)
    _ = owners | "Write" >> steps.step(compact.write, plan, 1)


def _in_steps(plan: Plan, engine: Engine, memory: Memory) -> dict[str, int]:
    """A pipeline for each step, pass and share; the number of shares follows from what the step before has found."""
    owners, families = range(plan.owners), range(2 * plan.owners)

    def run(label: str, elements: Iterable[int], step: beam.PTransform) -> None:
        def build(pipeline: beam.Pipeline) -> None:
            _ = pipeline | "Elements" >> beam.Create(elements) | step

        _run(plan, engine, label, build)

    shares = min(memory.shares(plan.total * 2 * IDENTITY_BYTES), 1 << plan.range_bits(IDENTITY_BYTES))
    for number in range(shares):
        run(f"match: identity {number + 1} of {shares}", owners, steps.Identity(plan, number=number, count=shares))
    if plan.hashed:
        run("match: hashes", owners, steps.step(hashed.save, plan))
    units = plan.passes(memory.part)
    for number, mine in enumerate(units):
        run(f"match: pass {number + 1} of {len(units)}", owners, steps.Pairs(plan, mine, number))
    if plan.floor:
        plan.floor.clear()  # whose pages would take the place of pictures
    if plan.reach == "views":
        run("match: partners", families, steps.Partners(plan, passes=len(units)))
    forests = int(plan.pictured and forest.grows(plan, memory.room))
    edge_shares = memory.shares(_pair_bytes(plan)) + forests
    if forests:
        run("match: forest", [0], steps.step(forest.choose, plan, verification.passes_of(plan, PICTURES, len(units))))
        run(f"match: edges 1 of {edge_shares}", owners, steps.Forest(plan))
        run("match: joined", [0], steps.step(forest.join, plan))
    for number in range(forests, edge_shares):
        step = steps.Edges(plan, number=number, count=edge_shares, passes=len(units), forests=forests)
        run(f"match: edges {number + 1} of {edge_shares}", families, step)
    if _in_stars(plan, memory, _edges_found(plan)):
        run("match: stars", owners, steps.StarRounds(plan, edge_shares=edge_shares, rounds=ROUNDS))
        while stars.unfinished(plan):
            run("match: stars", range(stars.keys_of(plan)), steps.StarRounds(plan, edge_shares=None, rounds=ROUNDS))
        run("match: groups", owners, steps.StarGroups(plan, edge_shares=edge_shares))
    else:
        run("match: groups", [0], steps.Groups(plan, shares=edge_shares))
    shares = min(memory.shares(_member_bytes(plan)), 1 << compact.range_bits(plan))
    for number in range(shares):
        step = steps.Clusters(plan, number=number, count=shares, edge_shares=edge_shares, forests=forests)
        run(f"match: clusters {number + 1} of {shares}", owners, step)
    run("match: write", owners, steps.step(compact.write, plan, shares))
    return _facts(plan, len(units), shares)


def _pair_bytes(plan: Plan) -> int:
    """What pairs send to where they are verified."""
    files = {family: storage.list_files(join(plan.folder, STEPS, f"pairs-{family}-*")) for family in (CAPTIONS, PICTURES)}
    return sum(file.size // 8 * verification.pair_bytes(plan, family) for family, found in files.items() for file in found)


def _edges_found(plan: Plan) -> dict[int, int]:
    """How many edges of each family there are: verified ones, and one for each row that another stands for or that an elder row equals."""
    sizes = {"edges": 24, "same": 16, "met": 16}
    found = dict.fromkeys((CAPTIONS, PICTURES), 0)
    for family in found:
        for step, size in sizes.items():
            files = storage.list_files(join(plan.folder, STEPS, f"{step}-{family}-*"))
            found[family] += sum((file.size - HEAD_BYTES) // size for file in files)
    return found


def _member_bytes(plan: Plan) -> int:
    """What members bring to the last exchange."""
    sizes = 0
    for graph in grouping.graphs_of(plan):
        for owner in range(plan.owners):
            units = plan.load("groups", graph, owner)[3]
            sizes += compact.bytes_of(plan, graph, len(units), int(np.count_nonzero(units >= grouping.MANY)))
    return sizes


def _facts(plan: Plan, passes_run: int, shares: int) -> dict[str, int]:
    """What bounds have cut, over all rows."""
    owners = range(plan.owners)
    cut = np.sum([plan.load("cut", PICTURES, owner, number) for owner in owners for number in range(passes_run)], axis=0).tolist()
    crowded = sum(int(plan.load("partners", owner)[0]) for owner in owners) if plan.reach == "views" else 0
    left = sum(int(plan.load("left", owner, number)[0]) for owner in owners for number in range(shares))
    return {"rows": plan.own, **dict(zip(CUT, cut, strict=True)), "pictures_with_more_partners": crowded, "rows_beyond_leaders": left}
