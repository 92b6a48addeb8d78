"""Pictures that an agency sells are noticed by score, host, metadata or caption, and the strongest evidence is told."""

import pyarrow as pa
import pytest
from pydantic import ValidationError

from tests.filters.conformance import annotations_of, batch_of, check_filter, judged
from tests.images.side_data import packet, photo, saved, segment, with_segments
from transforms.filters.base import Context
from transforms.filters.watermark import Watermark
from transforms.stock import DOMAINS, TERMS, agency_in
from transforms.text.caption import normal_form
from transforms.text.url import registrable_domain

CREDIT = b"\x1c\2\x6e\0\x0cGetty Images"
RESOURCE = b"8BIM\4\4\0\0" + len(CREDIT).to_bytes(4, "big") + CREDIT + b"\0" * (len(CREDIT) & 1)
CREDITED = with_segments(saved(photo(), "JPEG"), segment(0xED, b"Photoshop 3.0\0" + RESOURCE))
STATED = saved(photo(), "JPEG", xmp=packet("<dc:rights>(c) Jo Example / Alamy Stock Photo</dc:rights>"))
OWN = saved(photo(), "JPEG", xmp=packet("<dc:rights>(c) Jo Example, all rights reserved</dc:rights>"))


def test_score_metadata_and_caption_are_looked_at():
    check_filter(
        Watermark(action="reject"),
        keeps=[
            {"caption": "a red kite over the sea", "watermark": 0.8}, {"caption": "laughing stock of the town"}, {"image": OWN}, {},
            {"watermark": float("nan")}, {"caption": None, "watermark": None},
        ],
        rejects=[
            {"watermark": 0.81}, {"caption": "Red kite - Stock Photo"}, {"caption": "royalty-free vector of a kite"}, {"image": CREDITED},
            {"image": STATED},
        ],
    )  # fmt: skip


def evidence(subject, rows, domains=None):
    batch = batch_of(rows, subject)
    measured, annotations = subject.measure(batch), annotations_of(batch)
    if domains:
        place = annotations.schema.get_field_index("domain")
        annotations = annotations.set_column(place, "domain", domains)
    found = subject.judge(measured, Context(annotations, {**batch.measures, subject.name: measured}, {}))
    return {row: (score, f.threshold, detail) for f in found for row, score, detail in zip(
        f.rows.tolist(), [None] * len(f.rows) if f.scores is None else f.scores.tolist(),
        [f.details] * len(f.rows) if isinstance(f.details, str) else f.details, strict=True,
    )}  # fmt: skip


def test_the_strongest_evidence_is_told_once():
    rows = [
        {"watermark": 0.95, "caption": "stock photo of a kite"}, {"watermark": 0.1, "caption": "stock photo of a kite", "image": CREDITED},
        {"watermark": 0.1, "image": CREDITED}, {"caption": "a stock image of a kite", "image": OWN}, {"caption": "a kite"},
    ]  # fmt: skip
    domains = pa.array([None, "alamy.com", "example.org", None, "archive.example"], pa.string())
    assert evidence(Watermark(), rows, domains) == {
        0: (0.95, 0.8, "score"), 1: (None, None, "domain: alamy.com"), 2: (None, None, "credit: getty images"),
        3: (None, None, "caption: stock image"),
    }  # fmt: skip
    only = Watermark(evidence=["domain"], domains=["archive.example"])
    assert evidence(only, rows, domains) == {1: (None, None, "domain: alamy.com"), 4: (None, None, "domain: archive.example")}


def test_words_exceptions_and_languages_of_ones_own_are_obeyed():
    """Wishes 7 and 8."""
    rows = [{"caption": "Archivbild vom Hafen", "measures": {"language": {"label": label, "score": 0.9}}} for label in ("de", "nl")]
    rows += [{"caption": "rolling stock photo of a tram"}, {"caption": "a stock photo"}]
    own = Watermark(words_by_language={"de": ["archivbild"]}, allow=["rolling stock photo"])
    assert judged(own, rows) == [{"watermark"}, set(), set(), {"watermark"}]


def test_a_bound_that_is_moved_and_evidence_that_there_is_none_of():
    assert Watermark().action == "flag"
    assert judged(Watermark(max=0.9), [{"watermark": 0.85}, {"watermark": 0.95}]) == [set(), {"watermark"}]
    with pytest.raises(ValidationError, match="there is no 'pixels'"):
        Watermark(evidence=["pixels"])


@pytest.mark.parametrize(("domain", "cure"), [("cdn.agency.example", "agency.example"), ("Agency.example", "agency.example"), ("", "")])
def test_a_domain_that_no_row_can_have_is_refused(domain, cure):
    with pytest.raises(ValueError, match=f"domains: '{domain}' is no registrable domain.*{cure}"):
        Watermark(domains=[domain])


def test_the_lists_are_as_they_are_looked_up():
    assert all(registrable_domain(domain) == domain for domain in DOMAINS)
    assert all(normal_form(term) == term for term in TERMS)
    assert all(agency_in(name) for name in set(DOMAINS.values()) - {"FeaturePics"})


def test_the_bound_on_a_score_column_can_differ_by_the_language_of_the_caption():
    rows = [{"watermark": 0.85, "measures": {"language": {"label": label, "score": 0.9}}} for label in ("en", "de", "fr")]
    subject = Watermark(max=0.8, by_language={"de": {"max": 0.9}, "fr": {"max": 0.1}}, action="reject")
    check_filter(subject, rejects=[rows[0], rows[2]], keeps=rows[1:2])


@pytest.mark.parametrize("own", [{"xx": {"max": 0}}, {"de": {"max": 2}}, {"de": {"least": 0}}])
def test_bounds_by_language_that_cannot_be_meant_are_refused(own):
    with pytest.raises(ValueError, match="by_language"):
        Watermark(by_language=own)
