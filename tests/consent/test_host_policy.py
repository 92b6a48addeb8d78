"""What hosts serve is read whatever its encoding, and never raises; on real files robots rules agree with another implementation."""

import pathlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared_data import shared
from transforms.consent.host_policy import HostPolicy, Served
from transforms.consent.policy_text import policy_text
from transforms.consent.robots import TRAINING_AGENTS, Robots

NO = "User-agent: *\nDisallow: /\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_a_no_is_a_no_in_every_encoding_and_with_every_line_end(encoding: str, end: str) -> None:
    """Pitfall A5: a byte-order mark turns "no" into "yes"."""
    served = NO.replace("\n", end).encode(encoding)
    assert [signal.value for signal in _signals(served)] == ["disallowed"]


@pytest.mark.parametrize("served", ["\ufeff" + NO, "ï»¿" + NO])
def test_a_mark_that_was_decoded_before_goes_too(served: str) -> None:
    assert [signal.value for signal in _signals(served)] == ["disallowed"]


def test_bytes_that_are_no_text_reserve_and_say_which_file() -> None:
    found = HostPolicy(Served("2026-01-01", 200, b"\x1f\x8b\x08\x00\x00\x00", None, b"\x00\x01\x02", None)).signals(
        "https://a.example/1", ["GPTBot"]
    )
    assert [(signal.signal, signal.value, signal.observed_at) for signal in found] == [
        ("policy_undecodable", "robots.txt", "2026-01-01"),
        ("policy_undecodable", "ai.txt", "2026-01-01"),
    ]


@given(st.binary(max_size=200), st.text(max_size=200))
def test_nothing_that_a_host_serves_raises(raw: bytes, text: str) -> None:
    for served in (raw, text):
        HostPolicy(Served(None, None, served, served, served, served)).signals("https://a.example/p/1.jpg?q=%zz", TRAINING_AGENTS)
    assert policy_text(text.encode("utf-8-sig", "surrogatepass")) is None or "\r" not in policy_text(text)  # type: ignore[operator]


def test_an_agent_is_in_its_own_group_and_else_in_that_of_all() -> None:
    robots = Robots("User-agent: GPTBot\nContent-Signal: ai-train=yes\n\nUser-agent: *\nContent-Signal: ai-train=no\n")
    assert [signal.value for signal in robots.signals("https://a.example/", ["gptbot"])] == ["ai-train=yes"]
    assert [signal.value for signal in robots.signals("https://a.example/", ["CCBot"])] == ["ai-train=no"]


@pytest.mark.parametrize("between", ["Crawl-delay: 2", "Sitemap: https://a.example/s.xml", "Clean-param: a", "", "# nothing"])
def test_no_other_record_ends_a_group(between: str) -> None:
    """RFC 9309, section 2.2.4; protego reads a group of its own before a `Crawl-delay`, and lets everybody in."""
    robots = Robots(f"User-agent: *\n{between}\nUser-agent: Googlebot\nDisallow: /pics/\n")
    assert [signal.value for signal in robots.signals("https://a.example/pics/1.jpg", ["CCBot"])] == ["disallowed"]


def test_licences_are_of_the_whole_site() -> None:
    assert Robots("License: https://a.example/l.xml\nUser-agent: x\nlicense: https://a.example/m.xml").licences == [
        "https://a.example/l.xml",
        "https://a.example/m.xml",
    ]


@pytest.mark.shared
def test_real_files_are_read_without_an_exception() -> None:
    files = _corpus()
    assert len(files) >= 1_000
    kept_out = sum(bool(_signals(path.read_bytes())) for path in files[::10])
    assert 0 < kept_out < len(files) // 20


@pytest.mark.shared
def test_real_files_give_the_answers_of_googles_parser() -> None:
    """Against a port of Google's robotstxt, with its own answers to what RFC 9309 leaves open (`/robots.txt`, unescaped letters)."""
    google = pytest.importorskip("gpyrobotstxt.robots_cc").RobotsMatcher
    draw = random.Random(7)
    agreed = asked = 0
    for path in _corpus()[::50]:
        text = policy_text(path.read_bytes()) or ""
        for _ in range(10):
            url = f"https://{path.name}/{draw.choice(['a', 'images', 'search', 'wp-admin', 'static'])}/{draw.randrange(99)}.jpg"
            ours = not Robots(text).signals(url, ["CCBot"])
            try:
                theirs = google().one_agent_allowed_by_robots(text.encode(), "CCBot", url)
            except TypeError:  # the port fails on a line without a colon
                continue
            agreed += ours == theirs
            asked += 1
    assert asked >= 200
    assert agreed == asked


def _corpus() -> list[pathlib.Path]:
    return sorted(path for path in shared("data", "opt_out", "robots_corpus").iterdir() if path.name != "SOURCE.txt")


def _signals(served: bytes | str) -> list:
    return HostPolicy(Served(None, 200, served, None, None, None)).signals("https://a.example/pics/1.jpg", TRAINING_AGENTS)
