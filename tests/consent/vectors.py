"""What Winnow makes of a case of `vectors.yaml`: the signals it finds, and the state that follows."""

import struct
from typing import Any

from PIL import Image

from tests.images.side_data import (
    EXTENSION_HEADER,
    XMP_HEADER,
    chunk,
    gif_extension,
    itxt,
    packet,
    photo,
    saved,
    segment,
    with_chunks,
    with_riff_chunk,
    with_segments,
)
from transforms.consent.content_credentials import training_mining
from transforms.consent.embedded import embedded_signals
from transforms.consent.headers import header_signals, read_headers
from transforms.consent.host_policy import HostPolicy, Served
from transforms.consent.page import page_signals
from transforms.consent.precedence import standing
from transforms.consent.robots import TRAINING_AGENTS
from transforms.consent.signal import CONTENT, DISALLOWED, LOCATION, TRAINING_MINING, Meaning, Signal, meaning
from transforms.images.metadata import read_metadata

URL = "https://a.example/pics/1.jpg"
STATES = {Meaning.SILENT: "silent", Meaning.PERMITS: "permitted", Meaning.RESERVES: "reserved"}
RSL = '<rsl xmlns="https://rslstandard.org/rsl">{}</rsl>'


def state_of(case: dict[str, Any]) -> str:
    """`reserved`, `permitted` or `silent`."""
    page = [case.get(name) for name in ("page_noai", "page_meta_robots", "page_tdm_reservation")]
    found = header_signals(read_headers(case.get("headers"))) + page_signals(*page)
    if case.get("disallowed"):
        found.append(Signal(DISALLOWED, "x-robots-tag", LOCATION, "recorded by the downloader"))
    if picture := _picture(case):
        found += embedded_signals(read_metadata(picture))
    if "manifest" in case:
        found += [Signal(TRAINING_MINING, value, CONTENT, label) for label, value in training_mining(_store(**case["manifest"]))]
    found += HostPolicy(_served(case)).signals(case.get("url", URL), TRAINING_AGENTS)
    respected = case.get("respect_noindex", True)
    means = [meaning(signal.signal, signal.value, case.get("use", "generative"), respect_noindex=respected) for signal in standing(found)]
    return STATES[max(means, default=Meaning.SILENT)]


def _store(label: str, entries: Any = None, data: Any = None, validation: str = "Valid") -> dict[str, Any]:
    assertion = {"label": label, "data": {"entries": entries} if data is None else data}
    return {"active_manifest": "a", "manifests": {"a": {"assertions": [assertion]}}, "validation_state": validation}


def _served(case: dict[str, Any]) -> Served:
    robots = case.get("robots_txt")
    if "robots_hex" in case:
        robots = bytes.fromhex(case["robots_hex"])
    elif "robots_utf16" in case:
        robots = case["robots_utf16"].encode("utf-16")
    elif "robots_utf16_big" in case:
        robots = b"\xfe\xff" + case["robots_utf16_big"].encode("utf-16-be")
    elif "robots_utf16_unmarked" in case:
        robots = case["robots_utf16_unmarked"].encode("utf-16-le")
    rsl = RSL.format(case["rsl"]) if "rsl" in case else case.get("rsl_xml")
    tdmrep = case["tdmrep_utf16"].encode("utf-16") if "tdmrep_utf16" in case else case.get("tdmrep_json")
    return Served(None, case.get("status_robots"), robots, tdmrep, case.get("ai_txt"), rsl)


def _picture(case: dict[str, Any]) -> bytes | None:
    said = {name: case[field] for field, name in (("plus", "plus__DataMining"), ("tdm_xmp", "tdm__reservation")) if field in case}
    if not said and "xmp" not in case:
        return None
    xmp = packet(case.get("xmp", ""), **said)
    match case.get("container", "jpeg"):
        case "jpeg":
            return with_segments(saved(photo(), "JPEG"), segment(0xE1, XMP_HEADER + xmp))
        case "jpeg extended":
            whole = struct.pack(">II", len(xmp), 0) + xmp
            return with_segments(saved(photo(), "JPEG"), segment(0xE1, EXTENSION_HEADER + b"0" * 32 + whole))
        case "jpeg exif":
            block = Image.Exif()
            block[700] = xmp
            return saved(photo(), "JPEG", exif=block)
        case "gif":
            return saved(photo(), "GIF")[:-1] + gif_extension(0xFF, b"\x0bXMP DataXMP", xmp) + b";"
        case "png raw profile":
            text = b"Raw profile type xmp\0\nxmp\n%8d\n%s\n" % (len(xmp), xmp.hex().encode())
            return with_chunks(saved(photo(), "PNG"), chunk(b"tEXt", text))
        case "webp":
            return with_riff_chunk(saved(photo(), "WEBP"), b"XMP ", xmp)
        case "tiff":
            return saved(photo(), "TIFF", tiffinfo={700: xmp})
        case kind:
            return with_chunks(saved(photo(), "PNG"), itxt(b"XML:com.adobe.xmp", xmp, packed=kind == "png compressed"))
