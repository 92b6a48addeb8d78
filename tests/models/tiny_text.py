"""A working text classifier in an ONNX file of a kilobyte, its tokenizer in the metadata: a text's score is that of its worst word."""

import json

import numpy as np

from tests.models.tiny_onnx import attribute, bytes_field, graph_file, initializer, node, value
from transforms.models.onnx_text_classifier import CLASS_NAMES, INT8, TOKENIZER

WORDS = {"kite": -4.0, "beach": -3.0, "idiot": 3.0, "rubbish": 1.0, "void": np.nan}  # and the logit of each
CLASSES = ("toxicity", "threat")


def text_classifier(**told):
    """The bytes of the file; `told` goes over its metadata."""
    vocabulary = ["[PAD]", "[UNK]", *WORDS]
    table = np.array([[-30.0] * len(CLASSES), [-5.0] * len(CLASSES), *([logit, logit - 1] for logit in WORDS.values())], np.float32)
    nodes = [
        node("Gather", ["table", "input_ids"], "words"),
        node("ReduceMax", ["words"], "logits", attribute("axes", [1]), attribute("keepdims", 0)),
    ]
    ends = [bytes_field(11, value("input_ids", ["n", "tokens"], 7)), bytes_field(12, value("logits", ["n", len(CLASSES)]))]
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": {word: number for number, word in enumerate(vocabulary)}, "unk_token": "[UNK]"},
    }  # fmt: skip
    known = {TOKENIZER: json.dumps(tokenizer), CLASS_NAMES: json.dumps(CLASSES), INT8: "0", **told}
    pairs = [bytes_field(1, name.encode()) + bytes_field(2, text.encode()) for name, text in known.items()]
    return graph_file(nodes, [initializer("table", table)], ends) + b"".join(bytes_field(14, pair) for pair in pairs)
