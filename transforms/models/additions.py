"""ONNX graphs in which constants are added and not subtracted, so that onnxruntime can fold them into the convolution before them.

Batch normalisation is often exported as `Sub`, `Mul`, `Add` after a `Conv`. onnxruntime (1.32) folds the last two and does not know the
first, which keeps all three, and the activation after them, as passes of their own over every pixel: in Open-NSFW three tenths of the time.
x - c and x + (-c) are the same number (IEEE 754), and `Sub` and `Add` have as many letters: the file is changed in place.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

# Numbers of fields in onnx.proto.
_GRAPH: Final = 7
_NODE, _INITIALIZER, _INPUT, _OUTPUT = 1, 5, 11, 12
_NODE_INPUT, _OP_TYPE, _ATTRIBUTE, _DOMAIN = 1, 4, 5, 7
_SUBGRAPH: Final = (6, 11)  # of an attribute: one graph, several
_DATA_TYPE, _NAME, _RAW_DATA = 2, 8, 9
_VALUE_NAME: Final = 1
_FLOAT: Final = 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types of protocol buffers


class _Field(NamedTuple):
    """A field: its number, where its content lies, and its value where that is a number."""

    number: int
    start: int
    end: int
    value: int


def with_additions(model: bytes) -> bytes | None:
    """A model in which float32 constants that one `Sub` takes off are added instead, with the other sign.

    Args:
      model: the bytes of an .onnx file.

    Returns:
      The changed file, of the same length; None where there is nothing to change, or the bytes are no model.
    """
    try:
        return _changed(model)
    except (IndexError, UnicodeDecodeError, ValueError):  # no protocol buffer, or none of this kind: whoever loads it says so
        return None


def _changed(model: bytes) -> bytes | None:
    view = memoryview(model)
    graphs = [field for field in _fields(view, 0, len(view)) if field.number == _GRAPH]
    if len(graphs) != 1:
        return None
    parts = list(_fields(view, graphs[0].start, graphs[0].end))
    nodes = [list(_fields(view, part.start, part.end)) for part in parts if part.number == _NODE]
    if any(_holds_graph(view, field) for node in nodes for field in node if field.number == _ATTRIBUTE):
        return None  # a graph within may read a constant without naming it as an input
    uses = Counter(_text(view, field) for node in nodes for field in node if field.number == _NODE_INPUT)
    uses.update(_value_name(view, part) for part in parts if part.number in (_INPUT, _OUTPUT))
    constants = dict(found for part in parts if part.number == _INITIALIZER if (found := _constant(view, part)))
    changed = bytearray(model)
    for node in nodes:
        inputs = [_text(view, field) for field in node if field.number == _NODE_INPUT]
        operation = next((field for field in node if field.number == _OP_TYPE), None)
        foreign = any(field.number == _DOMAIN and field.start < field.end for field in node)
        if operation is None or foreign or _text(view, operation) != "Sub" or len(inputs) != 2 or uses[inputs[1]] != 1:
            continue
        if inputs[1] not in constants:
            continue
        changed[operation.start : operation.end] = b"Add"
        start, end = constants[inputs[1]]
        changed[start:end] = (-np.frombuffer(view[start:end], "<f4")).tobytes()
    return bytes(changed) if changed != model else None


def _fields(view: memoryview, start: int, end: int) -> Iterator[_Field]:
    at = start
    while at < end:
        key, at = _varint(view, at)
        wire = key & 7
        value = 0
        if wire == _VARINT:
            value, after = _varint(view, at)
        elif wire == _BYTES:
            length, at = _varint(view, at)
            after = at + length
        elif wire in (_FIXED64, _FIXED32):
            after = at + (8 if wire == _FIXED64 else 4)
        else:
            raise ValueError(f"wire type {wire}")
        if after > end:
            raise ValueError("a field ends outside")
        yield _Field(key >> 3, at, after, value)
        at = after


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = view[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def _text(view: memoryview, field: _Field) -> str:
    return str(view[field.start : field.end], "utf-8")


def _value_name(view: memoryview, part: _Field) -> str:
    return next((_text(view, field) for field in _fields(view, part.start, part.end) if field.number == _VALUE_NAME), "")


def _holds_graph(view: memoryview, attribute: _Field) -> bool:
    return any(field.number in _SUBGRAPH for field in _fields(view, attribute.start, attribute.end))


def _constant(view: memoryview, part: _Field) -> tuple[str, tuple[int, int]] | None:
    """Name of a float32 constant, and where its numbers lie in the file; None where it is no such, or its numbers lie elsewhere."""
    name, kind, place = "", 0, None
    for field in _fields(view, part.start, part.end):
        if field.number == _NAME:
            name = _text(view, field)
        elif field.number == _DATA_TYPE:
            kind = field.value
        elif field.number == _RAW_DATA:
            place = (field.start, field.end)
    return (name, place) if kind == _FLOAT and place is not None and name else None
