"""The `.parquet` beside a tar: what the downloader recorded of every row, those that it failed to load too."""

import dataclasses

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.job import Source
from transforms.read.cleaning import REPLACED, as_text, clean
from transforms.read.columns import resolve
from transforms.storage import local_copy


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
            table = pq.ParquetFile(local).read(use_threads=False)
        except (pa.ArrowException, OSError):
            return None, ["sidecar cannot be read: which downloads failed is unknown"]
    found = resolve(table.column_names, source, path)
    if "key" not in found.roles:
        return None, ["sidecar without a key column: it cannot be joined, and was not read"]
    replaced = 0
    columns = {}
    for name, chunks in zip(found.names, table.columns, strict=True):
        columns[name], count = clean(chunks.combine_chunks() if chunks.num_chunks != 1 else chunks.chunk(0))
        replaced += count
    keys, _ = as_text(columns[found.roles["key"]])
    texts = [None] * table.num_rows if keys is None else keys.to_pylist()
    return Sidecar(columns, texts), [f"{REPLACED} in {replaced} values of the sidecar"] if replaced else []
