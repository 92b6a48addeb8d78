"""Reads ledgers shard by shard, on any filesystem, with no more than one of them in memory."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from schemas.errors import DifferenceError
from schemas.layout import Layout
from transforms.storage import list_folder, read_parquet


def ledgers(layout: Layout, columns: Sequence[str] | None = None) -> Iterator[tuple[str, pa.Table]]:
    """Path and rows of every ledger file, by shard.

    Args:
      layout: of the run, or of a trial of it.
      columns: what to read; None for all.

    Raises:
      DifferenceError: there is no ledger.
    """
    files = list_folder(layout.ledger, ".parquet")
    if not files:
        raise DifferenceError(f"{layout.ledger}: no ledger; did the run end? `winnow run` goes on from where it stopped")
    for file in files:
        yield file.path, read_parquet(file.path, columns)
