"""Embeddings per CPU second, through the filter and in a bare loop of onnxruntime over the same model, and whether batches change a vector.

    python tests/benchmarks/embeddings.py --image image.onnx --text text.onnx --tokenizer tokenizer.json --size 224 --pictures photos

The bare loop shows the graph prepared pictures, or tokens, in the same batches and does nothing else. Through the filter a picture is
opened, prepared, embedded, brought to length 1 and packed.
"""

import argparse
import hashlib
import pathlib
import time
from collections.abc import Callable

import numpy as np
import onnxruntime

from tests.filters.conformance import batch_of
from transforms.filters.embeddings import Embeddings
from transforms.vectors import unpack

TEXTS = ("a photo of {} dogs on a beach", "{} red kites over the sea", "an old street in a town with {} houses")


def rate(what: str, count: int, run: Callable[[], object]) -> float:
    """Prints and returns how many of something are done in a CPU second."""
    began = time.process_time()
    run()
    spent = time.process_time() - began
    print(f"{what}: {count / spent:,.1f} per CPU second ({count} in {spent:.1f})")
    return count / spent


def bare(path: str, given: np.ndarray, size: int) -> Callable[[], object]:
    """A loop over batches of what the graph takes."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda: [session.run(None, {name: given[start : start + size]}) for start in range(0, len(given), size)]


def digest(path: str) -> str:
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("image", "text", "tokenizer", "pictures"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--batch", type=int, default=16)
    given = parser.parse_args()
    pair = Embeddings.model_validate(
        {
            "image": {"path": given.image, "sha256": digest(given.image), "size": given.size, "resample": "bicubic", "batch": given.batch},
            "text": {
                "path": given.text, "sha256": digest(given.text), "tokenizer": given.tokenizer, "tokenizer_sha256": digest(given.tokenizer),
                "batch": given.batch,
            },
        }
    )  # fmt: skip
    pair.models()
    files = [path for path in sorted(pathlib.Path(given.pictures).rglob("*")) if path.suffix.lower() in {".jpg", ".jpeg", ".png"}]
    pictures = [{"image": path.read_bytes()} for path in files[: given.rows]]
    texts = [{"caption": TEXTS[number % 3].format(number)} for number in range(given.rows)]
    for side, rows, path, shape, kind in (
        ("image", pictures, given.image, (given.rows, 3, given.size, given.size), np.float32),
        ("text", texts, given.text, (given.rows, pair.text.context_length), np.int64),
    ):
        only = pair.model_copy(update={other: None for other in ("image", "text") if other != side})
        batch = batch_of(rows)
        filtered = rate(f"{side}, through the filter", len(rows), lambda only=only, batch=batch: only.measure(batch))
        plain = rate(f"{side}, bare loop", len(rows), bare(path, np.ones(shape, kind), given.batch))
        print(f"{side}: {filtered / plain:.2f} of the bare loop")
        whole, _ = unpack(only.measure(batch).field(side))
        alone = np.vstack([unpack(only.measure(batch.slice(row, 1)).field(side))[0] for row in range(8)])
        print(f"{side}: alone and in a batch, greatest difference {np.abs(whole[:8].astype(float) - alone.astype(float)).max():.2g}")


if __name__ == "__main__":
    main()
