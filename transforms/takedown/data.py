"""A data file without some of its rows: read and written group by group, the source is not needed."""

import base64
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import LawError
from transforms.emit import write_data
from transforms.storage import open_parquet
from transforms.summaries import CREDITED, Published
from transforms.takedown.tables import replaced


def rewrite_data(
    source: str, target: str, uids: Sequence[str], gone: Collection[int], carried: Mapping[int, Sequence[bool]]
) -> tuple[dict[str, Any], Published]:
    """Writes a data file again, without the rows that go and the captions that rows which stay have of them.

    Args:
      source: the data file as it was published.
      target: where the other one goes.
      uids: of its rows by the ledger, in order.
      gone: places of rows that go.
      carried: place of a row -> of the captions that it carries beside its own, which stay.

    Returns:
      What was written (rows, bytes, sha256), and what its summary must know of its columns.

    Raises:
      LawError: the file holds other rows than the ledger says.
    """
    with open_parquet(source) as data:
        schema = _schema_of(data)
        return write_data(target, schema, _staying(data, schema, source, uids, gone, carried))


def read_credits(path: str) -> dict[str, pa.ChunkedArray]:
    """The columns of a data file by which rows are counted, as far as it has them."""
    with open_parquet(path) as data:
        names = [name for name in CREDITED if name in data.schema_arrow.names and data.schema_arrow.field(name).type == pa.string()]
        table = data.read(names, use_threads=False)
    return {name: table.column(name) for name in names}


def _schema_of(data: pq.ParquetFile) -> pa.Schema:
    """The schema as it was written, names inside lists too, which Arrow takes from Parquet when it reads a file."""
    written = (data.metadata.metadata or {}).get(b"ARROW:schema")
    return (data.schema_arrow if written is None else pa.ipc.read_schema(pa.py_buffer(base64.b64decode(written)))).remove_metadata()


def _staying(
    data: pq.ParquetFile, schema: pa.Schema, path: str, uids: Sequence[str], gone: Collection[int], carried: Mapping[int, Sequence[bool]]
) -> Iterator[pa.RecordBatch]:
    start = 0
    for group in range(data.num_row_groups):
        table = data.read_row_group(group, use_threads=False).replace_schema_metadata(None).cast(schema)
        if table.column("uid").to_pylist() != list(uids[start : start + table.num_rows]):
            raise LawError(f"{path}: holds other rows than its ledger keeps; nothing is published")
        places = range(start, start + table.num_rows)
        stays = np.array([place not in gone for place in places], bool)
        rows = [place - start for place in sorted(carried) if place in places]
        if rows:
            altered = [_silenced(row, carried[start + at]) for at, row in zip(rows, table.take(pa.array(rows)).to_pylist(), strict=True)]
            table = replaced(table, rows, pa.Table.from_pylist(altered, schema))
        start += table.num_rows
        yield from table.filter(pa.array(stays)).combine_chunks().to_batches()
    if start != len(uids):
        raise LawError(f"{path}: holds {start} rows where its ledger keeps {len(uids)}; nothing is published")


def _silenced(row: dict[str, Any], stay: Sequence[bool]) -> dict[str, Any]:
    """A row without some of the captions that it carries; where it cannot be told which text is whose, without all of them."""
    own = [row["caption"]] if row["caption"] is not None else []
    others = (row["captions"] or [])[len(own) :]
    kept = [text for text, keep in zip(others, stay, strict=True) if keep] if len(others) == len(stay) else []
    return row | {"captions": [*own, *kept], "caption_count": row["caption_count"] - (len(stay) - sum(stay))}
