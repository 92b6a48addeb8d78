"""Image models in ONNX files at work: loaded once per process, on one thread or a GPU, asked about one picture at a time.

Batches are no faster on a processor (Open-NSFW: 26 ms a picture in batches of four, 24 alone), and alone a picture has the same score
whatever else there is.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image

from schemas.errors import JobError, MissingError
from transforms.models.detections import Detection, detected
from transforms.models.finite import finite
from transforms.models.image_spec import OnnxSpec
from transforms.models.preparation import prepared
from transforms.models.session import Device, open_session


class Seen(NamedTuple):
    """What a model sees in a picture.

    Attributes:
      score: probability of the spec's classes.
      faces: boxes of the spec's face classes, best first; empty where the model detects nothing of the kind.
    """

    score: float
    faces: tuple[Detection, ...] = ()


def look(spec: OnnxSpec, pixels: np.ndarray, width: int, height: int, device: Device = "cpu", key: str = "device") -> Seen:
    """What a model sees in a picture.

    Args:
      spec: the model.
      pixels: the picture as `spec.view` makes it, uint8 [size, size, 3].
      width: of the picture, in whose pixels boxes are given.
      height: of the picture.
      device: what computes.
      key: the key of the job that says so, for errors.

    Raises:
      MissingError: the model, onnxruntime or the device is not there.
      ArithmeticError: the model answers with what is no number.
    """
    model = open_session(spec.path, spec.sha256, spec.cure, device, key)
    name = spec.input or model.get_inputs()[0].name
    [found] = model.run([spec.output or model.get_outputs()[0].name], {name: prepared(pixels, spec)[None]})
    numbers = _probabilities(finite(np.asarray(found)[0], spec.name), spec)
    if spec.head == "classes":
        return Seen(float(numbers.reshape(-1)[list(spec.classes)].astype(np.float64).sum()))
    boxes = detected(numbers, spec.size, width, height)
    score = max((box.score for box in boxes if box.label in spec.classes), default=0.0)
    return Seen(score, tuple(box for box in boxes if box.label in spec.faces))


def see(spec: OnnxSpec, image: Image.Image, device: Device = "cpu", key: str = "device") -> Seen:
    """What a model sees in a picture of mode RGB."""
    return look(spec, spec.view.pixels(image), *image.size, device, key)


def try_out(spec: OnnxSpec, device: Device = "cpu", key: str = "device") -> None:
    """Shows the model a black picture, so that a spec that does not fit its graph is found before a run and not on every row of it.

    Raises:
      JobError: the graph has no such input, output, size or class.
      MissingError: the model, onnxruntime or the device is not there.
    """
    try:
        found = see(spec, Image.new("RGB", (spec.size, spec.size)), device, key).score
    except MissingError:
        raise
    except Exception as error:  # onnxruntime's own exceptions, and numpy's about an output of another shape
        raise JobError(f"{spec.name}: the spec does not fit the graph of {spec.path}: {error}") from error
    if not 0 <= found <= 1 + _SLACK:
        raise JobError(f"{spec.name}: {spec.path} gives {found:.4g}, which is no probability; set `activation` to softmax or sigmoid")


_SLACK = 1e-3  # float32 sums of a softmax


def _probabilities(numbers: np.ndarray, spec: OnnxSpec) -> np.ndarray:
    if spec.activation == "none":
        return numbers
    values = numbers.astype(np.float64)
    if spec.activation == "sigmoid":
        return 1 / (1 + np.exp(-values))
    values = np.exp(values - values.max(axis=-1, keepdims=True))
    return values / values.sum(axis=-1, keepdims=True)
