"""Side data of a picture, read in one walk of its container: what it says of consent, rights, orientation and persons.

Nothing is trusted: lengths are bounded by the bytes, texts are inflated up to a budget, directories are followed up to a count, nothing
calls itself. A part that cannot be read is named in `unparsable`; no input raises.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from transforms.images.after_end import Tail, after_end
from transforms.images.header import sniff
from transforms.images.parts import gif, heif, jpeg, jumbf, png, webp
from transforms.images.parts.exif import Exif, read_exif
from transforms.images.parts.iptc import Resources, read_iim, read_photoshop
from transforms.images.parts.part import Part
from transforms.images.parts.png import XMP as PNG_XMP

_MORE_PICTURES = 8  # embedded pictures that are read; the rest is only dropped
_MOST_TEXT = 1 << 14  # bytes of a text
_XMP_HEADER: Final = b"http://ns.adobe.com/xap/1.0/\0"


@dataclasses.dataclass(frozen=True, slots=True)
class Container:
    """How side data is found in a kind of file, and written back into it.

    Attributes:
      find: the parts of a file.
      wrap: a part with another payload; an empty payload where `in_place`, or `inside` the picture, stands for a part that goes.
      finish: puts right what the container counts over the whole file.
      in_place: nothing may move.
    """

    find: Callable[[bytes], list[Part]]
    wrap: Callable[[Part, bytes], bytes]
    finish: Callable[[bytes, int], bytes]
    in_place: bool = False


CONTAINERS: Final = {
    "jpeg": Container(jpeg.find, jpeg.wrap, jpeg.finish), "png": Container(png.find, png.wrap, png.finish),
    "webp": Container(webp.find, webp.wrap, webp.finish), "gif": Container(gif.find, gif.wrap, gif.finish),
    "heif": Container(heif.find, heif.wrap, heif.finish, in_place=True),
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Metadata:
    """Side data of a picture, that of further pictures in the same file included.

    Attributes:
      container: `jpeg`, `png`, `webp`, `gif`, `tiff`, `heif`; None where the bytes are none of them.
      xmp: XMP packets as they stand, ExtendedXMP put together.
      exif: EXIF blocks.
      iptc: Photoshop resources and bare IPTC datasets.
      creators: who made the picture, by EXIF, IPTC and PNG text; what XMP says of it stands in `xmp`.
      credentials: C2PA manifest stores (JUMBF), whole.
      second_picture: there is another picture behind the first.
      texts: what programs have left in text chunks, comments and EXIF: (keyword, empty for a comment, and text).
      tail: what follows the end of the picture.
      unparsable: kinds of the parts that cannot be read.
    """

    container: str | None = None
    xmp: tuple[bytes, ...] = ()
    exif: tuple[Exif, ...] = ()
    iptc: tuple[Resources, ...] = ()
    creators: tuple[str, ...] = ()
    credentials: tuple[bytes, ...] = ()
    second_picture: bool = False
    unparsable: tuple[str, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    tail: Tail | None = None


def container_of(raw: bytes) -> str | None:
    r"""The kind of container by content: a key of `CONTAINERS`, or `tiff`; None where side data is not looked for.

    >>> container_of(b"GIF89a"), container_of(b"BM"), container_of(b"\0\0\0\x18ftypheic")
    ('gif', None, 'heif')
    """
    kind = sniff(raw)
    if kind in CONTAINERS or kind == "tiff":
        return kind
    return "heif" if raw[4:8] == b"ftyp" else None


def parts_of(raw: bytes) -> list[Part]:
    """The stretches of a picture file that hold side data, in its order; those of a TIFF cannot be told from the picture."""
    kind = container_of(raw)
    return [] if kind is None or kind == "tiff" else CONTAINERS[kind].find(raw)


def read_metadata(raw: bytes, parts: list[Part] | None = None) -> Metadata:
    """Reads the side data of a picture file, whatever its bytes are; `parts` are its `parts_of`, where they are at hand."""
    kind = container_of(raw)
    if kind is None:
        return Metadata()
    parts = [Part("exif", 0, len(raw), raw)] if kind == "tiff" else parts_of(raw) if parts is None else parts
    if not parts:
        return Metadata(kind)
    return _gathered(kind, [*parts, *embedded(parts)], after_end(raw, parts))


def embedded(parts: Iterable[Part]) -> list[Part]:
    """The parts of pictures that follow the first one in a JPEG file, one after the other."""
    found: list[Part] = []
    rest = next((part.payload for part in parts if part.kind == "second_picture"), b"")
    for _ in range(_MORE_PICTURES):
        start = rest.find(b"\xff\xd8\xff")
        if start < 0:
            break
        inner = jpeg.find(rest[start:])
        rest = next((part.payload for part in inner if part.kind == "second_picture"), b"")
        found += [part for part in inner if part.kind not in ("second_picture", "trailer")]
    return found


def exif_blocks(parts: Sequence[Part]) -> list[tuple[Part, bytes]]:
    """EXIF parts, each with the bytes of those that continue it."""
    blocks: list[tuple[Part, bytes]] = []
    for part in parts:
        if part.kind == "exif":
            blocks.append((part, part.payload))
        elif part.kind == "exif_more" and blocks:
            blocks[-1] = (blocks[-1][0], blocks[-1][1] + part.payload)
    return blocks


def extended_packets(parts: Iterable[Part]) -> dict[str, bytes]:
    """ExtendedXMP by its identifier, put together in the order of the offsets (XMP part 3, section 1.1.3.1)."""
    pieces: dict[str, list[tuple[int, bytes]]] = {}
    for part in parts:
        if part.kind == "xmp_extension":
            offset = int.from_bytes(part.name[36:40].encode("latin-1"), "big")
            pieces.setdefault(part.name[:32], []).append((offset, part.payload))
    return {name: b"".join(piece for _, piece in sorted(found)) for name, found in pieces.items()}


def profile_kind(part: Part) -> str:
    """What a raw profile of a PNG holds: `exif`, `xmp`, `photoshop`, `iim`, or `text` where it is none of them."""
    data = part.payload
    if data[:6] == b"Exif\0\0" or data[:4] in (b"II*\0", b"MM\0*"):
        return "exif"
    if data.startswith(_XMP_HEADER) or data.lstrip(b"\xef\xbb\xbf \r\n")[:1] == b"<":
        return "xmp"
    return "photoshop" if data[:4] == b"8BIM" else "iim" if data[:1] == b"\x1c" else "text"


def profile_payload(part: Part) -> bytes:
    """A raw profile without the header of the segment it was copied from."""
    return part.payload.removeprefix(_XMP_HEADER)


def _gathered(kind: str, parts: list[Part], tail: Tail | None) -> Metadata:
    xmp = list(extended_packets(parts).values())
    exif = [read_exif(block) for _, block in exif_blocks(parts)]
    iptc: list[Resources] = []
    creators: list[str] = []
    texts: list[tuple[str, str]] = []
    for part in parts:
        holds = profile_kind(part) if part.kind == "raw_profile" else part.kind
        data = profile_payload(part)
        if holds == "xmp":
            xmp.append(data)
        elif holds in ("photoshop", "iim"):
            iptc.append(read_photoshop(data) if holds == "photoshop" else read_iim(data))
        elif holds == "exif" and part.kind == "raw_profile":
            exif.append(read_exif(data))
        elif holds == "text":
            texts.append((part.name, part.payload[:_MOST_TEXT].decode("utf-8", "replace").strip("\0 ")))
            if part.name.casefold() in ("author", "artist", "creator"):
                creators.append(part.payload.decode("utf-8", "replace").strip("\0 "))
    credentials = [block.credentials for block in exif if block.credentials and kind == "tiff"]
    for block in exif:
        texts += block.notes
        xmp += [block.xmp] if block.xmp else []
        iptc += [read_photoshop(block.photoshop)] if block.photoshop else []
        iptc += [read_iim(block.iim)] if block.iim else []
    for resources in iptc:
        xmp += resources.xmp
        creators += resources.creators
    creators += [block.artist for block in exif]
    unparsable = [part.kind for part in parts if part.kind == "unparsable"] + ["exif" for block in exif if block.broken]
    unparsable += ["xmp" for part in parts if part.kind == "unparsable" and part.name == PNG_XMP]
    unparsable += ["iptc" for resources in iptc if "unparsable" in resources.personal]
    return Metadata(
        kind, tuple(xmp), tuple(exif), tuple(iptc), tuple(dict.fromkeys(name for name in creators if name)),
        (*jumbf.stores(parts), *credentials), any(part.kind == "second_picture" for part in parts),
        tuple(sorted(set(unparsable))), tuple(texts), tail,
    )  # fmt: skip
