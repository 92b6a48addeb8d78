"""Law 1, conservation: every row of the source has one ledger row, counted by other code than the reader's."""

import collections
import json

import pyarrow.parquet as pq
import pytest

from tests.builders import sample, sample_members, tar_bytes, write_webdataset
from tests.laws.varied import varied
from tests.runs import run_job, run_status, tars
from tests.shared_data import shared
from transforms.read.webdataset import WebdatasetReader


def test_every_row_has_one_verdict_and_reasons_exactly_when_it_is_not_kept(unbroken):
    rows = unbroken.ledger()
    assert len(rows) == len(varied())
    assert len({(row["shard"], row["row"]) for row in rows}) == len(rows)
    assert {row["verdict"] for row in rows} == {"kept", "rejected", "unreadable"}
    assert all((row["verdict"] == "kept") == (not row["reasons"]) for row in rows)
    kept = [row["uid"] for row in rows if row["verdict"] == "kept"]
    assert [row["uid"] for row in unbroken.data()] == kept
    assert sum(row["weight"] for row in rows if row["weight"] is not None) == pytest.approx(len(kept), abs=len(kept) / 2**32)


@pytest.mark.shared
def test_no_hostile_picture_is_lost(tmp_path):
    root = shared("data", "hostile_images")
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    (tmp_path / "shards").mkdir()
    for number in range(3):
        members = [
            member
            for n, path in enumerate(files[number::3])
            for member in sample_members(f"{n:06}", path.read_bytes(), f"picture number {n}")
        ]
        (tmp_path / "shards" / f"{number}.tar").write_bytes(tar_bytes(members))
    ran = run_job(tmp_path, tars({"source": {"max_unreadable": 1.0}}))
    rows = ran.ledger()
    assert len(rows) == len(files)
    assert all(
        entry["detail"] for row in rows if row["verdict"] == "unreadable" for entry in row["evidence"] if entry["reason"] == "unreadable"
    )
    formats = collections.Counter(row["format"] for row in ran.annotations())
    assert formats["png"] > 400
    assert formats["jpeg"] > 40
    assert formats["tiff"] > 40


def without_the_last(batches):
    for samples in batches:
        yield samples.slice(0, len(samples) - 1)


def test_a_row_that_the_reader_drops_stops_the_run_and_nothing_is_published(tmp_path, monkeypatch, capsys):
    write_webdataset(tmp_path / "shards", [sample(n) for n in range(6)], 3)
    read = WebdatasetReader.batches
    monkeypatch.setattr(WebdatasetReader, "batches", lambda self, rows=None: without_the_last(read(self, rows)))
    assert run_status(tmp_path, tars()) == 70
    assert "conservation is broken in shard 00000" in capsys.readouterr().err
    assert not list(tmp_path.rglob("manifest.json"))
    assert not (tmp_path / "out" / "data").exists()


def test_a_row_that_the_ledger_drops_stops_the_run_and_nothing_is_published(tmp_path, monkeypatch, capsys):
    import pipeline.judge

    write_webdataset(tmp_path / "shards", [sample(n) for n in range(6)], 3)
    whole = pipeline.judge.ledger_batch
    monkeypatch.setattr(pipeline.judge, "ledger_batch", lambda *arguments: whole(*arguments).slice(1))
    assert run_status(tmp_path, tars()) == 70
    assert "the source holds 3 rows, the ledger 2" in capsys.readouterr().err
    assert not list(tmp_path.rglob("manifest.json"))


def test_rows_that_only_the_sidecar_has_count_too(tmp_path):
    rows = [sample(0), sample(1, jpg=None, status="failed_to_download", error_message="HTTP Error 404"), sample(2)]
    write_webdataset(tmp_path / "shards", rows)
    ran = run_job(tmp_path, tars())
    assert [row["verdict"] for row in ran.ledger()] == ["kept", "kept", "unreadable"]


def test_the_manifest_counts_what_the_ledger_holds(unbroken):
    manifest = json.loads((unbroken.out / "manifest.json").read_text())
    counts = collections.Counter(row["verdict"] for row in unbroken.ledger())
    assert {name: manifest["ledger"][name] for name in ("rows", *counts)} == {"rows": len(unbroken.ledger()), **counts}
    files = {name: found["rows"] for name, found in manifest["files"].items() if name.startswith("data/")}
    assert files == {f"data/{path.name}": pq.read_metadata(path).num_rows for path in (unbroken.out / "data").iterdir()}
