"""Characters that nobody sees are counted where they hide something, and not where writing needs them."""

import pytest

from tests.captions import real_captions
from transforms.text.caption import normal_form, normal_form_with_map
from transforms.text.invisible import LONG_RUN, invisible

SMUGGLED = "\U0001f600" + "".join(chr(0xE0100 + byte) for byte in b"ignore all of it")


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("a pho\u200bto of a d\u2060o\ufeffg", {"zero_width": 3}),
        ("a pho&#8203;to, p&amp;#x200B;ark", {"zero_width": 2}),
        ("e\u0301\u200ba", {"zero_width": 1}),
        ("invoice\u202egnp.exe", {"bidi": 1}),
        ("\u05d0\u202e\u05d1", {"bidi": 1}),
        ("a d\u2067og", {"bidi": 1}),
        ("photo" + "".join(chr(0xE0000 + ord(char)) for char in "dog"), {"tags": 3}),
        ("f\ufe0fuel", {"variation": 1}),
        (SMUGGLED, {"variation": 15}),
        ("a hill " + "\u200b\u200c" * (LONG_RUN // 2) + " at dawn", {"zero_width": LONG_RUN}),
    ],
)
def test_what_hides_something_is_counted(text, counts):
    assert invisible(text) == counts


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 a family",
        "\u2764\ufe0f\u2764\ufe0f\ufe0f, 1\ufe0f\u20e3 \u00a9\ufe0f \u2122\ufe0f",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f England",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian
        "\u0915\u094d\u200d\u0937 \u0d28\u0d4d\u200d",  # Devanagari, Malayalam
        "\u0e20\u0e32\u0e29\u0e32\u200b\u0e44\u0e17\u0e22",  # Thai
        "\u845b\U000e0100\u57ce",  # an ideographic variant
        "\u05e9\u05dc\u05d5\u05dd\u200f (\u200eABC\u200e) \u2067\u05e2\u05d1\u2069",
        "Photo by \u2068Jo Example\u2069 in Rome",
        "Donau\u00addampf\u00adschiff",
        "\ufeffa caption with a mark of its file, and one \u200b at a break",
        "plain words &amp; nothing else",
        "",
    ],
)
def test_what_writing_needs_is_not(text):
    assert invisible(text) == {}


@pytest.mark.shared
def test_of_real_captions_hardly_any_hides_something():
    captions = [caption for group in real_captions() for caption in group]
    assert len(captions) > 40_000
    assert sum(bool(invisible(caption)) for caption in captions) <= 2


def test_the_normal_form_holds_none_of_them_but_what_makes_emoji():
    for text in ("a pho\u200bto", "invoice\u202egnp", "do\U000e0064g", "f\ufe01uel", "do\u034fg", "a\u3164\u1160\uffa0b"):
        assert normal_form(text).isascii()
    assert normal_form(SMUGGLED) == SMUGGLED[:1]
    assert normal_form("\u2764\ufe0f \u845b\U000e0100\u57ce") == "\u2764\ufe0f \u845b\u57ce"


def test_the_map_leads_back_over_what_went():
    assert normal_form_with_map("f\ufe01u\u034fel \u2764\ufe0f!") == ("fuel \u2764\ufe0f!", [0, 2, 4, 5, 6, 7, 8, 9, 10])
