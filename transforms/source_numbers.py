"""What the source's own columns hold as numbers, kept by annotate so that judge can prefer one copy to another without reading a source.

Numbers are rounded to 1e-4 (half even) as all scores are, true and false are 1 and 0, dates and times are seconds since 1970, and a text
counts where it is a decimal number. Null, NaN, infinities, other texts and nested values are nothing.
"""

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.annotations import NUMBERS

_DECIMAL = r"^\s*[+-]?(\d{1,300}\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*$"


def numbers_of(source: pa.RecordBatch) -> pa.ListArray:
    """Every number of each row, by column (schemas.annotations.NUMBERS).

    >>> rows = pa.RecordBatch.from_pydict({"score": [0.30001, None], "tags": [["a"], []], "clip": [" 0.5", "high"], "ok": [None, True]})
    >>> numbers_of(rows).to_pylist()
    [[{'column': 'score', 'value': 0.3}, {'column': 'clip', 'value': 0.5}], [{'column': 'ok', 'value': 1.0}]]
    """
    names, columns = [], []
    for field, column in zip(source.schema, source.columns, strict=True):
        found = _as_numbers(column)
        if found is not None and np.isfinite(found).any():
            names.append(field.name)
            columns.append(np.round(found, 4) + 0.0)
    if not columns:
        return pa.array([[]] * source.num_rows, NUMBERS)
    values = np.stack(columns, axis=1)
    there = np.isfinite(values)
    places = np.nonzero(there)[1]
    structs = pa.StructArray.from_arrays(
        [pa.array(names, pa.string()).take(pa.array(places)), pa.array(values[there])], fields=list(NUMBERS.value_type)
    )
    offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), structs)


def values_of(numbers: pa.ListArray, column: str) -> np.ndarray:
    """A column of `numbers_of`, float64[n]; NaN where a row has none."""
    found = np.full(len(numbers), math.nan)
    entries = numbers.flatten()
    mine = pc.equal(entries.field("column"), column).to_numpy(zero_copy_only=False).astype(bool)
    rows = numbers.value_parent_indices().to_numpy()
    found[rows[mine]] = entries.field("value").to_numpy()[mine]
    return found


def _as_numbers(column: pa.Array) -> np.ndarray | None:
    """A column as float64, NaN where it holds no number; None where its type can hold none."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_date(kind):
        column, kind = column.cast(pa.timestamp("s")), pa.timestamp("s")
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).cast(pa.float64(), safe=False).to_numpy(False) / 1e6
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = pc.if_else(pc.match_substring_regex(column, _DECIMAL), pc.utf8_trim_whitespace(column), pa.scalar(None, kind))
    elif pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return None
    return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
