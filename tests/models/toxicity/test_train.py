import hashlib
import importlib.resources
import types

import fasttext
import numpy as np
import pytest

from tests.shared_data import shared
from transforms.models.toxicity import train
from transforms.models.toxicity.sources import Source


class Trained:
    """What training uses of a fastText model with three words, two buckets, and four dimensions."""

    def __init__(self, words, labels, seed):
        numbers = np.random.default_rng(seed)
        self.get_words, self.get_labels = lambda: words, lambda: labels
        wide, output = numbers.normal(size=(5, 4)).astype(np.float32), numbers.normal(size=(2, 4)).astype(np.float32)
        self.get_input_matrix, self.get_output_matrix = lambda: wide, lambda: output


def test_a_folded_model_has_the_logit_of_the_model():
    model = Trained(["a", "b", "c"], [train.CLEAN, train.TOXIC], 1)
    words, buckets = train.fold(model)
    rows = [0, 2, 4]
    logits = model.get_output_matrix() @ model.get_input_matrix()[rows].mean(axis=0)
    folded = np.mean([words["a"], words["c"], buckets[1]])
    assert np.isclose(folded, logits[1] - logits[0], atol=1e-6)


def test_models_are_averaged_word_by_word_whatever_their_order():
    first, second = Trained(["a", "b", "c"], [train.CLEAN, train.TOXIC], 1), Trained(["c", "a", "b"], [train.TOXIC, train.CLEAN], 2)
    column = train.average([first, second])
    (one, one_buckets), (two, two_buckets) = train.fold(first), train.fold(second)
    expected = [*((one[word] + two[word]) / 2 for word in "abc"), *((one_buckets + two_buckets) / 2)]
    assert np.allclose(column, expected)


def test_calibration_undoes_a_slope_and_a_shift():
    logits = np.random.default_rng(3).normal(0, 2, 40_000)
    drawn = np.random.default_rng(4).random(len(logits)) < 1 / (1 + np.exp(-logits))

    def predict(lines, *_):
        p = [1 / (1 + np.exp(-2 * (logits[int(line)] + 1))) for line in lines]  # twice as sure, and shifted by one
        return [(train.TOXIC, train.CLEAN)] * len(p), [(value + train.FASTTEXT_ADDS, 1 - value) for value in p]

    model = types.SimpleNamespace(f=types.SimpleNamespace(multilinePredict=predict))
    lines = [(str(n), bool(is_toxic)) for n, is_toxic in enumerate(drawn)]
    slope, shift = train.calibrate(model, {"davidson": Source([], lines), "edos": Source([], []), "cc3m": Source([], [])})
    assert abs(slope - 0.5) < 0.02
    assert abs(shift + 1) < 0.05


@pytest.mark.extra
@pytest.mark.shared
@pytest.mark.skipif(
    not hasattr(fasttext, "train_supervised"), reason="needs fasttext-wheel 0.9.2 and numpy 1.26 in an environment of its own"
)
def test_training_gives_the_model_that_ships(tmp_path, monkeypatch):
    data = shared("data", "toxicity", "davidson").parents[1]
    monkeypatch.setattr("sys.argv", ["train", "--data", str(data), "--out", str(tmp_path / "model.bin")])
    train.main()
    ships = (importlib.resources.files("transforms.models.toxicity") / "model.bin").read_bytes()
    assert hashlib.sha256((tmp_path / "model.bin").read_bytes()).hexdigest() == hashlib.sha256(ships).hexdigest()
