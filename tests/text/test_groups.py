import csv
import json
import pathlib

import pytest

from schemas.annotations import GROUPS
from tests.shared_data import shared
from transforms.text.groups import AGE_LEVELS, GENDERS, groups, mentions
from transforms.text.lexicon import AMBIGUOUS, LEXICONS, Says, alternatives
from transforms.text.regions import GENERIC, SUBREGIONS, region_of


def gender_and_age(caption: str | None, language: str | None = "en") -> tuple[str, str]:
    found = groups([caption], [language], [None]).to_pylist()[0]
    return found["gender"], found["age"]


@pytest.mark.parametrize(
    ("caption", "gender", "age"),
    [
        ("a woman in red", "feminine", "adult"),
        ("a man and a woman", "mixed", "adult"),
        ("two boys play", "masculine", "child"),
        ("a young blonde woman", "feminine", "young"),
        ("teenage girls at a concert", "feminine", "young"),
        ("an old bearded man", "masculine", "older"),
        ("a senior couple on a bench", "unspecified", "older"),
        ("a grandmother and her grandson", "mixed", "older"),
        ("a mother and her baby", "feminine", "mixed"),
        ("a 12 year old boy", "masculine", "child"),
        ("an old car and a man", "masculine", "adult"),
        ("people at a market", "unspecified", "unspecified"),
        ("she smiles", "feminine", "unspecified"),
        ("men's running shoes", "masculine", "adult"),
        ("a red bicycle", "no_person", "no_person"),
        (None, "no_person", "no_person"),
    ],
)
def test_a_caption_says_what_its_words_say(caption, gender, age):
    assert gender_and_age(caption) == (gender, age)


@pytest.mark.parametrize(
    "caption",
    ["king size bed", "farmers market", "a couple of apples", "model of a pitcher", "gingerbread man", "man-made lake", "a snowman",
     "a dog with a ball in his mouth", "dvd player", "baby elephant", "a manatee", "mandarin oranges"],
)  # fmt: skip
def test_a_word_that_means_a_thing_mentions_nobody(caption):
    assert gender_and_age(caption) == ("no_person", "no_person")


def test_a_pronoun_is_a_persons_where_a_person_is_named():
    assert gender_and_age("a person with his dog")[0] == "masculine"


def test_a_language_without_a_list_is_unsupported_and_not_empty_of_people():
    assert gender_and_age("eine junge frau", "de") == ("unsupported_language", "unsupported_language")
    assert gender_and_age("公园里的女人", "zh") == ("unsupported_language", "unsupported_language")
    assert gender_and_age(None, None) == ("no_person", "no_person")
    assert gender_and_age("12 / 34", "und") == ("no_person", "no_person")


def test_an_undetermined_caption_is_searched_but_finding_nothing_says_nothing():
    assert gender_and_age("happy woman", "und") == ("feminine", "adult")
    assert gender_and_age("junge frau", "und") == ("unsupported_language", "unsupported_language")


def test_groups_do_not_depend_on_batching():
    captions = ["a man", None, "eine frau", "", "two girls and an old man", "a dog"]
    languages = ["en", None, "de", "und", "en", "en"]
    hosts = ["a.fr", None, "b.de", "c.com", "d.co.jp", "192.0.2.1"]
    whole = groups(captions, languages, hosts)
    assert whole.type == GROUPS
    assert whole.to_pylist() == [groups([c], [g], [h]).to_pylist()[0] for c, g, h in zip(captions, languages, hosts, strict=True)]
    assert len(groups([], [], [])) == 0


def test_a_line_break_in_a_caption_does_not_move_the_next_rows_mention():
    assert [bool(bits) for bits in mentions(["a\nb", "a man", "c"], "en")] == [False, True, False]


def test_no_ambiguous_word_stands_in_a_list():
    assert not AMBIGUOUS & LEXICONS["en"].terms.keys()


def test_every_term_is_found_by_the_expression():
    pattern = LEXICONS["en"].pattern()
    for term in LEXICONS["en"].terms:
        assert pattern.fullmatch(term), term
        assert term == term.casefold()


def test_alternatives_prefer_the_longest_word():
    import re

    assert re.match(alternatives(["a", "ab", "abc", "b"]), "abcd").group() == "abc"


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("www.bbc.co.uk", "Northern Europe"),
        ("example.com.br", "South America"),
        ("xn--fiqs8s", "Eastern Asia"),
        ("пример.рф", "Eastern Europe"),
        ("EXAMPLE.DE.", "Western Europe"),
        ("example.com", "unknown"),
        ("example.tv", "unknown"),
        ("example.eu", "unknown"),
        ("192.0.2.1", "unknown"),
        ("[2001:db8::1]", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_host_speaks_for_a_subregion_only_through_its_country_code(host, region):
    assert region_of(host) == region


def test_no_country_code_stands_in_two_subregions():
    labels = " ".join(SUBREGIONS.values()).split()
    assert len(labels) == len(set(labels))
    assert len(SUBREGIONS) == 22 + 1
    assert GENERIC - set(labels) == {"su"}


@pytest.mark.shared
def test_our_words_agree_with_the_published_english_gender_lexicon():
    lists = json.loads(shared("data/demographics/responsible_nlp/gender_lexicon/v1.0/eng_nouns.json").read_text())
    left_out = {"individual"}
    for level, nouns in lists.items():
        for word in {form for noun in nouns for form in noun.values()} - left_out:
            assert gender_and_age(f"the {word} here")[0] == level, word


@pytest.mark.shared
@pytest.mark.parametrize(("file", "opposite"), [("female_word_file.txt", Says.MASCULINE), ("male_word_file.txt", Says.FEMININE)])
def test_no_word_of_ours_contradicts_the_published_gender_pairs(file, opposite):
    words = pathlib.Path(shared("data/demographics/gn_glove/wordlist", file)).read_text().split()
    terms = LEXICONS["en"].terms
    assert sum(word in terms for word in words) > 60
    assert [word for word in words if terms.get(word, Says(0)) & opposite] == []


@pytest.mark.shared
def test_our_subregions_agree_with_a_published_table_but_where_that_departs_from_m49():
    departs = {  # of mledoze/countries, which follows its own division of Europe and of North America
        "Central Europe", "Southeast Europe", "North America",
    }  # fmt: skip
    m49 = {"cy": "Western Asia", "ss": "Eastern Africa"}
    with open(shared("data/demographics/countries/dist/countries.csv"), newline="") as file:
        rows = [(row["cca2"].lower(), row["subregion"]) for row in csv.DictReader(file)]
    ours = {label: region for region, labels in SUBREGIONS.items() for label in labels.split()}
    checked = 0
    for label, region in rows:
        if region and region not in departs and label in ours:
            assert ours[label].casefold() == m49.get(label, region).casefold(), label
            checked += 1
    assert checked > 200


def test_levels_are_those_the_documents_know():
    assert GENDERS == ("feminine", "masculine", "mixed", "unspecified", "no_person", "unsupported_language")
    assert AGE_LEVELS[:4] == ("child", "young", "adult", "older")
