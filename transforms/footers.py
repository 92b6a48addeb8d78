"""Reads the footers of many Parquet files: what the driver knows of a run without reading a row."""

import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow.parquet as pq

from transforms.storage import AT_ONCE, open_read


@dataclasses.dataclass(frozen=True)
class Footer:
    """The footer of one file: its number of rows, and its metadata but for pyarrow's own copy of the schema."""

    rows: int
    metadata: Mapping[bytes, bytes]


def read_footer(path: str) -> Footer:
    """The footer of a Parquet file.

    Raises:
      InputError: the file is not there.
    """
    with open_read(path) as file:
        found = pq.read_metadata(file)
    return Footer(found.num_rows, {name: value for name, value in (found.metadata or {}).items() if name != b"ARROW:schema"})


def columns_but(path: str, left: str) -> list[str]:
    """The columns of a Parquet file but for one.

    Raises:
      InputError: the file is not there.
    """
    with open_read(path) as file:
        return [name for name in pq.read_schema(file).names if name != left]


def read_footers(paths: Sequence[str]) -> list[Footer]:
    """Footers in the order of the paths, a few read at a time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(read_footer, paths))
