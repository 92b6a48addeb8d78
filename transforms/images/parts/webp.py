"""Side data in a WebP: EXIF, XMP and C2PA chunks, chunks nobody knows, and what follows. WebP container specification; RFC 9649."""

from transforms.images.parts.part import Part

_PLAIN = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_EXIF_FLAG, _XMP_FLAG = 0x08, 0x04


def find(raw: bytes) -> list[Part]:
    """The side data of a WebP, in the order of the file. A chunk that claims more bytes than there are ends the walk."""
    parts: list[Part] = []
    at = 12
    end = min(len(raw), 8 + int.from_bytes(raw[4:8], "little"))
    while at + 8 <= end:
        kind, length = raw[at : at + 4], int.from_bytes(raw[at + 4 : at + 8], "little")
        stop = at + 8 + length
        data, stop = raw[at + 8 : stop], min(stop + (length & 1), max(stop, end))
        if kind not in _PLAIN:
            if at + 8 + length > len(raw):
                parts.append(Part("unparsable", at, end, b""))
                break
            name = {b"EXIF": "exif", b"XMP ": "xmp", b"C2PA": "content_credentials"}.get(kind, "unparsable")
            parts.append(Part(name, at, stop, data))  # type: ignore[arg-type]  # one of Kind
        at = stop
    if raw[max(at, end) :].strip(b"\0"):
        parts.append(Part("trailer", max(at, end), len(raw), b""))
    return parts


def wrap(part: Part, payload: bytes) -> bytes:
    """A chunk like `part` with another payload."""
    kind = {"exif": b"EXIF", "xmp": b"XMP "}[part.kind]
    return kind + len(payload).to_bytes(4, "little") + payload + b"\0" * (len(payload) & 1)


def finish(raw: bytes, grown: int) -> bytes:
    """The same file with the length in its head, and without the flags of chunks that are gone.

    Args:
      raw: the file with other chunks.
      grown: by how many bytes what the head counts has grown; negative where it has shrunk.
    """
    kinds, at, flags_at = set(), 12, None
    while at + 8 <= len(raw):
        kind, length = raw[at : at + 4], int.from_bytes(raw[at + 4 : at + 8], "little")
        kinds.add(kind)
        flags_at = at + 8 if kind == b"VP8X" and flags_at is None else flags_at
        at += 8 + length + (length & 1)
    out = bytearray(raw)
    out[4:8] = max(0, int.from_bytes(raw[4:8], "little") + grown).to_bytes(4, "little")
    if flags_at is not None and flags_at < len(raw):
        gone = (0 if b"EXIF" in kinds else _EXIF_FLAG) | (0 if b"XMP " in kinds else _XMP_FLAG)
        out[flags_at] &= ~gone & 0xFF  # a chunk that the head does not tell of is not read: it does not tell of it now
    return bytes(out)
