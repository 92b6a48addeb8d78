"""Law 3, fail closed: what is missing stops the job, and a row that nobody could look at is never passed as one that is fine."""

import hashlib

import pytest

from schemas.errors import InputError, MissingError
from tests.builders import jpeg, sample, write_webdataset
from tests.models.tiny_onnx import mean_of_channels
from tests.runs import run_job, run_samples, run_status, tars
from transforms.filters.caption_quality import CaptionQuality
from transforms.filters.language import Language
from transforms.filters.personal_data import PersonalData
from transforms.models import onnx_classifier


@pytest.fixture
def stumbling(monkeypatch):
    """Makes filters raise on rows whose caption says so."""

    def stumble(kind, word="stumble"):
        measure = kind.measure

        def measured(self, batch):
            if any(word in (caption or "") for caption in batch.captions):
                raise ValueError("a bad row")
            return measure(self, batch)

        monkeypatch.setattr(kind, "measure", measured)

    return stumble


def planted(number=5, bad=3):
    return [sample(n, caption=f"a stumble in row {n}" if n == bad else f"a walk in row {n}") for n in range(number)]


def test_a_missing_list_stops_the_job_before_anything_is_read(tmp_path, capsys):
    write_webdataset(tmp_path / "shards", [sample(0)])
    assert run_status(tmp_path, tars({"filters": {"opt_out": {"lists": ["gone.csv"]}}})) == 4
    message = capsys.readouterr().err
    assert f"filters.opt_out: lists: there is no file {tmp_path}/gone.csv; put the list there, or take it out of the job" in message
    assert not (tmp_path / "out.work").exists()


def test_a_missing_model_stops_the_job_and_names_it(tmp_path, capsys):
    write_webdataset(tmp_path / "shards", [sample(0)])
    assert run_status(tmp_path, tars({"filters": {"toxicity": {"model": "gone.bin"}}})) == 4
    message = capsys.readouterr().err
    assert "filters.toxicity" in message
    assert "gone.bin" in message


def test_a_list_that_cannot_be_understood_stops_the_job_and_names_the_row(tmp_path, capsys):
    write_webdataset(tmp_path / "shards", [sample(0)])
    (tmp_path / "list.csv").write_text("kind,value\nsha256,abc\n")
    assert run_status(tmp_path, tars({"filters": {"opt_out": {"lists": ["list.csv"]}}})) == 2
    assert "list.csv, row 2: a sha256 is 64 hexadecimal digits" in capsys.readouterr().err


def test_a_model_that_vanishes_while_rows_are_measured_is_no_bad_row(tmp_path, monkeypatch, capsys):
    def gone(self, batch):
        raise MissingError("the model went away; put it back")

    monkeypatch.setattr(CaptionQuality, "measure", gone)
    write_webdataset(tmp_path / "shards", [sample(0)])
    assert run_status(tmp_path, tars()) == 4
    assert "the model went away; put it back" in capsys.readouterr().err


def test_a_row_on_which_a_filter_raises_has_no_score_and_costs_no_other_row_its_own(tmp_path, stumbling):
    stumbling(CaptionQuality)
    ran = run_samples(tmp_path, planted(), {"max_not_scored": 0.5})
    scores = [row["caption_quality"] for row in ran.annotations()]
    assert scores[3] is None
    assert None not in (*scores[:3], scores[4])
    row = ran.ledger()[3]
    assert (row["verdict"], row["flags"]) == ("kept", ["not_scored"])
    assert [(entry["reason"], entry["detail"]) for entry in row["evidence"]] == [("not_scored", "caption_quality")]


def test_a_row_that_was_not_scored_is_rejected_where_on_missing_says_so_unless_the_filter_is_off(tmp_path, stumbling):
    stumbling(PersonalData, "slip")
    stumbling(CaptionQuality, "stumble")
    stumbling(Language, "fall")
    rows = [
        sample(n, caption=text)
        for n, text in enumerate(("a slip on the ice", "a stumble on the stairs", "a fall from grace", "a safe walk"))
    ]
    job = {
        "filters": {"caption_quality": {"on_missing": "reject"}, "language": {"enabled": False, "on_missing": "reject"}},
        "max_not_scored": 0.5,
    }
    ran = run_samples(tmp_path, rows, job)
    assert [row["reasons"] for row in ran.ledger()] == [["not_scored"], ["not_scored"], [], []]
    assert [row["evidence"][0]["detail"] for row in ran.ledger()[:2]] == ["personal_data", "caption_quality"]


def test_more_failures_than_allowed_stop_the_job_and_name_filter_shard_and_row(tmp_path, stumbling, capsys):
    stumbling(CaptionQuality)
    write_webdataset(tmp_path / "shards", planted(), 2)
    assert run_status(tmp_path, tars()) == 3
    message = capsys.readouterr().err
    assert "filter caption_quality failed on 1 of 5 rows, more than max_not_scored: 0.001 allows" in message
    assert f"{tmp_path}/shards/00001.tar, row 1" in message
    assert "(ValueError)" in message
    assert "stumble" not in message
    assert not (tmp_path / "out").exists()


def test_a_model_that_fails_on_a_picture_is_named_with_its_digest_and_what_to_do(tmp_path, monkeypatch, capsys):
    raw = mean_of_channels()
    digest = hashlib.sha256(raw).hexdigest()
    (tmp_path / "red.onnx").write_bytes(raw)
    (tmp_path / "red.yaml").write_text(f"name: redness\npath: red.onnx\nsha256: {digest}\nsize: 8\nwhite: 1\nclasses: [0]\n")
    look = onnx_classifier.look

    def failing(spec, pixels, width, *more):
        if width == 321:
            raise ZeroDivisionError("a value of this picture")
        return look(spec, pixels, width, *more)

    monkeypatch.setattr(onnx_classifier, "look", failing)
    write_webdataset(tmp_path / "shards", [sample(0), sample(1, jpg=jpeg(321, 240))])
    assert run_status(tmp_path, tars({"filters": {"nsfw": {"image_model": "red.yaml"}}})) == 3
    message = capsys.readouterr().err
    assert "filter nsfw failed on 1 of 2 rows" in message
    assert "row 1 (ZeroDivisionError)" in message
    assert f"It asks redness ({tmp_path}/red.onnx, SHA-256 {digest})" in message
    assert "mend the rows or the model, or raise filters.nsfw.max_not_scored" in message
    assert "a value of this picture" not in message


def test_what_does_not_apply_is_no_failure(tmp_path):
    rows = [sample(0, caption=None), sample(1, caption="公园里的红色自行车停在树下"), sample(2)]
    ran = run_samples(tmp_path, rows, {"filters": {"caption_quality": {"enabled": False}}})
    assert [row["toxicity"] is None or row["toxicity"]["score"] is None for row in ran.annotations()] == [True, True, False]
    assert [(row["verdict"], row["flags"]) for row in ran.ledger()] == [("kept", [])] * 3


def test_more_unreadable_rows_than_allowed_stop_the_job(tmp_path, capsys):
    write_webdataset(tmp_path / "shards", [sample(n, jpg=jpeg(seed=n)[: 900 if n == 2 else None]) for n in range(4)])
    assert run_status(tmp_path, tars()) == 3
    message = capsys.readouterr().err
    assert "source main: 1 of 4 rows are unreadable, more than max_unreadable: 0.05 allows" in message
    assert not (tmp_path / "out").exists()


def test_failed_downloads_are_not_counted_as_unreadable(tmp_path):
    rows = [sample(0), *(sample(n, jpg=None, status="failed_to_download") for n in range(1, 9))]
    ran = run_samples(tmp_path, rows)
    assert [row["verdict"] for row in ran.ledger()] == ["kept", *["unreadable"] * 8]


def test_a_shard_that_is_no_shard_stops_the_job_unless_it_is_allowed(tmp_path):
    write_webdataset(tmp_path / "shards", [sample(0), sample(1)], 1)
    (tmp_path / "shards" / "00001.tar").write_bytes(b"not a tar at all" * 100)
    with pytest.raises(InputError, match=r"1 shards cannot be read at all; max_unreadable_shards allows 0. First: .*/00001.tar"):
        run_job(tmp_path, tars())
    ran = run_job(tmp_path, tars({"source": {"max_unreadable_shards": 1, "max_unreadable": 0.6}}))
    assert [(row["shard"], row["verdict"]) for row in ran.ledger()] == [("00000", "kept")]
