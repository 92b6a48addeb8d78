"""How a picture is made ready for a model: resize, JPEG round trip, crop, channel order, `(value - mean) * scale`, layout."""

import io
from typing import Annotated, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from schemas.job import Phase, Section, key

Triple = Annotated[tuple[float, float, float], Field(strict=False)]

_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


class Preparation(Section):
    """What a model wants to see of a picture; the part of a spec that classifiers and encoders share."""

    size: int = key(Phase.ANNOTATE, "side of the square that the model sees, pixels", gt=0, le=4096)
    resize: Literal["stretch", "crop", "pad"] = key(
        Phase.ANNOTATE,
        "stretch: both sides; crop: the shorter side, then the middle; pad: black at the right or below, then both sides",
        "crop",
    )
    resize_to: int | None = key(
        Phase.ANNOTATE, "side to resize to, of which the middle `size` is cut out; null: `size`", None, gt=0, le=4096
    )
    resample: Literal["bilinear", "bicubic"] = key(Phase.ANNOTATE, "how pixels are weighed; CLIP's own is bicubic", "bilinear")
    jpeg_roundtrip: bool = key(Phase.ANNOTATE, "write the resized picture as JPEG and read it again", default=False)
    channels: Literal["rgb", "bgr"] = key(Phase.ANNOTATE, "order of the channels", "rgb")
    mean: Triple = key(Phase.ANNOTATE, "subtracted from values 0 to 255, in the order of `channels`", (0.0, 0.0, 0.0))
    scale: Triple = key(Phase.ANNOTATE, "multiplied after `mean` is subtracted", (1.0, 1.0, 1.0))
    layout: Literal["nhwc", "nchw"] = key(Phase.ANNOTATE, "order of the input's axes", "nchw")

    @property
    def least(self) -> int:
        """The side that a decoded picture needs at least, pixels."""
        return self.resize_to or self.size


def prepare(image: Image.Image, wanted: Preparation) -> np.ndarray:
    """A picture (mode RGB) as the model sees it: float32 [size, size, 3], or [3, size, size] where the layout is nchw."""
    resized = _resized(image, wanted)
    if wanted.jpeg_roundtrip:
        written = io.BytesIO()
        resized.save(written, "JPEG")
        resized = Image.open(written).convert("RGB")
    pixels = np.asarray(resized, dtype=np.float32)
    top, left = ((side - wanted.size) // 2 for side in pixels.shape[:2])
    pixels = pixels[top : top + wanted.size, left : left + wanted.size]
    if wanted.channels == "bgr":
        pixels = pixels[..., ::-1]
    seen = (pixels - np.array(wanted.mean, np.float32)) * np.array(wanted.scale, np.float32)
    return np.ascontiguousarray(seen if wanted.layout == "nhwc" else seen.transpose(2, 0, 1))


def _resized(image: Image.Image, wanted: Preparation) -> Image.Image:
    """At least `least` pixels each way: exactly so, but for the longer side where the middle is to be cut out."""
    width, height = image.size
    side, how = wanted.least, _FILTERS[wanted.resample]
    if wanted.resize == "pad":
        square = Image.new("RGB", (max(width, height),) * 2)
        square.paste(image)
        return square.resize((side, side), how)
    if wanted.resize == "crop":
        by = side / min(width, height)
        return image.resize((max(side, round(width * by)), max(side, round(height * by))), how)
    return image.resize((side, side), how)
