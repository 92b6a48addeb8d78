"""Which processor a graph runs on: the one that the job names, or none."""

import hashlib
from typing import ClassVar

import pytest

from schemas.errors import MissingError
from tests.models.tiny_onnx import mean_of_channels, one_box
from tests.models.tiny_pair import write_pair
from tests.models.tiny_text import text_classifier
from transforms.filters.embeddings import Embeddings
from transforms.filters.faces import Faces
from transforms.filters.nsfw import Nsfw
from transforms.filters.toxicity import Toxicity
from transforms.filters.violence import Violence
from transforms.models.session import open_session, runs_on

onnxruntime = pytest.importorskip("onnxruntime")
without_gpu = pytest.mark.skipif("CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="this onnxruntime knows GPUs")
CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


def spec(folder, raw=None, **options):
    raw = raw or mean_of_channels(softmax=True)
    (folder / "m.onnx").write_bytes(raw)
    told = "".join(f"{name}: {value}\n" for name, value in {"size": 8, "classes": [0], **options}.items())
    (folder / "spec.yaml").write_text(f"name: tiny\npath: m.onnx\nsha256: {hashlib.sha256(raw).hexdigest()}\n{told}")
    return str(folder / "spec.yaml")


def detector(folder):
    return spec(folder, one_box(8, (4, 4, 2, 2), (0.6, 0.1)), head="detections", faces=[0], resize="pad")


def text_model(folder):
    raw = text_classifier()
    (folder / "m.onnx").write_bytes(raw)
    return {"model": str(folder / "m.onnx"), "sha256": hashlib.sha256(raw).hexdigest()}


ASKS = {
    "filters.nsfw.device": lambda folder: Nsfw(image_model=spec(folder), device="cuda"),
    "filters.violence.device": lambda folder: Violence(image_model=spec(folder), device="cuda"),
    "filters.faces.device": lambda folder: Faces(find=detector(folder), device="cuda"),
    "filters.toxicity.device": lambda folder: Toxicity(**text_model(folder), device="cuda"),
    "filters.embeddings.device": lambda folder: Embeddings.model_validate(write_pair(folder) | {"device": "cuda"}),
}


@without_gpu
@pytest.mark.parametrize("key", ASKS)
def test_a_gpu_that_onnxruntime_does_not_know_stops_the_job_with_the_key_and_the_cure(tmp_path, key):
    pytest.importorskip("tokenizers")
    with pytest.raises(MissingError) as raised:
        ASKS[key](tmp_path).models()
    for told in (f"{key} is cuda", f"has no {CUDA}", "Install onnxruntime-gpu in place of onnxruntime", f"set {key}: cpu", ".onnx"):
        assert told in str(raised.value)


class Opened:
    """A session of an onnxruntime that knows GPUs, on a machine that has one or has none."""

    asked: ClassVar[list[list[str]]] = []
    there = True

    def __init__(self, model, options, providers):
        self.asked.append([name for name, _ in providers])
        self.providers = self.asked[-1] if self.there else [CPU]

    def get_providers(self):
        return self.providers


@pytest.fixture
def knows_gpus(monkeypatch, tmp_path):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(onnxruntime, "InferenceSession", Opened)
    monkeypatch.setattr(Opened, "asked", [])
    path = tmp_path / "m.onnx"
    path.write_bytes(mean_of_channels())
    return str(path), hashlib.sha256(path.read_bytes()).hexdigest(), "cure"


def test_with_a_gpu_the_graph_is_opened_once_and_single_operations_may_run_on_the_processor(knows_gpus):
    first = open_session(*knows_gpus, "cuda", "filters.nsfw.device")
    assert open_session(*knows_gpus, "cuda", "filters.faces.device") is first, "two filters share a model"
    open_session(*knows_gpus)
    assert Opened.asked == [[CUDA, CPU], [CPU]]
    assert runs_on("cuda") == f"onnxruntime {onnxruntime.__version__}, {CUDA}"


def test_a_provider_that_does_not_start_is_an_error_and_never_the_processor_instead(knows_gpus, monkeypatch):
    """onnxruntime 1.31 without a GPU, or without CUDA's libraries, logs that and goes on with CPUExecutionProvider."""
    monkeypatch.setattr(Opened, "there", False)
    with pytest.raises(
        MissingError, match=rf"m\.onnx: filters\.nsfw\.device is cuda, and {CUDA} does not start here\. Install .*nsfw\.device: cpu"
    ):
        open_session(*knows_gpus, "cuda", "filters.nsfw.device")


def test_a_gpu_that_breaks_while_the_graph_is_opened_is_told_with_what_onnxruntime_says(knows_gpus, monkeypatch):
    def breaks(*_, **__):
        raise RuntimeError("CUDA failure 100: no CUDA-capable device is detected\nmore")

    monkeypatch.setattr(onnxruntime, "InferenceSession", breaks)
    with pytest.raises(MissingError, match=r"does not start here \(CUDA failure 100: no CUDA-capable device is detected\)"):
        open_session(*knows_gpus, "cuda", "filters.nsfw.device")


def test_a_device_that_there_is_not_is_refused():
    for kind in (Nsfw, Violence, Faces, Embeddings):
        with pytest.raises(ValueError, match="device"):
            kind.model_validate({"device": "tpu"})
