"""Finds phone, card, IBAN and US social security numbers and IP addresses in URLs and file names, where a word before says what they are.

Numbers in links are nearly always somebody's identifiers for something else: of the 16-digit ones three in a hundred pass for a card.
So a number counts only after a word (`phone=`, `tel_`, `iban:`), and only if it can be one: check digits, number plans. A bare number of a
phone counts after `=` or `:` alone, since `/phones/7700900123` is a product; elsewhere it needs its plus sign or 00.

    phone=%2B447700900123   tel:+44-7700-900123   wa.me/447700900123   card_4111111111111111   iban=GB82WEST12345698765432   ip=106.31.73.20
"""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Final
from urllib.parse import unquote

from transforms.text.personal_data import CARD, IBAN, IP, PHONE, SSN, Span
from transforms.text.personal_numbers import is_card, is_date, is_global_ip, is_iban, is_international, is_ssn

_BETWEEN: Final = r"(?:number|num|no|nr|address|addr)?"
_TIE: Final = r"(?:[-_. ]|%20)"
_SAYS: Final = r"(?:=|:|%3d|%3a)(?://)?"
_DIGITS: Final = r"\(?[0-9](?:(?:[-. ()_]|%20|%28|%29){0,2}[0-9])"


def _pattern(cues: str, joint: str, value: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z])(?:{cues}){_TIE}?{_BETWEEN}(?P<joint>{joint})(?P<value>{value})(?![a-z0-9])", re.IGNORECASE | re.ASCII)


_PHONE_WORDS: Final = r"phones?|tel|telephone|telefon|telefono|mobile|msisdn|whatsapp|fax|handy"
_IPV4, _IPV6 = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", r"[0-9a-f]{1,4}(?:(?::|%3a){1,2}[0-9a-f]{1,4}){2,7}"
_PATTERNS: Final = (
    (PHONE, re.compile(r"(?<![a-z0-9.])wa\.me/(?P<joint>)(?P<value>[0-9]{10,15})(?![a-z0-9])", re.IGNORECASE | re.ASCII)),
    (PHONE, _pattern(_PHONE_WORDS, rf"{_SAYS}|/|{_TIE}+", rf"(?:\+|%2b|00)?{_DIGITS}{{6,14}}")),
    (CARD, _pattern(r"(?:credit|debit)?_?-?card|ccn?|pan|visa|mastercard", rf"{_SAYS}|{_TIE}+", rf"{_DIGITS}{{11,18}}")),
    (SSN, _pattern(r"ssn|social_?-?security", rf"{_SAYS}|{_TIE}+", r"[0-9]{3}(?:[-_ ]|%20)?[0-9]{2}(?:[-_ ]|%20)?[0-9]{4}")),
    (IBAN, _pattern(r"iban", rf"{_SAYS}|{_TIE}+", r"[a-z]{2}[0-9]{2}(?:(?:[- ]|%20)?[0-9a-z]){11,30}")),
    (IP, _pattern(r"(?:client|remote|user)?_?-?ip", _SAYS, f"{_IPV4}|{_IPV6}")),
)


def find_in_link(link: str, kinds: Collection[str]) -> list[Span]:
    """Every number of these kinds in a URL, a path or a file name that a word before it names, in order of its start.

    >>> find_in_link("https://img.example/send?phone=%2B44%207700%20900123&id=4111111111111111", (PHONE, CARD))
    [Span(kind='phone', start=31, end=52)]
    >>> find_in_link("https://shop.example/phones/7700900123/card/1748503543012.jpg", (PHONE, CARD))
    []
    """
    if not any(char.isdigit() for char in link):
        return []
    found = [
        Span(kind, *match.span("value"))
        for kind, pattern in _PATTERNS
        if kind in kinds
        for match in pattern.finditer(link)
        if _can_be[kind](match["joint"], unquote(match["value"]))
    ]
    return list(_apart(sorted(found, key=lambda span: span.start)))


def is_link(text: str) -> bool:
    """Whether a text is a URL, a path or a file name rather than words: no white space, a letter, and a slash or an ending.

    >>> [is_link(text) for text in ("photos/4111", "IMG_4111.JPEG", "http://4111", "4111 1111", "jane", "+49/221/123", "Tel.:0221/123")]
    [True, True, True, False, False, False, False]
    """
    return _LINK.fullmatch(text) is not None


_LINK: Final = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.-]{1,10}://|www\.)\S+|(?=\S*[A-Za-z])(?:[^\s:]*/[^\s:]*|[^\s:]+\.[A-Za-z][A-Za-z0-9]{1,4})"
)
_DIGIT: Final = re.compile("[0-9]")


def _digits(value: str) -> str:
    return "".join(_DIGIT.findall(value))


def _phone(joint: str, value: str) -> bool:
    digits = _digits(value)
    if value.startswith(("+", "00")) or not joint:
        return is_international(digits.lstrip("0"), separated=True)
    return joint[0] in "=:%" and joint != "%20" and not is_date(value)


_can_be: Final[dict[str, Callable[[str, str], bool]]] = {
    PHONE: _phone,
    CARD: lambda _, value: is_card(_digits(value)),
    SSN: lambda _, value: is_ssn(_digits(value)),
    IBAN: lambda _, value: is_iban(re.sub("[^0-9a-z]", "", value.lower())),
    IP: lambda _, value: is_global_ip(value),
}


def _apart(spans: list[Span]) -> Iterator[Span]:
    """Of spans that overlap the first."""
    end = 0
    for span in spans:
        if span.start >= end:
            end = span.end
            yield span
