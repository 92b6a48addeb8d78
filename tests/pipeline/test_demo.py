"""The demo: everything that is planted in it is found, and its last words say where to look."""

import io
import re

import pytest
from PIL import ExifTags, Image

from pipeline.cli import run_command
from pipeline.demo import draw, make_demo
from tests.runs import contents, rows_of

PLANTED = {
    # key: verdict, reasons, actions, flags
    "email": ("kept", [], ["redacted:email"], ["personal_data:email"]),
    "phone": ("kept", [], ["redacted:phone"], ["personal_data:phone"]),
    "card": ("rejected", ["personal_data"], [], ["personal_data:card"]),
    "toxic": ("rejected", ["toxicity"], [], []),
    "german": ("rejected", ["language"], [], []),
    "french": ("rejected", ["language"], [], []),
    "noai": ("rejected", ["opt_out"], [], []),
    "noai_among_others": ("rejected", ["opt_out"], [], []),
    "tdm_reservation": ("rejected", ["opt_out"], [], []),
    "marked": ("rejected", ["opt_out"], [], []),
    "unmarked_copy": ("rejected", ["opt_out"], [], []),
    "gps": ("kept", [], ["stripped:gps"], []),
    "swapped": ("kept", [], [], ["hash_mismatch"]),
    "cut": ("unreadable", ["unreadable"], [], []),
    "web_page": ("unreadable", ["unreadable"], [], []),
    "thumbnail": ("rejected", ["image_quality"], [], []),
    "flat": ("rejected", ["image_quality"], [], []),
    "script": ("kept", [], [], []),
    "file_name": ("rejected", ["caption_quality"], [], []),
}


@pytest.mark.parametrize("key", PLANTED)
def test_what_is_planted_is_found(demo_run, key):
    row = demo_run.ledger()[key]
    assert (row["verdict"], row["reasons"], row["actions"], row["flags"]) == PLANTED[key]


def test_every_copy_is_a_duplicate_of_a_kept_picture_and_nothing_else_goes(demo_run):
    ordinary = [row for key, row in demo_run.ledger().items() if key not in PLANTED]
    kept = {row["uid"] for row in ordinary if row["verdict"] == "kept"}
    gone = [row for row in ordinary if row["verdict"] != "kept"]
    assert len(gone) == 40  # identical, re-encoded, mirrored, bordered: ten of each
    assert all(row["reasons"] == ["duplicate_image"] and row["duplicate_of"] in kept for row in gone)
    assert len(kept) == 240


def test_consent_is_seen_where_it_can_be_seen(demo_run):
    ledger = demo_run.ledger()
    assert {row["consent"] for row in ledger.values()} == {"reserved", "silent", "not_observable"}
    assert all(row["consent"] == "reserved" for row in ledger.values() if "opt_out" in row["reasons"])


def test_personal_data_and_positions_are_gone_from_what_is_published(demo_run):
    published = rows_of(demo_run.out / "data")
    ledger = {row["uid"]: key for key, row in demo_run.ledger().items()}
    rows = {ledger[row["uid"]]: row for row in published}
    assert "jo.miller" not in rows["email"]["caption"]
    assert "7700" not in rows["phone"]["caption"]
    assert rows["gps"]["sha256"] != rows["gps"]["read_sha256"]
    assert not Image.open(io.BytesIO(rows["gps"]["image"]["bytes"])).getexif().get_ifd(ExifTags.IFD.GPSInfo)


def test_a_caption_that_is_a_script_is_published_as_it_was_and_shown_as_text(demo_run):
    assert any(row["caption"].startswith("<script>alert(1)</script>") for row in rows_of(demo_run.out / "data"))
    pages = [path.read_text() for path in demo_run.folder.rglob("*.html")]
    assert any("&lt;script&gt;alert(2)&lt;/script&gt;" in page for page in pages)
    assert not any("<script>alert" in page for page in pages)


def test_weights_are_solved_and_sum_to_the_rows_kept(demo_run):
    weights = [row["weight"] for row in demo_run.ledger().values() if row["verdict"] == "kept"]
    assert sum(weights) == pytest.approx(len(weights), abs=1e-6)


def test_it_ends_by_telling_where_datasheet_data_and_ledger_are(demo_run):
    assert demo_run.stdout == ""
    last = demo_run.stderr.split("The demo is done.")[1]
    for word, path in (
        ("datasheet", demo_run.out / "datasheet.html"), ("data", demo_run.out / "data"), ("ledger", demo_run.work / "ledger"),
        ("job file", demo_run.folder / "job.yaml"),
    ):  # fmt: skip
        assert re.search(rf"{word} +{re.escape(str(path))}/?$", last, re.MULTILINE), word
        assert path.exists()


def test_the_row_it_names_can_be_asked_about(demo_run, capsys):
    [command] = re.findall(r"winnow (why .*)$", demo_run.stderr, re.MULTILINE)
    assert run_command(command.split()) == 0
    assert "a copy in its cluster carries a reservation" in capsys.readouterr().out


def test_the_demo_is_drawn_the_same_every_time(tmp_path):
    for name in ("a", "b"):
        make_demo(str(tmp_path / name), pictures=8)
    a, b = (contents(tmp_path / name) for name in ("a", "b"))
    assert [content for _, content in sorted(a.items())] == [content for _, content in sorted(b.items())]
    assert draw(1).tobytes() != draw(2).tobytes()


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("mine")
    assert run_command(["demo", str(tmp_path)]) == 2
    assert "name a new folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
