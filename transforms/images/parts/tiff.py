"""TIFF files without what is personal: the directories are made shorter where they stand, so that no offset of the picture moves.

Fields that go are taken out of the first page's directory, and their bytes are overwritten with zeros unless they overlap something that
stays. Further pages and subordinate directories, reduced copies among them, are cut off and zeroed likewise. What lies in a part that
cannot be walked is cut off, but its bytes stay in the file: how many they are is not known.
"""

from transforms.images.parts import ifd, xmp
from transforms.images.parts.exif import COPYRIGHT, IIM, ORIENTATION, PHOTOSHOP, XMP, Exif, read_exif
from transforms.images.parts.fields import SECOND_PICTURE, TAGS, THUMBNAIL, UNPARSABLE
from transforms.images.parts.iptc import read_iim, read_photoshop

_STRIPS = ((0x0111, 0x0117), (0x0144, 0x0145), (0x0201, 0x0202))
_POINTERS = frozenset({ifd.EXIF, ifd.GPS, ifd.INTEROPERABILITY, ifd.SUB})
_TEXTS = frozenset({0x010E, 0x013B, COPYRIGHT, 0x9C9D})
# What decides pixels and how they are shown: TIFF 6.0 sections 4 to 22, and the ICC profile (34675).
_PICTURE = frozenset({*range(0x00FE, 0x010E), *range(0x0111, 0x0132), *range(0x013C, 0x0216), ORIENTATION, 0x8773}) - {0x013C, ifd.SUB}


def words(raw: bytes) -> tuple[Exif, set[str]]:
    """The first directory as EXIF, and kinds of personal data anywhere in the file."""
    tree = ifd.read_tree(raw)
    exif = read_exif(raw)
    found = set(exif.personal - {THUMBNAIL}) | ({UNPARSABLE} if exif.broken else set())
    if any(d.name == "sub" or (d.name == "main" and d.page) for d in tree.directories):
        found.add(SECOND_PICTURE)
    if exif.xmp is not None:
        root = xmp.parse(exif.xmp)
        found |= {UNPARSABLE} if root is None else xmp.personal(root)
    found |= read_photoshop(exif.photoshop).personal if exif.photoshop else set()
    found |= read_iim(exif.iim).personal if exif.iim else set()
    return exif, found


def scrub(raw: bytes) -> bytes:
    """The file without what is personal; of what is not the picture itself only texts, copyright and what XMP says of consent stay."""
    tree = ifd.read_tree(raw)
    exif = read_exif(raw)
    if not tree.directories:
        return raw
    first = tree.directories[0]
    kept = [entry for entry in first.entries if _stays(entry, tree, exif)]
    out = bytearray(raw)
    packet = _packet(exif, kept)
    if packet is None:
        kept = [entry for entry in kept if entry.tag != XMP]
    protected = _protected(tree, first, kept)
    for directory in tree.directories:
        gone = [entry for entry in directory.entries if directory is not first or entry not in kept]
        spans = [(entry.start, entry.end) for entry in gone if entry.end - entry.start > (8 if tree.wide else 4)]
        if directory is not first:
            spans.append((directory.start, directory.end))
            spans += _data(tree, directory)
        for start, end in spans:
            if not any(start < stop and begin < end for begin, stop in protected):
                out[start:end] = bytes(end - start)
    if packet is not None:
        entry = next(entry for entry in kept if entry.tag == XMP)
        out[entry.start : entry.end] = packet
    inline = 8 if tree.wide else 4
    inside = [*_data(tree, first), *((entry.start, entry.end) for entry in kept if entry.end - entry.start > inline)]
    if any(first.start < stop and begin < first.end for begin, stop in inside):
        _blank(out, [entry for entry in first.entries if entry not in kept], inside, tree)
    else:
        _rewrite(out, tree, first, kept)
    return bytes(out)


def _stays(entry: ifd.Entry, tree: ifd.Tree, exif: Exif) -> bool:
    if entry.tag in TAGS or entry.tag in _POINTERS or entry.tag in (IIM, PHOTOSHOP):
        return False
    if entry.tag in _TEXTS:
        text = tree.value(entry).strip(b"\0 ")
        return bool(text) and any(text == kept.encode() for kept in (exif.artist, exif.copyright))
    return entry.tag in _PICTURE or entry.tag == XMP


def _packet(exif: Exif, kept: list[ifd.Entry]) -> bytes | None:
    """What stands in place of the XMP packet, of the same length; None where nothing can."""
    entry = next((entry for entry in kept if entry.tag == XMP), None)
    if entry is None or exif.xmp is None:
        return None
    room = entry.end - entry.start
    root = xmp.parse(exif.xmp)
    if root is not None and not xmp.personal(root):
        return exif.xmp
    for written in (xmp.without_personal(exif.xmp), xmp.own_packet(exif.xmp, [] if root is None else xmp.consent_marks(root))):
        if written and len(written) <= room:
            return written.ljust(room)
    return None


def _protected(tree: ifd.Tree, first: ifd.Directory, kept: list[ifd.Entry]) -> list[tuple[int, int]]:
    spans = [(0, 16 if tree.wide else 8), (first.start, first.end), *((entry.start, entry.end) for entry in kept)]
    return spans + _data(tree, first)


def _data(tree: ifd.Tree, directory: ifd.Directory) -> list[tuple[int, int]]:
    spans = []
    fields = {entry.tag: entry for entry in directory.entries}
    for offsets, counts in _STRIPS:
        if offsets in fields and counts in fields:
            starts, sizes = (tree.integers(fields[tag], fields[tag].count) for tag in (offsets, counts))
            spans += [(start, start + size) for start, size in zip(starts, sizes, strict=False)]
        elif offsets in fields:  # readers guess how long the data is
            spans += [(start, len(tree.data)) for start in tree.integers(fields[offsets], fields[offsets].count)]
    return spans


def _blank(out: bytearray, gone: list[ifd.Entry], inside: list[tuple[int, int]], tree: ifd.Tree) -> None:
    """Makes fields of no tag out of those that go, in a directory that claims bytes of the picture and so cannot be made shorter."""
    size = 20 if tree.wide else 12
    for entry in gone:
        if not any(entry.at < stop and begin < entry.at + size for begin, stop in inside):
            out[entry.at : entry.at + size] = bytes(size)


def _rewrite(out: bytearray, tree: ifd.Tree, first: ifd.Directory, kept: list[ifd.Entry]) -> None:
    order = "little" if tree.order == "<" else "big"
    head, size, link = (8, 20, 8) if tree.wide else (2, 12, 4)
    fields = b"".join(tree.data[entry.at : entry.at + size] for entry in kept)
    written = len(kept).to_bytes(head, order) + fields + bytes(link)  # type: ignore[arg-type]  # "little" or "big"
    room = first.end - first.start  # without a link where the file ends before it
    out[first.start : first.end] = written[:room].ljust(room, b"\0")
