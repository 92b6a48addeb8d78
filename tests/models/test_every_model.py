"""What holds for every kind of model: it is named in the manifest, answers alike in any batch, is loaded once, and fails with its name."""

import dataclasses
import hashlib
import json
import pathlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from pipeline.annotate import check_limits
from schemas.errors import InputError
from tests.builders import encode, jpeg, make_shard
from tests.filters.conformance import batch_of
from tests.models.tiny_onnx import attribute, bytes_field, convolution, graph_file, initializer, node, one_box, value
from tests.models.tiny_pair import COLOURS, NO_DIRECTION, write_pair
from tests.models.tiny_text import text_classifier
from transforms.annotate import TALLY, measured
from transforms.filters.base import Filter
from transforms.filters.embedding_heads import EmbeddingHeads
from transforms.filters.embeddings import Embeddings
from transforms.filters.language import Language
from transforms.filters.nsfw import Nsfw
from transforms.filters.toxicity import Toxicity
from transforms.filters.violence import Violence
from transforms.footers import Footer
from transforms.models import once
from transforms.models.detoxify_classifier import in_batches

pytest.importorskip("onnxruntime")
pytest.importorskip("tokenizers")

WIDTH = 5


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of model: what makes a filter with it in a folder, and a row that it scores by a number."""

    make: Callable[[pathlib.Path], Filter]
    row: Callable[[int], dict[str, Any]]
    fails_on: dict[str, Any] | None = None  # a row on which the model, though not the filter, breaks
    names: tuple[str, ...] = ()


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def image_filter(raw, kind=Nsfw, **spec):
    def make(folder):
        (folder / "m.onnx").write_bytes(raw)
        told = {"name": "tiny", "version": "1.2", "path": "m.onnx", "sha256": digest(folder / "m.onnx"), "size": 8, "classes": [0], **spec}
        (folder / "spec.yaml").write_text(json.dumps(told))
        return kind(image_model=str(folder / "spec.yaml"))

    return make


def roots(constant=0.5):
    """A graph that answers with the roots of what is left of a constant: NaN for bright pictures."""
    nodes = [
        node("ReduceMean", ["picture"], "means", attribute("axes", [2, 3]), attribute("keepdims", 0)),
        node("Sub", ["constant", "means"], "left"),
        node("Sqrt", ["left"], "scores"),
    ]
    ends = [bytes_field(11, value("picture", ["n", 3, 8, 8])), bytes_field(12, value("scores", ["n", 3]))]
    return graph_file(nodes, [initializer("constant", [constant] * 3)], ends)


def text_filter(folder):
    (folder / "m.onnx").write_bytes(text_classifier())
    return Toxicity(model=str(folder / "m.onnx"), sha256=digest(folder / "m.onnx"), languages=("en",))


def own_fasttext(folder):
    from transforms.filters import toxicity

    return Toxicity(model=toxicity._shipped(), sha256=toxicity._SHIPPED_SHA256, languages=("en",))


def head(**given):
    def make(folder):
        file = folder / "head.onnx"
        if "weights" not in given:
            nodes = [node("MatMul", ["vector", "weights"], "sum"), node("Sqrt", ["sum"], "score")]
            ends = [bytes_field(11, value("vector", ["n", WIDTH])), bytes_field(12, value("score", ["n", 1]))]
            file.write_bytes(graph_file(nodes, [initializer("weights", np.eye(WIDTH)[:, :1])], ends))
        else:
            file = folder / "head.npy"
            np.save(file, np.array(given["weights"], np.float32))
        return EmbeddingHeads(heads=[{"name": "tiny", "weights": str(file), "sha256": digest(file)}])

    return make


def vector(*numbers):
    packed = np.array([*numbers, *([0.0] * (WIDTH - len(numbers)))], "<f2").tobytes()
    return {"measures": {"embeddings": {"image": packed, "text": None}}}


WORDS = ("a red kite over the beach", "you idiot", "rubbish on the beach and an idiot beside it", "kite")
BRIGHT = encode(Image.new("RGB", (20, 20), "white"), "PNG")
ENGLISH = {"language": {"label": "en", "score": 0.9}}


def caption(number):
    return {"caption": " ".join([WORDS[number % 4]] * (1 + number % 5)), "measures": ENGLISH}


def picture(number):
    return {"image": jpeg(24, 20, seed=number % 9)}


KINDS = {
    "toxicity, shipped": Kind(lambda _: Toxicity(), caption, None, ("toxicity: shipped",)),
    "toxicity, fastText": Kind(own_fasttext, caption, None, ("toxicity: fastText",)),
    "toxicity, ONNX": Kind(text_filter, caption, {"caption": "void", "measures": ENGLISH}, ("toxicity: ONNX",)),
    "language": Kind(lambda _: Language(), lambda number: {"caption": WORDS[number % 4]}, None, ("language: lid.176",)),
    "classes": Kind(
        image_filter(convolution(), activation="sigmoid", std=[255.0] * 3), picture, None, ("tiny", "tiny, spec")
    ),
    "classes that break": Kind(
        image_filter(roots(), Violence, std=[255.0] * 3), lambda _: {"image": encode(Image.new("RGB", (20, 20), (60, 60, 60)), "PNG")},
        {"image": BRIGHT}, ("tiny", "tiny, spec"),
    ),
    "detections": Kind(
        image_filter(one_box(8, (4, 4, 2, 2), (0.6, 0.1)), head="detections", resize="pad"), picture, None, ("tiny", "tiny, spec")
    ),
    "embeddings": Kind(
        lambda folder: Embeddings.model_validate(write_pair(folder, dense=True)),
        lambda number: picture(number) | {"caption": " ".join([list(COLOURS)[number % 5]] * (number % 7 + 1))},
        {"caption": NO_DIRECTION},
        ("embeddings: tiny 1.0, image", "embeddings: tiny 1.0, text", "embeddings: tiny 1.0, text, tokenizer"),
    ),
    "head, linear": Kind(
        head(weights=[0.3, -0.2, 0.9, 0.1, 0.4]), lambda number: vector(*np.eye(5)[number % 5] * 0.8), None, ("embedding_heads: tiny",)
    ),
    "head, graph": Kind(head(), lambda number: vector(0.1 * (number % 10), 0.5), vector(-0.5), ("embedding_heads: tiny",)),
}  # fmt: skip
BREAKING = [name for name, kind in KINDS.items() if kind.fails_on]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    known: dict[str, Filter] = {}

    def of(name):
        if name not in known:
            known[name] = KINDS[name].make(tmp_path_factory.mktemp("model"))
        return known[name]

    return of


@pytest.mark.parametrize("name", KINDS)
def test_the_manifest_has_name_version_digest_and_what_computed(made, name):
    found = made(name).models()
    assert tuple(model.name for model in found) == KINDS[name].names
    for model in found:
        assert hashlib.sha256(pathlib.Path(model.path).read_bytes()).hexdigest() == model.sha256
    computing = [model for model in found if not model.path.endswith((".yaml", ".json"))]
    assert all(model.runs_on for model in computing)
    onnx = [model.runs_on for model in computing if model.path.endswith(".onnx")]
    assert all(ran.startswith("onnxruntime ") and ran.endswith(", CPUExecutionProvider") for ran in onnx)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("size", [1, 7])
def test_scores_do_not_depend_on_how_rows_are_batched(made, name, size):
    """Law 2: in batches of 1, 7 and 64 rows the same scores, rounded to 1e-4, and the same bytes of embeddings."""
    subject = made(name)
    whole = batch_of([KINDS[name].row(number) for number in range(64)], subject)
    together = subject.measure(whole)
    apart = pa.concat_arrays([subject.measure(whole.slice(start, min(size, 64 - start))) for start in range(0, 64, size)])
    assert together.null_count < 64
    assert apart.equals(together)


@pytest.mark.parametrize("name", BREAKING)
def test_a_row_that_the_model_breaks_on_is_counted_and_costs_no_other_its_score(made, name):
    """Law 3: NaN is no score, and would pass for harmless."""
    subject, kind = made(name), KINDS[name]
    rows = [kind.row(1), kind.fails_on, kind.row(2)]
    found, failed = measured(subject, batch_of(rows, subject))
    assert failed == {1: "ArithmeticError"}
    alone = subject.measure(batch_of([kind.row(1), kind.row(2)], subject))
    assert [found[row].as_py() for row in (0, 2)] == alone.to_pylist()
    assert subject.on_missing == ("reject" if name != "head, graph" else "keep")


@pytest.mark.parametrize("name", KINDS)
def test_a_filter_that_failed_too_often_names_model_digest_row_and_cure(made, name, tmp_path):
    subject = made(name)
    tally = {
        "rows": 100, "recorded": 0, "unreadable": 0, "unreadable_shard": None, "not_scored": {subject.name: 7},
        "first_not_scored": {subject.name: 41}, "errors": {subject.name: "ArithmeticError"},
    }  # fmt: skip
    (tmp_path / "a.tar").write_bytes(b"")
    run = SimpleNamespace(job=SimpleNamespace(source=(), max_not_scored=0.001), filters=(subject,))
    shard = make_shard(tmp_path / "a.tar", "webdataset")
    with pytest.raises(InputError) as raised:
        check_limits(run, [(shard, Footer(100, {TALLY: json.dumps(tally).encode()}))], final=True)
    told = str(raised.value)
    for model in subject.models():
        assert f"{model.name} ({model.path}, SHA-256 {model.sha256})" in told
    for part in ("failed on 7 of 100 rows", "row 41 (ArithmeticError)", f"raise filters.{subject.name}.max_not_scored", "winnow preview"):
        assert part in told


def test_long_texts_share_a_batch_with_fewer_others():
    """Attention takes memory by the square of a text's length."""
    sizes = []

    def asked(texts):
        sizes.append(len(texts))
        return np.zeros((len(texts), 1))

    in_batches([f"text {number}" for number in range(50)], [512] * 40 + [4] * 10, asked, 32, 1)
    assert sizes == [10, 8, 8, 8, 8, 8]


@pytest.mark.parametrize("name", ["toxicity, ONNX", "classes", "embeddings", "head, graph", "toxicity, fastText"])
def test_a_model_is_loaded_once_for_all_threads_that_ask_at_once(tmp_path, monkeypatch, name):
    import fasttext
    import onnxruntime
    import tokenizers

    from transforms.models import fasttext_classifier

    opened, lock = [], threading.Lock()

    def counted(load):
        def counting(given, *rest, **options):
            with lock:
                opened.append(given)
            return load(given, *rest, **options)

        return counting

    subject, kind = KINDS[name].make(tmp_path), KINDS[name]
    batches = [batch_of([kind.row(number)], subject) for number in range(6)]
    monkeypatch.setattr(onnxruntime, "InferenceSession", counted(onnxruntime.InferenceSession))
    monkeypatch.setattr(fasttext, "load_model", counted(fasttext.load_model))
    loaders = {load: counted(getattr(tokenizers.Tokenizer, load)) for load in ("from_file", "from_str")}
    monkeypatch.setattr(tokenizers, "Tokenizer", SimpleNamespace(**loaders))
    if name == "toxicity, fastText":  # the shipped file: another test has it loaded already
        monkeypatch.setattr(fasttext_classifier, "load", once.loaded_once(1)(lambda path, _: fasttext_classifier.Classifier(path)))
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(subject.measure, batches))
    assert len(opened) == {"toxicity, ONNX": 2, "embeddings": 3}.get(name, 1)
