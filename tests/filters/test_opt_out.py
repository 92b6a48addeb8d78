"""Every signal of a row reserves by its scope, the most restrictive wins, and what could not have been seen is never called silent."""

import hashlib
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from schemas.annotations import BASE
from schemas.errors import JobError, MissingError
from schemas.job import Decode
from schemas.ledger import OBSERVABLE_EMBEDDED, OBSERVABLE_HASH_LISTS, OBSERVABLE_HEADERS, OBSERVABLE_LISTS, OBSERVABLE_PAGE
from schemas.reasons import CONSENT
from tests.builders import jpeg
from tests.consent.manifests import CAWG
from tests.filters.conformance import annotations_of, batch_of, check_filter, findings, judged
from tests.images.side_data import DMI, chunk, itxt, packet, photo, saved, with_chunks
from tests.shared_data import shared
from transforms.consent.signal import PLACES
from transforms.filters.base import Context
from transforms.filters.opt_out import Consent, Evaluated, OptOut
from transforms.images.pdq import pdq_hash
from transforms.text.url import host_of, normal_url, registrable_domain

PLAIN = saved(photo(), "JPEG")
MARKED = saved(photo(), "JPEG", xmp=packet(plus__DataMining=f"{DMI}PROHIBITED"))
ALLOWED = saved(photo(), "JPEG", xmp=packet(plus__DataMining=f"{DMI}ALLOWED"))
URL = "https://img.example.org/a/b.jpg"
NOAI = {"X-Robots-Tag": "noai"}
QUIET = {"Content-Type": "image/jpeg"}


def annotated(batch: Any, rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    """Annotations with identities of URLs, which lists are joined by; `withheld` hides the URL."""
    base = annotations_of(batch)
    urls = [row.get("url") for row in rows]
    hosts = [None if url is None else host_of(normal_url(url)) for url in urls]
    columns = {
        "url": [None if row.get("withheld") else url for row, url in zip(rows, urls, strict=True)],
        "url_id": [None if url is None else hashlib.sha256(normal_url(url).encode()).digest()[:16] for url in urls],
        "domain": [None if host is None else registrable_domain(host) for host in hosts],
    }
    arrays = [pa.array(columns[f.name], f.type) if f.name in columns else base.column(f.name) for f in BASE]
    return pa.RecordBatch.from_arrays(arrays, schema=BASE)


def evaluated(rows: Sequence[Mapping[str, Any]], **options: Any) -> Evaluated:
    subject = OptOut(**options)
    batch = batch_of([{name: value for name, value in row.items() if name != "withheld"} for row in rows])
    return subject.evaluated(subject.measure(batch), Context(annotated(batch, rows), {}, {}))


def consent_of(rows: Sequence[Mapping[str, Any]], **options: Any) -> Consent:
    return evaluated(rows, **options).consent


def state_of(row: Mapping[str, Any], **options: Any) -> str:
    return CONSENT[consent_of([row], **options).state[0]]


def sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def test_opt_out_does_what_every_filter_must() -> None:
    check_filter(
        OptOut(),
        keeps=[
            {"image": PLAIN, "url": URL, "caption": "a kite", "http_headers": None, "page_noai": None},
            {"image": PLAIN, "http_headers": json.dumps({"X-Robots-Tag": "googlebot: noindex"})},
            {"image": ALLOWED},
            {},
        ],
        rejects=[
            {"image": MARKED, "caption": "a kite"},
            {"image": PLAIN, "http_headers": json.dumps(NOAI)},
            {"image": PLAIN, "http_headers": '{"tdm-reservation": "1"}'},
            {"image": PLAIN, "page_noai": "true"},
            {"image": b"not a picture", "problem": "damaged", "http_headers": json.dumps(NOAI)},
        ],
    )


@pytest.mark.parametrize(
    ("row", "state", "content", "location"),
    [
        ({"image": MARKED}, "reserved", True, False),
        ({"image": PLAIN, "http_headers": NOAI}, "reserved", False, True),
        ({"image": MARKED, "http_headers": NOAI}, "reserved", True, True),
        ({"image": PLAIN, "page_meta_robots": "noimageai"}, "reserved", False, True),
        ({"image": ALLOWED, "http_headers": NOAI}, "reserved", False, True),
        ({"image": MARKED, "http_headers": {"tdm-reservation": "0"}}, "reserved", True, False),
        ({"image": ALLOWED}, "permitted", False, False),
        ({"image": PLAIN, "http_headers": {"tdm-reservation": "0"}}, "permitted", False, False),
        ({"image": PLAIN, "http_headers": QUIET}, "silent", False, False),
        ({"image": PLAIN, "page_noai": False}, "silent", False, False),
        ({"image": PLAIN}, "not_observable", False, False),
        ({"http_headers": QUIET}, "not_observable", False, False),
        ({}, "not_observable", False, False),
    ],
)
def test_the_most_restrictive_signal_wins_and_its_scope_is_kept(row: dict[str, Any], state: str, content: bool, location: bool) -> None:
    found = consent_of([row])
    assert CONSENT[found.state[0]] == state
    assert found.content_reserved["opt_out"].tolist() == [content]
    assert found.location_reserved.tolist() == [location]
    assert set(found.content_reserved) == {"opt_out", "taken_down", "illegal"}


def test_what_the_downloader_recorded_as_disallowed_reserves_that_url() -> None:
    batch = batch_of([{"url": URL, "problem": "recorded as failed"}, {"url": URL}])
    core = batch.samples.core
    core = core.set_column(core.schema.get_field_index("disallowed"), core.schema.field("disallowed"), pa.array([True, False]))
    object.__setattr__(batch.samples, "core", core)
    subject = OptOut()
    found = subject.evaluated(subject.measure(batch), Context(annotations_of(batch), {}, {})).consent
    assert found.location_reserved.tolist() == [True, False]
    assert not found.content_reserved["opt_out"].any()


def test_a_further_picture_under_the_same_key_is_searched() -> None:
    """D03."""
    batch = batch_of([{"image": PLAIN}])
    core = batch.samples.core
    at = core.schema.get_field_index("extra")
    core = core.set_column(at, core.schema.field(at), pa.array([[{"name": "000.jpg", "image": MARKED}]], core.schema.field(at).type))
    object.__setattr__(batch.samples, "core", core)
    subject = OptOut()
    measured = subject.measure(batch)
    found = subject.evaluated(measured, Context(annotations_of(batch), {}, {})).consent
    assert found.content_reserved["opt_out"].tolist() == [True]
    assert measured.to_pylist()[0]["signals"][0]["evidence"].startswith("further picture 1")


@pytest.mark.parametrize(
    ("recorded", "seen"),
    [
        ({"sha256": sha256(PLAIN)}, True),
        ({"sha256": sha256(PLAIN).upper()}, True),
        ({"md5": hashlib.md5(PLAIN).hexdigest()}, True),
        ({"sha256": "0" * 64}, False),
        ({"sha256": "0" * 64, "original_width": 60, "original_height": 40}, False),
        ({"sha256": "0" * 64, "md5": hashlib.md5(PLAIN).hexdigest()}, True),
        ({"sha256": sha256(PLAIN), "original_width": 600, "original_height": 400}, True),
        ({"sha256": "unknown", "original_width": 60, "original_height": 40}, True),
        ({"original_width": 40, "original_height": 60}, True),
        ({"original_width": 600, "original_height": 400}, False),
        ({"original_width": float("nan"), "original_height": 400.0}, True),
        ({}, True),
    ],
)
def test_embedded_signals_could_be_seen_where_the_bytes_are_the_downloads(recorded: dict[str, Any], seen: bool) -> None:
    [bits] = consent_of([{"image": PLAIN, **recorded}]).observable
    assert bool(bits & OBSERVABLE_EMBEDDED) is seen


def test_every_bit_says_what_could_be_seen(tmp_path: pathlib.Path) -> None:
    urls, hashes = tmp_path / "urls.txt", tmp_path / "hashes.txt"
    urls.write_text("example.net\n")
    hashes.write_text("0" * 64 + "\n")
    row = {"image": PLAIN, "url": URL, "http_headers": QUIET, "page_noai": False}
    everything = OBSERVABLE_HEADERS | OBSERVABLE_LISTS | OBSERVABLE_PAGE | OBSERVABLE_EMBEDDED | OBSERVABLE_HASH_LISTS
    assert consent_of([row], lists=(str(urls), str(hashes))).observable.tolist() == [everything]
    assert consent_of([row]).observable.tolist() == [OBSERVABLE_HEADERS | OBSERVABLE_PAGE | OBSERVABLE_EMBEDDED]
    assert consent_of([{}], lists=(str(urls), str(hashes))).observable.tolist() == [0]
    assert state_of({"url": URL, "image": PLAIN}, lists=(str(urls),)) == "silent"
    assert state_of({"url": URL}, lists=(str(urls), str(hashes))) == "not_observable"


def test_what_a_signal_could_have_been_seen_in_is_told_by_column_by_file_and_by_kind_of_list(tmp_path: pathlib.Path) -> None:
    (tmp_path / "urls.txt").write_text("https://example.net/1.jpg\n")
    manifest = with_chunks(saved(photo(), "PNG"), chunk(b"caBX", CAWG))
    broken = with_chunks(saved(photo(), "PNG"), itxt(b"XML:com.adobe.xmp", b"<no xml"))
    bomb = with_chunks(saved(photo(), "PNG"), itxt(b"XML:com.adobe.xmp", bytes(9 << 20), packed=True))
    rows = [
        {"image": manifest, "page_noai": False, "url": URL},
        {"image": broken},
        {"image": bomb},
        {"image": PLAIN, "page_meta_robots": "x"},
    ]
    seen = evaluated(rows, lists=(str(tmp_path / "urls.txt"),), c2pa="notice").seen()
    assert seen["page_noai"].tolist() == [True, False, False, False]
    assert seen["page_meta_robots"].tolist() == [False, False, False, True]
    assert seen["xmp"].tolist() == [True, False, False, True]
    assert seen["manifest"].tolist() == [False, True, True, True]
    assert evaluated(rows).seen()["manifest"].tolist() == [True, True, True, True]
    assert seen["list_url"].tolist() == [True, False, False, False]
    assert "list_domain" not in seen
    assert set(PLACES.values()) - {place for place in PLACES.values() if place.startswith("list_")} <= set(seen)


@pytest.mark.parametrize("headers", ["not headers", b"\xff\xfe\x00", "[1, 2]"])
def test_unreadable_headers_are_flagged_and_neither_failure_nor_reservation(headers: object) -> None:
    [words] = judged(OptOut(), [{"image": PLAIN, "http_headers": headers}])
    assert words == {"headers_unreadable"}
    assert state_of({"image": PLAIN, "http_headers": headers}) == "not_observable"


def test_lists_give_their_own_reason_by_their_own_scope(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "takedowns.csv"
    path.write_text(
        f"kind,value,reason\nurl,{URL},taken_down\nsha256,{sha256(PLAIN)},illegal\ndomain,example.net,opt_out\nphash,00000000000000ff,taken_down\n"
    )
    rows: list[dict[str, Any]] = [
        {"url": "HTTPS://IMG.example.org:443/a/b.jpg"},
        {"image": PLAIN},
        {"url": "http://cdn.example.net/x"},
        {"url": URL, "withheld": True},
        {"phash": 0xFF ^ 0b111111},
        {"url": "http://example.com/"},
    ]
    found = consent_of(rows, lists=(str(path),))
    assert found.location_reserved.tolist() == [True, False, True, True, False, False]
    assert found.content_reserved["illegal"].tolist() == [False, True, False, False, False, False]
    assert found.content_reserved["taken_down"].tolist() == [False, False, False, False, True, False]
    assert [CONSENT[state] for state in found.state[:5]] == ["reserved"] * 5
    subject = OptOut(lists=(str(path),))
    batch = batch_of([{name: value for name, value in row.items() if name != "withheld"} for row in rows])
    judgement = subject.judge(subject.measure(batch), Context(annotated(batch, rows), {}, {}))
    assert {finding.word: finding.rows.tolist() for finding in judgement} == {"opt_out": [2], "taken_down": [0, 3, 4], "illegal": [1]}
    [illegal] = [finding for finding in judgement if finding.word == "illegal"]
    assert illegal.details == ["sha256 in takedowns.csv, row 3"]


def test_the_slack_of_fast_decoding_is_not_given_where_pictures_are_decoded_exactly(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text("kind,value\nphash,0000000000000000\n")
    subject = OptOut(lists=(str(path),))
    batch = batch_of([{"phash": 0b1111}, {"phash": 0b111111}, {"phash": 0b1111111}])
    measured = subject.measure(batch)
    for mode, hits in (("fast", [True, True, False]), ("exact", [True, False, False])):
        found = subject.evaluated(measured, Context(annotations_of(batch), {}, {}, mode)).consent  # type: ignore[arg-type]
        assert found.content_reserved["opt_out"].tolist() == hits


def test_creators_are_matched_in_the_picture_the_column_and_the_exif_text(tmp_path: pathlib.Path) -> None:
    """D08: who made a picture is still known where its EXIF survives as text alone."""
    path = tmp_path / "l.csv"
    path.write_text("kind,value\ncreator,Ann Author\n")
    rows: list[dict[str, Any]] = [
        {"image": saved(photo(), "JPEG", xmp=packet("<dc:creator><rdf:Seq><rdf:li>ANN AUTHOR</rdf:li></rdf:Seq></dc:creator>"))},
        {"creator": "ann author"},
        {"exif": json.dumps({"Image Artist": "Ann Author"})},
        {"creator": "Ann Author Smith"},
    ]
    found = consent_of(rows, lists=(str(path),))
    assert found.content_reserved["opt_out"].tolist() == [True, True, True, False]
    measured = OptOut().measure(batch_of(rows)).to_pylist()
    assert "author" not in json.dumps([row["creators"] for row in measured]).casefold()


def test_a_row_on_which_the_filter_failed_is_not_observable_and_still_on_the_lists(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "l.txt"
    path.write_text(f"{URL}\n")
    rows: list[dict[str, Any]] = [{"url": URL, "image": MARKED}, {"url": "http://example.com/x", "image": MARKED}]
    subject = OptOut(lists=(str(path),))
    found = subject.evaluated(pa.nulls(2, OptOut.measured), Context(annotated(batch_of(rows), rows), {}, {})).consent
    assert [CONSENT[state] for state in found.state] == ["reserved", "not_observable"]
    assert OptOut().on_missing == "reject"


def test_silence_is_no_only_where_the_job_says_so() -> None:
    rows = [{"image": PLAIN}, {"image": PLAIN, "http_headers": QUIET}, {"image": ALLOWED}, {"image": MARKED}]
    batch = batch_of(rows)
    for choice, rejected in (("keep", [3]), ("reject", [0, 1, 3])):
        subject = OptOut(default_when_silent=choice)  # type: ignore[arg-type]
        found = findings(subject, batch, subject.measure(batch))
        assert np.unique(np.concatenate([finding.rows for finding in found])).tolist() == rejected


def test_what_is_measured_does_not_depend_on_what_the_job_asks() -> None:
    rows = [{"image": MARKED, "http_headers": {"X-Robots-Tag": "noindex", "Content-Usage": "train-genai=n"}}]
    batch = batch_of(rows)
    others = OptOut(use="discriminative", respect_noindex=False, default_when_silent="reject")
    assert OptOut().measure(batch).equals(others.measure(batch))
    assert state_of({"image": PLAIN, "http_headers": {"X-Robots-Tag": "noindex"}}, respect_noindex=False) == "silent"


def test_a_date_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="no date"):
        OptOut(as_of="20240101")


def test_list_files_are_checked_before_the_run_and_found_beside_the_job(tmp_path: pathlib.Path) -> None:
    (tmp_path / "l.txt").write_text(f"{URL}\n")
    subject = OptOut(lists=("l.txt",)).located(str(tmp_path))
    [found] = subject.list_files()
    assert (found.path, found.sha256) == (str(tmp_path / "l.txt"), sha256(f"{URL}\n".encode()))
    with pytest.raises(MissingError, match=r"none\.txt"):
        OptOut(lists=("none.txt",)).located(str(tmp_path)).list_files()
    (tmp_path / "l.txt").write_text("a cat\n")
    with pytest.raises(JobError, match="row 1"):
        subject.list_files()


def test_a_list_that_changed_is_read_again(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "l.txt"
    path.write_text("example.com\n")
    assert state_of({"url": URL}, lists=(str(path),)) == "not_observable"
    path.write_text("# longer now\nexample.org\n")
    assert state_of({"url": URL}, lists=(str(path),)) == "reserved"


@pytest.mark.shared
def test_planted_reservations_are_found_and_no_others(tmp_path: pathlib.Path) -> None:
    import importlib.util

    script = shared("tools", "make_shards.py")
    spec = importlib.util.spec_from_file_location("make_shards", script)
    assert spec
    assert spec.loader
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    maker.write(maker.build(shared("data"), 260, 7), tmp_path, 400)
    truth = {row["key"]: row["opt_out"] for row in pq.read_table(tmp_path / "truth.parquet").to_pylist()}
    found = {}
    for path in sorted((tmp_path / "parquet").glob("*.parquet")):
        rows = pq.read_table(path).to_pylist()
        names = ("url", "http_headers", "exif", "sha256", "original_width", "original_height", "width", "height")
        shaped = [{"image": row["jpg"], **{name: row[name] for name in names}} for row in rows]
        states = consent_of(shaped).state
        found.update({row["key"]: CONSENT[state] for row, state in zip(rows, states, strict=True)})
    planted = ("x_robots_tag", "tdm_reservation", "plus_data_mining")
    assert {key for key, state in found.items() if state == "reserved"} == {key for key, what in truth.items() if what in planted}


def test_a_pdq_hash_of_a_list_is_found_in_a_picture_saved_again_and_only_where_the_job_asks(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("pdqhash")
    listed, again, other = (jpeg(256, 192, seed, quality) for seed, quality in ((0, 95), (0, 60), (5, 90)))
    path = tmp_path / "list.csv"
    budget = Decode(max_pixels=1 << 24, max_bytes=1 << 24)
    digest = pdq_hash(listed, budget)
    assert digest is not None
    assert pdq_hash(b"no picture", budget) is None
    path.write_text(f"kind,value,reason\npdq,{digest.hex()},illegal\n")
    rows = [{"image": again}, {"image": other}, {"image": None}]
    options = {"lists": (str(path),), "pdq": True}
    assert consent_of(rows, **options).content_reserved["illegal"].tolist() == [True, False, False]
    assert OptOut(**options).list_files()
    with pytest.raises(JobError, match=r"filters\.opt_out\.pdq"):
        OptOut(lists=(str(path),)).list_files()
