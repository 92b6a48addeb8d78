"""`dedup.eval_overlap`: what a benchmark holds goes, however it was found, and the documents say so."""

import hashlib
import json
import re

import pytest
from PIL import ImageOps

from pipeline.cli import run_command
from pipeline.run import reopen_run
from tests.builders import sample, write_parquet, write_webdataset
from tests.images.drawing import encoded, photo
from tests.runs import run_job, run_samples, run_status, stamps, tars

TEXT = "a red kite flies high above the old wooden bridge"
PHOTOS = [photo(seed=seed) for seed in range(9)]


def write_sets(folder):
    """Benchmark sets: a folder of pictures, in a folder of its own as ImageNet has them, and something else, a shard, captions, sums."""
    (folder / "pictures" / "n01").mkdir(parents=True)
    (folder / "pictures" / "n01" / "mirrored.jpg").write_bytes(encoded(ImageOps.mirror(PHOTOS[1]), "JPEG", quality=60))
    (folder / "pictures" / "readme.txt").write_text("no picture")
    shard = [sample(0, jpg=encoded(PHOTOS[2], "JPEG", quality=60), caption="two words")]
    shard += [sample(1, jpg=encoded(photo(seed=50), "JPEG"), caption="an old man sells fresh oranges at the market")]
    write_webdataset(folder / "tars", shard)
    (folder / "captions.txt").write_text(f"{TEXT}\na dog\n")
    (folder / "sums.txt").write_text("")


def sets(**changed):
    """The sets as a job names them."""
    known = {
        "pictures": {"images": "bench/pictures"},
        "tars": {"shards": "bench/tars/*.tar", "format": "webdataset"},
        "texts": {"captions": ["bench/captions.txt"]},
        "sums": {"hashes": "bench/sums.txt"},
    }
    return [{"name": name, **found} for name, found in (known | changed).items()]


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """The run, to be looked at."""
    return overlapping_run(tmp_path_factory.mktemp("held"))


def overlapping_run(folder):
    """A run whose rows overlap with benchmark sets in every way, under the policy that asks the most of a duplicate."""
    write_sets(folder / "bench")
    keys = ["apart", "mirrored", "in a shard", "copy of that", "same text", "short text", "listed", "its caption", "copy of listed"]
    samples = [sample(n, jpg=encoded(PHOTOS[n], "JPEG", quality=90), key=key) for n, key in enumerate(keys)]
    samples[8]["jpg"], samples[8]["caption"] = encoded(PHOTOS[6], "JPEG", quality=70), samples[6]["caption"]
    samples[3]["jpg"] = encoded(PHOTOS[2], "JPEG", quality=75)
    samples[4]["caption"], samples[5]["caption"] = TEXT.upper() + "!", "a dog"
    samples[7]["caption"] = "An old man sells fresh oranges at a market"
    (folder / "bench" / "sums.txt").write_text(f"{hashlib.md5(samples[6]['jpg']).hexdigest()}  images/6.jpg\n")
    job = {"dedup": {"policy": "image_and_caption", "eval_overlap": sets()}, "filters": {"caption_quality": {"enabled": False}}}
    return run_samples(folder, samples, job, documents=True), job


def details(row):
    return [entry["detail"] for entry in row["evidence"] if entry["reason"] == "eval_overlap"]


def test_pictures_captions_and_hashes_of_a_benchmark_go_and_evidence_names_set_and_item(held):
    ran, _ = held
    rows = ran.by_key()
    assert {key: details(row) for key, row in rows.items() if row["reasons"]} == {
        "mirrored": ["pictures: near picture (n01/mirrored.jpg)"],
        "in a shard": ["tars: near picture (00000.tar, row 1)"],
        "copy of that": ["tars: near picture (00000.tar, row 1)"],
        "same text": ["texts: near caption (captions.txt, caption 1)"],
        "listed": ["sums: exact hash (md5)"],
        "copy of listed": ["a copy in its cluster is a picture of a benchmark"],
        "its caption": ["tars: near caption (00000.tar, row 2)"],
    }
    assert all(row["reasons"] == ["eval_overlap"] for row in rows.values() if row["reasons"])
    assert {key for key, row in rows.items() if row["verdict"] == "kept"} == {"apart", "short text"}
    [entry] = [entry for entry in rows["mirrored"]["evidence"] if entry["reason"] == "eval_overlap"]
    assert entry["threshold"] == 0.7 <= entry["score"] < 1


def test_the_datasheet_tells_what_each_set_holds_and_how_many_rows_were_found_in_it(held):
    ran, _ = held
    told = {line["set"]: line for line in json.loads((ran.out / "datasheet.json").read_text())["benchmarks"]["value"]}
    numbers = {name: (line["pictures"], line["captions"], line["hashes"], line["found"]) for name, line in told.items()}
    assert numbers == {"pictures": (2, 0, 0, 1), "tars": (2, 1, 0, 3), "texts": (0, 1, 0, 1), "sums": (0, 0, 1, 1)}
    assert (told["pictures"]["unreadable"], told["tars"]["short"], told["texts"]["short"]) == (1, 1, 1)
    assert (told["tars"]["picture_near"], told["tars"]["caption_near"], told["sums"]["hash_exact"]) == (2, 1, 1)
    assert "| tars | 2 |" in (ran.out / "datasheet.md").read_text()
    assert "overlap with evaluation data is unknown" not in (ran.out / "datasheet.md").read_text()


def test_a_finished_run_can_be_looked_into_without_listing_its_sets_again(held):
    ran, _ = held
    again = reopen_run(str(ran.out), None)
    assert (again.benchmarks, again.match_digest, again.judge_digest) == (
        ran.run.benchmarks, ran.run.match_digest, ran.run.judge_digest
    )  # fmt: skip


def test_why_explains_an_overlap(held, capsys):
    ran, _ = held
    assert run_command(["why", str(ran.out), "mirrored"]) == 0
    assert "pictures: near picture (n01/mirrored.jpg)" in capsys.readouterr().out


def test_another_list_reads_no_picture_again_and_another_set_matches_again(tmp_path):
    ran, job = overlapping_run(tmp_path)
    folders = [ran.work / name for name in ("annotations", "signatures", "eval_sets", "clusters")]
    before = [stamps(folder) for folder in folders]
    digest = ran.annotations()[0]["sha256"].hex()
    (ran.out.parent / "bench" / "sums.txt").write_text(f"{digest}\n")
    again = run_job(ran.out.parent, tars(job), replace=True)
    assert again.by_key()["apart"]["reasons"] == ["eval_overlap"]
    assert again.by_key()["listed"]["verdict"] == "kept"
    assert [stamps(folder) for folder in folders] == before
    fewer = {**job["dedup"], "eval_overlap": [entry for entry in sets() if entry["name"] != "pictures"]}
    again = run_job(ran.out.parent, tars({**job, "dedup": fewer}), replace=True)
    assert again.by_key()["mirrored"]["verdict"] == "kept"
    assert [stamps(folder) for folder in folders[:2]] == before[:2]
    kept = stamps(ran.work / "eval_sets")
    assert kept.items() < before[2].items(), "what no set of the job owns is swept, what one owns is not signed again"


def test_check_and_preview_tell_of_the_sets(held, capsys):
    ran, _ = held
    job = str(ran.out.parent / "job.yaml")
    (ran.out.parent / "bench" / "another.txt").write_text(f"{ran.annotations()[0]['sha256'].hex()}\n")
    settings = ["--set", "dedup.eval_overlap=" + json.dumps(sets(sums={"hashes": "bench/another.txt"}))]
    assert run_command(["check", job, *settings]) == 0
    told = capsys.readouterr().out
    assert re.search(r"pictures +│ +2 +│ +0 +│ +0 +│ +0", told)
    assert re.search(r"tars +│ +0 +│ +0 +│ +1 +│ +0", told)
    assert re.search(r"sums +│ +0 +│ +0 +│ +0 +│ +1", told)
    assert run_command(["preview", job, *settings]) == 0
    assert re.search(r"reason +│ +eval_overlap +│ +1 ", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("wanted", "status", "says"),
    [
        ({"name": "a", "images": "gone/*.jpg"}, 4, "set a: nothing matches"),
        ({"name": "a", "captions": "gone.txt"}, 4, "set a: nothing matches"),
        ({"name": "a", "shards": "gone/*.tar", "format": "webdataset"}, 4, "set a: source 'a': nothing matches"),
        ({"name": "a", "hashes": "gone.txt"}, 4, "dedup.eval_overlap: there is no file"),
        ({"name": "a", "hashes": "bench/captions.txt"}, 2, "captions.txt, line 1: is no MD5"),
        ({"name": "a"}, 2, "dedup.eval_overlap.0: a set needs images, shards, captions or hashes"),
        ({"name": "a", "shards": "bench/tars/*.tar"}, 2, "dedup.eval_overlap.0: shards need their format"),
        ({"name": "a", "image": "bench"}, 2, "dedup.eval_overlap.0.image: unknown key; did you mean 'images'"),
        ("flickr8k", 2, "dedup.eval_overlap.0"),
    ],
)
def test_what_is_missing_or_wrong_is_named_before_anything_is_read(wanted, status, says, tmp_path, capsys):
    write_webdataset(tmp_path / "shards", [sample(0)])
    write_sets(tmp_path / "bench")
    assert run_status(tmp_path, tars({"dedup": {"eval_overlap": [wanted]}})) == status
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out.work").exists()


def test_a_set_that_cannot_be_signed_ends_the_run_before_a_shard_is_read(tmp_path, capsys):
    write_webdataset(tmp_path / "shards", [sample(0)])
    write_sets(tmp_path / "bench")
    for wanted, says in (
        ({"captions": "bench/captions.txt", "column": "text"}, "captions.txt: there is no column 'text'"),
        ({"images": "bench/*.txt"}, "set a: none of its 2 files can be opened as a picture"),
    ):
        assert run_status(tmp_path, tars({"dedup": {"eval_overlap": [{"name": "a", **wanted}]}})) == 2
        assert says in capsys.readouterr().err
    assert not list((tmp_path / "out.work").glob("annotations/*"))


def test_two_sets_need_two_names(tmp_path, capsys):
    write_parquet(tmp_path / "shards" / "0.parquet", [sample(0)])
    write_sets(tmp_path / "bench")
    job = tars({"dedup": {"eval_overlap": [{"name": "a", "images": "bench/pictures"}, {"name": "a", "captions": "bench/captions.txt"}]}})
    assert run_status(tmp_path, job) == 2
    assert "each set needs a name of its own; 'a' stands twice" in capsys.readouterr().err
