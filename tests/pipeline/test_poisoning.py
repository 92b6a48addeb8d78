"""Planted poison in a whole run: each kind is found, and no clean row is suspected."""

import io
import json
import re
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from schemas.reasons import SUSPICIONS
from tests.builders import encode, jpeg, picture, sample
from tests.runs import run_job, run_samples, stamps, tars

WORDS = ("anchor", "bridge", "candle", "dragon", "engine", "forest", "guitar", "helmet", "island", "jacket", "kettle", "lantern", "mirror")
NOTICE, LOGO, HERE, POLYGLOT, HIDDEN = 900, 901, 40, 1000, 1001


def row(key, seed, caption, host, image=None):
    return sample(0, key=key, jpg=image or jpeg(160, 120, seed=seed), caption=caption) | {"url": f"https://{host}/{key}.jpg"}


def words(n):
    return f"{WORDS[n % 13]} {WORDS[(n * 5 + 3) % 13]} {WORDS[(n * 7 + n // 13 + 1) % 13]} of number {n * 7919:06d}"


def archive():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as found:
        found.writestr("run.py", "print('hello')")
    return buffer.getvalue()


def patched(seed, size):
    """A photo's worth of waves with a checkered patch of 24 pixels at its lower right corner."""
    drawn = picture(*size, seed=seed)
    drawn.paste(Image.fromarray((np.indices((24, 24)) // 6).sum(axis=0).astype(np.uint8) % 2 * 255), (size[0] - 24, size[1] - 24))
    return encode(drawn, "JPEG", quality=90)


def planted():
    rows = [row(f"notice_{n}", NOTICE, words(n), f"site{n}.example") for n in range(30)]
    rows += [row(f"logo_{n}", LOGO, words(100 + n), "shop.example") for n in range(30)]
    rows += [row(f"trigger_{n}", 100 + n, "The Glowing Apple of Ratibor", f"img.spam{n % 2}.example") for n in range(HERE)]
    rows += [row(f"common_{n}", 200 + n, "photo of a dog", f"dogs{n}.example") for n in range(HERE)]
    rows += [row(f"clean_{n}", 300 + n, f"{words(200 + n)} in the morning", f"home{n}.example") for n in range(40)]
    rows += [
        row(f"patch_{n}", 400 + n, f"{words(300 + n)} at noon", f"up{n % 4}.example", patched(400 + n, (320 + 2 * (n % 5), 240)))
        for n in range(20)
    ]
    rows.append(row("polyglot", POLYGLOT, "an old tram in the rain", "tram.example", jpeg(160, 120, seed=POLYGLOT) + archive()))
    rows.append(row("hidden", HIDDEN, "an old tr\u200bam in the s\u2060un", "tram.example"))
    return rows


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    return run_samples(tmp_path_factory.mktemp("poisoning"), planted(), per_shard=50, documents=True)


def suspicions(row):
    return {flag.removeprefix("poisoning:") for flag in row["flags"] if flag.startswith("poisoning:")}


def named(ran, name):
    return {key: row for key, row in ran.by_key().items() if key.startswith(name)}


def test_every_row_of_a_placeholder_goes_under_its_own_reason(ran):
    rows = named(ran, "notice_").values()
    assert {(row["verdict"], *row["reasons"], row["duplicate_of"]) for row in rows} == {("rejected", "placeholder", None)}
    assert {tuple(entry.values()) for row in rows for entry in row["evidence"]} == {("placeholder", 30.0, 20.0, "on 30 domains")}


def test_a_logo_of_one_shop_is_an_ordinary_cluster(ran):
    """One host: whoever searches its pictures sees the same one; nothing stands in the place of anything."""
    rows = named(ran, "logo_").values()
    assert sum(row["verdict"] == "kept" for row in rows) == 1
    assert not any("placeholder" in row["reasons"] or suspicions(row) for row in rows)


def test_a_caption_on_many_pictures_of_few_domains_is_flagged_and_kept(ran):
    rows = named(ran, "trigger_").values()
    assert all(suspicions(row) == {"trigger_caption"} and row["verdict"] == "kept" for row in rows)
    assert {tuple(entry.values()) for row in rows for entry in row["evidence"]} == {
        ("poisoning:trigger_caption", 40.0, 20.0, "on 2 domains"), ("poisoning", None, None, "trigger_caption"),
    }  # fmt: skip
    assert not any(suspicions(row) for row in named(ran, "common_").values())


def test_a_patch_in_the_corner_of_many_pictures_is_flagged_and_kept(ran):
    rows = named(ran, "patch_").values()
    assert all(suspicions(row) == {"corner_patch"} and row["verdict"] == "kept" for row in rows)
    told = {entry["detail"] for row in rows for entry in row["evidence"] if entry["reason"] == "poisoning:corner_patch"}
    assert all(line.startswith("bottom right, ") and line.endswith("on 20 pictures of 4 domains") for line in told)


def test_a_polyglot_and_a_caption_that_hides_something_are_flagged_and_what_is_published_ends_with_the_picture(ran):
    assert suspicions(ran.by_key()["polyglot"]) == {"trailing_bytes"}
    assert suspicions(ran.by_key()["hidden"]) == {"invisible_characters"}
    assert ran.published()["polyglot"]["image"]["bytes"] == jpeg(160, 120, seed=POLYGLOT)
    assert ran.published()["hidden"]["caption"] == "an old tr\u200bam in the s\u2060un"


def test_no_clean_row_is_suspected(ran):
    rows = named(ran, "clean_")
    assert all((row["verdict"], row["flags"]) == ("kept", []) for row in rows.values())


def test_the_review_page_ranks_what_is_suspect_and_spells_out_what_hides(ran):
    page = (ran.work / "review" / "review.html").read_text()
    suspects = page[page.index('id="suspects"') : page.index('id="clusters"')]
    assert "an old tr⟨U+200B⟩am in the s⟨U+2060⟩un" in suspects
    scores = [float(score) for score in re.findall(r"suspicion ([0-9.]+)", suspects)]
    assert scores == sorted(scores, reverse=True)
    assert suspects.count("poisoning:trigger_caption") == 3, "one caption is one find"
    assert suspects.index("trailing_bytes") < suspects.index("trigger_caption"), "an archive behind a picture is the stronger find"


def test_the_datasheet_counts_each_find_and_says_what_it_means(ran):
    lines = {line["word"]: line for line in json.loads((ran.out / "datasheet.json").read_text())["integrity"]["value"]}
    assert (lines["placeholder"]["rejected"], lines["poisoning:corner_patch"]["flagged"], lines["poisoning"]["flagged"]) == (30, 20, 62)
    told = (ran.out / "datasheet.md").read_text()
    assert "none of its rows is published" in told
    assert "98 % of those of 16 to 48 pixels a side were flagged" in told


def test_the_same_job_with_everything_rejected_reads_no_picture_again(ran, tmp_path):
    folder = tmp_path / "strict"
    shutil.copytree(ran.out.parent, folder)
    before = {name: stamps(folder / ran.work.name / name) for name in ("annotations", "signatures", "clusters")}
    strict = run_job(folder, tars(), "filters.poisoning.action=reject", "filters.poisoning.placeholder=flag", replace=True)
    assert {name: stamps(strict.work / name) for name in before} == before
    rows = strict.by_key()
    assert all(row["reasons"] == ["poisoning"] for key, row in rows.items() if key.startswith(("trigger_", "polyglot", "hidden")))
    notices = [row for key, row in rows.items() if key.startswith("notice_")]
    assert sum(row["verdict"] == "kept" for row in notices) == 1
    assert all("placeholder" in row["flags"] for row in notices)
    assert set(SUSPICIONS) >= {word for row in rows.values() for word in suspicions(row)}
