"""JPEG to pixels, at a reduced scale where less is asked for, by one rule on what is missing.

libjpeg fills what a cut file lacks with grey and warns. Here a JPEG is readable when all its pixels are there, whether or not its end
mark is: its entropy-coded data must last to the last block. Where libjpeg warns of something else first, and so hides whether data ran
out, the picture is decoded with two different continuations: what follows cannot change the pixels exactly when all of them are there.
"""

from collections.abc import Iterator

import numpy as np
import simplejpeg

from transforms.images.header import SCAN, SIZED, PictureError, jpeg_scans, jpeg_segments

_END = b"\xff\xd9"
_SCANS = 200  # a progressive picture has about ten; each costs a pass over all blocks, however few its bytes
_NOISE = bytes([0x6A, 0xB5, 0x93, 0x5C])
_RESTARTS = b"".join(bytes([0xFF, 0xD0 + at % 8]) + 4 * _NOISE for at in range(32))
_CONTINUATIONS = (_END, 256 * _NOISE + _RESTARTS + _END)
_TABLES = SIZED | {0xC4, 0xCC, 0xDB, 0xDD}  # frame, DHT, DAC, DQT, DRI
_CUT = ("Premature end of JPEG file", "premature end of data segment")


def decode_jpeg(raw: bytes, least: int, *, progressive: bool) -> tuple[np.ndarray, bool]:
    """Pixels of the first picture, as stored, and whether the end mark is missing.

    Args:
      raw: the file.
      least: no side gets shorter than this by decoding at half, a quarter or an eighth of the size, for which libjpeg has fast transforms;
        0: full size.
      progressive: whether it is one: only then can a few bytes ask for a pass over all blocks.

    Returns:
      uint8 [height, width, channels], luma, RGB or CMYK, the last as it is stored (Adobe: inverted); True where the end mark is missing but
      no pixel is.

    Raises:
      PictureError: pixels are missing, or it is no JPEG that libjpeg reads.
    """
    if progressive:
        _affordable(raw)
    wanted = _wanted(raw, least)
    pixels, problem = _attempt(raw, wanted)
    if pixels is None and not problem.endswith(_CUT):
        raw = b"".join(_bare(raw))
        pixels, problem = _attempt(raw, wanted)
    if pixels is not None:
        return pixels, False
    end = jpeg_scans(raw)[1]
    if end is None:
        pixels, problem = _attempt(raw + _END, wanted)
        if pixels is not None:
            return pixels, True
    if problem.endswith(_CUT):
        raise PictureError("truncated")
    _affordable(raw)
    body = raw if end is None else raw[:end]
    one, other = (_attempt(body + tail, wanted, strict=False)[0] for tail in _CONTINUATIONS)
    if one is None or other is None:
        raise PictureError("truncated" if end is None else "damaged jpeg")
    if not np.array_equal(one, other):
        raise PictureError("truncated")
    return one, end is None


def _bare(raw: bytes) -> Iterator[bytes]:
    """The file without what no pixel depends on before its first scan: application data, comments, bytes between segments."""
    yield raw[:2]
    for marker, at, length in jpeg_segments(raw):
        if marker == SCAN:
            yield raw[at - 4 :]
        elif marker in _TABLES or (raw[at : at + 5] in (b"JFIF\0", b"Adobe") and length >= 12):
            yield raw[at - 4 : at + length]


def _affordable(raw: bytes) -> None:
    if raw.count(b"\xff\xda") > _SCANS and jpeg_scans(raw)[0] > _SCANS:
        raise PictureError("too many scans")


def _wanted(raw: bytes, least: int) -> tuple[str, int, int]:
    """What the decoder is asked for: the colour space, and the height and width at the scale it shall decode at."""
    try:
        height, width, stored, _ = simplejpeg.decode_jpeg_header(raw, strict=False)
    except (ValueError, KeyError) as error:  # KeyError: simplejpeg's, where there are no tables to go by
        raise PictureError("truncated" if jpeg_scans(raw)[1] is None else "damaged jpeg") from error
    parts = next((parts for parts in (8, 4, 2) if least and min(height, width) > parts * (least - 1)), 1)
    space = "CMYK" if stored in ("CMYK", "YCCK") else "GRAY" if stored == "Gray" else "RGB"
    return space, -(-height // parts), -(-width // parts)


def _attempt(raw: bytes, wanted: tuple[str, int, int], *, strict: bool = True) -> tuple[np.ndarray | None, str]:
    space, height, width = wanted
    try:
        return simplejpeg.decode_jpeg(raw, space, min_height=height, min_width=width, strict=strict), ""
    except ValueError as error:
        return None, str(error)
