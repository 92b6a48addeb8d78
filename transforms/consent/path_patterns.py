"""Patterns of paths as robots.txt has them: a prefix, in which `*` is any run of characters and a `$` at the end is the end.

RFC 9309, sections 2.2.2 and 2.2.3, and by reference TDMRep (section 6.2.1), the aipref attachment draft and RSL. Both sides are compared
in one spelling, so that `%41` is `A`, `%2c` a comma and `ツ` its escapes; what a pattern or a path is cut at keeps its escape. Case counts.
"""

import functools
import re
from collections.abc import Iterable
from typing import Final

_TARGET: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?://[^/?#]*)?([^#]*)", re.DOTALL)
_WHOLE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)([^#]*)", re.DOTALL)
_AS_IT_IS: Final = re.compile(r"[A-Za-z0-9._~/!'(),;:@&=?+-]*")
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNSAFE: Final = re.compile(r"[^!-~]+")
_KEPT_IN_PATH: Final = frozenset("%*$#/?")
_KEPT_IN_QUERY: Final = frozenset("%*$#")
_ANY, _END = "*", "$"
_LONGEST: Final = 4096
_ITSELF: Final = "/robots.txt"


def path_of(url: str) -> str:
    """The path and query of a URL as patterns see them.

    >>> path_of("https://a.example/%7Ejo/%e4?b=%3A*#top"), path_of("https://a.example"), path_of("https://a.example?b")
    ('/~jo/%E4?b=:%2A', '/', '/?b')
    """
    target = _TARGET.match(url).group(1)  # type: ignore[union-attr]  # it matches every text
    spelt = _spelt(target if target.startswith("/") else f"/{target}")
    return spelt.replace(_ANY, "%2A").replace(_END, "%24") if _ANY in spelt or _END in spelt else spelt


def host_in(url: str) -> str:
    """The host and port that a URL names, in lower case; empty where it names none.

    >>> host_in("https://A.example:8080/b")
    'a.example:8080'
    """
    whole = _WHOLE.match(url)
    return whole.group(1).casefold() if whole else ""


@functools.lru_cache(maxsize=4096)
def plain(pattern: str) -> str:
    """A pattern in the spelling that its octets are counted in and that paths are compared in.

    >>> plain("/a%2Ab/%7ejo/ツ$"), plain("/a$b?c=%2Fd")
    ('/a%2Ab/~jo/%E3%83%84$', '/a%24b?c=/d')
    """
    body = pattern.removesuffix(_END)[:_LONGEST]
    return _spelt(body).replace(_END, "%24") + (_END if pattern.endswith(_END) else "")


def _spelt(text: str) -> str:
    if _AS_IT_IS.fullmatch(text):
        return text
    path, mark, query = text.partition("?")
    return _undone(path, _KEPT_IN_PATH) + mark + _undone(query, _KEPT_IN_QUERY)


def _undone(text: str, kept: frozenset[str]) -> str:
    """Escapes of printable ASCII undone but for those kept, other escapes in upper case, what a URL cannot hold as escapes of its UTF-8."""

    def undone(escape: re.Match[str]) -> str:
        sign = chr(int(escape.group(1), 16))
        return sign if "!" <= sign <= "~" and sign not in kept else escape.group().upper()

    return _UNSAFE.sub(_escaped, _ESCAPE.sub(undone, text))


def _escaped(found: re.Match[str]) -> str:
    return "%" + found.group().encode("utf-8", "surrogatepass").hex("%").upper()


def covers(pattern: str, path: str) -> bool:
    """Whether a pattern covers a path that `path_of` gave. A pattern that begins neither with `/` nor with `*` covers none.

    >>> covers("/a/*.jpg$", "/a/b/c.jpg"), covers("/a/*.jpg$", "/a/c.jpg?x"), covers("/a", "/abc"), covers("*.jpg", "/x.jpg")
    (True, False, True, True)
    """
    return pattern.startswith(("/", _ANY)) and _parts(plain(pattern)).matches(path)


def covers_on(host: str, pattern: str, path: str) -> bool:
    """The same on a host, in lower case, where a pattern may be a whole URL: it speaks of the host it names, and of no other.

    >>> [covers_on("a.example", pattern, "/pics/1") for pattern in ("https://A.example/pics/", "https://b.example", "/pics/")]
    [True, False, True]
    """
    whole = _WHOLE.match(pattern)
    if whole is None:
        return covers(pattern, path)
    named, inside = whole.groups()
    return named.casefold() == host and covers(inside if inside.startswith("/") else f"/{inside}", path)


class PathRules:
    """The rules of one robots.txt group: of those that cover a path the one of most octets decides, and allow where two are as long.

    RFC 9309, section 2.2.2. What no rule covers may be fetched, and robots.txt itself always.

    Args:
      rules: patterns, and whether each allows. One that begins neither with `/` nor with `*` is no rule.

    >>> rules = PathRules([("/*?id=", False), ("/*.jpg", True)])
    >>> rules.allow("/a.jpg?id=1"), rules.allow("/a.png?id=1"), rules.allow("/a.png")
    (True, False, True)
    """

    def __init__(self, rules: Iterable[tuple[str, bool]]) -> None:
        said: dict[str, bool] = {}
        for pattern, allows in rules:
            if pattern.startswith(("/", _ANY)):
                spelt = plain(pattern)
                said[spelt] = allows or said.get(spelt, False)
        ordered = sorted(said.items(), key=lambda rule: (-len(rule[0]), not rule[1]))
        self._rules = [(_parts(pattern), allows) for pattern, allows in ordered] if not all(said.values()) else []
        self._beginnings = tuple(dict.fromkeys(parts.first for parts, _ in self._rules))

    def allow(self, path: str) -> bool:
        """Whether a path that `path_of` gave may be fetched."""
        if path.startswith(self._beginnings) and path != _ITSELF:
            for parts, allows in self._rules:
                if parts.matches(path):
                    return allows
        return True


class _Parts:
    """A pattern, as `plain` gives it, cut at its stars: each part where it first occurs, so that a part looks over the path once."""

    __slots__ = ("anchored", "first", "rest")

    def __init__(self, pattern: str) -> None:
        self.anchored = pattern.endswith(_END)
        self.first, *self.rest = pattern.removesuffix(_END).split(_ANY)

    def matches(self, path: str) -> bool:
        if not path.startswith(self.first):
            return False
        at = len(self.first)
        if not self.rest:
            return not self.anchored or at == len(path)
        *between, last = self.rest
        for part in between:
            found = path.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        return path.endswith(last) and len(path) - len(last) >= at if self.anchored else path.find(last, at) >= 0


_parts = functools.lru_cache(maxsize=4096)(_Parts)
