"""Prints what other tools make of the header cases of `vectors.yaml`, beside Winnow: `python -m tests.consent.peers`.

Needs the peers in the environment (`pip install datadiligence img2dataset`); one that is not there has a dash.
"""

import importlib
from collections.abc import Callable
from typing import Any

from tests.consent.test_vectors import CASES
from tests.consent.vectors import state_of

Peer = Callable[[dict[str, str], str], bool]


def main() -> None:
    """A line for each case: whether each tool would use the picture, and where one differs from what the source says."""
    peers = {"datadiligence": _datadiligence(), "img2dataset": _img2dataset()}
    print(f"{'expected':10} {'winnow':10} " + " ".join(f"{name:14}" for name in peers) + " headers")
    for _, case in CASES:
        if set(case) <= {"headers", "state", "differs"} and isinstance(case["headers"], dict):
            lines = {name: ", ".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in case["headers"].items()}
            answers = " ".join(f"{_word(peer, lines, case['state']):14}" for peer in peers.values())
            print(f"{case['state']:10} {state_of(case):10} {answers} {case['headers']}")


def _word(peer: Peer | None, headers: dict[str, str], state: str) -> str:
    if peer is None:
        return "-"
    uses = peer(headers, "img2dataset")
    return ("uses" if uses else "does not") + ("" if uses == (state != "reserved") else " (!)")


def _datadiligence() -> Peer | None:
    try:
        http = importlib.import_module("datadiligence.rules.http")
    except ImportError:
        return None

    def allowed(headers: dict[str, str], agent: str) -> bool:
        robots, tdm = http.XRobotsTagHeader(user_agent=agent, respect_noindex=True), http.TDMRepHeader()
        return bool(robots.is_allowed(headers=headers) and tdm.is_allowed(headers=headers))

    return allowed


def _img2dataset() -> Peer | None:
    try:
        downloader: Any = importlib.import_module("img2dataset.downloader")
    except ImportError:
        return None

    def allowed(headers: dict[str, str], agent: str) -> bool:
        message = importlib.import_module("email.message").Message()
        for name, value in headers.items():
            message[name] = value
        return not downloader.is_disallowed(message, agent, ["noai", "noimageai", "noindex", "noimageindex"])

    return allowed


if __name__ == "__main__":
    main()
