"""`winnow trace`: what it prints, what it never shows, and how it ends."""

import hashlib
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import ImageOps

from pipeline.cli import run_command
from tests.builders import sample
from tests.images.drawing import encoded, photo
from tests.runs import ROOT, run_samples

HOSTILE = "https://img.example/<script>alert(1)</script>.jpg"
ORIGINAL = photo()


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """A run of some copies of one photo: kept, cut out, mirrored, taken down, illegal, and rejected for its caption; and of others."""
    folder = tmp_path_factory.mktemp("traced")
    width, height = ORIGINAL.size
    cut = ORIGINAL.crop((width // 16, height // 16, width - width // 16, height - height // 16))
    down, illegal = encoded(ORIGINAL, "JPEG", quality=70), encoded(ORIGINAL, "JPEG", quality=60)
    samples = [
        sample(0, jpg=encoded(ORIGINAL, "PNG"), url=HOSTILE, key="original", caption="morning light over a quiet harbour"),
        sample(1, jpg=encoded(cut, "JPEG", quality=90), key="cut", caption="three brown horses run along the beach"),
        sample(2, jpg=encoded(ImageOps.mirror(ORIGINAL), "JPEG", quality=90), key="mirrored", caption="an empty street in the old town"),
        sample(3, jpg=encoded(photo(seed=3), "JPEG"), key="other"),
        sample(4, jpg=encoded(ORIGINAL, "JPEG", quality=80), caption="img_0001.jpg", key="worse"),
    ]
    entries = [f"sha256,{hashlib.sha256(raw).hexdigest()},{reason}" for raw, reason in ((down, "taken_down"), (illegal, "illegal"))]
    (folder / "list.csv").write_text("\n".join(["kind,value,reason", *entries]))
    down_row = sample(5, jpg=down, key="down", url="https://gone.example/5.jpg", caption="a wooden boat at the far end of the pier")
    samples += [down_row, sample(6, jpg=illegal, key="illegal")]
    job = {
        "filters": {"opt_out": {"lists": ["list.csv"]}},
        "dedup": {"policy": "image_and_caption", "images": {"reach": "views"}},
    }
    ran = run_samples(folder, samples, job, per_shard=4)
    (folder / "query.png").write_bytes(encoded(ORIGINAL, "PNG"))
    return ran


def asked(traced, *arguments: str, image: str = "query.png") -> int:
    return run_command(["trace", str(traced.out), str(traced.out.parent / image), *arguments])


def test_the_closest_rows_are_told_with_their_verdicts_and_what_is_taken_down_is_counted_alone(traced, capsys):
    assert asked(traced, "--json") == 0
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    keys = {(row["shard"], row["row"]): row["key"] for row in traced.ledger()}
    found = {keys[row["shard"], row["row"]]: row for row in told["rows"]}
    assert set(found) == {"original", "mirrored", "cut", "worse"}
    assert [row["rank"] for row in told["rows"]] == [1, 2, 3, 4]
    assert found["original"]["is"] == "same bytes"
    assert found["original"]["url"] == HOSTILE
    assert found["worse"]["verdict"] == "rejected"
    assert "caption_quality" in found["worse"]["reasons"]
    assert all(row["is"] != "looks alike" and row["agreement"] >= 0.7 for row in told["rows"])
    assert told["withheld"] == 1  # of what is illegal there is no signature left that could be found
    assert "1 of the closest rows is taken down or illegal, and not shown" in printed.err
    assert "gone.example" not in printed.out + printed.err


def test_the_table_shows_no_more_rows_than_asked_for(traced, capsys):
    assert asked(traced, "--most", "1") == 0
    told = capsys.readouterr().out
    assert re.search(r"│ 1 +│ same bytes ", told)
    assert "│ 2 " not in told


def test_the_page_shows_picture_and_rows_and_can_do_nothing(traced, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert asked(traced, "--html", str(page)) == 0
    text = page.read_text()
    assert text.count('src="data:image/png;base64,') == 8
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "gone.example" not in text
    assert page.stat().st_mode & 0o077 == 0
    assert f"page {page}" in capsys.readouterr().err


def test_no_page_is_written_into_the_release(traced, capsys):
    assert asked(traced, "--html", str(traced.out / "page.html")) == 2
    assert "lies in the release" in capsys.readouterr().err
    assert not (traced.out / "page.html").exists()


def test_nothing_near_ends_with_7(traced, capsys):
    (traced.out.parent / "strange.png").write_bytes(encoded(photo(seed=99), "PNG"))
    assert asked(traced, "--json", image="strange.png") == 7
    printed = capsys.readouterr()
    assert json.loads(printed.out)["rows"] == []
    assert "no row has these bytes, or a hash within 8 of 64 bits" in printed.err


@pytest.mark.parametrize(
    ("content", "says"), [(b"no picture", "cannot be read as a picture (not a picture format we open)"), (None, "cannot be opened")]
)
def test_a_file_that_is_no_picture_is_named(traced, content, says, capsys):
    path = traced.out.parent / "broken.jpg"
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
    assert asked(traced, image="broken.jpg") == 3
    assert says in capsys.readouterr().err


def test_a_folder_that_is_no_run_ends_with_7(tmp_path, capsys):
    assert run_command(["trace", str(tmp_path), str(tmp_path / "a.png")]) == 7
    assert "no run to look into" in capsys.readouterr().err


def test_a_run_that_was_begun_again_with_other_keys_is_refused(traced, capsys):
    signatures = sorted((traced.work / "signatures").iterdir())
    double = signatures[0].with_name(f"{signatures[0].name[:-23]}.{'f' * 16}.arrow")
    double.write_bytes(signatures[0].read_bytes())
    try:
        assert asked(traced) == 7
    finally:
        double.unlink()
    assert "begun again with other keys" in capsys.readouterr().err


def test_a_flat_picture_is_said_to_be_compared_by_bytes_alone(traced, capsys):
    from PIL import Image

    (traced.out.parent / "flat.png").write_bytes(encoded(Image.fromarray(np.full((50, 60), 9, np.uint8)), "PNG"))
    assert asked(traced, image="flat.png") == 7
    assert "only the same bytes are looked for" in capsys.readouterr().err


def test_a_look_up_loads_nothing_that_takes_long(traced):
    """Two seconds on a run of a million rows leave none for Beam, pandas or charts."""
    slow = {"apache_beam", "pandas", "matplotlib", "duckdb", "fasttext", "scipy.linalg", "transforms.annotate"}
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from pipeline.cli import run_command\n"
        f"assert run_command(sys.argv[1:]) == 0\nprint({slow!r} & set(sys.modules), file=sys.stderr)"
    )
    arguments = ["trace", str(traced.out), str(traced.out.parent / "query.png")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=240, check=False)
    assert done.stderr.splitlines()[-1] == "set()"


def test_a_run_that_kept_no_views_says_what_is_not_found_in_it(traced, tmp_path, capsys):
    shutil.copytree(traced.work, tmp_path / "out.work")
    record = json.loads((tmp_path / "out.work" / "run.json").read_bytes())
    record["job"]["dedup"]["images"]["reach"] = "plain"
    (tmp_path / "out.work" / "run.json").write_text(json.dumps(record))
    assert run_command(["trace", str(tmp_path / "out"), str(traced.out.parent / "query.png")]) == 0
    assert "keeps no views of its pictures (dedup.images.reach: plain), so crops, cuts and turns are not found" in plain(capsys)
    assert asked(traced) == 0
    assert "keeps no views" not in plain(capsys)


@pytest.mark.parametrize("others", [0, 1])
def test_a_list_of_urls_is_said_to_hold_no_pictures(traced, others, tmp_path, capsys):
    shutil.copytree(traced.work, tmp_path / "out.work")
    record = json.loads((tmp_path / "out.work" / "run.json").read_bytes())
    [source] = record["job"]["source"]
    record["job"]["source"] = [source | {"name": "list", "format": "urls"}, *[source] * others]
    (tmp_path / "out.work" / "run.json").write_text(json.dumps(record))
    status = run_command(["trace", str(tmp_path / "out"), str(traced.out.parent / "query.png")])
    told = plain(capsys)
    assert (status, "was made of lists of URLs" in told, "rows of list have no pictures" in told) == (
        (0, False, True) if others else (7, True, False)
    )


def test_the_picture_has_the_budget_that_the_pictures_of_the_run_had(traced, tmp_path, capsys):
    shutil.copytree(traced.work, tmp_path / "out.work")
    record = json.loads((tmp_path / "out.work" / "run.json").read_bytes())
    record["job"]["source"][0]["decode"]["max_pixels"] = 100
    (tmp_path / "out.work" / "run.json").write_text(json.dumps(record))
    assert run_command(["trace", str(tmp_path / "out"), str(traced.out.parent / "query.png")]) == 3
    assert "cannot be read as a picture (too many pixels" in plain(capsys)


def test_what_an_append_that_failed_has_left_is_not_looked_into(traced, tmp_path, capsys):
    """The shards that it signed are not of the release, and have no ledger."""
    shutil.copytree(traced.work, tmp_path / "out.work")
    left, *_ = (tmp_path / "out.work" / "signatures").iterdir()
    shutil.copyfile(left, left.with_name(f"99999.{'0' * 16}.arrow"))
    assert run_command(["trace", str(tmp_path / "out"), str(traced.out.parent / "query.png"), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 4


def plain(capsys) -> str:
    return " ".join(capsys.readouterr().err.split())
