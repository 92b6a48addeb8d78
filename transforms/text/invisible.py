"""Counts characters of a caption that nobody sees and that change what programs read: split words, turned text, hidden messages.

What writing needs is not counted: joiners of emoji, of Persian and of Indic scripts, break marks of Thai or Khmer, one variation selector
after a sign, flags of regions spelled in tags, direction marks beside right-to-left text, soft hyphens, and a lone mark that an editor
left between words. Unicode 15.1: UTS 51 (emoji sequences), UAX 9 (bidi controls), UTS 39 (what hides in identifiers).

* `zero_width`: a character without width between two letters or digits of a script that needs none there, or eight in a row anywhere.
* `bidi`: an override, wherever it is (Boucher and Anderson 2021, Trojan source); another bidi control between two such letters.
* `tags`: a character of the block U+E0000 that is no part of an emoji flag.
* `variation`: a variation selector after such a letter, or after another selector: a run of them can spell any bytes.
"""

import html
import re
import unicodedata
from typing import Final

KINDS: Final = ("zero_width", "bidi", "tags", "variation")
LONG_RUN: Final = 8

_ZERO_WIDTH: Final = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2060-\u2064\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a"
)
_OVERRIDES: Final = "\u202d\u202e"
_BIDI: Final = "\u061c\u202a-\u202c\u2066-\u2069"
_TAGS: Final = "\U000e0000-\U000e007f"
_VARIATION: Final = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_RUN: Final = re.compile(f"[{_ZERO_WIDTH}{_OVERRIDES}{_BIDI}{_TAGS}{_VARIATION}]+")
_KIND: Final = tuple(
    (kind, re.compile(f"[{characters}]"))
    for kind, characters in (("zero_width", _ZERO_WIDTH), ("bidi", _OVERRIDES + _BIDI), ("tags", _TAGS), ("variation", _VARIATION))
)
# An emoji flag of a region (England, Texas): a black flag, its code in tags, the closing tag.
_FLAG: Final = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
# Scripts that are written without such characters: Latin, Greek, Cyrillic, Armenian, Georgian, Cherokee, their forms in other blocks.
_PLAIN: Final = re.compile(
    "[0-9A-Za-z\u00aa-\u02af\u0370-\u058f\u10a0-\u10ff\u13a0-\u13ff\u1c80-\u1cbf\u1d00-\u1dbf\u1e00-\u1fff\u2c00-\u2c7f\u2d00-\u2d2f\ua640-\ua69f"
    "\ua720-\ua7ff\uab30-\uabbf\uff10-\uff5a\U0001d400-\U0001d7ff]"
)


def invisible(text: str) -> dict[str, int]:
    r"""How many characters of each of `KINDS` a raw caption holds, HTML entities undone as in its normal form; kinds without any left out.

    >>> invisible("per\u200bfect pho&#8203;to"), invisible("\u202egnp.exe"), invisible("hi\U000e0049\U000e0050")
    ({'zero_width': 2}, {'bidi': 1}, {'tags': 2})
    >>> invisible("a family \U0001f468\u200d\U0001f469\u200d\U0001f467 at home\u200b, \u2764\ufe0f, soft\u00adhyphen, می\u200cخواهم")
    {}
    """
    if text.isascii() and "&" not in text:
        return {}
    for _ in range(2):
        text = html.unescape(text) if "&" in text else text
    if not _RUN.search(text):
        return {}
    counts = dict.fromkeys(KINDS, 0)
    plain = _FLAG.sub("\U0001f3f4", text)
    for run in _RUN.finditer(plain):
        inside = _is_plain(_before(plain, run.start())) and _is_plain(plain[run.end() : run.end() + 1])
        _count(run.group(), counts, inside=inside, after=_before(plain, run.start()))
    return {kind: number for kind, number in counts.items() if number}


def spelled_out(text: str) -> str:
    r"""A text with every character that may hide something written as its number.

    >>> spelled_out("a d\u200bog")
    'a d⟨U+200B⟩og'
    """
    return _RUN.sub(lambda run: "".join(f"⟨U+{ord(char):04X}⟩" for char in run.group()), text)


def _count(run: str, counts: dict[str, int], *, inside: bool, after: str) -> None:
    """Adds what counts of a run of such characters, which stands inside a word or not, after some character."""
    long = len(run) >= LONG_RUN
    for place, char in enumerate(run):
        kind = next(kind for kind, pattern in _KIND if pattern.match(char))
        if kind == "tags" or char in _OVERRIDES:
            counts[kind] += 1
        elif kind == "variation":
            before = run[place - 1] if place else ""
            follows = bool(before) and _KIND[-1][1].match(before) is not None and (before != char or long)
            counts[kind] += follows or (not place and after.isalpha() and _is_plain(after))
        else:
            counts[kind] += inside or long


def _before(text: str, at: int) -> str:
    """The character that a place follows, marks over and under it left out; empty at the start."""
    while at and unicodedata.combining(text[at - 1]):
        at -= 1
    return text[at - 1 : at]


def _is_plain(char: str) -> bool:
    """Whether a character is a letter or digit of a script that needs nothing invisible.

    >>> _is_plain("é"), _is_plain("م"), _is_plain("-"), _is_plain("")
    (True, False, False, False)
    """
    return bool(char) and char.isalnum() and _PLAIN.match(char) is not None
