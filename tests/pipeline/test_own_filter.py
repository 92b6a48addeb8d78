"""A filter of another package: found by its entry point, measured, judged, tuned, and part of what a run depends on."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from tests.builders import sample, write_webdataset
from tests.pipeline.readme import blocks
from tests.runs import ROOT, rows_of, tars, write_job

LOUD = "WHY DOES NOBODY LISTEN TO THE KITE"


def install(site: pathlib.Path, module: str, entry_points: str) -> None:
    """What an installer leaves behind: a module and its metadata."""
    site.mkdir(exist_ok=True)
    (site / "shouting.py").write_text(module)
    metadata = site / "winnow_shouting-1.0.dist-info"
    metadata.mkdir(exist_ok=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: winnow-shouting\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(entry_points)


def winnow(site: pathlib.Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    command = [sys.executable, "-m", "pipeline.cli", *arguments]
    return subprocess.run(command, cwd=site, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def site(tmp_path) -> pathlib.Path:
    """A folder of installed packages with the README's filter in it."""
    [module], [project] = blocks("python"), blocks("toml")
    entry_points = project.replace('[project.entry-points."winnow.filters"]', "[winnow.filters]").replace('"', "")
    install(tmp_path / "site", module, entry_points)
    return tmp_path / "site"


def test_the_readmes_filter_is_twenty_lines_and_works_from_another_package(site, tmp_path):
    assert len([line for line in blocks("python")[0].splitlines() if line.strip()]) <= 20
    write_webdataset(tmp_path / "shards", [sample(0), sample(1, caption=LOUD, key="loud")])
    job = write_job(tmp_path, tars({"filters": {"shouting": {"max": 0.5}}}))

    listed = winnow(site, "filters")
    assert "share of capitals above which a caption is rejected" in listed.stdout

    done = winnow(site, "run", str(job))
    assert done.returncode == 0, done.stderr
    row = next(row for row in rows_of(tmp_path / "out.work" / "ledger") if row["key"] == "loud")
    assert row["reasons"] == ["shouting"]
    assert [(entry["score"], entry["threshold"]) for entry in row["evidence"]] == [(1.0, 0.5)]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert "winnow-shouting 1.0" in json.dumps(manifest)

    tuned = winnow(site, "tune", str(tmp_path / "out"), "--set", "filters.shouting.enabled=false")
    assert "1 would come back" in tuned.stdout

    module = site / "shouting.py"
    module.write_text(module.read_text().replace("str.isupper", "str.islower"))
    stale = winnow(site, "tune", str(tmp_path / "out"), "--set", "filters.shouting.enabled=false")
    assert stale.returncode == 7  # another filter: what the old one measured does not count
    assert "not a finished run of this version" in stale.stderr


@pytest.mark.parametrize(
    ("entry_points", "says"),
    [
        ("[winnow.filters]\nshouting = shouting:Whispering\n", "cannot be loaded"),
        ("[winnow.filters]\nshouting = not_there:Shouting\n", "mend its package or uninstall it"),
        ("[winnow.filters]\nshouting = shouting:share_of_capitals\n", "is not a filter"),
    ],
)
def test_an_entry_point_that_gives_no_filter_is_named(entry_points, says, site):
    (site / "winnow_shouting-1.0.dist-info" / "entry_points.txt").write_text(entry_points)
    done = winnow(site, "filters")
    assert done.returncode == 2
    assert "shouting" in done.stderr
    assert says in done.stderr
