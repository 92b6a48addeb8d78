"""Lists are read whole or not at all, and every entry finds the rows it covers and no others."""

import datetime as dt
import gzip
import hashlib
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.annotations import BASE
from schemas.errors import JobError, MissingError
from transforms.consent.digests import Digests
from transforms.consent.embedded import creator_ids
from transforms.consent.list_files import read_list
from transforms.consent.lists import load_lists
from transforms.consent.phashes import PerceptualHashes
from transforms.text.url import host_of, normal_url, registrable_domain

HEADER = "kind,value,radius,reason,source,valid_from,valid_to\n"
URL = "https://img.example.org/a/b.jpg"


def annotated(*rows: dict[str, Any]) -> pa.RecordBatch:
    """Annotations of rows given by a URL, digests, a perceptual hash; `withheld` hides the URL."""
    fixed = []
    for number, row in enumerate(rows):
        url = row.get("url")
        host = None if url is None else host_of(normal_url(url))
        fixed.append({
            "uid": row.get("uid", f"{number:032x}"), "source": "main", "shard": "0", "row": number, "flags": [], "not_scored": [],
            "low_detail": False, "has_caption": False, "caption_length": 0, "words": 0, "groups": {},
            "url": None if row.get("withheld") else url,
            "url_id": None if url is None else hashlib.sha256(normal_url(url).encode()).digest()[:16],
            "domain": None if host is None else registrable_domain(host),
            **{name: row[name] for name in ("sha256", "sha1", "md5", "phash") if name in row},
        })  # fmt: skip
    columns = {field.name: [row.get(field.name, False if field.name == "recorded" else None) for row in fixed] for field in BASE}
    return pa.RecordBatch.from_pydict(columns, schema=BASE)


def matched(
    path: pathlib.Path, rows: pa.RecordBatch, creators: Sequence[Sequence[str]] = (), as_of: str | None = None, slack: int = 0
) -> list[tuple[str, str, int]]:
    found = load_lists([str(path)], as_of).match(rows, pa.array(creators, pa.list_(pa.string())) if creators else None, slack)
    return [(match.reason, match.kind, row) for match in found for row in match.rows.tolist()]


def written(path: pathlib.Path, text: str) -> pathlib.Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_every_kind_finds_its_rows(tmp_path: pathlib.Path) -> None:
    digest = hashlib.sha256(b"x").digest()
    rows = annotated(
        {"url": URL},
        {"url": "http://other.test/x", "sha256": digest, "md5": bytes(16), "sha1": bytes(20)},
        {"url": "http://cdn.shop.example.co.uk/p/1.jpg", "phash": 0xFF00FF00FF00FF00},
        {"uid": "a" * 32},
    )
    entries = [
        "url,HTTPS://IMG.example.org:443/a/b.jpg#x", "url_prefix,https://img.example.org/a/", "domain,Example.ORG",
        f"sha256,{digest.hex().upper()}", f"md5,{'0' * 32}", f"sha1,{'0' * 40}",
        "phash,ff00ff00ff00ff03", "domain,*.shop.example.co.uk", f"uid,{'a' * 32}", "creator,Ann Author",
    ]  # fmt: skip
    found = matched(written(tmp_path / "list.csv", HEADER + "\n".join(entries) + "\n"), rows, [(), (), (), creator_ids(["ANN author"])])
    assert sorted((kind, row) for _, kind, row in found) == sorted([
        ("url", 0), ("url_prefix", 0), ("domain", 0), ("sha256", 1), ("md5", 1), ("sha1", 1), ("phash", 2), ("domain", 2), ("uid", 3),
        ("creator", 3),
    ])  # fmt: skip
    assert {reason for reason, _, _ in found} == {"opt_out"}


def test_a_reason_of_its_own_and_all_of_several(tmp_path: pathlib.Path) -> None:
    text = HEADER + f"url,{URL},,illegal,,,\nurl,{URL},,taken_down,,,\ndomain,example.org,,,,,\n"
    assert matched(written(tmp_path / "l.csv", text), annotated({"url": URL})) == [
        ("opt_out", "domain", 0),
        ("taken_down", "url", 0),
        ("illegal", "url", 0),
    ]


@pytest.mark.parametrize(
    ("listed", "url", "hit"),
    [
        ("example.org", "https://a.b.example.org/x", True),
        ("b.example.org", "https://a.b.example.org/x", True),
        ("b.example.org", "https://c.example.org/x", False),
        ("b.example.org", "https://ab.example.org/x", False),
        ("ample.org", "https://example.org/x", False),
        ("github.io", "https://jo.github.io/x", True),
        ("jo.github.io", "https://al.github.io/x", False),
        ("bücher.example", "https://www.xn--bcher-kva.example/x", True),
        ("https://example.org/some/page", "https://example.org/x", True),
        ("10.0.0.1", "http://10.0.0.1/x", True),
    ],
)
def test_a_domain_covers_every_host_below_it_and_no_other(tmp_path: pathlib.Path, listed: str, url: str, hit: bool) -> None:
    found = matched(written(tmp_path / "l.csv", f"{HEADER}domain,{listed},,,,,\n"), annotated({"url": url}))
    assert found == ([("opt_out", "domain", 0)] if hit else [])


def test_a_withheld_url_is_found_by_its_identity_and_not_let_past_a_prefix_or_a_host(tmp_path: pathlib.Path) -> None:
    rows = annotated({"url": URL, "withheld": True})
    for entry in (f"url,{URL}", "url_prefix,https://img.example.org/other/", "domain,cdn.example.org"):
        assert len(matched(written(tmp_path / "l.csv", f"{HEADER}{entry},,,,,\n"), rows)) == 1
    assert matched(written(tmp_path / "l.csv", f"{HEADER}domain,cdn.example.com,,,,,\n"), rows) == []


def test_entries_count_on_the_days_they_are_valid(tmp_path: pathlib.Path) -> None:
    path = written(tmp_path / "l.csv", f"{HEADER}url,{URL},,,,2024-01-01,2024-12-31\n")
    days = {"2023-12-31": 0, "2024-01-01": 1, "2024-12-31": 1, "2025-01-01": 0}
    assert {day: len(matched(path, annotated({"url": URL}), as_of=day)) for day in days} == days
    assert len(matched(path, annotated({"url": URL}))) == 1


def test_perceptual_hashes_match_within_their_own_radius_and_the_slack(tmp_path: pathlib.Path) -> None:
    path = written(tmp_path / "l.csv", f"{HEADER}phash,0000000000000000,,,,,\nphash,ffffffffffffffff,0,,,,\n")
    rows = annotated({"phash": 0b1111}, {"phash": 0b11111}, {"phash": 2**64 - 1}, {"phash": 2**64 - 2}, {})
    assert [row for _, _, row in matched(path, rows)] == [0, 2]
    assert [row for _, _, row in matched(path, rows, slack=2)] == [0, 1, 2, 3]


def test_bare_lines_csv_and_parquet_say_the_same(tmp_path: pathlib.Path) -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    lines = written(tmp_path / "plain.txt", f"# ours\n\n{URL}\nexample.net\n{digest}\n")
    table = {"kind": ["url", "domain", "sha256"], "value": [URL, "example.net", digest]}
    pq.write_table(
        pa.table({**table, "valid_from": [dt.date(2020, 1, 1)] * 3, "radius": pa.nulls(3, pa.float64())}), tmp_path / "l.parquet"
    )
    (tmp_path / "l.csv.gz").write_bytes(
        gzip.compress(("\ufeffvalue,kind\n" + "".join(f"{v},{k}\n" for k, v in zip(*table.values(), strict=True))).encode())
    )
    rows = annotated({"url": URL}, {"url": "http://a.example.net"}, {"sha256": bytes.fromhex(digest)})
    for path in (lines, tmp_path / "l.parquet", tmp_path / "l.csv.gz"):
        assert sorted(row for _, _, row in matched(path, rows)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "row", "what"),
    [
        (HEADER + "url,http://a.test/\nsha256,abc\n", 3, "64 hexadecimal"),
        (HEADER + "phash,xyz\n", 2, "16 hexadecimal"),
        (HEADER + "picture,abc\n", 2, "kind 'picture'"),
        (HEADER + "url,\n", 2, "empty"),
        (HEADER + "url,http://a.test/,,spam\n", 2, "reason 'spam'"),
        (HEADER + "phash,0000000000000000,17\n", 2, "radius '17'"),
        (HEADER + "url,http://a.test/,,,,2024-13-01\n", 2, "valid_from"),
        (HEADER + "url,http://a.test/,,,,,,,too,many\n", 2, "fields"),
        ("http://a.test/\ncat picture\n", 2, "neither URL"),
        ("kind;value\nurl;http://a.test/\n", 1, "neither URL"),
    ],
)
def test_a_malformed_row_is_named(tmp_path: pathlib.Path, text: str, row: int, what: str) -> None:
    with pytest.raises(JobError, match=rf"l\.csv, row {row}:.*{what}"):
        load_lists([str(written(tmp_path / "l.csv", text))], None)


def test_a_file_that_is_no_list_is_named(tmp_path: pathlib.Path) -> None:
    for name, content in (("a", b"PAR1 broken"), ("b", b"\x1f\x8b broken"), ("c", b"\xff\xfe\x00")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(JobError, match=name):
            list(read_list(str(tmp_path / name)))
    pq.write_table(pa.table({"url": [URL]}), tmp_path / "d")
    with pytest.raises(JobError, match="kind and value"):
        list(read_list(str(tmp_path / "d")))


def test_a_list_that_is_not_there_stops_the_job_with_the_cure(tmp_path: pathlib.Path) -> None:
    with pytest.raises(MissingError, match=r"none\.csv.*put the list there") as caught:
        load_lists([str(tmp_path / "none.csv")], None)
    assert caught.value.exit_status == 4


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=40), st.lists(st.none() | st.binary(min_size=16, max_size=16), max_size=40))
def test_digests_find_what_a_dictionary_finds(listed: list[bytes], asked: list[bytes | None]) -> None:
    expected: dict[bytes, int] = {}
    for number, digest in enumerate(listed):
        expected.setdefault(digest, number)
    asked = [*asked, *listed, *(digest[:8] + bytes(8) for digest in listed)]
    found = Digests.of(b"".join(listed), np.arange(len(listed))).find(asked)
    assert found.tolist() == [-1 if digest is None else expected.get(digest, -1) for digest in asked]


@pytest.mark.parametrize("listed", [3, 2048, 5000])
@pytest.mark.parametrize("slack", [0, 2])
def test_perceptual_hashes_find_what_comparing_all_finds(listed: int, slack: int) -> None:
    rng = np.random.default_rng(listed)
    hashes = rng.integers(0, 2**63, listed, dtype=np.uint64)
    radii = rng.choice(np.array([0, 2, 4, 5, 6, 9, 16]), listed)
    near = [int(value) for value in hashes[:200]]
    for at in range(len(near)):
        for bit in rng.choice(64, int(rng.integers(0, 12)), replace=False):
            near[at] ^= 1 << int(bit)
    asked = np.array(near, np.uint64)
    distance = np.bitwise_count(asked[:, None] ^ hashes)
    hits = distance <= radii + slack
    expected = np.where(hits.any(axis=1), hits.argmax(axis=1), -1)
    assert PerceptualHashes(hashes, radii, np.arange(listed)).find(asked, slack).tolist() == expected.tolist()
    assert (expected >= 0).any()
