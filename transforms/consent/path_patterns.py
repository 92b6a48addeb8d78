"""Patterns of paths as robots.txt has them: a prefix, in which `*` is any run of characters and a `$` at the end is the end.

RFC 9309, section 2.2.3, and by reference TDMRep (section 6.2.1), the aipref attachment draft and RSL. Both sides are compared with
percent-escapes of unreserved characters undone and the others in upper case; case counts.
"""

import functools
import re
from typing import Final
from urllib.parse import urlsplit

_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_LONGEST: Final = 4096


def path_of(url: str) -> str:
    """The path and query of a URL as patterns see them.

    >>> path_of("https://a.example/%7Ejo/%e4?b=1#top"), path_of("https://a.example")
    ('/~jo/%E4?b=1', '/')
    """
    parts = urlsplit(url)
    return plain(parts.path or "/") + (f"?{plain(parts.query)}" if parts.query else "")


def plain(path: str) -> str:
    """Escapes of unreserved characters undone, other escapes in upper case, characters beyond ASCII as escapes of their UTF-8."""
    escaped = "".join(c if c.isascii() else "".join(f"%{byte:02X}" for byte in c.encode("utf-8", "surrogatepass")) for c in path)
    return _ESCAPE.sub(_undone, escaped)


def _undone(escape: re.Match[str]) -> str:
    sign = chr(int(escape.group()[1:], 16))
    return sign if sign in _UNRESERVED else escape.group().upper()


def covers(pattern: str, path: str) -> bool:
    """Whether a pattern covers a path that `path_of` gave. A pattern that begins neither with `/` nor with `*` covers none.

    >>> covers("/a/*.jpg$", "/a/b/c.jpg"), covers("/a/*.jpg$", "/a/c.jpg?x"), covers("/a", "/abc"), covers("*.jpg", "/x.jpg")
    (True, False, True, True)
    """
    return pattern.startswith(("/", "*")) and _parts(pattern).matches(path)


class _Parts:
    """A pattern cut at its stars, matched from left to right, each part where it first occurs: a part looks over the path once."""

    def __init__(self, pattern: str) -> None:
        self.anchored = pattern.endswith("$")
        self.first, *self.rest = plain(pattern.removesuffix("$")[:_LONGEST]).split("*")

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
