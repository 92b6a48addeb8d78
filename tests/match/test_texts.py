"""Code points side by side, against plain Python."""

import itertools

import numpy as np

from transforms.match.texts import ASK, SAYS_NOTHING, SAYS_SOMETHING, Texts

SCRIPTS = ["a red kite", "", "猫が窓辺で寝ている", "고양이", "قطة تنام", "👨‍👩‍👧 4", "e\u0301\u0323", "\ud83d alone", "…—!", "x", "?!", "à"]


def identity(text: str) -> int:
    h = len(text) * 0xFF51AFD7ED558CCD % (1 << 64)
    for at in range(0, len(text), 2):
        for place, character in enumerate(text[at : at + 2]):
            h ^= ord(character) << 32 * place
        h = h * 0xFF51AFD7ED558CCD % (1 << 64)
        h ^= h >> 32
    return h


def test_identities_equal_plain_python_in_many_scripts():
    ids, _ = Texts.of(SCRIPTS).look()
    assert ids.tolist() == [identity(text) for text in SCRIPTS]


def test_texts_of_three_letters_have_as_many_identities():
    texts = [*map("".join, itertools.product("abcdefghijklmnop \0", repeat=3))]
    texts += [text + "\0" for text in texts] + ["\0" + text for text in texts if not text.startswith("\0") and not text.endswith("\0")]
    ids, _ = Texts.of(texts).look()
    assert len(np.unique(ids)) == len(set(texts))


def test_what_a_text_says_is_known_or_asked():
    _, says = Texts.of(SCRIPTS).look()
    for text, said in zip(SCRIPTS, says.tolist(), strict=True):
        ascii_letters = any(character.isascii() and character.isalnum() for character in text)
        expected = SAYS_SOMETHING if ascii_letters else SAYS_NOTHING if text.isascii() else ASK
        assert said == expected, text


def test_some_of_the_texts_look_as_they_do_among_all():
    rows = np.array([11, 0, 5])
    ids, says = Texts.of(SCRIPTS).look()
    some, said = Texts.of(SCRIPTS).take(rows).look()
    assert some.tolist() == ids[rows].tolist()
    assert said.tolist() == says[rows].tolist()
