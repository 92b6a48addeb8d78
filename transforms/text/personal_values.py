"""Finds personal data in values of any nested type, and writes over it: texts, JSON, lists, structs, links and file names among them.

Words are read by the rules of `transforms.text.personal_data`, links by those of `transforms.text.personal_links`.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

from transforms.text.allowed import not_allowed
from transforms.text.personal_data import EMAIL, KINDS, Span, can_hold, find, redact, write_over
from transforms.text.personal_links import find_in_link, is_link

_JSON_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_NAME_ENDS: Final = re.compile(r"[ \t\n\r]*:")
# Fields of EXIF, IPTC and XMP in which people write; in all others numbers are measures and identifiers.
_WRITTEN: Final = re.compile(
    r"description|comment|title|subject|keyword|artist|author|copyright|caption|documentname|credit|headline|instruction|contact|writer|by-?line"
)


def kinds_of_exif(name: str) -> Collection[str]:
    """The kinds that are looked for in a field of EXIF: all where people write, else e-mail addresses.

    >>> kinds_of_exif("EXIF UserComment") == KINDS, kinds_of_exif("EXIF ImageUniqueID")
    (True, ('email',))
    """
    return KINDS if _WRITTEN.search(name.casefold()) else (EMAIL,)


def find_in_value(value: object, kinds: Collection[str] = KINDS, path: str = "") -> Iterator[tuple[str, Span]]:
    """Everything of these kinds in a value of any nested type, with the path of the string it stands in.

    Paths name fields of structs and places in lists, never keys of maps or of JSON, which are data. A find in JSON text lies between the
    quotes of its string; where that string has escapes the whole of it is the find.

    >>> list(find_in_value({"author": ["Jo", "jo@example.org"]}, path="meta"))
    [('meta.author[1]', Span(kind='email', start=0, end=14))]
    >>> list(find_in_value('{"contact": "+44 7700 900123"}', path="json"))
    [('json', Span(kind='phone', start=13, end=28))]
    """
    yield from ((where, span) for where, span, _ in matches_in_value(value, kinds, path))


def matches_in_value(
    value: object, kinds: Collection[str] = KINDS, path: str = "", by_name: Callable[[str], Collection[str]] | None = None
) -> Iterator[tuple[str, Span, str]]:
    """The same with the text that was found, which is not always what lies between the offsets: JSON may have escaped it.

    Args:
      value: strings, and lists and mappings of them.
      kinds: what is looked for.
      path: of the value.
      by_name: what is looked for under a name, of a JSON object or a struct, instead.
    """
    if isinstance(value, str):
        if not can_hold(value):
            return
        tokens = _json_strings(value)
        if tokens is None:
            yield from ((path, span, value[span.start : span.end]) for span in _find(value, kinds))
            return
        for start, token, name in tokens:
            inner = json.loads(token)
            for _, span, found in matches_in_value(inner, kinds if by_name is None else by_name(name), "", by_name):
                escaped = len(inner) + 2 != len(token)
                begin, end = (0, len(token) - 2) if escaped else (span.start, span.end)
                yield path, Span(span.kind, start + 1 + begin, start + 1 + end), found
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from matches_in_value(inner, kinds if by_name is None else by_name(str(name)), f"{path}.{name}", by_name)
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from matches_in_value(inner, kinds, f"{path}[{place}]", by_name)


def redact_value(value: Any, kinds: Collection[str], allowed: Collection[bytes] = ()) -> Any:
    r"""A value of any nested type with its strings redacted, JSON text staying valid JSON; what holds nothing comes back as it is.

    >>> redact_value({"by": "jo@example.org", "tags": ["a", ("call 555-0123-456", 3)]}, ("email", "phone"))
    {'by': '<EMAIL>', 'tags': ['a', ('call <PHONE>', 3)]}
    >>> redact_value('{"n": 1.50, "by": "jo\u0040example.org"}', ("email",))
    '{"n": 1.50, "by": "<EMAIL>"}'
    >>> redact_value("send?phone=447700900123&id=234-567-8901.jpg", ("phone",))
    'send?phone=<PHONE>&id=234-567-8901.jpg'
    """
    if isinstance(value, str):
        if not can_hold(value):
            return value
        tokens = _json_strings(value)
        return _redacted(value, kinds, allowed) if tokens is None else _redact_json(value, tokens, kinds, allowed)
    if isinstance(value, Mapping):
        return {name: redact_value(inner, kinds, allowed) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(redact_value(inner, kinds, allowed) for inner in value)
    return value


def _find(text: str, kinds: Collection[str], allowed: Collection[bytes] = ()) -> list[Span]:
    if not is_link(text):
        return find(text, kinds, allowed)
    found = [*find(text, [kind for kind in kinds if kind == EMAIL], allowed), *find_in_link(text, kinds)]
    kept = [span for span in found if span.kind == EMAIL or not_allowed(span.kind, text[span.start : span.end], allowed)]
    return sorted(kept, key=lambda span: span.start)


def _redacted(text: str, kinds: Collection[str], allowed: Collection[bytes]) -> str:
    return write_over(text, lambda text: _find(text, kinds, allowed)) if is_link(text) else redact(text, kinds, allowed)


def _json_strings(text: str) -> list[tuple[int, str, str]] | None:
    """Start and source of every string in a JSON object or array, and the name it stands under; names are strings too, under their own.

    None where the text is neither.
    """
    if not text.lstrip(" \t\n\r").startswith(("{", "[")):
        return None
    try:
        json.loads(text)
    except (ValueError, RecursionError):  # no JSON, or nested beyond what the parser takes: plain text then
        return None
    found, name = [], ""
    for match in _JSON_STRING.finditer(text):
        if _NAME_ENDS.match(text, match.end()):
            name = json.loads(match.group())
        found.append((match.start(), match.group(), name))
    return found


def _redact_json(text: str, tokens: list[tuple[int, str, str]], kinds: Collection[str], allowed: Collection[bytes]) -> str:
    for start, token, _ in reversed(tokens):
        inner = json.loads(token)
        redacted = redact_value(inner, kinds, allowed)
        if redacted != inner:
            text = text[:start] + json.dumps(redacted, ensure_ascii="\\" in token) + text[start + len(token) :]
    return text
