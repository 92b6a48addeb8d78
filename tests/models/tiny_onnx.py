"""A working ONNX classifier of three hundred bytes, written field by field (onnx.proto, opset 13): the mean of each channel."""

import struct


def mean_of_channels(side=8, layout="nchw", softmax=False, minus=None):
    """Takes float32 [n, 3, side, side] (or NHWC) and gives [n, 3], less a constant or with a softmax over it where asked."""
    axes = [2, 3] if layout == "nchw" else [1, 2]
    shape = ["n", 3, side, side] if layout == "nchw" else ["n", side, side, 3]
    last = "means" if softmax or minus else "scores"
    mean = _node("ReduceMean", "picture", last, _attribute("axes", axes), _attribute("keepdims", 0))
    nodes = [mean, _node("Softmax", last, "scores", _attribute("axis", 1))] if softmax else [mean]
    if minus:
        nodes.append(_bytes(1, b"means") + _bytes(1, b"constant") + _bytes(2, b"scores") + _bytes(4, b"Sub"))
    constant = _number(1, 3) + _number(2, 1) + _bytes(8, b"constant") + _bytes(9, struct.pack("<3f", *minus)) if minus else b""
    ends = [_bytes(11, _value("picture", shape)), _bytes(12, _value("scores", ["n", 3]))]
    graph = b"".join([*(_bytes(1, node) for node in nodes), _bytes(2, b"tiny"), *([_bytes(5, constant)] if minus else []), *ends])
    return _number(1, 7) + _bytes(7, graph) + _bytes(8, _bytes(1, b"") + _number(2, 13))


def _node(kind, source, target, *attributes):
    fields = [_bytes(1, source.encode()), _bytes(2, target.encode()), _bytes(4, kind.encode())]
    return b"".join([*fields, *(_bytes(5, attribute) for attribute in attributes)])


def _attribute(name, value):
    if isinstance(value, list):
        return _bytes(1, name.encode()) + b"".join(_number(8, item) for item in value) + _number(20, 7)
    return _bytes(1, name.encode()) + _number(3, value) + _number(20, 2)


def _value(name, shape):
    sides = [_bytes(1, _bytes(2, side.encode()) if isinstance(side, str) else _number(1, side)) for side in shape]
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, _number(1, 1) + _bytes(2, b"".join(sides))))


def _number(field, value):
    return _varint(field << 3) + _varint(value)


def _bytes(field, value):
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value):
    written = b""
    while value > 127:
        written += struct.pack("B", value & 127 | 128)
        value >>= 7
    return written + struct.pack("B", value)
