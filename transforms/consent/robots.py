"""What robots.txt says of use: whom it keeps out (RFC 9309), and its lines on training (`Content-Signal`, `Content-Usage`).

`User-agent` lines open a group, groups of one agent are one, an agent without a group of its own is in that of `*` (section 2.2.1); no
other record ends a group (2.2.4). Whether an agent may fetch a URL is what the rules of its group say and nothing else, and the lines on
training belong to the group they stand in.
"""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Final

from transforms.consent import usage
from transforms.consent.path_patterns import PathRules, covers, path_of, plain
from transforms.consent.signal import LOCATION, ROBOTS_SIGNAL, ROBOTS_TXT, ROBOTS_USAGE, Signal, evidence

# Crawlers that fetch for training sets (ai.robots.txt, August 2026), and the downloaders of image-text sets.
TRAINING_AGENTS: Final = (
    "CCBot", "GPTBot", "ClaudeBot", "anthropic-ai", "Google-Extended", "Applebot-Extended", "Meta-ExternalAgent", "FacebookBot",
    "Bytespider", "Amazonbot", "AI2Bot", "Ai2Bot-Dolma", "cohere-ai", "cohere-training-data-crawler", "Diffbot", "omgili", "omgilibot",
    "Webzio-Extended", "ImagesiftBot", "PanguBot", "Timpibot", "ICC-Crawler", "imageSpider", "img2dataset", "laion-huggingface-processor",
    "LAIONDownloader", "DeepSeekBot", "PetalBot",
)  # fmt: skip

_ALLOW: Final = "allow"
_RULES: Final = frozenset(
    {_ALLOW, "disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"}
)  # Google's parser forgives these
_ON_TRAINING: Final = frozenset({"content-signal", "content-usage"})
_AGENT: Final = frozenset({"user-agent", "useragent", "user agent"})
_LICENCE: Final = "license"
_FIELDS: Final = _RULES | _ON_TRAINING | _AGENT | {_LICENCE}
_BARE: Final = frozenset({"user-agent", "allow", "disallow"})  # fields that may lack their colon
_PATHED: Final = re.compile(r"(/\S*)?\s*(.*)", re.DOTALL)
_TOKEN: Final = re.compile(r"[A-Za-z0-9_.-]+")
_EVERYBODY: Final = "*"


class Robots:
    """One robots.txt.

    Args:
      text: as `policy_text` gave it. Text in which no rule can be read says nothing.
      observed_at: when it was fetched.

    Attributes:
      licences: URLs of its `License` lines, which hold for the whole site (RSL 1.0).
    """

    def __init__(self, text: str, observed_at: str | None = None) -> None:
        self._at = observed_at
        self._blocks: list[list[_Line]] = []  # the lines below a run of `User-agent` lines
        self._groups: dict[str, list[int]] = {}  # agent -> its blocks, in order
        self.licences: list[str] = []
        open_for_agents = False
        for field, value in _fields(text):
            if field in _AGENT:
                if not open_for_agents:
                    self._blocks.append([])
                blocks = self._groups.setdefault(_agent_of(value), [])
                if not blocks or blocks[-1] != len(self._blocks) - 1:
                    blocks.append(len(self._blocks) - 1)
                open_for_agents = True
            elif field == _LICENCE:
                self.licences += [value] if value else []
            elif self._blocks:
                open_for_agents = False
                self._blocks[-1].append((field, value))
        self._asked: dict[tuple[str, ...], _Questions] = {}

    def signals(self, url: str, agents: Sequence[str]) -> tuple[Signal, ...]:
        """What it says of a URL to any of some agents, each thing once."""
        asked = self._asked.get(tuple(agents))
        if asked is None:
            asked = self._asked[tuple(agents)] = self._questions(agents)
        path = path_of(url)
        at = next((at for at, rules in enumerate(asked.rules) if not rules.allow(path)), -1)
        if not asked.pathed:
            return asked.answers[at]
        said = [
            Signal(ROBOTS_USAGE, preference, LOCATION, evidence(f"robots.txt, {agent}: Content-Usage: {line}"), self._at)
            for agent, values in asked.pathed
            for preference, line in _usages(values, path)
        ]
        return tuple(dict.fromkeys((*asked.answers[at], *said)))

    def _questions(self, agents: Sequence[str]) -> "_Questions":
        rules: dict[tuple[tuple[str, bool], ...], str] = {}
        always: list[Signal] = []
        pathed: list[tuple[str, list[_Line]]] = []
        names = {name if (name := agent.casefold()) in self._groups else _EVERYBODY: agent for agent in reversed(agents)}
        for name, agent in reversed(names.items()):
            lines = [line for block in self._groups.get(name, ()) for line in self._blocks[block]]
            rules.setdefault(tuple((pattern, field == _ALLOW) for field, pattern in lines if field in _RULES and pattern), agent)
            for value in (value for field, value in lines if field == "content-signal"):
                told = evidence(f"robots.txt, {name}: Content-Signal: {value}")
                always += [Signal(ROBOTS_SIGNAL, f"ai-train={answer}", LOCATION, told, self._at) for answer in usage.ai_train(value)]
            if usages := [_pathed(value) for field, value in lines if field == "content-usage"]:
                pathed.append((name, usages))
        rules.pop((), None)
        kept_out = [
            Signal(ROBOTS_TXT, "disallowed", LOCATION, evidence(f"robots.txt keeps {agent} out"), self._at) for agent in rules.values()
        ]
        always = list(dict.fromkeys(always))
        return _Questions([PathRules(group) for group in rules], [*((said, *always) for said in kept_out), tuple(always)], pathed)


_Line = tuple[str, str]  # field, in lower case, and value; of `Content-Usage` lines pattern and words


@dataclasses.dataclass(frozen=True)
class _Questions:
    """What some agents have to ask of a file.

    Attributes:
      rules: of their groups, each once.
      answers: what is said of a URL that is kept out by the rules of the same number; the last: by none.
      pathed: `Content-Usage` lines by agent: pattern of paths and what is said of them.
    """

    rules: list[PathRules]
    answers: list[tuple[Signal, ...]]
    pathed: list[tuple[str, list[_Line]]]


def _agent_of(value: str) -> str:
    """The product token of a `User-agent` line, case-folded; a version or comment behind it does not count (RFC 9309, section 2.2.1).

    >>> _agent_of("CCBot/2.0 (crawler)"), _agent_of("* all"), _agent_of("*bot")
    ('ccbot', '*', '')
    """
    if value[:1] == _EVERYBODY and not value[1:2].strip():
        return _EVERYBODY
    token = _TOKEN.match(value)
    return token.group().casefold() if token else ""


def _fields(text: str) -> Iterator[_Line]:
    """The lines of a file that matter here, without comments; some fields may lack their colon."""
    for written in text.split("\n"):
        line = written.partition("#")[0]
        before, colon, value = line.partition(":")
        field = " ".join(before.split()).casefold()
        if colon and field in _FIELDS:
            yield field, value.strip()
            continue
        words = line.split(None, 1)
        if len(words) == 2 and words[0].casefold() in _BARE:
            yield words[0].casefold(), words[1].strip()


def _pathed(value: str) -> _Line:
    """Pattern and words of a `Content-Usage` line: a value that begins with `/` has a path in front, up to the first white space."""
    pattern, words = _PATHED.fullmatch(value).groups()  # type: ignore[union-attr]  # it matches every text
    return plain(pattern or "/"), words


def _usages(lines: Sequence[_Line], path: str) -> Iterator[_Line]:
    """Preferences of the most specific `Content-Usage` lines that cover a path, and the words each stands in.

    aipref attachment draft, section 4: the longest path wins; where lines of one length disagree both count.
    """
    longest: list[str] = []
    length = -1
    for pattern, words in lines:
        if len(pattern) >= length and covers(pattern, path):
            longest = longest if len(pattern) == length else []
            longest.append(words)
            length = len(pattern)
    for words in longest:
        for said in usage.preferences(words):
            yield said, words
