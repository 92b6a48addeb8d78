"""A10: rows of earlier runs, as a run that is held against them sees them."""

import hashlib
import pathlib
import shutil

import pytest

from pipeline.run import open_run
from schemas.errors import InputError, JobError
from tests.builders import encode, picture, sample, write_webdataset
from tests.runs import Ran, run_samples, tars, write_job

REJECTED = {"columns": {"rules": [{"column": "score", "min": 0.5}]}}


def row(number: int, seed: int, quality: int = 85, width: int = 64, **changed):
    """A row with a URL and caption of its own, and a picture that all rows of the seed show; the widest stays."""
    jpg = encode(picture(width, width * 3 // 4, seed=seed), "JPEG", quality=quality)
    return sample(
        number, jpg=jpg, url=f"https://site{number}.example/{number}.jpg", caption=f"{number} " * 5 + "boats", score=1.0, **changed
    )


KEPT, DROPPED, REFUSED, REFUSED_TWICE, TAKEN, TAKEN_COPY, OPTED, ALONE = (
    row(0, 100, width=128), row(1, 100), row(2, 200), row(3, 200, 80), row(4, 300), row(5, 300, 80), row(6, 400), row(7, 500),
)  # fmt: skip
REFUSED["score"] = REFUSED_TWICE["score"] = 0.0
LIST = "kind,value,reason\n" + "".join(
    f"sha256,{hashlib.sha256(listed['jpg']).hexdigest()},{reason}\n" for listed, reason in ((TAKEN, "taken_down"), (OPTED, "opt_out"))
)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory) -> Ran:
    """A finished run that kept, dropped as a duplicate, rejected, took down, opted out."""
    folder = tmp_path_factory.mktemp("earlier")
    (folder / "list.csv").write_text(LIST)
    job = {"filters": {**REJECTED, "opt_out": {"lists": ["list.csv"]}}}
    rows = [KEPT, DROPPED, REFUSED, REFUSED_TWICE, TAKEN, TAKEN_COPY, OPTED, ALONE]
    return run_samples(folder, rows, job, per_shard=3, documents=True)


def against(earlier: Ran, folder: pathlib.Path, rows, **options) -> Ran:
    job = {"dedup": {"against": [str(earlier.out)]}, "filters": REJECTED} | options.pop("job", {})
    return run_samples(folder, rows, job, **options)


def prepared(earlier: Ran, folder: pathlib.Path) -> str:
    """The path of a job on one row that is held against the earlier run; nothing is run."""
    write_webdataset(folder / "shards", [row(20, 100)])
    return str(write_job(folder, tars({"dedup": {"against": [str(earlier.out)]}})))


def test_what_a_copy_of_an_earlier_row_becomes_follows_from_what_became_of_that_row(earlier, tmp_path):
    """A10: of a kept and of a dropped row a duplicate, of a rejected one a row like any other, of a withdrawn one withdrawn too."""
    new = [row(20, 100, 90), row(21, 200, 90), row(22, 300, 90), row(23, 400, 90), row(24, 600), ALONE, row(25, 100, 70)]
    ran = against(earlier, tmp_path, new, per_shard=4)
    found, then = ran.by_key(), earlier.by_key()
    kept = then[KEPT["key"]]
    assert then[DROPPED["key"]]["duplicate_of"] == kept["uid"]
    for number in (20, 25):
        copy = found[f"{number:09d}"]
        assert (copy["reasons"], copy["duplicate_of"]) == (["duplicate_image"], kept["uid"])
        [entry] = copy["evidence"]
        assert entry["detail"].startswith(f"earlier run: {earlier.out.name} (manifest ")
        assert 0.7 <= entry["score"] < 1
        assert copy["cluster"] == min(row["uid"] for row in (kept, then[DROPPED["key"]], found["000000020"], found["000000025"]))
        assert copy["copies"] == 2
    assert found["000000021"]["verdict"] == "kept"
    assert found["000000021"]["cluster"] is None
    assert found["000000022"]["reasons"] == ["taken_down"]
    assert found["000000023"]["reasons"] == ["opt_out"]
    assert found["000000023"]["consent"] == "reserved"
    assert found["000000023"]["covers"] == ["opt_out"]
    assert found["000000022"]["evidence"][0]["detail"].partition("; earlier run: ")[0] in (
        f"a copy of {then[withdrawn['key']]['uid']}" for withdrawn in (TAKEN, TAKEN_COPY)
    )
    assert found["000000024"]["verdict"] == "kept"
    same = found[ALONE["key"]]
    assert (same["reasons"], same["duplicate_of"]) == (["duplicate_image"], then[ALONE["key"]]["uid"])
    assert same["evidence"][0]["score"] == 1.0
    assert len(ran.ledger()) == len(new)


def test_a_row_near_one_that_was_dropped_there_goes_for_the_row_that_stayed(earlier, tmp_path, monkeypatch):
    """A10: s' near s, which A dropped as a copy of p, is a duplicate of p."""
    found = against(earlier, tmp_path, [DROPPED | {"url": "https://elsewhere.example/1.jpg"}]).by_key()[DROPPED["key"]]
    assert found["duplicate_of"] == earlier.by_key()[KEPT["key"]]["uid"]
    assert found["evidence"][0]["score"] == 1.0, "it is the very picture of the row that was dropped"


def test_nothing_of_an_earlier_run_is_decoded_or_written_again(earlier, tmp_path, monkeypatch):
    import transforms.annotate

    opened = []
    open_picture = transforms.annotate.open_picture
    monkeypatch.setattr(transforms.annotate, "open_picture", lambda raw, *rest: (opened.append(raw), open_picture(raw, *rest))[1])
    before = {path: path.stat().st_mtime_ns for folder in (earlier.out, earlier.work) for path in folder.rglob("*")}
    against(earlier, tmp_path, [row(20, 100, 90)])
    assert len(opened) == 1
    assert {path: path.stat().st_mtime_ns for folder in (earlier.out, earlier.work) for path in folder.rglob("*")} == before


def test_another_manifest_of_an_earlier_run_means_another_match(earlier, tmp_path):
    job = prepared(earlier, tmp_path)
    digest = open_run(job, ()).match_digest
    assert open_run(job, ()).match_digest == digest
    shutil.copytree(earlier.out, tmp_path / "again")
    settings = [f"dedup.against=[{{run: {tmp_path / 'again'}, work: {earlier.work}}}]"]
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
def test_signatures_made_with_other_keys_are_refused_with_the_key(earlier, tmp_path, setting, told):
    """A10: incompatible annotations are never compared."""
    job = prepared(earlier, tmp_path)
    reach = earlier.run.job.dedup.images.reach
    if setting.endswith(f"={reach}"):
        setting, told = "dedup.images.reach=views", r"dedup.images.reach: plain, and this job says views"
    with pytest.raises(JobError, match=told):
        open_run(job, [setting])


def test_signatures_of_another_version_are_refused_with_the_version(earlier, tmp_path, monkeypatch):
    job = prepared(earlier, tmp_path)
    monkeypatch.setattr("pipeline.elders.versions", lambda: {"signatures": "0" * 16, "unicode": "1", "pillow": "1", "simplejpeg": "1"})
    with pytest.raises(JobError, match=r"out was made with signatures [0-9a-f]{16}, and this is signatures 0{16}: .* Make that run again"):
        open_run(job, ())


def test_a_run_that_has_not_ended_is_refused(earlier, tmp_path):
    job = prepared(earlier, tmp_path)
    with pytest.raises(InputError, match=r"dedup.against.0: .*/half holds no finished run: .*manifest.json is not there"):
        open_run(job, ["dedup.against=half"])
    with pytest.raises(JobError, match=r"is the output of this very job; `winnow append`"):
        open_run(job, ["dedup.against=out"])
    with pytest.raises(JobError, match=r"one run is named twice"):
        open_run(job, [f"dedup.against=[{earlier.out}, {earlier.out}/]"])


def test_a_work_folder_that_lies_elsewhere_can_be_named(earlier, tmp_path):
    job = prepared(earlier, tmp_path)
    (tmp_path / "moved").symlink_to(earlier.out)
    with pytest.raises(InputError, match=r"its work folder .*/moved.work holds no run.json; name the folder, as in \{run: "):
        open_run(job, ["dedup.against=moved"])
    [elder] = open_run(job, [f"dedup.against={{run: moved, work: {earlier.work}}}"]).elders
    assert elder.sha256 == hashlib.sha256((earlier.out / "manifest.json").read_bytes()).hexdigest()


def test_captions_that_an_earlier_run_kept_count_for_max_per_caption(earlier, tmp_path):
    caption = ALONE["caption"]
    job = {"dedup": {"against": [str(earlier.out)], "max_per_caption": 2}}
    ran = run_samples(tmp_path, [row(30, 800) | {"caption": caption}, row(31, 900) | {"caption": caption}], job)
    kept, gone = sorted(ran.ledger(), key=lambda row: row["verdict"])
    assert (kept["verdict"], gone["reasons"]) == ("kept", ["duplicate_caption"])
    assert gone["duplicate_of"] == earlier.by_key()[ALONE["key"]]["uid"]
    assert gone["evidence"][0]["detail"].startswith("beyond max_per_caption; earlier run: out")


def test_a_protected_row_stays_though_an_earlier_run_has_it(earlier, tmp_path):
    ran = against(
        earlier, tmp_path, [row(20, 100, 90)], job={"source": {"format": "webdataset", "paths": ["shards/*.tar"], "protected": True}}
    )
    [found] = ran.ledger()
    assert (found["verdict"], found["flags"], found["duplicate_of"]) == ("kept", ["duplicate_image"], earlier.by_key()[KEPT["key"]]["uid"])
