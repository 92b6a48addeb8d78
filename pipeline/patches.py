"""A step of judge: which patches stand in a corner of many different pictures of the run.

annotations ─► SendKeys ─► GroupByKey ─► Frequent ─► one list ─┐
annotations ─► SendSightings ◄──────────────────────────────────┘
└► CombinePerKey(bounded) ─► Seeds ─► one list of patches
"""

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow.compute as pc

from pipeline.docket import Docket
from pipeline.judge_step import JudgeStep
from pipeline.steps import Step
from schemas.errors import reported
from transforms.images.places import Corners
from transforms.patches import PARTITION_KEYS, SEED, SIGHTING, bounded, corners_of, frequent, in_order, packed, seeds, short_keys, sightings
from transforms.records import host_ids, picture_ids
from transforms.storage import read_parquet
from transforms.verdicts import Facts


def with_patches(facts: beam.PCollection, shards: beam.PCollection, docket: Docket) -> beam.PCollection:
    """Facts of the run (transforms.verdicts.Facts), and what stands in the corners of its pictures; as they are where nobody asks."""
    if docket.poisoning is None:
        return facts
    patches = shards | "FindPatches" >> FindPatches(docket, docket.poisoning.least_pictures(docket.starts[-1]))
    return facts | "AddPatches" >> beam.Map(Facts.with_patches, beam.pvalue.AsSingleton(patches))


class FindPatches(beam.PTransform):
    """Shard numbers -> one packed array of SEED records, the most frequent patch first; the picture above is its graph."""

    def __init__(self, docket: Docket, least: int) -> None:
        super().__init__()
        self.docket, self.least = docket, least

    def expand(self, shards: beam.PCollection[int]) -> beam.PCollection[bytes]:
        """See the class."""
        known = (
            shards
            | "SendKeys" >> beam.ParDo(_SendKeys(self.docket))
            | "GroupKeys" >> beam.GroupByKey()
            | "Frequent" >> beam.ParDo(_Frequent(self.least))
            | "AllFrequent" >> beam.CombineGlobally(_keys)
        )
        return (
            shards
            | "SendSightings" >> beam.ParDo(_SendSightings(self.docket), beam.pvalue.AsSingleton(known))
            | "Bounded" >> beam.CombinePerKey(_bounded)
            | "Seeds" >> beam.ParDo(_Seeds(self.least))
            | "AllSeeds" >> beam.CombineGlobally(_ordered)
        )


def _keys(parts: Iterable[bytes]) -> bytes:
    return np.unique(packed(list(parts), np.dtype("<u4"))).tobytes()


def _bounded(parts: Iterable[bytes]) -> bytes:
    return bounded(packed(list(parts), SIGHTING)).tobytes()


def _ordered(parts: Iterable[bytes]) -> bytes:
    return in_order(packed(list(parts), SEED)).tobytes()


class _OfShard(JudgeStep):
    """Reads the corners of a shard."""

    def at(self, shard: int) -> Any:
        return reported(f"judge, patches, shard {self.docket.names[shard]}")

    def corners(self, shard: int) -> tuple[Corners, np.ndarray]:
        """The hashes of a shard, and their short keys, uint32[n]."""
        table = read_parquet(self.docket.annotations[shard], ["poisoning"])
        found = corners_of(pc.struct_field(table.column("poisoning").combine_chunks(), "corners"))
        return found, short_keys(found.place, found.hashes)


class _SendKeys(_OfShard):
    def process(self, shard: int) -> Iterator[tuple[int, bytes]]:
        with self.at(shard):
            corners, found = self.corners(shard)
            keys = np.sort(found[corners.sure])
            part = _partition(keys, self.docket.starts[-1])
            for number in np.unique(part).tolist():
                yield number, keys[part == number].tobytes()


class _Frequent(Step):
    def __init__(self, least: int) -> None:
        self.least = least

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[bytes]:
        yield frequent(packed(list(element[1]), np.dtype("<u4")), self.least).tobytes()


class _SendSightings(_OfShard):
    def process(self, shard: int, known: bytes) -> Iterator[tuple[int, bytes]]:
        docket, wanted = self.docket, packed([known], np.dtype("<u4"))
        with self.at(shard):
            if not len(wanted):
                return
            corners, keys = self.corners(shard)
            some = corners.where(np.isin(keys, wanted))
            if not len(some.row):
                return
            base = read_parquet(docket.annotations[shard], ["domain", "phash", "sha256", "problem"]).combine_chunks().to_batches()[0]
            pictures = picture_ids(base, docket.clusters(shard), docket.starts[shard], docket.policy)
            records = sightings(some, pictures[some.row], host_ids(base.column("domain"))[some.row])
            part = _partition(short_keys(records["place"], records["hash"]), docket.starts[-1])
            for number in np.unique(part).tolist():
                yield number, records[part == number].tobytes()


class _Seeds(Step):
    def __init__(self, least: int) -> None:
        self.least = least

    def process(self, element: tuple[int, bytes]) -> Iterator[bytes]:
        yield seeds(packed([element[1]], SIGHTING), self.least).tobytes()


def _partition(keys: np.ndarray, rows: int) -> np.ndarray:
    """The number of the range that each key lies in, int64[n]; there are as many as so many rows may need."""
    return (keys.astype(np.uint64) * np.uint64(4 * rows // PARTITION_KEYS + 1) >> np.uint64(32)).astype(np.int64)
