# ruff: noqa: E402 -- the collector is told before what it should leave alone is there
"""Clusters of near-equal captions, by the product's own code: normal form, signatures, and match in this process.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python tests/benchmarks/captions.py CORPUS OUT

Run it with the interpreter of an environment that has Winnow installed, pinned to one core (`taskset -c 0`). CORPUS is Parquet with
columns `key` and `caption`; OUT is replaced by Parquet with columns `key` and `cluster`, the same number for rows that are the same.
Rows go through what a list of URLs goes through, in batches of the size a reader gives and shards of the size a downloader writes. The
last line of standard output is one JSON object: rows, and laps, stage -> CPU seconds. With --profile FILE the run goes through
cProfile, and FILE can be read with `python -m pstats`.
"""

import argparse
import cProfile
import json
import pathlib
import tempfile
import time
from collections.abc import Iterator

from pipeline.garbage import collect_rarely

collect_rarely()  # as the command line does before it loads what follows

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.engine import Engine
from pipeline.match import match
from pipeline.memory import available_bytes
from schemas.job import Dedup, Images
from schemas.samples import MAX_BATCH_ROWS, SAMPLE, Samples
from transforms.filters.base import Batch
from transforms.match.clusters import read_clusters
from transforms.match.columns import write_columns
from transforms.match.rows import SignatureFile
from transforms.match.signatures import sign

SHARD_ROWS = 50_000
PLAIN = Dedup(images=Images(reach="plain"))  # there are no pictures whose views could be looked for
UID = bytes(16)  # a row is its caption here


def batches(captions: pa.Array) -> Iterator[Batch]:
    """Rows that have a caption and nothing else."""
    for start in range(0, len(captions), MAX_BATCH_ROWS):
        some = captions.slice(start, MAX_BATCH_ROWS)
        nothing = [None] * len(some)
        columns = [some if field.name == "caption" else pa.nulls(len(some), field.type) for field in SAMPLE]
        samples = Samples(pa.RecordBatch.from_arrays(columns, names=SAMPLE.names), pa.RecordBatch.from_pylist([]), {}, has_bytes=False)
        yield Batch(samples, nothing, nothing, nothing, nothing, nothing, {})


def write_signatures(corpus: pathlib.Path, folder: pathlib.Path) -> list[SignatureFile]:
    """Signs every caption of the corpus, a file of signatures for each shard."""
    files = []
    for shard in pq.ParquetFile(corpus).iter_batches(SHARD_ROWS, columns=["caption"]):
        path = str(folder / f"{len(files):05d}.arrow")
        signed = [sign(batch, [UID] * len(batch), None, [None] * len(batch)) for batch in batches(shard.column(0))]
        write_columns(signed, path)
        files.append(SignatureFile(path, shard.num_rows))
    return files


def cluster(corpus: pathlib.Path, out: pathlib.Path, memory_bytes: int) -> dict[str, object]:
    """From Parquet to Parquet; rows, and CPU seconds of every stage."""
    laps = {"start": time.process_time()}
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        files = write_signatures(corpus, folder)
        laps["sign"] = time.process_time()
        match(files, str(folder / "clusters"), PLAIN, Engine.from_job(1), memory_bytes)
        laps["match"] = time.process_time()
        rows = sum(file.rows for file in files)
        found = read_clusters(str(folder / "clusters"), 0, rows).caption_cluster
    keys = pq.read_table(corpus, columns=["key"]).column(0)
    pq.write_table(pa.table({"key": keys, "cluster": np.where(found < 0, np.arange(rows), found)}), out)
    laps["save"] = time.process_time()
    return {"rows": rows, "laps": dict(zip(laps, np.diff([0, *laps.values()]).round(2).tolist(), strict=True))}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--memory", type=int, metavar="MIB", help="what match may plan with; default: as in a run, by what is free")
    parser.add_argument("--profile", metavar="FILE", help="write a profile there")
    args = parser.parse_args()
    profile = cProfile.Profile()
    call = profile.runcall if args.profile else (lambda function, *arguments: function(*arguments))
    found = call(cluster, args.corpus, args.out, args.memory << 20 if args.memory else available_bytes())
    if args.profile:
        profile.dump_stats(args.profile)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
