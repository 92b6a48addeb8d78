import pytest
from pydantic import ValidationError

from tests.filters.conformance import batch_of, check_filter, findings, judged
from transforms.filters.caption_quality import CaptionQuality, is_file_name

WITHOUT_SPACES = (
    "公园里的红色自行车",
    "赤い自転車が公園にあります",
    "จักรยานสีแดงในสวนสาธารณะ",
    "ລົດຖີບສີແດງ",
    "សាលារៀន ភ្នំពេញ",
    "မြန်မာနိုင်ငံ ရန်ကုန်မြို့",
)


def rows(*captions):
    return [{"caption": caption} for caption in captions]


def test_keeps_ordinary_captions_and_rejects_file_names_and_fragments():
    check_filter(
        CaptionQuality(),
        keeps=rows("a red kite", "Two dogs, one ball.", "x" * 500 + " y" * 250, "zero\u200bwidth \u202ereversed\u202c text"),
        rejects=[
            *rows(None, "", "   ", "a", "red kite", "a b c", "x" * 20_000, "word " * 250),
            *rows("IMG_0042.jpg", "my holiday at sea.PNG", "img_1234 dsc_5678 0001 0002"),
        ],
    )


def test_whole_languages_are_thrown_out_because_their_words_have_no_spaces():
    """A3."""
    check_filter(CaptionQuality(), keeps=rows(*WITHOUT_SPACES, "red bicycle in the park"))


def test_an_absent_caption_has_no_words_and_is_rejected():
    assert judged(CaptionQuality(), [{}, {"caption": None}]) == [{"caption_quality"}] * 2


def test_words_and_characters_are_those_of_the_normal_form():
    measured = CaptionQuality().measure(batch_of(rows("R&amp;amp;D \u00a0 day\u200b"))).to_pylist()
    assert measured == [{"words": 2, "characters": 7, "is_file_name": False}]


def test_bounds_are_options_and_a_row_has_the_reason_once_with_its_number():
    loose = CaptionQuality(min_words=1, min_characters=1, file_names=True, max_characters=20)
    assert judged(loose, rows("kite", "IMG_0042.jpg", "x" * 21)) == [set(), set(), {"caption_quality"}]
    batch = batch_of(rows("a.jpg", "kite", "a b c", "x " * 600))
    found = findings(CaptionQuality(), batch, CaptionQuality().measure(batch))
    assert [(part.details, part.rows.tolist(), part.scores.tolist(), part.threshold) for part in found] == [
        ("is_file_name", [0], [1.0], None),
        ("words", [1], [1.0], 3),
        ("characters", [2], [5.0], 6),
        ("characters", [3], [1199.0], 1000),
    ]


@pytest.mark.parametrize(
    "caption",
    ["photo.jpeg", "http://a.example/b/c.webp", "whatsapp image 2019-01-01 12", "screenshot_20200101-120000", "pxl_20210101 0002"],
)
def test_names_of_files_are_told_from_captions(caption):
    assert is_file_name(caption)


@pytest.mark.parametrize(
    "caption",
    ["", "route 66", "photo of a red kite", "12 34 56 78 90", "1984 2001 2010", "save it as .jpg", "a kite. jpg"],
)
def test_captions_are_told_from_names_of_files(caption):
    assert not is_file_name(caption)


def test_a_long_caption_that_is_nearly_a_file_name_costs_no_time():
    assert not is_file_name("img_1 " * 50_000 + "!")
    assert not is_file_name("a.jpg." * 50_000 + " ")


def test_lengths_differ_by_language():
    """Wish 7."""
    captions = [{"caption": "rotes Fahrrad", "measures": {"language": {"label": label, "score": 0.9}}} for label in ("de", "en", "und")]
    own = CaptionQuality(by_language={"de": {"min_words": 2}, "und": {"max_characters": 10, "min_words": 1}})
    assert repr(own.by_language["de"]) == "{'min_words': 2}", "documents show what the job says"
    assert judged(own, captions) == [set(), {"caption_quality"}, {"caption_quality"}]
    batch = batch_of(captions, own)
    told = [(part.details, part.rows.tolist(), part.threshold) for part in findings(own, batch, own.measure(batch)) if len(part.rows)]
    assert told == [("words", [1], 3), ("characters", [2], 10)]
    with pytest.raises(ValidationError, match=r"by_language\.de\.min_words: Input should be a valid integer"):
        CaptionQuality(by_language={"de": {"min_words": 2.5}})
