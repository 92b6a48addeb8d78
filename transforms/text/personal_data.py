"""Finds e-mail addresses, phone, card, IBAN and US social security numbers and IP addresses in a text, and writes over them.

Rules, not a model: what has a check digit must pass it, what has a number plan must follow it. Names and postal addresses are not looked
for. The rules read the normal form of the text (`transforms.text.caption`), so that a full-width at-sign or `&#64;` hides nothing, and
answer in code points of the raw text, which is what is published.

    email   dot-atom @ host with a top-level domain (RFC 5322); `%40`, `name_at_host.org`, `name [at] host [dot] org`
    iban    whole, or in groups of four
    card    whole, or in the groups that are printed on cards
    ssn     3-2-4 digits with hyphens; with spaces or none only after "ssn" or "social security"
    ip      a global address, which does not follow a name, as versions do ("iTunes 12.13.1.30")
    phone   with a plus sign; North American with separators; 7 to 12 digits after a word such as "tel"

Numbers inside links and UUIDs are identifiers and never looked at. What a word such as "model" names is the number of a thing; so are,
unless a word such as "card" goes before them, digits that pass the check of a bar code, and three groups of four.
"""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Final, NamedTuple

from transforms.text.allowed import not_allowed
from transforms.text.caption import normal_form, normal_form_with_map
from transforms.text.personal_numbers import iban_length, is_card, is_date, is_global_ip, is_gtin, is_iban, is_international, is_ssn

EMAIL: Final = "email"
IBAN: Final = "iban"
CARD: Final = "card"
SSN: Final = "ssn"
IP: Final = "ip"
PHONE: Final = "phone"
KINDS: Final = (EMAIL, IBAN, CARD, SSN, IP, PHONE)  # where two overlap, the earlier one is found

# Characters that NFKC turns into a digit, an at-sign, an ampersand, an underscore or an opening bracket, in blocks (Unicode 15).
_FOLDED = (
    (0xB2, 0xBE), (0x2070, 0x208F), (0x2150, 0x218F), (0x2460, 0x24FF), (0x3200, 0x33FF), (0xFE30, 0xFE6F), (0xFF00, 0xFF5F),
    (0x1F100, 0x1F129),
)  # fmt: skip
_SIGNS = r"0-9@&_(\[{" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _FOLDED)
# What a text holds if there is any personal data in it; for RE2, as pyarrow has it.
TRIGGER: Final = rf"[{_SIGNS}]|\p{{Nd}}"
_TRIGGER = re.compile(rf"[{_SIGNS}\d]")
_HYPHENS = dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-")


def can_hold(text: str) -> bool:
    """Whether there can be any personal data in a text; one scan."""
    return _TRIGGER.search(text) is not None


class Span(NamedTuple):
    """Where something was found: code points `[start, end)` of the raw text."""

    kind: str
    start: int
    end: int


def find(text: str, kinds: Collection[str] = KINDS, allowed: Collection[bytes] = ()) -> list[Span]:
    """Everything of these kinds in a raw text, in order of its start, never overlapping; less what `transforms.text.allowed` lets stand.

    A text without an at-sign, digit or bracket costs one scan.

    >>> find("Mail jane.doe@example.org, or call +44 7700 900123")
    [Span(kind='email', start=5, end=25), Span(kind='phone', start=35, end=50)]
    >>> find("IMG 123 456 7890, ISBN 9780670019403, 110bcd25-a55d-453a-8046-1297901ea002")
    []
    """
    if not can_hold(text):
        return []
    plain = text.isascii() and "&" not in text and " ".join(text.split()) == text
    found = list(_find(text.casefold() if plain else _readable(normal_form(text)), kinds))
    if found and not plain:
        _, starts = normal_form_with_map(text)
        found = [(kind, *_raw(text, starts, start, end)) for kind, start, end in found]
    spans = sorted((Span(*span) for span in found), key=lambda span: span.start)
    return [span for span in spans if not allowed or not_allowed(span.kind, text[span.start : span.end], allowed)]


def redact(text: str, kinds: Collection[str], allowed: Collection[bytes] = ()) -> str:
    """The text with everything of these kinds written over by its kind; nothing of them is found in what comes back.

    >>> redact("call +44 7700 900123 or write to jane.doe@example.org.", ("email", "phone"))
    'call <PHONE> or write to <EMAIL>.'
    """
    return write_over(text, lambda text: find(text, kinds, allowed))


def write_over(text: str, find_in: Callable[[str], list[Span]]) -> str:
    """The text with everything that is found in it written over by its kind, until nothing is found any more."""
    while spans := find_in(text):
        for kind, start, end in reversed(spans):
            text = f"{text[:start]}<{kind.upper()}>{text[end:]}"
    return text


def _readable(normal: str) -> str:
    """A normal form with plain digits and hyphens, character for character."""
    if normal.isascii():
        return normal
    return "".join(str(int(char)) if char.isdecimal() else char for char in normal.translate(_HYPHENS))


def _raw(text: str, starts: list[int], start: int, end: int) -> tuple[int, int]:
    last = next((at for at in starts[end:] if at > starts[end - 1]), starts[-1])  # the whole of a ligature that ends a find
    return starts[start], starts[start] + len(text[starts[start] : last].rstrip())


def _find(normal: str, kinds: Collection[str]) -> Iterator[tuple[str, int, int]]:
    emails = list(_emails(normal))
    if EMAIL in kinds:
        yield from ((EMAIL, start, end) for start, end in emails)
    if len(_DIGIT.findall(normal)) < _FEWEST_DIGITS or not any(kind in kinds for kind in KINDS[1:]):
        return
    numbers = _NO_NUMBERS.sub(_blank, _covered(normal, emails))
    for kind, search in _NUMBERS:
        spans = []
        for start, end in search(numbers):
            spans.append((start, end))
            if kind in kinds:
                yield kind, start, end
        numbers = _covered(numbers, spans)


_CUE = 40  # characters before a number in which a word says what it is
_DIGIT = re.compile("[0-9]")
_FEWEST_DIGITS = 4  # of an IPv4 address
_BLANK = "\0"
_NO_NUMBERS = re.compile(r"(?:https?://|www\.)\S+|(?<![0-9a-z])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-z])")


def _blank(found: re.Match[str]) -> str:
    return _BLANK * len(found.group())


def _covered(text: str, spans: list[tuple[int, int]]) -> str:
    pieces, done = [], 0
    for start, end in sorted(spans):
        pieces += [text[done:start], _BLANK * (end - start)]
        done = end
    return "".join(pieces) + text[done:]


_LETTERS = "a-z\u00df-\u024f\u0370-\u052f"  # Latin, Greek, Cyrillic: scripts with spaces between words
_NAME = rf"(?<![{_LETTERS}0-9_])[{_LETTERS}0-9_][{_LETTERS}0-9_.%+'-]{{0,127}}"
_HOST = rf"(?:[{_LETTERS}0-9-]{{1,63}}\.){{1,8}}"
_EMAIL = re.compile(rf"{_NAME}(?:@|%(?:25)*40){_HOST}(?P<top>xn--[a-z0-9-]{{2,59}}|[{_LETTERS}]{{2,24}})(?![{_LETTERS}0-9])")
_SPELT_AT = r"(?:_at_| ?[(\[{] ?at ?[)\]}] ?)"
_SPELT_DOT = r"(?:\.|_dot_| ?[(\[{] ?dot ?[)\]}] ?)"
_TOP = "com|org|net|edu|gov|info|biz|int|mil|name|[a-z]{2}"
_SPELT = re.compile(
    rf"(?<![a-z0-9])[a-z0-9][a-z0-9.+-]{{0,63}}{_SPELT_AT}(?:[a-z0-9-]{{1,63}}{_SPELT_DOT}){{1,5}}(?P<top>{_TOP})(?![a-z0-9])"
)
# Endings of file names, not top-level domains in use for mail: "icon@2x.png", "logo_at_night.ai".
_NO_TOP = re.compile(
    r"jp[eg]|jpeg|jfif|jxl|png|gif|webp|svg|bmp|tiff?|tga|avif|hei[cf]|ico|raw|dng|cr2|nef|arw|psd|ai|ps|eps|xcf|indd|mp[34]|m4a|wav|flac|ogg"
    r"|webm|mkv|avi|html?|php|aspx?|ashx|m?js|jsp|css|json|xml|ya?ml|pdf|docx?|xlsx?|pptx?|txt|csv|tsv|rtf|epub|rar|gz|tar|exe|dll|apk|iso|dmg|bin|bak"
)


def _emails(normal: str) -> Iterator[tuple[int, int]]:
    if "@" in normal or "40" in normal:
        yield from (found.span() for found in _EMAIL.finditer(normal) if not _NO_TOP.fullmatch(found["top"]))
    if "at" in normal and ("_at_" in normal or _BRACKET.search(normal)):
        yield from (found.span() for found in _SPELT.finditer(normal) if not _NO_TOP.fullmatch(found["top"]))


_BRACKET = re.compile(r"[(\[{] ?at ?[)\]}]")
_IBAN_START = re.compile(r"(?<![0-9a-z])[a-z]{2}[0-9]{2}(?=[ -]?[0-9a-z])")
_CARD = re.compile(
    r"(?<![0-9a-z_])(?<![0-9][-.])(?:[0-9]{4}([ .-])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{1,3})?|[0-9]{4}([ .-])[0-9]{6}\2[0-9]{4,5}"
    r"|(?<![0-9] )[0-9]{4}([ .-])(?:[0-9]{3}\3[0-9]{3}\3[0-9]{3}|[0-9]{4}\3[0-9]{4})(?!\3[0-9])|[0-9]{12,19})(?![0-9a-z_])"
)
_SHORTER_CARD = re.compile(r"[0-9]{4}([ .-])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?=\1)")
# What stands before the number of a thing: "Art.-Nr. 123-45-6789", "model 311-510-3052", "FedEx 6953 7434 4775".
_ARTICLE = re.compile(
    r"(?<![a-z])(?:isbn|issn|ean|gtin|upc|imei|barcode|sku|asin|nsn|mpn|oem|p/n|s/n|part|model|item|style|serial|cat(?:alog(?:ue)?)?|art(?:icle)?"
    r"|ref(?:erence)?|fedex|ups|usps|dhl|tracking|waybill|parcel)(?:-1[03])?[ :#.-]{0,3}(?:(?:no|nr|num|number|code|id)\b[ :#.]{0,2})?$"
)
_FEWEST_IN_GROUPS = 14  # digits of a card; groups of four stand on parcels and negatives too
_PAYS = re.compile(r"(?<![a-z])(?:card|credit|debit|visa|amex|diners|maestro|payment|cc)(?![a-z])")
_SSN = re.compile(r"(?<![0-9a-z])(?<![0-9a-z][-.])[0-9]{3}-[0-9]{2}-[0-9]{4}(?![0-9a-z]|-[0-9])")
_CUED_SSN = re.compile(r"(?:\bssn|social security)\b[a-z ]{0,12}[:#.-]? ?([0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{4})(?![0-9a-z])")
_IPV4 = re.compile(r"(?<![0-9a-z.])(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?![0-9a-z]|\.[0-9])")
# Of the addresses in use (2000::/3), or whole; eight pairs are a hardware address.
_IPV6 = re.compile(
    r"(?<![0-9a-z:.])(?:[23][0-9a-f]{3}:[0-9a-f:]{3,34}|(?=[0-9a-f:]*[0-9a-f]{3})(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4})(?![0-9a-z:])"
)
_VERSION = re.compile(r"(?:\b(?:v|rv|ver|version|release|build|firmware|apk|rev|revision|update|chapter|section)\.?|[0-9])[ :_-]{0,2}$")
# A word before a number that is a version then: "VLC 3.0.18.10", "Chrome/12.0.7.44", "figure 12.14.9.8".
_NAMES = re.compile(r"(?<![a-z])(?!(?:and|as|at|by|for|from|in|is|login|of|on|or|to|user|via|was|with) $)[a-z]+[ /]$")
_ADDRESS = re.compile(r"(?<![a-z])(?:ip|ipv4|host|server|dns|ping|address)(?![a-z])[^a-z]{0,24}$")


def _ibans(numbers: str) -> Iterator[tuple[int, int]]:
    for found in _IBAN_START.finditer(numbers):
        length = iban_length(found.group()[:2])
        if length is None:
            continue
        start = found.start()
        for separator in ("", numbers[found.end()]):
            end = start + length + (len(separator) and (length - 1) // 4)
            groups = numbers[start:end].split(separator) if separator else [numbers[start:end]]
            regular = not separator or (separator in " -" and all(len(group) == 4 for group in groups[:-1]))
            plain = "".join(groups)
            if regular and plain.isascii() and plain.isalnum() and is_iban(plain) and not numbers[end : end + 1].isalnum():
                yield start, end
                break


def _cards(numbers: str) -> Iterator[tuple[int, int]]:
    at = 0
    while found := _CARD.search(numbers, at):
        at = found.start() + 1
        shorter = _SHORTER_CARD.match(numbers, found.start())
        before = numbers[max(0, found.start() - _CUE) : found.start()]
        for candidate in (found, shorter):
            if candidate and _pays(candidate.group(), before):
                at = candidate.end()
                yield candidate.span()
                break


def _pays(text: str, before: str) -> bool:
    digits = "".join(_DIGIT.findall(text))
    if not is_card(digits) or _ARTICLE.search(before):
        return False
    doubtful = is_gtin(digits) if digits == text else len(digits) < _FEWEST_IN_GROUPS
    return not doubtful or _PAYS.search(before) is not None


def _ssns(numbers: str) -> Iterator[tuple[int, int]]:
    spans = [found.span(1) for found in _CUED_SSN.finditer(numbers)]
    spans += [found.span() for found in _SSN.finditer(_covered(numbers, spans)) if not _is_article(numbers, found)]
    yield from ((start, end) for start, end in spans if is_ssn("".join(_DIGIT.findall(numbers[start:end]))))


def _is_article(numbers: str, found: re.Match[str]) -> bool:
    return _ARTICLE.search(numbers, max(0, found.start() - _CUE), found.start()) is not None


def _ips(numbers: str) -> Iterator[tuple[int, int]]:
    if numbers.count(".") >= 3:
        for found in _IPV4.finditer(numbers):
            before = numbers[max(0, found.start() - _CUE) : found.start()]
            told = _ADDRESS.search(before) or (len(found.group()) > len("1.2.3.4") and not _NAMES.search(before))
            if told and not _VERSION.search(before) and is_global_ip(found.group()):
                yield found.span()
    if numbers.count(":") >= 2:
        yield from (found.span() for found in _IPV6.finditer(numbers) if is_global_ip(found.group()))


_EXTENSION = r"(?: ?(?:x|ext\.?) ?[0-9]{1,6})?"
_INTERNATIONAL = re.compile(rf"(?<![0-9a-z+])\+\(?[1-9][0-9]{{0,14}}\)?(?:[ .()/-]{{0,3}}[0-9]{{1,12}}){{0,9}}{_EXTENSION}(?![0-9])")
_NORTH_AMERICAN = re.compile(
    r"(?<![0-9a-z+/])(?<![0-9][-.])(?:"
    r"(?:00)?1[-. ][2-9][0-9]{2}[-. ][0-9]{3}[-. ][0-9]{4}"
    r"|(?:(?:00)?1[-. ]?)?\([2-9][0-9]{2}\)[-. ]?[0-9]{3}[-. ][0-9]{4}"
    rf"|[2-9][0-9]{{2}}([-.])[0-9]{{3}}\1[0-9]{{4}}){_EXTENSION}(?![0-9]|[-.][0-9])"
)
_CUED = re.compile(
    r"(?<![a-z])(?:tel|telephone|telefon|telefone|telefono|t[eé]l[eé]phone|tél|phone|call|mobile|fax|whatsapp|whats app)"
    r"(?:[ .:#/=-]|\b(?:no|nr|number|num|me|us|him|her|at|on|is|now|today|or|text|mobile|phone|fax)\b){0,8}"
    rf"(?P<number>\+?\(?[0-9](?:[ .()/-]{{0,2}}[0-9]){{6,11}}{_EXTENSION})(?![0-9a-z])"
)
_GROUP = re.compile("[0-9]+")
_DECIMAL = re.compile(r"(?<![0-9a-z.])[+-][0-9]{1,3}\.[0-9]{3,7}(?![0-9.]| ?[0-9])")  # "+63.9314 -98.8843": a place, no phone


def _phones(numbers: str) -> Iterator[tuple[int, int]]:
    spans = []
    if "+" in numbers:
        numbers = _DECIMAL.sub(_blank, numbers)
        spans = list(_internationals(numbers))
        numbers = _covered(numbers, spans)
    for found in _NORTH_AMERICAN.finditer(numbers):
        if not is_date(found.group()) and not _is_article(numbers, found):
            spans.append(found.span())
    numbers = _covered(numbers, spans)
    spans += [found.span("number") for found in _CUED.finditer(numbers) if not is_date(found["number"])]
    yield from spans


def _internationals(numbers: str) -> Iterator[tuple[int, int]]:
    """What follows a plus sign, as far as it is a phone number: digits that stand behind it, such as a year, are left out."""
    for found in _INTERNATIONAL.finditer(numbers):
        groups = list(_GROUP.finditer(numbers, *found.span()))
        whole = len(groups) - ("x" in found.group())
        for count in range(whole, 0, -1):
            digits = "".join(group.group() for group in groups[:count])
            if is_international(digits, separated=count > 1):
                yield found.start(), found.end() if count == whole else groups[count - 1].end()
                break


_NUMBERS: Final[tuple[tuple[str, Callable[[str], Iterator[tuple[int, int]]]], ...]] = (
    (IBAN, _ibans), (CARD, _cards), (SSN, _ssns), (IP, _ips), (PHONE, _phones),
)  # fmt: skip
