"""The text of a policy file as a host served it: any encoding, any line ends. What is text in no encoding is told apart.

A byte-order mark before the first line turns `User-agent` into a word that no parser knows, and a no into a yes: marks go,
UTF-16 is read as such with or without one, and every line end becomes a line feed.
"""

import codecs
import re
from typing import Final

MAX_BYTES: Final = 500 * 1024  # what a parser of robots.txt must at least read (RFC 9309, section 2.5); more is left out here as well
_MARKS: Final = (  # longest first: the mark of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
_CONTROLS: Final = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_LINE_ENDS: Final = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")


def policy_text(served: bytes | str) -> str | None:
    r"""The text, without byte-order mark, lines ended by a line feed; None where it is text in no encoding.

    Args:
      served: the body of the response, or a text that somebody has decoded before, its mark perhaps kept or decoded wrongly.

    >>> policy_text(b"\xef\xbb\xbfUser-agent: *\rDisallow: /\r"), policy_text("\ufeffUser-agent: *")
    ('User-agent: *\nDisallow: /\n', 'User-agent: *')
    >>> policy_text("Disallow: /".encode("utf-16")), policy_text(b"\x1f\x8b\x08\x00\x00")
    ('Disallow: /', None)
    """
    text = _decoded(served[:MAX_BYTES]) if isinstance(served, bytes) else _whole(served[:MAX_BYTES]).removeprefix("ï»¿")
    if text is None or _CONTROLS.search(text):
        return None
    return _LINE_ENDS.sub("\n", text.replace("\ufeff", ""))  # files joined together have marks in the middle


def _whole(text: str) -> str:
    """A text in which no surrogate stands alone."""
    return text.encode("utf-8", "replace").decode()


def _decoded(served: bytes) -> str | None:
    for mark, encoding in _MARKS:
        if served.startswith(mark):
            return _as(served[len(mark) :], encoding)
    for encoding in _without_mark(served):
        text = _as(served, encoding)
        if text is not None and not _CONTROLS.search(text):
            return text
    return None


def _without_mark(served: bytes) -> tuple[str, ...]:
    """Encodings worth trying: where nearly every other byte is zero, and none between, it is ASCII written as UTF-16."""
    zeros = served[0::2].count(0), served[1::2].count(0)
    if min(zeros) == 0 and max(zeros) > len(served) // 4:
        return ("utf-16-be",) if zeros[0] else ("utf-16-le",)
    return "utf-8", "latin-1"


def _as(served: bytes, encoding: str) -> str | None:
    """Decoded, up to a character that the limit has cut; None where it is not in this encoding."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(served, final=False)
    except UnicodeDecodeError:
        return None
