"""Takes rows out of files that somebody made from a release and that kept `uid`: Parquet, JSON lines, CSV, TSV, webdataset tars."""

import dataclasses
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.storage import atomic_write, open_parquet
from transforms.takedown.derived_tar import remove_samples
from transforms.takedown.derived_text import remove_lines

FORMS: Final = {
    ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl", ".jsonl.gz": "jsonl", ".ndjson.gz": "jsonl",
    ".csv": "csv", ".csv.gz": "csv", ".tsv": "tsv", ".tsv.gz": "tsv",
    ".tar": "tar", ".tar.gz": "tar", ".tgz": "tar", ".tar.bz2": "tar", ".tar.xz": "tar",
}  # fmt: skip
_SCHEMA = b"ARROW:schema"


@dataclasses.dataclass(frozen=True)
class Gone:
    """Uids of what goes, in lower case: as Arrow looks them up, and as Python does."""

    array: pa.Array
    names: frozenset[str]

    @classmethod
    def of(cls, uids: set[str]) -> "Gone":
        """From their texts."""
        return cls(pa.array(sorted(uids), pa.string()), frozenset(uids))


def remove_from(path: str, gone: Gone) -> int | None:
    """Writes a file again without what has one of these uids, in its place and at once; one without such a row is not touched.

    Args:
      path: a file whose name ends in one of `FORMS`.
      gone: what goes.

    Returns:
      How many rows went; None where nothing in it has a uid.

    Raises:
      JobError: it cannot be read. Nothing of it is changed then.
    """
    form = next(form for ending, form in FORMS.items() if path.endswith(ending))
    if form == "parquet":
        return remove_rows(path, gone.array)
    return remove_samples(path, gone.names) if form == "tar" else remove_lines(path, gone.names, form)


def remove_rows(path: str, uids: pa.Array) -> int | None:
    """Writes a file again without the rows that have one of these uids, in its place and at once; one without such a row is not touched.

    Row groups, compression and metadata stay as they are.

    Args:
      path: the file.
      uids: what goes, as text.

    Returns:
      How many rows went; None where the file has no column `uid`.
    """
    with open_parquet(path) as data:
        if "uid" not in data.schema_arrow.names:
            return None
        groups = range(data.num_row_groups)
        gone = {group: n for group in groups if (n := _count(data, group, uids))}
        if not gone:
            return 0
        with atomic_write(path) as scratch, pq.ParquetWriter(scratch, data.schema_arrow, compression=_compression(data)) as writer:
            known = data.schema_arrow.metadata or {}
            writer.add_key_value_metadata({name: value for name, value in data.metadata.metadata.items() if name not in (*known, _SCHEMA)})
            for group in groups:
                table = data.read_row_group(group, use_threads=False)
                if group in gone:
                    table = table.filter(pc.invert(_covered(table.column("uid"), uids)))
                if table.num_rows:
                    writer.write_table(table, row_group_size=table.num_rows)
        return sum(gone.values())


def _count(data: pq.ParquetFile, group: int, uids: pa.Array) -> int:
    return int(pc.sum(_covered(data.read_row_group(group, columns=["uid"], use_threads=False).column("uid"), uids)).as_py() or 0)


def _covered(column: pa.ChunkedArray, uids: pa.Array) -> pa.ChunkedArray:
    """Which values are among the uids, however text is stored; uids are compared in lower case."""
    return pc.fill_null(pc.is_in(pc.utf8_lower(column.cast(pa.string())), uids), False)


def _compression(data: pq.ParquetFile) -> str:
    if not data.num_row_groups or not data.metadata.num_columns:
        return "zstd"
    found = str(data.metadata.row_group(0).column(0).compression).lower()
    return "none" if found == "uncompressed" else found
