"""Leaders against the plain loop over rows."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.match.leaders import _GROUPS_AT_ONCE, central_first, leaders


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


def test_the_middle_of_a_group_leads_and_the_order_of_rows_beyond_the_counted_ones_stays() -> None:
    values = np.array([9, 0, 1, 2, 3, 40, 41, 42])
    group = np.array([0, 0, 0, 0, 0, 1, 1, 1])

    def near(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return abs(values[one] - values[other]) <= 1

    assert central_first(group, near).tolist() == [2, 3, 1, 4, 0, 6, 5, 7]
    assert central_first(group, near, most=3).tolist() == [1, 2, 0, 3, 4, 6, 5, 7]
    assert central_first(group[:0], near).tolist() == []


@given(st.lists(st.integers(0, 20), min_size=1, max_size=30))
def test_who_leads_is_a_function_of_the_rows_and_not_of_other_groups(values: list[int]) -> None:
    one = np.array(values)
    both = np.concatenate([one, one])
    group = np.repeat([0, 1], len(one))
    alone = central_first(np.zeros(len(one), int), lambda a, b: abs(one[a] - one[b]) <= 2)
    together = central_first(group, lambda a, b: abs(both[a] - both[b]) <= 2)
    assert together.tolist() == [*alone.tolist(), *(alone + len(one)).tolist()]


def standing(how: np.ndarray):
    """A square of how rows stand, for `central_first`."""
    return lambda one, other: how[one, other]


def test_what_agrees_with_two_that_are_told_apart_comes_last():
    how = np.zeros((8, 8), np.int8)
    red, blue, grey = [1, 2, 3], [4, 5, 6], [0, 7]
    for colour in (red, blue):
        how[np.ix_(colour + grey, colour + grey)] = 1
    how[np.ix_(red, blue)] = how[np.ix_(blue, red)] = -1
    assert central_first(np.zeros(8, int), standing(how)).tolist() == [*red, *blue, *grey]
    assert central_first(np.zeros(8, int), standing(np.abs(how))).tolist()[0] == 0
    both = np.kron(np.eye(2, dtype=np.int8), how)
    both[8:, 8:] = np.abs(how)
    assert central_first(np.repeat([0, 1], 8), standing(both)).tolist() == [*red, *blue, *grey, *range(8, 16)]


def test_one_pair_told_apart_among_many_says_nothing():
    how = np.ones((8, 8), np.int8)
    how[6, 7] = how[7, 6] = -1
    assert central_first(np.zeros(8, int), standing(how)).tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert central_first(np.zeros(3, int), standing(how[5:, 5:])).tolist() == [1, 2, 0]


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(3, 12))
def test_the_order_is_that_of_a_loop_over_rows(seed, groups, most):
    draw = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), draw.integers(1, 15, groups))
    how = draw.choice(np.array([-1, 0, 1], np.int8), (len(group), len(group)), p=(0.1, 0.3, 0.6))
    how = np.triu(how, 1) + np.triu(how, 1).T
    expected = []
    for name in range(groups):
        rows = np.flatnonzero(group == name)
        counted = rows[:most] if len(rows) > 2 else rows[:0]
        keys = {}
        for row in rows:
            near = [other for other in counted if row in counted and how[row, other] > 0]
            pairs = list(itertools.combinations(near, 2))
            against = sum(how[one, other] < 0 for one, other in pairs)
            keys[row] = (against > 0 and against >= len(pairs) / 10, -len(near) if np.searchsorted(rows, row) < most else 1, row)
        expected += sorted(rows, key=keys.get)
    assert central_first(group, standing(how), most).tolist() == expected


def test_more_groups_than_are_looked_at_at_once():
    how = np.array([[0, -1, 1], [-1, 0, 1], [1, 1, 0]], np.int8)
    groups = 2 * _GROUPS_AT_ONCE + 5
    found = central_first(np.repeat(np.arange(groups), 3), lambda one, other: how[one % 3, other % 3])
    assert (found.reshape(-1, 3) % 3 == [0, 1, 2]).all()
