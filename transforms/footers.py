"""Reads the footers of many Parquet files: what the driver knows of a run without reading a row."""

import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from transforms.storage import AT_ONCE, open_parquet


@dataclasses.dataclass(frozen=True)
class Footer:
    """The footer of one file: its number of rows, and its metadata but for pyarrow's own copy of the schema."""

    rows: int
    metadata: Mapping[bytes, bytes]


def read_footer(path: str) -> Footer:
    """The footer of a Parquet file.

    Raises:
      InputError: the file is not there, or is damaged.
    """
    with open_parquet(path) as file:
        found = file.metadata
    return Footer(found.num_rows, {name: value for name, value in (found.metadata or {}).items() if name != b"ARROW:schema"})


def columns_but(path: str, left: str) -> list[str]:
    """The columns of a Parquet file but for one.

    Raises:
      InputError: the file is not there, or is damaged.
    """
    with open_parquet(path) as file:
        return [name for name in file.schema_arrow.names if name != left]


def read_footers(paths: Sequence[str]) -> list[Footer]:
    """Footers in the order of the paths, a few read at a time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(read_footer, paths))
