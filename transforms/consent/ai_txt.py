"""`/ai.txt` as Spawning defines it: the syntax of robots.txt, addressed to whoever downloads media for training.

The name stands for other proposals too; a file without a `User-Agent` and a `Disallow` or `Allow` line is none of these and says nothing.
"""

import re
from typing import Final

from protego import Protego

from transforms.consent.signal import AI_TXT, LOCATION, Signal

_IS_ONE: Final = re.compile(r"^\s*user-agent\s*:.*^\s*(?:dis)?allow\s*:", re.IGNORECASE | re.MULTILINE | re.DOTALL)


class AiTxt:
    """One ai.txt.

    Args:
      text: as `policy_text` gave it.
    """

    def __init__(self, text: str) -> None:
        self._rules = Protego.parse(text) if _IS_ONE.search(text) else None

    def signals(self, url: str, observed_at: str | None = None) -> list[Signal]:
        """What it says of a URL: one signal at most."""
        if self._rules is None or self._rules.can_fetch(url, "*"):
            return []
        return [Signal(AI_TXT, "disallowed", LOCATION, "ai.txt disallows this kind of file", observed_at)]
