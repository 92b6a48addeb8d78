"""On a GPU: the scores of the processor, whatever shares a batch and in every run. Runs where onnxruntime-gpu finds one."""

import hashlib
import json

import numpy as np
import pyarrow as pa
import pytest

from tests.builders import jpeg
from tests.filters.conformance import batch_of
from tests.models.test_every_model import KINDS
from tests.models.tiny_onnx import attribute, bytes_field, graph_file, initializer, mean_of_channels, node, value
from transforms.filters.embeddings import Embeddings
from transforms.filters.nsfw import Nsfw
from transforms.models.session import open_session, runs_on

pytest.importorskip("onnxruntime")
ON_GPU = [name for name in KINDS if name in ("toxicity, ONNX", "classes", "classes that break", "detections", "embeddings")]
SIDE, WIDTH = 64, 128


def starts(folder):
    path = folder / "mean.onnx"
    path.write_bytes(mean_of_channels())
    try:
        open_session(str(path), hashlib.sha256(path.read_bytes()).hexdigest(), "cure", "cuda")
    except Exception as error:
        return str(error)
    return ""


@pytest.fixture(scope="module", autouse=True)
def gpu(tmp_path_factory):
    if why := starts(tmp_path_factory.mktemp("gpu")):
        pytest.skip(f"no GPU that onnxruntime can use: {why}")


def deep():
    """A graph like a real one in what a GPU may do differently: four wide convolutions, and a product with a wide matrix."""
    rng, nodes, weights, before, channels = np.random.default_rng(7), [], [], "picture", 3
    for layer in range(4):
        weights.append(initializer(f"filters{layer}", rng.normal(0, (2 / (9 * channels)) ** 0.5, (WIDTH, channels, 3, 3))))
        nodes += [node("Conv", [before, f"filters{layer}"], f"answers{layer}"), node("Relu", [f"answers{layer}"], f"layer{layer}")]
        before, channels = f"layer{layer}", WIDTH
    weights.append(initializer("mixing", rng.normal(0, WIDTH**-0.5, (WIDTH, WIDTH))))
    nodes += [
        node("ReduceMean", [before], "means", attribute("axes", [2, 3]), attribute("keepdims", 0)),
        node("MatMul", ["means", "mixing"], "scores"),
    ]
    ends = [bytes_field(11, value("picture", ["n", 3, SIDE, SIDE])), bytes_field(12, value("scores", ["n", WIDTH]))]
    return graph_file(nodes, weights, ends)


def written(folder, raw, name="m.onnx"):
    (folder / name).write_bytes(raw)
    return {"path": str(folder / name), "sha256": hashlib.sha256(raw).hexdigest()}


def deep_filter(folder):
    told = {"name": "deep", **written(folder, deep()), "size": SIDE, "classes": [0, 1, 2], "activation": "softmax", "std": [64.0] * 3}
    (folder / "spec.yaml").write_text(json.dumps(told))
    return Nsfw(image_model=str(folder / "spec.yaml"))


def deep_embeddings(folder):
    return Embeddings.model_validate({"model": "deep", "image": {**written(folder, deep(), "image.onnx"), "size": SIDE, "std": [64.0] * 3}})


def photo(number):
    return {"image": jpeg(SIDE + 9, SIDE, seed=number)}


MAKE = {name: (KINDS[name].make, KINDS[name].row) for name in ON_GPU} | {
    "deep classes": (deep_filter, photo),
    "deep embeddings": (deep_embeddings, photo),
}


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    known = {}

    def of(name):
        if name not in known:
            folder = tmp_path_factory.mktemp("model")
            subject = MAKE[name][0](folder)
            known[name] = subject, subject.model_copy(update={"device": "cuda"})
        return known[name]

    return of


def numbers(found):
    """All numbers of an answer in a row; packed vectors as they are."""
    if pa.types.is_struct(found.type):
        return np.concatenate([numbers(found.field(place)) for place in range(found.type.num_fields)])
    if pa.types.is_binary(found.type) or pa.types.is_fixed_size_binary(found.type):
        return np.frombuffer(b"".join(value for value in found.to_pylist() if value), "<f2").astype(float)
    if pa.types.is_floating(found.type):
        return found.drop_null().to_numpy(zero_copy_only=False).astype(float)
    return np.empty(0)


@pytest.mark.parametrize("name", MAKE)
def test_a_gpu_gives_the_scores_of_the_processor(both, name):
    """To 2e-4: both are rounded to 1e-4. Products in TF32, which CUDA takes unless told otherwise, are off by ten times that."""
    batch = batch_of([MAKE[name][1](number) for number in range(40)], both(name)[0])
    here, there = (numbers(subject.measure(batch)) for subject in both(name))
    assert len(here)
    assert np.abs(here - there).max() < (2e-3 if "embeddings" in name else 2e-4)  # float16 of numbers up to 1


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("size", [1, 7])
def test_scores_of_a_gpu_do_not_depend_on_how_rows_are_batched(both, name, size):
    """Law 2."""
    subject = both(name)[1]
    whole = batch_of([MAKE[name][1](number) for number in range(40)], subject)
    apart = pa.concat_arrays([subject.measure(whole.slice(start, min(size, 40 - start))) for start in range(0, 40, size)])
    assert apart.equals(subject.measure(whole))


@pytest.mark.parametrize("name", MAKE)
def test_the_manifest_says_that_a_gpu_computed(both, name):
    computing = [model for model in both(name)[1].models() if model.path.endswith(".onnx")]
    assert computing
    assert all(model.runs_on == runs_on("cuda") for model in computing)
