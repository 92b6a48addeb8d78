"""Folders with names that a glob would take for something else, that are somebody else's, or that cannot be written to."""

import pytest

from pipeline.cli import run_command
from schemas.errors import EngineError, JobError
from tests.builders import sample, write_parquet, write_webdataset
from tests.runs import contents, run_job, run_samples, run_status, stamps, tars


def test_a_job_in_a_folder_with_brackets_in_its_name_is_run_and_is_fresh_afterwards(tmp_path):
    ran = run_samples(tmp_path / "set [1] of *", [sample(n) for n in range(3)], per_shard=1)
    assert len(ran.ledger()) == len(ran.data()) == 3
    before = stamps(ran.work / "annotations"), stamps(ran.out / "data")
    run_job(tmp_path / "set [1] of *", tars())
    assert (stamps(ran.work / "annotations"), stamps(ran.out / "data")) == before
    assert len(before[0]) == 3


@pytest.mark.parametrize(
    ("paths", "job"),
    [
        (["out/data/*.parquet"], {}),
        (["out/shards/*.parquet"], {}),
        (["private/annotations/*.parquet"], {"work": "private"}),
        (["linked/*.parquet"], {}),
    ],
)
def test_a_source_is_never_overwritten_or_swept_by_its_own_run(paths, job, tmp_path):
    folder = tmp_path / ("out/data" if "linked" in paths[0] else paths[0].rpartition("/")[0])
    write_parquet(folder / "00000.parquet", [sample(0)])
    (folder / "notes.txt").write_text("mine")
    (tmp_path / "linked").symlink_to(folder)
    before = contents(folder)
    with pytest.raises(JobError, match="holds a shard of source 'main'"):
        run_job(tmp_path, {"source": {"format": "parquet", "paths": paths}, **job})
    assert contents(folder) == before


@pytest.mark.parametrize("theirs", ["data/theirs.parquet", "data/notes.txt", "README.md"])
def test_a_first_run_does_not_sweep_away_what_somebody_else_put_there_unless_told(theirs, tmp_path, capsys):
    write_webdataset(tmp_path / "shards", [sample(0)])
    (tmp_path / "out" / "data").mkdir(parents=True)
    (tmp_path / "out" / theirs).write_text("mine")
    for _ in range(2):
        assert run_status(tmp_path, tars()) == 2
        assert theirs in capsys.readouterr().err
    assert contents(tmp_path / "out") == {f"out/{theirs}": b"mine"}
    assert run_status(tmp_path, tars(), "--replace") == 0


def test_a_release_or_work_folder_that_cannot_be_written_is_told_before_any_shard_is_read(tmp_path, capsys):
    write_webdataset(tmp_path / "shards", [sample(0)])
    (tmp_path / "file").write_text("mine")
    for setting in ("output=file", "output=file/deeper", "work=file"):
        assert run_status(tmp_path, tars(), "--set", setting) == EngineError.exit_status
        told = capsys.readouterr().err
        assert f"{tmp_path}/file is no folder" in told
        assert "annotate" not in told
    assert (tmp_path / "file").read_text() == "mine"


def test_a_column_to_drop_that_no_shard_has_is_told_before_any_shard_is_read(tmp_path, capsys):
    write_webdataset(tmp_path / "shards", [sample(0)])
    assert run_status(tmp_path, tars({"publish": {"drop": ["exif", "statsu"]}})) == 2
    assert "publish.drop: no shard has a column 'statsu'" in capsys.readouterr().err
    assert not (tmp_path / "out.work").exists()
    assert run_command(["check", str(tmp_path / "job.yaml")]) == 2
