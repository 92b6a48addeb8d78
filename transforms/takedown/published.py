"""Rows by their pictures as they were published: by other hashes than were read, or by hashes that nobody has taken before.

Whoever holds the release knows a picture that was published without some of its metadata by other hashes than it was read with. And what
an entry asks for, a PDQ hash say, may be no hash that the run has kept, or the signatures may be of another version.
"""

import dataclasses
import functools
import hashlib
import math
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.job import Decode
from schemas.reasons import KEPT
from transforms.consent.lists import Lists
from transforms.footers import read_footer
from transforms.images.decode import Picture, PictureError, open_picture
from transforms.images.pdq import pdq_hash
from transforms.images.phash import hash_pictures
from transforms.match.detail_column import DETAILED, DETAILS
from transforms.match.verify import PICTURE_COLUMNS, Pictures
from transforms.storage import open_parquet, read_parquet
from transforms.takedown.hits import Cause, Hits

HASHED: Final = ("sha256", "sha1", "md5")
_STATED: Final = ("uid", "sha256", "read_sha256")
_PDQ: Final = "opt_out.pdq"
_ROWS: Final = 1_000  # pictures hashed together


def find_published(data: str, ledger: str, annotation: str, lists: Lists) -> Hits:
    """Rows of a shard that entries cover by a hash of the bytes as they were published, where no such hash is kept.

    Args:
      data: path of the shard's data file.
      ledger: of its ledger.
      annotation: of its annotations.
      lists: the entries.

    Raises:
      MissingError: the entries hold PDQ hashes, and the extra `pdq` is not installed.
    """
    by_pdq = lists.has(("pdq",)) and not _has_pdq(annotation)
    if not by_pdq and not lists.has(HASHED):
        return {}
    with open_parquet(data) as source:
        if not set(_STATED) <= set(source.schema_arrow.names):
            return {}
        stated = source.read(list(_STATED), use_threads=False)
        changed = pc.fill_null(pc.not_equal(stated["sha256"], stated["read_sha256"]), False).to_numpy(zero_copy_only=False)
        places = np.flatnonzero(np.ones(len(changed), bool) if by_pdq else changed)
        if not len(places):
            return {}
        raw = _bytes_of(source, places) if by_pdq or lists.has(("sha1", "md5")) else [None] * len(places)
    asked = _as_annotations(stated.take(pa.array(places)), raw)
    pdq = pdq_of(raw) if by_pdq else None
    kept = _kept(ledger)
    found: Hits = {}
    for match in lists.match(asked, None, 0, pdq):
        for at, detail, entry in zip(match.rows.tolist(), match.details, match.entries.tolist(), strict=True):
            if match.kind == "pdq" or (match.kind in HASHED and changed[places[at]]):
                row = int(kept[places[at]])
                found.setdefault(row, []).append(Cause(match.kind, match.reason, match.scope, f"as published, {detail}", entry))
    return found


def _has_pdq(annotation: str) -> bool:
    """Whether any row of a shard has a PDQ hash that was taken when it was read."""
    with open_parquet(annotation) as source:
        if not any(source.schema.column(place).path == _PDQ for place in range(len(source.schema))):
            return False
        column = source.read([_PDQ], use_threads=False).column(0).combine_chunks()
    return bool(pc.any(pc.is_valid(pc.struct_field(column, 0))).as_py())


@dataclasses.dataclass(frozen=True)
class Signing:
    """How signatures of published pictures are made, as they would have been when the release was.

    Attributes:
      mode: how pictures are decoded.
      reach: which views of them are kept.
    """

    mode: Literal["fast", "exact"]
    reach: Literal["views", "plain"]

    def columns(self, data: str, ledger: str, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Columns of `schemas.signatures.SIGNATURE` that pictures decide, one row for each of the shard; zeros where none is published.

        Args:
          data: path of the shard's data file.
          ledger: of its ledger.
          names: of the columns.
        """
        every = _signed(data, ledger, self.mode, self.reach)
        return {name: every[name] for name in names}


@functools.lru_cache(maxsize=2)  # a shard is asked for several times in a row, some columns at a time
def _signed(data: str, ledger: str, mode: Literal["fast", "exact"], reach: Literal["views", "plain"]) -> dict[str, np.ndarray]:
    kept = _kept(ledger)
    parts, start = [_columns([], [], reach)], 0
    with open_parquet(data) as source:
        if {"image", "read_sha256"} <= set(source.schema_arrow.names):
            for batch in source.iter_batches(_ROWS, columns=["image", "read_sha256"], use_threads=False):
                raw = pc.struct_field(batch.column("image"), "bytes").to_pylist()
                parts.append(_columns([opened(found, mode) for found in raw], batch.column("read_sha256").to_pylist(), reach))
                start += batch.num_rows
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    rows = read_footer(ledger).rows
    every = {name: np.zeros((rows, *values.shape[1:]), values.dtype) for name, values in columns.items() if name != DETAILS}
    for name, values in every.items():
        values[kept[:start]] = columns[name]
    return every | {DETAILS: columns[DETAILS]}


def _columns(pictures: Sequence[Picture | None], digests: Sequence[str | None], reach: Literal["views", "plain"]) -> dict[str, np.ndarray]:
    """What signatures say of pictures, as `transforms.match.signatures` has it."""
    hashes = hash_pictures(pictures, reach)
    usable = ~hashes.low_detail
    *columns, held, octets = Pictures.of_hashes(dataclasses.replace(hashes, details=hashes.details.where(usable))).arrays()
    told = {}
    for name, values in zip(PICTURE_COLUMNS, columns, strict=False):
        rows = values.astype(values.dtype.newbyteorder("<"))
        rows[~usable] = 0
        told[name] = rows if rows.ndim == 1 else rows.reshape(len(rows), math.prod(rows.shape[1:])).view(np.uint8)
    identities = [int.from_bytes(bytes.fromhex(digest or "")[:8], "little") for digest in digests]
    return told | {
        "has_picture": np.array([digest is not None for digest in digests], bool), "has_hashes": usable,
        "picture_id": np.array(identities, np.uint64), DETAILED: held, DETAILS: octets,
    }  # fmt: skip


def opened(raw: bytes | None, mode: Literal["fast", "exact"]) -> Picture | None:
    """A published picture; None where there is none that can be opened."""
    try:
        return None if raw is None else open_picture(raw, Decode(), mode)
    except PictureError:
        return None


def pdq_of(pictures: Sequence[bytes | None]) -> pa.Array:
    """The PDQ hashes of published pictures, 32 bytes each; null where there is none.

    Raises:
      MissingError: the extra `pdq` is not installed.
    """
    return pa.array([None if raw is None else pdq_hash(raw, Decode()) for raw in pictures], pa.binary(32))


def _kept(ledger: str) -> np.ndarray:
    """Rows that the places of a data file are of."""
    return np.flatnonzero(read_parquet(ledger, ["verdict"]).column("verdict").to_numpy() == KEPT)


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
