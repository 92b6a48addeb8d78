"""A picture as a classifier sees it: resized, cropped or padded to a square of pixels, and through JPEG once more where training data were.

Two ways to shrink: Pillow's filters, which look at every pixel, and OpenCV's `INTER_LINEAR`, which looks at four, since many networks were
trained on what it gives. Made here to the bit, so that neither package is needed for the other's models.
"""

import dataclasses
import io
from typing import Literal

import numpy as np
from PIL import Image

_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS,
    "nearest": Image.Resampling.NEAREST,
}  # fmt: skip
Resample = Literal["bilinear", "bicubic", "lanczos", "nearest", "opencv"]
_ONE = 2048  # OpenCV's fixed-point weights: INTER_RESIZE_COEF_BITS is 11


@dataclasses.dataclass(frozen=True)
class View:
    """How a picture becomes the square that a model sees; hashable, since models may share one.

    Attributes:
      size: side of the square, pixels.
      resize: `stretch`: both sides; `crop`: the shorter side, then the middle; `pad`: black at the right or below, then both sides.
      resize_to: side to resize to, of which the middle `size` is cut out.
      resample: Pillow's filter, or `opencv` (its INTER_LINEAR).
      jpeg_roundtrip: whether the resized picture is written as JPEG (Pillow's quality 75) and read again.
    """

    size: int
    resize: Literal["stretch", "crop", "pad"] = "crop"
    resize_to: int = 0
    resample: Resample = "bilinear"
    jpeg_roundtrip: bool = False

    @property
    def least(self) -> int | None:
        """Pixels that the shorter side must keep where a JPEG is decoded at a reduced scale; None where four pixels stand for all.

        Four times what is wanted: up to 2,046 pixels Open-NSFW scores as from the full size, beyond that within 0.001 of it.
        """
        return None if self.resample in ("opencv", "nearest") else 4 * (self.resize_to or self.size)

    def pixels(self, image: Image.Image) -> np.ndarray:
        """The square, uint8 [size, size, 3], of a picture in mode RGB.

        >>> View(2, "pad", resample="nearest").pixels(Image.new("RGB", (4, 2), "white"))[:, :, 0].tolist()
        [[255, 255], [0, 0]]
        """
        side = self.resize_to or self.size
        wide, high = side, side
        if self.resize == "crop":
            image = _no_longer(image)
            by = side / min(image.size)
            wide, high = (max(side, round(length * by)) for length in image.size)
        if self.resample == "opencv":
            found = sampled(np.asarray(image), wide, high, max(image.size) if self.resize == "pad" else None)
        elif self.resize == "pad":
            found = np.zeros((side, side, 3), np.uint8)
            by = side / max(image.size)
            inner = image.resize((max(1, round(image.width * by)), max(1, round(image.height * by))), _FILTERS[self.resample])
            found[: inner.height, : inner.width] = np.asarray(inner)
        else:
            found = np.asarray(image.resize((wide, high), _FILTERS[self.resample]))
        if self.jpeg_roundtrip:
            found = _through_jpeg(found)
        top, left = (high - self.size) // 2, (wide - self.size) // 2
        return np.ascontiguousarray(found[top : top + self.size, left : left + self.size])


def sampled(pixels: np.ndarray, width: int, height: int, square: int | None = None) -> np.ndarray:
    """OpenCV's `resize(..., INTER_LINEAR)` of 8-bit pixels, bit for bit: between four pixels, with weights of eleven bits.

    Args:
      pixels: uint8 [rows, columns, channels].
      width: columns of the result.
      height: its rows.
      square: side of a black square in whose upper left corner the pixels lie; None: there is nothing but the pixels.

    >>> sampled(np.array([[[0], [100]]], np.uint8), 4, 1)[0, :, 0].tolist()
    [0, 25, 75, 100]
    """
    left, right, to_left, to_right = _between(pixels.shape[1], square, width, across=True)
    above, below, to_above, to_below = _between(pixels.shape[0], square, height, across=False)

    def across(rows: np.ndarray) -> np.ndarray:
        found = pixels[rows]
        return (found.take(left, axis=1) * to_left[:, None] + found.take(right, axis=1) * to_right[:, None]) >> 4

    upper = (to_above[:, None, None] * across(above)) >> 16
    lower = (to_below[:, None, None] * across(below)) >> 16
    return ((upper + lower + 2) >> 2).astype(np.uint8)


def _between(length: int, square: int | None, wanted: int, *, across: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """For each of `wanted` places the two of `length` that it lies between, int64, and their weights of `_ONE`, int32; black weighs 0.

    Beyond the edge OpenCV gives all weight to one column, and shares it between a row and itself, which rounds otherwise.
    """
    whole = square or length
    at = ((np.arange(wanted) + 0.5) * (whole / wanted) - 0.5).astype(np.float32)
    part = at - np.floor(at)
    first = np.floor(at).astype(np.int64)
    if across:
        part[(first < 0) | (first >= whole - 1)] = 0
    first, second = np.clip(first, 0, whole - 1), np.clip(first + 1, 0, whole - 1)
    weights = [np.where(place < length, np.rint(share * _ONE), 0).astype(np.int32) for place, share in ((first, 1 - part), (second, part))]
    return np.minimum(first, length - 1), np.minimum(second, length - 1), weights[0], weights[1]


def _no_longer(image: Image.Image) -> Image.Image:
    """The middle of a picture, no side of which is more than eight times the other: all that a crop can reach, and never huge resized."""
    width, height = image.size
    wide, high = min(width, 8 * height), min(height, 8 * width)
    left, top = (width - wide) // 2, (height - high) // 2
    return image if (wide, high) == (width, height) else image.crop((left, top, left + wide, top + high))


def _through_jpeg(pixels: np.ndarray) -> np.ndarray:
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "JPEG")
    return np.asarray(Image.open(written).convert("RGB"))
