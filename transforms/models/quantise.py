"""Writes an image model in 8 bits with its spec, and prints how its scores differ from the original's and how fast both are.

    python -m transforms.models.quantise --model open_nsfw --pictures photos --out open_nsfw_int8.onnx

Weights are rounded once, activations to ranges seen on one picture in twenty of the folder (static quantisation), so that a score depends
on its picture alone; the others are what the two models are compared on. Needs the package onnx beside onnxruntime; what it writes does
not. Without VNNI (Intel before 2019, AMD before 2022) sums of 8-bit products saturate, and scores differ more.
"""

import argparse
import hashlib
import pathlib
import tempfile
import time
from collections.abc import Iterator, Sequence

import numpy as np
import yaml
from PIL import Image

from schemas.errors import JobError
from transforms.images.decode import sniff
from transforms.models.additions import with_additions
from transforms.models.image_spec import OnnxSpec, spec_of
from transforms.models.onnx_classifier import see
from transforms.models.preparation import prepare
from transforms.models.session import open_session

EVERY = 20  # one picture in so many is calibrated on
PERCENTILE = 99.99  # of the values of an activation that its range covers
LEAST = 10  # pictures to calibrate on


def quantise(spec: OnnxSpec, pictures: Sequence[pathlib.Path], out: pathlib.Path) -> OnnxSpec:
    """Writes the model in 8 bits, and beside it its spec as YAML.

    Args:
      spec: the model.
      pictures: files to calibrate on.
      out: the .onnx to write.

    Returns:
      The spec of what was written.

    Raises:
      JobError: there are fewer than `LEAST` pictures.
    """
    if len(pictures) < LEAST:
        raise JobError(f"--pictures: {len(pictures)} pictures to calibrate on are too few; one in {EVERY} is taken, and {LEAST} are needed")
    import onnxruntime
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    raw = pathlib.Path(spec.artefact().path).read_bytes()
    name = spec.input or open_session(spec.path, spec.sha256, spec.cure).get_inputs()[0].name
    with tempfile.TemporaryDirectory() as folder:
        folded = f"{folder}/folded.onnx"
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = folded
        onnxruntime.InferenceSession(with_additions(raw) or raw, options, providers=["CPUExecutionProvider"])
        quantize_static(
            folded, out, _Pictures(name, spec, pictures), quant_format=QuantFormat.QDQ, per_channel=True, weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8, calibrate_method=CalibrationMethod.Percentile,
            extra_options={"CalibPercentile": PERCENTILE},
        )  # fmt: skip
    found = spec.model_copy(
        update={
            "name": f"{spec.name}, int8",
            "path": str(out),
            "sha256": hashlib.sha256(out.read_bytes()).hexdigest(),
            "cure": OnnxSpec.model_fields["cure"].default,
        }
    )
    plain = found.model_dump(mode="json", exclude_defaults=True) | {"path": out.name}
    out.with_suffix(".yaml").write_text(yaml.safe_dump(plain, sort_keys=False))
    return found


class _Pictures:
    """What onnxruntime's calibration asks for pictures."""

    def __init__(self, name: str, spec: OnnxSpec, pictures: Sequence[pathlib.Path]) -> None:
        self._given = ({name: prepare(image, spec)[None]} for image in _images(pictures))

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._given, None)


def _images(pictures: Sequence[pathlib.Path]) -> Iterator[Image.Image]:
    from schemas.job import Decode
    from transforms.images.decode import decode_rgb

    return (decode_rgb(path.read_bytes(), Decode(), None) for path in pictures)


def compare(specs: Sequence[OnnxSpec], pictures: Sequence[pathlib.Path]) -> None:
    """Prints the differences between two models' scores, how many pictures are above each one's threshold, and pictures per CPU second."""
    scores: list[list[float]] = [[] for _ in specs]
    spent = [0.0 for _ in specs]
    for image in _images(pictures):
        for place, spec in enumerate(specs):
            start = time.process_time()
            scores[place].append(see(spec, image).score)
            spent[place] += time.process_time() - start
    first, other = (np.array(found) for found in scores)
    apart = np.abs(first - other)
    print(f"{len(apart):,} pictures: mean difference {apart.mean():.4f}, 99 % below {np.quantile(apart, 0.99):.4f}, most {apart.max():.4f}")
    changed = int(((first > specs[0].threshold) != (other > specs[1].threshold)).sum())
    print(f"above {specs[0].threshold:g}: {(first > specs[0].threshold).sum()} and {(other > specs[1].threshold).sum()}; {changed} changed")
    for spec, seconds in zip(specs, spent, strict=True):
        print(f"{spec.name}: {len(apart) / seconds:.1f} pictures per CPU second, preparation included")


def main(given: Sequence[str] | None = None) -> None:
    """Reads the arguments, writes the files, compares."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--model", required=True, help="open_nsfw, nudenet, or the path of a spec")
    arguments.add_argument("--pictures", required=True, type=pathlib.Path, help="a folder of pictures like those that will be scored")
    arguments.add_argument("--out", required=True, type=pathlib.Path, help="the .onnx to write")
    told = arguments.parse_args(given)
    pictures = [path for path in sorted(told.pictures.rglob("*")) if path.is_file() and sniff(path.read_bytes()[:32])]
    spec = spec_of(told.model)
    found = quantise(spec, pictures[::EVERY], told.out)
    compare([spec, found], [path for place, path in enumerate(pictures) if place % EVERY])


if __name__ == "__main__":
    main()
