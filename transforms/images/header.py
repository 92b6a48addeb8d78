"""What a picture's bytes say before a pixel is decoded: format, size, orientation, animated or not, end mark there or not.

Nothing here allocates by what a header claims, inflates a chunk, or follows a pointer out of the bytes.
"""

import dataclasses
import re
import struct
from collections.abc import Iterator
from typing import Final

# Format by content -> extension of a published file.
EXTENSIONS: Final = {"jpeg": "jpg", "png": "png", "webp": "webp", "gif": "gif", "bmp": "bmp", "tiff": "tif", "avif": "avif"}

PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"
_TIFF_MAGIC: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_WEBP_EXIF: Final = 0x08
_ORIENTATION_TAG: Final = 0x0112
_EXIF_ORDER: Final = {b"II*\0": "<", b"II\0*": "<", b"MM\0*": ">", b"MM*\0": ">", b"MM\0+": ">"}
_EXIF_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}  # bytes of a value, by type
_EXIF_NUMBERS: Final = {3: "H", 4: "I", 5: "II", 6: "b", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d", 13: "I", 16: "Q"}
SIZED: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15: ITU-T T.81, table B.1
SCAN: Final = 0xDA
_PROGRESSIVE: Final = (0xC2, 0xC6, 0xCA, 0xCE)
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_IN_SCAN: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


class PictureError(Exception):
    """A picture that cannot be opened; the message is a short reason that quotes none of its bytes."""


@dataclasses.dataclass(frozen=True)
class Header:
    """What is known of a picture without decoding it.

    Attributes:
      width: pixels as stored; 0 where only the decoder can tell (BMP, TIFF, AVIF).
      height: likewise.
      orientation: EXIF orientation 1 to 8 that a viewer applies; 1 where there is none.
      animated: more than one frame.
      ended: the end mark is there, or the format has none; of a JPEG only the decoder can tell.
      progressive: a JPEG whose scans refine each other.
    """

    width: int = 0
    height: int = 0
    orientation: int = 1
    animated: bool = False
    ended: bool = True
    progressive: bool = False


def sniff(raw: bytes) -> str | None:
    """The format by content, a key of `EXTENSIONS`; None for anything that is not on this closed list.

    >>> sniff(b"GIF89a..."), sniff(b"%!PS-Adobe-3.0 EPSF-3.0")
    ('gif', None)
    """
    if raw[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if raw[:8] == PNG_MAGIC:
        return "png"
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return "webp"
    if raw[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if raw[:4] in _TIFF_MAGIC:
        return "tiff"
    if raw[4:8] == b"ftyp":
        brands = raw[8 : min(int.from_bytes(raw[:4], "big"), 256)]
        return "avif" if any(brands[at : at + 4] in (b"avif", b"avis") for at in range(0, len(brands), 4)) else None
    return "bmp" if raw[:2] == b"BM" else None


def read_header(raw: bytes, kind: str) -> Header:
    """What the bytes of a picture of this format say.

    Raises:
      PictureError: the part that says how large the picture is cannot be read.
    """
    reader = {"jpeg": _jpeg, "png": _png, "webp": _webp, "gif": _gif}.get(kind)
    if reader is None:
        return Header()
    try:
        return reader(raw)
    except (struct.error, IndexError) as error:
        raise PictureError("truncated") from error


def exif_orientation(exif: bytes) -> int:
    r"""The orientation, 1 to 8, of an EXIF block; 1 where there is none or what stands there is no orientation.

    >>> exif_orientation(b"II*\0" + struct.pack("<IHHHIHH", 8, 1, 0x0112, 3, 1, 6, 0))
    6
    >>> exif_orientation(b"junk")
    1
    """
    return stated_orientation(exif) or 1


def stated_orientation(exif: bytes) -> int | None:
    r"""The orientation that an EXIF block states, as Pillow 12 reads it: 1 to 8, 1 for what is no orientation, None where there is none.

    Of the first directory (Exif 2.32, section 4.6) the last entry counts, and none that follows one whose value lies outside the block: the
    many readers that are made of Pillow see a published picture as Winnow has decoded it, however broken its EXIF is.
    """
    while exif[:6] == b"Exif\0\0":
        exif = exif[6:]
    order = _EXIF_ORDER.get(exif[:4])
    if order is None or len(exif) < 10:
        return None
    start = struct.unpack_from(order + "I", exif, 4)[0]
    if start + 2 > len(exif):
        return None
    entries, found = struct.unpack_from(order + "H", exif, start)[0], None
    end = start + 2 + 12 * min(entries, (len(exif) - start - 2) // 12)
    for at, (tag, kind, count, offset) in enumerate(struct.iter_unpack(order + "HHII", exif[start + 2 : end])):
        size = _EXIF_SIZES.get(kind, 0) * count
        if size > 4 and offset + size > len(exif):
            break
        if tag == _ORIENTATION_TAG and size:
            found = _orientation(exif, order, kind, offset if size > 4 else start + 10 + 12 * at)
    return found


def _orientation(exif: bytes, order: str, kind: int, at: int) -> int:
    form = _EXIF_NUMBERS.get(kind)
    if form is None:
        return 1
    value, *rest = struct.unpack_from(order + form, exif, at)
    return next((number for number in range(1, 9) if value == number * (rest[0] if rest else 1) and value), 1)


def png_chunks(raw: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Chunks of a PNG to IEND or to the end of the bytes: (type, offset of the data, length of the data that is there)."""
    at = len(PNG_MAGIC)
    while at + 8 <= len(raw):
        length, kind = int.from_bytes(raw[at : at + 4], "big"), raw[at + 4 : at + 8]
        yield kind, at + 8, min(length, len(raw) - at - 8)
        if kind == b"IEND":
            return
        at += 12 + length


def jpeg_segments(raw: bytes) -> Iterator[tuple[int, int, int]]:
    """Segments of a JPEG up to its first scan, that one included: (marker, offset of the data, length of the data it claims)."""
    at = 2
    while 0 <= (at := raw.find(b"\xff", at)) < len(raw) - 3:
        marker = raw[at + 1]
        if marker == 0xD9:
            return
        if marker == 0xFF:
            at += 1
        elif marker == 0 or marker in _BARE:
            at += 2
        else:
            length = max(2, int.from_bytes(raw[at + 2 : at + 4], "big"))
            yield marker, at + 4, length - 2
            if marker == SCAN:
                return
            at += 2 + length


def jpeg_scans(raw: bytes) -> tuple[int, int | None]:
    """How many scans a JPEG has up to its end mark, and the offset of that mark; None where there is none."""
    at, scans = 2, 0
    while 0 <= at < len(raw) - 1:
        if raw[at] != 0xFF:
            at = raw.find(b"\xff", at)
            continue
        marker = raw[at + 1]
        if marker == 0xD9:
            return scans, at
        if marker in (0x00, 0xFF) or marker in _BARE:
            at += 1 if marker == 0xFF else 2
            continue
        at += 2 + int.from_bytes(raw[at + 2 : at + 4], "big")
        if marker == 0xDA:
            scans += 1
            found = _IN_SCAN.search(raw, at)
            at = found.start() if found else -1
    return scans, None


def _jpeg(raw: bytes) -> Header:
    found, exif = None, b""
    for marker, at, length in jpeg_segments(raw):
        if marker in SIZED and found is None:
            height, width = struct.unpack_from(">HH", raw, at + 1)
            found = Header(width, height, progressive=marker in _PROGRESSIVE)
        elif marker == 0xE1 and raw[at : at + 6] == b"Exif\0\0":  # what follows in further segments continues the first one
            exif += raw[at + 6 : at + length]
    if found is None:
        raise PictureError("truncated" if b"\xff\xd9" not in raw else "damaged jpeg")
    return dataclasses.replace(found, orientation=exif_orientation(exif)) if exif else found


def _png(raw: bytes) -> Header:
    if raw[12:16] != b"IHDR":
        raise PictureError("damaged png")
    width, height = struct.unpack_from(">II", raw, 16)
    orientation, frames, ended, seen = 1, 0, False, False
    for kind, at, length in png_chunks(raw):
        if kind == b"eXIf":
            orientation = exif_orientation(raw[at : at + length])
        elif kind == b"acTL" and not seen and length == 8:
            frames = int.from_bytes(raw[at : at + 4], "big")
        seen |= kind == b"IDAT"
        ended |= kind == b"IEND"
    return Header(width, height, orientation, frames > 1, ended)


def _webp(raw: bytes) -> Header:
    at, width, height, orientation, frames, told = 12, 0, 0, 1, 0, False
    ended = len(raw) >= 8 + struct.unpack_from("<I", raw, 4)[0]
    while at + 8 <= len(raw):
        kind, length = raw[at : at + 4], struct.unpack_from("<I", raw, at + 4)[0]
        data = at + 8
        if kind == b"VP8X":
            width, height = 1 + int.from_bytes(raw[data + 4 : data + 7], "little"), 1 + int.from_bytes(raw[data + 7 : data + 10], "little")
            told = bool(raw[data] & _WEBP_EXIF)
        elif kind == b"VP8 " and not width:
            width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", raw, data + 6))
        elif kind == b"VP8L" and not width:
            bits = struct.unpack_from("<I", raw, data + 1)[0]
            width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        elif kind == b"EXIF" and told:  # of several the first, where the head says that there is one
            orientation, told = exif_orientation(raw[data : data + length]), False
        frames += kind == b"ANMF"
        at = data + length + (length & 1)
    if not width:
        raise PictureError("truncated" if not ended else "damaged webp")
    return Header(width, height, orientation, frames > 1, ended)


def _gif(raw: bytes) -> Header:
    width, height, packed = struct.unpack_from("<HHB", raw, 6)
    at, frames, ended = 13 + (3 << (packed & 7) + 1 if packed & 0x80 else 0), 0, False
    while at < len(raw) and not ended:
        block = raw[at]
        at += 1
        if block == 0x3B:
            ended = True
        elif block in (0x21, 0x2C):
            if block == 0x2C:
                frames += 1
                local = raw[at + 8] if at + 8 < len(raw) else 0
                at += 10 + (3 << (local & 7) + 1 if local & 0x80 else 0)
            else:
                at += 1
            while at < len(raw) and raw[at]:
                at += raw[at] + 1
            at += 1
    return Header(width, height, 1, frames > 1, ended)
