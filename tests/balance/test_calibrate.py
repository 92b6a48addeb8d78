import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.balance.calibrate import TOLERANCE, Problem, calibrate
from transforms.balance.feasible import least_bound, least_deviation, nearest

# Kalton and Flores-Cervantes, "Weighting methods" (2003), as in `tests/kalton.Rout.save` of R's
# survey package: 4 x 3 cells, a varying fastest; the weights are printed a line per level of a.
SAMPLE = np.array([20, 50, 100, 30, 40, 140, 50, 100, 40, 310, 50, 70], float)
POPULATION = np.array([80, 60, 170, 55, 40, 150, 60, 165, 55, 340, 200, 125], float)
A, B = np.tile(np.arange(4), 3), np.repeat(np.arange(3), 4)


def kalton(low: float, high: float) -> Problem:
    return Problem(SAMPLE, [A, B], [np.bincount(A, POPULATION), np.bincount(B, POPULATION)], (low, high))


@pytest.mark.parametrize(
    ("distance", "low", "high", "printed"),
    [
        ("raking", 0, np.inf, "1.81 1.45 2.02 1.08 .87 1.21 2.20 1.76 2.45 1.83 1.47 2.04"),
        ("logit", 0.5, 2.2, "1.87 1.46 1.98 1.08 .74 1.27 2.17 2.09 2.18 1.89 1.49 1.99"),
        ("linear", 0.5, 2.2, "1.81 1.48 1.99 1.08 .75 1.26 2.20 2.00 2.20 1.83 1.50 2.00"),
        ("linear", -np.inf, np.inf, "1.82 1.50 1.97 1.09 .78 1.24 2.19 1.88 2.34 1.83 1.52 1.98"),
    ],
)
def test_the_published_table_is_met_to_every_printed_digit(distance, low, high, printed):
    weights, error = calibrate(kalton(low, high), distance)
    assert [f"{weight:.2f}" for weight in weights.reshape(3, 4).T.ravel()] == [f"{float(weight):.2f}" for weight in printed.split()]
    assert error < TOLERANCE


def test_bounds_hold_where_trimming_after_raking_would_break_them():
    weights, error = calibrate(kalton(0.5, 2.2))
    assert weights.max() <= 2.2
    assert error < TOLERANCE


def test_the_smallest_feasible_bound_and_deviation_of_the_published_table():
    assert least_bound(kalton(0.5, 2.2)) == pytest.approx(2.15, abs=0.005)
    assert least_deviation(kalton(0.5, 1.9))[0] == pytest.approx(0.1163, abs=5e-5)


def test_an_empty_level_deviates_by_all_of_its_target():
    problem = Problem(np.array([100.0]), [np.array([0])], [np.array([70.0, 30.0])], (0.0, np.inf))
    assert least_deviation(problem)[0] == pytest.approx(1.0)
    assert least_bound(problem) is None


def test_a_structural_zero_that_blocks_the_targets_is_infeasible_without_any_bound():
    """Two binary margins with only the diagonal filled must have equal margins."""
    cells = [np.array([0, 1]), np.array([0, 1])]
    problem = Problem(np.array([50.0, 50.0]), cells, [np.array([60.0, 40.0]), np.array([50.0, 50.0])], (0.0, np.inf))
    assert least_deviation(problem)[0] > 0.05
    assert least_bound(problem) is None


@st.composite
def tables(draw):
    """Two or three margins over a table with zeros; targets that may or may not be feasible."""
    shape = draw(st.lists(st.integers(2, 4), min_size=2, max_size=3))
    size = int(np.prod(shape))
    rows = np.array(draw(st.lists(st.integers(0, 400), min_size=size, max_size=size)))
    pull = np.array(draw(st.lists(st.floats(0.2, 4.0), min_size=size, max_size=size)))
    used = np.flatnonzero(rows)
    codes = np.unravel_index(used, shape)
    if not len(used):
        return None
    mass = (rows * pull)[used]
    extra = draw(st.booleans())  # a level whose target has no rows, or one moved away from what the table can do
    targets = []
    for member, levels in zip(codes, shape, strict=True):
        target = np.bincount(member, mass, levels) + (draw(st.integers(0, 50)) if extra else 0)
        targets.append(target * (rows.sum() / target.sum()))
    return Problem(rows[used].astype(float), list(codes), targets, (1 / 3, 3.0))


@settings(max_examples=60, deadline=None)
@given(tables())
def test_what_linear_programming_calls_feasible_is_solved_and_nothing_else_is(problem):
    if problem is None:
        return
    deviation, _ = least_deviation(problem)
    weights, error = calibrate(problem, max_sweeps=200)
    assert weights.min() >= problem.bounds[0]
    assert weights.max() <= problem.bounds[1]
    if deviation > 1e-7:
        assert error > deviation / 2
        assert (least_bound(problem) or 4.0) > problem.bounds[1] - 1e-6
    elif deviation == 0.0 and error > 1e-6:  # feasible at one point only, where raking creeps: the nearest feasible weights are there
        met = nearest(problem, weights)
        assert met is not None
        assert problem.error(met) < 1e-6


@settings(max_examples=40, deadline=None)
@given(tables(), st.integers(0, 2**32 - 1))
def test_no_feasible_change_of_the_weights_lowers_the_divergence(problem, seed):
    if problem is None:
        return
    weights, error = calibrate(problem, max_sweeps=200)
    if error > TOLERANCE:
        return
    matrix = np.zeros((0, len(weights)))
    for member, target in zip(problem.members, problem.targets, strict=True):
        matrix = np.vstack([matrix, (np.arange(len(target))[:, None] == member) * problem.rows])
    _, values, basis = np.linalg.svd(matrix)
    free = basis[int((values > 1e-9 * values.max()).sum()) :]
    if not len(free):
        return

    def divergence(w):
        return float(np.sum(problem.rows * (w * np.log(w) - w)))

    direction = np.random.default_rng(seed).normal(size=len(free)) @ free
    for scale in (1e-3, 1e-2, -1e-3, -1e-2):
        moved = weights + scale * direction
        if moved.min() >= problem.bounds[0] and moved.max() <= problem.bounds[1]:
            assert divergence(moved) >= divergence(weights) - 1e-7 * problem.rows.sum()


def test_within_bounds_log_weights_are_sums_of_one_number_per_level():
    weights, _ = calibrate(kalton(0.0, np.inf))
    table = np.log(weights.reshape(3, 4))
    interaction = table - table.mean(0) - table.mean(1)[:, None] + table.mean()
    assert np.abs(interaction).max() < 1e-9


def test_one_margin_is_post_stratification():
    weights, _ = calibrate(Problem(np.array([30.0, 70.0]), [np.array([0, 1])], [np.array([50.0, 50.0])], (0.0, np.inf)))
    assert weights == pytest.approx([50 / 30, 50 / 70], rel=1e-14)


def test_targets_that_already_hold_leave_every_weight_at_one():
    problem = Problem(SAMPLE, [A, B], [np.bincount(A, SAMPLE), np.bincount(B, SAMPLE)], (1 / 3, 3.0))
    assert (calibrate(problem)[0] == 1.0).all()


def test_raking_equals_scaling_rows_and_columns_in_turn():
    """Oracle: textbook iterative proportional fitting on the table itself."""
    table = SAMPLE.reshape(3, 4).copy()
    rows, columns = np.bincount(B, POPULATION), np.bincount(A, POPULATION)
    for _ in range(200):
        table *= (columns / table.sum(0))[None, :]
        table *= (rows / table.sum(1))[:, None]
    assert calibrate(kalton(0.0, np.inf))[0] == pytest.approx((table / SAMPLE.reshape(3, 4)).ravel(), rel=1e-10)


def test_the_nearest_feasible_weights_meet_the_margins_within_the_bounds():
    problem = kalton(0.5, 2.2)
    weights = nearest(problem, np.ones(12))
    assert problem.error(weights) < 1e-8
    assert 0.5 - 1e-9 <= weights.min() <= weights.max() <= 2.2 + 1e-9
    assert nearest(kalton(0.5, 1.9), np.ones(12)) is None
