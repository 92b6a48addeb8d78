"""Preferences of the IETF aipref drafts (`Content-Usage`) and content signals: the part of RFC 9651 dictionaries that they need."""

import re
from typing import Final

from transforms.consent.signal import GENERATIVE_LABELS, USAGE_LABELS

_KEY: Final = r"[a-z*][a-z0-9_.*-]*"
# Bare items of RFC 9651, section 3.3: strings, display strings, byte sequences, dates and numbers, booleans, tokens.
_ITEM: Final = (
    r'(?:"(?:[ !#-\[\]-~]|\\["\\])*"|%"[ !#-$&-~%]*"|:[A-Za-z0-9+/=]*:|@?-?\d{1,15}(?:\.\d{1,3})?|\?[01]'
    r"|[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*)"
)
_PARAMETERS: Final = rf"(?:;[ ]*{_KEY}(?:={_ITEM})?)*"
_INNER: Final = rf"\([ ]*(?:{_ITEM}{_PARAMETERS}(?:[ ]+{_ITEM}{_PARAMETERS})*[ ]*)?\)"
_MEMBER: Final = re.compile(rf"({_KEY})(?:=({_ITEM}|{_INNER}))?{_PARAMETERS}")
_BETWEEN: Final = re.compile(r"[ \t]*,[ \t]*")
_MAX: Final = 8192
_SIGNALS: Final = re.compile(r"(?:^|[,;\s])ai-train\s*=\s*(\"?)(yes|no)\1(?=$|[,;\s])", re.IGNORECASE)


def preferences(line: str) -> list[str]:
    """What a Content-Usage dictionary says of training, as `label=y` or `label=n`; nothing where it does not parse as a whole.

    Values are the tokens y and n and no others; of a repeated label the last counts; parameters are ignored (aipref attachment draft,
    section 5; vocabulary draft, section 6).

    >>> preferences("train-ai=n;exceptions=cc-cr-ec, search=y"), preferences("train-ai=N"), preferences("train-ai=n,,")
    (['train-ai=n'], [], [])
    """
    line = line.strip(" \t")
    found: dict[str, str | None] = {}
    at = 0
    while line and len(line) <= _MAX:
        member = _MEMBER.match(line, at)
        if not member:
            return []
        found[member.group(1)] = member.group(2)
        at = member.end()
        if at == len(line):
            break
        between = _BETWEEN.match(line, at)
        if not between or between.end() == len(line):
            return []
        at = between.end()
    return [f"{label}={found[label]}" for label in (*USAGE_LABELS, *GENERATIVE_LABELS) if found.get(label) in ("y", "n")]


def ai_train(line: str) -> list[str]:
    """Answers of a content signal to `ai-train`, `yes` or `no`, each once.

    >>> ai_train("search=yes, ai-train=no")
    ['no']
    """
    return list(dict.fromkeys(answer.lower() for _, answer in _SIGNALS.findall(line)))
