"""What stands in a picture file after the picture's end: what cameras and phones leave there, or what has no place there.

Decoders stop at the end, so anything can follow: a file that is a JPEG to one program and an archive to another (a polyglot). What is
legitimate is told by what the picture itself announces, not by what the bytes look like:

* further JPEG pictures, where the first has an index of them (MPF: CIPA DC-007; ISO 21496-1 gain maps) or an XMP directory of them
  (Google's Container and Ultra HDR, GDepth);
* a video, where XMP announces a motion photo, or the blocks that Samsung's own motion photos have stand there;
* a block of a camera or of a photo program that its own marks close (ExifTool's list of trailers);
* padding: null bytes, white space, bytes 0xFF.

JPEG, PNG, GIF, WebP; of other formats nothing is looked for.
"""

import dataclasses
from collections.abc import Sequence
from typing import Final

from transforms.images.parts import jpeg
from transforms.images.parts.part import Part

PICTURES: Final = "announced pictures"
VIDEO: Final = "announced video"
CAMERA: Final = "camera block"
LEGITIMATE: Final = frozenset({PICTURES, VIDEO, CAMERA})
UNANNOUNCED: Final = "picture that nothing announces"
UNKNOWN: Final = "unknown"

_PADDING: Final = b"\0\xff \t\r\n"
_MOST_PICTURES: Final = 16
_JPEG: Final = b"\xff\xd8\xff"
_DIRECTORIES: Final = (b"ns.google.com/photos/1.0/container", b"ns.adobe.com/hdr-gain-map", b"ns.google.com/photos/1.0/depthmap")
_MOTION: Final = (b"MotionPhoto", b"MicroVideo")
_SAMSUNG_MOTION: Final = b"MotionPhoto_Data"
# What the last bytes of a block of a camera or program are, or its first: ExifTool, TagNames, "Trailer" and the modules it names.
_CLOSED_BY: Final = (b"SEFT", b"cbipcbbl", b"\xa1\xb2\xc3\xd4", b"CANON OPTIONAL DATA\0")
_CLOSED_BEFORE: Final = ((12, b"AXS!"), (12, b"AXS*"), (10, b"zmie"))  # so many bytes from the end
# First bytes of what other programs run or unpack; the first that fits names it.
_FORMATS: Final = (
    (b"PK\3\4", "zip"), (b"PK\5\6", "zip"), (b"Rar!\x1a\x07", "rar"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"\x1f\x8b\x08", "gzip"),
    (b"%PDF-", "pdf"), (b"\x7fELF", "program"), (b"MZ", "program"), (b"\xca\xfe\xba\xbe", "program"), (b"\xcf\xfa\xed\xfe", "program"),
    (b"\0asm", "program"), (b"#!", "script"), (b"<?php", "script"), (b"<script", "script"), (b"<!doctype html", "html"), (b"<html", "html"),
    (b"\x89PNG\r\n\x1a\n", "picture"), (b"GIF8", "picture"), (b"RIFF", "picture or sound"), (b"OggS", "sound"), (b"ID3", "sound"),
)  # fmt: skip
_ZIP_END: Final = b"PK\5\6"  # archives are read from their end; a comment of 64 KiB may follow it
_ZIP_TAIL: Final = (1 << 16) + 22
_EXAMINED: Final = 1 << 12


@dataclasses.dataclass(frozen=True, slots=True)
class Tail:
    """Bytes after the end of a picture.

    Attributes:
      size: how many, padding before them not counted.
      holds: what they are: `PICTURES`, `VIDEO` or `CAMERA`, which are legitimate; a kind of file; or `UNKNOWN`.
    """

    size: int
    holds: str


def after_end(raw: bytes, parts: Sequence[Part]) -> Tail | None:
    r"""What follows the end of a picture; None where nothing but padding does.

    Args:
      raw: the file.
      parts: its side data, as `transforms.images.metadata.parts_of` finds it.

    >>> picture = b"\xff\xd8\xff\xd9"
    >>> after_end(picture + b"PK\3\4 and so on", jpeg.find(picture + b"PK\3\4 and so on"))
    Tail(size=14, holds='zip')
    >>> after_end(picture + b"\0\0\r\n", jpeg.find(picture + b"\0\0\r\n"))
    """
    last = parts[-1] if parts else None
    if last is None or last.end != len(raw) or last.kind not in ("trailer", "second_picture"):
        return None
    end = len(raw)
    start = _begin(raw, last.start)
    if start == end:
        return None
    if kind := _foreign(raw, start):
        return Tail(end - start, kind)
    announced = any(part.kind == "second_picture_index" for part in parts) or _says(parts, _DIRECTORIES)
    at, pictures = start, 0
    while raw.startswith(_JPEG, at) and pictures < _MOST_PICTURES:
        at, pictures = _begin(raw, _jpeg_end(raw, at)), pictures + 1
    if pictures and not announced:
        return Tail(end - start, UNANNOUNCED)
    if at == end:
        return Tail(end - start, PICTURES)
    return Tail(end - at, _foreign(raw, at) or _rest(raw, at, parts))


def _rest(raw: bytes, at: int, parts: Sequence[Part]) -> str:
    """What neither a picture nor a known kind of file is."""
    closed = raw.endswith(_CLOSED_BY, at) or any(raw.startswith(mark, max(at, len(raw) - back)) for back, mark in _CLOSED_BEFORE)
    video = b"ftyp" in raw[at : at + 8]  # the null bytes in front of it, of its length, have been taken for padding
    if video and _says(parts, _MOTION):
        return VIDEO
    if closed:
        return CAMERA
    if _SAMSUNG_MOTION in raw[at : at + _EXAMINED]:
        return VIDEO
    return "video" if video else UNKNOWN


def _foreign(raw: bytes, start: int) -> str | None:
    """The kind of file that stands there, or an archive that ends there; None where it is none that is known."""
    head = raw[start : start + 16].lower()
    for mark, kind in _FORMATS:
        if head.startswith(mark.lower()):
            return kind
    return "zip" if raw.find(_ZIP_END, max(start, len(raw) - _ZIP_TAIL)) >= 0 else None


def _says(parts: Sequence[Part], marks: Sequence[bytes]) -> bool:
    return any(mark in part.payload for part in parts if part.kind in ("xmp", "xmp_extension") for mark in marks)


def _jpeg_end(raw: bytes, at: int) -> int:
    """Where the JPEG that begins there ends."""
    inner = jpeg.find(raw[at:])
    last = inner[-1] if inner else None
    follows = last is not None and last.kind in ("trailer", "second_picture") and last.end == len(raw) - at
    return at + last.start if last is not None and follows else len(raw)


def _begin(raw: bytes, start: int) -> int:
    """Where padding ends; the mark that a picture begins with is none."""
    begin = len(raw) - len(raw[start:].lstrip(_PADDING))
    return begin - 1 if begin > start and raw.startswith(_JPEG, begin - 1) else begin
