"""`winnow snapshot`: turns archives or folders of what hosts served into one table that judge can join by host.

Archives are read one after the other and written down as they come; DuckDB then sorts them by host, on disk where memory does not do, and
the latest of each file of a host is chosen. A robots.txt that has moved to another host is that host's, over five redirects at most (RFC
9309, section 2.3.1.2).
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
from transforms.consent.fetched import FETCHED, read_archive, read_folder, read_table
from transforms.storage import atomic_write, list_files, scratch_folder

_ROWS_A_BATCH = 1_000
_MEMORY = "1GB"
_MOVED = """
WITH RECURSIVE hops AS (
  SELECT host, scheme, moved_to, 1 AS hop FROM latest WHERE moved_to IS NOT NULL
  UNION ALL
  SELECT hops.host, hops.scheme, latest.moved_to, hop + 1
  FROM hops JOIN latest ON latest.scheme || '://' || latest.host = hops.moved_to
  WHERE latest.moved_to IS NOT NULL AND hop < 5
)
SELECT hops.host, hops.scheme, latest.status_robots, latest.robots_txt
FROM hops JOIN latest ON latest.scheme || '://' || latest.host = hops.moved_to
WHERE latest.moved_to IS NULL AND latest.status_robots IS NOT NULL
ORDER BY hops.host, hops.scheme
"""


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
        with pq.ParquetWriter(found, FETCHED, compression="zstd") as writer:
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
        yield pa.RecordBatch.from_pylist(some, FETCHED)


def _latest(found: str, scratch: str, out: str) -> int:
    """Writes one row per host and scheme, sorted by them."""
    kept = join(scratch, "latest.parquet")
    with duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": scratch, "threads": 1}) as base:
        rows = _plain(
            base.sql("SELECT * FROM read_parquet($1) WHERE host IS NOT NULL ORDER BY ALL NULLS FIRST", params=[found]).to_arrow_reader(
                _ROWS_A_BATCH
            )
        )
        merged = (_merged(of_host) for _, of_host in itertools.groupby(rows, key=_key))
        _write(kept, FETCHED, merged)
        base.read_parquet(kept).create_view("latest")
        with atomic_write(out) as target, pq.ParquetFile(kept) as file:
            moved = _plain(base.sql(_MOVED).to_arrow_reader(_ROWS_A_BATCH))
            return _write(target, HOST_POLICIES, _with_moved(_plain(file.iter_batches(_ROWS_A_BATCH)), moved))


def _plain(batches: Iterable[pa.RecordBatch]) -> Iterator[dict]:
    return (row for batch in batches for row in batch.to_pylist())


def _key(row: dict) -> tuple[str, str]:
    return row["host"], row["scheme"]


def _write(path: str, schema: pa.Schema, rows: Iterator[dict]) -> int:
    """Writes rows, and returns how many they were."""
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while some := list(itertools.islice(rows, ROW_GROUP)):
            writer.write_batch(pa.RecordBatch.from_pylist(some, schema), row_group_size=ROW_GROUP)
            count += len(some)
    return count


def _merged(rows: Iterable[dict]) -> dict:
    """The latest of each file of a host. A status goes with its body: a robots.txt that has gone since is not there."""
    merged: dict = {}
    for row in rows:
        if row["status_robots"] is not None:
            merged |= {"robots_txt": None, "moved_to": None}
        merged |= {name: value for name, value in row.items() if value is not None}
    return merged


def _with_moved(rows: Iterator[dict], moved: Iterator[dict]) -> Iterator[dict]:
    """Rows with the robots.txt that redirects lead to; both sorted by host and scheme."""
    ahead = next(moved, None)
    for row in rows:
        if ahead is not None and _key(ahead) == _key(row):
            yield row | ahead
            ahead = next(moved, None)
        else:
            yield row
