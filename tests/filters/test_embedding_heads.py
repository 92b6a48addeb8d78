import hashlib
import itertools
import json
import math

import numpy as np
import pytest
from pydantic import ValidationError

from schemas.errors import JobError, MissingError
from tests.filters.conformance import batch_of, check_filter, findings
from tests.filters.test_clip_score import row
from tests.models.tiny_onnx import bytes_field, graph_file, initializer, node, value
from tests.models.tiny_pair import write_pair
from transforms.filters.embedding_heads import EmbeddingHeads
from transforms.filters.embeddings import Embeddings


def linear(path, numbers, **more):
    np.save(path, np.array(numbers, np.float32))
    return {"name": "aesthetic", "weights": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), **more}


def values(subject, rows, **filters):
    batch = batch_of(rows, subject)
    batch.filters = filters
    return [found["values"] for found in subject.measure(batch).to_pylist()]


def test_a_linear_head_is_weights_times_the_embedding_and_its_bias(tmp_path):
    subject = EmbeddingHeads(heads=[linear(tmp_path / "head.npy", [2, -1], bias=0.5, min=1.5)])
    check_filter(subject, keeps=[row([1, 0], None), {}, row(None, [1, 0])], rejects=[row([0, 1], None), row([0.6, 0.8], None)])
    assert values(subject, [row([1, 0], None), row([0, 1], None), {}]) == [[2.5], [-0.5], [None]]
    assert [model.name for model in subject.models()] == ["embedding_heads: aesthetic"]


def test_a_sigmoid_makes_a_probability_of_the_sum(tmp_path):
    assert values(EmbeddingHeads(heads=[linear(tmp_path / "head.npy", [[0, 2]], activation="sigmoid")]), [row([1, 0], None)]) == [[0.5]]


def test_weights_in_safetensors_bring_their_bias_along(tmp_path):
    path = tmp_path / "head.safetensors"
    header = {
        "mlp.weight": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]},
        "mlp.bias": {"dtype": "BF16", "shape": [1], "data_offsets": [8, 10]},
        "__metadata__": {"format": "pt"},
    }
    text = json.dumps(header).encode()
    numbers = np.array([3, 4], "<f4").tobytes() + (np.array([1.5], "<f4").view("<u4") >> 16).astype("<u2").tobytes()
    path.write_bytes(len(text).to_bytes(8, "little") + text + numbers)
    head = {"name": "nsfw", "weights": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "tensor": "mlp.weight"}
    assert values(EmbeddingHeads(heads=[head]), [row([0, 1], None)]) == [[5.5]]
    with pytest.raises(JobError, match=r"no tensor 'weight'; there are mlp\.bias, mlp\.weight"):
        EmbeddingHeads(heads=[head | {"tensor": "weight"}]).models()


def safetensors(path, **tensors):
    """A `.safetensors` file of float32 tensors; its digest."""
    header, numbers = {}, b""
    for name, values in tensors.items():
        raw = np.array(values, "<f4").tobytes()
        header[name.replace("__", ".")] = {
            "dtype": "F32", "shape": list(np.shape(values)), "data_offsets": [len(numbers), len(numbers) + len(raw)],
        }  # fmt: skip
        numbers += raw
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + numbers)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def several(path, *, bias=True, sizes=(6, 5, 4, 1), **more):
    """A head of several layers, named as LAION's aesthetic predictor names its own; and what it says by the plainest numpy."""
    rng = np.random.default_rng(4)
    layers = {f"layers__{2 * n}": rng.normal(size=(wide, narrow)) for n, (narrow, wide) in enumerate(itertools.pairwise(sizes))}
    tensors = {f"{name}__weight": values for name, values in layers.items()}
    if bias:
        tensors |= {f"{name}__bias": rng.normal(size=len(values)) for name, values in layers.items()}
    names = [name.replace("__", ".") for name in layers]
    head = {"name": "aesthetic", "weights": str(path), "sha256": safetensors(path, **tensors), "layers": names, **more}
    between = {"none": lambda x: x, "relu": lambda x: np.where(x > 0, x, 0), "tanh": np.tanh, "gelu": gelu}[more.get("between", "none")]

    def by_hand(vector):
        for name in layers:
            vector = np.float32(tensors[f"{name}__weight"]).astype(float) @ vector + np.float32(tensors.get(f"{name}__bias", 0))
            vector = vector if name == list(layers)[-1] else between(vector)
        return float(vector[0])

    return head, by_hand


def gelu(values):
    return np.array([0.5 * x * (1 + math.erf(x / math.sqrt(2))) for x in values])


@pytest.mark.parametrize("between", ["none", "relu", "tanh", "gelu"])
def test_a_head_of_several_layers_is_what_numpy_makes_of_them_one_by_one(tmp_path, between):
    head, by_hand = several(tmp_path / "mlp.safetensors", between=between, bias=between != "relu")
    vectors = np.random.default_rng(7).normal(size=(70, 6)).astype("<f2")
    found = values(EmbeddingHeads(heads=[head]), [row(vector, None) for vector in vectors])
    expected = [[by_hand(vector.astype(float))] for vector in vectors]
    assert np.array(found) == pytest.approx(np.array(expected), abs=6e-5)
    assert [model.name for model in EmbeddingHeads(heads=[head]).models()] == ["embedding_heads: aesthetic"]


def test_layers_that_do_not_follow_each_other_are_refused(tmp_path):
    head, _ = several(tmp_path / "mlp.safetensors")
    for layers, told in (
        (["layers.0", "layers.4"], "a layer takes 4 numbers, and the one before gives 5"),
        (["layers.0"], "a head gives one number, and the last layer gives 5"),
        (["layers.0", "layers.1"], r"no tensor 'layers\.1\.weight'; there are layers\.0\.bias, layers\.0\.weight"),
    ):
        with pytest.raises(JobError, match=told):
            EmbeddingHeads(heads=[head | {"layers": layers}]).models()


def graph(folder, width, outputs):
    path = folder / "head.onnx"
    weights = initializer("weights", np.arange(width * outputs).reshape(width, outputs) / 10)
    ends = [bytes_field(11, value("vector", ["n", width])), bytes_field(12, value("score", ["n", outputs]))]
    path.write_bytes(graph_file([node("MatMul", ["vector", "weights"], "score")], [weights], ends))
    return {"name": "graph", "weights": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def test_a_graph_gives_one_number_a_row_or_is_refused_before_the_run(tmp_path):
    pytest.importorskip("onnxruntime")
    assert values(EmbeddingHeads(heads=[graph(tmp_path, 3, 1)]), [row([0, 0, 1], None), row([0, 1, 0], None)]) == [[0.2], [0.1]]
    with pytest.raises(JobError, match=r"head\.onnx: a head gives one number a row; of 64 rows this graph makes \[64, 2\]"):
        EmbeddingHeads(heads=[graph(tmp_path, 3, 2)]).models()
    with pytest.raises(JobError, match="for embeddings of 4 numbers, and those of image have 2"):
        values(EmbeddingHeads(heads=[graph(tmp_path, 4, 1)]), [row([1, 0], None)])


def test_a_pickle_is_never_read_as_weights(tmp_path):
    """Law 7: an array of objects in a .npy is a pickle."""
    path = tmp_path / "head.npy"
    np.save(path, np.array([{"a": 1}], object), allow_pickle=True)
    head = {"name": "bad", "weights": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    with pytest.raises(JobError, match=r"head\.npy: neither a \.npy nor a \.safetensors file of numbers"):
        EmbeddingHeads(heads=[head]).models()


def test_weights_that_are_missing_or_of_another_model_are_refused(tmp_path):
    head = linear(tmp_path / "head.npy", [1, 2, 3])
    with pytest.raises(MissingError, match=r"has SHA-256"):
        EmbeddingHeads(heads=[head | {"sha256": "0" * 64}]).models()
    with pytest.raises(JobError, match="for embeddings of 3 numbers, and those of image have 2"):
        values(EmbeddingHeads(heads=[head]), [row([1, 0], None)])


def test_a_zero_shot_head_is_the_softmax_over_all_prompts_with_the_logit_scale(tmp_path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("tokenizers")
    pair = Embeddings.model_validate(write_pair(tmp_path))
    head = {"name": "warm", "prompts": ["red", "yellow"], "against": ["blue", "green"], "logit_scale": 2.0, "max": 0.9, "reason": "nsfw"}
    subject = EmbeddingHeads(heads=[head])
    pictures = np.array([[1, 0, 0], [0, 0, 1], [0.6, 0.8, 0]], "<f2")
    prompts = pair.encode(["red", "yellow", "blue", "green"]).astype(np.float64)
    raised = np.exp(2 * pictures.astype(np.float64) @ prompts.T)
    expected = raised[:, :2].sum(axis=1) / raised.sum(axis=1)
    found = values(subject, [row(picture, None) for picture in pictures], embeddings=pair)
    assert np.array(found)[:, 0] == pytest.approx(expected, abs=5e-5)


def test_a_row_has_a_reason_once_and_the_evidence_names_the_head(tmp_path):
    heads = [
        linear(tmp_path / "a.npy", [1, 0], min=0.5),
        linear(tmp_path / "b.npy", [0, 1]) | {"name": "second", "max": 0.5},
        linear(tmp_path / "c.npy", [0, 1]) | {"name": "marks", "max": 0.5, "reason": "watermark"},
    ]
    subject = EmbeddingHeads(heads=heads)
    batch = batch_of([row([1, 0], None), row([0, 1], None)], subject)
    found = findings(subject, batch, subject.measure(batch))
    assert [(f.word, f.rows.tolist(), f.threshold, f.details) for f in found] == [
        ("column_rule", [1], 0.5, "embedding_heads: aesthetic"),
        ("watermark", [1], 0.5, "embedding_heads: marks"),
    ]


@pytest.mark.parametrize(
    ("heads", "told"),
    [
        ([{"name": "a"}], "needs prompts"),
        ([{"name": "a", "prompts": ["x"]}], "held against others"),
        ([{"name": "a", "weights": "w.npy"}], "need their sha256"),
        ([{"name": "a", "weights": "sac+logos+ava1-l14.pth", "sha256": "0" * 64}], r"are pickles.*safetensors\.torch\.save_file"),
        ([{"name": "a", "weights": "w.npy", "sha256": "0" * 64, "layers": ["layers.0"]}], "layers are looked for in a .safetensors file"),
        ([{"name": "a", "prompts": ["x"], "against": ["y"]}] * 2, "two heads are called a"),
    ],
)
def test_a_head_that_is_no_head_is_refused(heads, told):
    with pytest.raises(ValidationError, match=told):
        EmbeddingHeads.model_validate({"heads": heads})


def test_bounds_of_a_head_can_differ_by_the_language_of_the_caption(tmp_path):
    rows = [row([1, 0], None) for _ in range(3)]
    for one, label in zip(rows, ("en", "de", "fr"), strict=True):
        one["measures"]["language"] = {"label": label, "score": 0.9}
    head = linear(tmp_path / "head.npy", [1, 0], min=2.0, by_language={"de": {"min": 0.5}, "fr": {"min": None, "max": 0.5}})
    check_filter(EmbeddingHeads(heads=[head]), rejects=[rows[0], rows[2]], keeps=rows[1:2])


@pytest.mark.parametrize("own", [{"xx": {"min": 0}}, {"de": {"least": 0}}])
def test_bounds_by_language_that_cannot_be_meant_are_refused(tmp_path, own):
    with pytest.raises(ValidationError, match="by_language"):
        EmbeddingHeads(heads=[linear(tmp_path / "head.npy", [1], by_language=own)])
