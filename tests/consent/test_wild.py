"""Content signals and usage preferences of real robots.txt say what somebody read in them by hand: `wild.yaml`."""

import pathlib
import re
from typing import Any

import pytest
import yaml

from tests.consent.vectors import STATES
from tests.shared_data import shared
from transforms.consent.policy_text import policy_text
from transforms.consent.robots import TRAINING_AGENTS, Robots
from transforms.consent.signal import ROBOTS_SIGNAL, ROBOTS_USAGE, Meaning, meaning

ASKS = [
    (found["site"], found["lines"], ask)
    for found in yaml.safe_load(pathlib.Path(__file__).with_name("wild.yaml").read_text(encoding="utf-8"))
    for ask in found["asks"]
]
EITHER = re.compile(rb"content[-_ ]?(?:signal|usage)|ai-train|train-ai", re.IGNORECASE)


@pytest.mark.parametrize(("site", "lines", "ask"), ASKS, ids=[f"{site}, {ask['path']}" for site, _, ask in ASKS])
def test_what_a_site_says_of_training_is_what_was_read_by_hand(site: str, lines: str, ask: dict[str, Any]) -> None:
    found = Robots(lines).signals(f"https://site.example{ask['path']}", TRAINING_AGENTS)
    assert {signal.value for signal in found if signal.signal in (ROBOTS_SIGNAL, ROBOTS_USAGE)} == set(ask["signals"]), site
    means = [meaning(signal.signal, signal.value, "generative", respect_noindex=True) for signal in found]
    assert STATES[max(means, default=Meaning.SILENT)] == ask["state"], ask["why"]


@pytest.mark.shared
def test_files_older_than_both_have_neither() -> None:
    """The corpus was gathered before there were content signals: no file of it has such a line, and none is read into one."""
    files = [path for path in shared("data", "opt_out", "robots_corpus").iterdir() if path.name != "SOURCE.txt"]
    assert not [path.name for path in files if EITHER.search(path.read_bytes())]
    for path in sorted(files)[::40]:
        signals = Robots(policy_text(path.read_bytes()) or "").signals(f"https://{path.name}/1.jpg", TRAINING_AGENTS)
        assert not {signal.signal for signal in signals} & {ROBOTS_SIGNAL, ROBOTS_USAGE}
