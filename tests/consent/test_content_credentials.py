"""Assertions of C2PA manifests are read by default as far as they reserve, and with the real library where the job asks for it."""

import pathlib
import sys

import pytest

from schemas.errors import MissingError
from tests.consent.manifests import CAWG, box, cbor_map, in_jpeg, store, superbox, use
from tests.images.side_data import chunk, gif_extension, photo, saved, with_chunks, with_riff_chunk
from tests.shared_data import shared
from transforms.consent.content_credentials import load_c2pa, manifest_signals, unchecked_signals
from transforms.consent.signal import Meaning, meaning
from transforms.filters.opt_out import OptOut
from transforms.images.metadata import read_metadata

C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
KEYS = ("data_mining", "ai_training", "ai_generative_training")


def in_gif(manifests: bytes) -> bytes:
    return saved(photo(), "GIF")[:-1] + gif_extension(0xFF, b"\x0bC2PA_GIF\1\0\0", manifests) + b";"


PICTURES = {
    "jpeg": in_jpeg(CAWG), "png": with_chunks(saved(photo(), "PNG"), chunk(b"caBX", CAWG)),
    "webp": with_riff_chunk(saved(photo(), "WEBP"), b"C2PA", CAWG), "tiff": saved(photo(), "TIFF", tiffinfo={0xCD41: CAWG}),
    "gif": in_gif(CAWG),
    "heif": box(b"ftyp", b"avif") + box(b"uuid", C2PA_UUID + bytes(4) + b"manifest\0" + bytes(8) + CAWG),
}  # fmt: skip


@pytest.mark.parametrize("container", PICTURES)
def test_a_reservation_is_found_in_every_container_without_the_extra(container: str) -> None:
    """Pitfall A17."""
    found = read_metadata(PICTURES[container])
    assert found.container == container
    signals = unchecked_signals(found.credentials)
    assert signals is not None
    assert [(signal.value, signal.scope, signal.evidence) for signal in signals] == [
        ("ai_generative_training=notAllowed", "content", "cawg.training-mining")
    ]


@pytest.mark.parametrize(
    ("label", "payload", "means"),
    [
        ("cawg.training-mining", cbor_map(entries=use("notAllowed")), Meaning.RESERVES),
        ("cawg.training-mining", cbor_map(entries=use("constrained")), Meaning.RESERVES),
        ("cawg.training-mining", use("notAllowed"), Meaning.RESERVES),
        ("c2pa.training-mining", cbor_map(entries=use("notAllowed", "c2pa.ai_generative_training")), Meaning.RESERVES),
        ("c2pa.training-mining.v2__1", cbor_map(entries=use("notAllowed", "c2pa.data_mining")), Meaning.RESERVES),
        ("c2pa.training-mining", cbor_map(entries=use("allowed", "c2pa.ai_generative_training")), Meaning.SILENT),
        ("cawg.training-mining", cbor_map(entries=use("notAllowed", "cawg.ai_inference")), None),
        ("cawg.metadata", cbor_map(entries=use("notAllowed")), None),
    ],
)
def test_a_signature_is_not_needed_to_reserve_and_is_needed_to_permit(label: str, payload: bytes, means: Meaning | None) -> None:
    """Pitfall A17: the label of the current standard, `constrained` without a text, entries without their level."""
    found = unchecked_signals([store((label, payload))])
    assert found is not None
    assert [meaning(signal.signal, signal.value, "generative", respect_noindex=True) for signal in found] == [means] * (means is not None)


def test_where_c2pa_allows_and_cawg_does_not_both_are_recorded_and_one_reserves() -> None:
    """Pitfall A17."""
    both = store(
        ("c2pa.training-mining", cbor_map(entries=use("allowed", "c2pa.ai_generative_training"))),
        ("cawg.training-mining", cbor_map(entries=use("notAllowed"))),
    )
    found = unchecked_signals([both])
    assert found is not None
    assert [signal.evidence for signal in found] == ["c2pa.training-mining", "cawg.training-mining"]
    assert Meaning.RESERVES in [meaning(signal.signal, signal.value, "generative", respect_noindex=True) for signal in found]


def test_an_assertion_in_json_is_read_too() -> None:
    found = unchecked_signals([store(("c2pa.training-mining", b'{"entries": {"c2pa.ai_training": {"use": "notAllowed"}}}'), kind=b"json")])
    assert found is not None
    assert [signal.value for signal in found] == ["ai_training=notAllowed"]


@pytest.mark.parametrize(
    "broken",
    [
        CAWG[:-5], CAWG[:20], b"no store", store(("cawg.training-mining", b"\xa1gentries")), superbox("c2pa", box(b"brob", b"x")),
        store(("cawg.training-mining", b"\x9f" * 40)), store(("cawg.training-mining", b"{}"), kind=b"bidb"),
    ],
)  # fmt: skip
def test_a_store_that_cannot_be_read_is_not_said_to_have_been_read(broken: bytes) -> None:
    assert unchecked_signals([broken]) is None


def test_a_store_in_pieces_is_whole_whatever_the_size_of_the_pieces() -> None:
    for size in (1, 7, 60, 10_000):
        assert read_metadata(in_jpeg(CAWG, size)).credentials == (CAWG,)


@pytest.mark.shared
def test_a_signed_picture_reserves_with_the_label_as_evidence() -> None:
    """Pitfall A17."""
    raw = _signed_png()
    found = unchecked_signals(read_metadata(raw).credentials)
    assert found is not None
    assert {signal.value for signal in found} == {f"{key}=notAllowed" for key in KEYS}
    assert {(signal.scope, signal.evidence) for signal in found} == {("content", "c2pa.training-mining")}


@pytest.mark.shared
def test_the_library_says_the_same_of_every_real_picture() -> None:
    pytest.importorskip("c2pa")
    assert manifest_signals(_signed_png(), "png") == unchecked_signals(read_metadata(_signed_png()).credentials)
    files = sorted(shared("data", "opt_out", "c2pa_public").rglob("*.jp*g"))
    stores = [read_metadata(path.read_bytes()).credentials for path in files]
    assert any(stores)
    assert [unchecked_signals(found) for found in stores if found] == [[]] * sum(map(bool, stores))


def test_what_is_no_manifest_says_nothing() -> None:
    pytest.importorskip("c2pa")
    assert manifest_signals(b"no picture", "jpeg") is None
    assert manifest_signals(b"GIF89a", "gif") is None


def test_the_extra_is_asked_for_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    with pytest.raises(MissingError, match="pip install"):
        load_c2pa()
    with pytest.raises(MissingError, match="pip install"):
        OptOut(c2pa="read").models()
    assert OptOut().models() == ()


def _signed_png() -> bytes:
    path: pathlib.Path = shared("data", "opt_out", "datadiligence_c2pa", "tests", "resources", "sample_c2pa.png")
    return path.read_bytes()
