"""Replaces some rows of a table and leaves all others as they are."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa


def replaced(table: pa.Table, rows: Sequence[int], by: pa.Table) -> pa.Table:
    """A table in which some rows are others.

    Args:
      table: any.
      rows: their numbers, each once.
      by: what stands in their place, in the same order and with the same columns.

    >>> replaced(pa.table({"a": [1, 2, 3]}), [1], pa.table({"a": [9]})).column("a").to_pylist()
    [1, 9, 3]
    """
    at = np.arange(table.num_rows)
    at[np.array(rows, np.int64)] = table.num_rows + np.arange(len(rows))
    return pa.concat_tables([table, by.cast(table.schema)]).take(pa.array(at)).combine_chunks()
