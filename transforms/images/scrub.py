"""Pictures without what their side data says of persons: the same pixels, orientation and colour profile, in the same container.

What goes is named in `transforms.images.parts.fields`. EXIF that holds any of it is replaced by the least block that keeps orientation,
artist, copyright notice and colour space; XMP and IPTC lose the fields in question; texts and comments that hold contact details, serial
numbers or coordinates go whole, and so does whatever cannot be parsed. What XMP says of consent always stays. A file in which nothing has
to go comes back as it is, byte for byte.

Two limits. A TIFF part that cannot be walked is cut off but not overwritten (its extent is unknown). Content credentials (C2PA) sign the
whole file and often hold a thumbnail; they stay only where neither is so, and go where anything else had to.
"""

import dataclasses
import json
from typing import Any, Final

from transforms.images.metadata import (
    CONTAINERS,
    container_of,
    embedded,
    exif_blocks,
    extended_packets,
    profile_kind,
    profile_payload,
)
from transforms.images.parts import tiff, xmp
from transforms.images.parts.exif import Exif, least_exif, read_exif
from transforms.images.parts.fields import (
    CONTENT_CREDENTIALS,
    GPS,
    OWNER,
    SECOND_PICTURE,
    SERIAL_NUMBER,
    THUMBNAIL,
    TRAILER,
    UNPARSABLE,
    in_order,
    word_of,
    words_in_text,
)
from transforms.images.parts.iptc import read_iim, read_photoshop
from transforms.images.parts.part import Kind, Part

PERSONAL: Final = (GPS, SERIAL_NUMBER, OWNER)
_IN_CREDENTIALS: Final = (b"c2pa.thumbnail", b"stds.exif", b"exif:GPS", b"CreativeWork", b"cawg.identity", b"\xff\xd8\xff")
_MAX_DEPTH: Final = 20


@dataclasses.dataclass(frozen=True, slots=True)
class Scrubbed:
    """A picture without what is personal.

    Attributes:
      image: the file; the very bytes that came in where nothing had to go.
      removed: what went, words of `transforms.images.parts.fields.WORDS` in that order.
    """

    image: bytes
    removed: tuple[str, ...]


@dataclasses.dataclass(slots=True)
class _Change:
    """What becomes of one part: kinds of personal data in it, and the payload (None: none) of what stands in its place, as which kind."""

    words: set[str]
    payload: bytes | None = None
    kind: Kind | None = None


def scrub(raw: bytes) -> Scrubbed:
    """Takes out of a picture file what its side data says of persons. Never raises, whatever the bytes are.

    Pixels, orientation and colour profile are those of `raw`. Bytes of no known container (BMP among them) hold no side data and stay.
    """
    kind = container_of(raw)
    if kind is None:
        return Scrubbed(raw, ())
    if kind == "tiff":
        found = tiff.words(raw)[1]
        return Scrubbed(tiff.scrub(raw), in_order(found)) if found else Scrubbed(raw, ())
    container = CONTAINERS[kind]
    parts = container.find(raw)
    changes = _changes(parts)
    if not changes:
        return Scrubbed(raw, ())
    pieces, at, grown = [], 0, 0
    for index, part in enumerate(parts):
        if index not in changes:
            continue
        change = changes[index]
        payload = change.payload or b""
        written = b""
        if payload or container.in_place or part.inside:
            written = container.wrap(dataclasses.replace(part, kind=change.kind or part.kind), payload)
        pieces += [raw[at : part.start], written]
        at = part.end
        if part.kind not in ("trailer", "second_picture"):
            grown += len(written) - (part.end - part.start)
    image = container.finish(b"".join([*pieces, raw[at:]]), grown)
    return Scrubbed(image, in_order(set().union(*(change.words for change in changes.values()))))


def personal_fields(raw: bytes, parts: list[Part] | None = None) -> tuple[str, ...]:
    """Which of `gps`, `serial_number` and `owner` the side data of a picture file tells; arguments as of `removable`."""
    found = removable(raw, parts)
    return tuple(word for word in PERSONAL if word in found)


def removable(raw: bytes, parts: list[Part] | None = None) -> tuple[str, ...]:
    """What `scrub` takes out of a picture file, embedded pictures included, as it names it. Never raises.

    Args:
      raw: the file.
      parts: `transforms.images.metadata.parts_of` it, where they are at hand.
    """
    kind = container_of(raw)
    if kind is None:
        return ()
    if kind == "tiff":
        found = tiff.words(raw)[1]
    else:
        changes = _changes(CONTAINERS[kind].find(raw) if parts is None else parts)
        found = set().union(*(change.words for change in changes.values()))
    return in_order(found)


def scrub_exif_text(text: str) -> tuple[str | None, tuple[str, ...]]:
    """EXIF as a JSON object in a text column (img2dataset's `exif`), without what is personal.

    Returns:
      The text, the very one that came in where nothing had to go and None where it cannot be parsed; and the words for what went.

    >>> scrub_exif_text('{"Image Make": "Canon", "GPS GPSLatitude": "[48, 51, 29]"}')
    ('{"Image Make": "Canon"}', ('gps',))
    >>> scrub_exif_text("{'Image Make': 'Canon'}")
    (None, ('unparsable',))
    """
    if not text.strip():
        return text, ()
    try:
        fields = json.loads(text, parse_constant=lambda _: None, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return None, (UNPARSABLE,)
    if not isinstance(fields, _Pairs):
        return (text, ()) if fields is None else (None, (UNPARSABLE,))
    found: set[str] = set()
    kept = _without(fields, found, 0)
    if UNPARSABLE in found:
        return None, in_order(found)
    return (json.dumps(kept, ensure_ascii=False), in_order(found)) if found else (text, ())


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as written, so that a repeated key is not lost before it is looked at."""


def _without(fields: _Pairs, found: set[str], depth: int) -> dict[str, Any]:
    if depth > _MAX_DEPTH:
        found.add(UNPARSABLE)
        return {}
    kept: dict[str, Any] = {}
    for name, value in fields:
        if word := word_of(name):
            found.add(word)
        elif isinstance(value, str) and (words := words_in_text(value)):
            found |= words
        else:
            kept[name] = _inner(value, found, depth + 1)
    return kept


def _inner(value: Any, found: set[str], depth: int) -> Any:
    if isinstance(value, _Pairs):
        return _without(value, found, depth)
    if isinstance(value, list):
        return [_inner(item, found, depth + 1) for item in value] if depth <= _MAX_DEPTH else None
    return value


def _changes(parts: list[Part]) -> dict[int, _Change]:
    """Number of a part -> what becomes of it; parts that stay are not in it."""
    changes: dict[int, _Change] = {}
    has_exif = any(part.kind == "exif" for part in parts)
    blocks = {id(part): block for part, block in exif_blocks(parts)}
    extended, marks = _extended(parts)
    continued = False
    for index, part in enumerate(parts):
        change: _Change | None = None
        if part.kind == "exif":
            change = _exif(blocks[id(part)], of_several=len(blocks) > 1)
            continued = change is not None
        elif part.kind == "exif_more":
            change = _Change(set()) if continued else None
        elif part.kind == "xmp":
            change = _xmp(part.payload, marks if extended else None)
        elif part.kind == "xmp_extension" and part.name[:32] in extended:
            change = _Change(extended[part.name[:32]])
        else:
            change = _other(part, has_exif=has_exif)
        if change is not None:
            changes[index] = change
    _dependent(parts, changes)
    return changes


def _dependent(parts: list[Part], changes: dict[int, _Change]) -> None:
    """What goes because of something else: the index of pictures that went, with the words for what they told; signatures."""
    more = [part for part in parts if part.kind == "second_picture"]
    if more:
        inner = _changes(embedded(parts))
        for index, part in enumerate(parts):
            if part.kind == "second_picture":
                changes[index].words.update(*(change.words for change in inner.values()))
            elif part.kind == "second_picture_index":
                changes[index] = _Change({SECOND_PICTURE})
    for part in parts:
        if part.kind == "content_credentials" and (changes or any(mark in part.payload for mark in _IN_CREDENTIALS)):
            changes.update({i: _Change({CONTENT_CREDENTIALS}) for i, p in enumerate(parts) if p.kind == "content_credentials"})
            break


def _exif(block: bytes, *, of_several: bool) -> _Change | None:
    exif = read_exif(block)
    words = _words_of(exif)
    if of_several:  # readers look into one of them, which does not go and leave the word to another
        exif = dataclasses.replace(exif, orientation=exif.orientation or 1)
    return _Change(words, least_exif(exif)) if words else None


def _words_of(exif: Exif) -> set[str]:
    words = set(exif.personal) | ({UNPARSABLE} if exif.broken else set())
    if exif.xmp is not None:
        words |= _xmp_words(exif.xmp)
    words |= read_photoshop(exif.photoshop).personal if exif.photoshop else set()
    return words | (read_iim(exif.iim).personal if exif.iim else set())


def _xmp_words(packet: bytes) -> set[str]:
    root = xmp.parse(packet)
    return {UNPARSABLE} if root is None else xmp.personal(root)


def _extended(parts: list[Part]) -> tuple[dict[str, set[str]], list[xmp.Mark]]:
    """Identifiers of the ExtendedXMP that goes, each with what is personal in it; and what all of it says of consent."""
    packets = extended_packets(parts)
    found = {name: words for name, packet in packets.items() if (words := _xmp_words(packet))}
    return found, [mark for name in found for mark in xmp.marks_of(packets[name])]


def _xmp(packet: bytes, marks: list[xmp.Mark] | None) -> _Change | None:
    """What becomes of a packet; `marks` where an ExtendedXMP goes to which it points."""
    words = _xmp_words(packet)
    return _Change(words, xmp.without_personal(packet, marks or ())) if words or marks is not None else None


def _other(part: Part, *, has_exif: bool) -> _Change | None:
    if part.kind in ("photoshop", "iim"):
        read = read_photoshop(part.payload) if part.kind == "photoshop" else read_iim(part.payload)
        return _Change(set(read.personal), read.least) if read.personal else None
    if part.kind == "raw_profile":
        return _profile(part, has_exif=has_exif)
    if part.kind == "text":
        words = words_in_text(part.payload.decode("utf-8", "replace"))
        if word := word_of(part.name) if part.name else None:
            words.add(word)
        return _Change(words) if words else None
    if part.kind == "jfif":
        return _Change({THUMBNAIL}, part.payload)
    word = {"thumbnail": THUMBNAIL, "second_picture": SECOND_PICTURE, "trailer": TRAILER, "unparsable": UNPARSABLE}.get(part.kind)
    return _Change({word}) if word else None


def _profile(part: Part, *, has_exif: bool) -> _Change | None:
    data, holds = profile_payload(part), profile_kind(part)
    if holds == "exif":
        exif = read_exif(data)
        words = _words_of(exif)
        return _Change(words, b"" if has_exif else least_exif(exif), "exif") if words else None
    if holds == "xmp":
        words = _xmp_words(data)
        return _Change(words, xmp.without_personal(data), "xmp") if words else None
    if holds == "text":
        words = words_in_text(data.decode("utf-8", "replace"))
    else:
        words = set((read_photoshop(data) if holds == "photoshop" else read_iim(data)).personal)
    return _Change(words) if words else None
