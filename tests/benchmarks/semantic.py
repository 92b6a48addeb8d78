"""Rows that mean the same: rows per CPU second, memory, and recall against all pairs, on random unit vectors with turned copies among them.

    python tests/benchmarks/semantic.py --rows 200000 --width 512

Vectors lie around topics, as embeddings do. Recall is over planted copies whose cosine with their original is above 1 - eps, and for some
rows over all of them that another row is that near to, by every cosine with all others.
"""

import argparse
import json
import pathlib
import resource
import tempfile
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.engine import Engine
from pipeline.memory import available_bytes
from pipeline.semantic import find_same
from pipeline.semantic_steps import Task
from schemas.signatures import SIGNATURE
from tests.semantic.planted import planted
from transforms.match.columns import write_columns
from transforms.semantic.found import read_found
from transforms.semantic.rows import ShardRows
from transforms.vectors import pack

SHARD_ROWS = 10_000
LOOKED_AT = 2_000


def written(folder: pathlib.Path, vectors: np.ndarray) -> tuple[ShardRows, ...]:
    """The rows as annotate leaves them."""
    rng = np.random.default_rng(9)
    shards = []
    for start in range(0, len(vectors), SHARD_ROWS):
        part = vectors[start : start + SHARD_ROWS]
        count = len(part)
        measured = pa.StructArray.from_arrays([pack(part, np.arange(count), count), pa.nulls(count, pa.binary())], ["image", "text"])
        annotation, signature = folder / f"{start}.parquet", folder / f"{start}.arrow"
        table = pa.table({"embeddings": measured, "problem": pa.nulls(count, pa.string())})
        pq.write_table(table, annotation, row_group_size=1_000, compression="zstd")
        own = [pa.array([bytes(row) for row in rng.integers(0, 256, (count, 16), np.uint8)], pa.binary(16)) for _ in range(2)]
        write_columns([pa.RecordBatch.from_arrays(own, schema=pa.schema([SIGNATURE.field(n) for n in ("uid", "order")]))], str(signature))
        shards.append(ShardRows(str(start), str(annotation), str(signature), start, count))
    return tuple(shards)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--eps", type=float, default=0.02)
    parser.add_argument("--topics", type=int, default=2_000)
    parser.add_argument("--centroids", type=int)
    given = parser.parse_args()
    copies = given.rows // 10
    vectors, of = planted(given.rows, copies, given.width, angle=0.15, topics=given.topics)
    with tempfile.TemporaryDirectory() as folder:
        shards = written(pathlib.Path(folder), vectors)
        task = Task(shards, "image", given.eps, given.centroids, f"{folder}/semantic")
        began, wall = time.process_time(), time.perf_counter()
        find_same(task, Engine.from_job(1), available_bytes())
        spent, wall = time.process_time() - began, time.perf_counter() - wall
        facts = json.loads(pathlib.Path(folder, "semantic", "facts.json").read_text())
        found = read_found(task.folder, 0, given.rows)
    wide = vectors.astype(np.float64)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    planted_rows = np.arange(given.rows - copies, given.rows)
    near = np.einsum("ij,ij->i", wide[planted_rows], wide[of]) > 1 - given.eps
    joined = found.cluster[planted_rows[near]] >= 0
    looked = np.linspace(0, given.rows - 1, min(LOOKED_AT, given.rows)).astype(np.int64)
    cosine = vectors[looked].astype(np.float32) @ vectors.astype(np.float32).T
    cosine[np.arange(len(looked)), looked] = -1
    some = cosine.max(axis=1) > 1 - given.eps
    print(f"{given.rows} x {given.width}: {spent:.1f} CPU s, {wall:.1f} s wall, {given.rows / spent:,.0f} rows per CPU second", facts)
    print(f"planted copies within eps {near.sum()}, in a cluster {joined.mean():.4f}")
    print(f"of {len(looked)} rows {some.sum()} have one within eps among all; in a cluster {(found.cluster[looked][some] >= 0).mean():.4f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"in a cluster without one: {(found.cluster[looked][~some] >= 0).sum()}; peak {peak} MiB, the benchmark's own vectors included")


if __name__ == "__main__":
    main()
