"""Who made a picture, whom to credit, under which licence, from whom to get one, and what is said of rights: as picture and columns say.

Where the picture itself says it, that stands; else what a column of the source says. Names are published on purpose: attribution is theirs.
E-mail addresses and phone numbers in these texts are written over, texts that seem to hold a position or a serial number are left out.

Fields: IPTC Photo Metadata Standard 2023.1; IPTC-NAA IIM 4.2 (2:80, 2:110, 2:116); Exif 2.32 (0x013B, 0x8298); XMP part 2; PLUS 2.0.1;
ccREL (cc:license). Columns: roles `creator`, `licence` and `exif` of `transforms.read.columns`.
"""

import dataclasses
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from schemas.release import OF_ATTRIBUTION
from schemas.samples import Samples
from transforms.images.metadata import Metadata, read_metadata
from transforms.images.parts import xmp
from transforms.images.parts.fields import GPS, SERIAL_NUMBER, words_in_text
from transforms.licences import of_flickr, spdx
from transforms.text.personal_data import redact
from transforms.text.url import host_of, registrable_domain

MOST_CHARACTERS: Final = 1_000  # of a published text
MOST_NAMES: Final = 20  # that one text is joined from
JOINT: Final = "; "  # between them
_EXAMINED: Final = 4_000  # characters of a text as it stands
_NOTHING: Final = frozenset({"", "-", "n/a", "na", "nan", "nil", "none", "null", "undefined", "unknown", "unspecified"})
_NUMBER: Final = re.compile(r"\d{1,2}")
_FLICKR: Final = frozenset({"flickr.com", "staticflickr.com"})
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")

_DC, _RIGHTS, _PHOTOSHOP = "http://purl.org/dc/elements/1.1/", "http://ns.adobe.com/xap/1.0/rights/", "http://ns.adobe.com/photoshop/1.0/"
_SIMPLE: Final = {
    f"{{{_DC}}}creator": "creator", "{http://ns.adobe.com/tiff/1.0/}Artist": "creator", f"{{{_PHOTOSHOP}}}Credit": "credit",
    f"{{{_DC}}}rights": "rights", f"{{{_RIGHTS}}}UsageTerms": "rights", f"{{{_RIGHTS}}}WebStatement": "statement",
    "{http://creativecommons.org/ns#}license": "licence", "{http://web.resource.org/cc/}license": "licence",
}  # fmt: skip
_EXIF_NAMES: Final = {"artist": "creator", "copyright": "rights", "xpauthor": "creator"}
_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_RESOURCE: Final = f"{{{xmp.RDF}}}resource"


@dataclasses.dataclass(slots=True)
class Said:
    """What one place says of a picture, texts as they stand: each list by its own order.

    Attributes:
      creator: who made it.
      credit: how the one who supplied it wants to be named.
      licence: what is declared to be its licence: an address, a name.
      statement: addresses of pages that tell of its rights.
      licensor: who gives a licence: a name, an address, or both.
      rights: notices.
    """

    creator: list[str] = dataclasses.field(default_factory=list)
    credit: list[str] = dataclasses.field(default_factory=list)
    licence: list[str] = dataclasses.field(default_factory=list)
    statement: list[str] = dataclasses.field(default_factory=list)
    licensor: list[str] = dataclasses.field(default_factory=list)
    rights: list[str] = dataclasses.field(default_factory=list)

    def add(self, name: str, texts: Iterable[str]) -> None:
        """Adds texts to an attribute."""
        getattr(self, name).extend(texts)


def attribution(samples: Samples, redacted: Collection[str]) -> dict[str, pa.Array]:
    """The columns `schemas.release.OF_ATTRIBUTION` of a batch; null where nothing is known.

    Args:
      samples: rows, with their pictures where there are any.
      redacted: kinds of personal data that are written over (transforms.text.personal_data.KINDS).
    """
    columns = {role: _values(samples, role) for role in ("exif", "creator", "licence", "license")}
    urls = samples.core.column("url").to_pylist()
    found: dict[str, list[str | None]] = {name: [] for name in OF_ATTRIBUTION}
    for row, raw in enumerate(samples.core.column("image").to_pylist()):
        places = [*(said_in(read_metadata(raw)) if raw is not None else ()), _of_exif_text(columns["exif"][row])]
        licence = columns["licence"][row] or columns["license"][row]
        declared = Said(creator=_texts(columns["creator"][row]), licence=_numbered(licence, urls[row]) or _texts(licence))
        for name, text in _row([*places, declared], redacted).items():
            found[name].append(text)
    return {name: pa.array(texts, pa.string()) for name, texts in found.items()}


def _row(places: Sequence[Said], redacted: Collection[str]) -> dict[str, str | None]:
    """What is published of one picture, by places in order of precedence."""
    rights = [text for said in places for text in (*said.rights, *said.statement)]
    return {
        "creator": _joined(next((names for said in places if (names := _told(said.creator))), []), redacted),
        "credit": _joined(next((names for said in places if (names := _told(said.credit))), []), redacted),
        "licence": _licence(places, redacted),
        "licensor": _joined(next((names for said in places if (names := _told(said.licensor))), []), redacted),
        "rights": _joined(_told(rights), redacted),
    }


def _licence(places: Sequence[Said], redacted: Collection[str]) -> str | None:
    """The first licence with an identifier, else what is declared first, as it is; a notice is one only where it names a known one."""
    declared = [text for said in places for text in (*said.licence, *said.statement)]
    for text in (*declared, *(text for said in places for text in said.rights)):
        if name := spdx(text):
            return name
    return _joined(_told(declared)[:1], redacted)


def _told(texts: Iterable[str]) -> list[str]:
    """Texts that say something, tidied, each once."""
    tidy = (_tidied(text) for text in texts)
    return list(dict.fromkeys(text for text in tidy if text.casefold() not in _NOTHING))[:MOST_NAMES]


def _tidied(text: str) -> str:
    text = text[:_EXAMINED].encode("utf-8", "replace").decode()
    return " ".join(_CONTROL.sub(" ", text).split())


def _joined(texts: Sequence[str], redacted: Collection[str]) -> str | None:
    clean = [redact(text, redacted) for text in texts if not words_in_text(text) & {GPS, SERIAL_NUMBER}]
    return JOINT.join(clean)[:MOST_CHARACTERS].strip() or None


def said_in(metadata: Metadata) -> Iterator[Said]:
    """What a picture's side data says: XMP, then IPTC, then EXIF, then a text of a PNG."""
    for packet in metadata.xmp:
        if (root := xmp.parse(packet)) is not None:
            yield _of_packet(root)
    iptc, exif = Said(), Said()
    for resources in metadata.iptc:
        for name, text in resources.stated:
            iptc.add(name, [text])
    for block in metadata.exif:
        exif.creator += block.stated[0].split("\0")
        exif.rights += block.stated[1].split("\0")
    yield from (iptc, exif, Said(creator=list(metadata.creators)))


def _of_packet(root: ET.Element) -> Said:
    said = Said()
    described = [
        element for rdf in root.iter(f"{{{xmp.RDF}}}RDF") for element in rdf
    ]  # below them stand other pictures too: sources, versions
    for name, value in (pair for element in described for pair in element.attrib.items()):
        if kind := _SIMPLE.get(name):
            said.add(kind, [value])
    for element in (child for described_one in described for child in described_one):
        if kind := _SIMPLE.get(element.tag):
            said.add(kind, _values_in(element))
        space, _, local = element.tag[1:].partition("}")
        if local in ("ImageCreator", "Licensor") and xmp.PLUS.match(space):
            said.add("creator" if local == "ImageCreator" else "licensor", _parties(element, space, local))
    return said


def _values_in(element: ET.Element) -> list[str]:
    """The values of a property: of a simple one its text, of a sequence all, of language alternatives the default, else the first."""
    items = list(element.iter(f"{{{xmp.RDF}}}li"))
    if not items:
        texts = [element.get(_RESOURCE) or "", *(inner.text or "" for inner in element.iter())]
        return [text for text in texts if text.strip()][:1]
    alternatives = [(item.get(_LANGUAGE), "".join(item.itertext()) or item.get(_RESOURCE) or "") for item in items]
    if any(language is not None for language, _ in alternatives):
        alternatives = sorted(alternatives, key=lambda pair: pair[0] != "x-default")[:1]
    return [text for _, text in alternatives]


def _parties(element: ET.Element, space: str, local: str) -> Iterator[str]:
    """Name and address of every party in a PLUS sequence, as attributes or as elements: `Jo Example, https://example.org/licence`."""
    items = list(element.iter(f"{{{xmp.RDF}}}li")) or [element]
    for item in items:
        found: dict[str, str] = {}
        for inner in item.iter():
            for name, value in ((inner.tag, inner.text or inner.get(_RESOURCE) or ""), *inner.attrib.items()):
                if name in (f"{{{space}}}{local}Name", f"{{{space}}}{local}URL") and value.strip():
                    found.setdefault(name, value.strip())
        yield ", ".join(found[name] for name in (f"{{{space}}}{local}Name", f"{{{space}}}{local}URL") if name in found)


def _of_exif_text(value: Any) -> Said:
    """What the EXIF column of a downloader says: a JSON object from names such as `Image Artist` to texts."""
    said = Said()
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):  # no JSON, or nested beyond what the parser takes
            return said
    if isinstance(value, Mapping):
        for name, text in value.items():
            kind = _EXIF_NAMES.get(str(name).rpartition(" ")[2].casefold())
            if kind is not None:
                said.add(kind, _texts(text))
    return said


def _values(samples: Samples, role: str) -> Sequence[Any]:
    column = samples.role(role)
    return [None] * len(samples) if column is None else column.to_pylist()


def _numbered(value: Any, url: str | None) -> list[str]:
    """The licence of a picture on Flickr that is told by Flickr's number, as in YFCC100M and COCO."""
    number = value if isinstance(value, int) else int(value) if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) else None
    host = None if number is None or url is None else host_of(url)
    name = of_flickr(number) if number is not None and host is not None and registrable_domain(host) in _FLICKR else None
    return [] if name is None else [name]


def _texts(value: Any) -> list[str]:
    """The texts of a column's value: one, or a list of them."""
    if isinstance(value, list | tuple):
        return [text for text in value if isinstance(text, str)][:MOST_NAMES]
    return [value] if isinstance(value, str) else []
