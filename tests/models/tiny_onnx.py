"""Working ONNX graphs of a few hundred bytes, written field by field (onnx.proto, opset 13): the mean of each channel, parts of others."""

import struct

import numpy as np


def mean_of_channels(side=8, layout="nchw", softmax=False, minus=None):
    """Takes float32 [n, 3, side, side] (or NHWC) and gives [n, 3], less a constant or with a softmax over it where asked."""
    axes = [2, 3] if layout == "nchw" else [1, 2]
    shape = ["n", 3, side, side] if layout == "nchw" else ["n", side, side, 3]
    last = "means" if softmax or minus else "scores"
    nodes = [node("ReduceMean", ["picture"], last, attribute("axes", axes), attribute("keepdims", 0))]
    if softmax:
        nodes.append(node("Softmax", ["means"], "scores", attribute("axis", 1)))
    if minus:
        nodes.append(node("Sub", ["means", "constant"], "scores"))
    weights = [initializer("constant", minus)] if minus else []
    return graph_file(nodes, weights, [bytes_field(11, value("picture", shape)), bytes_field(12, value("scores", ["n", 3]))])


def convolution(side=8):
    """Takes float32 [n, 3, side, side] and gives [n, 2]: the mean of what two filters over three by three pixels answer."""
    weights = np.random.default_rng(2).normal(0, 0.5, (2, 3, 3, 3))
    nodes = [
        node("Conv", ["picture", "filters"], "answers"),
        node("ReduceMean", ["answers"], "scores", attribute("axes", [2, 3]), attribute("keepdims", 0)),
    ]
    ends = [bytes_field(11, value("picture", ["n", 3, side, side])), bytes_field(12, value("scores", ["n", 2]))]
    return graph_file(nodes, [initializer("filters", weights)], ends)


def one_box(side, box, scores):
    """A detector: takes float32 [n, 3, side, side] and gives [n, 4 + classes, 1], the same box and scores whatever it is shown."""
    nodes = [
        node("ReduceMean", ["picture"], "mean", attribute("axes", [1, 2, 3]), attribute("keepdims", 0)),
        node("Mul", ["mean", "nothing"], "none"),
        node("Add", ["none", "box"], "boxes"),
    ]
    numbers = np.array([*box, *scores], np.float32).reshape(1, -1, 1)
    weights = [initializer("nothing", np.zeros((1, 1, 1))), initializer("box", numbers)]
    return graph_file(
        nodes, weights, [bytes_field(11, value("picture", [1, 3, side, side])), bytes_field(12, value("boxes", list(numbers.shape)))]
    )


def graph_file(nodes, weights, ends):
    """A whole file: nodes, initializers, and the fields of the graph's inputs (11) and outputs (12)."""
    graph = b"".join(
        [*(bytes_field(1, node) for node in nodes), bytes_field(2, b"tiny"), *(bytes_field(5, weight) for weight in weights), *ends]
    )
    return _number(1, 7) + bytes_field(7, graph) + bytes_field(8, bytes_field(1, b"") + _number(2, 13))


def node(kind, sources, target, *attributes):
    fields = [*(bytes_field(1, source.encode()) for source in sources), bytes_field(2, target.encode()), bytes_field(4, kind.encode())]
    return b"".join([*fields, *(bytes_field(5, attribute) for attribute in attributes)])


def attribute(name, value):
    if isinstance(value, list):
        return bytes_field(1, name.encode()) + b"".join(_number(8, item) for item in value) + _number(20, 7)
    return bytes_field(1, name.encode()) + _number(3, value) + _number(20, 2)


def initializer(name, values):
    """A matrix of float32 that the graph carries."""
    values = np.ascontiguousarray(values, "<f4")
    return (
        b"".join(_number(1, side) for side in values.shape)
        + _number(2, 1)
        + bytes_field(8, name.encode())
        + bytes_field(9, values.tobytes())
    )


def value(name, shape, kind=1):
    """A tensor by name: 1 float32, 7 int64."""
    sides = [bytes_field(1, bytes_field(2, side.encode()) if isinstance(side, str) else _number(1, side)) for side in shape]
    return bytes_field(1, name.encode()) + bytes_field(2, bytes_field(1, _number(1, kind) + bytes_field(2, b"".join(sides))))


def bytes_field(field, value):
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _number(field, value):
    return _varint(field << 3) + _varint(value)


def _varint(value):
    written = b""
    while value > 127:
        written += struct.pack("B", value & 127 | 128)
        value >>= 7
    return written + struct.pack("B", value)
