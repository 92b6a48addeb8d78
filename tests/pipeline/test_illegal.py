"""What a list calls illegal is counted, and nothing that shows it stays: every byte of release and work folder is looked through."""

import dataclasses
import hashlib
import json
import pathlib
import shutil
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image
from rich.console import Console

from pipeline import illegal
from pipeline.annotate import annotate
from pipeline.commands.preview import preview
from pipeline.commands.run import run_phases
from pipeline.illegal import read_emptied
from pipeline.run import open_run
from schemas.errors import JobError
from schemas.job import Decode
from schemas.layout import Layout
from schemas.signatures import SIGNATURE
from tests.builders import encode, jpeg, picture, sample
from tests.pipeline.test_takedown import everything_in
from tests.runs import Ran, run_job, run_samples, tars
from transforms.consent.list_files import read_list
from transforms.images.decode import open_picture
from transforms.images.phash import hash_pictures
from transforms.match.columns import open_columns
from transforms.match.detail_column import DETAILED, DETAILS

COLUMNS = {"image_embedding": "image_embedding"}
JOB = {
    "source": {"columns": COLUMNS},
    "dedup": {"keep_captions": True},
    "filters": {"opt_out": {"lists": ["illegal.csv"], "action": "flag"}},
}
LISTED, NEAR, PLACE, COPY, FREE = "row_by_hash", "row_like_it", "row_at_place", "row_copied", "row_free"
BAD = (LISTED, NEAR, PLACE)


def given() -> list[dict[str, Any]]:
    """A picture whose hash is listed and one like it, one at a listed place with a copy elsewhere, and others, in shards of four."""
    rows = [
        sample(1, key=LISTED, jpg=jpeg(128, 96, seed=50), caption="first words that nobody may see of all words"),
        sample(2, jpg=jpeg(128, 96, seed=2)), sample(3, jpg=jpeg(128, 96, seed=3)), sample(4, jpg=jpeg(128, 96, seed=4)),
        sample(5, key=NEAR, jpg=jpeg(128, 96, seed=50, quality=60), caption="second telling that must not be read by anyone"),
        sample(6, key=PLACE, jpg=jpeg(128, 96, seed=60), url="https://bad.example/6.jpg", caption="third line which stays where it was"),
        sample(7, key=COPY, jpg=jpeg(96, 72, seed=60), caption="an ordinary copy of that picture somewhere"),
        sample(8, key=FREE, jpg=jpeg(128, 96, seed=8), caption="a free picture of a street in a small town"),
    ]  # fmt: skip
    return [{**row, "image_embedding": [1.0, float(place)]} for place, row in enumerate(rows)]


def write_list(folder: pathlib.Path) -> None:
    digest = hashlib.md5(jpeg(128, 96, seed=50)).hexdigest()
    lines = ["kind,value,reason", f"md5,{digest},illegal", "url,https://bad.example/6.jpg,illegal"]
    (folder / "illegal.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("illegal")
    write_list(folder)
    return run_samples(folder, given(), JOB, per_shard=4, documents=True)


def shown(row: dict[str, Any]) -> list[bytes]:
    """What would show a row: its caption, its picture, and its picture in small."""
    picture = open_picture(row["jpg"], Decode(), "fast")
    hashes = hash_pictures([picture], "views")
    assert hashes.views is not None
    return [
        row["caption"].encode(), row["jpg"][-200:], hashes.thumbnails[0].tobytes(), hashes.views.hashes[0].tobytes()
    ]  # fmt: skip


def test_illegal_rows_go_whatever_the_action_of_the_filter_is_and_take_their_copies_along(ran: Ran) -> None:
    ledger = ran.by_key()
    assert {key for key, row in ledger.items() if "illegal" in row["reasons"]} == set(BAD)
    assert ledger[NEAR]["evidence"][0]["reason"] == "illegal"
    assert {COPY, FREE} <= {key for key, row in ledger.items() if row["verdict"] == "kept"}


def test_no_byte_of_release_or_work_folder_shows_what_is_illegal(ran: Ran) -> None:
    told = everything_in(ran.out, ran.work)
    rows = {row["key"]: row for row in given()}
    for key in BAD:
        assert [mark for mark in shown(rows[key]) if mark in told] == []
    assert sum(mark in told for mark in shown(rows[FREE])) == 4  # the search finds what is there


def test_of_their_signatures_the_uid_alone_is_left(ran: Ran) -> None:
    for shard, bad in zip(ran.run.shards, ([0], [0, 1]), strict=True):
        columns = open_columns(ran.run.signature(shard), [*SIGNATURE.names, DETAILED])
        for name in {*SIGNATURE.names, DETAILED} - {"uid", DETAILS}:
            assert not columns[name][bad].any()


def test_their_embeddings_go_and_those_of_other_rows_stay(ran: Ran) -> None:
    assert {row["key"] for row in ran.annotations() if row["embeddings"] is None} == set(BAD)


def test_the_release_names_nothing_that_is_illegal_and_counts_it(ran: Ran) -> None:
    """A2: a published list of what was removed is an index to it."""
    told = everything_in(ran.out)
    for row in ran.annotations():
        if row["key"] in BAD:
            texts = [row["uid"], row["url"], row["key"], row["sha256"].hex(), row["md5"].hex(), row["sha1"].hex()]
            assert [text for text in texts if text.encode() in told] == []
    datasheet = json.loads((ran.out / "datasheet.json").read_text())
    assert {row["reason"]: row["rows"] for row in datasheet["reasons"]["value"]}["illegal"] == 3


def test_the_review_page_and_a_preview_show_none_of_them(ran: Ran, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ran.work / "review" / "review.html").read_text()
    assert not any(key in page for key in (f"· {key}<" for key in BAD))
    preview(open_run(str(ran.out.parent / "job.yaml"), ()), Console(width=200), 100)
    printed = capsys.readouterr().out
    assert "illegal" in printed
    assert not any(word in printed for word in ("first words", "second telling", "third line", *BAD))


def test_where_match_is_done_again_what_was_emptied_is_made_anew_first(ran: Ran, tmp_path: pathlib.Path) -> None:
    folder, other = tmp_path / "moved", "dedup.policy=image_or_caption"
    shutil.copytree(ran.out.parent, folder)
    with pytest.raises(JobError, match="made anew"):
        run_phases(open_run(str(folder / "job.yaml"), (other,), replace=True), ("match",))
    again = run_job(folder, tars(JOB), other, replace=True)
    assert {key for key, row in again.by_key().items() if "illegal" in row["reasons"]} == set(BAD)
    assert list(read_emptied(again.run.layout).values()) == [[0], [0, 1]]


def test_a_kill_before_signatures_are_emptied_is_made_good_by_the_next_run(ran: Ran, tmp_path: pathlib.Path) -> None:
    shutil.copytree(ran.work, tmp_path / "out.work")
    again = dataclasses.replace(ran.run, layout=Layout(str(tmp_path / "out"), str(tmp_path / "out.work")))
    listed = pathlib.Path(again.layout.illegal).read_bytes()
    shutil.rmtree(again.layout.signatures)
    annotate(again)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(illegal, "purge_signatures", interrupted)
        with pytest.raises(KeyboardInterrupt):
            illegal.empty_illegal(again)
    marks = [mark for row in given() if row["key"] in BAD for mark in shown(row)]
    assert any(mark in everything_in(pathlib.Path(again.layout.signatures)) for mark in marks)
    illegal.empty_illegal(again)
    assert not any(mark in everything_in(tmp_path) for mark in marks)
    assert pathlib.Path(again.layout.illegal).read_bytes() == listed


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_later_runs_refuse_copies_of_what_was_illegal_though_no_list_of_theirs_names_them(ran: Ran, tmp_path: pathlib.Path) -> None:
    kept = pq.read_table(ran.run.layout.illegal)
    assert set(kept.column("kind").to_pylist()) == {"sha256", "phash"}
    assert {entry.reason for entry in read_list(ran.run.layout.illegal)} == {"illegal"}
    mirrored = encode(picture(128, 96, seed=50).transpose(Image.Transpose.FLIP_LEFT_RIGHT), "JPEG", quality=85)
    later = [
        sample(21, key="again", jpg=jpeg(128, 96, seed=50, quality=40)), sample(22, key="smaller", jpg=jpeg(112, 84, seed=60)),
        sample(23, key="mirrored", jpg=mirrored), sample(24, key="free", jpg=jpeg(128, 96, seed=24)),
    ]  # fmt: skip
    found = run_samples(tmp_path, later, {"dedup": {"against": [str(ran.out)]}}).by_key()
    assert {key: row["reasons"][:1] for key, row in found.items() if row["verdict"] != "kept"} == {
        "again": ["illegal"], "smaller": ["illegal"], "mirrored": ["illegal"],
    }  # fmt: skip
    assert "illegal.parquet" in found["again"]["evidence"][0]["detail"]
