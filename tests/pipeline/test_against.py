"""A10: rows of earlier runs, as a run that is held against them sees them."""

import hashlib
import json
import pathlib
import shutil

import pytest

import transforms.annotate
from pipeline.elder_places import place_elders
from pipeline.run import open_run
from schemas.errors import InputError, JobError
from tests.builders import write_webdataset
from tests.pipeline.releases import ALONE, DROPPED, KEPT, TAKEN, TAKEN_COPY, copied, row
from tests.runs import run_job, tars, write_job


@pytest.fixture(scope="module")
def held(finished_release, tmp_path_factory):
    """A run against the release: copies of rows of every fate, rows of a protected source among them; and what it decoded."""
    folder, opened = tmp_path_factory.mktemp("held"), []
    write_webdataset(folder / "new", [
        row(20, 100), row(21, 200), row(22, 300), row(23, 400), row(24, 700), ALONE, row(26, 100),
        DROPPED | {"url": "https://elsewhere.example/1.jpg", "key": "dropped"},
        row(30, 800, caption=ALONE["caption"]), row(31, 900, caption=ALONE["caption"]),
    ], 4)  # fmt: skip
    write_webdataset(folder / "own", [row(40, 500)])
    source = (
        {"format": "webdataset", "paths": ["new/*.tar"], "name": "new"},
        {"format": "webdataset", "paths": ["own/*.tar"], "name": "own"},
    )
    job = {"source": [source[0], {**source[1], "protected": True}], "dedup": {"against": [str(finished_release.out)], "max_per_caption": 2}}
    decode = transforms.annotate.open_picture
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transforms.annotate, "open_picture", lambda raw, *rest: (opened.append(raw), decode(raw, *rest))[1])
        before = {path: path.stat().st_mtime_ns for path in finished_release.out.parent.rglob("*")}
        ran = run_job(folder, job, documents=True)
        assert {path: path.stat().st_mtime_ns for path in finished_release.out.parent.rglob("*")} == before
    return ran, opened


def test_what_a_copy_of_an_earlier_row_becomes_follows_from_what_became_of_that_row(finished_release, held):
    """A10: of a kept and of a dropped row a duplicate, of a rejected one a row like any other, of a withdrawn one withdrawn too."""
    found, then = held[0].by_key(), finished_release.by_key()
    kept, dropped = then[KEPT["key"]], then[DROPPED["key"]]
    assert dropped["duplicate_of"] == kept["uid"]
    copies = [found[key] for key in ("000000020", "000000026", "dropped")]
    for copy in copies:
        assert (copy["reasons"], copy["duplicate_of"], copy["copies"]) == (["duplicate_image"], kept["uid"], 3)
        assert copy["cluster"] == min(row["uid"] for row in (kept, dropped, *copies))
        [entry] = copy["evidence"]
        assert entry["detail"].startswith("earlier run: out (manifest ")
        assert 0.7 <= entry["score"] <= 1
    assert copies[2]["evidence"][0]["score"] == 0.9999, "it is the very picture of the row that was dropped, and not that of who stays"
    assert (found["000000021"]["verdict"], found["000000021"]["cluster"]) == ("kept", None)
    assert (found["000000022"]["reasons"], found["000000022"]["covers"]) == (["taken_down"], ["taken_down"])
    assert found["000000022"]["evidence"][0]["detail"].partition("; earlier run: ")[0] in (
        f"a copy of {then[withdrawn['key']]['uid']}" for withdrawn in (TAKEN, TAKEN_COPY)
    )
    assert (found["000000023"]["reasons"], found["000000023"]["consent"]) == (["opt_out"], "reserved")
    assert found["000000024"]["verdict"] == "kept"
    same = found[ALONE["key"]]
    assert (same["reasons"], same["duplicate_of"]) == (["duplicate_image"], then[ALONE["key"]]["uid"])
    assert same["evidence"][0]["score"] == 1.0


def test_rows_of_the_run_alone_are_counted_and_of_no_other_a_picture_is_decoded(held):
    ran, opened = held
    assert len(ran.ledger()) == len(opened) == 11


def test_captions_that_an_earlier_run_kept_count_for_max_per_caption(finished_release, held):
    found = held[0].by_key()
    kept, gone = sorted((found["000000030"], found["000000031"]), key=lambda row: row["verdict"])
    assert (kept["verdict"], gone["reasons"]) == ("kept", ["duplicate_caption"])
    assert gone["duplicate_of"] == finished_release.by_key()[ALONE["key"]]["uid"]
    assert gone["evidence"][0]["detail"].startswith("beyond max_per_caption; earlier run: out")


def test_a_protected_row_stays_though_an_earlier_run_has_it(finished_release, held):
    own = held[0].by_key()["000000040"]
    assert (own["verdict"], own["flags"]) == ("kept", ["duplicate_image"])
    assert own["duplicate_of"] == finished_release.by_key()[ALONE["key"]]["uid"]
    assert own["evidence"][0]["detail"].startswith("source own is protected; earlier run: out")


def test_manifest_and_datasheet_name_the_earlier_run(finished_release, held):
    sha256 = hashlib.sha256((finished_release.out / "manifest.json").read_bytes()).hexdigest()
    name = f"out (manifest {sha256[:12]})"
    assert json.loads((held[0].out / "manifest.json").read_bytes())["against"] == [{"run": name, "manifest": sha256}]
    told = {line["reason"]: line["rows"] for line in json.loads((held[0].out / "datasheet.json").read_bytes())["against"]["value"]}
    assert told == {"opt_out": 1, "taken_down": 1, "duplicate_image": 5, "duplicate_caption": 1}


def prepared(earlier: pathlib.Path, folder: pathlib.Path) -> str:
    """The path of a job on one row that is held against a release; nothing is run."""
    write_webdataset(folder / "shards", [row(20, 100)])
    return str(write_job(folder, tars({"dedup": {"against": [str(earlier)]}})))


def test_another_manifest_of_an_earlier_run_means_another_match(finished_release, tmp_path):
    job = prepared(finished_release.out, tmp_path)
    digest = open_run(job, ()).match_digest
    assert open_run(job, ()).match_digest == digest
    shutil.copytree(finished_release.out, tmp_path / "again")
    settings = [f"dedup.against=[{{run: {tmp_path / 'again'}, work: {finished_release.work}}}]"]
    assert open_run(job, settings).match_digest == digest, "where it lies does not show"
    with (tmp_path / "again" / "manifest.json").open("a") as manifest:
        manifest.write("\n")
    assert open_run(job, settings).match_digest != digest


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("dedup.images.mode=exact", r"dedup.against.0: .*out was made with dedup.images.mode: fast, and this job says exact"),
        ("dedup.images.reach=plain", r"dedup.images.reach: views, and this job says plain"),
        ("source.decode.max_pixels=1000", r"source.decode.max_pixels: 100000000, and this job says 1000"),
    ],
)
def test_signatures_made_with_other_keys_are_refused_with_the_key(finished_release, tmp_path, setting, told):
    """A10: incompatible annotations are never compared."""
    job = prepared(finished_release.out, tmp_path)
    if setting.endswith(f"={finished_release.run.job.dedup.images.reach}"):
        setting, told = "dedup.images.reach=views", r"dedup.images.reach: plain, and this job says views"
    with pytest.raises(JobError, match=told):
        open_run(job, [setting])


def test_signatures_of_another_version_are_refused_with_the_version(finished_release, tmp_path, monkeypatch):
    job = prepared(finished_release.out, tmp_path)
    monkeypatch.setattr("pipeline.elders.signature_versions", lambda: {"signatures": "0" * 16})
    with pytest.raises(JobError, match=r"out was made with signatures [0-9a-f]{16}, and this is signatures 0{16}: .* Make that run again"):
        open_run(job, ())


def test_a_run_that_has_not_ended_is_refused(finished_release, tmp_path):
    job = prepared(finished_release.out, tmp_path)
    with pytest.raises(InputError, match=r"dedup.against.0: .*/half holds no finished run: .*manifest.json is not there"):
        open_run(job, ["dedup.against=half"])
    with pytest.raises(JobError, match=r"is the output of this very job; `winnow append`"):
        open_run(job, ["dedup.against=out"])
    with pytest.raises(JobError, match=r"one run is named twice"):
        open_run(job, [f"dedup.against=[{finished_release.out}, {finished_release.out}/]"])


def test_a_ledger_that_is_another_than_the_earlier_run_has_written_is_refused(finished_release, tmp_path):
    """Its rows would be taken for those of the shard: what that run took down would come in."""
    job = prepared(finished_release.out, tmp_path)
    release = copied(finished_release.out.parent, tmp_path / "mixed")
    first, second, *_ = sorted((release / "out.work" / "ledger").iterdir())
    first.write_bytes(second.read_bytes())
    with pytest.raises(InputError, match=r"ledger/00000.parquet: is not the ledger that its run has written; put that one back"):
        place_elders(open_run(job, [f"dedup.against={release}/out"]))


def test_a_work_folder_that_lies_elsewhere_can_be_named(finished_release, tmp_path):
    job = prepared(finished_release.out, tmp_path)
    (tmp_path / "moved").symlink_to(finished_release.out)
    with pytest.raises(InputError, match=r"its work folder .*/moved.work holds no run.json; name the folder, as in \{run: "):
        open_run(job, ["dedup.against=moved"])
    [elder] = open_run(job, [f"dedup.against={{run: moved, work: {finished_release.work}}}"]).elders
    assert elder.sha256 == hashlib.sha256((finished_release.out / "manifest.json").read_bytes()).hexdigest()
