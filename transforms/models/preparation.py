"""How a picture is made ready for a model: resize, JPEG round trip, crop, channel order, `(value - mean) / std`, layout."""

import functools
from typing import Annotated, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from schemas.job import Phase, Section, key
from transforms.images.view import Resample, View

Triple = Annotated[tuple[float, float, float], Field(strict=False)]


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
    resample: Resample = key(
        Phase.ANNOTATE, "Pillow's bilinear, bicubic (CLIP's own), lanczos or nearest; opencv: its INTER_LINEAR", "bilinear"
    )
    jpeg_roundtrip: bool = key(Phase.ANNOTATE, "write the resized picture as JPEG and read it again", default=False)
    channels: Literal["rgb", "bgr"] = key(Phase.ANNOTATE, "order of the channels", "rgb")
    white: float = key(Phase.ANNOTATE, "what white is before `mean` is subtracted: 255, or 1", 255.0, gt=0)
    mean: Triple = key(Phase.ANNOTATE, "subtracted, in the order of `channels`", (0.0, 0.0, 0.0))
    std: Triple = key(Phase.ANNOTATE, "divided by after `mean` is subtracted", (1.0, 1.0, 1.0))
    layout: Literal["nhwc", "nchw"] = key(Phase.ANNOTATE, "order of the input's axes", "nchw")

    @property
    def view(self) -> View:
        """The square of pixels that it asks for."""
        return View(self.size, self.resize, self.resize_to or self.size, self.resample, self.jpeg_roundtrip)

    @property
    def least(self) -> int | None:
        """The side that a decoded picture needs at least, pixels; None: the full size."""
        return self.view.least


def prepare(image: Image.Image, wanted: Preparation) -> np.ndarray:
    """A picture (mode RGB) as the model sees it: float32 [size, size, 3], or [3, size, size] where the layout is nchw."""
    return prepared(wanted.view.pixels(image), wanted)


def prepared(pixels: np.ndarray, wanted: Preparation) -> np.ndarray:
    """The same of the square of pixels that `wanted.view` makes, uint8 [size, size, 3]."""
    last = wanted.layout == "nhwc"
    found = np.empty(pixels.shape if last else (3, *pixels.shape[:2]), np.float32)
    for channel, values in enumerate(_values(wanted.white, wanted.mean, wanted.std)):
        place = channel if wanted.channels == "rgb" else 2 - channel
        np.take(values, pixels[..., place], out=found[..., channel] if last else found[channel])
    return found


@functools.lru_cache(maxsize=8)
def _values(white: float, mean: Triple, std: Triple) -> np.ndarray:
    """What a model is given for each channel, in its order, and each of the 256 values: float32 [3, 256]."""
    levels = np.arange(256) * (white / 255)
    return ((levels - np.array(mean)[:, None]) / np.array(std)[:, None]).astype(np.float32)
