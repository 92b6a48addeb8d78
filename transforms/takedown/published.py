"""Rows whose picture was published without some of its metadata: whoever holds the release knows them by other hashes than were read."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.reasons import KEPT
from transforms.consent.lists import Lists
from transforms.storage import open_read, read_parquet
from transforms.takedown.hits import Cause, Hits

HASHED = ("sha256", "sha1", "md5")
_STATED = ("uid", "sha256", "read_sha256")


def find_published(data: str, ledger: str, lists: Lists) -> Hits:
    """Rows of a shard that entries cover by a hash of the bytes as they were published, where those are others than were read.

    Args:
      data: path of the shard's data file.
      ledger: path of its ledger.
      lists: the entries.
    """
    if not lists.has(HASHED):
        return {}
    with open_read(data) as file:
        source = pq.ParquetFile(file, pre_buffer=False)
        if not set(_STATED) <= set(source.schema_arrow.names):
            return {}
        stated = source.read(list(_STATED), use_threads=False)
        places = np.flatnonzero(pc.fill_null(pc.not_equal(stated["sha256"], stated["read_sha256"]), False).to_numpy(zero_copy_only=False))
        if not len(places):
            return {}
        raw = _bytes_of(source, places) if lists.has(("sha1", "md5")) else [None] * len(places)
    asked = _as_annotations(stated.take(pa.array(places)), raw)
    kept = np.flatnonzero(read_parquet(ledger, ["verdict"]).column("verdict").to_numpy() == KEPT)
    found: Hits = {}
    for match in lists.match(asked, None, 0):
        if match.kind in HASHED:
            for at, detail, entry in zip(match.rows.tolist(), match.details, match.entries.tolist(), strict=True):
                row = int(kept[places[at]])
                found.setdefault(row, []).append(Cause(match.kind, match.reason, match.scope, f"as published, {detail}", entry))
    return found


def _bytes_of(source: pq.ParquetFile, places: np.ndarray) -> list[bytes | None]:
    """The pictures of some rows, in ascending order; row groups without them are not read."""
    found: list[bytes | None] = []
    start = 0
    for group in range(source.num_row_groups):
        rows = source.metadata.row_group(group).num_rows
        here = places[(places >= start) & (places < start + rows)] - start
        if len(here):
            images = source.read_row_group(group, columns=["image"], use_threads=False).column("image").combine_chunks()
            found += pc.struct_field(images, "bytes").take(pa.array(here)).to_pylist()
        start += rows
    return found


def _as_annotations(stated: pa.Table, raw: Sequence[bytes | None]) -> pa.RecordBatch:
    """Rows as lists are matched against them: by hashes and uid alone."""
    columns = {
        "uid": pa.array(stated.column("uid").to_pylist(), pa.string()),
        "sha256": pa.array([bytes.fromhex(text) for text in stated.column("sha256").to_pylist()], pa.binary(32)),
        "sha1": pa.array([None if found is None else hashlib.sha1(found, usedforsecurity=False).digest() for found in raw], pa.binary(20)),
        "md5": pa.array([None if found is None else hashlib.md5(found, usedforsecurity=False).digest() for found in raw], pa.binary(16)),
        "url": pa.nulls(len(raw), pa.string()),
        "url_id": pa.nulls(len(raw), pa.binary(16)),
        "domain": pa.nulls(len(raw), pa.string()),
        "phash": pa.nulls(len(raw), pa.uint64()),
    }
    return pa.RecordBatch.from_pydict(columns)
