"""Arrow files of what was found about rows, so many dense rows to a file: written whole, read by ranges of rows."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from transforms import storage


def write_rows(path: str, columns: Sequence[pa.Array], schema: pa.Schema) -> None:
    """Writes the rows of a file, atomically.

    Args:
      path: where.
      columns: in the order of the schema.
      schema: their names and types.
    """
    with storage.atomic_write(path) as scratch, pa.OSFile(scratch, "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def read_rows(path_of: Callable[[int], str], schema: pa.Schema, start: int, stop: int, file_bits: int) -> dict[str, np.ndarray]:
    """The columns of dense rows [start, stop), by name; numbers that are null are NaN.

    Args:
      path_of: where a file lies, by its number.
      schema: of every file.
      start: the first row.
      stop: the row after the last.
      file_bits: a file has 2^file_bits rows.

    Raises:
      InputError: a file is missing.
    """
    parts = {name: [schema.empty_table()[name].to_numpy()] for name in schema.names}
    for number in range(start >> file_bits, -(-stop >> file_bits)):
        first = number << file_bits
        with storage.open_arrow(path_of(number)) as source:
            batch = pa.ipc.open_file(source).get_batch(0)
            rows = slice(max(start - first, 0), stop - first)
            for name, found in parts.items():
                found.append(batch.column(name).to_numpy(zero_copy_only=False)[rows])
    return {name: np.concatenate(found) for name, found in parts.items()}
