"""What a picture file says of how it came about: the digital source type in its XMP, and in the actions of its C2PA manifests.

IPTC Photo Metadata Standard 2023.1 (`Iptc4xmpExt:DigitalSourceType`); vocabulary http://cv.iptc.org/newscodes/digitalsourcetype/; C2PA 2.2,
section 18.15 (`digitalSourceType` of an action). No signature is checked: who says of a picture that it was generated is believed.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from transforms.images.metadata import Metadata
from transforms.images.parts import xmp
from transforms.images.parts.jumbf import CONTENTS, assertions

XMP: Final = "XMP DigitalSourceType"
C2PA: Final = "C2PA action"

# The whole vocabulary, retired terms too, and what C2PA adds to it. Terms that are not among them are recorded all the same.
VOCABULARY: Final = (
    "digitalCapture", "computationalCapture", "negativeFilm", "positiveFilm", "print", "humanEdits", "minorHumanEdits",
    "compositeWithTrainedAlgorithmicMedia", "algorithmicallyEnhanced", "softwareImage", "digitalArt", "digitalCreation", "dataDrivenMedia",
    "trainedAlgorithmicMedia", "trainedAlgorithmicData", "algorithmicMedia", "screenCapture", "virtualRecording", "composite",
    "compositeCapture", "compositeSynthetic", "empty",
)  # fmt: skip

_TERM: Final = re.compile(r"(?:^|[/:])([A-Za-z]{5,60})\s*$")
_NAME: Final = "DigitalSourceType"
_IPTC: Final = "http://iptc.org/std/Iptc4xmpExt/"
_ACTIONS: Final = re.compile(r"c2pa\.actions(?:\.v\d+)?(?:__\d+)?")
_MAX_DEPTH: Final = 16


def source_types(metadata: Metadata) -> list[tuple[str, str]]:
    """Terms of the vocabulary that a picture's side data holds, each with where it stands, each once, in the order of the file."""
    found = [(term, XMP) for packet in metadata.xmp if _NAME.encode() in packet or packet[:1] == b"\0" for term in _in_packet(packet)]
    found += [(term, C2PA) for store in metadata.credentials for term in _in_store(store)]
    return list(dict.fromkeys(found))


def term_of(value: str) -> str | None:
    """The term in a value of the vocabulary, with or without its address; None where there is none.

    >>> term_of("http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"), term_of("digitalCapture"), term_of("?")
    ('trainedAlgorithmicMedia', 'digitalCapture', None)
    """
    found = _TERM.search(value.strip())
    return found.group(1) if found else None


def _in_packet(packet: bytes) -> Iterator[str]:
    root = xmp.parse(packet)
    for element in () if root is None else root.iter():
        texts = [value for name, value in element.attrib.items() if _is_iptc(name)]
        if _is_iptc(element.tag):
            texts += [value for inner in element.iter() for value in (inner.text or "", *inner.attrib.values())]
        yield from (term for text in texts if (term := term_of(text)))


def _is_iptc(name: str) -> bool:
    return name.endswith(f"}}{_NAME}") and name.startswith(f"{{{_IPTC}")


def _in_store(store: bytes) -> list[str]:
    """Terms in the actions of every manifest of a store; of one that cannot be read none."""
    found: list[str] = []
    try:
        for label, kind, payload in assertions(store):
            if _ACTIONS.fullmatch(label) and kind in CONTENTS:
                found += _in_action(CONTENTS[kind](payload), 0)
    except (ValueError, RecursionError):  # no store, no CBOR, no JSON
        return found
    return found


def _in_action(value: Any, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            if str(name).casefold() == _NAME.casefold() and isinstance(inner, str):
                yield from filter(None, [term_of(inner)])
            else:
                yield from _in_action(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _in_action(inner, depth + 1)
