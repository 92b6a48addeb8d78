"""What a source's own columns hold as numbers."""

import datetime as dt
import decimal
import math

import pyarrow as pa
import pytest

from schemas.annotations import NUMBERS
from transforms.source_numbers import numbers_of, values_of


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (pa.array([0.123449, math.nan, -0.0]), [0.1234, None, 0.0]),
        (pa.array([0.3, None, math.inf], pa.float32()), [0.3, None, None]),
        (pa.array([1.5, None, -2.0], pa.float16()), [1.5, None, -2.0]),
        (pa.array([1, None, 2**64 - 1], pa.uint64()), [1.0, None, 2.0**64]),
        (pa.array([True, False, None]), [1.0, 0.0, None]),
        (pa.array([decimal.Decimal("1.23456"), None, None]), [1.2346, None, None]),
        (pa.array([dt.date(1970, 1, 2), None, None]), [86_400.0, None, None]),
        (pa.array([dt.datetime(1970, 1, 1, 0, 0, 1, 500_000), None, None], pa.timestamp("ns")), [1.5, None, None]),
        (pa.array([dt.datetime(1970, 1, 1, 0, 0, 1), None, None], pa.timestamp("s", "Europe/Paris")), [1.0, None, None]),
        (pa.array([" 0.31", "2e3", "2024-01-01"]), [0.31, 2000.0, None]),
        (pa.array(["nan", "", "1 2"], pa.large_string()), None),
        (pa.array(["7", None, "x"]).dictionary_encode(), [7.0, None, None]),
        (pa.array([[1], [2], None]), None),
        (pa.array([b"1", b"2", None]), None),
        (pa.nulls(3), None),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_every_type_that_can_hold_numbers_gives_them_and_nothing_else_does(column, values):
    found = numbers_of(pa.RecordBatch.from_arrays([column], ["score"]))
    assert found.type == NUMBERS
    held = [None if math.isnan(value) else value for value in values_of(found, "score").tolist()]
    assert held == (values or [None] * 3)
    assert sum(map(len, found.to_pylist())) == sum(value is not None for value in values or [])


def test_a_column_that_a_shard_lacks_has_no_value_in_any_row():
    rows = pa.RecordBatch.from_pydict({"a": [1.0, None], "b": [None, 2.0]})
    assert all(math.isnan(value) for value in values_of(numbers_of(rows), "c"))
    assert values_of(numbers_of(rows).slice(1), "b").tolist() == [2.0]
