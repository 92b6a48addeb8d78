"""Image models in ONNX files at work: loaded once per process, on one thread of the processor, asked about one picture at a time.

Batches are no faster on a processor (Open-NSFW: 26 ms a picture in batches of four, 24 alone), and alone a picture has the same score
whatever else there is.
"""

import functools
import threading
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from schemas.errors import JobError, MissingError
from transforms.models.additions import with_additions
from transforms.models.artefacts import artefact
from transforms.models.detections import Detection, detected
from transforms.models.image_spec import OnnxSpec
from transforms.storage import kept_copy


class Seen(NamedTuple):
    """What a model sees in a picture.

    Attributes:
      score: probability of the spec's classes.
      faces: boxes of the spec's face classes, best first; empty where the model detects nothing of the kind.
    """

    score: float
    faces: tuple[Detection, ...] = ()


def look(spec: OnnxSpec, pixels: np.ndarray, width: int, height: int) -> Seen:
    """What a model sees in a picture.

    Args:
      spec: the model.
      pixels: the picture as `spec.view` makes it, uint8 [size, size, 3].
      width: of the picture, in whose pixels boxes are given.
      height: of the picture.

    Raises:
      MissingError: the model or onnxruntime is not there.
    """
    model = load(spec.path, spec.sha256, spec.cure)
    name = spec.input or model.get_inputs()[0].name
    [found] = model.run([spec.output or model.get_outputs()[0].name], {name: prepared(pixels, spec)[None]})
    numbers = _probabilities(np.asarray(found)[0], spec)
    if spec.head == "classes":
        return Seen(float(numbers.reshape(-1)[list(spec.classes)].astype(np.float64).sum()))
    boxes = detected(numbers, spec.size, width, height)
    score = max((box.score for box in boxes if box.label in spec.classes), default=0.0)
    return Seen(score, tuple(box for box in boxes if box.label in spec.faces))


def see(spec: OnnxSpec, image: Image.Image) -> Seen:
    """What a model sees in a picture of mode RGB."""
    return look(spec, spec.view.pixels(image), *image.size)


def try_out(spec: OnnxSpec) -> None:
    """Shows the model a black picture, so that a spec that does not fit its graph is found before a run and not on every row of it.

    Raises:
      JobError: the graph has no such input, output, size or class.
      MissingError: the model or onnxruntime is not there.
    """
    try:
        found = see(spec, Image.new("RGB", (spec.size, spec.size))).score
    except MissingError:
        raise
    except Exception as error:  # onnxruntime's own exceptions, and numpy's about an output of another shape
        raise JobError(f"{spec.name}: the spec does not fit the graph of {spec.path}: {error}") from error
    if not 0 <= found <= 1 + _SLACK:
        raise JobError(f"{spec.name}: {spec.path} gives {found:.4g}, which is no probability; set `activation` to softmax or sigmoid")


_SLACK = 1e-3  # float32 sums of a softmax


def prepared(pixels: np.ndarray, spec: OnnxSpec) -> np.ndarray:
    """Pixels, uint8 [size, size, 3], as the graph takes them: float32, the same shape or [3, size, size]."""
    size = spec.size
    found = np.empty((size, size, 3) if spec.layout == "nhwc" else (3, size, size), np.float32)
    for channel, values in enumerate(spec.values):
        place = channel if spec.channels == "rgb" else 2 - channel
        np.take(values, pixels[..., place], out=found[..., channel] if spec.layout == "nhwc" else found[channel])
    return found


def _probabilities(numbers: np.ndarray, spec: OnnxSpec) -> np.ndarray:
    if spec.activation == "none":
        return numbers
    values = numbers.astype(np.float64)
    if spec.activation == "sigmoid":
        return 1 / (1 + np.exp(-values))
    values = np.exp(values - values.max(axis=-1, keepdims=True))
    return values / values.sum(axis=-1, keepdims=True)


_LOADING = threading.Lock()


def load(path: str, sha256: str, cure: str) -> Any:
    """The onnxruntime session of a model file, the same object for every thread of a process.

    Raises:
      MissingError: the file is not there, or is another one, or no model; or onnxruntime is not there.
    """
    with _LOADING:
        return _load(path, sha256, cure)


@functools.lru_cache(maxsize=8)
def _load(path: str, sha256: str, cure: str) -> Any:
    artefact(path, path, sha256, cure)
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingError("image models in ONNX files need onnxruntime: pip install 'winnow-curation[onnx]'") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    local = kept_copy(path)
    with open(local, "rb") as file:
        changed = with_additions(file.read())
    try:
        return onnxruntime.InferenceSession(changed or local, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has an exception of its own for every way in which a file is no model
        raise MissingError(f"{path} is no ONNX model that onnxruntime can read ({type(error).__name__}). {cure}") from error
