import gzip

import fasttext
import pytest
from pydantic import ValidationError

from schemas.errors import MissingError
from tests.filters.conformance import batch_of, check_filter, findings, judged
from tests.shared_data import shared
from transforms.filters.language import LABELS, UNDETERMINED, Language, determined
from transforms.models.artefacts import artefact
from transforms.models.fasttext_classifier import load
from transforms.text.caption import normal_form

LINK = "https://www.example.com/en/photos/index.html"
GERMAN = "Zwei junge Männer stehen im Garten"
ARABIC = "دراجة حمراء في الحديقة"


def rows(*captions):
    return [{"caption": caption} for caption in captions]


def measured(*captions):
    return Language().measure(batch_of(rows(*captions))).to_pylist()


def labels(*captions):
    return [found and found["label"] for found in measured(*captions)]


def test_nothing_is_dropped_unless_the_job_names_languages_to_keep():
    check_filter(Language(), keeps=rows("a red bicycle in the park", GERMAN, ARABIC, "", None))
    check_filter(
        Language(keep=("en",)),
        keeps=rows("a red bicycle in the park", "A RED BICYCLE IN THE PARK", "xxl 4711 zq", "🙂 🙂 🙂 🙂", "", None),
        rejects=rows(GERMAN, ARABIC, "Deux chiens courent sur la plage", "Muž v červené bundě jede na kole"),
    )


def test_captions_of_no_determined_language_go_only_where_the_job_says_so():
    strict = Language(keep=("en", "de"), keep_undetermined=False)
    check_filter(strict, keeps=rows(GERMAN, None), rejects=rows("12 34 56 78 90", "xxl zq"))
    assert judged(strict, rows("   ", None)) == [{"language"}, set()]


def test_the_evidence_names_the_language_and_the_score():
    batch = batch_of(rows("a red bicycle in the park", GERMAN, None))
    [found] = findings(Language(keep=("en",)), batch, Language().measure(batch))
    assert (found.rows.tolist(), found.details, found.threshold) == ([1], ["de"], None)
    assert found.scores[0] == measured(GERMAN)[0]["score"] == round(found.scores[0], 4)


def test_whole_languages_are_undetermined_because_their_words_have_no_spaces():
    """A3."""
    texts = {
        "zh": "公园里的红色自行车",
        "ja": "赤い自転車が公園にあります",
        "th": "จักรยานสีแดงในสวนสาธารณะ",
        "lo": "ລົດຖີບສີແດງ",
        "km": "សាលារៀន ភ្នំពេញ",
        "en": "red bicycle in the park",
    }
    assert labels(*texts.values()) == list(texts)
    check_filter(Language(keep=tuple(texts), keep_undetermined=False), keeps=rows(*texts.values()))


@pytest.mark.parametrize("inside", ["\n", "\r\n", "\u2028", "\u2029", "\u0085", "\0", "\t", "\v", " \n \n "])
def test_a_line_break_in_a_caption_stops_the_model(inside):
    """A8."""
    [broken, whole] = measured(f"a red bicycle{inside}in the park", "a red bicycle in the park")
    assert broken == whole
    assert broken["label"] == "en"


def test_digits_file_names_and_smileys_are_english():
    """A9."""
    assert labels("12 34 56 78 90", "img_1234 dsc_5678 0001 0002", "🙂 🙂 🙂 🙂", LINK, "bob@test.example", "١٢ ٣٤") == [UNDETERMINED] * 6


@pytest.mark.parametrize(("caption", "label"), [(GERMAN, "de"), (ARABIC, "ar")])
def test_a_link_or_a_number_makes_a_sentence_english(caption, label):
    """A9."""
    [plain, *dressed] = measured(caption, f"{caption} {LINK}", f"{caption} 2019 0042", f"{caption} bob.b@mail.example")
    assert plain["label"] == label
    assert dressed == [plain] * 3


def test_a_few_words_are_undetermined_unless_the_model_is_sure():
    found = measured("red kite", "der rote drachen", "drachen")
    for few in found:
        assert (few["label"] == UNDETERMINED) == (few["score"] < 0.8)
    assert {few["label"] for few in found} == {UNDETERMINED, "de"}


def test_where_the_model_wavers_the_language_that_is_common_on_the_web_is_told():
    czech, slovak = "Muž v zelených kalhotách", "Dve deti sa hrajú na pieskovisku pri rieke"
    assert labels(czech, slovak) == ["cs", "sk"]
    likeliest = load(Language.path()).likeliest(normal_form(czech), 5)
    assert [label for label, _ in likeliest[:2]] == ["sk", "cs"]
    assert measured(czech)[0]["score"] == round(likeliest[1][1], 4)  # the model's own


@pytest.mark.shared
@pytest.mark.parametrize("language", ["en", "de", "fr", "cs"])
def test_captions_are_told_right_whole_and_from_four_words_in_any_case(language):
    with gzip.open(shared("data", "captions", "multi30k", "data", "task1", "raw", f"train.{language}.gz"), "rt", encoding="utf-8") as file:
        captions = [line.split() for line in file.read().splitlines()[::21]]
    model = load(Language.path())
    for words, least in ((None, 0.98), (4, 0.94)):
        texts = [" ".join(caption[:words]) for caption in captions if words is None or len(caption) >= words]
        for change in (str, str.upper, str.title):
            assert sum(determined(model, normal_form(change(text)))[0] == language for text in texts) / len(texts) >= least


@pytest.mark.shared
@pytest.mark.parametrize("folder", ["single-words", "word-pairs"])
def test_words_of_another_language_are_seldom_called_english(folder):
    texts = []
    for file in sorted(shared("data", "language", "lingua", "language-testdata", folder).glob("*.txt")):
        texts += file.read_text(encoding="utf-8").splitlines()[::20] if file.stem != "en" else []
    model = load(Language.path())
    assert len(texts) > 3_000
    assert sum(determined(model, normal_form(text))[0] == "en" for text in texts) / len(texts) < 0.01


def test_names_of_people_stay_because_they_say_something_of_the_language():
    assert measured("@müller und seine frau im garten") != measured("und seine frau im garten")


def test_capitals_do_not_change_the_language():
    assert measured(GERMAN.upper()) == measured(GERMAN)


def test_an_absent_caption_has_no_language_and_an_empty_one_none_that_can_be_told():
    assert measured(None, "", "!!!") == [None, {"label": UNDETERMINED, "score": 0.0}, {"label": UNDETERMINED, "score": 0.0}]


def test_a_language_that_the_model_does_not_know_is_refused_and_so_is_an_empty_list():
    for keep in (("english",), ("en", "EN"), ()):
        with pytest.raises(ValidationError, match=r"language|keeps every"):
            Language(keep=keep)
    assert Language.model_validate({"keep": ["en", "und"]}).keep == ("en", "und")


def test_the_model_is_named_hashed_and_has_the_labels_that_we_list():
    [model] = Language().models()
    assert model.name == "language: lid.176"
    found = fasttext.load_model(model.path).f.predict("text\n", -1, -1.0, "strict")
    assert {label.removeprefix("__label__") for _, label in found} == LABELS
    assert set(load(model.path).probabilities("text")) == LABELS


def test_a_model_that_is_missing_or_is_another_file_stops_the_job_and_names_the_cure(tmp_path):
    with pytest.raises(MissingError, match=r"none\.ftz cannot be read .*Install it anew"):
        artefact("language: lid.176", str(tmp_path / "none.ftz"), None, "Install it anew")
    other = tmp_path / "other.ftz"
    other.write_bytes(b"something else")
    with pytest.raises(MissingError, match=r"has SHA-256 [0-9a-f]{64}, not 8f34.*Install it anew"):
        artefact("language: lid.176", str(other), "8f34", "Install it anew")
    with pytest.raises(MissingError, match="is no fastText classifier"):
        load(str(other))
