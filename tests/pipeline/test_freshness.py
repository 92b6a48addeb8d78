"""What is done again when something changes: exactly what depends on it, and nothing else."""

import os
import shutil

import pytest

from pipeline.commands.run import run_phases
from pipeline.run import open_run
from schemas.errors import JobError
from tests.builders import sample, write_webdataset
from tests.runs import WITHOUT_DOCUMENTS, Ran, contents, run_job, run_samples, stamps, tars, write_job

THINGS = (
    "a lighthouse", "two bicycles", "the old observatory", "an orange cat", "market stalls", "a flock of geese", "three sailors",
    "a violin", "the railway bridge", "empty greenhouses", "a paper lantern", "somebody waving",
)  # fmt: skip
FOLDERS = ("annotations", "signatures", "clusters", "ledger", "emitted")


def rows(start=0, number=6):
    return [sample(n, similarity=n / 10, caption=f"{THINGS[n % 12]} seen from the window") for n in range(start, start + number)]


def rule(least: float):
    return {"filters": {"columns": {"rules": [{"column": "similarity", "min": least}]}}}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run that every test works on a copy of."""
    return run_samples(tmp_path_factory.mktemp("finished"), rows(), per_shard=2).out.parent


@pytest.fixture
def ran(finished, tmp_path):
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return Ran(open_run(str(tmp_path / "job.yaml"), ()))


def state(ran: Ran) -> dict[str, dict[str, tuple[int, int]]]:
    """Inode and time of every file, by folder; markers under their own names."""
    found = {name: stamps(ran.work / name) for name in FOLDERS} | {"data": stamps(ran.out / "data")}
    return found | {"markers": {name: stamp for name, stamp in stamps(ran.work).items() if name in ("matched.json", "judged.json")}}


def again(ran: Ran, job=None, *settings: str) -> tuple[Ran, dict[str, set[str]]]:
    """Runs the job again; the new run, and which files of each folder were written."""
    before = state(ran)
    folder = ran.out.parent
    after = run_job(folder, tars(job), *settings)
    found = state(after)
    written = {
        name: {file.split(".")[0] for file, stamp in files.items() if before[name].get(file) != stamp} for name, files in found.items()
    }
    return after, {name: files for name, files in written.items() if files}


def test_nothing_is_written_where_nothing_changed(ran):
    assert again(ran)[1] == {}


def test_a_new_shard_is_read_and_no_other(ran, tmp_path):
    (tmp_path / "more").mkdir()
    write_webdataset(tmp_path / "more", rows(20, 2))
    for suffix in ("tar", "parquet"):
        (tmp_path / "more" / f"00000.{suffix}").rename(tmp_path / "shards" / f"00003.{suffix}")
    after, written = again(ran)
    assert written["annotations"] == written["signatures"] == written["emitted"] == written["data"] == {"00003"}
    assert written["ledger"] == {"00000", "00001", "00002", "00003"}
    assert len(after.ledger()) == 8


def test_a_shard_overwritten_in_place_is_read_again_and_its_old_files_are_swept(ran, tmp_path):
    write_webdataset(tmp_path / "other", [*rows(2, 1), *rows(78, 1)])
    for suffix in ("tar", "parquet"):
        os.replace(tmp_path / "other" / f"00000.{suffix}", tmp_path / "shards" / f"00001.{suffix}")
    after, written = again(ran)
    assert written["annotations"] == written["data"] == {"00001"}
    assert len(stamps(after.work / "annotations")) == len(stamps(after.work / "emitted")) == 3
    assert [row["key"] for row in after.shard("00001")] == ["000000002", "000000078"]


def test_a_shard_that_is_gone_leaves_nothing_behind(ran, tmp_path):
    for suffix in ("tar", "parquet"):
        (tmp_path / "shards" / f"00001.{suffix}").unlink()
    after, written = again(ran)
    assert set(written) <= {"clusters", "ledger", "markers"}
    for name, files in state(after).items():
        assert not [file for file in files if file.startswith("00001")], name
    assert len(after.ledger()) == len(after.data()) == 4


def test_a_threshold_is_judged_again_and_only_shards_whose_ledger_changed_are_published_again(ran):
    again(ran, rule(0.0))
    after, written = again(ran, rule(0.25))
    assert set(written) == {"ledger", "markers", "emitted", "data"}
    assert written["markers"] == {"judged"}
    assert written["data"] == written["emitted"] == {"00000", "00001"}
    assert len(after.data()) == 3


def test_a_list_that_changed_is_joined_again(ran, tmp_path):
    (tmp_path / "list.csv").write_text("kind,value\nurl,https://nowhere.example/1.jpg\n")
    job = {"filters": {"opt_out": {"lists": ["list.csv"]}}}
    ran, written = again(ran, job)
    assert "annotations" not in written
    (tmp_path / "list.csv").write_text(f"kind,value\nurl,{sample(4)['url']}\n")
    after, written = again(ran, job)
    assert set(written) == {"ledger", "markers", "emitted", "data"}
    assert written["data"] == {"00002"}
    assert [row["reasons"] for row in after.ledger()] == [[], [], [], [], ["opt_out"], []]


def test_a_dedup_key_matches_again_and_reads_nothing(ran):
    _, written = again(ran, {"dedup": {"policy": "image_or_caption"}})
    assert "annotations" not in written
    assert {"matched", "judged"} <= written["markers"]


def test_another_model_measures_every_shard_again(ran, tmp_path):
    from transforms.filters.toxicity import Toxicity

    [shipped] = Toxicity().models()
    shutil.copy(shipped.path, tmp_path / "model.bin")
    _, written = again(ran, {"filters": {"toxicity": {"model": "model.bin", "sha256": shipped.sha256}}})
    assert written["annotations"] == {"00000", "00001", "00002"}


def test_a_column_that_is_new_in_one_shard_changes_the_schema_of_all(ran, tmp_path):
    write_webdataset(tmp_path / "other", [row | {"aesthetic": 5.5 + n} for n, row in enumerate(rows(2, 2))])
    for suffix in ("tar", "parquet"):
        os.replace(tmp_path / "other" / f"00000.{suffix}", tmp_path / "shards" / f"00001.{suffix}")
    after, written = again(ran)
    assert written["annotations"] == {"00001"}
    assert written["data"] == {"00000", "00001", "00002"}
    assert [row["aesthetic"] for row in after.data()] == [None, None, 5.5, 6.5, None, None]


def test_a_dropped_column_is_published_again_and_nothing_is_judged(ran):
    after, written = again(ran, {"publish": {"drop": ["similarity"]}})
    assert set(written) == {"emitted", "data"}
    assert "similarity" not in after.data()[0]


def test_a_column_to_drop_that_is_not_there_is_a_mistake_and_changes_nothing(ran):
    before = state(ran)
    with pytest.raises(JobError, match=r"publish.drop: no shard has a column 'similarty'; there are .*similarity"):
        run_job(ran.out.parent, tars({"publish": {"drop": ["similarty"]}}))
    assert state(ran) == before


def test_workers_and_gates_decide_no_byte(ran):
    assert again(ran, {"max_not_scored": 0.5, "source": {"max_unreadable": 0.9}})[1] == {}


def test_a_published_file_that_was_damaged_is_written_again(ran):
    damaged = ran.out / "data" / "00001.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-50])
    _, written = again(ran)
    assert written == {"data": {"00001"}, "emitted": {"00001"}}


def test_what_a_killed_run_left_is_swept(ran):
    for folder in ("annotations", "signatures", "ledger", "emitted"):
        (ran.work / folder / ".winnow-0123").write_bytes(b"half")
    (ran.out / "data" / ".winnow-0123").write_bytes(b"half")
    (ran.out / "data" / "stranger.parquet").write_bytes(b"nobody's")
    (ran.work / "ledger" / "stranger.parquet").write_bytes(b"nobody's")
    after, _ = again(ran, {"dedup": {"max_per_caption": 100}})
    assert not [path for base in (after.out, after.work) for path in base.rglob("*") if path.name.startswith((".winnow-", "stranger"))]


def test_a_finished_release_is_overwritten_only_when_told_so(tmp_path):
    ran = run_samples(tmp_path, rows(), per_shard=2, documents=True)
    manifest = ran.out / "manifest.json"
    whole = manifest.read_bytes()
    job = str(write_job(tmp_path, tars(rule(0.25))))
    with pytest.raises(JobError, match="--replace"):
        run_phases(open_run(job, ()))
    assert manifest.read_bytes() == whole
    run_phases(open_run(job, (), replace=True), WITHOUT_DOCUMENTS)
    assert not manifest.exists()
    assert len(ran.data()) == 3


def test_pictures_are_not_decoded_again_where_only_judge_changed(ran, monkeypatch):
    import transforms.annotate

    monkeypatch.setattr(transforms.annotate, "open_picture", lambda *_: pytest.fail("a picture was decoded again"))
    after, _ = again(ran, {"filters": {"language": {"keep": ["en"]}}, "dedup": {"policy": "image_and_caption"}})
    assert len(after.ledger()) == 6


def test_clusters_and_ledgers_that_are_gone_are_made_again_though_markers_say_that_they_are_done(tmp_path):
    ran = run_samples(tmp_path, [sample(0), sample(1)])
    before = contents(ran.work / "clusters", ran.work / "ledger")
    for folder in ("clusters", "ledger"):
        next(path for path in (ran.work / folder).iterdir() if path.is_file() and path.suffix != ".json").unlink()
        run_job(tmp_path, tars())
        assert contents(ran.work / "clusters", ran.work / "ledger") == before
