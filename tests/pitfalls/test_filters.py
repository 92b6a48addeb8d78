"""What people ran into with duplicates, filters and what is published of them, as small inputs through whole runs."""

import hashlib
import io
import json

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from pipeline.commands.run import run_phases
from pipeline.run import open_run
from tests.builders import encode, jpeg, sample
from tests.images.side_data import exif
from tests.runs import WITHOUT_DOCUMENTS, contents, run_job, run_samples, tars


def released(ran) -> str:
    """All that is published, as text: files of text, and the rows of the data."""
    texts = [path.read_text() for path in ran.out.rglob("*") if path.is_file() and path.suffix != ".parquet"]
    return "\n".join([*texts, repr([{name: value for name, value in row.items() if name != "image"} for row in ran.data()])])


def test_nothing_published_leads_to_what_was_removed(tmp_path):
    """A2"""
    rows = [
        sample(n, key=f"secret-{word}", url=f"https://{word}.example/{word}.jpg", caption=f"a caption about {word} things")
        for n, word in enumerate(("listed", "withdrawn", "optedout", "carded", "unsafe", "clean"))
    ]
    rows[2]["http_headers"] = json.dumps({"X-Robots-Tag": "noai"})
    rows[3]["caption"] += " 4111 1111 1111 1111"
    rows[4]["punsafe"] = 0.99
    digests = [hashlib.sha256(row["jpg"]).hexdigest() for row in rows]
    (tmp_path / "list.csv").write_text(f"kind,value,reason\nsha256,{digests[0]},illegal\nsha256,{digests[1]},taken_down\n")
    ran = run_samples(tmp_path, rows, {"filters": {"opt_out": {"lists": ["list.csv"]}}}, documents=True)
    reasons = [row["reasons"] for row in ran.ledger()]
    assert reasons == [["illegal"], ["taken_down"], ["opt_out"], ["personal_data"], ["nsfw"], []]
    text = released(ran)
    for row, digest, told in zip(rows[:5], digests[:5], ran.ledger()[:5], strict=True):
        for word in (
            row["key"],
            row["url"],
            row["caption"],
            digest,
            hashlib.md5(row["jpg"]).hexdigest(),
            told["uid"],
            row["url"].split("/")[2],
        ):
            assert word not in text
    counts = json.loads((ran.out / "manifest.json").read_text())["ledger"]
    assert (counts["rows"], counts["kept"], counts["rejected"]) == (6, 1, 5)


LANGUAGES = [
    "公园里的红色自行车", "赤い自転車が公園にあります", "จักรยานสีแดงในสวนสาธารณะ", "ລົດຖີບສີແດງ", "សាលារៀន ភ្នំពេញ",
]  # fmt: skip
CONTROL = "red bicycle in the park"
BROKEN = ["\n", "\r\n", "\u2028", "\0", "\t"]
NO_LANGUAGE = ["12 34 56 78 90", "img_1234 dsc_5678 0001 0002", "🙂 🙂 🙂 🙂"]
LINKED = ["der Hund schläft am alten Hafen", "القط ينام على السجادة"]
LINK = " https://www.example.com/en/photos/index.html"


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """One run over captions in many scripts, each with a picture of its own; the annotations and ledger rows by caption."""
    plain = [*LANGUAGES, CONTROL, *NO_LANGUAGE, *LINKED, *(text + LINK for text in LINKED), "a red bicycle in the old park"]
    captions = [*plain, *(f"a red bicycle{sign}in the old park" for sign in BROKEN)]
    rows = [sample(n, caption=caption, key=f"{n}") for n, caption in enumerate(captions)]
    keep = ["zh", "ja", "th", "lo", "km", "en", "de", "ar"]
    ran = run_samples(tmp_path_factory.mktemp("texts"), rows, {"filters": {"language": {"keep": keep}}})
    measured = {row["key"]: row for row in ran.annotations()}
    return {caption: (measured[f"{n}"], ran.by_key()[f"{n}"]) for n, caption in enumerate(captions)}


@pytest.mark.parametrize("caption", [*LANGUAGES, CONTROL])
def test_words_are_counted_in_scripts_without_spaces(texts, caption):
    """A3"""
    assert texts[caption][1]["verdict"] == "kept"


@pytest.mark.parametrize("sign", BROKEN, ids=ascii)
def test_a_line_break_stops_neither_the_language_model_nor_the_job(texts, sign):
    """A8"""
    measured, row = texts[f"a red bicycle{sign}in the old park"]
    whole, _ = texts["a red bicycle in the old park"]
    assert row["flags"] == []
    if sign != "\0":
        assert (measured["language"], measured["toxicity"]) == (whole["language"], whole["toxicity"])


@pytest.mark.parametrize("caption", NO_LANGUAGE)
def test_digits_file_names_and_emoji_are_in_no_language(texts, caption):
    """A9"""
    assert texts[caption][0]["groups"]["language"] == "und"


@pytest.mark.parametrize("caption", LINKED)
def test_a_link_does_not_change_the_language_of_a_caption(texts, caption):
    """A9"""
    assert texts[caption][0]["language"] == texts[caption + LINK][0]["language"]
    assert texts[caption][0]["groups"]["language"] in ("de", "ar")


def drawn(mode: str, hidden: tuple[int, int, int], *, shape: str = "both") -> Image.Image:
    """A shape on transparent ground that hides a colour."""
    image = Image.new("RGBA", (300, 300), (255, 255, 255, 0))
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((10, 10, 290, 290), fill=(*hidden, 0))
    if shape in ("both", "disc"):
        canvas.ellipse((80, 60, 200, 240), fill=(200, 30, 30, 255) if shape == "both" else (0, 0, 0, 255))
    if shape in ("both", "box"):
        canvas.rectangle((150, 150, 260, 200), fill=(30, 30, 200, 255))
    if shape == "triangle":
        canvas.polygon(((40, 40), (260, 150), (40, 260)), fill=(0, 0, 0, 255))
    return image.convert(mode) if mode != "RGBA" else image


def test_colours_that_nobody_sees_decide_nothing(tmp_path):
    """A4"""
    white, black = drawn("RGBA", (255, 255, 255)), drawn("RGBA", (0, 0, 0))
    on_white = Image.alpha_composite(Image.new("RGBA", (300, 300), "white"), black).convert("RGB")
    files = {
        "white": encode(white, "PNG"), "black": encode(black, "PNG"), "on white": encode(on_white, "JPEG", quality=90),
        **{shape: encode(drawn("RGBA", (0, 0, 0), shape=shape), "PNG") for shape in ("disc", "triangle")},
    }  # fmt: skip
    ran = run_samples(
        tmp_path, [sample(n, key=name, jpg=raw, caption=f"{name} shapes on a card") for n, (name, raw) in enumerate(files.items())]
    )
    measured = {row["key"]: row for row in ran.annotations()}
    assert measured["white"]["phash"] == measured["black"]["phash"] is not None
    assert len({ran.by_key()[name]["cluster"] for name in ("white", "black", "on white")} - {None}) == 1
    assert not {ran.by_key()[name]["cluster"] for name in ("disc", "triangle")} - {None}
    for name in ("disc", "triangle"):
        assert not measured[name]["low_detail"]
        assert measured[name]["image_quality"]["deviation"] > 10


PAIRS = [
    ("café crème à la française", "cafe\u0301 cre\u0300me a\u0300 la franc\u0327aise"),
    ("kid's toys & games – best price", "kid&#39;s toys &amp; games &ndash; best price"),
    ("a red bicycle", "ａ ｒｅｄ　ｂｉｃｙｃｌｅ"),
]


def test_one_caption_in_many_spellings_is_one_caption_and_is_published_raw(tmp_path):
    """A6"""
    captions = [*(text for pair in PAIRS for text in pair), "hardcore\u200b por\u00adn pictures", "Mail bob＠test.example for prints"]
    ran = run_samples(tmp_path, [sample(n, caption=text, key=f"{n}") for n, text in enumerate(captions)], {"dedup": {"max_per_caption": 1}})
    rows = [ran.by_key()[f"{n}"] for n in range(len(captions))]
    for first, second in zip(rows[:6:2], rows[1:6:2], strict=True):
        assert first["caption_cluster"] == second["caption_cluster"] is not None
        assert sorted([first["reasons"], second["reasons"]]) == [[], ["duplicate_caption"]]
    assert rows[6]["reasons"] == ["nsfw"]
    assert rows[7]["actions"] == ["redacted:email"]
    published = {row["caption"] for row in ran.data()}
    assert len(published & {text for pair in PAIRS for text in pair}) == 3
    assert "test.example" not in "".join(published)


def test_captions_without_letters_are_nobodys_duplicates(tmp_path):
    """A7"""
    arabic = [
        f"{noun} {verb} {place}"
        for noun in ("القط", "الكلب")
        for verb in ("ينام", "يأكل")
        for place in ("على السجادة", "في الحديقة", "قرب البحر", "تحت الشجرة", "أمام الباب")
    ]
    captions = ["", None, "   ", "!!!", "🙂🙂", "—", "!!!", *arabic]
    job = {"dedup": {"policy": "image_or_caption", "max_per_caption": 1}, "filters": {"caption_quality": {"enabled": False}}}
    ran = run_samples(tmp_path, [sample(n, caption=text) for n, text in enumerate(captions)], job)
    rows = ran.ledger()
    assert [row["reasons"] for row in rows] == [[]] * len(captions)
    assert {row["caption_cluster"] for row in rows[:7]} == {None}
    assert len(arabic) == 20


def test_personal_data_in_the_columns_beside_the_text_is_not_published(tmp_path):
    """A13"""
    beside = {
        "url": "https://img.example/u/jane.doe@example.org/p.jpg?to=jane.doe@example.org", "key": "jane.doe_at_example.org_0001",
        "author": json.dumps({"author": "Jane", "contact": "+44 7700 900123"}),
        "exif": json.dumps({"GPS GPSLatitude": "[52, 31, 12]", "EXIF FNumber": "28/10"}),
    }  # fmt: skip
    ran = run_samples(tmp_path, [sample(0, **beside), sample(1)], {"publish": {"drop": []}}, documents=True)
    row = ran.ledger()[0]
    assert {"url_withheld", "key_withheld", "personal_data:email", "personal_data:phone"} <= set(row["flags"])
    assert (row["verdict"], row["url"], row["key"]) == ("kept", None, None)
    published = ran.data()[0]
    assert published["url"] is published["key"] is None
    assert json.loads(published["author"])["author"] == "Jane"
    text = released(ran)
    for secret in ("jane.doe", "7700 900123", "52, 31, 12"):
        assert secret not in text
    assert "jane.doe" not in json.dumps(row)


def test_stripped_metadata_leaves_the_picture_upright_and_in_its_colours(tmp_path):
    """A15"""
    from tests.images.side_data import display_profile

    profile = display_profile()
    raw = jpeg(200, 120, 3, exif=exif(orientation=6).tobytes(), icc_profile=profile)
    ran = run_samples(tmp_path, [sample(0, jpg=raw)])
    [row], [published] = ran.ledger(), ran.data()
    clean = published["image"]["bytes"]
    assert {"stripped:gps", "stripped:serial_number"} <= set(row["actions"])
    before, after = (ImageOps.exif_transpose(Image.open(io.BytesIO(found))) for found in (raw, clean))
    assert np.array_equal(np.array(before), np.array(after))
    assert Image.open(io.BytesIO(clean)).info["icc_profile"] == profile
    assert (published["width"], published["height"]) == (120, 200) == after.size
    assert b"0012345" not in clean
    assert (published["sha256"], published["read_sha256"]) == (hashlib.sha256(clean).hexdigest(), hashlib.sha256(raw).hexdigest())


def test_a_copy_that_is_filtered_away_makes_room_for_the_next_and_comes_back(tmp_path):
    """A18"""
    rows = [
        sample(0, jpg=jpeg(320, 240, 1), caption="you are a stupid worthless idiot and everybody hates you"),
        sample(1, jpg=jpeg(160, 120, 1), http_headers=json.dumps({"X-Robots-Tag": "noai"})),
        sample(2, jpg=jpeg(80, 60, 1)),
    ]  # fmt: skip
    ran = run_samples(tmp_path, rows)
    third = ran.ledger()[2]["uid"]
    assert [row["reasons"] for row in ran.ledger()] == [["duplicate_image", "toxicity"], ["opt_out", "duplicate_image"], []]
    assert [row["duplicate_of"] for row in ran.ledger()] == [third, third, None]
    before = contents(ran.work / "ledger", ran.out / "data")
    loose = run_job(tmp_path, tars(), "filters.toxicity.max=1")
    assert [row["reasons"] for row in loose.ledger()] == [[], ["opt_out", "duplicate_image"], ["duplicate_image"]]
    run_phases(open_run(str(tmp_path / "job.yaml"), ()), WITHOUT_DOCUMENTS)
    assert contents(ran.work / "ledger", ran.out / "data") == before


def test_captions_that_differ_in_a_number_are_near_or_not_as_the_job_says(tmp_path):
    """A20"""
    rows = [sample(n, jpg=jpeg(320, 240, n), caption=f"page {n} of 12 - vintage map of paris 1878") for n in (1, 2)]
    near = run_samples(tmp_path, rows, {"dedup": {"policy": "image_or_caption"}}, documents=True)
    assert [row["reasons"] for row in near.ledger()].count(["duplicate_caption"]) == 1
    assert "Captions that differ in a number alone" in (near.out / "datasheet.md").read_text()
    apart = run_job(tmp_path, tars({"dedup": {"policy": "image_or_caption", "captions": {"digits": "keep"}}}), replace=True)
    assert [row["reasons"] for row in apart.ledger()] == [[], []]
