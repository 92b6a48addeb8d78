"""A working pair of ONNX encoders of a few hundred bytes, and their tokenizer: both see colours, as vectors of red, green and blue.

`write_pair` gives what the job says of them. The picture's half gives the mean of each channel, the text's half the mean over the vectors
of its words; with `dense` both go through a matrix with many columns, as real encoders do.
"""

import hashlib
import json
import pathlib

import numpy as np

from tests.models.tiny_onnx import attribute, bytes_field, graph_file, initializer, node, value

COLOURS = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "grey": (1, 1, 1), "yellow": (1, 1, 0)}
SIDE = 8
CONTEXT = 6
WIDTH = 32
NO_DIRECTION = "black"  # a word whose vector is zero


def write_pair(folder: pathlib.Path, *, dense: bool = False) -> dict:
    """Writes both graphs and the tokenizer; returns `filters.embeddings`."""
    folder.mkdir(parents=True, exist_ok=True)
    mixing = np.random.default_rng(1).normal(size=(3, WIDTH)).astype(np.float32)
    flat = np.repeat(np.eye(3, dtype=np.float32), SIDE * SIDE, axis=0) / (SIDE * SIDE) @ mixing
    flat += np.random.default_rng(2).normal(size=flat.shape).astype(np.float32) * 1e-3
    image = folder / "image.onnx"
    if dense:
        nodes = [node("Flatten", ["picture"], "flat"), node("MatMul", ["flat", "weights"], "vector")]
        image.write_bytes(_image(nodes, [initializer("weights", flat)], WIDTH))
    else:
        nodes = [node("ReduceMean", ["picture"], "vector", attribute("axes", [2, 3]), attribute("keepdims", 0))]
        image.write_bytes(_image(nodes, [], 3))
    vectors = np.array([(0, 0, 0), (0, 0, 0), (0, 0, 0), *COLOURS.values()], np.float32)
    vectors[1] = 1e-3  # a word that is not known says little, and of all colours
    text = folder / "text.onnx"
    table = initializer("table", vectors @ mixing if dense else vectors)
    nodes = [
        node("Gather", ["table", "input_ids"], "words"),
        node("ReduceMean", ["words"], "vector", attribute("axes", [1]), attribute("keepdims", 0)),
    ]
    ends = [bytes_field(11, value("input_ids", ["n", CONTEXT], 7)), bytes_field(12, value("vector", ["n", WIDTH if dense else 3]))]
    text.write_bytes(graph_file(nodes, [table], ends))
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_text(json.dumps(_tokenizer()))
    return {
        "model": "tiny 1.0",
        "image": {"path": str(image), "sha256": sha256(image), "size": SIDE, "std": [255.0] * 3},
        "text": {
            "path": str(text), "sha256": sha256(text), "tokenizer": str(tokenizer), "tokenizer_sha256": sha256(tokenizer),
            "context_length": CONTEXT,
        },
    }  # fmt: skip


def sha256(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _image(nodes, weights, width):
    ends = [bytes_field(11, value("picture", ["n", 3, SIDE, SIDE])), bytes_field(12, value("vector", ["n", width]))]
    return graph_file(nodes, weights, ends)


def _tokenizer():
    words = ["[PAD]", "[UNK]", NO_DIRECTION, *COLOURS]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": {word: number for number, word in enumerate(words)}, "unk_token": "[UNK]"},
    }  # fmt: skip
