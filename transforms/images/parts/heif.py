"""Side data in AVIF and HEIF files: Exif and XMP items, and C2PA. Bytes are only overwritten, so that no offset in the file moves.

ISO 14496-12 (boxes, `iinf`, `iloc`), ISO 23008-12, annex A (Exif and XMP items). Best effort: a thumbnail item, and an item in more than
one extent, are not looked into; the latter is overwritten with zeros.
"""

import struct
from collections.abc import Iterator

from transforms.images.parts.part import Part

_XMP_TYPE = b"application/rdf+xml"
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_MAX_BOXES, _MAX_ITEMS, _MAX_EXTENTS = 256, 1024, 64
_EMPTY_TIFF = b"\0\0\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"


def find(raw: bytes) -> list[Part]:
    """The side data of an AVIF or HEIF file, in the order of the file. A box that claims more bytes than there are ends the walk."""
    parts: list[Part] = []
    for kind, start, end in _boxes(raw, 0, len(raw)):
        if kind == b"uuid" and raw[start : start + 16] == _XMP_UUID:
            parts.append(Part("xmp", start + 16, end, raw[start + 16 : end]))
        elif kind == b"uuid" and raw[start : start + 16] == _C2PA_UUID:
            parts.append(Part("content_credentials", start + 16, end, raw[start + 16 : end]))
        elif kind == b"meta":
            try:
                parts += _items(raw, start + 4, end)
            except (struct.error, IndexError):
                continue
    ordered: list[Part] = []
    for part in sorted(parts, key=lambda part: (part.start, part.end)):
        if part.end > part.start and (not ordered or part.start >= ordered[-1].end):
            ordered.append(part)
    return ordered


def wrap(part: Part, payload: bytes) -> bytes:
    """The payload, filled up to the length of the part; what is too long is left out."""
    room = part.end - part.start
    if part.kind == "exif":
        body = b"\0\0\0\0" + payload if payload else _EMPTY_TIFF
        return (body if len(body) <= room else _EMPTY_TIFF if len(_EMPTY_TIFF) <= room else b"").ljust(room, b"\0")
    if part.kind == "xmp":
        return (payload if len(payload) <= room else b"").ljust(room)
    return bytes(room)


def finish(raw: bytes, grown: int) -> bytes:
    """Nothing has moved."""
    assert grown == 0
    return raw


def _boxes(raw: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    for _ in range(_MAX_BOXES):
        if at + 8 > end:
            return
        size, kind, head = int.from_bytes(raw[at : at + 4], "big"), raw[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(raw[at + 8 : at + 16], "big"), 16
        stop = end if size == 0 else at + size
        if stop > end or stop < at + head:
            return
        yield kind, at + head, stop
        at = stop


def _items(raw: bytes, at: int, end: int) -> list[Part]:
    boxes = {kind: (start, stop) for kind, start, stop in _boxes(raw, at, end)}
    if b"iinf" not in boxes or b"iloc" not in boxes:
        return []
    wanted = _wanted(raw, *boxes[b"iinf"])
    inside = boxes.get(b"idat", (0, 0))[0]
    located = list(_places(raw, *boxes[b"iloc"], inside))
    places = dict(located)
    if len(places) < len(located):  # two places for one item: nobody knows which of them is the picture
        return []
    others = [span for kind, span in boxes.items() if kind != b"idat"]
    others += [span for item, spans in places.items() if item not in wanted for span in spans]
    parts = []
    for item, kind in wanted.items():
        spans = places.get(item, [])
        for start, stop in spans:
            if stop > len(raw) or any(start < last and first < stop for first, last in others):
                continue
            data = raw[start:stop]
            if len(spans) > 1:
                parts.append(Part("unparsable", start, stop, b""))
            elif kind == b"Exif":
                parts.append(Part("exif", start, stop, data[4 + int.from_bytes(data[:4], "big") :]))
            else:
                parts.append(Part("xmp", start, stop, data))
    return parts


def _wanted(raw: bytes, start: int, end: int) -> dict[int, bytes]:
    """Items that hold Exif or XMP: identifier -> type."""
    found = {}
    at = start + (6 if raw[start] == 0 else 8)
    for kind, inner, stop in _boxes(raw, at, end):
        if kind != b"infe" or raw[inner] not in (2, 3):
            continue
        wide = raw[inner] == 3
        item = int.from_bytes(raw[inner + 4 : inner + (8 if wide else 6)], "big")
        described = inner + (10 if wide else 8)
        name = raw[described : described + 4]
        if name == b"Exif" or (name == b"mime" and _XMP_TYPE in raw[described + 4 : stop]):
            found[item] = name
    return found


def _places(raw: bytes, start: int, end: int, inside: int) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Where items lie: identifier, spans of absolute offsets."""
    version = raw[start]
    sizes = raw[start + 4] >> 4, raw[start + 4] & 15, raw[start + 5] >> 4, raw[start + 5] & 15 if version else 0
    offset_size, length_size, base_size, index_size = sizes
    at = start + 6
    wide = 4 if version == 2 else 2
    count, at = int.from_bytes(raw[at : at + wide], "big"), at + wide
    for _ in range(min(count, _MAX_ITEMS)):
        if at + wide > end:
            return
        item, at = int.from_bytes(raw[at : at + wide], "big"), at + wide
        method = 0
        if version:
            method, at = raw[at + 1] & 15, at + 2
        at += 2
        base, at = int.from_bytes(raw[at : at + base_size], "big"), at + base_size
        extents, at = int.from_bytes(raw[at : at + 2], "big"), at + 2
        spans = []
        for _ in range(min(extents, _MAX_EXTENTS)):
            at += index_size
            offset, at = int.from_bytes(raw[at : at + offset_size], "big"), at + offset_size
            length, at = int.from_bytes(raw[at : at + length_size], "big"), at + length_size
            first = base + offset + (inside if method == 1 else 0)
            spans.append((first, first + length))
        if method < 2:
            yield item, spans
