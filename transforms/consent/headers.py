"""Consent in response headers: X-Robots-Tag, TDM-Reservation, Content-Usage, Content-Signal, RSL's Link, in whatever shape they were kept.

Headers may be a map, a JSON object or a list of pairs, as text or bytes (UTF-8, else Latin-1); a name may come in several lines. What is
none of these cannot be read: it reserves nothing and permits nothing, and says so. What could be read of a mixture counts.
"""

import dataclasses
import json
import re
from collections.abc import Iterator
from typing import Any, Final

from transforms.consent import usage
from transforms.consent.signal import (
    CONTENT_SIGNAL,
    CONTENT_USAGE,
    LOCATION,
    NOINDEX_DIRECTIVES,
    RSL_LINK,
    TDM_RESERVATION,
    TRAINING_DIRECTIVES,
    X_ROBOTS_TAG,
    Signal,
    evidence,
)

# Directives of X-Robots-Tag whose colon opens a value, not a scope.
_VALUED: Final = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
# Crawlers whose noindex speaks of the download itself.
_DOWNLOADERS: Final = frozenset({"*", "img2dataset"})
_NAME: Final = re.compile(r"[a-z0-9_*][a-z0-9_.*/+-]*")
_VALUE: Final = re.compile(r"^\s*[^\s;]*")
_ENCODED_TWICE: Final = 2
_LINK: Final = re.compile(r"<([^<>]*)>([^<]*)")  # RFC 8288, section 3
_PARAMETER: Final = re.compile(r';\s*(rel|type)\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', re.IGNORECASE)
_RSL_TYPE: Final = "application/rsl+xml"
_PAIR: Final = (("key", "value"), ("name", "value"), ("field", "value"))


@dataclasses.dataclass(frozen=True, slots=True)
class Headers:
    """Response headers.

    Attributes:
      lines: (name in lower case, value), in the order in which they stand; a repeated name comes repeatedly.
      recorded: there is something.
      readable: all of it could be read.
    """

    lines: tuple[tuple[str, str], ...]
    recorded: bool
    readable: bool


def read_headers(value: object) -> Headers:
    """Reads a value of a column of headers. Never raises.

    >>> read_headers(b'{"X-Robots-Tag": ["noindex", "noai"]}').lines
    (('x-robots-tag', 'noindex'), ('x-robots-tag', 'noai'))
    >>> read_headers("not headers").readable, read_headers(None).recorded
    (False, False)
    """
    for _ in range(_ENCODED_TWICE):
        if not isinstance(value, str | bytes):
            break
        text = _text(value)
        if not text.strip():
            return Headers((), recorded=False, readable=True)
        try:
            value = json.loads(text, object_pairs_hook=_Pairs)
        except (ValueError, RecursionError):
            return Headers((), recorded=True, readable=False)
    if value is None or (isinstance(value, float) and value != value):
        return Headers((), recorded=False, readable=True)
    lines: list[tuple[str, str]] = []
    readable = _collect(value, lines)
    return Headers(tuple(lines), recorded=True, readable=readable)


def header_signals(headers: Headers, observed_at: str | None = None) -> list[Signal]:
    """What the headers say of use, in their order."""
    found: list[Signal] = []
    usages: list[str] = []
    for name, value in headers.lines:
        if name == "x-robots-tag":
            found += [Signal(X_ROBOTS_TAG, word, LOCATION, evidence(f"X-Robots-Tag: {value}"), observed_at) for word in robots_words(value)]
        elif name == "tdm-reservation":
            said = dict.fromkeys(part.strip() for part in value.split(","))
            found += [
                Signal(TDM_RESERVATION, part, LOCATION, evidence(f"TDM-Reservation: {value}"), observed_at)
                for part in said
                if part in ("0", "1")
            ]
        elif name == "content-usage":
            usages.append(value)
        elif name == "content-signal":
            found += [
                Signal(CONTENT_SIGNAL, f"ai-train={answer}", LOCATION, evidence(f"Content-Signal: {value}"), observed_at)
                for answer in usage.ai_train(value)
            ]
        elif name == "link":
            told = [evidence(f"Link: <{address}>; rel=license; type={_RSL_TYPE}") for address in licences(value)]
            found += [Signal(RSL_LINK, "not read", LOCATION, words, observed_at, observable=False) for words in told]
    line = ", ".join(usages)
    return found + [
        Signal(CONTENT_USAGE, said, LOCATION, evidence(f"Content-Usage: {line}"), observed_at) for said in usage.preferences(line)
    ]


def robots_words(line: str) -> list[str]:
    """The directives of one X-Robots-Tag line that speak of use, each once, in order.

    A `name:` before a directive opens a scope, to the end of the line. The training directives count whoever they are addressed to (a
    curator is not a crawler); those of the noindex family only where they are addressed to all or to the downloader.

    >>> robots_words("unavailable_after: 25 Jun 2030 15:00:00 PST, NoAI"), robots_words("googlebot: noindex, otherbot: noai")
    (['noai'], ['noai'])
    """
    found, scope = [], "*"
    for item in line.casefold().split(","):
        scope, words = _scoped(item, scope)
        counted = (*TRAINING_DIRECTIVES, *NOINDEX_DIRECTIVES) if scope in _DOWNLOADERS else TRAINING_DIRECTIVES
        found += [word for word in re.split(r"[\s;]+", words) if word in counted]
    return list(dict.fromkeys(found))


def licences(line: str) -> list[str]:
    """Addresses of RSL documents in a Link header (RSL 1.0, section 4.2): links of the relation `license` and of RSL's media type.

    >>> licences('<https://a.example/l.xml>; rel="license"; type="application/rsl+xml", <https://b.example/by>; rel=license')
    ['https://a.example/l.xml']
    """
    found = []
    for address, parameters in _LINK.findall(line):
        said = {name.casefold(): (quoted or bare).casefold() for name, quoted, bare in reversed(_PARAMETER.findall(parameters))}
        if "license" in said.get("rel", "").split() and said.get("type", "").partition(";")[0].strip() == _RSL_TYPE:
            found.append(address.strip())
    return found


def _scoped(item: str, scope: str) -> tuple[str, str]:
    """What lies between two commas of X-Robots-Tag: the scope that it leaves open, and its directives without their values."""
    parts = item.split(":")
    for at, part in enumerate(parts[:-1]):
        name = part.strip()
        if name == "unavailable_after":
            return scope, ""
        if not _NAME.fullmatch(name) or name in _VALUED or name in TRAINING_DIRECTIVES:
            rest = ":".join(parts[at + 1 :])
            return scope, _VALUE.sub("", rest, count=1) if name in _VALUED else f"{part} {rest}"
        scope = name
    return scope, parts[-1]


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as written: a name may come twice."""


def _text(value: str | bytes) -> str:
    if isinstance(value, str):
        return value.removeprefix("\ufeff")
    try:
        return value.decode("utf-8-sig")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _collect(value: Any, lines: list[tuple[str, str]]) -> bool:
    """Adds the lines of a map or a list of pairs; whether all of it was that."""
    if isinstance(value, _Pairs):
        pairs: list[Any] = list(value)
    elif isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list | tuple):
        pairs = [pair for item in value for pair in _pairs_of(item)]
    else:
        return False
    readable = True
    for pair in pairs:
        if pair is None or not isinstance(pair[0], str | bytes):
            readable = False
            continue
        name = _text(pair[0]).strip().casefold().replace("_", "-").rstrip(":")
        values = list(_values(pair[1]))
        readable &= None not in values
        lines += [(name, line) for value in values if value is not None for line in re.split(r"[\r\n]+", value) if line.strip()]
    return readable


def _pairs_of(item: Any) -> list[Any]:
    """An item of a list of pairs as pairs: two things, a record of name and value, or a map; [None] where it is none of them."""
    if isinstance(item, _Pairs):
        item = dict(item) if {name for name, _ in item} & {"key", "name", "field"} else item
    if isinstance(item, dict):
        for name, value in _PAIR:
            if name in item and value in item:
                return [(item[name], item[value])]
        return list(item.items())
    if isinstance(item, _Pairs):
        return list(item)
    return [tuple(item)] if isinstance(item, list | tuple) and len(item) == 2 else [None]


def _values(value: Any) -> Iterator[str | None]:
    """The lines of one header; None for what is no text."""
    if isinstance(value, str | bytes):
        yield _text(value)
    elif isinstance(value, bool | int | float):
        yield str(value)
    elif isinstance(value, list | tuple) and not isinstance(value, _Pairs):
        for item in value:
            yield from _values(item) if not isinstance(item, list | tuple) else iter((None,))
    elif value is not None:
        yield None
