"""Side data in a PNG: eXIf, text chunks, C2PA, chunks nobody knows, and what follows IEND. PNG (third edition), section 11.3."""

import re
import struct
import zlib

from transforms.images.header import PNG_MAGIC
from transforms.images.parts.part import Part

INFLATED = 8 << 20  # bytes that all compressed texts of a picture may have together
XMP = "XML:com.adobe.xmp"
_PROFILE = "Raw profile type "
_TYPE = re.compile(rb"\w{4}")
_END = b"\0\0\0\0IEND\xaeB`\x82"
# Registered and well-known chunks that say how a picture looks, and nothing of a person.
_PLAIN = frozenset({
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"bKGD", b"hIST",
    b"pHYs", b"sPLT", b"tIME", b"acTL", b"fcTL", b"fdAT", b"oFFs", b"pCAL", b"sCAL", b"sTER", b"gIFg", b"iDOT", b"vpAg", b"caNv", b"orNT",
    b"CgBI",
})  # fmt: skip


def find(raw: bytes) -> list[Part]:
    """The side data of a PNG, in the order of the file. A chunk that claims more bytes than there are ends the walk."""
    parts: list[Part] = []
    budget, pixels = INFLATED, None
    at = len(PNG_MAGIC)
    while at + 8 <= len(raw):
        length, kind = int.from_bytes(raw[at : at + 4], "big"), raw[at + 4 : at + 8]
        end = at + 12 + length
        if not _TYPE.fullmatch(kind) and at > (pixels := raw.rfind(b"IDAT") if pixels is None else pixels):
            end = raw.find(_END, at)  # readers stop here: no frame that follows is shown
            end = len(raw) if end < 0 else end
            parts.append(Part("unparsable", at, end, b""))
        elif kind not in _PLAIN:
            if end > len(raw):
                parts.append(Part("unparsable", at, len(raw), b""))
                break
            part, spent = _chunk(kind, raw, at, end, budget)
            budget -= spent
            parts.append(part)
        at = end
        if kind == b"IEND":
            if raw[at:].strip(b"\0"):
                parts.append(Part("trailer", at, len(raw), b""))
            break
    return [part for part in parts if part.end > part.start]


def wrap(part: Part, payload: bytes) -> bytes:
    """A chunk like `part` with another payload. Texts come out uncompressed."""
    kind = {"exif": b"eXIf", "xmp": b"iTXt"}[part.kind]
    if part.kind == "xmp":
        payload = XMP.encode() + b"\0\0\0\0\0" + payload
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(payload, zlib.crc32(kind)))


def finish(raw: bytes, grown: int) -> bytes:  # noqa: ARG001  as every container
    """A PNG counts nothing over the whole file."""
    return raw


def _chunk(kind: bytes, raw: bytes, at: int, end: int, budget: int) -> tuple[Part, int]:
    data = raw[at + 8 : end - 4]
    if kind == b"eXIf":
        return Part("exif", at, end, data), 0
    if kind == b"caBX":
        return Part("content_credentials", at, end, data), 0
    keyword, _, rest = data.partition(b"\0")
    name = keyword.decode("latin-1")
    text: bytes | None = rest
    if kind == b"zTXt":
        text = _inflated(rest[1:], budget)
    elif kind == b"iTXt":
        packed, body = rest[:1] == b"\1", rest[2:].split(b"\0", 2)
        text = None if len(body) < 3 else _inflated(body[2], budget) if packed else body[2]
    elif kind != b"tEXt":
        return Part("unparsable", at, end, b""), 0
    if text is None:
        return Part("unparsable", at, end, b"", name), budget if kind != b"tEXt" else 0
    spent = 0 if kind == b"tEXt" else len(text)
    if name == XMP:
        return Part("xmp", at, end, text), spent
    if name.startswith(_PROFILE):
        profile = _profile(text)
        return (
            Part("raw_profile", at, end, profile, name[len(_PROFILE) :]) if profile is not None else Part("unparsable", at, end, b"")
        ), spent
    return Part("text", at, end, text, name), spent


def _inflated(data: bytes, budget: int) -> bytes | None:
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(data, max(1, budget))
    except zlib.error:
        return None
    return text if inflater.eof else None


def _profile(text: bytes) -> bytes | None:
    r"""A profile as ImageMagick writes it: name, length, hexadecimal digits.

    >>> _profile(b"\nexif\n       4\n49492a00\n")
    b'II*\x00'
    """
    lines = text.lstrip(b"\n").split(b"\n", 2)
    if len(lines) < 3:
        return None
    try:
        return bytes.fromhex(lines[2].decode("ascii"))
    except ValueError:
        return None
