"""`/.well-known/tdmrep.json`: rules of the TDM Reservation Protocol (W3C Community Group final report, 10 May 2024, section 6).

The first rule in document order whose location covers the path decides. A value other than 0 and 1 leaves the reservation unset, and a
file that is no array of rules says nothing.
"""

import json
from typing import Any, Final

from transforms.consent.path_patterns import covers_on, host_in, path_of
from transforms.consent.signal import LOCATION, TDM_FILE, Signal, evidence

_VALUES: Final = {"0": "0", "1": "1"}


class TdmRep:
    """One tdmrep.json.

    Args:
      text: as `policy_text` gave it.
    """

    def __init__(self, text: str) -> None:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = []
        rules = found if isinstance(found, list) else [found]  # one rule without its array is a rule all the same
        self._rules = [
            (location, _value(rule.get("tdm-reservation"))) for rule in rules if isinstance(rule, dict) for location in _locations(rule)
        ]

    def signals(self, url: str, observed_at: str | None = None) -> list[Signal]:
        """What it says of a URL: one signal at most."""
        host, path = host_in(url), path_of(url)
        for location, value in self._rules:
            if covers_on(host, location, path):
                said = evidence(f"tdmrep.json: location {location}, tdm-reservation {value}")
                return [] if value is None else [Signal(TDM_FILE, value, LOCATION, said, observed_at)]
        return []


def _locations(rule: dict[str, Any]) -> list[str]:
    """The location of a rule; of one that has several, each."""
    given = rule.get("location")
    return [location for location in (given if isinstance(given, list) else [given]) if isinstance(location, str)]


def _value(given: Any) -> str | None:
    return None if isinstance(given, bool) else _VALUES.get(str(given).strip().removesuffix(".0"))
