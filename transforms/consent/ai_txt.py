"""`/ai.txt` as Spawning defines it: the syntax of robots.txt, addressed to whoever downloads media for training.

Kinds of files are named by their ending, so case does not count. The name stands for other proposals too; a file in which no agent is
kept out of anything, or let in, is none of these and says nothing.
"""

from collections.abc import Sequence

from transforms.consent.robots import Robots
from transforms.consent.signal import AI_TXT, LOCATION, ROBOTS_TXT, Signal

_EVERYBODY = "*"


class AiTxt:
    """One ai.txt.

    Args:
      text: as `policy_text` gave it.
      observed_at: when it was fetched.
    """

    def __init__(self, text: str, observed_at: str | None = None) -> None:
        self._robots = Robots(text.lower())
        self._said = Signal(AI_TXT, "disallowed", LOCATION, "ai.txt disallows this kind of file", observed_at)

    def signals(self, url: str, agents: Sequence[str]) -> list[Signal]:
        """What it says of a URL to everybody and to some agents: one signal at most."""
        found = self._robots.signals(url.lower(), (_EVERYBODY, *agents))
        return [self._said] if any(signal.signal == ROBOTS_TXT for signal in found) else []
