"""No parser of consent or side data raises, whatever it is fed; `tests.consent.fuzz` feeds them a hundred thousand inputs each."""

import pytest

from tests.consent.fuzz import PARSERS, fuzz


@pytest.mark.parametrize("name", PARSERS)
def test_nothing_that_is_fed_raises(name: str) -> None:
    assert fuzz(name, 60, seed=1) < 10
