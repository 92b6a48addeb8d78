"""XMP packets: parsed as hostile XML, searched for personal data, and written again without it.

XMP: ISO 16684-1. A packet that does not parse, that is larger than `MAX_BYTES` or deeper than `MAX_DEPTH` goes whole; what it says of
consent (plus:DataMining, tdm:reservation) and of the orientation is said again in a packet of our own, so that a reservation never
leaves a picture.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import quoteattr

import defusedxml
from defusedxml.ElementTree import fromstring

from transforms.images.parts.fields import GPS, MAKER_NOTE, OWNER, PERSONS, SECOND_PICTURE, SERIAL_NUMBER, THUMBNAIL, word_of, words_in_text

Mark = tuple[str, str]  # `plus:DataMining`, `tdm:reservation` or `tdm:policy`, and its value

RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
MAX_BYTES: Final = 8 << 20
MAX_DEPTH: Final = 100
PLUS: Final = re.compile(r"^https?://ns\.useplus\.org/ldf/xmp/1\.\d+/?$")
TDM: Final = re.compile(r"^https?://(www\.)?w3\.org/ns/tdmrep[/#]?$")
_OWNER_OF_RIGHTS: Final = "http://ns.adobe.com/xap/1.0/rights/"
_EMBEDDED: Final = re.compile(r"^https?://ns\.google\.com/photos/1\.0/(image|depthmap|audio|camera|container)/?$")
_NOTE: Final = "http://ns.adobe.com/xmp/note/"
_PREFIXES: Final = {
    "adobe:ns:meta/": "x", RDF: "rdf", "http://purl.org/dc/elements/1.1/": "dc", "http://ns.adobe.com/xap/1.0/": "xmp",
    _OWNER_OF_RIGHTS: "xmpRights", "http://ns.adobe.com/xap/1.0/mm/": "xmpMM", "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/tiff/1.0/": "tiff", "http://ns.adobe.com/exif/1.0/": "exif", "http://cipa.jp/exif/1.0/": "exifEX",
    "http://ns.adobe.com/exif/1.0/aux/": "aux", "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "Iptc4xmpCore",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt", "http://ns.useplus.org/ldf/xmp/1.0/": "plus",
    "http://www.w3.org/ns/tdmrep/": "tdm", "http://creativecommons.org/ns#": "cc", "http://ns.adobe.com/lightroom/1.0/": "lr",
}  # fmt: skip
for _uri, _prefix in _PREFIXES.items():
    ET.register_namespace(_prefix, _uri)

# What readers of the orientation in XMP look for, Pillow among them.
_ORIENTATION: Final = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')
_RESERVING: Final = re.compile(rb"DMI-(PROHIBITED[A-Z-]*)", re.IGNORECASE)
_TDM_RESERVED: Final = re.compile(rb"""(?<!\w)tdm\w*:reservation\s*(?:=\s*["']|>)\s*1\s*["'<]""", re.IGNORECASE)
_CONTENT: Final = frozenset({GPS, SERIAL_NUMBER, OWNER, PERSONS, MAKER_NOTE, THUMBNAIL, SECOND_PICTURE})


def parse(packet: bytes) -> ET.Element | None:
    """The root of a packet; None where it is no XML, defines entities, or is too large or too deep.

    >>> parse(b"<a><b/></a>").tag, parse(b"<a>"), parse(b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>')
    ('a', None, None)
    """
    if len(packet) > MAX_BYTES:
        return None
    wide = packet[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = (packet.decode("utf-16", "replace") if wide else packet).strip("\0 \t\r\n\ufffd" if wide else b"\0 \t\r\n")  # type: ignore[arg-type]
    try:
        root: ET.Element = fromstring(text, forbid_dtd=True)
    except (ET.ParseError, defusedxml.DefusedXmlException, ValueError, LookupError):
        # ValueError and LookupError: an encoding that expat cannot read or that Python does not know.
        return None
    return root if _depth(root) <= MAX_DEPTH else None


def personal(root: ET.Element) -> set[str]:
    """Kinds of personal data in a parsed packet, words of `fields`."""
    found = set()
    for element in root.iter():
        found |= {word for name, value in element.attrib.items() if value and (word := _word(name, value))}
        word = _word(element.tag, _own_text(element))
        if word and (len(element) or element.attrib or (element.text or "").strip()):
            found.add(word)
    return found


def without_personal(packet: bytes, marks: Sequence[Mark] = ()) -> bytes:
    """A packet without its personal fields, or a packet of our own where it does not parse; empty where nothing would be left to say.

    Args:
      packet: as it stands in the file.
      marks: what packets of the same file that go say of consent; it moves here.
    """
    root = parse(packet)
    if root is None:
        return own_packet(packet, marks)
    _prune(root)
    for element in root.iter():
        element.attrib.pop(f"{{{_NOTE}}}HasExtendedXMP", None)
        for child in [child for child in element if child.tag == f"{{{_NOTE}}}HasExtendedXMP"]:
            element.remove(child)
    target = root if root.tag == f"{{{RDF}}}RDF" else next(root.iter(f"{{{RDF}}}RDF"), None)
    if marks and target is not None:
        target.append(_description(marks))
    body = ET.tostring(root, encoding="utf-8", xml_declaration=False)
    written = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>' + body + b'<?xpacket end="w"?>'
    return (
        written
        if _ORIENTATION.findall(written)[:1] == _ORIENTATION.findall(packet)[:1]
        else own_packet(packet, [*marks, *consent_marks(root)])
    )


def own_packet(packet: bytes, marks: Sequence[Mark] = ()) -> bytes:
    """A packet that says of consent and orientation what another one seems to say; empty where it says nothing of either.

    >>> own_packet(b"broken <plus:DataMining>DMI-PROHIBITED")[-107:-19].decode()
    'plus:DataMining="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"/></rdf:RDF></x:xmpmeta>'
    """
    marks = [*marks, *seeming_marks(packet)]
    if turned := _ORIENTATION.search(packet):
        marks.append(("tiff:Orientation", turned.group(1).decode()))
    if not marks:
        return b""
    spaces = {prefix: uri for uri, prefix in _PREFIXES.items()}
    used = "".join(f' xmlns:{prefix}="{spaces[prefix]}"' for prefix in sorted({name.split(":")[0] for name, _ in marks}))
    said = "".join(f'<rdf:Description rdf:about=""{used} {name}={quoteattr(value)}/>' for name, value in dict.fromkeys(marks))
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{RDF}">{said}</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def seeming_marks(packet: bytes) -> list[Mark]:
    """The reservations that bytes which do not parse seem to hold. A permission is not looked for: it needs a packet that can be read.

    >>> seeming_marks(b'<a plus:DataMining="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED" tdm:reservation="1"')
    [('plus:DataMining', 'http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED'), ('tdm:reservation', '1')]
    """
    packet = packet.replace(b"\0", b"") if packet[:2] in (b"\xff\xfe", b"\xfe\xff") or packet[:1] == b"\0" else packet
    found = [("plus:DataMining", f"http://ns.useplus.org/ldf/vocab/DMI-{value.decode().upper()}") for value in _RESERVING.findall(packet)]
    return found + ([("tdm:reservation", "1")] if _TDM_RESERVED.search(packet) else [])


def marks_of(packet: bytes) -> list[Mark]:
    """What a packet says of consent; what it seems to say where it does not parse."""
    root = parse(packet)
    return seeming_marks(packet) if root is None else consent_marks(root)


def consent_marks(root: ET.Element) -> list[Mark]:
    """What a parsed packet says of consent: (`plus:DataMining` or `tdm:reservation` or `tdm:policy`, value), in document order.

    Attribute, element and rdf:resource forms count, under any prefix; so does a value inside a bag or an rdf:value.
    """
    found = []
    for element in root.iter():
        for name, value in element.attrib.items():
            if mark := _mark(name):
                found.append((mark, value.strip()))
        if mark := _mark(element.tag):
            texts = [
                value
                for inner in element.iter()
                for value in (inner.text, *inner.attrib.values(), inner.tail if inner is not element else None)
            ]
            found += [(mark, text.strip()) for text in texts if text and text.strip()]
    return found


def _mark(name: str) -> str | None:
    space, _, local = name.rpartition("}")
    if local == "DataMining" and PLUS.match(space[1:]):
        return "plus:DataMining"
    if local in ("reservation", "policy") and TDM.match(space[1:]):
        return f"tdm:{local}"
    return None


def _word(name: str, value: str) -> str | None:
    space, _, local = name.rpartition("}")
    space = space[1:]
    if _EMBEDDED.match(space):
        return SECOND_PICTURE if local == "Data" or "icroVideo" in local or "otionPhoto" in local or local == "Directory" else None
    if space in (_OWNER_OF_RIGHTS, RDF, _NOTE) or PLUS.match(space) or TDM.match(space):
        return None
    word = word_of(local)
    if word is None and len(value) < 1 << 12 and ("@" in value or "°" in value):
        return next(iter(sorted(words_in_text(value))), None)
    return word if word in _CONTENT else None


def _own_text(element: ET.Element) -> str:
    return element.text or ""


def _prune(root: ET.Element) -> None:
    for element in list(root.iter()):
        for name in [name for name, value in element.attrib.items() if _word(name, value)]:
            del element.attrib[name]
        for child in [child for child in element if _word(child.tag, _own_text(child))]:
            element.remove(child)


def _description(marks: Sequence[Mark]) -> ET.Element:
    spaces = {prefix: uri for uri, prefix in _PREFIXES.items()}
    element = ET.Element(f"{{{RDF}}}Description", {f"{{{RDF}}}about": ""})
    for mark, value in marks:
        prefix, local = mark.split(":")
        ET.SubElement(element, f"{{{spaces[prefix]}}}{local}").text = value
    return element


def _depth(root: ET.Element) -> int:
    depth, level = 0, [root]
    while level and depth <= MAX_DEPTH:
        depth += 1
        level = [child for element in level for child in element]
    return depth
