"""The steps of `pipeline.semantic`: each takes shards (or owners) by number, and leaves small files that the next one reads."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import apache_beam as beam
import numpy as np

from pipeline.steps import Step
from schemas.errors import InputError, reported
from schemas.layout import join
from schemas.versions import guard, versions
from transforms import storage
from transforms.array_file import read_array, write_array
from transforms.match.rows import OWNER_BITS
from transforms.semantic.centroids import MOST_AROUND, centroids_for, find_centroids, nearest, sampled
from transforms.semantic.compare import ALONE, compare
from transforms.semantic.found import RECORD, write_found
from transforms.semantic.rows import ShardRows, member_type, orders, packed_members, read_vectors, uids
from transforms.vectors import KIND

CENTROIDS, COUNTS = "centroids.npy", "counts.npy"
_PREFIX = np.dtype("<u8")


@dataclasses.dataclass(frozen=True)
class Task:
    """What every step knows.

    Attributes:
      shards: where the rows lie, in order; those of earlier runs come last.
      side: whose embeddings are compared.
      eps: how much may be missing to a cosine of 1.
      centroids: how many are wanted; None: by the number of rows.
      folder: where everything goes.
    """

    shards: tuple[ShardRows, ...]
    side: Literal["image", "text"]
    eps: float
    centroids: int | None
    folder: str

    @property
    def rows(self) -> int:
        """All rows, those without an embedding and those of earlier runs too."""
        return sum(shard.rows for shard in self.shards)

    @property
    def own(self) -> int:
        """Rows of this run; all other numbers are greater."""
        return sum(shard.rows for shard in self.shards if shard.places is None)

    @property
    def wanted(self) -> int:
        """Centroids that are looked for."""
        return self.centroids or centroids_for(self.rows)

    def path(self, name: str) -> str:
        """A file of the steps."""
        return join(self.folder, "steps", name)

    def read(self, name: str) -> np.ndarray:
        """An array that an earlier step left."""
        return read_array(self.path(name))


class _OfTask(Step):
    """A step that knows the task, guards its versions, and reports its errors with the shard."""

    def __init__(self, task: Task) -> None:
        self.task, self.expected = task, versions()

    def setup(self) -> None:
        guard(self.expected)


class FindCentroids(beam.PTransform):
    """Shards -> one file of centroids, from a sample that the uids of rows decide."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task

    def expand(self, shards: beam.PCollection) -> beam.PCollection:
        sample = shards | "SampleVectors" >> beam.ParDo(_Sample(self.task)) | "Meet" >> beam.GroupByKey()
        return sample | "FindCentroids" >> beam.ParDo(_Find(self.task))


class _Sample(_OfTask):
    def process(self, number: int) -> Iterable[tuple[int, tuple[int, bytes]]]:
        task, shard = self.task, self.task.shards[number]
        with reported(f"semantic, shard {shard.name}"):
            below = np.uint64(min(2**64 - 1, sampled(task.rows, task.wanted) * 2**64 // task.rows))
            for part in read_vectors(shard, task.side):
                prefix = uids(shard, part.rows)[:, 0]
                chosen = prefix <= below
                if chosen.any():
                    yield 0, (part.vectors.shape[1], prefix[chosen].tobytes() + part.vectors[chosen].tobytes())


class _Find(_OfTask):
    def process(self, element: tuple[int, Iterable[tuple[int, bytes]]]) -> Iterable[int]:
        with reported("semantic, centroids"):
            blocks = list(element[1])
            widths = sorted({width for width, _ in blocks})
            if len(widths) > 1:
                raise InputError(
                    f"embeddings of {widths[0]} and of {widths[-1]} numbers cannot be compared; give all rows those of one model"
                )
            record = np.dtype([("prefix", _PREFIX), ("vector", f"V{widths[0] * KIND.itemsize}")])
            sample = np.concatenate([_records(block, record) for _, block in blocks])
            sample = sample[np.lexsort((sample["vector"].view(f"S{record['vector'].itemsize}"), sample["prefix"]))]
            vectors = np.frombuffer(sample["vector"].tobytes(), KIND).reshape(len(sample), -1)
            centroids = find_centroids(vectors, self.task.wanted, self.task.rows)
            write_array(self.task.path(CENTROIDS), centroids)
            yield len(centroids)


def _records(block: bytes, record: np.dtype) -> np.ndarray:
    """Prefixes, then vectors, as records."""
    count = len(block) // record.itemsize
    found = np.empty(count, record)
    found["prefix"] = np.frombuffer(block, _PREFIX, count)
    found["vector"] = np.frombuffer(block, record["vector"], count, count * _PREFIX.itemsize)
    return found


class AssignVectors(beam.PTransform):
    """Shards -> a file for each, the centroid nearest to each row; and one of how many rows, of the run and earlier, each is nearest to."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task

    def expand(self, shards: beam.PCollection) -> beam.PCollection:
        counts = shards | "AssignVectors" >> beam.ParDo(_Assign(self.task)) | "Meet" >> beam.GroupByKey()
        return counts | "SaveCounts" >> beam.ParDo(_SaveCounts(self.task))


class _Assign(_OfTask):
    def process(self, number: int) -> Iterable[tuple[int, bytes]]:
        task, shard = self.task, self.task.shards[number]
        with reported(f"semantic, shard {shard.name}"):
            centroids = task.read(CENTROIDS)
            found, side = np.full(shard.rows, ALONE, np.int32), int(shard.places is not None)
            for part in read_vectors(shard, task.side, centroids.shape[1]):
                found[part.rows] = nearest(part.vectors, centroids)
            write_array(task.path(_assigned(number)), found)
            counts = np.zeros((2, len(centroids)), "<i8")
            counts[side] = np.bincount(found[found != ALONE], minlength=len(centroids))
            yield 0, counts.tobytes()


class _SaveCounts(_OfTask):
    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterable[int]:
        with reported("semantic, counts"):
            counts = np.sum([np.frombuffer(block, "<i8").reshape(2, -1) for block in element[1]], axis=0)
            write_array(self.task.path(COUNTS), counts)
            yield int(counts.sum())


class CompareVectors(beam.PTransform):
    """Shards -> a file per owner: what was found about the rows around a share of the centroids."""

    def __init__(self, task: Task, width: int, share: int, shares: int) -> None:
        super().__init__()
        self.task, self.width, self.share, self.shares = task, width, share, shares

    def expand(self, shards: beam.PCollection) -> beam.PCollection:
        task = self.task
        near = shards | "SendVectors" >> beam.ParDo(_Send(task, self.width, self.share, self.shares)) | "Meet" >> beam.GroupByKey()
        found = near | "CompareVectors" >> beam.ParDo(_Compare(task, self.width)) | "Return" >> beam.GroupByKey()
        return found | "SaveFound" >> beam.ParDo(_SaveFound(task, self.share))


class _Send(_OfTask):
    """Rows, packed, by centroid and part of what is around it."""

    def __init__(self, task: Task, width: int, share: int, shares: int) -> None:
        super().__init__(task)
        self.width, self.share, self.shares = width, share, shares

    def process(self, number: int) -> Iterator[tuple[int, bytes]]:
        task, shard = self.task, self.task.shards[number]
        with reported(f"semantic, shard {shard.name}"):
            assigned, parts = task.read(_assigned(number)), -(-task.read(COUNTS).sum(axis=0) // MOST_AROUND)
            for some in read_vectors(shard, task.side, self.width):
                near = assigned[some.rows].astype(np.int64)
                mine = np.flatnonzero(near % self.shares == self.share)
                near, rows = near[mine], some.rows[mine]
                part = uids(shard, rows)[:, 1] % parts[near].astype(np.uint64)
                keys = near << 32 | part.astype(np.int64)
                records = np.empty(len(rows), member_type(self.width))
                records["order"], records["row"], records["vector"] = orders(shard, rows), some.numbers[mine], some.vectors[mine]
                order = np.argsort(keys, kind="stable")
                ends = np.flatnonzero(np.diff(keys[order], append=-1)) + 1
                for start, end in zip([0, *ends.tolist()], ends.tolist(), strict=False):
                    yield int(keys[order[start]]), records[order[start:end]].tobytes()


class _Compare(_OfTask):
    """Rows around one centroid -> what was found about each, packed, by owner."""

    def __init__(self, task: Task, width: int) -> None:
        super().__init__(task)
        self.width = width

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[tuple[int, bytes]]:
        with reported("semantic, compare"):
            members, elders = packed_members(list(element[1]), self.width, self.task.own)
            found = compare(members["vector"], self.task.eps, elders)
            leader = found.leader[elders:]
            out = np.empty(len(leader), RECORD)
            out["row"], out["similarity"], out["outlier"] = members["row"][elders:], found.similarity[elders:], found.outlier[elders:]
            out["cluster"] = np.where(leader == ALONE, ALONE, members["row"][leader])
            owners = out["row"] >> OWNER_BITS
            for owner in np.unique(owners).tolist():
                yield owner, out[owners == owner].tobytes()


class _SaveFound(_OfTask):
    def __init__(self, task: Task, share: int) -> None:
        super().__init__(task)
        self.share = share

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterable[int]:
        with reported("semantic, save"):
            records = np.frombuffer(b"".join(element[1]), RECORD)
            storage.write_bytes(self.task.path(_share(element[0], self.share)), records[np.argsort(records["row"])].tobytes())
            yield element[0]


class WriteFound(_OfTask):
    """Owners -> their files, from all shares."""

    def __init__(self, task: Task, shares: int) -> None:
        super().__init__(task)
        self.shares = shares

    def process(self, owner: int) -> Iterable[int]:
        with reported("semantic, write"):
            paths = [self.task.path(_share(owner, share)) for share in range(self.shares)]
            packed: Sequence[bytes] = [storage.read_bytes(path) for path in paths if storage.exists(path)]
            write_found(self.task.folder, owner, owner << OWNER_BITS, min(self.task.own, (owner + 1) << OWNER_BITS), packed)
            yield owner


def _assigned(number: int) -> str:
    return f"assigned-{number:07d}.npy"


def _share(owner: int, share: int) -> str:
    return f"found-{owner:07d}-{share:05d}"
