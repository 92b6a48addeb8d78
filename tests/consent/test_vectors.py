"""Every consent signal, case by case with its source: `vectors.yaml`. Peers' answers beside ours: `python -m tests.consent.peers`."""

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


@pytest.mark.parametrize(("source", "case"), CASES, ids=[str(number) for number in range(len(CASES))])
def test_a_vector_gives_its_state(source: str, case: dict[str, Any]) -> None:
    assert state_of(case) == case["state"], source
