"""Photoshop image resources and the IPTC datasets in them: what is personal, and the same block without it.

Image resource blocks: Adobe Photoshop file format specification. Datasets: IPTC-NAA Information Interchange Model 4.2, record 2.
"""

import dataclasses

from transforms.images.parts import xmp
from transforms.images.parts.exif import read_exif
from transforms.images.parts.fields import GPS, OWNER, THUMBNAIL, UNPARSABLE, words_in_text

_IIM, _DIGEST, _EXIF, _EXIF_3, _XMP = 0x0404, 0x0425, 0x0422, 0x0423, 0x0424
_THUMBNAILS = (0x0409, 0x040C)
# Content location code and name, sub-location; contact; object preview. City, province and country stay.
_DATASETS = {(2, 26): GPS, (2, 27): GPS, (2, 92): GPS, (2, 118): OWNER, (2, 200): THUMBNAIL, (2, 201): THUMBNAIL, (2, 202): THUMBNAIL}
_CREATORS = ((2, 80),)
_STATED = {(2, 80): "creator", (2, 110): "credit", (2, 116): "rights"}
_TEXTS = ((2, 40), (2, 80), (2, 105), (2, 110), (2, 115), (2, 116), (2, 120), (2, 122))


@dataclasses.dataclass(frozen=True, slots=True)
class Resources:
    """Photoshop resources or bare datasets, read.

    Attributes:
      personal: kinds of personal data in them, words of `fields`; `unparsable` where they cannot be walked to their end.
      least: the same block without what is personal; empty where nothing is left. The block itself where nothing had to go.
      xmp: XMP packets among them.
      creators: by-lines.
      stated: by-lines, credit and notices as they stand, for attribution: (`creator`, `credit` or `rights`, text).
    """

    personal: frozenset[str]
    least: bytes
    xmp: tuple[bytes, ...] = ()
    creators: tuple[str, ...] = ()
    stated: tuple[tuple[str, str], ...] = ()


def read_photoshop(block: bytes) -> Resources:
    """Reads the image resources of a Photoshop block. Never raises."""
    at, personal, kept, packets, creators, digest = 0, set[str](), list[tuple[int, bytes]](), list[bytes](), list[str](), False
    stated: list[tuple[str, str]] = []
    while at + 12 <= len(block):
        number = int.from_bytes(block[at + 4 : at + 6], "big")
        name = block[at + 6] + 1
        sized = at + 6 + name + (name & 1)
        size = int.from_bytes(block[sized : sized + 4], "big")
        start, end = sized + 4, sized + 4 + size
        if block[at : at + 4] not in (b"8BIM", b"PHUT", b"AgHg", b"DCSR", b"MeSa") or end > len(block):
            return Resources(frozenset(personal | {UNPARSABLE}), b"", tuple(packets), tuple(creators), tuple(stated))
        data, whole = block[start:end], block[at : end + (size & 1)]
        at = end + (size & 1)
        if number in _THUMBNAILS:
            personal.add(THUMBNAIL)
        elif number in (_EXIF, _EXIF_3) and (exif := read_exif(data)) and (exif.personal or exif.broken):
            personal |= exif.personal | ({UNPARSABLE} if exif.broken else set())
        elif number == _XMP:
            packets.append(data)
            root = xmp.parse(data)
            found = {UNPARSABLE} if root is None else xmp.personal(root)
            personal |= found
            kept += [] if found else [(number, whole)]
        elif number == _IIM:
            read = read_iim(data)
            personal |= read.personal
            creators += read.creators
            stated += read.stated
            digest |= bool(read.personal)
            if read.least:
                kept.append((number, whole if not read.personal else _resource(number, read.least)))
        else:
            kept.append((number, whole))
    if not personal:
        return Resources(frozenset(), block, tuple(packets), tuple(creators), tuple(stated))
    least = b"".join(whole for number, whole in kept if not (digest and number == _DIGEST))
    return Resources(frozenset(personal), least, tuple(packets), tuple(creators), tuple(stated))


def read_iim(data: bytes) -> Resources:
    r"""Reads bare datasets. Never raises.

    >>> sorted(read_iim(b"\x1c\2\x76\0\5a@b.c").personal), read_iim(b"\x1c\2\x50\0\2Jo").creators
    (['owner'], ('Jo',))
    """
    at, personal, kept, creators = 0, set[str](), list[bytes](), list[str]()
    stated: list[tuple[str, str]] = []
    stripped = data.rstrip(b"\0")
    while at < len(stripped):
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        if data[at] != 0x1C or at + 5 > len(data) or size & 0x8000 or at + 5 + size > len(data):
            return Resources(frozenset(personal | {UNPARSABLE}), b"", (), tuple(creators), tuple(stated))
        dataset, value, whole = (data[at + 1], data[at + 2]), data[at + 5 : at + 5 + size], data[at : at + 5 + size]
        at += 5 + size
        found = {_DATASETS[dataset]} if dataset in _DATASETS and value.strip(b"\0 ") else set()
        if dataset in _TEXTS:
            found |= words_in_text(value.decode("utf-8", "replace"))
        if dataset in _CREATORS:
            creators.append(value.decode("utf-8", "replace").strip("\0 "))
        if dataset in _STATED:
            stated.append((_STATED[dataset], _text(value)))
        personal |= found
        kept += [] if found else [whole]
    return Resources(frozenset(personal), data if not personal else b"".join(kept), (), tuple(creators), tuple(stated))


def _text(value: bytes) -> str:
    try:
        return value.decode().strip("\0 ")
    except UnicodeDecodeError:
        return value.decode("latin-1").strip("\0 ")


def _resource(number: int, data: bytes) -> bytes:
    return b"8BIM" + number.to_bytes(2, "big") + b"\0\0" + len(data).to_bytes(4, "big") + data + b"\0" * (len(data) & 1)
