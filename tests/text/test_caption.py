import gzip
import html
import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.shared_data import shared
from transforms.text.caption import UNSEEN, UNSPACED, count_words, for_language, for_toxicity, normal_form, normal_form_with_map

# Text in which entities, compatibility forms, marks that compose, invisible characters and odd spaces stand close together.
ODD = "ab &#;<@＠xX38amplt\u200b\u00ad\u200d\u0301\u0345\u0327\u1100\u1161\u11a8ｶﾞ\u09c7\u09be\u2028\u00a0\x1c\0ßǰİ\u1fb3ำﬁ각"
ENTITIES = ["&amp;", "&amp;amp;", "&#64;", "&copy2024", "&notit;", "&#x1f;", "&#1", "&nbsp;", "é", "e\u0301", "﷼", " ", "x", "ＡＢ"]
CHARACTERS = st.sampled_from(list(ODD)) | st.characters(exclude_categories=["Cs"])
TEXTS = st.text(alphabet=CHARACTERS) | st.lists(st.sampled_from(ENTITIES) | CHARACTERS).map("".join)


def spelt_out(text):
    """The normal form, one step after the other, as its docstring says it."""
    text = html.unescape(html.unescape(text))
    text = "".join(char for char in text if unicodedata.category(char) != "Cf" and not UNSEEN.match(char))
    for _ in range(2):
        text = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(text.split())


@given(TEXTS)
def test_the_normal_form_is_what_its_docstring_says(text):
    assert normal_form(text) == spelt_out(text)


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_plain_ascii_takes_a_short_cut_to_the_same_form(text):
    assert normal_form(text) == spelt_out(text)


@given(TEXTS)
def test_the_normal_form_of_a_normal_form_is_itself_unless_entities_are_left(text):
    once = normal_form(text)
    if "&" not in once:
        assert normal_form(once) == once


@given(TEXTS)
def test_the_normal_form_has_no_upper_case_no_format_character_and_single_spaces(text):
    normal = normal_form(text)
    assert normal == normal.casefold() == " ".join(normal.split())
    assert not any(unicodedata.category(char) == "Cf" for char in normal)


@given(TEXTS)
@example("&#1")
def test_the_map_gives_the_normal_form_and_never_falls(text):
    normal, starts = normal_form_with_map(text)
    assert normal == normal_form(text)
    assert len(starts) == len(normal) + 1
    assert starts == sorted(starts)
    assert all(0 <= start <= len(text) for start in starts)


@given(st.lists(TEXTS, max_size=3), st.lists(TEXTS, max_size=3))
def test_a_word_in_the_normal_form_comes_from_where_the_map_says(before, after):
    raw_word = "ZＱ&#113;\u200bz"
    raw = " ".join([*before, "", raw_word, "", *after])
    if raw.count(raw_word) == 1 and normal_form(raw).split().count("zqqz") == 1:
        normal, starts = normal_form_with_map(raw)
        at = f" {normal} ".index(" zqqz ")
        assert raw[starts[at] : starts[at + 4]].rstrip() == raw_word


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("café crème à la française", unicodedata.normalize("NFD", "café crème à la française")),
        ("kid's toys & games – best price", "kid&#39;s toys &amp; games &ndash; best price"),
        ("kid's toys & games – best price", "kid&amp;#39;s toys &amp;amp; games &amp;ndash; best price"),
        ("red bicycle", "ｒｅｄ　ｂｉｃｙｃｌｅ"),
        ("bicycle", "bi\u200bcy\u00adcle\ufeff"),
        ("Mail bob@test.example", "Mail bob＠test.example"),
        ("STRASSE", "straße"),
        ("a red bicycle", " a\u2028red\u00a0\u3000\tbicycle\r\n"),
        ("á", "a\u200d\u0301"),
    ],
)
def test_the_same_caption_written_in_two_ways_is_two_captions(one, other):
    """A6."""
    assert normal_form(one) == normal_form(other)


def test_letters_of_another_script_and_entities_escaped_three_times_stay():
    """A6."""
    assert normal_form("аdmin") != normal_form("admin")
    assert normal_form("&amp;amp;amp;lt;") == "&amp;lt;"


@pytest.mark.parametrize("caption", ["", "   ", "\u200b\u00ad", "\u2028\u00a0"])
def test_captions_of_nothing_visible_are_empty(caption):
    """A7."""
    assert normal_form(caption) == ""
    assert count_words(normal_form(caption)) == 0


def test_captions_of_marks_and_smileys_stay_apart_and_so_do_arabic_ones():
    """A7."""
    captions = ["!!!", "🙂🙂", "—", "كتاب جديد", "كِتَاب جديد", "كتب جديدة", "مكتبة المدينة"]
    assert len({normal_form(caption) for caption in captions}) == len(captions)


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("公园里的红色自行车", 4),
        ("赤い自転車が公園にあります", 6),
        ("จักรยานสีแดงในสวนสาธารณะ", 11),
        ("ລົດຖີບສີແດງ", 4),
        ("សាលារៀន ភ្នំពេញ", 5),
        ("ကျောင်းသား", 4),
        ("red bicycle in the park", 5),
        ("빨간 자전거", 2),
        ("iPhone手机壳 新款", 3),
        ("犬", 1),
        ("我 爱 你", 3),
        ("。、！", 1),
    ],
)
def test_scripts_without_spaces_have_one_word(caption, words):
    """A3."""
    assert count_words(normal_form(caption)) == words


def test_the_scripts_without_spaces_are_the_ones_that_unicode_names():
    names = ("CJK UNIFIED", "CJK COMPATIBILITY IDEOGRAPH", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
    inside = {code for _, first, last in UNSPACED for code in range(first, last + 1)}
    for code in range(0x33000):
        name = unicodedata.name(chr(code), "")
        letter = unicodedata.category(chr(code)) in ("Lo", "Lm") and unicodedata.is_normalized("NFKC", chr(code))
        if letter and name.startswith(names):
            assert code in inside, name
        if code in inside and letter:
            assert name.startswith((*names, "HENTAIGANA", "IDEOGRAPHIC", "VERTICAL", "MASU")), name


@given(TEXTS)
def test_models_see_one_line_of_letters_without_names_or_digits(text):
    normal = normal_form(text)
    for shown in (for_toxicity(normal), for_language(normal)):
        assert shown == " ".join(shown.split())
    assert not re.search(r"@\w", for_toxicity(normal))
    assert not re.search(r"[\d\0]", for_language(normal))


def test_links_names_addresses_and_digits_go_as_each_model_needs():
    text = normal_form("RT @Some_One: see https://a.example/B?c=1 or www.b.example, mail bob.b@mail.example 2019")
    assert for_toxicity(text) == "rt : see or mail bob.b .example 2019"
    assert for_language(text) == "rt @some_one: see or mail"


@pytest.mark.shared
def test_real_captions_keep_their_words():
    path = shared("data", "captions", "multi30k", "data", "task1", "raw", "train.fr.gz")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = [line.rstrip("\n") for _, line in zip(range(500), file, strict=False)]
    for line in lines:
        normal, starts = normal_form_with_map(line)
        assert normal == spelt_out(line)
        assert len(normal.split()) == len(line.split()) == count_words(normal)
        assert [line[starts[at]].casefold() for at in range(len(normal)) if normal[at].isascii()] == [
            char for char in normal if char.isascii()
        ]
