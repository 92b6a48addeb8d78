"""What robots.txt says of use: whom it keeps out (RFC 9309), and its lines on training (`Content-Signal`, `Content-Usage`).

Whether an agent may fetch a URL is protego's answer, to a text of agents and rules alone: other records must not end a group (section
2.2.4), and with protego a `Crawl-delay` does, which turns a no into a yes. The lines on training belong to the group they stand in, by
the same rule: `User-agent` lines open a group, groups of one agent are one, an agent without a group of its own is in that of `*`.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from protego import Protego

from transforms.consent import usage
from transforms.consent.path_patterns import covers, path_of, plain
from transforms.consent.signal import LOCATION, ROBOTS_SIGNAL, ROBOTS_TXT, ROBOTS_USAGE, Signal, evidence

logging.getLogger("protego").setLevel(logging.WARNING)  # it logs lines of files at level debug

# Crawlers that fetch for training sets (ai.robots.txt, August 2026), and the downloaders of image-text sets.
TRAINING_AGENTS: Final = (
    "CCBot", "GPTBot", "ClaudeBot", "anthropic-ai", "Google-Extended", "Applebot-Extended", "Meta-ExternalAgent", "FacebookBot",
    "Bytespider", "Amazonbot", "AI2Bot", "Ai2Bot-Dolma", "cohere-ai", "cohere-training-data-crawler", "Diffbot", "omgili", "omgilibot",
    "Webzio-Extended", "ImagesiftBot", "PanguBot", "Timpibot", "ICC-Crawler", "imageSpider", "img2dataset", "laion-huggingface-processor",
    "LAIONDownloader", "DeepSeekBot", "PetalBot",
)  # fmt: skip

_RULES: Final = frozenset({"allow", "disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"})  # as protego forgives them
_ON_TRAINING: Final = frozenset({"content-signal", "content-usage"})
_AGENT: Final = frozenset({"user-agent", "useragent", "user agent"})
_FIELD: Final = re.compile(r"\s*([A-Za-z][A-Za-z -]*?)\s*:(.*)|\s*(user-agent|allow|disallow)\s+(.*)", re.IGNORECASE)
_PATHED: Final = re.compile(r"(/\S*)?\s*(.*)", re.DOTALL)
_TOKEN: Final = re.compile(r"[A-Za-z0-9_.-]+")
_EVERYBODY: Final = "*"


class Robots:
    """One robots.txt.

    Args:
      text: as `policy_text` gave it. Text in which no rule can be read says nothing.

    Attributes:
      licences: URLs of its `License` lines, which hold for the whole site (RSL 1.0).
    """

    def __init__(self, text: str) -> None:
        lines = list(_fields(text))
        rules = [f"{field}: {value}" for field, value in lines if field in _AGENT or field in _RULES]
        self._rules = Protego.parse("\n".join(rules))
        self._lines: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        self.licences: list[str] = []
        agents: list[str] = []
        open_for_agents = False
        for field, value in lines:
            if field in _AGENT:
                agents = [*agents, value.casefold()] if open_for_agents else [value.casefold()]
                open_for_agents = True
                for agent in agents:
                    self._lines.setdefault(agent, [])
            elif field == "license" and value:
                self.licences.append(value)
            elif field in _RULES or field in _ON_TRAINING:
                open_for_agents = False
                for agent in agents:
                    self._lines[agent].append((field, value))

    def signals(self, url: str, agents: Sequence[str], observed_at: str | None = None) -> list[Signal]:
        """What it says of a URL to any of some agents, each thing once."""
        found = []
        for agent in agents:
            if not self._rules.can_fetch(url, agent):
                found.append(Signal(ROBOTS_TXT, "disallowed", LOCATION, evidence(f"robots.txt keeps {agent} out"), observed_at))
                break
        path = path_of(url)
        for group in dict.fromkeys(self._group(agent) for agent in agents):
            lines = self._lines.get(group, [])
            for value in (value for field, value in lines if field == "content-signal"):
                found += [
                    Signal(
                        ROBOTS_SIGNAL,
                        f"ai-train={answer}",
                        LOCATION,
                        evidence(f"robots.txt, {group}: Content-Signal: {value}"),
                        observed_at,
                    )
                    for answer in usage.ai_train(value)
                ]
            found += [
                Signal(ROBOTS_USAGE, said, LOCATION, evidence(f"robots.txt, {group}: Content-Usage: {value}"), observed_at)
                for said, value in _usages([value for field, value in lines if field == "content-usage"], path)
            ]
        return list(dict.fromkeys(found))

    def _group(self, agent: str) -> str:
        """The name of the group that an agent is in: the longest that its token begins with, else everybody's."""
        name = agent.casefold()
        named = [group for group in self._lines if group != _EVERYBODY and (token := _TOKEN.match(group)) and token.group() == name]
        return max(named, key=len, default=_EVERYBODY)


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """The lines of a file as field, in lower case, and value, without comments; a field of RFC 9309 may lack its colon."""
    for line in text.split("\n"):
        found = _FIELD.fullmatch(line.partition("#")[0])
        if found:
            yield (found.group(1) or found.group(3)).casefold(), (found.group(2) or found.group(4) or "").strip()


def _usages(values: Sequence[str], path: str) -> Iterator[tuple[str, str]]:
    """Preferences of the most specific `Content-Usage` lines that cover a path, and the line each stands in.

    aipref attachment draft, section 4: a value that begins with `/` has a path in front, up to the first white space; the longest path
    wins; where lines of one length disagree both count.
    """
    longest: list[str] = []
    length = -1
    for value in values:
        pattern, words = _PATHED.fullmatch(value).groups()  # type: ignore[union-attr]  # it matches every text
        size = len(plain(pattern or "/"))
        if covers(pattern or "/", path) and size >= length:
            longest = [*(longest if size == length else []), words]
            length = size
    for words in longest:
        for said in usage.preferences(words):
            yield said, words
