"""A10 for rows that mean the same: rows of earlier runs, and of the release that is appended to, as later rows see them."""

import json

import numpy as np
import pytest

from pipeline.append import append
from pipeline.cli import run_command
from pipeline.judged import read_judged
from pipeline.run import open_run
from schemas.errors import JobError
from schemas.versions import signature_versions, versions
from tests.builders import sample, write_parquet
from tests.pipeline.releases import copied
from tests.runs import Ran, contents, laid, run_job, write_job
from transforms.annotate import row_uid
from transforms.ledger import ledger_digest

NEAR = 0.1  # radians: a cosine of .995; twice as far it is .98, and no longer the same
SHUT = "https://site.example/shared.jpg"


def row(number, topic, angle=0.0, **changed):
    """A row without a picture whose embedding lies in a plane of its topic."""
    vector = np.zeros(16)
    vector[2 * topic : 2 * topic + 2] = np.cos(angle), np.sin(angle)
    caption = f"{'abcdefghijklmnopqrstuvwxyz'[number]}{number}{number * 7919} picture of something else"
    made = sample(number, **{"image_embedding": vector.tolist(), "caption": caption, "score": 1.0, "key": f"k{number}", **changed})
    return {name: value for name, value in made.items() if name != "jpg"}


KEPT, NEARBY, REFUSED, TAKEN, PICTURED, COPIED, ALONE = (
    row(0, 0, caption="the longest caption of all that mean the same stays"), row(1, 0, NEAR), row(2, 1, score=0.0), row(3, 2),
    row(4, 3, url=SHUT, caption="the longer caption of two copies of a picture"), row(5, 4, url=SHUT, caption="the shorter caption"),
    row(6, 5),
)  # fmt: skip
JOB = {
    "source": {"format": "urls", "paths": ["shards/*.parquet"], "columns": {"image_embedding": "image_embedding"}},
    "dedup": {"semantic": {"of": "image"}},
    "filters": {"columns": {"rules": [{"column": "score", "min": 0.5}]}, "opt_out": {"lists": ["list.csv"]}},
}


def write(folder, rows, per_shard=4):
    folder.mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, len(rows), per_shard)):
        write_parquet(folder / f"{number:05d}.parquet", rows[start : start + per_shard])


def finish(ran):
    """The manifest as far as later runs read it."""
    told = ledger_digest((read_judged(ran.run.layout) or {})["ledger"])
    made = {**versions(), **signature_versions()}
    (ran.out / "manifest.json").write_text(json.dumps({"ledger": {"sha256": told}, "versions": made}))


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    folder = tmp_path_factory.mktemp("release")
    uid = row_uid(None, TAKEN["url"], TAKEN["caption"]).hex()
    (folder / "list.csv").write_text(f"kind,value,reason\nuid,{uid},taken_down\n")
    write(folder / "shards", [KEPT, NEARBY, REFUSED, TAKEN, PICTURED, COPIED, ALONE])
    ran = run_job(folder, JOB)
    finish(ran)
    return ran


APART = row(16, 5, NEAR / 2)
NEW = [
    row(10, 0, -NEAR / 2), row(11, 0, 2 * NEAR), row(12, 1), row(13, 2), row(14, 4), row(15, 5), APART,
    row(17, 6, score=0.7), row(18, 6, NEAR / 2, score=0.9),
]  # fmt: skip
OWN = [row(20, 5), row(21, 7), row(22, 7, NEAR / 2)]


@pytest.fixture(scope="module")
def held(release, tmp_path_factory):
    """A run against the release, with rows of a protected source, a list of pairs and a preference."""
    folder = tmp_path_factory.mktemp("held")
    write(folder / "shards", NEW, 5)
    write(folder / "own", OWN)
    then = {found["key"]: found["uid"] for found in release.ledger()}
    (folder / "pairs.txt").write_text(f"{row_uid(None, APART['url'], APART['caption']).hex()} {then['k6']}\n")
    source = [{**JOB["source"], "name": "new"}, {**JOB["source"], "name": "own", "paths": ["own/*.parquet"], "protected": True}]
    dedup = {
        "against": [str(release.out)], "semantic": {"of": "image"}, "not_duplicates": ["pairs.txt"],
        "prefer": [{"column": "score", "order": "high"}],
        "eval_overlap": [{"name": "bench", "captions": ["bench.txt"]}],  # its rows are numbered between those of the two runs
    }  # fmt: skip
    (folder / "bench.txt").write_text("a man sells oranges\ntwo dogs run over wet grass\n")
    return run_job(folder, {"source": source, "dedup": dedup, "filters": {"columns": JOB["filters"]["columns"]}})


def told(found, word="duplicate_semantic"):
    [entry] = [entry for entry in found["evidence"] if entry["reason"] == word]
    return entry


def test_the_release_itself_has_one_row_of_every_fate(release):
    found = {key: (row["verdict"], row["reasons"]) for key, row in release.by_key().items()}
    assert found == {
        "k0": ("kept", []), "k1": ("rejected", ["duplicate_semantic"]), "k2": ("rejected", ["column_rule"]),
        "k3": ("rejected", ["taken_down"]), "k4": ("kept", []), "k5": ("rejected", ["duplicate_image"]), "k6": ("kept", []),
    }  # fmt: skip


def test_what_means_the_same_as_an_earlier_row_goes_where_somebody_stands_for_that_row(release, held):
    found, then = held.by_key(), release.by_key()
    for key, stands in (("k10", "k0"), ("k11", "k0"), ("k14", "k4"), ("k15", "k6")):
        assert (key, found[key]["reasons"], found[key]["duplicate_of"]) == (key, ["duplicate_semantic"], then[stands]["uid"])
        assert told(found[key])["detail"].startswith("embeddings of image; earlier run: out (manifest ")
        assert 0.99 < told(found[key])["score"] <= 1
    for key in ("k12", "k13"):  # rejected there, and taken down there: whoever merely means the same is judged on its own
        assert (found[key]["verdict"], found[key]["duplicate_of"]) == ("kept", None)


def test_a_row_of_a_protected_source_stays_and_is_flagged(release, held):
    found = held.by_key()
    assert (found["k20"]["verdict"], found["k20"]["flags"]) == ("kept", ["duplicate_semantic"])
    assert found["k20"]["duplicate_of"] == release.by_key()["k6"]["uid"]
    assert told(found["k20"])["detail"].startswith("embeddings of image; source own is protected; earlier run: out")
    pair = sorted((found["k21"], found["k22"]), key=lambda row: len(row["flags"]))
    assert [row["verdict"] for row in pair] == ["kept", "kept"]
    assert [row["flags"] for row in pair] == [[], ["duplicate_semantic"]]


def test_rows_that_a_list_keeps_apart_stay_and_of_others_the_preferred_one(held):
    found = held.by_key()
    assert (found["k16"]["verdict"], found["k16"]["duplicate_of"]) == ("kept", None)
    assert (found["k17"]["reasons"], found["k18"]["verdict"]) == (["duplicate_semantic"], "kept")
    assert found["k17"]["duplicate_of"] == found["k18"]["uid"]


@pytest.fixture(scope="module")
def revised(tmp_path_factory):
    """A release of three rows after one of them was taken down."""
    folder = tmp_path_factory.mktemp("revised")
    gone, others = row(7, 6), [row(8, 6, 3 * NEAR), row(9, 7)]
    write(folder / "shards", [gone, *others])
    job = write_job(folder, laid(JOB, {"filters": {"opt_out": {"lists": []}}}))
    assert run_command(["run", str(job)]) == 0
    (folder / "asked.csv").write_text(f"kind,value\nuid,{row_uid(None, gone['url'], gone['caption']).hex()}\n")
    assert run_command(["takedown", str(folder / "out"), str(folder / "asked.csv"), "--output", str(folder / "revision")]) == 0
    return folder / "revision"


def test_two_earlier_runs_and_the_revision_of_a_takedown_are_held_against(release, revised, tmp_path):
    """What merely means the same as the row that went is judged on its own; the evidence names the run that the other row is of."""
    write(tmp_path / "shards", [row(19, 0, -NEAR / 2), row(23, 6, -NEAR / 2), row(24, 7, NEAR / 2), row(25, 6, 3.5 * NEAR)])
    dedup = {"against": [str(release.out), str(revised)], "semantic": {"of": "image"}}
    found = run_job(tmp_path, {**JOB, "dedup": dedup, "filters": {"columns": JOB["filters"]["columns"]}}).by_key()
    assert (found["k23"]["verdict"], found["k23"]["duplicate_of"]) == ("kept", None)
    names = {key: told(found[key])["detail"].partition("earlier run: ")[2].partition(" (")[0] for key in ("k19", "k24", "k25")}
    assert names == {"k19": "out", "k24": "revision", "k25": "revision"}
    assert found["k19"]["duplicate_of"] == release.by_key()["k0"]["uid"]


def test_appended_rows_are_held_against_the_release_whose_files_stay_as_they_are(release, tmp_path, monkeypatch):
    folder = copied(release.out.parent, tmp_path)
    parts = ("out/data", *(f"out.work/{name}" for name in ("ledger", "annotations", "signatures", "emitted", "clusters", "semantic")))
    before = {part: contents(folder / part) for part in parts}
    write(folder / "more", NEW)
    for number, path in enumerate(sorted((folder / "more").iterdir())):
        path.rename(folder / f"shards/{number + 2:05d}.parquet")
    monkeypatch.setattr("pipeline.append.document", lambda run: None)
    for _ in append(str(folder / "job.yaml"), ()):
        pass
    ran = Ran(open_run(str(folder / "job.yaml"), ()))
    for part, files in before.items():
        now = contents(folder / part)
        assert {name: now[name] for name in files} == files, part
    found = ran.by_key()
    for key, stands in (("k10", "k0"), ("k11", "k0"), ("k14", "k4"), ("k15", "k6")):
        assert (found[key]["reasons"], found[key]["duplicate_of"]) == (["duplicate_semantic"], found[stands]["uid"])
        assert told(found[key])["detail"] == "embeddings of image", "it is the same release"
    assert [found[key]["verdict"] for key in ("k12", "k13")] == ["kept", "kept"]
    sizes = json.loads((ran.work / "appended/1/judged.json").read_bytes())["cluster_sizes"]["semantic"]
    assert sizes == {"2": 0, "3": 1, "4": 1}, "k17 and k18, less k0 and k1, who are four now; k6 with k15 and k16"


@pytest.mark.parametrize(
    ("job", "says"),
    [
        (
            {"dedup": {"semantic": {"of": "text"}}, "source": {"columns": {"text_embedding": "image_embedding"}}},
            "has no embeddings of captions",
        ),
        ({"filters": {"embeddings": {"model": "another"}}}, r"was made with filters\.embeddings\.model: None, and this job says another"),
    ],
)
def test_embeddings_of_another_model_are_refused_with_the_key(release, tmp_path, job, says):
    write(tmp_path / "shards", NEW[:1])
    asked = laid(laid(JOB, {"dedup": {"against": [str(release.out)]}, "filters": {"opt_out": {"lists": []}}}), job)
    with pytest.raises(JobError, match=rf"dedup\.against\.0: .*out {says}"):
        open_run(str(write_job(tmp_path, asked)), ())
