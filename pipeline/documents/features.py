"""The columns of a release as the feature list of a Hugging Face dataset card."""

from typing import Any

import pyarrow as pa

from schemas.release import IMAGE

_NAMES = {"halffloat": "float16", "float": "float32", "double": "float64", "decimal128": "decimal128"}


def features(schema: pa.Schema) -> list[dict[str, Any]]:
    """One entry per column, as `datasets.Features` writes itself to a card; the picture is an image.

    >>> features(pa.schema([("image", IMAGE), ("tags", pa.list_(pa.string())), ("at", pa.timestamp("ms"))]))
    [{'name': 'image', 'dtype': 'image'}, {'name': 'tags', 'list': 'string'}, {'name': 'at', 'dtype': 'timestamp[ms]'}]
    >>> features(pa.schema([("size", pa.struct([("w", pa.int32())]))]))
    [{'name': 'size', 'struct': [{'name': 'w', 'dtype': 'int32'}]}]
    """
    return [{"name": field.name, **_feature(field.type, picture=field.name == "image" and field.type == IMAGE)} for field in schema]


def _feature(kind: pa.DataType, *, picture: bool = False) -> dict[str, Any]:
    if picture:
        return {"dtype": "image"}
    if pa.types.is_struct(kind):
        return {"struct": [{"name": field.name, **_feature(field.type)} for field in kind]}
    if pa.types.is_list(kind):
        inner = _feature(kind.value_type)
        return {"list": inner.get("dtype") or inner.get("struct") or inner}
    return {"dtype": _value(kind)}


def _value(kind: pa.DataType) -> str:
    """The name that `datasets.Value` gives a type."""
    told = str(kind)
    if pa.types.is_time32(kind) or pa.types.is_time64(kind):
        return f"{'time32' if pa.types.is_time32(kind) else 'time64'}[{kind.unit}]"
    if pa.types.is_date32(kind):
        return "date32"
    if pa.types.is_date64(kind):
        return "date64"
    return _NAMES.get(told, told)
