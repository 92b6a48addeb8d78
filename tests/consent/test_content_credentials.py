"""Assertions of C2PA manifests are read with the real library, and a library that is not there is told with the cure."""

import sys

import pytest

from schemas.errors import MissingError
from tests.shared_data import shared
from transforms.consent.content_credentials import load_c2pa, manifest_signals
from transforms.filters.opt_out import OptOut
from transforms.images.metadata import read_metadata


@pytest.mark.shared
def test_a_signed_picture_reserves_with_the_label_as_evidence() -> None:
    """Pitfall A17."""
    pytest.importorskip("c2pa")
    raw = shared("data", "opt_out", "datadiligence_c2pa", "tests", "resources", "sample_c2pa.png").read_bytes()
    assert read_metadata(raw).has_c2pa
    found = manifest_signals(raw, "png")
    assert {signal.value for signal in found} == {f"{key}=notAllowed" for key in ("data_mining", "ai_training", "ai_generative_training")}
    assert {(signal.scope, signal.evidence) for signal in found} == {("content", "c2pa.training-mining")}


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
