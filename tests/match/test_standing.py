"""Who leads, and where torn rows go, against plain loops over rows."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.images.hues import COLOURED, GREY, TONED
from transforms.match.division import divided
from transforms.match.leaders import leaders
from transforms.match.standing import _GROUPS_AT_ONCE, Standing


def test_the_middle_of_a_group_leads_and_the_order_of_rows_beyond_the_counted_ones_stays() -> None:
    values = np.array([9, 0, 1, 2, 3, 40, 41, 42])
    group = np.array([0, 0, 0, 0, 0, 1, 1, 1])

    def near(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return abs(values[one] - values[other]) <= 1

    assert Standing(group, near).order.tolist() == [2, 3, 1, 4, 0, 6, 5, 7]
    assert Standing(group, near, most=3).order.tolist() == [1, 2, 0, 3, 4, 6, 5, 7]
    assert Standing(group[:0], near).order.tolist() == []


@given(st.lists(st.integers(0, 20), min_size=1, max_size=30))
def test_who_leads_is_a_function_of_the_rows_and_not_of_other_groups(values: list[int]) -> None:
    one = np.array(values)
    both = np.concatenate([one, one])
    group = np.repeat([0, 1], len(one))
    alone = Standing(np.zeros(len(one), int), lambda a, b: abs(one[a] - one[b]) <= 2).order
    together = Standing(group, lambda a, b: abs(both[a] - both[b]) <= 2).order
    assert together.tolist() == [*alone.tolist(), *(alone + len(one)).tolist()]


def test_rows_beyond_those_that_order_says_are_compared_but_count_for_nobody() -> None:
    how = np.zeros((40, 40), np.float32)
    how[1, 0] = how[0, 1] = 1
    how[2, 35:] = how[35:, 2] = 1
    how[39, :39] = how[:39, 39] = 1
    how[[36, 35], [37, 38]] = how[[37, 38], [36, 35]] = -1
    found = Standing(np.zeros(40, int), standing(how))
    assert found.order[:4].tolist() == [0, 1, 3, 4]
    assert np.flatnonzero(found.torn).tolist() == [2]
    assert found.order[-2:].tolist() == [39, 2]


def nowhere(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """No pair is contested."""
    return np.zeros(len(one), bool)


def standing(how: np.ndarray):
    """A square of how rows stand, for `Standing`."""
    return lambda one, other: how[one, other]


def test_what_agrees_with_two_that_are_told_apart_comes_last():
    how = np.zeros((8, 8), np.int8)
    red, blue, grey = [1, 2, 3], [4, 5, 6], [0, 7]
    for colour in (red, blue):
        how[np.ix_(colour + grey, colour + grey)] = 1
    how[np.ix_(red, blue)] = how[np.ix_(blue, red)] = -1
    assert Standing(np.zeros(8, int), standing(how)).order.tolist() == [*red, *blue, *grey]
    assert Standing(np.zeros(8, int), standing(np.abs(how))).order[0] == 0
    both = np.kron(np.eye(2, dtype=np.int8), how)
    both[8:, 8:] = np.abs(how)
    assert Standing(np.repeat([0, 1], 8), standing(both)).order.tolist() == [*red, *blue, *grey, *range(8, 16)]


def test_one_pair_told_apart_among_many_says_nothing():
    how = np.ones((8, 8), np.int8)
    how[6, 7] = how[7, 6] = -1
    assert Standing(np.zeros(8, int), standing(how)).order.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert Standing(np.zeros(3, int), standing(how[5:, 5:])).order.tolist() == [1, 2, 0]


def test_one_row_told_apart_from_all_others_tears_nothing_where_four_agree():
    how = np.ones((6, 6), np.int8)
    how[5, 1:5] = how[1:5, 5] = -1
    assert not Standing(np.zeros(6, int), standing(how)).torn.any()
    assert Standing(np.zeros(3, int), standing(how[np.ix_([0, 1, 5], [0, 1, 5])])).torn.tolist() == [True, False, False]
    how[2, 3] = how[3, 2] = -1
    assert Standing(np.zeros(6, int), standing(how)).torn.tolist() == [True, False, False, False, False, False]


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
            told = [pair for pair in pairs if how[pair] < 0]
            of_one = len(near) >= 4 and any(all(row in pair for pair in told) for row in near)
            torn = len(told) > 0 and len(told) >= len(pairs) / 10 and not of_one
            keys[row] = (torn, -len(near) if np.searchsorted(rows, row) < most else 1, row)
        expected += sorted(rows, key=keys.get)
    assert Standing(group, standing(how), most).order.tolist() == expected


def test_more_groups_than_are_looked_at_at_once():
    how = np.array([[0, -1, 1], [-1, 0, 1], [1, 1, 0]], np.int8)
    groups = 2 * _GROUPS_AT_ONCE + 5
    found = Standing(np.repeat(np.arange(groups), 3), lambda one, other: how[one % 3, other % 3]).order
    assert (found.reshape(-1, 3) % 3 == [0, 1, 2]).all()


def reds_and_blues():
    """Red 1, 2, 3, blue 4, 5, 6, and 0 and 7, which agree with all, the first with a blue one best and the other with a red one."""
    how = np.full((8, 8), 0.9, np.float32)
    how[1:4, 4:7] = how[4:7, 1:4] = -1
    how[[0, 5], [5, 0]] = how[[7, 2], [2, 7]] = 0.95
    return how


def shown(*kinds):
    """All rows that are asked for are of one kind, or those of a group are of these."""
    return lambda rows: np.array(kinds, np.uint8)[rows] if len(kinds) > 1 else np.full(len(rows), kinds[0], np.uint8)


def test_a_torn_row_goes_where_it_agrees_best_and_is_compared_with_that_leader_last():
    how, last = reds_and_blues(), {}

    def compare(leading, rows):
        last.update(zip(rows.tolist(), leading.tolist(), strict=True))
        return how[leading, rows] > 0

    found = Standing(np.zeros(8, int), standing(how))
    assert np.flatnonzero(found.torn).tolist() == [0, 7]
    for kind in (GREY, COLOURED):
        moved, left = found.leaders(compare, shown(kind), nowhere, 9)
        assert (moved.tolist(), left) == ([4, 1, 1, 1, 4, 4, 4, 1], 0)
        assert (last[0], last[7]) == (4, 1)


def test_grey_goes_by_the_best_likeness_and_what_has_colour_by_the_two_best():
    how = reds_and_blues()
    how[[0, 0, 4, 6], [4, 6, 0, 0]] = 0.8
    found = Standing(np.zeros(8, int), standing(how))
    assert found.leaders(lambda a, b: how[a, b] > 0, shown(GREY), nowhere, 9)[0][0] == 4
    assert found.leaders(lambda a, b: how[a, b] > 0, shown(COLOURED), nowhere, 9)[0][0] == 1


def test_where_the_leader_of_what_it_agrees_with_best_will_not_have_it_grey_is_alone_and_what_has_colour_stays():
    how = reds_and_blues()
    how[[0, 4, 5, 6], [4, 0, 6, 5]] = 0
    how[[0, 6], [6, 0]] = 0.94
    found = Standing(np.zeros(8, int), standing(how))
    assert found.torn[0]
    assert found.leaders(lambda a, b: how[a, b] > 0, shown(GREY), nowhere, 9)[0].tolist() == [0, 1, 1, 1, 4, 4, 4, 1]
    assert found.leaders(lambda a, b: how[a, b] > 0, shown(COLOURED), nowhere, 9)[0].tolist() == [1, 1, 1, 1, 4, 4, 4, 1]


def test_what_is_torn_and_toned_is_alone_and_says_nothing_of_others():
    how = reds_and_blues()
    found = Standing(np.zeros(8, int), standing(how))
    assert found.leaders(lambda a, b: how[a, b] > 0, shown(TONED), nowhere, 9)[0].tolist() == [0, 1, 1, 1, 4, 4, 4, 7]
    how[[0, 7], [7, 0]] = 0.99
    found = Standing(np.zeros(8, int), standing(how))
    kinds = shown(GREY, *[COLOURED] * 6, TONED)
    assert found.leaders(lambda a, b: how[a, b] > 0, kinds, nowhere, 9)[0].tolist() == [4, 1, 1, 1, 4, 4, 4, 7]


@pytest.mark.parametrize(("of_own", "of_other", "goes"), [(3, 1, True), (2, 1, False), (4, 2, True), (3, 3, False)])
def test_a_row_goes_to_the_leader_of_three_rows_and_of_twice_the_share_that_it_agrees_with(of_own, of_other, goes):
    how, last = np.zeros((21, 21), np.float32), {}
    other, own = range(12), range(12, 20)
    for page in (other, own):
        how[np.ix_(page, page)] = 0.9
    met = [*other[:of_other], *own[:of_own]]
    how[20, met] = how[met, 20] = 0.8

    def compare(leading, rows):
        last.update(zip(rows.tolist(), leading.tolist(), strict=True))
        return how[leading, rows] > 0

    leader = Standing(np.zeros(21, int), standing(how)).leaders(compare, shown(COLOURED), nowhere, 9)[0]
    assert leader.tolist() == [0] * 12 + [12] * 8 + [12 if goes else 0]
    assert last[20] == leader[20]


@pytest.mark.parametrize(("apart", "alone"), [(2, True), (1, False)])
def test_a_row_that_is_told_apart_from_two_of_its_leaders_rows_for_five_that_it_agrees_with_is_alone(apart, alone):
    how = np.full((9, 9), 0.9, np.float32)
    how[8, 6 - apart : 6] = how[6 - apart : 6, 8] = -1
    how[8, 6:8] = how[6:8, 8] = 0
    how[0, 1:8] = how[1:8, 0] = 0.95
    found = Standing(np.zeros(9, int), standing(how))
    assert found.leaders(lambda a, b: how[a, b] > 0, shown(COLOURED), nowhere, 9)[0][8] == (8 if alone else 0)


def test_a_row_is_alone_where_the_leader_of_whose_rows_it_agrees_with_most_will_not_have_it():
    how = np.zeros((23, 23), np.float32)
    other, own = range(12), range(12, 20)
    for page in (other, own, (12, 21, 22)):
        how[np.ix_(page, page)] = 0.9
    met = [0, 13, 14, 15]
    how[20, met] = how[met, 20] = 0.8
    leader = Standing(np.zeros(23, int), standing(how)).leaders(lambda a, b: how[a, b] > 0, shown(COLOURED), nowhere, 9)[0]
    assert leader.tolist() == [0] * 12 + [12] * 8 + [20, 12, 12]


def test_another_picture_of_which_all_rows_agree_with_a_leader_has_one_of_its_own():
    how, last = np.zeros((16, 16), np.float32), {}
    for page in (range(8), range(8, 16)):
        how[np.ix_(page, page)] = 0.9
    how[0, 8:] = how[8:, 0] = 0.8

    def compare(leading, rows):
        last.update(zip(rows.tolist(), leading.tolist(), strict=True))
        return how[leading, rows] > 0

    for most, expected in ((64, [0] * 8 + [8] * 8), (12, [0] * 8 + [8] * 8), (11, [0] * 16)):
        leader = Standing(np.zeros(16, int), standing(how), most).leaders(compare, shown(COLOURED), nowhere, 9)[0]
        assert leader.tolist() == expected, "those that are not counted follow"
        assert all(last[row] == leader[row] for row in np.flatnonzero(leader == 8))


def test_pairs_that_are_contested_do_not_hold_two_pictures_together_and_what_is_not_counted_goes_with_the_nearer():
    how = np.full((20, 20), 0.8, np.float32)
    picture = np.arange(20) % 2
    how[picture[:, None] == picture] = 0.85
    found = Standing(np.zeros(20, int), standing(how), 16)
    for contested, expected in ((nowhere, [0] * 20), (standing(picture[:, None] != picture), [0, 1] * 10)):
        assert found.leaders(lambda a, b: how[a, b] > 0, shown(COLOURED), contested, 9)[0].tolist() == expected


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_rows_that_move_are_those_of_a_loop_over_rows(seed, groups):
    draw = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), draw.integers(1, 24, groups))
    how = draw.choice(np.array([-1, 0, 0.5, 0.6, 0.7], np.float32), (len(group), len(group)), p=(0.1, 0.2, 0.2, 0.2, 0.3))
    picture = draw.choice(3, len(group), p=(0.4, 0.3, 0.3))
    how[(picture[:, None] == picture) & (draw.random(how.shape) < 0.95)] = 0.8
    how[(picture[:, None] != picture) & (draw.random(how.shape) < 0.85 * (seed % 2))] = 0
    how[np.searchsorted(group, np.arange(0, groups, 1 + seed % 3))] = 0.5
    how = np.triu(how, 1) + np.triu(how, 1).T + np.eye(len(group), dtype=np.float32)
    disputed = draw.random(how.shape) < 0.03
    disputed |= disputed.T
    kinds = draw.choice(np.array([COLOURED, GREY, TONED], np.uint8), len(group))
    found = Standing(group, standing(how), 16)
    kinds[~found.torn] = COLOURED
    still = np.empty(len(group), int)
    still[found.order] = found.order[leaders(group, lambda a, b: how[found.order[a], found.order[b]] > 0)[0]]
    still = np.where(kinds == TONED, np.arange(len(group)), still)
    moved = still.copy()
    for row in np.flatnonzero(found.torn & (kinds != TONED) & ((kinds == GREY) | (still != np.arange(len(group))))):
        fit = {}
        for other in np.flatnonzero(group == group[row])[:16]:
            if other != row and kinds[other] == COLOURED and how[row, other] > 0:
                fit.setdefault(still[other], []).append(float(how[row, other]))
        likenesses = 1 if kinds[row] == GREY else 2
        if fit:
            leader = max(fit, key=lambda name: (sum(sorted(fit[name], reverse=True)[:likenesses]) / likenesses, -name))
            moved[row] = leader if how[leader, row] > 0 else row if kinds[row] == GREY else still[row]
    expected = moved.copy()
    for row in np.flatnonzero(~found.torn & (moved != np.arange(len(group)))):
        shares = {}
        rows = np.flatnonzero(group == group[row])
        for leader in np.unique(moved[rows]):
            led = [other for other in rows[:16] if moved[other] == leader and other != row] if len(rows) > 2 and row in rows[:16] else []
            agrees = sum(how[row, other] > 0 for other in led)
            shares[leader] = (agrees / max(len(led), 1), agrees, how[row, leader] > 0 and leader in rows[:16])
        best = [
            name for name in shares
            if name != moved[row] and shares[name][1] >= 3 and shares[name][0] > 2 * shares[moved[row]][0]
        ]  # fmt: skip
        if best:
            goes = {name: name if shares[name][2] else row for name in best}
            expected[row] = goes[max(best, key=lambda name: (shares[name][0], -goes[name]))]
    agreed = np.where(disputed, 0, np.maximum(how, 0))
    np.fill_diagonal(agreed, 1)
    for leader in np.unique(expected):
        rows = [row for row in found.order if group[row] == group[leader] and expected[row] == leader]
        counted = [row for row in rows if row in np.flatnonzero(group == group[leader])[:16]]
        if leader not in counted or len(counted) < 8:
            continue
        part = divided(agreed[np.ix_(counted, counted)])
        firsts = {leader}
        for number in set(part) - {part[counted.index(leader)]}:
            apart = [row for row, mine in zip(counted, part, strict=True) if mine == number]
            expected[apart] = [apart[0] if agreed[apart[0], row] > 0 else row for row in apart]
            firsts.add(apart[0])
        for row in set(rows) - set(counted):
            fit = {first: agreed[first, row] for first in firsts if agreed[first, row] > 0 and len(firsts) > 1}
            expected[row] = max(fit, key=lambda name: (fit[name], -name)) if fit else leader
    parted = expected.copy()
    for row in np.flatnonzero(expected != np.arange(len(group))):
        rows = np.flatnonzero(group == group[row])
        stand = [how[row, other] for other in rows[:16] if expected[other] == expected[row] and other != row]
        apart, agrees = sum(value < 0 for value in stand), sum(value > 0 for value in stand)
        if row in rows[:16] and len(rows) > 2 and apart >= 2 and 5 * apart >= 2 * agrees:
            parted[row] = row
    leader, _ = found.leaders(lambda a, b: how[a, b] > 0, lambda rows: kinds[rows], standing(disputed), 99)
    assert leader.tolist() == parted.tolist()
    assert (leader[leader] == leader).all()
