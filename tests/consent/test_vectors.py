"""Every consent signal, case by case with its source: `vectors.yaml`. Peers' answers beside ours: `python -m tests.consent.peers`."""

import importlib.util
import pathlib
from typing import Any

import pytest
import yaml

from tests.consent.vectors import state_of

CASES = [
    (group["source"], case)
    for group in yaml.safe_load(pathlib.Path(__file__).with_name("vectors.yaml").read_text(encoding="utf-8"))
    for case in group["cases"]
]


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 150
    assert all(source for source, _ in CASES)


@pytest.mark.parametrize("peer", ["datadiligence", "img2dataset"])
def test_cases_that_a_peer_answers_wrongly_say_so(peer: str) -> None:
    assert sum(peer in case.get("differs", ()) for _, case in CASES) >= 50


def test_a_peer_that_is_here_answers_wrongly_where_the_cases_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    if not any(importlib.util.find_spec(peer) for peer in ("datadiligence", "img2dataset")):
        pytest.skip("neither datadiligence nor img2dataset is installed")
    from tests.consent.peers import main

    assert main() == 0, capsys.readouterr().out


@pytest.mark.parametrize(("source", "case"), CASES, ids=[str(number) for number in range(len(CASES))])
def test_a_vector_gives_its_state(source: str, case: dict[str, Any]) -> None:
    assert state_of(case) == case["state"], source
