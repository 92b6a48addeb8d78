"""A snapshot of host policies is made from what was fetched, and joined by host in judge: no picture is read again."""

import gzip
import io
import pathlib
import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipeline.commands.preview import preview
from pipeline.commands.snapshot import snapshot
from pipeline.run import open_run
from schemas.consent_signals import SEEN_ROBOTS, SEEN_TDMREP
from schemas.errors import InputError, JobError, MissingError
from schemas.host_policies import HOST_POLICIES
from schemas.ledger import OBSERVABLE_HOST_POLICY
from tests.builders import sample, write_webdataset
from tests.runs import run_job, run_samples, stamps, tars, write_job
from transforms.consent.host_policies import load_snapshot
from transforms.storage import version_of

NO, YES = b"User-agent: *\nDisallow: /\n", b"User-agent: *\nDisallow:\n"


def archive(path: pathlib.Path, *responses: tuple[str, str, str, bytes], **more: str) -> str:
    """A WARC file of responses: date, URL, status, body; a status that ends in an address redirects there. `more`: headers."""
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=True)
        for date, url, status, body in responses:
            status, _, location = status.partition(" -> ")
            lines = [("Content-Type", "text/plain"), *([("Location", location)] if location else []), *more.items()]
            headers = StatusAndHeaders(status, lines, protocol="HTTP/1.1")
            dated = {"WARC-Date": date}
            writer.write_record(writer.create_warc_record(url, "response", io.BytesIO(body), http_headers=headers, warc_headers_dict=dated))
    return str(path)


def rows(path: pathlib.Path) -> dict[str, dict]:
    return {row["host"]: row for row in pq.read_table(path).to_pylist()}


def test_the_latest_of_each_file_of_a_host_counts_whatever_the_order_of_the_archives(tmp_path: pathlib.Path) -> None:
    old = archive(
        tmp_path / "old.warc.gz",
        ("2025-01-01T00:00:00Z", "http://b.example/robots.txt", "200 OK", NO),
        ("2025-01-01T00:00:00Z", "http://b.example/ai.txt", "200 OK", b"User-Agent: *\nDisallow: /\n"),
        ("2025-01-01T00:00:00Z", "http://gone.example/robots.txt", "200 OK", NO),
        ("2025-01-01T00:00:00Z", "http://b.example/other.html", "200 OK", b"<p>"),
    )
    new = archive(
        tmp_path / "new.warc.gz",
        ("2025-02-01T00:00:00Z", "http://b.example/robots.txt", "200 OK", YES),
        ("2025-02-01T00:00:00Z", "http://gone.example/robots.txt", "404 Not Found", b"nothing here"),
        ("2025-02-01T00:00:00Z", "http://A.example/robots.txt", "503 Busy", b""),
    )
    assert snapshot(str(tmp_path / "1.parquet"), [old, new]) == 3
    snapshot(str(tmp_path / "2.parquet"), [new, old])
    found = rows(tmp_path / "1.parquet")
    assert list(found) == ["a.example", "b.example", "gone.example"]
    assert (found["b.example"]["robots_txt"], found["b.example"]["ai_txt"] is not None) == (YES, True)
    assert (found["gone.example"]["status_robots"], found["gone.example"]["robots_txt"]) == (404, None)
    assert found["a.example"]["status_robots"] == 503
    assert pq.read_table(tmp_path / "1.parquet").equals(pq.read_table(tmp_path / "2.parquet"))
    assert pq.read_schema(tmp_path / "1.parquet").equals(HOST_POLICIES)


def test_a_robots_txt_that_has_moved_is_that_of_the_host_it_moved_to(tmp_path: pathlib.Path) -> None:
    """RFC 9309, section 2.3.1.2."""
    at = "2025-01-01T00:00:00Z"
    hops = [(at, f"https://h{hop}.example/robots.txt", f"302 Found -> https://h{hop + 1}.example/robots.txt", b"") for hop in range(8)]
    found = archive(
        tmp_path / "moved.warc.gz",
        (at, "http://a.example/robots.txt", "301 Moved -> https://a.example/robots.txt", b"<p>moved"),
        (at, "https://a.example/robots.txt", "302 Found -> //www.a.example/robots.txt", b""),
        (at, "https://www.a.example/robots.txt", "200 OK", NO),
        (at, "https://b.example/robots.txt", "301 Moved -> /", b""),
        (at, "http://b.example/robots.txt", "200 OK", NO),
        (at, "https://c.example/robots.txt", "301 Moved -> https://c.example/robots.txt", b""),
        (at, "https://d.example/robots.txt", "307 Moved -> https://gone.example/robots.txt", b""),
        (at, "https://gone.example/robots.txt", "404 Not Found", b"no"),
        *hops,
        (at, "https://h8.example/robots.txt", "200 OK", NO),
    )
    path = str(tmp_path / "s.parquet")
    snapshot(path, [found])
    held = load_snapshot(path, version_of(path)).policies(0, None)
    says = {
        url: None if (policy := held.of(url.split("/")[2], url.split(":")[0])) is None else bool(policy.signals(url, ["GPTBot"]))
        for url in ("http://a.example/1", "https://a.example/1", "https://b.example/1", "https://c.example/1", "https://d.example/1",
                    "https://h3.example/1", "https://h2.example/1")
    }  # fmt: skip
    assert list(says.values()) == [True, True, True, None, False, True, None]  # c goes round in circles, h2 is too far away


def test_a_file_that_is_not_there_was_seen_and_one_that_nobody_fetched_was_not(tmp_path: pathlib.Path) -> None:
    at = "2025-01-01T00:00:00Z"
    found = archive(
        tmp_path / "f.warc.gz",
        (at, "https://a.example/robots.txt", "200 OK", YES),
        (at, "https://a.example/.well-known/tdmrep.json", "404 Not Found", b"<html>"),
        (at, "https://a.example/ai.txt", "503 Busy", b"User-Agent: *"),
    )
    path = str(tmp_path / "s.parquet")
    snapshot(path, [found])
    policy = load_snapshot(path, version_of(path)).policies(0, None).of("a.example", "https")
    assert policy is not None
    assert policy.seen == SEEN_ROBOTS | SEEN_TDMREP
    assert policy.signals("https://a.example/1", ["GPTBot"]) == ()


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_is_read_as_the_server_packed_it(tmp_path: pathlib.Path, encoding: str) -> None:
    packed = gzip.compress(NO) if encoding == "gzip" else zlib.compress(NO)
    found = archive(
        tmp_path / "p.warc.gz", ("2025-01-01T00:00:00Z", "https://a.example/robots.txt", "200 OK", packed), **{"Content-Encoding": encoding}
    )
    snapshot(str(tmp_path / "s.parquet"), [found])
    assert rows(tmp_path / "s.parquet")["a.example"]["robots_txt"] == NO


def test_a_folder_of_fetched_files_is_read_by_host(tmp_path: pathlib.Path) -> None:
    (tmp_path / "f" / "b.example" / ".well-known").mkdir(parents=True)
    (tmp_path / "f" / "b.example" / ".well-known" / "tdmrep.json").write_text("[]")
    (tmp_path / "f" / "c.example").write_bytes(NO)
    (tmp_path / "f" / ".hidden").write_bytes(NO)
    snapshot(str(tmp_path / "s.parquet"), [str(tmp_path / "f")])
    found = rows(tmp_path / "s.parquet")
    assert (found["b.example"]["tdmrep_json"], found["c.example"]["robots_txt"], len(found)) == (b"[]", NO, 2)


def test_what_cannot_be_a_snapshot_is_told_with_the_cure(tmp_path: pathlib.Path) -> None:
    broken = tmp_path / "x.warc.gz"
    broken.write_bytes(b"no archive at all")
    with pytest.raises(InputError, match=r"x\.warc\.gz is no WARC file"):
        snapshot(str(tmp_path / "s.parquet"), [str(broken)])
    with pytest.raises(InputError, match="no such file or folder"):
        snapshot(str(tmp_path / "s.parquet"), [str(tmp_path / "none.warc.gz")])
    with pytest.raises(JobError, match=r"ends in \.parquet"):
        snapshot(str(tmp_path / "s.csv"), [str(broken)])
    assert not list(tmp_path.glob("*.parquet"))
    path = str(tmp_path / "t.parquet")
    with pytest.raises(MissingError, match="winnow snapshot"):
        load_snapshot(path, "")
    pq.write_table(pa.table({"host": ["b", "a"], "robots_txt": ["", ""]}), path)
    with pytest.raises(JobError, match=r"not sorted by host.*winnow snapshot"):
        load_snapshot(path, version_of(path))
    pq.write_table(pa.table({"name": ["a"]}), path)
    with pytest.raises(JobError, match="no column host"):
        load_snapshot(path, "other")


def test_hosts_may_be_bytes_of_text_and_what_is_no_text_is_refused(tmp_path: pathlib.Path) -> None:
    given, made = tmp_path / "given.parquet", tmp_path / "s.parquet"
    pq.write_table(pa.table({"host": [b"A.example"], "robots_txt": [NO]}), given)
    snapshot(str(made), [str(given)])
    assert rows(made)["a.example"]["robots_txt"] == NO
    pq.write_table(pa.table({"host": [b"\xff.example"], "robots_txt": [NO]}), given)
    with pytest.raises(InputError, match=r"given\.parquet is no Parquet file that can be read"):
        snapshot(str(made), [str(given)])


def test_a_host_that_goes_on_in_the_next_range_is_found_whole(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "s.parquet")
    hosts, schemes = ["a.example", "b.example", "b.example", "c.example"], ["https", "http", "https", "https"]
    pq.write_table(pa.table({"host": hosts, "scheme": schemes, "robots_txt": [NO, YES, NO, YES]}), path, row_group_size=2)
    found = load_snapshot(path, version_of(path))
    assert [found.range_of(host) for host in ("a.example", "b.example", "c.example", "bb.example", "z")] == [0, 0, 1, 1, None]
    policies = found.policies(0, None)
    said = [policies.of("b.example", scheme) for scheme in ("http", "https")]
    assert [policy is not None and bool(policy.signals("x://b.example/1", ["GPTBot"])) for policy in said] == [False, True]
    assert policies.of("z.example", "https") is None


def test_what_a_host_says_is_joined_in_judge_and_a_new_snapshot_reads_no_picture_again(tmp_path: pathlib.Path) -> None:
    hosts = ("no.example", "yes.example", "unknown.example")
    samples = [sample(number, key=f"{number}", url=f"https://{host}/pics/{number}.jpg") for number, host in enumerate(hosts)]
    served = {"host": hosts[:2], "robots_txt": [NO, YES], "fetched_at": ["2025-01-01T00:00:00Z"] * 2}
    pq.write_table(pa.table(served), tmp_path / "hosts.parquet")
    asked = {"host_policies": "hosts.parquet"}
    ran = run_samples(tmp_path, samples, {"filters": {"opt_out": asked}})
    found = ran.by_key()
    assert ["opt_out" in found[key]["reasons"] for key in "012"] == [True, False, False]
    assert [found[key]["consent_observable"] & OBSERVABLE_HOST_POLICY > 0 for key in "012"] == [True, True, False]
    [evidence] = [entry["detail"] for entry in found["0"]["evidence"] if entry["reason"] == "opt_out"]
    assert "robots.txt keeps CCBot out" in evidence
    made = stamps(ran.work / "annotations")
    early = run_job(tmp_path, tars({"filters": {"opt_out": asked | {"as_of": "2024-06-01"}}}), replace=True)
    assert "opt_out" not in early.by_key()["0"]["reasons"]
    assert stamps(ran.work / "annotations") == made


def test_a_preview_asks_the_hosts_too(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = pa.table({"host": ["a.example"], "robots_txt": [NO]})
    pq.write_table(table, tmp_path / "hosts.parquet")
    write_webdataset(tmp_path / "shards", [sample(1, url="https://a.example/1.jpg"), sample(2, url=None)])
    path = write_job(tmp_path, tars({"filters": {"opt_out": {"host_policies": "hosts.parquet"}}}))
    preview(open_run(str(path), ()), Console(width=200), 10)
    assert "2 rows of 1 shards: 1 would stay, 1 would go" in capsys.readouterr().out
