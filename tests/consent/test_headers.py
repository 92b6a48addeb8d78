"""Response headers are read in every shape they are kept in, by the rules of those who define them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.consent.headers import header_signals, read_headers, robots_words
from transforms.consent.signal import Meaning, meaning

TAG = "X-Robots-Tag"

# What two tools in use read wrongly or leave to a user agent's name; each reserves unless it says otherwise.
RESERVING = [
    "NoAI", "noai", "noimageai", "noml", "otherbot: noindex, noai", "otherbot: noai", "img2dataset: noai",
    "googlebot: noindex, otherbot: noai, noimageai", "unavailable_after: 25 Jun 2010 15:00:00 PST, noai", "max-image-preview: large, noai",
    "max-image-preview:large, noai", "noindex", "noimageindex", "none", "img2dataset: noindex", "*: noindex", "noindex, noimageai",
    "unavailable_after: Friday, 25-Jun-10 15:00:00 PST, noindex", "max-snippet: 20, noindex", "noai noimageai", "all; noai",
    "googlebot: max-image-preview: large, noai", " NOAI ",
]  # fmt: skip
NOT_RESERVING = [
    "all", "nosnippet", "max-image-preview:large", "googlebot: noindex", "bingbot: none, noimageindex", "", "unavailable_after: noai",
    "noairplane", "x-noai", "max-image-preview: noindex",
]  # fmt: skip


def reserved(value: object, *, use: str = "generative", respect_noindex: bool = True) -> bool:
    found = header_signals(read_headers(value))
    return any(meaning(s.signal, s.value, use, respect_noindex=respect_noindex) == Meaning.RESERVES for s in found)  # type: ignore[arg-type]


@pytest.mark.parametrize("line", RESERVING)
def test_a_reserving_line_reserves(line: str) -> None:
    assert reserved({TAG: line})


@pytest.mark.parametrize("line", NOT_RESERVING)
def test_another_line_does_not(line: str) -> None:
    assert not reserved({TAG: line})


def test_two_lines_of_one_header_both_count() -> None:
    for value in ({TAG: ["noindex", "noai"]}, [(TAG, "noindex"), (TAG, "noai")], '{"X-Robots-Tag": "noindex", "X-Robots-Tag": "noai"}'):
        assert [signal.value for signal in header_signals(read_headers(value))] == ["noindex", "noai"]


def test_noindex_counts_as_img2dataset_counts_it_unless_the_job_says_otherwise() -> None:
    assert reserved({TAG: "noindex"})
    assert not reserved({TAG: "noindex"}, respect_noindex=False)
    assert reserved({TAG: "noindex, noai"}, respect_noindex=False)


SAID = [(TAG, "noai"), ("Content-Type", "image/jpeg")]
SHAPES = [
    dict(SAID), SAID, [list(pair) for pair in SAID], json.dumps(dict(SAID)), json.dumps(dict(SAID)).encode(), json.dumps(SAID),
    json.dumps(json.dumps(dict(SAID))), "\ufeff" + json.dumps(dict(SAID)), json.dumps(dict(SAID)).encode("utf-8-sig"),
    json.dumps({**dict(SAID), "X-Title": "caf\u00e9"}, ensure_ascii=False).encode("latin-1"), {TAG.lower(): "noai"},
    {"x_robots_tag": "noai"}, {TAG: ["noai"]},
    {TAG.encode(): b"noai"}, [{"key": TAG, "value": "noai"}], [{"name": TAG, "value": "noai"}], [{TAG: "noai"}],
    json.dumps([{"name": TAG, "value": "noai"}]), {TAG: "all\r\nnoai"}, {TAG: None, "x-robots-tag": "noai"},
]  # fmt: skip


@pytest.mark.parametrize("value", SHAPES, ids=range(len(SHAPES)))
def test_headers_are_read_in_every_shape(value: object) -> None:
    headers = read_headers(value)
    assert headers.recorded
    assert headers.readable
    assert reserved(value)


@pytest.mark.parametrize("value", [None, "", "  ", b"", "null", float("nan")])
def test_headers_that_are_not_there_are_not_unreadable(value: object) -> None:
    headers = read_headers(value)
    assert (headers.lines, headers.recorded, headers.readable) == ((), False, True)


@pytest.mark.parametrize(
    "value",
    [
        "noai",
        "X-Robots-Tag: noai",
        "{'X-Robots-Tag': 'noai'}",
        "[1, 2]",
        "5",
        "true",
        '"text"',
        b"\xff\xfe\x00",
        '{"a": ',
        "[" * 100_000,
        ["x"],
        7,
    ],
)
def test_what_is_no_headers_is_unreadable_and_reserves_nothing(value: object) -> None:
    headers = read_headers(value)
    assert (headers.lines, headers.recorded, headers.readable) == ((), True, False)


def test_what_can_be_read_of_a_mixture_counts() -> None:
    headers = read_headers({"Odd": {"a": 1}, TAG: "noai"})
    assert not headers.readable
    assert reserved({"Odd": {"a": 1}, TAG: "noai"})


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"tdm-reservation": "1"}, [("tdm_reservation", "1", Meaning.RESERVES)]),
        ({"TDM-Reservation": 1}, [("tdm_reservation", "1", Meaning.RESERVES)]),
        ({"TDM-Reservation": " 0 ", "tdm-policy": "https://example.org/policy"}, [("tdm_reservation", "0", Meaning.PERMITS)]),
        ({"tdm-reservation": ["0", "1"]}, [("tdm_reservation", "0", Meaning.PERMITS), ("tdm_reservation", "1", Meaning.RESERVES)]),
        ({"tdm-reservation": "2"}, []),
        ({"tdm-reservation": "true"}, []),
        ({"tdm-policy": "https://example.org/policy"}, []),
        ({"Content-Usage": "train-ai=n"}, [("content_usage", "train-ai=n", Meaning.RESERVES)]),
        ({"Content-Usage": "search=y, train-ai=y"}, [("content_usage", "train-ai=y", Meaning.PERMITS)]),
        ({"Content-Usage": "train-genai=n;exceptions=cc-cr-ec"}, [("content_usage", "train-genai=n", Meaning.RESERVES)]),
        ({"Content-Usage": "bots=n"}, [("content_usage", "bots=n", Meaning.RESERVES)]),
        ({"Content-Usage": ["train-ai=n", "search=y"]}, [("content_usage", "train-ai=n", Meaning.RESERVES)]),
        ({"Content-Usage": "train-ai=y, train-ai=n"}, [("content_usage", "train-ai=n", Meaning.RESERVES)]),
        ({"Content-Usage": 'x="a, train-ai=y", y=(a "b");p=1, train-ai=n'}, [("content_usage", "train-ai=n", Meaning.RESERVES)]),
        ({"Content-Usage": "train-ai=N"}, []),
        ({"Content-Usage": "Train-AI=n"}, []),
        ({"Content-Usage": "train-ai=n, ="}, []),
        ({"Content-Usage": "train-ai"}, []),
        ({"Content-Signal": "search=yes,ai-train=no"}, [("content_signal", "ai-train=no", Meaning.RESERVES)]),
        ({"Content-Signal": "search=yes, ai-train=yes"}, [("content_signal", "ai-train=yes", Meaning.PERMITS)]),
        ({"Content-Signal": "search=no, use=reference"}, []),
        ({"Link": '<https://example.org/license.xml>; rel="license"'}, []),
    ],
)
def test_reservations_of_the_other_headers(headers: dict[str, object], found: list[tuple[str, str, Meaning]]) -> None:
    signals = header_signals(read_headers(headers))
    assert [(s.signal, s.value, meaning(s.signal, s.value, "generative", respect_noindex=True)) for s in signals] == found
    assert all(signal.scope == "location" for signal in signals)


def test_a_reservation_against_generative_use_leaves_other_use_alone() -> None:
    assert not reserved({"Content-Usage": "train-genai=n"}, use="discriminative")
    assert reserved({"Content-Usage": "train-genai=n"}, use="any")


def test_evidence_is_one_bounded_line() -> None:
    [signal] = header_signals(read_headers({TAG: "noai," + "x" * 1000 + "\u202e"}), "2024-05-01")
    assert signal.evidence.startswith("X-Robots-Tag: noai")
    assert len(signal.evidence) == 200
    assert signal.observed_at == "2024-05-01"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.binary(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_nothing_in_a_column_of_headers_raises(value: object) -> None:
    header_signals(read_headers(value))


@given(st.text())
def test_no_line_of_a_header_raises(line: str) -> None:
    assert set(robots_words(line)) <= {"noai", "noimageai", "noml", "noindex", "noimageindex", "none"}


def test_the_address_of_a_licence_is_recorded_and_nobody_claims_to_have_read_it() -> None:
    link = '<https://b.example/by>; rel=license, <https://a.example/l.xml>; rel="next license"; type="application/rsl+xml"'
    [signal] = header_signals(read_headers({"LINK": link}))
    assert (signal.signal, signal.observable) == ("rsl_link", False)
    assert "https://a.example/l.xml" in signal.evidence
