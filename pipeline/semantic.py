"""Which rows mean the same? After match, and only where the job asks: SemDeDup over the embeddings of all rows, as Beam jobs.

    annotations ─► SampleVectors ─► GroupByKey ─► FindCentroids            centroids
    annotations ─► AssignVectors ─► CombineGlobally                        the centroid nearest to each row, and how many are near each
    annotations ─► SendVectors ─► GroupByKey ─► CompareVectors ─► GroupByKey by owner ─► SaveFound

What crosses a shuffle: a sample, counts, and in the last step every embedding once (2 bytes a number), in as many shares of the centroids
as memory asks for. Rows around a centroid that are too many for one place are parted by a hash of their uid, and counted. Rows of earlier
runs go all these ways too, those of them that take part (`transforms.semantic.elders`).
"""

import functools
import json

import apache_beam as beam
import numpy as np

from pipeline.elders import numbered
from pipeline.eval_sets import elder_start
from pipeline.match import COPIES, Engine, Memory
from pipeline.memory import available_bytes
from pipeline.progress import Progress
from pipeline.run import Run
from pipeline.semantic_steps import CENTROIDS, COUNTS, AssignVectors, CompareVectors, FindCentroids, Task, WriteFound
from schemas.errors import InputError
from schemas.layout import join
from transforms import storage
from transforms.match.rows import OWNER_BITS
from transforms.semantic.centroids import MOST_AROUND
from transforms.semantic.found import FACTS
from transforms.semantic.rows import ShardRows, member_type


def is_compared(run: Run) -> bool:
    """Whether what rows mean is up to date, or nobody asks for it."""
    path = run.layout.compared
    if run.job.dedup.semantic.of is None:
        return True
    return storage.exists(path) and json.loads(storage.read_bytes(path))["digest"] == run.semantic_digest


def compare_whole(run: Run) -> None:
    """Finds which rows mean the same, and leaves the marker that says so.

    Raises:
      InputError: the annotations of an earlier run are gone, or embeddings are of several widths.
    """
    semantic, layout = run.job.dedup.semantic, run.layout
    storage.remove(layout.compared)
    starts = np.cumsum([0, *(footer.rows for footer in run.footers)]).tolist()
    shards = [
        ShardRows(shard.name, run.annotation(shard), run.signature(shard), start, footer.rows)
        for shard, start, footer in zip(run.shards, starts, run.footers, strict=False)
    ]
    for of, shard, file, start in numbered(run.elders, layout, elder_start(run, starts[-1])):
        if shard.annotation is None:
            raise InputError(
                f"{run.elders[of].layout.annotations}: no one file about shard {shard.name}, which has the embeddings that dedup.semantic "
                "compares; end that run with `winnow run`, or leave it out of dedup.against"
            )
        shards.append(ShardRows(shard.name, shard.annotation, shard.signature, start, shard.rows, file.places, file.before))
    assert semantic.of is not None
    task = Task(tuple(shards), semantic.of, semantic.eps, semantic.centroids, layout.semantic)
    with Progress("semantic", 0, []):
        find_same(task, run.engine, available_bytes() if run.engine.is_local else None)
    storage.write_bytes(layout.compared, json.dumps({"digest": run.semantic_digest}).encode())


def find_same(task: Task, engine: Engine, memory_bytes: int | None = None) -> None:
    """Writes which rows mean the same into a folder, where `transforms.semantic.found.read_found` finds it, and `facts.json`.

    Args:
      task: the rows, and how they are compared.
      engine: what runs the pipelines.
      memory_bytes: what one machine's engine may hold; decides the number of shares and nothing else.
    """
    _sweep(task)
    if task.rows:
        engine.run("semantic: centroids", functools.partial(_over, task, FindCentroids(task)))
    centroids = task.read(CENTROIDS) if storage.exists(task.path(CENTROIDS)) else np.empty((0, 0), np.float32)
    if len(centroids):
        engine.run("semantic: assign", functools.partial(_over, task, AssignVectors(task)))
    sides = task.read(COUNTS) if len(centroids) else np.zeros((2, 0), np.int64)
    counts = sides.sum(axis=0)
    width = centroids.shape[1]
    memory = Memory(memory_bytes, COPIES[engine.workers_for(0) > 1])
    shares = min(memory.shares(int(counts.sum()) * member_type(width).itemsize), max(1, len(counts)))
    for share in range(shares):
        step = CompareVectors(task, width, share, shares)
        engine.run(f"semantic: compare {share + 1} of {shares}", functools.partial(_over, task, step))
    engine.run("semantic: write", functools.partial(_write, task, shares))
    facts = {
        "rows": int(sides[0].sum()), "earlier": int(sides[1].sum()), "centroids": int(np.count_nonzero(counts)),
        "largest": int(counts.max(initial=0)), "parted": int(np.count_nonzero(counts > MOST_AROUND)),
    }  # fmt: skip
    storage.write_bytes(join(task.folder, FACTS), json.dumps(facts, sort_keys=True).encode())
    storage.remove_all(file.path for file in storage.list_folder(task.path("")))


def _sweep(task: Task) -> None:
    for folder in (task.folder, task.path("")):
        storage.sweep(folder)
        storage.remove_all(file.path for file in storage.list_folder(folder))


def _over(task: Task, step: beam.PTransform, root: beam.Pipeline) -> None:
    _ = root | "Shards" >> beam.Create(range(len(task.shards))) | "Step" >> step


def _write(task: Task, shares: int, root: beam.Pipeline) -> None:
    _ = root | "Owners" >> beam.Create(range(-(-task.own >> OWNER_BITS))) | "WriteFound" >> beam.ParDo(WriteFound(task, shares))
