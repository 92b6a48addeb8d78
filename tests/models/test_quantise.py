import io

import numpy as np
import pytest
from PIL import Image

from schemas.errors import JobError
from tests.models.test_onnx_classifier import spec_of
from tests.models.tiny_onnx import convolution
from transforms.models import quantise as module
from transforms.models.image_spec import read_spec
from transforms.models.onnx_classifier import see


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(3)
    for number in range(210):
        out = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(out, "PNG")
        (folder / f"{number:03d}.png").write_bytes(out.getvalue())
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_a_model_in_eight_bits_is_written_with_its_spec_and_scores_nearly_the_same(tmp_path, photos, capsys):
    pytest.importorskip("onnx", reason="needs the package onnx")
    spec = spec_of(tmp_path, convolution(), std=(255.0,) * 3, activation="sigmoid", threshold=0.6)
    out = tmp_path / "small.onnx"
    (tmp_path / "spec.yaml").write_text(module.yaml.safe_dump(spec.model_dump(mode="json")))
    module.main(["--model", str(tmp_path / "spec.yaml"), "--pictures", str(photos), "--out", str(out)])
    found = read_spec(str(out.with_suffix(".yaml")))
    assert (found.name, found.threshold, found.std, found.path) == ("tiny, int8", 0.6, (255.0,) * 3, str(out))
    image = Image.open(photos / "007.png")
    assert see(found, image).score == pytest.approx(see(spec, image).score, abs=0.02)
    assert see(found, image).score != see(spec, image).score
    told = capsys.readouterr().out
    assert "199 pictures: mean difference 0.0" in told
    assert "tiny, int8: " in told


def test_too_few_pictures_are_refused(tmp_path):
    with pytest.raises(JobError, match="0 pictures to calibrate on are too few"):
        module.quantise(spec_of(tmp_path, convolution()), [], tmp_path / "out.onnx")
