"""The `.parquet` beside a tar: what the downloader recorded of every row, those that it failed to load too."""

import dataclasses

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.job import Source
from transforms.local_copy import local_copy
from transforms.read.cleaning import DAMAGE, REPLACED, as_text, clean
from transforms.read.columns import resolve

_UNREADABLE = "sidecar cannot be read: which downloads failed is unknown"


@dataclasses.dataclass(frozen=True)
class Sidecar:
    """A sidecar that could be read.

    Attributes:
      columns: name -> values, one per row.
      keys: of each row; None where it has none.
    """

    columns: dict[str, pa.Array]
    keys: list[str | None]


def read_sidecar(path: str, source: Source) -> tuple[Sidecar | None, list[str]]:
    """The sidecar, None where it cannot be read, and what must be said of it.

    Raises:
      JobError: the column of a role stands twice in it.
    """
    with local_copy(path) as local:
        try:
            file = pq.ParquetFile(local)
            names = file.schema_arrow.names
        except DAMAGE:
            return None, [_UNREADABLE]
        found = resolve(names, source, path)
        if "key" not in found.roles:
            return None, ["sidecar without a key column: it cannot be joined, and was not read"]
        whole = _columns(file)
    key = whole[found.names.index(found.roles["key"])]
    if key is None:
        return None, [_UNREADABLE]
    damaged = [name for name, column in zip(found.names, whole, strict=True) if column is None]
    notes = [f"sidecar has damaged columns: {len(damaged)} are not read"] if damaged else []
    replaced = 0
    columns = {}
    for name, column in zip(found.names, whole, strict=True):
        if column is not None:
            columns[name], count = clean(column)
            replaced += count
    keys, _ = as_text(key)
    texts = [None] * len(key) if keys is None else keys.to_pylist()
    return Sidecar(columns, texts), notes + ([f"{REPLACED} in {replaced} values of the sidecar"] if replaced else [])


def _columns(file: pq.ParquetFile) -> list[pa.Array | None]:
    """Every column; None for one that is damaged. One that stands twice is damaged as a whole where either is."""
    try:
        return [_one(column) for column in file.read(use_threads=False).columns]
    except DAMAGE:
        names = file.schema_arrow.names
        return [_column(file, name, names[:place].count(name)) for place, name in enumerate(names)]


def _column(file: pq.ParquetFile, name: str, which: int) -> pa.Array | None:
    try:
        return _one(file.read(columns=[name], use_threads=False).column(which))
    except DAMAGE:
        return None


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
