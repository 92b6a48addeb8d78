"""Law 7, nothing in the data is executed or trusted: no pickle, no path, no program, no markup."""

import json
import pathlib
import pickle
import subprocess
import sys

import pytest

from tests.builders import jpeg, sample_members, tar_bytes, write_parquet
from tests.runs import ROOT, rows_of, tars, write_job

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 300 300\n%%EndComments\nshowpage\n"
MARKUP = "<script>alert(1)</script> a red kite over the sea"
# Runs a job under an audit hook; prints what was opened below a folder, and every program that was to be started.
WATCHED = """
import json, sys
sys.path.insert(0, sys.argv[1])
from pipeline.cli import run_command
opened, started = set(), []
def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(sys.argv[3]):
        opened.add(arguments[0])
    if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.startfile", "os.fork"):
        started.append([event, str(arguments[:1])])
sys.addaudithook(hook)
status = run_command(["run", sys.argv[2]])
print(json.dumps({"status": status, "opened": sorted(opened), "started": started}))
"""


class Touch:
    """Unpickled, it leaves a file behind."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path(self.path),)


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A run over everything that would like to be trusted: its folder, and what the audit hook saw."""
    folder = tmp_path_factory.mktemp("watched")
    shards, private, programs = folder / "shards", folder / "private", folder / "bin"
    for made in (shards, private, programs):
        made.mkdir()
    (private / "1.jpg").write_bytes(jpeg(seed=1))
    for name in ("gs", "gswin64c", "exiftool", "convert", "python", "sh"):
        program = programs / name
        program.write_text(f"#!/bin/sh\n: > {folder}/started\n")
        program.chmod(0o755)
    evil = pickle.dumps(Touch(f"{folder}/unpickled"))
    members = [
        *sample_members("eps", EPS, "a program under the name of a picture"),
        ("../escaped.jpg", jpeg(seed=2)), ("../escaped.txt", b"a name that climbs out of its folder"),
        (f"{folder}/absolute.jpg", jpeg(seed=3)), (f"{folder}/absolute.txt", b"a name that begins at the root"),
        *sample_members("evil", jpeg(seed=4), "a pickle beside a picture", {"pyd": evil.decode("latin-1")}),
        ("evil.pyd", evil), ("evil.pickle", evil), ("evil.pth", evil), ("evil.npy", evil),
        *sample_members("markup", jpeg(seed=5), MARKUP, {"url": "https://a.example/<script>alert(2)</script>.jpg"}),
    ]  # fmt: skip
    (shards / "a.tar").write_bytes(tar_bytes(members))
    image = {"bytes": None, "path": f"{private}/1.jpg"}
    rows = [
        {"image": image, "text": "a path and no bytes", "blob": evil},
        {"image": {**image, "bytes": jpeg(seed=6)}, "text": "a path and bytes", "blob": evil},
    ]
    write_parquet(shards / "b.parquet", rows)
    sources = [tars()["source"] | {"name": "tars", "max_unreadable": 1.0}]
    sources.append({"name": "rows", "format": "parquet", "paths": ["shards/*.parquet"], "max_unreadable": 1.0})
    job = write_job(folder, {"source": sources})
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(ROOT), str(job), str(folder)],
        capture_output=True, text=True, env={"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(folder / "home")}, check=True,
    )  # fmt: skip
    return folder, json.loads(done.stdout)


def test_the_run_ends_well_and_every_row_is_accounted_for(watched):
    folder, seen = watched
    assert seen["status"] == 0
    verdicts = {row["key"]: row["verdict"] for row in rows_of(folder / "out.work" / "ledger") if row["source"] == "tars"}
    assert verdicts.pop("eps") == "unreadable"
    assert set(verdicts.values()) == {"kept"}
    assert len(verdicts) == 4


def test_no_program_is_started_by_a_picture(watched):
    """D18"""
    folder, seen = watched
    assert not (folder / "started").exists()
    assert {program for _, program in seen["started"]} <= {"('fc-list',)"}  # by which matplotlib finds fonts for the charts


def test_no_pickle_is_read(watched):
    folder, _ = watched
    assert not (folder / "unpickled").exists()


def test_no_path_from_an_archive_is_written(watched):
    folder, _ = watched
    assert {path.name for path in folder.iterdir()} <= {"shards", "private", "bin", "home", "job.yaml", "out", "out.work"}
    assert not (folder.parent / "escaped.jpg").exists()
    assert not list(folder.rglob("escaped.*"))


def test_a_path_in_an_image_column_is_never_opened_or_published(watched):
    """D24"""
    folder, seen = watched
    assert not [path for path in seen["opened"] if "/private/" in path]
    first, second = (row for row in rows_of(folder / "out.work" / "ledger") if row["source"] == "rows")
    assert (first["verdict"], first["evidence"][0]["detail"]) == ("unreadable", "no bytes")
    assert second["verdict"] == "kept"
    [published] = [row for row in rows_of(folder / "out" / "data") if row["uid"] == second["uid"]]
    assert published["image"]["path"] == f"{second['uid']}.jpg"
    assert not [path for path in (folder / "out").rglob("*") if path.is_file() and b"/private/" in path.read_bytes()]


def test_no_markup_from_a_caption_or_url_stands_in_a_page(watched):
    folder, _ = watched
    pages = [path for base in ("out", "out.work") for path in (folder / base).rglob("*.html")]
    assert pages
    for page in pages:
        assert "<script>alert" not in page.read_text()
    assert "<script>alert" not in (folder / "out" / "README.md").read_text()
