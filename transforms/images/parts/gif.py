"""Side data in a GIF: comments, application extensions, and what follows the trailer. GIF89a, sections 24 and 26; XMP part 3, 1.1.2."""

from transforms.images.parts.part import Part

_XMP = b"XMP DataXMP"
_C2PA = b"C2PA_GIF"  # C2PA 2.2, section A.3.8
_PLAIN = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012")
_MAGIC = b"\x01" + bytes(range(255, -1, -1)) + b"\0"  # lets a reader of sub-blocks find the end of a packet that is none


def find(raw: bytes) -> list[Part]:
    """The side data of a GIF, in the order of the file. A block that is none ends the walk."""
    parts: list[Part] = []
    packed = raw[10] if len(raw) > 10 else 0
    at = 13 + (3 << (packed & 7) + 1 if packed & 0x80 else 0)
    while at < len(raw):
        start, block = at, raw[at]
        if block == 0x3B:
            if raw[at + 1 :].strip(b"\0"):
                parts.append(Part("trailer", at + 1, len(raw), b""))
            break
        if block == 0x2C:
            local = raw[at + 9] if at + 9 < len(raw) else 0
            at = _blocks_end(raw, at + 11 + (3 << (local & 7) + 1 if local & 0x80 else 0))
        elif block == 0x21:
            label = raw[at + 1] if at + 1 < len(raw) else 0
            at = _blocks_end(raw, at + 2)
            if part := _extension(raw, start, label, at):
                parts.append(part)
        else:
            break
    return parts


def wrap(part: Part, payload: bytes) -> bytes:
    """An XMP extension with another packet."""
    assert part.kind == "xmp"
    return b"\x21\xff\x0b" + _XMP + payload + _MAGIC


def finish(raw: bytes, grown: int) -> bytes:  # noqa: ARG001  as every container
    """A GIF counts nothing over the whole file."""
    return raw


def _extension(raw: bytes, start: int, label: int, end: int) -> Part | None:
    if label == 0xFE:
        return Part("text", start, end, _joined(raw, start + 2, end))
    if label != 0xFF:
        return None
    name = raw[start + 3 : start + 14]
    if name == _XMP:
        plain = raw[start + 14 : end]
        return Part("xmp", start, end, plain.removesuffix(_MAGIC) if plain[:1] == b"<" else _joined(raw, start + 14, end))
    if name.startswith(_C2PA):
        return Part("content_credentials", start, end, _joined(raw, start + 14, end))
    return None if name in _PLAIN else Part("unparsable", start, end, b"")


def _blocks_end(raw: bytes, at: int) -> int:
    while at < len(raw) and raw[at]:
        at += raw[at] + 1
    return min(at + 1, len(raw))


def _joined(raw: bytes, at: int, end: int) -> bytes:
    blocks = []
    while at < end and raw[at]:
        blocks.append(raw[at + 1 : min(at + 1 + raw[at], end)])
        at += raw[at] + 1
    return b"".join(blocks)
