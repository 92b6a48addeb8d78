"""Opens a shard of any layout: batches of rows, and what was noticed on the way."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from schemas.errors import JobError, UnreadableShardError
from schemas.job import Source
from schemas.samples import Samples
from schemas.shards import Shard
from transforms.read.expand import local_tar
from transforms.read.parquet import ParquetReader
from transforms.read.urls import UrlsReader
from transforms.read.webdataset import WebdatasetReader

__all__ = ["ShardReader", "UnreadableShardError", "check_columns", "open_shard"]

TARS_LOOKED_AT = 8


class ShardReader(Protocol):
    """An open shard.

    Attributes:
      schema: the source's own columns, the image column left out.
      roles: role -> column of `schema`.
      notes: what was noticed about the shard as a whole, "what: details"; complete when `batches` has ended.
      missing: roles whose mapped column this shard does not have.
    """

    schema: pa.Schema
    roles: dict[str, str]
    notes: list[str]
    missing: tuple[str, ...]

    @property
    def has_bytes(self) -> bool:
        """Whether this layout carries picture bytes."""

    def batches(self, rows: np.ndarray | None = None) -> Iterator[Samples]:
        """Rows in order; `rows`: ascending numbers of those wanted."""

    def captions(self) -> pa.Array:
        """The raw caption of every row, as `batches` has it for readable rows; nothing else is read."""


@contextlib.contextmanager
def open_shard(shard: Shard, source: Source) -> Iterator[ShardReader]:
    """Opens a shard for reading.

    Raises:
      UnreadableShardError: it is not what its format says.
      JobError: the mapping of columns does not fit it; names file and key.
      InputError: it is not there.
    """
    if shard.format == "webdataset":
        with local_tar(shard.path) as (path, damage), open(path, "rb") as file:
            yield WebdatasetReader(file, damage, shard, source)
        return
    reader = ParquetReader(shard, source) if shard.format == "parquet" else UrlsReader(shard, source)
    with contextlib.closing(reader):
        yield reader


def check_columns(shards: Sequence[Shard], sources: Sequence[Source]) -> None:
    """Makes sure that every mapped column is in some file; a shard or two without it are only noted.

    Looks at shards until all are found: normally one of each source. Of tars, which must be indexed for it, at the first 8.

    Raises:
      JobError: a mapped column that no file has; names file and key.
    """
    for source in sources:
        wanted: Mapping[str, str] = source.columns
        looked: list[str] = []
        for shard in (shard for shard in shards if shard.source == source.name):
            if not wanted or (shard.format == "webdataset" and len(looked) == TARS_LOOKED_AT):
                break
            with contextlib.suppress(UnreadableShardError), open_shard(shard, source) as reader:
                looked.append(shard.path)
                wanted = {role: source.columns[role] for role in reader.missing if role in wanted}
        if wanted and looked:
            role, column = next(iter(wanted.items()))
            files = looked[0] if len(looked) == 1 else f"{looked[0]} and {len(looked) - 1} more"
            raise JobError(f"{files}: no column {column!r}, which `source.columns.{role}` of source {source.name!r} names")
