import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.annotations import BASE
from transforms.consent.list_files import Entry
from transforms.consent.lists import lists_of
from transforms.takedown.hits import GONE, Cause, Clusters, clusters_of, find, members, names, union
from transforms.text.url import normal_url

CONTENT = Cause("sha256", "illegal", "content", "sha256 in a.csv, row 2", 0)
LOCATION = Cause("url", "taken_down", "location", "url in a.csv, row 3", 1)


def ledger(path, rows):
    columns = [
        ("row", pa.int64()),
        ("uid", pa.string()),
        ("cluster", pa.string()),
        ("verdict", pa.string()),
        ("flags", pa.list_(pa.string())),
    ]
    full = [{"row": n, "uid": f"u{n}", "cluster": None, "verdict": "kept", "flags": []} | row for n, row in enumerate(rows)]
    pq.write_table(pa.Table.from_pylist(full, pa.schema(columns)), path)
    return str(path)


@pytest.fixture
def ledgers(tmp_path):
    a = [{"cluster": "c"}, {"cluster": "d"}, {}, {"cluster": "c", "verdict": "rejected"}]
    b = [{"cluster": "c"}, {"cluster": "d"}, {"cluster": "d", "verdict": "rejected"}, {"cluster": "c", "flags": ["removed_later"]}]
    return {"a": ledger(tmp_path / "a.parquet", a), "b": ledger(tmp_path / "b.parquet", b)}


def spread(ledgers, hits):
    """Members of the clusters that hits are in, by shard."""
    clusters = Clusters.merged(clusters_of(path, hits.get(shard, {})) for shard, path in ledgers.items())
    return {shard: members(path, clusters, hits.get(shard, {})) for shard, path in ledgers.items()}


def test_what_goes_for_its_content_takes_its_whole_cluster_rejected_rows_too(ledgers):
    found = spread(ledgers, {"a": {0: [CONTENT]}})
    assert {shard: sorted(here.removed) for shard, here in found.items()} == {"a": [3], "b": [0]}
    assert [here.number for here in found.values()] == [1, 1]
    [cause] = found["b"].removed[0]
    assert (cause.kind, cause.reason, cause.entry) == ("cluster", "illegal", 0)
    assert not any(here.copies for here in found.values())


def test_what_goes_for_its_location_takes_no_copy_and_kept_ones_are_told(ledgers):
    found = spread(ledgers, {"a": {1: [LOCATION]}})
    assert not any(here.removed for here in found.values())
    assert {shard: here.copies for shard, here in found.items()} == {"a": [], "b": [1]}


def test_a_row_that_went_before_does_not_go_again(ledgers):
    assert 3 not in spread(ledgers, {"a": {0: [CONTENT]}})["b"].removed


def test_a_row_under_two_reasons_spreads_both(ledgers):
    other = Cause("uid", "opt_out", "content", "uid in a.csv, row 4", 2)
    hits = {"a": union([{0: [CONTENT]}, {3: [other]}, {0: [LOCATION]}])}
    found = spread(ledgers, hits)
    assert {cause.reason for cause in found["b"].removed[0]} == {"illegal", "opt_out"}
    assert {cause.reason for cause in (*hits["a"][0], *found["a"].removed[0])} == {"illegal", "taken_down", "opt_out"}


def test_a_ledger_that_names_a_uid_is_known_whatever_columns_it_has(ledgers):
    assert all(names(path, pa.array(["d"]), ("cluster", "uid", "captions")) for path in ledgers.values())
    assert not any(names(path, pa.array(["nobody"]), ("cluster", "uid")) for path in ledgers.values())


def annotation(path, rows):
    empty = {"source": "main", "shard": "a", "recorded": False, "flags": [], "not_scored": [], "low_detail": False, "has_caption": True,
             "caption_length": 1, "words": 1, "numbers": [], "groups": {}}  # fmt: skip
    full = [{**empty, "uid": f"{n:032x}", "row": n} | row for n, row in enumerate(rows)]
    pq.write_table(pa.Table.from_pylist(full, BASE), path)
    return str(path)


def entry(kind, value, reason="taken_down", radius=4):
    return Entry(kind, value, radius, reason, "", "", "", 1)


def test_every_kind_of_entry_finds_its_row_and_an_emptied_row_is_not_found(tmp_path):
    url = "https://one.example/a/1.jpg"
    rows = [
        {"url": url, "url_id": hashlib.sha256(normal_url(url).encode()).digest()[:16], "domain": "one.example"},
        {"url": "https://sub.two.example/b/2.jpg", "domain": "two.example"},
        {"url": "https://three.example/c/3.jpg", "domain": "three.example"},
        {"sha256": b"s" * 32}, {"sha1": b"h" * 20}, {"md5": b"m" * 16}, {"phash": 0b1111}, {},
        {"problem": GONE, "sha256": b"s" * 32},
    ]  # fmt: skip
    entries = [
        entry("url", url), entry("domain", "two.example"), entry("url_prefix", "https://three.example/c/"), entry("sha256", "73" * 32),
        entry("sha1", "68" * 20), entry("md5", "6d" * 16), entry("phash", f"{0b1101:016x}", radius=1), entry("uid", f"{7:032x}"),
    ]  # fmt: skip
    found = find(annotation(tmp_path / "a.parquet", rows), lists_of([(0, one) for one in entries], ["a.csv"]), 0)
    assert {row: [(cause.kind, cause.entry) for cause in causes] for row, causes in found.items()} == {
        number: [(one.kind, number)] for number, one in enumerate(entries)
    }
    assert {cause.scope for row in (0, 1, 2) for cause in found[row]} == {"location"}
    assert {cause.scope for row in range(3, 8) for cause in found[row]} == {"content"}


def test_a_shard_without_rows_has_no_hits(tmp_path):
    assert find(annotation(tmp_path / "a.parquet", []), lists_of([(0, entry("domain", "a.example"))], ["a.csv"]), 2) == {}


def test_uids_that_evidence_of_other_rows_names_are_found(tmp_path):
    told = [None, "a copy of " + "ab" * 16 + "; this release", "sha256 in " + "cd" * 32]
    evidence = pa.array([[{"detail": text}] for text in told], pa.list_(pa.struct([("detail", pa.string())])))
    pq.write_table(pa.table({"evidence": evidence}), tmp_path / "a.parquet")
    assert names(str(tmp_path / "a.parquet"), pa.array(["ab" * 16]), ("evidence",))
    assert not names(str(tmp_path / "a.parquet"), pa.array(["cd" * 16]), ("evidence",))
