"""What an EXIF block says that matters to consent, to privacy and to how the picture is shown; and the least block that says the rest."""

import dataclasses
import struct

from transforms.images.header import stated_orientation
from transforms.images.parts import ifd
from transforms.images.parts.fields import GPS, MAKER_NOTE, OWNER, TAGS, THUMBNAIL, words_in_text

DESCRIPTION, ORIENTATION, ARTIST, XMP, COPYRIGHT, IIM, PHOTOSHOP = 0x010E, 0x0112, 0x013B, 0x02BC, 0x8298, 0x83BB, 0x8649
_SOFTWARE = 0x0131
_USER_COMMENT, _COLOUR_SPACE, _AUTHOR, _OWNER_NAME, _CREDENTIALS = 0x9286, 0xA001, 0x9C9D, 0xA430, 0xCD41
_NOTES = {_SOFTWARE: "Software", DESCRIPTION: "ImageDescription", _USER_COMMENT: "UserComment"}
_PICTURE_DATA = frozenset({0x0111, 0x0144, 0x0201})  # StripOffsets, TileOffsets, JPEGInterchangeFormat
_COLOUR_SPACES = (1, 2, 0xFFFF)
_MAX_TEXT = 1 << 12


@dataclasses.dataclass(frozen=True, slots=True)
class Exif:
    """An EXIF block (Exif 2.32), read.

    Attributes:
      orientation: 1 to 8, 1 for what is no orientation; 0 where readers see none (`header.stated_orientation`).
      artist: who made the picture; empty where nobody is named, or where the text holds contact details.
      copyright: the notice, likewise.
      stated: both as they stand, whatever they hold, for attribution.
      notes: `Software`, `ImageDescription` and `UserComment` as they stand, those that are there, under these names.
      owner: name of the camera's owner; empty where there is none.
      colour_space: 1 (sRGB), 2 (Adobe RGB), 0xFFFF (uncalibrated); 0 where there is none.
      personal: kinds of personal data in it, words of `fields`.
      xmp: the XMP packet among its fields (tag 700), or None. `photoshop` (34377), `iim` (33723) and `credentials` (52545, a C2PA
        manifest store) likewise.
      broken: something in it points nowhere, repeats itself or has a type it cannot have.
    """

    orientation: int
    artist: str
    copyright: str
    stated: tuple[str, str]
    notes: tuple[tuple[str, str], ...]
    owner: str
    colour_space: int
    personal: frozenset[str]
    xmp: bytes | None
    photoshop: bytes | None
    iim: bytes | None
    credentials: bytes | None
    broken: bool


def read_exif(block: bytes) -> Exif:
    """Reads an EXIF block, or the directories of a TIFF file. Never raises."""
    while block[:6] == b"Exif\0\0":
        block = block[6:]
    tree = ifd.read_tree(block)
    everywhere = ("main", "exif")
    texts = {tag: _text(tree, tag, everywhere) for tag in (ARTIST, COPYRIGHT, _OWNER_NAME, _AUTHOR, *_NOTES)}
    personal = _personal(tree)
    owner = texts[_OWNER_NAME]
    stated = texts[ARTIST] or texts[_AUTHOR], texts[COPYRIGHT]
    notes = tuple((name, texts[tag]) for tag, name in _NOTES.items() if texts[tag])
    for tag, text in texts.items():
        found = words_in_text(text) if text else set()
        if tag in (ARTIST, _AUTHOR) and owner and owner.casefold() in text.casefold():
            found.add(OWNER)
        if found:
            personal |= found
            texts[tag] = ""
    colour_space = next(iter(tree.integers(entry)), 0) if (entry := tree.find(_COLOUR_SPACE, everywhere)) else 0
    return Exif(
        stated_orientation(block) or 0,
        texts[ARTIST] or texts[_AUTHOR], texts[COPYRIGHT], stated, notes, owner, colour_space if colour_space in _COLOUR_SPACES else 0,
        frozenset(personal), _blob(tree, XMP), _blob(tree, PHOTOSHOP), _blob(tree, IIM), _blob(tree, _CREDENTIALS), tree.broken,
    )  # fmt: skip


def least_exif(exif: Exif) -> bytes:
    r"""An EXIF block with orientation, artist, copyright notice and colour space only; empty where there is none of them.

    >>> read_exif(least_exif(read_exif(b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"))).orientation
    6
    """
    fields: list[tuple[int, int, int, bytes]] = []
    if exif.orientation:
        fields.append((ORIENTATION, 3, 1, struct.pack("<HH", exif.orientation, 0)))
    for tag, text in ((ARTIST, exif.artist), (COPYRIGHT, exif.copyright)):
        if text:
            raw = text.encode() + b"\0"
            fields.append((tag, 2, len(raw), raw))
    inner = [(_COLOUR_SPACE, 3, 1, struct.pack("<HH", exif.colour_space, 0))] if exif.colour_space else []
    if not fields and not inner:
        return b""
    if not inner:
        return b"II*\0\x08\0\0\0" + _directory(8, fields)
    outer = [*fields, (ifd.EXIF, 4, 1, b"\0\0\0\0")]
    at = 8 + len(_directory(8, outer))
    outer[-1] = (ifd.EXIF, 4, 1, struct.pack("<I", at))
    return b"II*\0\x08\0\0\0" + _directory(8, outer) + _directory(at, inner)


def _directory(at: int, fields: list[tuple[int, int, int, bytes]]) -> bytes:
    head, tail = [struct.pack("<H", len(fields))], []
    beyond = at + 2 + 12 * len(fields) + 4
    for tag, kind, count, value in fields:
        if len(value) > 4:
            head.append(struct.pack("<HHII", tag, kind, count, beyond))
            tail.append(value + b"\0" * (len(value) & 1))
            beyond += len(tail[-1])
        else:
            head.append(struct.pack("<HHI4s", tag, kind, count, value))
    return b"".join([*head, b"\0\0\0\0", *tail])


def _personal(tree: ifd.Tree) -> set[str]:
    found = set()
    for directory in tree.directories:
        tags = {entry.tag for entry in directory.entries}
        if directory.name == "gps":
            if tags - {0}:  # a GPS directory that holds its version and no more says nothing of where
                found.add(GPS)
            continue
        if directory.name == "main" and directory.page and tags & _PICTURE_DATA:
            found.add(THUMBNAIL)
        for entry in directory.entries:
            word = TAGS.get(entry.tag)
            if word and entry.tag != ifd.GPS and (word == MAKER_NOTE or tree.value(entry).strip(b"\0 ")):
                found.add(word)
    return found


def _text(tree: ifd.Tree, tag: int, names: tuple[str, ...]) -> str:
    entry = tree.find(tag, names)
    if entry is None:
        return ""
    raw = tree.data[entry.start : min(entry.end, entry.start + _MAX_TEXT)]
    if tag == _AUTHOR:
        return raw.decode("utf-16-le", "replace").rstrip("\0 ")
    if tag == _USER_COMMENT:
        if raw[:8] == b"UNICODE\0":
            return raw[8:].decode("utf-16-le" if tree.order == "<" else "utf-16-be", "replace").strip("\0 ")
        raw = raw[8:]
    raw = raw.strip(b"\0 ")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _blob(tree: ifd.Tree, tag: int) -> bytes | None:
    entry = tree.find(tag)
    return None if entry is None or entry.end - entry.start < 8 else tree.value(entry)
