"""Side data in a JPEG: application segments and comments, before the scans, between them, and what follows the end mark.

ITU-T T.81, annex B; JFIF 1.02; Exif 2.32, section 4.7; XMP part 3, section 1.1.3; CIPA DC-007 (several pictures in one file).
"""

import re

from transforms.images.parts.part import Kind, Part

_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # 0.4 ns a byte
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_EXIF = b"Exif\0\0"
_GUID = 32
MAX_SEGMENT = 65_533
_NO_COMMENT = b"\xff\xfe\0\2"
_HEADS = {"exif": (0xE1, _EXIF), "xmp": (0xE1, _XMP), "photoshop": (0xED, _PHOTOSHOP), "jfif": (0xE0, b""), "text": (0xFE, b"")}


def find(raw: bytes) -> list[Part]:
    """The side data of a JPEG, in the order of the file. A segment that claims more bytes than there are ends the walk."""
    parts: list[Part] = []
    at, scanned, size = 2, False, len(raw)
    while at + 1 < size:
        if raw[at] != 0xFF:
            marker_at = raw.find(b"\xff", at)
            marker_at = size if marker_at < 0 else marker_at
            if not scanned and raw[at:marker_at].strip(b"\0"):
                parts.append(Part("unparsable", at, marker_at, b""))
            at = marker_at
            continue
        marker = raw[at + 1]
        if marker == 0xD9:
            parts += _after(raw, at + 2)
            break
        if marker in (0x00, 0xFF) or marker in _BARE:
            at += 1 if marker == 0xFF else 2
            continue
        end = at + 2 + int.from_bytes(raw[at + 2 : at + 4], "big")
        side = 0xE0 <= marker <= 0xEF or marker == 0xFE
        kind, payload, name = _kind(marker, raw[at + 4 : end]) if side else (None, b"", "")
        if scanned and side and (kind in ("unparsable", None) or (kind == "text" and not _followed(raw, end))):
            at = _next_marker(raw, at + 2)  # a damaged scan that looks like a segment: decoders read on, so it stays
            continue
        if end > size or end < at + 4:
            if scanned and kind:
                parts.append(Part("unparsable", at, size, b""))
            break
        if kind:
            parts.append(Part(kind, at, end, payload, name, inside=scanned and not _followed(raw, end)))
        at = end
        if marker == 0xDA:
            scanned = True
            at = _next_marker(raw, at)
    return parts


def wrap(part: Part, payload: bytes) -> bytes:
    """A segment like `part` with another payload; where that is empty or does not fit into one, none, or an empty comment."""
    nothing = _NO_COMMENT if part.inside else b""
    if not payload:
        return nothing
    marker, head = _HEADS[part.kind]
    body = head + payload
    return nothing if len(body) > MAX_SEGMENT else bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def finish(raw: bytes, grown: int) -> bytes:  # noqa: ARG001  as every container
    """The same file without what stands between its start and the first marker: readers know a JPEG by the two together."""
    first = raw.find(b"\xff", 2)
    return raw[:2] + raw[first:] if first > 2 else raw


def _kind(marker: int, body: bytes) -> tuple[Kind | None, bytes, str]:
    """What a segment holds; no kind for what belongs to the picture."""
    if marker == 0xE1:
        if body[:6] == _EXIF:
            more = body[6:8] not in (b"II", b"MM") and body[6:12] != _EXIF and len(body) > 6
            return ("exif_more" if more else "exif"), body[6:], ""
        if body.startswith(_XMP):
            return "xmp", body[len(_XMP) :], ""
        if body.startswith(_XMP_EXTENSION):
            inner = body[len(_XMP_EXTENSION) :]
            return "xmp_extension", inner[_GUID + 8 :], inner[: _GUID + 8].decode("latin-1")
    elif marker == 0xE0:
        if body[:5] == b"JFIF\0" and len(body) >= 14:
            return ("jfif" if len(body) > 14 else None), body[:12] + b"\0\0", ""
        if body[:5] == b"JFXX\0":
            return "thumbnail", b"", ""
        if body[:4] == b"AVI1" or body[:5] == b"JFIF\0":
            return None, b"", ""
    elif marker == 0xE2:
        if body[:12] == b"ICC_PROFILE\0":
            return None, b"", ""
        if body[:4] == b"MPF\0" or body.startswith(b"urn:iso:std:iso:ts:21496"):
            return "second_picture_index", b"", ""
        if body[:5] == b"FPXR\0":
            return "thumbnail", b"", ""
    elif marker == 0xEB:
        if body[:2] == b"JP" and b"jumb" in body[:64]:
            return "content_credentials", body, ""
        if body[:2] == b"JP":
            return "content_credentials", body, "more"
        if body[:6] == b"HDR_RI":
            return "second_picture", b"", ""
    elif marker == 0xED and body.startswith(_PHOTOSHOP):
        return "photoshop", body[len(_PHOTOSHOP) :], ""
    elif marker == 0xFE:
        return "text", body, ""
    elif (marker, body[:5]) in ((0xEE, b"Adobe"), (0xED, b"Adobe"), (0xE8, b"SPIFF"), (0xEC, b"Ducky")):
        return ("text" if marker == 0xEC else None), body, ""
    return "unparsable", b"", ""


def _next_marker(raw: bytes, at: int) -> int:
    """Where the entropy-coded data ends: the next marker that is no restart, or the end of the bytes."""
    found = _IN_SCAN.search(raw, at)
    return found.start() if found else len(raw)


def _followed(raw: bytes, end: int) -> bool:
    """Whether a marker stands there, as after every segment."""
    return raw[end : end + 1] == b"\xff" and raw[end + 1 : end + 2] not in (b"", b"\0", *(bytes((n,)) for n in range(0xD0, 0xD8)))


def _after(raw: bytes, at: int) -> list[Part]:
    if at >= len(raw) or not raw[at:].strip(b"\0"):
        return []
    rest = raw[at:]
    return [Part("second_picture" if b"\xff\xd8\xff" in rest or b"ftyp" in rest[:4096] else "trailer", at, len(raw), rest)]
