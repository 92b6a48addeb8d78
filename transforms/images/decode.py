"""Pictures opened from untrusted bytes: a closed list of formats, a budget before any pixel, one rule for what is readable.

A picture is readable when all its pixels are there: the same in both modes and for every format. Colours are laid out as a viewer shows
them: EXIF orientation applied, transparency on white, 16 bits scaled by 257, CMYK converted. Side data (EXIF, profiles, text) is not
looked at but for the orientation, so it cannot cost the picture.
"""

import dataclasses
import io
import warnings
from collections.abc import Mapping, Sequence
from typing import IO, Literal, cast

import numpy as np
from PIL import AvifImagePlugin, BmpImagePlugin, GifImagePlugin, Image, ImageFile, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from schemas.job import Decode
from schemas.reasons import ANIMATED, CUT_SUSPECTED, TRUNCATED_TAIL
from transforms.images.chroma import NO_CHROMA, chroma, luma_and_chroma
from transforms.images.cut import looks_cut
from transforms.images.drawn import may_be_product
from transforms.images.header import EXTENSIONS, Header, PictureError, exif_orientation, read_header, sniff
from transforms.images.hues import kinds, of_own_colours, on_neutral_ground, shows_light_ground, shows_white
from transforms.images.jpeg import decode_jpeg
from transforms.images.png import BarePng
from transforms.images.resample import Box, deviation
from transforms.images.thumbnail import border, hashed, hashed_exactly, thumbnail
from transforms.images.view import View

__all__ = ["EXTENSIONS", "Picture", "PictureError", "decode_rgb", "open_picture", "sniff"]

LEAST = 144  # pixels, three for each of the thumbnail: no side is reduced below this; under four times this after reduction
_RUN_LENGTH_BYTES = 1 << 22  # Pillow reads run-length BMP in Python, 0.3 us a byte

# The plugins themselves, not Image.open: no other format can be tried, and no process-wide pixel limit warns or raises.
_PLUGINS: dict[str, type[ImageFile.ImageFile]] = {
    "png": PngImagePlugin.PngImageFile, "webp": WebPImagePlugin.WebPImageFile, "gif": GifImagePlugin.GifImageFile,
    "bmp": BmpImagePlugin.BmpImageFile, "tiff": TiffImagePlugin.TiffImageFile, "avif": AvifImagePlugin.AvifImageFile,
}  # fmt: skip
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Picture:
    """A decoded picture, small enough that a thousand of them fit in memory.

    Attributes:
      format: key of `EXTENSIONS`.
      width: pixels as displayed.
      height: pixels as displayed.
      flags: `animated`, `truncated_tail`, `cut_suspected`, or none.
      grey: uint8 [rows, columns], luma as displayed; reduced by whole factors (JPEG: by the decoder), no side below 144 pixels, none
        above 575.
      deviation: standard deviation of `grey`, 0 to 127.5.
      box: of `grey`, without its border: left, top, right, bottom.
      small: uint8 [2, 32, 32], the whole picture and the one without its border, from all pixels in mode `exact`, else from `grey`.
      thumbnail: uint8 [48, 48], without border, from `grey` in either mode.
      chroma: int8 [2, 64], of what the thumbnail shows.
      white: whether white is in or around it, or a light ground that is neutral.
      hued: whether its hues say something: it is white in that sense, or may be a product and has colours of its own.
      seen: what the models see that were asked for, where the colours were decoded anyway: never of a JPEG.
    """

    format: str
    width: int
    height: int
    flags: tuple[str, ...]
    grey: np.ndarray
    deviation: float
    box: Box
    small: np.ndarray
    thumbnail: np.ndarray
    chroma: np.ndarray
    white: bool
    hued: bool
    seen: Mapping[View, np.ndarray] = dataclasses.field(default_factory=dict)


def open_picture(raw: bytes, budget: Decode, mode: Literal["fast", "exact"], views: Sequence[View] = ()) -> Picture:
    """Opens a picture from its bytes.

    Args:
      raw: the file as read.
      budget: pixels and bytes it may have, checked before a pixel is decoded.
      mode: `fast` decodes JPEG at a reduced scale; `exact` also decodes it fully, so that perceptual hashes are those of all pixels.
      views: how models see pictures.

    Raises:
      PictureError: it cannot be opened; the message is the reason. Nothing else is raised, whatever the bytes are.
    """
    kind, header = _checked(raw, budget)
    try:
        pixels, header, seen = _decoded(raw, kind, header, budget, views)
        luma, planes = _separated(pixels)
        grey = _reduced(luma)
        box = border(grey)
        if mode == "fast":
            small = hashed(grey, box)
        else:
            full = _as_image(_from_jpeg(raw, header, 0)[0]).convert("L") if kind == "jpeg" else Image.fromarray(luma)
            small = hashed_exactly(full, box, (grey.shape[1], grey.shape[0]))
        small_grey = thumbnail(grey, box)
        colours = NO_CHROMA if planes is None else chroma(planes, box, grey.shape[1], grey.shape[0])
        white, hued = _white_and_hued(colours, box, grey, small_grey)
    except PictureError:
        raise
    except Exception as error:  # a codec may raise anything over hostile bytes, and a picture is never worth a batch
        raise PictureError("truncated" if "truncated" in str(error).lower() else f"damaged {kind}") from error
    noticed = {ANIMATED: header.animated, TRUNCATED_TAIL: not header.ended, CUT_SUSPECTED: looks_cut(grey)}
    flags = tuple(word for word, holds in noticed.items() if holds)
    width, height = (header.height, header.width) if header.orientation > 4 else (header.width, header.height)
    return Picture(kind, width, height, flags, grey, deviation(grey), box, small, small_grey, colours, white, hued, seen)


def decode_rgb(raw: bytes, budget: Decode, least: int | None) -> Image.Image:
    """The picture in colour, mode RGB, as displayed: what a model looks at.

    Args:
      raw: the file as read.
      budget: pixels and bytes it may have.
      least: a JPEG may be decoded at a reduced scale that leaves no side shorter than this; None: full size.

    Raises:
      PictureError: it cannot be opened.
    """
    kind, header = _checked(raw, budget)
    try:
        if kind == "jpeg":
            return _as_image(_from_jpeg(raw, header, least or 0)[0]).convert("RGB")
        image, header = _opened(raw, kind, header, budget)
        return _turned(_plain(image), header.orientation).convert("RGB")
    except PictureError:
        raise
    except Exception as error:  # as in open_picture
        raise PictureError("truncated" if "truncated" in str(error).lower() else f"damaged {kind}") from error


def _checked(raw: bytes, budget: Decode) -> tuple[str, Header]:
    if not raw:
        raise PictureError("empty")
    if len(raw) > budget.max_bytes:
        raise PictureError("larger than max_bytes")
    kind = sniff(raw)
    if kind is None:
        raise PictureError("not a picture format we open")
    header = read_header(raw, kind)
    _affordable(header.width, header.height, budget)
    return kind, header


def _affordable(width: int, height: int, budget: Decode) -> None:
    if width * height > budget.max_pixels:
        raise PictureError(f"too many pixels: {width} x {height}")


def _from_jpeg(raw: bytes, header: Header, least: int) -> tuple[np.ndarray, Header]:
    """Pixels as displayed, no side shorter than `least` where that is not 0; and the header with what only the decoder knows."""
    pixels, cut = decode_jpeg(raw, least, progressive=header.progressive)
    if pixels.shape[2] == 4:
        pixels = np.asarray(Image.fromarray(255 - pixels, "CMYK").convert("RGB"))
    if header.orientation in _TURNS:
        pixels = _as_pixels(_turned(_as_image(pixels), header.orientation))
    return pixels, dataclasses.replace(header, ended=False) if cut else header


def _as_image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])


def _as_pixels(image: Image.Image) -> np.ndarray:
    return np.atleast_3d(np.asarray(image if image.mode == "L" else image.convert("RGB")))


def _decoded(
    raw: bytes, kind: str, header: Header, budget: Decode, views: Sequence[View]
) -> tuple[np.ndarray, Header, dict[View, np.ndarray]]:
    """Pixels as displayed, uint8 [rows, columns, 1 or 3]; what models see, where the decoder gives all of them."""
    if kind == "jpeg":
        return *_from_jpeg(raw, header, LEAST), {}
    image, header = _opened(raw, kind, header, budget)
    shown = _turned(_plain(image), header.orientation)
    colours = shown.convert("RGB") if views else shown
    return _as_pixels(colours), header, {view: view.pixels(colours) for view in views}


def _separated(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Luma, uint8 [rows, columns]; Cb and Cr, uint8 [2, rows, columns], where there are colours."""
    if pixels.shape[2] == 1:
        return pixels[:, :, 0], None
    planes = luma_and_chroma(pixels)
    return planes[0], planes[1:]


def _white_and_hued(colours: np.ndarray, box: Box, grey: np.ndarray, small: np.ndarray) -> tuple[bool, bool]:
    """Whether a picture shows white or a light ground that is neutral; and whether its hues say something."""
    if shows_white(grey, box, small):
        return True, True
    light = shows_light_ground(grey, box, small)
    if not light and not may_be_product(small):
        return False, False
    cells = kinds(colours)
    return (True, True) if light and on_neutral_ground(cells, small) else (False, of_own_colours(cells))


def _opened(raw: bytes, kind: str, header: Header, budget: Decode) -> tuple[Image.Image, Header]:
    """A loaded picture, not yet turned, and its header with what only the decoder knows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd TIFF tags
        image = _PLUGINS[kind](cast("IO[bytes]", BarePng(raw)) if kind == "png" else io.BytesIO(raw))
        _affordable(*image.size, budget)
        if kind == "bmp" and image.tile[0].codec_name == "bmp_rle" and len(raw) > _RUN_LENGTH_BYTES:
            raise PictureError("run-length bmp larger than 4 MiB")
        if kind == "tiff":
            for tag in (TiffImagePlugin.TILEWIDTH, TiffImagePlugin.TILELENGTH):
                _affordable(image.tag_v2.get(tag, 0), 1, budget)  # type: ignore[attr-defined]
        image.load()
    if kind == "avif":
        turned = exif_orientation(image.info.get("exif", b""))
        header = dataclasses.replace(header, orientation=turned, animated=getattr(image, "n_frames", 1) > 1)
    return image, dataclasses.replace(header, width=image.width, height=image.height)


def _plain(image: Image.Image) -> Image.Image:
    """The picture with 8 bits a sample and nothing to see through: laid on white where it is transparent."""
    if image.mode.startswith("I;16"):
        samples = np.asarray(image).astype(np.uint32)
        see_through = image.info.get("transparency")
        grey = ((samples + 128) // 257).astype(np.uint8)
        return Image.fromarray(np.where(samples == see_through, 255, grey).astype(np.uint8) if isinstance(see_through, int) else grey)
    if image.mode in ("I", "F"):
        return Image.fromarray(_stretched(np.asarray(image, np.float64)))
    if image.mode == "LAB":
        return image.getchannel("L")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image.convert("RGBA"))
        return white.convert("RGB")
    return image


def _stretched(samples: np.ndarray) -> np.ndarray:
    """32-bit samples, which have no white of their own, from the least to the greatest on 0 to 255."""
    finite = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    least, span = finite.min(), np.ptp(finite)
    return np.rint((finite - least) * (255 / span if span else 0)).astype(np.uint8)


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def _reduced(luma: np.ndarray) -> np.ndarray:
    factors = max(1, luma.shape[1] // (2 * LEAST)), max(1, luma.shape[0] // (2 * LEAST))
    return luma if factors == (1, 1) else np.array(Image.fromarray(luma).reduce(factors))
