"""A whole job of which nothing lies on this machine: job file, shards, list, model, release and work folder in an object store."""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Iterator

import pytest
import yaml

from pipeline.cli import run_command
from pipeline.demo import UNMARKED_COPY, make_demo
from pipeline.lease import Holder
from tests import remote_filesystem
from tests.builders import sample, write_parquet
from tests.remote_filesystem import download
from tests.runs import run_job
from transforms import remote
from transforms.filters.toxicity import Toxicity
from transforms.storage import remove, scratch_folder, write_bytes

BUCKET = "mirror://bucket/demo"
KEPT = ("annotations/", "signatures/", "clusters/", "matched.json", "ledger/", "judged.json", "emitted/", "documents/")


def prepare(folder: pathlib.Path) -> pathlib.Path:
    """The demo with a list and a model of its own, all named by relative paths; returns its job file."""
    path = pathlib.Path(make_demo(str(folder), pictures=24))
    job = yaml.safe_load(path.read_text())
    job["workers"] = 1
    [shipped] = Toxicity().models()
    toxicity = {"model": "models/toxic.bin", "sha256": shipped.sha256, "languages": ["en"]}
    job["filters"] = {"opt_out": {"lists": ["lists/opt_outs.csv"]}, "toxicity": toxicity}
    path.write_text(yaml.safe_dump(job))
    (folder / "lists").mkdir()
    (folder / "lists" / "opt_outs.csv").write_text("kind,value\ndomain,gallery.example\n")
    (folder / "models").mkdir()
    (folder / "models" / "toxic.bin").write_bytes(pathlib.Path(shipped.path).read_bytes())
    return path


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> pathlib.Path:
    """The folder of the same job, run on local paths."""
    job = prepare(tmp_path_factory.mktemp("local") / "demo")
    assert run_command(["run", str(job)]) == 0
    return job.parent


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Iterator[pathlib.Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        scratch_folder.cache_clear()
        yield folder
    scratch_folder.cache_clear()


@pytest.fixture(scope="module")
def ran(local, cache, tmp_path_factory) -> Iterator[pathlib.Path]:
    """The object store's own folder, after the job was run there."""
    with remote_filesystem.mounted(tmp_path_factory.mktemp("remote") / "store") as store:
        upload(local)
        assert run_command(["run", f"{BUCKET}/job.yaml"]) == 0
        yield store


@pytest.fixture
def empty(local, cache, tmp_path) -> Iterator[pathlib.Path]:
    """An object store with the inputs of the job and nothing else."""
    with remote_filesystem.mounted(tmp_path / "store") as store:
        upload(local)
        yield store


def upload(local: pathlib.Path) -> None:
    for part in ("shards", "lists", "models"):
        remote_filesystem.upload(local / part, f"{BUCKET}/{part}")
    write_bytes(f"{BUCKET}/job.yaml", (local / "job.yaml").read_bytes())


def assert_published_as(local: pathlib.Path) -> None:
    """Holds what the object store has against what the same job gave on local paths, byte for byte."""
    for part in ("out/data", "out.work/ledger"):
        expected = {path.name: path.read_bytes() for path in (local / part).iterdir()}
        assert expected
        assert download(f"{BUCKET}/{part}") == expected


def kept(store: pathlib.Path) -> dict[str, str]:
    """What a run leaves and the next one builds on: path -> name in the store's folder."""
    names = {path.name: path.name.replace("%2F", "/") for path in store.iterdir()}
    prefixes = ("bucket/demo/out/data/", *(f"bucket/demo/out.work/{part}" for part in KEPT))
    return {name: quoted for quoted, name in names.items() if name.startswith(prefixes)}


def test_data_and_ledger_are_the_bytes_that_local_paths_give(ran, local):
    assert_published_as(local)
    assert json.loads(download(f"{BUCKET}/out.work")["judged.json"]) == json.loads((local / "out.work" / "judged.json").read_text()) | {
        "digest": json.loads(download(f"{BUCKET}/out.work")["judged.json"])["digest"]
    }


def test_the_manifest_holds_the_hashes_of_what_is_there(ran):
    release = download(f"{BUCKET}/out")
    files = json.loads(release["manifest.json"])["files"]
    assert len(files) == len(release) - 1
    for name, described in files.items():
        assert hashlib.sha256(release[name]).hexdigest() == described["sha256"]


def test_nothing_temporary_stays_in_the_store_and_nothing_but_the_model_on_this_machine(ran, cache):
    assert not [path for path in ran.iterdir() if ".winnow" in path.name]
    assert {path.name.rpartition("-")[2] for path in (cache / "winnow").rglob("*") if path.is_file()} == {"toxic.bin"}


def test_a_second_run_does_nothing_again_and_lists_folders_instead_of_asking_for_files(ran, capsys):
    before = {name: (ran / quoted).stat().st_mtime_ns for name, quoted in kept(ran).items()}
    remote_filesystem.requests.clear()
    assert run_command(["run", f"{BUCKET}/job.yaml"]) == 0
    assert {name: (ran / quoted).stat().st_mtime_ns for name, quoted in kept(ran).items()} == before
    asked = [url for operation, url in remote_filesystem.requests if operation == "exists"]
    assert {url for url in asked if url.endswith((".parquet", ".arrow"))} == {f"{BUCKET}/out.work/illegal.parquet"}, (
        "one a run, none a shard"
    )
    listed = [url for operation, url in remote_filesystem.requests if operation == "list"]
    assert len(listed) < 40


def test_why_finds_a_row_and_its_cluster(ran, capsys):
    assert run_command(["why", f"{BUCKET}/out", UNMARKED_COPY]) == 0
    told = capsys.readouterr().out
    assert "opt_out" in told
    assert "cluster" in told
    assert run_command(["why", f"{BUCKET}/out", "nobody"]) == 7


def test_tune_judges_again_and_touches_no_byte_of_the_release(ran, local, capsys):
    assert run_command(["tune", f"{BUCKET}/out", "--set", "filters.toxicity.max=0.1"]) == 0
    assert "that were kept would go" in capsys.readouterr().out
    assert_published_as(local)


def test_the_documents_are_rendered_again_with_other_answers(ran):
    assert run_command(["datasheet", f"{BUCKET}/out", "--set", "datasheet.title=Pictures from afar"]) == 0
    release = download(f"{BUCKET}/out")
    assert b"Pictures from afar" in release["datasheet.md"]
    assert "manifest.json" in release


def test_check_and_preview_look_at_remote_shards(ran, capsys):
    assert run_command(["check", f"{BUCKET}/job.yaml", "--plan"]) == 0
    assert f"{BUCKET}/shards/00000.tar" in capsys.readouterr().out
    assert run_command(["preview", f"{BUCKET}/job.yaml"]) == 0
    assert "opt_out" in capsys.readouterr().out


def test_the_review_page_shows_pictures(ran):
    assert b"data:image/jpeg;base64," in download(f"{BUCKET}/out.work/review")["review.html"]


def test_the_log_is_put_there_when_a_run_ends(ran):
    logs = download(f"{BUCKET}/out.work/log")
    assert logs
    assert all(json.loads(line)["message"] for log in logs.values() for line in log.splitlines())


def test_another_driver_is_told_off_by_the_lease(ran, capsys):
    lease = f"{BUCKET}/out.work/lease.json"
    other = dataclasses.replace(Holder.this_process(""), host="elsewhere")
    write_bytes(lease, json.dumps(dataclasses.asdict(other)).encode())
    assert run_command(["run", f"{BUCKET}/job.yaml"]) == 5
    assert "elsewhere runs this job" in capsys.readouterr().err
    write_bytes(lease, json.dumps(dataclasses.asdict(other) | {"beat": 0.0}).encode())
    assert run_command(["run", f"{BUCKET}/job.yaml"]) == 0
    assert "lease.json" not in download(f"{BUCKET}/out.work")


@pytest.mark.parametrize("writes", [2, 5, 9, 14])
def test_a_store_that_is_lost_while_a_job_runs_ends_it_with_5_and_running_again_gives_the_same_bytes(
    empty, local, writes, monkeypatch, capsys
):
    finish = remote_filesystem.Put.finish

    def finish_or_lose(put):
        finish(put)
        if [operation for operation, _ in remote_filesystem.requests].count("create") == writes:
            remote_filesystem.lost.set()

    monkeypatch.setattr(remote_filesystem.Put, "finish", finish_or_lose)
    remote_filesystem.requests.clear()
    assert run_command(["run", f"{BUCKET}/job.yaml"]) == 5
    assert "connection reset" in capsys.readouterr().err
    monkeypatch.undo()
    remote_filesystem.lost.clear()
    remove(f"{BUCKET}/out.work/lease.json")  # this very process holds it still
    assert run_command(["run", f"{BUCKET}/job.yaml"]) == 0
    assert_published_as(local)


def test_worker_processes_know_the_filesystem_too(empty, local):
    assert run_command(["run", f"{BUCKET}/job.yaml", "--set", "workers=2"]) == 0
    assert_published_as(local)


def test_parquet_shards_are_read_where_they_lie(empty, tmp_path):
    write_parquet(tmp_path / "parquet" / "a.parquet", [sample(number) for number in range(8)], row_group_size=3)
    remote_filesystem.upload(tmp_path / "parquet", f"{BUCKET}/parquet")
    ran = run_job(tmp_path / "job", {"source": {"format": "parquet", "paths": [f"{BUCKET}/parquet/*"]}}, documents=True)
    assert [row["verdict"] for row in ran.ledger()] == ["kept"] * 8


@pytest.mark.parametrize("setting", ["output=gs://bucket/out", "source.paths=[s3://bucket/*.tar]", "work=azfs://account/box/work"])
def test_a_missing_extra_ends_a_run_at_once_and_names_the_cure(setting, local, monkeypatch, capsys):
    monkeypatch.setattr(remote, "_is_installed", lambda module: False)
    assert run_command(["run", str(local / "job.yaml"), "--set", setting]) == 5
    assert "pip install 'winnow-curation[" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["filters.opt_out.lists=[lists/nothing.csv]", "filters.toxicity.model=models/nothing.bin"])
def test_a_list_or_model_that_is_not_in_the_store_is_missing(ran, key, capsys):
    assert run_command(["check", f"{BUCKET}/job.yaml", "--set", key]) == 4
    assert f"{BUCKET}/{key.partition('=')[2].strip('[]')}" in capsys.readouterr().err


def test_a_job_file_that_is_not_there_is_told(ran, capsys):
    assert run_command(["check", f"{BUCKET}/nothing.yaml"]) == 2
    assert "the job file cannot be read" in capsys.readouterr().err
