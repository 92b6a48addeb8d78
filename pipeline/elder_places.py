"""Before match, what is known of the rows of earlier runs: one small file for each of their shards, from its ledger and its clusters.

shards of earlier runs ─► SendStanding ─► GroupByKey ─► MarkClusters ┐ clusters of which a row was kept
shards of earlier runs ─► WritePlaces ◄──────────────────────────────┘ ─► work/elders/
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np

from pipeline.elders import ElderShard, elder_shards
from pipeline.run import Run
from pipeline.steps import Step
from schemas.errors import InputError, reported
from schemas.versions import guard, versions
from transforms.earlier import ANNOTATED, LEDGER_COLUMNS, RANGE, bits_of, places, said_of, standing
from transforms.match.clusters import Clusters, read_clusters
from transforms.match.elders import elder_set, write_places
from transforms.match.rows import ElderFile
from transforms.semantic.found import read_found
from transforms.storage import list_folder, read_bytes, read_parquet, remove_all, sweep

_Key = tuple[int, str, int]  # part, what clusters are of, range of leaders


def place_elders(run: Run) -> list[ElderFile]:
    """The elder side of a run, in the order by which its rows are numbered; what is known of them is written where it was not yet.

    Raises:
      InputError: an earlier run is not whole.
    """
    sweep(run.layout.elders)
    parts = [
        [shard for shard in shards if shard.part == part]
        for elder in run.elders
        for shards in [list(elder_shards(elder, run.layout))]
        for part in range(len(elder.parts))
    ]
    there = {file.path for file in list_folder(run.layout.elders)}
    missing = {number: shards for number, shards in enumerate(parts) if any(shard.places not in there for shard in shards)}
    if missing:
        run.engine.run("elders", lambda root: root | PlaceElders(missing))
    mine = {shard.places for shards in parts for shard in shards}
    remove_all(path for path in there if path not in mine)
    return [file for shards in parts for file in elder_set((shard.signature, shard.rows, shard.places) for shard in shards)]


class PlaceElders(beam.PTransform):
    """Writes what is known of the rows of earlier runs; the picture above is its graph."""

    def __init__(self, parts: Mapping[int, Sequence[ElderShard]]) -> None:
        super().__init__()
        self.parts = parts

    def expand(self, root: beam.Pipeline) -> beam.PCollection[str]:
        """One path of a written file per shard."""
        every = [(part, shard) for part, shards in self.parts.items() for shard in shards]
        shards = root | "Shards" >> beam.Create(every)
        kept = (
            shards
            | "SendStanding" >> beam.ParDo(_SendStanding(versions()))
            | "Ranges" >> beam.GroupByKey()
            | "MarkClusters" >> beam.MapTuple(_mark)
        )
        return shards | "WritePlaces" >> beam.ParDo(_WritePlaces(versions()), beam.pvalue.AsDict(kept))


class _Step(Step):
    def __init__(self, expected: dict[str, str]) -> None:
        self.expected = expected

    def setup(self) -> None:
        guard(self.expected)


class _SendStanding(_Step):
    def process(self, element: tuple[int, ElderShard]) -> Iterable[tuple[_Key, bytes]]:
        part, shard = element
        with reported(f"elders, shard {shard.name}"):
            _check_ledger(shard)
            ledger, clusters, semantic = _read(shard)
            for kind, cluster in (("image", clusters.cluster), ("semantic", semantic)):
                leaders = standing(ledger, cluster, shard.own) if cluster is not None else np.empty(0, np.int64)
                for number in np.unique(leaders // RANGE).tolist():
                    yield (part, kind, number), leaders[leaders // RANGE == number].astype("<i8").tobytes()


def _mark(key: _Key, packed: Iterable[bytes]) -> tuple[_Key, bytes]:
    return key, bits_of(np.frombuffer(b"".join(packed), "<i8"))


class _WritePlaces(_Step):
    def process(self, element: tuple[int, ElderShard], kept: Mapping[_Key, bytes]) -> Iterable[str]:
        part, shard = element
        with reported(f"elders, shard {shard.name}"):
            of_images, of_meanings = (
                {number: bits for (of, what, number), bits in kept.items() if (of, what) == (part, kind)} for kind in ("image", "semantic")
            )
            ledger, clusters, semantic = _read(shard)
            known = places(ledger, clusters, shard.own, of_images, semantic, of_meanings)
            spoken = {} if shard.annotation is None else said_of(read_parquet(shard.annotation, ANNOTATED))
            write_places(shard.places, *known, **spoken)
            yield shard.places


def _check_ledger(shard: ElderShard) -> None:
    """Makes sure that a ledger is the one that its run has written: another one would let in what that run holds, or took down.

    Raises:
      InputError: it is another.
    """
    if hashlib.sha256(read_bytes(shard.ledger)).hexdigest() != shard.ledger_sha256:
        cure = "put that one back, or make the run again (winnow run --replace)"
        raise InputError(f"{shard.ledger}: is not the ledger that its run has written; {cure}")


def _read(shard: ElderShard) -> tuple[Any, Clusters, np.ndarray | None]:
    """The ledger of a shard, its clusters, and the leader of the rows that mean the same as each, None where nobody looked for them."""
    rows = shard.start, shard.start + shard.rows
    semantic = None if shard.semantic is None else read_found(shard.semantic, *rows).cluster
    return read_parquet(shard.ledger, LEDGER_COLUMNS), read_clusters(shard.clusters, *rows), semantic
