"""The JSON members of a tar as columns, and the sidecar's columns beside them.

JSON has no columns and no types: both are inferred over a shard, from all its values at once, so that neither batches nor order show.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from transforms.read.cleaning import valid_text
from transforms.read.columns import ROLES

MAX_COLUMNS: Final = 1000
_MAX_DEPTH = 8
_MAX_FIELDS = 64
_AS_TEXT = frozenset(ROLES["http_headers"] + ROLES["exif"])  # whatever names a server or a camera chose: no struct of thousands of fields
_TYPE_ERRORS = (pa.ArrowException, TypeError, ValueError, OverflowError)


def parse_object(text: str) -> dict[str, Any] | None:
    """The object that a JSON text holds, NaN and Infinity as null; None where it holds none.

    >>> parse_object('{"similarity": NaN, "a": 1}'), parse_object("[1]"), parse_object("{")
    ({'similarity': None, 'a': 1}, None, None)
    """
    try:
        found = json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    return _valid(found) if "\\u" in text or not text.isascii() else found


def columns_of(objects: Sequence[dict[str, Any] | None]) -> tuple[dict[str, pa.Array], int]:
    """A column for every field, in order of first appearance, and how many fields were beyond `MAX_COLUMNS` and are left out.

    >>> columns, _ = columns_of([{"a": 1}, None, {"a": "x", "b": []}, {"b": ["y"]}])
    >>> {name: (str(column.type), column.to_pylist()) for name, column in columns.items()}
    {'a': ('string', ['1', None, 'x', None]), 'b': ('list<item: string>', [None, None, [], ['y']])}
    """
    values: dict[str, list[Any]] = {}
    beyond: set[str] = set()
    for row, found in enumerate(objects):
        for name, value in (found or {}).items():
            column = values.get(name)
            if column is None:
                if len(values) == MAX_COLUMNS:
                    beyond.add(name)
                    continue
                column = values[name] = [None] * len(objects)
            column[row] = value
    return {name: _typed(name, column) for name, column in values.items()}, len(beyond)


def first_valid(first: pa.Array, second: pa.Array) -> pa.Array:
    """Values of the first column, and of the second where the first has none; a type that holds both without loss, else text.

    >>> first_valid(pa.array([1, None]), pa.array([0.5, 0.5])).to_pylist()
    [1.0, 0.5]
    >>> first_valid(pa.array([1, None]), pa.array(["a", "b"])).to_pylist()
    ['1', 'b']
    """
    if first.type != second.type:
        try:
            fields = [pa.schema([("x", column.type)]) for column in (first, second)]
            kind = pa.unify_schemas(fields, promote_options="permissive").field(0).type
            first, second = first.cast(kind), second.cast(kind)
        except pa.ArrowException:
            first, second = _texts(first.to_pylist()), _texts(second.to_pylist())
    return pc.if_else(first.is_valid(), first, second)


def _typed(name: str, values: list[Any]) -> pa.Array:
    if name in _AS_TEXT or any(_too_rich(value) for value in values):
        return _texts(values)
    try:
        column = pa.array(values)
        if _has_empty_struct(column.type):
            column = pa.array([_without_empty(value) for value in values])
    except _TYPE_ERRORS:
        return _texts(values)
    return column


def _texts(values: Sequence[Any]) -> pa.Array:
    """Texts as they are, everything else as JSON."""
    return pa.array([v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False, default=str) for v in values], pa.string())


def _too_rich(value: Any, depth: int = 0) -> bool:
    if isinstance(value, dict):
        return depth == _MAX_DEPTH or len(value) > _MAX_FIELDS or any(_too_rich(inner, depth + 1) for inner in value.values())
    if isinstance(value, list):
        return depth == _MAX_DEPTH or any(_too_rich(inner, depth + 1) for inner in value)
    return False


def _has_empty_struct(kind: pa.DataType) -> bool:
    """Parquet has no struct without fields."""
    if not pa.types.is_nested(kind):
        return False
    return kind.num_fields == 0 or any(_has_empty_struct(kind.field(place).type) for place in range(kind.num_fields))


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_empty(inner) for name, inner in value.items()} or None
    return [_without_empty(inner) for inner in value] if isinstance(value, list) else value


def _valid(value: Any) -> Any:
    if isinstance(value, str):
        return valid_text(value)
    if isinstance(value, dict):
        return {valid_text(name): _valid(inner) for name, inner in value.items()}
    return [_valid(inner) for inner in value] if isinstance(value, list) else value
