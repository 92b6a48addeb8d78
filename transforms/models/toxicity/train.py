"""Trains the toxicity model: `python -m transforms.models.toxicity.train --data FOLDER --out model.bin`, the same bytes every time.

Runs in an environment of its own (fasttext-wheel 0.9.2, numpy 1.26), for about 20 CPU seconds. A fastText model with two labels says
sigmoid(mean of one number per word, word pair and piece of a word), whatever its dimension: the numbers are the rows of the input matrix
along the difference of the two output rows. So a trained model is folded to dimension 1, four times as many buckets fit in two megabytes,
models of the same lines in other orders average into one, and a calibration by slope and shift folds in too.
"""

import argparse
import hashlib
import pathlib
import struct
import tempfile
from collections.abc import Sequence
from typing import Any

import fasttext
import numpy as np

from transforms.models.toxicity import sources
from transforms.models.toxicity.sentences import Line, dice, made

SETTINGS: dict[str, float] = {
    "dim": 4,
    "epoch": 3,
    "lr": 0.2,
    "wordNgrams": 2,
    "minn": 4,
    "maxn": 6,
    "bucket": 380_000,
    "minCount": 5,
    "seed": 1,
    "thread": 1,
    "verbose": 0,
}
ORDERS = 5
TOXIC, CLEAN = "__label__toxic", "__label__clean"
# Posts that edos calls "not sexist" hold other abuse. A first model, trained without them, says which are clean and which toxic; what lies
# between is left out, and the cleanest serve as contexts.
CLEAN_BELOW, TOXIC_FROM, CONTEXT_BELOW = 0.5, 0.95, 0.2
FASTTEXT_ADDS = 1e-5  # to every probability
NEWTON_STEPS = 50


def scores(model: Any, texts: Sequence[str]) -> np.ndarray:
    """float64 [n], the probability of the toxic label of each text."""
    labels, probabilities = model.f.multilinePredict([text + "\n" for text in texts], 2, -1.0, "strict")
    return np.array([dict(zip(*pair, strict=True))[TOXIC] for pair in zip(labels, probabilities, strict=True)], dtype=np.float64)


def fit(lines: Sequence[Line], order: int = 0) -> Any:
    """A fastText model of these lines, read in an order that a hash decides."""
    written = sorted((dice(order, n, text), f"{TOXIC if is_toxic else CLEAN} {text}\n") for n, (text, is_toxic) in enumerate(lines))
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.writelines(line for _, line in written)
        file.flush()
        return fasttext.train_supervised(file.name, **SETTINGS)


def mixture(found: dict[str, sources.Source]) -> list[Line]:
    """All lines to train on: the sources, the posts screened, and sentences of our own."""
    others = [line for name in ("davidson", "hatemoji", "cc3m") for line in found[name].training]
    contexts = [text for name in ("davidson", "cc3m") for text, is_toxic in found[name].training if not is_toxic]
    first = fit([*others, *own(contexts)])
    posts: list[Line] = []
    rated = scores(first, [text for text, _ in found["edos"].training])
    for (text, is_toxic), score in zip(found["edos"].training, rated, strict=True):
        if is_toxic or score < CLEAN_BELOW or score >= TOXIC_FROM:
            posts.append((text, is_toxic or score >= TOXIC_FROM))
        if not is_toxic and score < CONTEXT_BELOW:
            contexts.append(text)
    davidson, hatemoji, cc3m = (found[name].training for name in ("davidson", "hatemoji", "cc3m"))
    return [*davidson, *posts, *hatemoji, *cc3m, *own(contexts)]


def own(contexts: Sequence[str]) -> list[Line]:
    """Sentences of our own as the model sees them."""
    return [(sources.shown(text), is_toxic) for text, is_toxic in made(contexts)]


def fold(model: Any) -> tuple[dict[str, float], np.ndarray]:
    """What each word, and each bucket, adds to log(toxic / clean)."""
    labels, wide = model.get_labels(), model.get_input_matrix().astype(np.float64)
    output = model.get_output_matrix().astype(np.float64)
    direction = output[labels.index(TOXIC)] - output[labels.index(CLEAN)]
    column = sum(wide[:, i] * direction[i] for i in range(len(direction)))  # not `@`: BLAS may sum in another order elsewhere
    words = model.get_words()
    return dict(zip(words, column, strict=False)), column[len(words) :]


def average(models: Sequence[Any]) -> np.ndarray:
    """One column for all models, in the row order of the first: words of equal count stand in another order in each."""
    folded = [fold(model) for model in models]
    words = [sum(numbers[word] for numbers, _ in folded) for word in models[0].get_words()]
    return np.concatenate([words, sum(buckets for _, buckets in folded)]) / len(models)


def calibrate(model: Any, found: dict[str, sources.Source]) -> tuple[float, float]:
    """Slope and shift of the logit that make scores probabilities on the development lines, toxic and clean weighing half each."""
    toxic = [text for name in ("davidson", "edos") for text, is_toxic in found[name].development if is_toxic]
    clean = [text for name in ("davidson", "cc3m") for text, is_toxic in found[name].development if not is_toxic]
    p = np.clip(scores(model, toxic + clean) - FASTTEXT_ADDS, FASTTEXT_ADDS, 1 - FASTTEXT_ADDS)
    x = np.log(p) - np.log1p(-p)
    y = np.repeat([1.0, 0.0], [len(toxic), len(clean)])
    weight = np.repeat([0.5 / len(toxic), 0.5 / len(clean)], [len(toxic), len(clean)])
    slope, shift = 0.0, 0.0
    for _ in range(NEWTON_STEPS):
        p = 1 / (1 + np.exp(-(slope * x + shift)))
        h = weight * p * (1 - p)
        g0, g1 = (weight * (p - y)).sum(), (weight * (p - y) * x).sum()
        h00, h01, h11 = h.sum(), (h * x).sum(), (h * x * x).sum()
        det = h00 * h11 - h01 * h01
        slope, shift = slope - (h00 * g1 - h01 * g0) / det, shift - (h11 * g0 - h01 * g1) / det
    return round(slope, 3), round(shift, 3)


def write(model: Any, column: np.ndarray, path: pathlib.Path) -> None:
    """Saves a model with one column in place of its input matrix.

    A `.bin` ends with two matrices, input and output: a flag, int64 rows and columns, float32 numbers row by row.
    """
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        model.save_model(file.name)
        raw = pathlib.Path(file.name).read_bytes()
    rows, dimension = model.get_input_matrix().shape
    labels = model.get_labels()
    head = bytearray(raw[: len(raw) - 2 * (1 + 16) - 4 * dimension * (rows + len(labels))])
    struct.pack_into("<i", head, 8, 1)  # the argument dim, after the magic number and the version
    output = np.array([label == TOXIC for label in labels], dtype="<f4")
    matrices = (b"\0" + struct.pack("<qq", len(matrix), 1) + matrix.astype("<f4").tobytes() for matrix in (column, output))
    path.write_bytes(bytes(head) + b"".join(matrices))


def main() -> None:
    """Reads the sources, trains, averages, calibrates, writes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with toxicity/ and captions/")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the .bin to write")
    args = parser.parse_args()
    found = sources.read(args.data)
    lines = mixture(found)
    models = [fit(lines, order) for order in range(ORDERS)]
    column = average(models)
    write(models[0], column, args.out)
    slope, shift = calibrate(fasttext.load_model(str(args.out)), found)
    write(models[0], slope * column + shift, args.out)  # a mean of numbers, each raised by shift, is raised by shift
    digest = hashlib.sha256(args.out.read_bytes()).hexdigest()
    print(f"{len(lines):,} lines, slope {slope}, shift {shift}, {args.out.stat().st_size:,} bytes, SHA-256 {digest}")


if __name__ == "__main__":
    main()
