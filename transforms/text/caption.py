"""The one normal form of a caption, with the way back to the raw text, and what is counted and shown to models in it.

Matching, word lists, personal data, language and toxicity all see a caption in this form; the raw caption is what is published.
HTML entities are undone (twice at most: web text is often escaped twice, and text about HTML is not to be undone for ever), format
characters and others that nobody sees go, compatibility forms are made plain (Unicode NFKC, UAX 15), case is folded, both once more for
what folding takes apart, and every run of Unicode white space is one space.
"""

import functools
import html
import re
import unicodedata
from collections.abc import Iterator

# The grammar of a character reference as HTML 5 and `html.unescape` have it.
_ENTITY = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)")
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_NAME = re.compile(r"@\w+")
_EMAIL = re.compile(r"[\w.+-]+@\w[\w-]*(?:\.\w[\w-]*)+")
_DIGITS = re.compile(r"[\d\0]+")  # a null character, too, separates words for fastText

# Shown as nothing and no format characters (Default_Ignorable_Code_Point, Unicode 15.1): a joiner, fillers, variation selectors. The last
# two of the plain selectors stay, since they make an emoji of a sign.
UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0d\uffa0\U000e0100-\U000e01ef]")

# Blocks of the scripts that put no spaces between words: first and last code point, inclusive (Unicode 15 block names).
UNSPACED = (
    ("Thai, Lao", 0x0E00, 0x0EFF),
    ("Myanmar", 0x1000, 0x109F),
    ("Khmer", 0x1780, 0x17FF),
    ("Han iteration and closing marks, ideographic zero", 0x3005, 0x3007),
    ("Hiragana, Katakana", 0x3041, 0x30FF),
    ("Katakana extensions", 0x31F0, 0x31FF),
    ("Han extension A", 0x3400, 0x4DBF),
    ("Han", 0x4E00, 0x9FFF),
    ("Myanmar extended B", 0xA9E0, 0xA9FF),
    ("Myanmar extended A", 0xAA60, 0xAA7F),
    ("Han compatibility", 0xF900, 0xFAFF),
    ("Kana supplements", 0x1AFF0, 0x1B16F),
    ("Han, planes 2 and 3", 0x20000, 0x3FFFD),
)
CHARACTERS_PER_WORD = 2
_UNSPACED = re.compile("[" + "".join(f"{chr(first)}-{chr(last)}" for _, first, last in UNSPACED) + "]")


def normal_form(text: str) -> str:
    r"""The caption as matching, word lists and models see it.

    Idempotent, but for entities that were escaped more than twice or that full-width characters spell.

    >>> normal_form("Kid&amp;#39;s  Toys\u00a0&amp; GAMES\u2028\uff52\uff45\uff44")
    "kid's toys & games red"
    >>> normal_form("zero\u200bwidth, soft\u00adhyphen")
    'zerowidth, softhyphen'
    >>> normal_form("hid\ufe01den mess\u034fage")
    'hidden message'
    """
    if text.isascii() and "&" not in text:
        if "  " not in text and text.isprintable():  # the only white space there is stands alone
            return text.lower().strip(" ")
    else:
        for _ in range(2):
            if "&" in text:
                text = html.unescape(text)
        text = unicodedata.normalize("NFKC", UNSEEN.sub("", _without_format(text))).casefold()
        text = unicodedata.normalize("NFKC", text)  # folding takes letters apart: a sharp s with an accent is a plain one and one with it
    return " ".join(text.casefold().split())


def normal_form_with_map(text: str) -> tuple[str, list[int]]:
    """The normal form, and where each of its characters begins in the raw text.

    The map has one entry more than the normal form has characters and never falls: the characters `[start, end)` of the normal form
    come from the code points `[map[start], map[end])` of the raw text, removed characters and shrunken white space after them included.

    >>> normal, starts = normal_form_with_map(" Mail&nbsp; bob&#64;test.example !")
    >>> at = normal.index("bob@test.example")
    >>> " Mail&nbsp; bob&#64;test.example !"[starts[at] : starts[at + 16]]
    'bob&#64;test.example'
    """
    pieces = [(char, start) for start, char in enumerate(text)]
    end = len(text)
    if not text.isascii() or "&" in text:
        for _ in range(2):
            pieces = list(_unescaped(pieces))
        pieces = [(char, start) for char, start in pieces if unicodedata.category(char) != "Cf" and not UNSEEN.match(char)]
        pieces = list(_composed(pieces))
    folded = [(char, start) for piece, start in pieces for char in piece.casefold()]
    if not text.isascii() or "&" in text:
        folded = [(char, start) for piece, start in _composed(folded) for char in piece.casefold()]
    normal: list[str] = []
    starts: list[int] = []
    for char, start in folded:
        if not char.isspace():
            normal.append(char)
            starts.append(start)
        elif normal and normal[-1] != " ":
            normal.append(" ")
            starts.append(start)
    if normal and normal[-1] == " ":
        end = starts.pop()
        normal.pop()
    return "".join(normal), [*starts, end]


def count_words(normal: str) -> int:
    """Words of a caption in normal form: runs between spaces; in scripts written without spaces two characters are a word.

    Vowel signs and tone marks above or below a letter are no characters of their own here. A run always counts as one word at least.

    >>> count_words("a red bicycle"), count_words("公园里的红色自行车"), count_words("iphone手机 4")
    (3, 4, 3)
    """
    words = normal.split()
    if normal.isascii() or not _UNSPACED.search(normal):
        return len(words)
    return sum(_words_in(word) for word in words)


def for_toxicity(normal: str) -> str:
    """What a toxicity model sees of a caption in normal form: no link and no @name, which say nothing and can look like anything.

    >>> for_toxicity("thanks @some_one see https://example.org/ass now")
    'thanks see now'
    """
    if "@" not in normal and "www." not in normal and "://" not in normal:
        return normal
    return " ".join(_NAME.sub(" ", _LINK.sub(" ", normal)).split())


def for_language(normal: str) -> str:
    r"""What a language model sees of a caption in normal form: no link, e-mail address or digit; text without any letter is empty.

    Links and numbers are "English" to a model: a link took a German sentence of four words from .79 to .50. @names stay.

    >>> for_language("ein hund am strand 2019 https://www.example.com/en/photo.html")
    'ein hund am strand'
    >>> for_language("12 34 56 \U0001f642 ...")
    ''
    """
    text = _LINK.sub(" ", normal) if "www." in normal or "://" in normal else normal
    text = _EMAIL.sub(" ", text) if "@" in text else text
    text = " ".join(_DIGITS.sub(" ", text).split())
    return text if any(map(str.isalpha, text)) else ""


def _without_format(text: str) -> str:
    # str.isprintable is false wherever a format character stands, and far quicker than asking for each category.
    return text if text.isprintable() else "".join(char for char in text if unicodedata.category(char) != "Cf")


def _words_in(word: str) -> int:
    inside = _UNSPACED.findall(word)
    if not inside:
        return 1
    characters = sum(char.isalnum() or unicodedata.category(char) == "Mc" for char in inside)
    others = len(inside) < len(word) and any(char.isalnum() for char in _UNSPACED.sub("", word))
    return max(1, characters // CHARACTERS_PER_WORD + others)


def _unescaped(pieces: list[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    text = "".join(char for char, _ in pieces)
    done = 0
    for found in _ENTITY.finditer(text):
        undone = html.unescape(found.group())
        if undone == found.group():
            continue
        tail = _common_tail(undone, found.group())
        yield from pieces[done : found.start()]
        yield from ((char, pieces[found.start()][1]) for char in undone[: len(undone) - tail])
        done = found.end() - tail
    yield from pieces[done:]


def _common_tail(left: str, right: str) -> int:
    """Characters that a reference without a semicolon (`&copy2024`) left alone at its end."""
    length = 0
    while length < min(len(left), len(right)) and left[-1 - length] == right[-1 - length] and right[-1 - length] != ";":
        length += 1
    return length


def _composed(pieces: list[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """NFKC, one run of characters that can touch each other at a time."""
    text = "".join(char for char, _ in pieces)
    borders = [at for at, char in enumerate(text) if at == 0 or _begins(char)]
    for start, stop in zip(borders, [*borders, len(text)][1:], strict=True):
        yield from ((char, pieces[start][1]) for char in unicodedata.normalize("NFKC", text[start:stop]))


@functools.lru_cache(maxsize=65_536)
def _begins(char: str) -> bool:
    """Whether nothing before a character can change what NFKC makes of it."""
    if char.isascii():
        return True
    first = unicodedata.normalize("NFKD", char)[0]
    return unicodedata.combining(first) == 0 and first not in _second_halves()


@functools.cache
def _second_halves() -> frozenset[str]:
    """Characters of combining class 0 that compose with one before them: parts of Hangul and of some Indic vowels."""
    found = {chr(code) for code in range(0x1161, 0x11C3)}
    for code in [*range(0x80, 0x3400), *range(0x11000, 0x12000), *range(0x16000, 0x17000)]:
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            found.add(chr(int(parts[1], 16)))
    return frozenset(char for char in found if unicodedata.combining(char) == 0)
