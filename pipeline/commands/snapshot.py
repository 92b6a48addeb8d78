"""`winnow snapshot`: turns archives or folders of what hosts served into one table that judge can join by host.

Archives are read one after the other and written down as they come; DuckDB then chooses the latest of each file of a host and sorts by
host, on disk where memory does not do.
"""

import itertools
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import InputError, JobError
from schemas.host_policies import HOST_POLICIES, ROW_GROUP
from schemas.layout import join
from transforms.consent.fetched import read_archive, read_folder, read_table
from transforms.storage import atomic_write, list_files, scratch_folder

_ROWS_A_BATCH = 1_000
_MEMORY = "1GB"


def snapshot(out: str, paths: Sequence[str]) -> int:
    """Writes a snapshot.

    Args:
      out: the Parquet file to write, of schema `schemas.host_policies.HOST_POLICIES`.
      paths: WARC files, Parquet files of the same columns, globs of either, or folders of fetched files.

    Returns:
      The number of rows, one per host and scheme.

    Raises:
      JobError: `out` does not end in .parquet.
      InputError: a path matches nothing, or is neither; nothing is written.
    """
    if not out.endswith(".parquet"):
        raise JobError(f"{out}: a snapshot is a Parquet file; give it a name that ends in .parquet")
    scratch = join(scratch_folder(), f"snapshot-{os.getpid()}")
    os.makedirs(scratch)
    try:
        found = join(scratch, "found.parquet")
        with pq.ParquetWriter(found, HOST_POLICIES, compression="zstd") as writer:
            for path in paths:
                for batch in _batches(path):
                    writer.write_batch(batch)
        return _latest(found, scratch, out)
    finally:
        shutil.rmtree(scratch)


def _batches(path: str) -> Iterator[pa.RecordBatch]:
    if os.path.isdir(path):
        yield from _batched(read_folder(path))
        return
    files = list_files(path)
    if not files:
        raise InputError(f"{path}: no such file or folder; give WARC files, Parquet files, or a folder of fetched files")
    for file in files:
        if file.path.endswith(".parquet"):
            yield from read_table(file.path)
        else:
            yield from _batched(read_archive(file.path))


def _batched(rows: Iterable[dict]) -> Iterator[pa.RecordBatch]:
    rows = iter(rows)
    while some := list(itertools.islice(rows, _ROWS_A_BATCH)):
        yield pa.RecordBatch.from_pylist(some, HOST_POLICIES)


def _latest(found: str, scratch: str, out: str) -> int:
    """Writes one row per host and scheme, sorted by them."""
    with duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": scratch, "threads": 1}) as base:
        rows = base.sql("SELECT * FROM read_parquet($1) WHERE host IS NOT NULL ORDER BY ALL NULLS FIRST", params=[found])
        read = (row for batch in rows.to_arrow_reader(_ROWS_A_BATCH) for row in batch.to_pylist())
        merged = (_merged(of_host) for _, of_host in itertools.groupby(read, key=lambda row: (row["host"], row["scheme"])))
        count = 0
        with atomic_write(out) as target, pq.ParquetWriter(target, HOST_POLICIES, compression="zstd") as writer:
            while some := list(itertools.islice(merged, ROW_GROUP)):
                writer.write_batch(pa.RecordBatch.from_pylist(some, HOST_POLICIES), row_group_size=ROW_GROUP)
                count += len(some)
    return count


def _merged(rows: Iterable[dict]) -> dict:
    """The latest of each file of a host. A status goes with its body: a robots.txt that has gone since is not there."""
    merged: dict = {}
    for row in rows:
        if row["status_robots"] is not None:
            merged["robots_txt"] = None
        merged |= {name: value for name, value in row.items() if value is not None}
    return merged
