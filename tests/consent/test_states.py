"""Four states, and which signals could have been seen decides between the two quiet ones."""

import itertools

import numpy as np
import pytest

from schemas.ledger import CONTENT_BITS, LOCATION_BITS
from schemas.reasons import CONSENT
from transforms.consent.states import resolve

BITS = [1 << bit for bit in range(6)]


@pytest.mark.parametrize("seen", [sum(chosen) for size in range(7) for chosen in itertools.combinations(BITS, size)])
def test_a_row_is_silent_only_where_content_and_location_could_both_be_seen(seen: int) -> None:
    [state] = resolve(np.array([False]), np.array([False]), np.array([seen], np.int32))
    silent = bool(seen & CONTENT_BITS) and bool(seen & LOCATION_BITS)
    assert CONSENT[state] == ("silent" if silent else "not_observable")


def test_a_reservation_goes_before_a_permission_and_needs_nothing_observable() -> None:
    states = resolve(np.array([True, False]), np.array([True, True]), np.zeros(2, np.int32))
    assert [CONSENT[state] for state in states] == ["reserved", "permitted"]
    assert states.dtype == np.int8
