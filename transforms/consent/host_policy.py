"""The policies of one host, as a snapshot has them: robots.txt, tdmrep.json, ai.txt and RSL, each parsed once, asked for many URLs."""

import dataclasses
from collections.abc import Sequence
from typing import Final

from schemas.consent_signals import SEEN_AI_TXT, SEEN_ROBOTS, SEEN_RSL, SEEN_TDMREP
from transforms.consent.ai_txt import AiTxt
from transforms.consent.policy_text import policy_text
from transforms.consent.robots import Robots
from transforms.consent.rsl import Rsl
from transforms.consent.signal import LOCATION, ROBOTS_LICENCE, ROBOTS_TXT, UNDECODABLE, Signal, evidence
from transforms.consent.tdmrep import TdmRep

_FOUND: Final = range(200, 300)
_CLIENT_ERRORS: Final = range(400, 500)
_SERVER_ERRORS: Final = range(500, 600)


@dataclasses.dataclass(frozen=True)
class Served:
    """What a host served; None where it was not asked or did not answer with a file.

    Attributes:
      fetched_at: when, as the snapshot tells it.
      status_robots: HTTP status of robots.txt; None is taken for 200 where there is a text.
      robots_txt: bytes or text. `tdmrep_json`, `ai_txt`, `rsl_xml` likewise.
    """

    fetched_at: str | None
    status_robots: int | None
    robots_txt: bytes | str | None
    tdmrep_json: bytes | str | None
    ai_txt: bytes | str | None
    rsl_xml: bytes | str | None


class HostPolicy:
    """What a host says of the URLs on it.

    A robots.txt that the server failed to give keeps everybody out (RFC 9309, section 2.3.1.4: 5xx), one that is not there (4xx) nobody.
    A file that is text in no encoding reserves: nobody can say that it does not.

    Attributes:
      seen: which of its files were fetched, bits of `schemas.consent_signals`; one that the host answered not to have is among them.
    """

    def __init__(self, served: Served) -> None:
        self._at = served.fetched_at
        self._always: list[Signal] = []
        status = served.status_robots
        self.seen = SEEN_ROBOTS if served.robots_txt is not None or status in (*_FOUND, *_CLIENT_ERRORS, *_SERVER_ERRORS) else 0
        for body, bit in ((served.tdmrep_json, SEEN_TDMREP), (served.ai_txt, SEEN_AI_TXT), (served.rsl_xml, SEEN_RSL)):
            self.seen |= 0 if body is None else bit
        robots = served.robots_txt if status is None or status not in (*_CLIENT_ERRORS, *_SERVER_ERRORS) else None
        if status in _SERVER_ERRORS:
            self._always.append(Signal(ROBOTS_TXT, "unreachable", LOCATION, f"robots.txt answered with status {status}", self._at))
        texts = {
            name: self._text(name, body)
            for name, body in (
                ("robots.txt", robots),
                ("tdmrep.json", served.tdmrep_json),
                ("ai.txt", served.ai_txt),
                ("RSL", served.rsl_xml),
            )
        }
        self._robots = None if texts["robots.txt"] is None else Robots(texts["robots.txt"], self._at)
        if self._robots is not None and served.rsl_xml is None:
            told = [evidence(f"robots.txt: License: {address}") for address in dict.fromkeys(self._robots.licences)]
            self._always += [Signal(ROBOTS_LICENCE, "not read", LOCATION, words, self._at, observable=False) for words in told]
        self._ai = None if texts["ai.txt"] is None else AiTxt(texts["ai.txt"], self._at)
        parsers: list[tuple[type[TdmRep | Rsl], str]] = [(TdmRep, "tdmrep.json"), (Rsl, "RSL")]
        self._others = [parse(text) for parse, name in parsers if (text := texts[name]) is not None]

    def _text(self, name: str, body: bytes | str | None) -> str | None:
        if body is None:
            return None
        text = policy_text(body)
        if text is None:
            self._always.append(Signal(UNDECODABLE, name, LOCATION, f"{name} is text in no encoding", self._at))
        return text

    def signals(self, url: str, agents: Sequence[str]) -> tuple[Signal, ...]:
        """What is said of a URL on this host.

        Args:
          url: in normal form.
          agents: crawlers that fetch for training; kept out where any of them is.
        """
        found = () if self._robots is None else self._robots.signals(url, agents)
        if not self._always and not self._others and self._ai is None:
            return found
        ai = () if self._ai is None else self._ai.signals(url, agents)
        return (*self._always, *found, *ai, *(signal for other in self._others for signal in other.signals(url, self._at)))
