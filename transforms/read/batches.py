"""How a reader's rows become `Samples`: the core columns put together, pictures over the budget left out."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.job import Decode
from schemas.samples import EXTRA, SAMPLE, Samples

NO_BYTES: Final = "no bytes"
TOO_LARGE: Final = "larger than max_bytes"


def make_samples(
    source: pa.RecordBatch,
    roles: Mapping[str, str],
    *,
    rows: np.ndarray,
    key: pa.Array,
    image: pa.Array,
    caption: pa.Array,
    url: pa.Array,
    problem: Sequence[str | None],
    disallowed: Sequence[bool],
    extra: Sequence[Sequence[tuple[str, bytes | None]]] | None = None,
    flags: Sequence[Sequence[str]] | None = None,
    has_bytes: bool = True,
) -> Samples:
    """Samples of these columns, all of one length; `rows` is int64, `image` large_binary. `extra` and `flags` None: none in any row."""
    empty: list[list[str]] = [[]] * len(rows)
    further = [[{"name": name, "image": raw} for name, raw in found] for found in extra] if extra is not None else empty
    columns = [
        pa.array(rows, pa.int64()), key, image, caption, url, pa.array(problem, pa.string()), pa.array(disallowed, pa.bool_()),
        pa.array(further, pa.list_(EXTRA)), pa.array(flags if flags is not None else empty, pa.list_(pa.string())),
    ]  # fmt: skip
    return Samples(pa.RecordBatch.from_arrays(columns, schema=SAMPLE), source, dict(roles), has_bytes)


def make_batch(columns: Sequence[pa.Array], schema: pa.Schema, rows: int) -> pa.RecordBatch:
    """A record batch that knows its number of rows even where it has no column.

    >>> make_batch([], pa.schema([]), 3).num_rows
    3
    """
    if columns:
        return pa.RecordBatch.from_arrays(list(columns), schema=schema)
    return pa.RecordBatch.from_arrays([pa.nulls(rows)], ["rows"]).select([])


def within_budget(image: pa.Array, budget: Decode) -> tuple[pa.Array, list[str | None]]:
    """The pictures that may be opened (large_binary; others null), and why the others may not.

    >>> image, problems = within_budget(pa.array([b"abc", b"", None, b"abcdef"], pa.large_binary()), Decode(max_bytes=4))
    >>> image.to_pylist(), problems
    ([b'abc', None, None, None], [None, 'no bytes', 'no bytes', 'larger than max_bytes'])
    """
    lengths = pc.fill_null(pc.binary_length(image), 0).to_numpy(zero_copy_only=False)
    problems = [NO_BYTES if n == 0 else TOO_LARGE if n > budget.max_bytes else None for n in lengths.tolist()]
    unfit = np.array([problem is not None for problem in problems], dtype=bool)
    return (pc.if_else(pa.array(unfit), pa.scalar(None, pa.large_binary()), image) if unfit.any() else image), problems
