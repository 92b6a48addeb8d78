"""What columns tell of the page that shows a picture."""

import pytest

from transforms.consent.page import page_signals


@pytest.mark.parametrize(
    ("noai", "robots", "found"),
    [
        (True, None, ["true"]),
        ("True", None, ["true"]),
        (1, None, ["true"]),
        (False, "all", []),
        (None, None, []),
        (0, None, []),
        (None, "NoAI, noimageai", ["noai", "noimageai"]),
        (None, b"noml", ["noml"]),
        (None, "noindex, nofollow", []),
        (float("nan"), float("nan"), []),
    ],
)
def test_page_columns(noai: object, robots: object, found: list[str]) -> None:
    signals = page_signals(noai, robots, None, "2024-05-01")
    assert [signal.value for signal in signals] == found
    assert {signal.scope for signal in signals} <= {"location"}
    assert {signal.observed_at for signal in signals} <= {"2024-05-01"}
