"""Leaders against the plain loop over rows."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.match.leaders import leaders


def one_by_one(group, values, reach):
    out, chosen = [], []
    for i, value in enumerate(values):
        found = next((c for c in chosen if group[c] == group[i] and abs(values[c] - value) <= reach), None)
        out.append(i if found is None else found)
        if found is None:
            chosen.append(i)
    return out


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), max_size=60), st.integers(0, 5))
def test_rounds_over_all_groups_equal_a_loop_over_rows(pairs, reach):
    pairs.sort(key=lambda p: p[0])
    group, values = np.array([p[0] for p in pairs], int), np.array([p[1] for p in pairs], int)
    found, left = leaders(group, lambda a, b: abs(values[a] - values[b]) <= reach)
    assert found.tolist() == one_by_one(group.tolist(), values.tolist(), reach)
    assert left == 0


def test_a_chain_of_small_changes_is_cut_and_a_crowd_around_one_is_not():
    chain = np.arange(20)
    found, _ = leaders(np.zeros(20, int), lambda a, b: abs(chain[a] - chain[b]) <= 2)
    assert np.bincount(found).max() == 3
    crowd = np.array([10, *range(8, 13)])
    found, _ = leaders(np.zeros(6, int), lambda a, b: abs(crowd[a] - crowd[b]) <= 2)
    assert not found.any()


def test_rows_beyond_the_bound_lead_themselves_and_are_counted():
    found, left = leaders(np.zeros(10, int), lambda a, b: np.zeros(len(a), bool), most=4)
    assert found.tolist() == list(range(10))
    assert left == 6
