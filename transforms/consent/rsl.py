"""Really Simple Licensing (RSL 1.0): what a licence document permits, prohibits or asks payment for.

A `content` element speaks for the URLs its pattern covers; of several the longest pattern counts. One of its licences must permit
training, or permit nothing in particular and prohibit nothing that training is, and ask neither for payment nor for anything else that a
curator cannot know to be met (who uses it, where, for money).
"""

from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from transforms.consent.path_patterns import covers_on, host_in, path_of
from transforms.consent.signal import LOCATION, RSL, Signal, evidence

_TRAINING: Final = frozenset({"all", "ai-all", "ai-train", "train-ai", "train-genai"})  # the last two of the drafts before 1.0
_FREE: Final = "free"


class Rsl:
    """One licence document.

    Args:
      text: as `policy_text` gave it. What is no RSL says nothing.
    """

    def __init__(self, text: str) -> None:
        self._contents: list[tuple[str, str]] = []
        try:
            root = fromstring(text.lstrip())
        except (ParseError, DefusedXmlException, ValueError):
            return
        if _name(root) != "rsl":
            return
        for content in (element for element in root.iter() if _name(element) == "content"):
            licences = [_answer(licence) for licence in content if _name(licence) == "license"]
            if licences:
                self._contents.append((content.get("url") or "/", "permitted" if "permitted" in licences else licences[0]))

    def signals(self, url: str, observed_at: str | None = None) -> list[Signal]:
        """What it says of a URL: one signal at most."""
        host, path = host_in(url), path_of(url)
        found = max((content for content in self._contents if covers_on(host, content[0], path)), key=lambda c: len(c[0]), default=None)
        if found is None:
            return []
        return [Signal(RSL, found[1], LOCATION, evidence(f"RSL: content {found[0]}: {found[1]}"), observed_at)]


def _answer(licence: Element) -> str:
    permitted, prohibited = _usages(licence, "permits"), _usages(licence, "prohibits")
    if prohibited & _TRAINING:
        return "prohibited"
    if permitted and not permitted & _TRAINING:
        return "not among the permitted uses"
    conditions = [element for element in licence if _name(element) == "permits" and (element.get("type") or "usage") != "usage"]
    conditions += [element for element in licence if _name(element) == "prohibits" and (element.get("type") or "usage") != "usage"]
    if conditions:
        return "permitted under conditions"
    payments = [(element.get("type") or "").casefold() for element in licence if _name(element) == "payment"]
    if any(kind != _FREE for kind in payments):
        return "asks for payment"
    return "permitted" if permitted or payments else "silent"


def _usages(licence: Element, kind: str) -> set[str]:
    found: set[str] = set()
    for element in licence:
        if _name(element) == kind and (element.get("type") or "usage") == "usage":
            found |= set((element.text or "").replace(",", " ").casefold().split())
    return found


def _name(element: Element) -> str:
    """The local name: documents in the wild leave the namespace out or use a prefix."""
    return element.tag.rpartition("}")[2].casefold() if isinstance(element.tag, str) else ""
