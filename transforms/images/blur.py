"""Faces made unrecognisable in a picture file: boxes pixelated and blurred, side data that may stay and the colour profile kept.

Only a few dozen colours are left of a face: each box, with a tenth of its diagonal around it (Yang et al. 2022, A Study of Face Obfuscation
in ImageNet, section 3), is averaged in eight cells along its longer side, and their borders are smoothed. A blur without the averaging can
be undone in part. The rest of the picture is what the file showed, but for being written again.
"""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from PIL import Image, ImageFilter, PngImagePlugin

from schemas.job import Decode
from transforms.images.decode import decode_rgb, sniff
from transforms.images.metadata import read_metadata
from transforms.images.parts.exif import ORIENTATION, least_exif

MARGIN: Final = 0.1  # of the box's diagonal, on every side
CELLS: Final = 8
QUALITY: Final = 95
_WRITTEN: Final = {"jpeg": "JPEG", "webp": "WEBP"}  # all else becomes PNG


def blur_boxes(raw: bytes, boxes: Sequence[Mapping[str, int]]) -> bytes:
    """A picture file in which nothing can be made out inside the boxes.

    Args:
      raw: a picture that can be decoded, its side data scrubbed.
      boxes: `left`, `top`, `width`, `height` in pixels as displayed.

    Returns:
      JPEG (quality 95, colours at full resolution) and WebP stay what they are, all else becomes PNG; upright, one frame, RGB, on white.

    Raises:
      PictureError: it cannot be decoded.
    """
    image = decode_rgb(raw, Decode(max_pixels=1 << 40, max_bytes=len(raw)), None)  # it was within the job's own budget
    for box in boxes:
        _blur(image, box)
    out = io.BytesIO()
    kind = _WRITTEN.get(sniff(raw) or "", "PNG")
    image.save(out, kind, **_side_data(raw, kind), **({} if kind == "PNG" else {"quality": QUALITY}), **_SAVED.get(kind, {}))
    return out.getvalue()


_SAVED: Final[Mapping[str, dict[str, Any]]] = {"JPEG": {"subsampling": 0}}


def _blur(image: Image.Image, box: Mapping[str, int]) -> None:
    margin = math.ceil(MARGIN * math.hypot(box["width"], box["height"]))
    left, top = max(0, box["left"] - margin), max(0, box["top"] - margin)
    right, bottom = min(image.width, box["left"] + box["width"] + margin), min(image.height, box["top"] + box["height"] + margin)
    if right <= left or bottom <= top:
        return
    face = image.crop((left, top, right, bottom))
    cell = max(1, math.ceil(max(face.size) / CELLS))
    coarse = face.resize((math.ceil(face.width / cell), math.ceil(face.height / cell)), Image.Resampling.BOX)
    smooth = coarse.resize(face.size, Image.Resampling.NEAREST).filter(ImageFilter.GaussianBlur(cell / 2))
    image.paste(smooth, (left, top))


def _side_data(raw: bytes, kind: str) -> dict[str, Any]:
    """What of a file's side data goes into the new one: creator and notice, XMP, and the profile where it is one of RGB colours."""
    found = read_metadata(raw)
    kept: dict[str, Any] = {}
    exif = Image.Exif()
    for block in found.exif[:1]:
        exif.load(b"Exif\0\0" + least if (least := least_exif(block)) else b"")
        exif.pop(ORIENTATION, None)
        if len(exif):
            kept["exif"] = exif
    if found.xmp and kind != "PNG":
        kept["xmp"] = found.xmp[0]
    elif found.xmp:
        kept["pnginfo"] = PngImagePlugin.PngInfo()
        kept["pnginfo"].add_itxt("XML:com.adobe.xmp", found.xmp[0].decode("utf-8", "replace"))
    profile = _profile(raw)
    if profile[16:20] == b"RGB ":
        kept["icc_profile"] = profile
    return kept


def _profile(raw: bytes) -> bytes:
    try:
        with Image.open(io.BytesIO(raw), formats=("JPEG", "PNG", "WEBP", "TIFF", "GIF", "AVIF")) as image:
            return image.info.get("icc_profile") or b""
    except Exception:  # the pixels were decoded without looking at side data, which may be anything
        return b""
