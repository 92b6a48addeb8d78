"""Prints what other tools make of the header cases of `vectors.yaml`, beside Winnow: `python -m tests.consent.peers`.

Needs the peers in the environment: `pip install datadiligence`, `pip install --no-deps img2dataset` (one function of it is run, from its
source); one that is not there has a dash. Both are asked as they are by default; where a case turns `respect_noindex` off, so does the
peer. Each wrong answer has a mark, `(!)`; the vectors name who answers wrongly (`differs`), and a name too many or too few ends it.
"""

import ast
import importlib
import importlib.util
import pathlib
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPMessage
from typing import Any

from tests.consent.test_vectors import CASES
from tests.consent.vectors import state_of

Peer = Callable[[Any, bool], bool]  # headers, and whether noindex counts -> whether it would use the picture


def main() -> int:
    """A line for each case; 1 where the vectors name other peers than those that answer wrongly."""
    peers = {"datadiligence": _datadiligence(), "img2dataset": _img2dataset()}
    print(f"{'expected':10} {'winnow':10} " + " ".join(f"{name:14}" for name in peers) + " headers")
    unlike = 0
    for case in header_cases():
        answers = {name: peer(_headers(case["headers"]), case.get("respect_noindex", True)) for name, peer in peers.items() if peer}
        wrong = sorted(name for name, uses in answers.items() if uses == (case["state"] == "reserved"))
        named = sorted(name for name in case.get("differs", ()) if name in answers)
        unlike += wrong != named
        words = " ".join(f"{_word(name, answers, wrong):14}" for name in peers)
        said = "" if wrong == named else f"  differs: {named}, should be {wrong}"
        print(f"{case['state']:10} {state_of(case):10} {words} {case['headers']}{said}")
    return min(unlike, 1)


def header_cases() -> Iterator[dict[str, Any]]:
    """The cases that are about response headers and nothing else, in the shapes that the peers take."""
    for _, case in CASES:
        if set(case) <= {"headers", "state", "differs", "respect_noindex"} and isinstance(case["headers"], dict | list):
            yield case


def _word(name: str, answers: dict[str, bool], wrong: list[str]) -> str:
    if name not in answers:
        return "-"
    return ("uses" if answers[name] else "does not") + (" (!)" if name in wrong else "")


def _headers(given: Any) -> Any:
    """A dict as it stands where every name has one line, else a message."""
    if isinstance(given, dict) and not any(isinstance(value, list) for value in given.values()):
        return {name: str(value) for name, value in given.items()}
    message = HTTPMessage()
    for name, value in given.items() if isinstance(given, dict) else given:
        for line in value if isinstance(value, list) else [value]:
            message[name] = str(line)
    return message


def _datadiligence() -> Peer | None:
    try:
        http = importlib.import_module("datadiligence.rules.http")
    except ImportError:
        return None

    def uses(headers: Any, noindex: bool) -> bool:
        del noindex  # off by default
        robots, tdm = http.XRobotsTagHeader(), http.TDMRepHeader()
        return bool(robots.is_allowed(headers=headers) and tdm.is_allowed(headers=headers))

    return uses


def _img2dataset() -> Peer | None:
    found = importlib.util.find_spec("img2dataset")
    if found is None or not found.submodule_search_locations:
        return None
    source = pathlib.Path(found.submodule_search_locations[0], "downloader.py").read_text(encoding="utf-8")
    function = [part for part in ast.parse(source).body if isinstance(part, ast.FunctionDef) and part.name == "is_disallowed"]
    names: dict[str, Any] = {}
    exec(compile(ast.Module(function, []), "img2dataset/downloader.py", "exec"), names)

    def uses(headers: Any, noindex: bool) -> bool:
        message = headers if isinstance(headers, HTTPMessage) else HTTPMessage()
        for name, value in headers.items() if isinstance(headers, dict) else ():
            message[name] = value
        directives = ["noai", "noimageai", "noindex", "noimageindex"] if noindex else ["noai", "noimageai"]
        return not names["is_disallowed"](message, None, directives)

    return uses


if __name__ == "__main__":
    sys.exit(main())
