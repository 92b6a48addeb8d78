"""Reservations that a picture carries are read in every form of XMP, and what they mean depends on the use."""

import pytest

from tests.images.side_data import DMI, XMP_HEADER, chunk, packet, photo, saved, segment, with_chunks, with_segments
from tests.shared_data import shared
from transforms.consent.embedded import creator_ids, creators, embedded_signals
from transforms.consent.signal import Meaning, meaning
from transforms.images.metadata import read_metadata

JPEG = saved(photo(), "JPEG")


def signals(xmp: bytes) -> list[tuple[str, str]]:
    found = embedded_signals(read_metadata(with_segments(JPEG, segment(0xE1, XMP_HEADER + xmp))))
    assert all(signal.scope == "content" for signal in found)
    return [(signal.signal, signal.value) for signal in found]


PROHIBITED = [("plus_data_mining", "DMI-PROHIBITED")]


@pytest.mark.parametrize(
    "xmp",
    [
        packet(plus__DataMining=f"{DMI}PROHIBITED"),
        packet(f"<plus:DataMining>{DMI}PROHIBITED</plus:DataMining>"),
        packet(f"<plus:DataMining rdf:resource='{DMI}PROHIBITED'/>"),
        packet(f"<plus:DataMining><rdf:Bag><rdf:li>{DMI}PROHIBITED</rdf:li></rdf:Bag></plus:DataMining>"),
        packet(f"<plus:DataMining rdf:parseType='Resource'><rdf:value>{DMI}PROHIBITED</rdf:value></plus:DataMining>"),
        packet(f"<q:DataMining xmlns:q='http://ns.useplus.org/ldf/xmp/1.0/'> {DMI}PROHIBITED </q:DataMining>"),
        packet(plus__DataMining="DMI-PROHIBITED"),
        packet(plus__DataMining="PROHIBITED"),
        packet(plus__DataMining=f"{DMI}prohibited"),
        packet(plus__DataMining=f"{DMI}PROHIBITED").decode().encode("utf-16"),
        packet(plus__DataMining=f"{DMI}PROHIBITED") + b"\0" * 500,
        packet(plus__DataMining=f"{DMI}PROHIBITED")[:-58],
    ],
    ids=["attribute", "element", "resource", "bag", "value", "prefix", "bare", "barer", "case", "utf-16", "padded", "cut"],
)
def test_a_reservation_is_read_in_every_form(xmp: bytes) -> None:
    assert signals(xmp) == PROHIBITED


@pytest.mark.parametrize(
    "xmp",
    [
        packet(),
        packet("<q:DataMining xmlns:q='http://example.org/'>DMI-PROHIBITED</q:DataMining>"),
        packet(dc__title="what DMI-PROHIBITED means"),
        packet(plus__DataMining="see the page"),
        b"",
    ],
)
def test_what_is_no_reservation_is_none(xmp: bytes) -> None:
    assert signals(xmp) == []


@pytest.mark.parametrize(
    ("term", "generative", "discriminative"),
    [
        ("UNSPECIFIED", Meaning.SILENT, Meaning.SILENT),
        ("ALLOWED", Meaning.PERMITS, Meaning.PERMITS),
        ("PROHIBITED-AIMLTRAINING", Meaning.RESERVES, Meaning.RESERVES),
        ("PROHIBITED-GENAIMLTRAINING", Meaning.RESERVES, Meaning.SILENT),
        ("PROHIBITED-EXCEPTSEARCHENGINEINDEXING", Meaning.RESERVES, Meaning.RESERVES),
        ("PROHIBITED", Meaning.RESERVES, Meaning.RESERVES),
        ("PROHIBITED-SEECONSTRAINT", Meaning.RESERVES, Meaning.RESERVES),
        ("PROHIBITED-SEEEMBEDDEDRIGHTSEXPR", Meaning.RESERVES, Meaning.RESERVES),
        ("PROHIBITED-SEELINKEDRIGHTSEXPR", Meaning.RESERVES, Meaning.RESERVES),
        ("PROHIBITED-SOMETHINGNEW", Meaning.RESERVES, Meaning.RESERVES),
    ],
)
def test_every_term_means_what_the_vocabulary_says(term: str, generative: Meaning, discriminative: Meaning) -> None:
    [(signal, value)] = signals(packet(plus__DataMining=DMI + term))
    assert meaning(signal, value, "generative", respect_noindex=True) == generative
    assert meaning(signal, value, "any", respect_noindex=True) == generative
    assert meaning(signal, value, "discriminative", respect_noindex=True) == discriminative


@pytest.mark.parametrize(("value", "found"), [("1", [("tdm_reservation_xmp", "1")]), ("0", [("tdm_reservation_xmp", "0")]), ("yes", [])])
def test_tdm_reservation_in_xmp(value: str, found: list[tuple[str, str]]) -> None:
    assert signals(packet(tdm__reservation=value)) == found
    assert signals(packet(f"<tdm:reservation>{value}</tdm:reservation>")) == found


def test_content_credentials_are_noted_and_mean_nothing_yet() -> None:
    [signal] = embedded_signals(read_metadata(with_chunks(saved(photo(), "PNG"), chunk(b"caBX", b"jumb"))))
    assert signal.signal == "c2pa_manifest"
    assert meaning(signal.signal, signal.value, "any", respect_noindex=True) == Meaning.SILENT


def test_who_made_the_picture_is_found_in_every_place_and_compared_without_case() -> None:
    xmp = packet("<dc:creator><rdf:Seq><rdf:li>Ann  Author</rdf:li></rdf:Seq></dc:creator>")
    found = creators(read_metadata(saved(photo(), "JPEG", xmp=xmp, exif=_artist("Jo Example"))))
    assert found == ["Ann  Author", "Jo Example"]
    assert creator_ids(found) == creator_ids(["JO EXAMPLE", "ann author"])


def _artist(name: str) -> object:
    from tests.images.side_data import exif

    return exif(gps=False, serial=None, artist=name)


@pytest.mark.shared
def test_signed_pictures_say_nothing_in_xmp() -> None:
    for path in sorted(shared("data", "opt_out", "c2pa_public").rglob("*.jp*g"))[:20]:
        assert {signal.signal for signal in embedded_signals(read_metadata(path.read_bytes()))} <= {"c2pa_manifest"}
