"""Consent that a picture file carries: IPTC/PLUS DataMining and TDMRep in XMP, and that there is a C2PA manifest. And who made it."""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from transforms.consent.signal import C2PA, CONTENT, PLUS_DATA_MINING, TDM_XMP, XMP, Signal, evidence
from transforms.images.metadata import Metadata
from transforms.images.parts import xmp

_TERM: Final = re.compile(r"(?:^|[/#:])(?:DMI-)?((?:PROHIBITED|ALLOWED|UNSPECIFIED)[A-Z0-9-]*)[\s/]*$", re.IGNORECASE)
_CREATORS: Final = frozenset({
    "{http://purl.org/dc/elements/1.1/}creator", "{http://ns.adobe.com/tiff/1.0/}Artist", "{http://ns.useplus.org/ldf/xmp/1.0/}ImageCreatorName",
})  # fmt: skip


def embedded_signals(metadata: Metadata, where: str = "", *, manifest_read: bool = False) -> list[Signal]:
    """What the side data says of use, in its order, each thing once.

    Args:
      metadata: of a picture file.
      where: put in front of the evidence, e.g. which of several pictures it is.
      manifest_read: whether what a C2PA manifest says was read too; here it is only said that there is one.
    """
    found = []
    unread = "xmp" in metadata.unparsable
    for packet in metadata.xmp:
        root = xmp.parse(packet)
        marks = xmp.seeming_marks(packet) if root is None else xmp.consent_marks(root)
        unread |= root is None and not marks and bool(packet.strip(b"\0 \t\r\n"))
        for mark, value in marks:
            if mark == "plus:DataMining":
                if term := plus_term(value):
                    found.append(Signal(PLUS_DATA_MINING, term, CONTENT, evidence(f"{where}XMP plus:DataMining {value}")))
            elif mark == "tdm:reservation" and value in ("0", "1"):
                found.append(Signal(TDM_XMP, value, CONTENT, evidence(f"{where}XMP tdm:reservation {value}")))
    if unread:
        found.append(Signal(XMP, "present", CONTENT, f"{where}XMP that does not parse", observable=False))
    if metadata.credentials:
        told = f"{where}JUMBF manifest store" + ("" if manifest_read else ", assertions not read")
        found.append(Signal(C2PA, "present", CONTENT, told, observable=manifest_read))
    return list(dict.fromkeys(found))


def plus_term(value: str) -> str | None:
    """The term of the PLUS vocabulary in a value: a URI of it, the bare term, with or without DMI- in front; None where it is none.

    >>> plus_term("http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING"), plus_term("prohibited"), plus_term("resource")
    ('DMI-PROHIBITED-AIMLTRAINING', 'DMI-PROHIBITED', None)
    """
    found = _TERM.search(value.strip())
    return f"DMI-{found.group(1).upper()}" if found else None


def creators(metadata: Metadata) -> list[str]:
    """Who made the picture, by EXIF, IPTC, PNG text and XMP: names as they stand, each once, sorted."""
    names = list(metadata.creators)
    for packet in metadata.xmp:
        root = xmp.parse(packet)
        for element in () if root is None else root.iter():
            names += [value for name, value in element.attrib.items() if name in _CREATORS]
            if element.tag in _CREATORS:
                names += [text for inner in element.iter() if (text := (inner.text or "").strip())]
    return sorted(set(names))


def creator_ids(names: Iterable[str]) -> list[str]:
    """Names as digests that lists can be compared with: 128 bits of SHA-256 of the name, case-folded, white space made one; sorted.

    >>> creator_ids(["Jo  Example"]) == creator_ids(["jo example"])
    True
    """
    plain = {" ".join(name.split()).casefold() for name in names}
    return sorted(hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32] for name in plain if name)
