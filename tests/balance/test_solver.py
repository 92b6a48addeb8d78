import math
import os
import pathlib
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.annotations import GROUPS
from schemas.errors import JobError
from schemas.job import Rebalance
from tests.balance.counts import REASONS, cells, mask
from transforms.balance import solver
from transforms.balance.calibrate import calibrate
from transforms.balance.cells import Key, buckets, count_cells, gather
from transforms.balance.sample import sampled
from transforms.balance.solver import ONE, explain, quantise, solve, weights_of
from transforms.balance.targets import check

GENDERS = ("feminine", "masculine", "no_person")
REGIONS = ("Eastern Asia", "Western Europe", "unknown")
PLAIN = Rebalance(margins=("gender", "region"), min_cell=1)


def share(solution, level, part="weighted"):
    levels = [one for one in solution.levels if one.margin == "gender"]
    return sum(getattr(one, part) for one in levels if one.level == level) / sum(getattr(one, part) for one in levels)


def test_cats_and_dogs_get_back_their_shares():
    """A filter drops 75 % of the dogs and 50 % of the cats: dogs weigh twice as much as cats."""
    counts = cells({
        (("feminine",), ()): 250, (("feminine",), ("toxicity",)): 750, (("masculine",), ()): 500, (("masculine",), ("toxicity",)): 500,
    })  # fmt: skip
    solution = solve(counts, Rebalance(margins=("gender",)), {})
    dogs, cats = (solution.weights[gender, "unspecified", "unknown", "en"] for gender in ("feminine", "masculine"))
    assert (dogs, cats) == (ONE * 3 // 2, ONE * 3 // 4)
    assert solution.status == "ok"
    assert solution.effective_sample_size == pytest.approx(750 / 1.125)
    assert "every margin is met" in explain(solution)


@st.composite
def filtered(draw):
    """Counts before and after filters over gender x region, zeros and emptied levels included."""
    rows = {}
    for gender in GENDERS:
        for region in REGIONS:
            before = draw(st.integers(0, 3000))
            removed = draw(st.sampled_from([0, 0, before // 3, before // 2, before * 9 // 10, before]))
            copies = draw(st.integers(0, 50))
            levels = (gender, "unspecified", region, "en")
            rows[levels, ()] = before - removed
            rows[levels, ("toxicity",)] = removed
            rows[levels, ("duplicate_image",)] = copies
    return cells(rows)


@settings(max_examples=60, deadline=None)
@given(filtered(), st.sampled_from(["preserve", "uniform_known"]))
def test_solved_means_met_within_the_bounds_and_infeasible_means_proved(counts, target):
    rebalance = PLAIN.model_copy(update={"target": target})
    solution = solve(counts, rebalance, {})
    kept = int(counts.rows[counts.kept].sum())
    if kept == 0:
        assert solution.status == "none"
        return
    weighted = {}
    for levels, unit in solution.weights.items():
        n = sum(
            int(rows) for code, rows, there in zip(counts.codes, counts.rows, counts.kept, strict=True)
            if there and tuple(names[c] for names, c in zip(counts.levels, code, strict=True)) == levels
        )  # fmt: skip
        for margin, place in (("gender", 0), ("region", 2)):
            weighted[margin, levels[place]] = weighted.get((margin, levels[place]), 0) + n * unit
    if solution.status == "ok":
        for one in solution.levels:
            got = weighted.get((one.margin, one.level), 0) / ONE
            assert abs(got - one.target) <= 1e-6 * max(one.target, 1.0)
        total = sum(value for (margin, _), value in weighted.items() if margin == "gender")
        assert abs(Fraction(total, ONE) - kept) <= Fraction(kept, 10**9)
        assert all(Fraction(unit, ONE) >= Fraction(rebalance.bounds[0]) for unit in solution.weights.values())
        assert all(Fraction(unit, ONE) <= Fraction(rebalance.bounds[1]) for unit in solution.weights.values())
    else:
        assert solution.status == "infeasible"
        assert solution.deviation > 0
        assert solution.worst
        assert set(solution.weights.values()) == {ONE}
        assert proved_infeasible(counts, solution, rebalance.bounds)


def proved_infeasible(counts, solution, bounds) -> bool:
    """A certificate found without our code: numbers per level with which no weights within the bounds can add up (Farkas)."""
    from scipy.optimize import linprog

    names = [(one.margin, one.level) for one in solution.levels]
    target = np.array([one.target for one in solution.levels])
    scale = np.maximum(target, 1.0)
    matrix = np.zeros((len(names), len(solution.weights)))
    for column, levels in enumerate(solution.weights):
        codes = [counts.levels[place].index(level) for place, level in enumerate(levels)]
        n = counts.rows[counts.kept & (counts.codes == codes).all(axis=1)].sum()
        for margin, place in (("gender", 0), ("region", 2)):
            if (margin, levels[place]) in names:
                matrix[names.index((margin, levels[place])), column] = n
    matrix, target = matrix / scale[:, None], target / scale
    # maximise y.b - (what the bounds allow y.A.w to be at most), |y| <= 1: above 0 only where A w = b has no solution
    lines, columns = matrix.shape
    objective = np.r_[-target, np.full(columns, bounds[1]), np.full(columns, -bounds[0])]
    equal = np.hstack([matrix.T, -np.eye(columns), np.eye(columns)])
    found = linprog(objective, A_eq=equal, b_eq=np.zeros(columns), bounds=[(-1, 1)] * lines + [(0, None)] * (2 * columns))
    return found.status == 0 and -found.fun > 1e-10


def test_levels_too_few_to_be_held_stand_apart_and_leave_the_margins_of_the_rest_in_agreement():
    """`no_person` is one set of rows in gender and in age: a few rows of other levels must not give it two targets."""
    toxic = ("toxicity",)
    counts = cells(
        {
            (("no_person", "no_person"), ()): 4000, (("no_person", "no_person"), toxic): 10,
            (("feminine", "adult"), ()): 2500, (("feminine", "adult"), toxic): 500,
            (("masculine", "adult"), ()): 2900, (("masculine", "adult"), toxic): 60,
            (("mixed", "adult"), ()): 40, (("mixed", "adult"), toxic): 9,
            (("feminine", "older"), ()): 70, (("feminine", "older"), toxic): 3,
        }
    )  # fmt: skip
    solution = solve(counts, Rebalance(), {})
    assert solution.status == "ok", explain(solution)
    assert solution.apart == 110
    assert solution.weights["mixed", "adult", "unknown", "en"] == ONE
    before = {"no_person": 4010, "feminine": 3000, "masculine": 2960}
    for level, rows in before.items():
        assert math.isclose(share(solution, level), rows / 9970, rel_tol=1e-6)
    assert solution.rows == 9510
    assert abs(sum(n * solution.weights[cell] for cell, n in kept_rows(counts).items()) / ONE - 9510) < 1e-5


def kept_rows(counts) -> dict[tuple[str, ...], int]:
    names = [tuple(counts.levels[place][code] for place, code in enumerate(row)) for row in counts.codes.tolist()]
    return {name: int(n) for name, n, kept in zip(names, counts.rows, counts.kept, strict=True) if kept}


def test_an_emptied_level_is_infeasible_and_named():
    counts = cells({(("feminine",), ("toxicity",)): 500, (("masculine",), ()): 500})
    solution = solve(counts, Rebalance(margins=("gender",)), {})
    assert solution.status == "infeasible"
    assert solution.empty == ("gender=feminine",)
    assert solution.min_feasible_bound is None
    assert "no row is left of gender=feminine" in explain(solution)


def test_a_bound_that_is_too_tight_is_told_with_the_one_that_would_do():
    counts = cells({(("feminine",), ()): 250, (("feminine",), ("toxicity",)): 1750, (("masculine",), ()): 2000})
    solution = solve(counts, Rebalance(margins=("gender",)), {})
    assert solution.status == "infeasible"
    assert solution.min_feasible_bound == pytest.approx(4.5)
    assert solution.deviation == pytest.approx(1 / 3)
    assert "would do" in explain(solution)


def test_a_target_that_needs_exactly_the_greatest_weight_is_met():
    counts = cells({(("feminine",), ()): 250, (("feminine",), ("toxicity",)): 800, (("masculine",), ()): 1750})
    solution = solve(counts, Rebalance(margins=("gender",)), {})
    assert solution.status == "ok"
    assert solution.greatest / ONE == pytest.approx(3.0, abs=1e-8)


def test_where_raking_creeps_the_nearest_feasible_weights_are_taken(monkeypatch):
    counts = cells({
        (("feminine", "adult", "Eastern Asia"), ()): 300, (("feminine", "adult", "Western Europe"), ()): 500,
        (("feminine", "adult", "Western Europe"), ("toxicity",)): 500, (("masculine", "adult", "Eastern Asia"), ()): 700,
        (("masculine", "adult", "Western Europe"), ()): 300, (("masculine", "adult", "Eastern Asia"), ("opt_out",)): 300,
    })  # fmt: skip
    monkeypatch.setattr(solver, "calibrate", lambda problem: calibrate(problem, max_sweeps=1))
    solution = solve(counts, PLAIN, {})
    assert solution.status == "ok"
    assert solution.max_margin_error <= 1e-6


def test_a_level_that_a_declared_rule_empties_leaves_the_target_and_is_listed():
    rows = {
        (("feminine", "adult", "unknown", "de"), ("language",)): 900, (("masculine", "adult", "unknown", "de"), ("language",)): 100,
        (("feminine", "adult", "unknown", "en"), ()): 400, (("masculine", "adult", "unknown", "en"), ()): 300,
        (("masculine", "adult", "unknown", "en"), ("toxicity",)): 100,
    }  # fmt: skip
    solution = solve(cells(rows), Rebalance(), {"language": {"de", "fr"}})
    assert solution.status == "ok"
    assert solution.left_out == ("language=de",)
    assert share(solution, "feminine") == pytest.approx(0.5, abs=1e-9)


def test_a_declared_level_that_still_has_rows_stays_in_the_target():
    rows = {(("feminine", "adult", "unknown", "de"), ()): 300, (("feminine", "adult", "unknown", "en"), ()): 300}
    assert solve(cells(rows), Rebalance(), {"language": {"de"}}).left_out == ()


def test_copies_and_unreadable_rows_are_no_part_of_the_shares():
    rows = {
        (("feminine",), ()): 500, (("feminine",), ("duplicate_image",)): 5000, (("masculine",), ()): 500,
        (("masculine",), ("unreadable",)): 5000,
        (("masculine",), ("duplicate_image", "toxicity")): 900,
    }  # fmt: skip
    assert set(solve(cells(rows), Rebalance(), {}).weights.values()) == {ONE}


def test_opted_out_rows_are_made_up_for_by_weights():
    rows = {(("feminine",), ()): 400, (("feminine",), ("opt_out",)): 400, (("masculine",), ()): 800}
    solution = solve(cells(rows), Rebalance(margins=("gender",)), {})
    assert share(solution, "feminine") == pytest.approx(0.5, abs=1e-9)


def test_small_levels_are_merged_and_listed():
    rows = {
        (("feminine",), ()): 1000, (("masculine",), ()): 800, (("masculine",), ("toxicity",)): 200,
        (("mixed",), ()): 120, (("unspecified",), ()): 100,
    }  # fmt: skip
    solution = solve(cells(rows), Rebalance(margins=("gender",)), {})
    assert {merged.level for merged in solution.merged} == {"mixed", "unspecified"}
    assert [one.level for one in solution.levels] == ["feminine", "masculine", "other"]
    assert solution.status == "ok"


def test_a_few_rows_that_are_all_gone_do_not_spoil_the_rest():
    rows = {(("feminine",), ()): 1000, (("masculine",), ()): 800, (("masculine",), ("toxicity",)): 200, (("mixed",), ("toxicity",)): 30}
    solution = solve(cells(rows), Rebalance(margins=("gender",)), {})
    assert solution.status == "ok"
    assert share(solution, "feminine") == pytest.approx(0.5, abs=1e-9)
    assert [merged.level for merged in solution.merged] == ["mixed"]


def test_uniform_over_known_levels_leaves_the_others_their_share():
    rows = {(("feminine",), ()): 300, (("masculine",), ()): 600, (("no_person",), ()): 900, (("no_person",), ("toxicity",)): 100}
    solution = solve(cells(rows), Rebalance(target="uniform_known", margins=("gender",)), {})
    assert solution.status == "ok"
    assert share(solution, "feminine") == pytest.approx(share(solution, "masculine"), abs=1e-9)
    assert share(solution, "no_person") == pytest.approx(1000 / 1900, abs=1e-9)


def test_explicit_shares_divide_what_the_levels_not_named_leave():
    rows = {(("feminine",), ()): 300, (("masculine",), ()): 500, (("no_person",), ()): 1200}
    job = Rebalance(target="explicit", explicit={"gender": {"feminine": 0.5, "masculine": 0.5}}, citation="UN WPP 2024")
    solution = solve(cells(rows), job, {})
    assert [share(solution, level) for level in GENDERS] == pytest.approx([0.2, 0.2, 0.6], abs=1e-9)


def test_an_explicit_level_nobody_belongs_to_is_infeasible():
    job = Rebalance(target="explicit", explicit={"gender": {"feminine": 0.5, "masculine": 0.5}}, citation="UN WPP 2024")
    for rows in ({(("no_person",), ()): 1000}, {(("no_person",), ()): 1000, (("masculine",), ()): 500}):
        assert solve(cells(rows), job, {}).status == "infeasible"


def test_decorrelated_attributes_are_independent_with_the_shares_they_had():
    rows = {
        (("feminine", "adult", "Eastern Asia"), ()): 600, (("feminine", "adult", "Western Europe"), ()): 400,
        (("masculine", "adult", "Eastern Asia"), ()): 300, (("masculine", "adult", "Western Europe"), ()): 700,
    }  # fmt: skip
    solution = solve(cells(rows), Rebalance(target="decorrelate", decorrelate=("gender", "region"), margins=("gender",)), {})
    assert solution.status == "ok"
    weighted = {one.level: one.weighted for one in solution.levels if one.margin == "gender × region"}
    assert weighted["feminine × Eastern Asia"] == pytest.approx(2000 * 0.5 * 0.45, rel=1e-9)
    assert weighted["masculine × Western Europe"] == pytest.approx(2000 * 0.5 * 0.55, rel=1e-9)


def test_no_target_and_no_rows_are_told_apart_from_solved():
    assert solve(cells({(("feminine",), ()): 5}), Rebalance(target="none"), {}).status == "none"
    empty = solve(cells({(("feminine",), ("toxicity",)): 5}), Rebalance(), {})
    assert (empty.status, empty.rows, empty.weights) == ("none", 0, {})
    assert "no row was kept" in explain(empty)
    assert solve(gather([], REASONS), Rebalance(), {}).status == "none"


def test_a_run_too_small_for_any_level_gets_weights_of_one():
    solution = solve(cells({(("feminine",), ()): 30, (("masculine",), ()): 20, (("masculine",), ("toxicity",)): 20}), Rebalance(), {})
    assert (solution.status, set(solution.weights.values())) == ("ok", {ONE})


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"margins": ("gendre",)}, "rebalance.margins"),
        ({"target": "explicit"}, "rebalance.explicit"),
        ({"target": "explicit", "explicit": {"gender": {"feminine": 0.5, "masculine": 0.5}}}, "rebalance.citation"),
        ({"target": "explicit", "citation": "x", "explicit": {"gender": {"feminine": 1.0}}}, "rebalance.explicit.gender"),
        ({"target": "explicit", "citation": "x", "explicit": {"gender": {"feminine": 0.5, "masculine": 0.4}}}, "rebalance.explicit.gender"),
        ({"target": "decorrelate", "decorrelate": ("gender",)}, "rebalance.decorrelate"),
        ({"bounds": (1.5, 3.0)}, "rebalance.bounds"),
    ],
)
def test_a_target_that_contradicts_itself_is_refused_with_its_key(keys, named):
    with pytest.raises(JobError, match=named):
        check(Rebalance(**keys))


def test_weights_do_not_depend_on_the_order_of_rows_or_the_split_into_shards():
    random = np.random.default_rng(3)
    rows = [
        {"gender": GENDERS[g], "age": "adult", "region": REGIONS[r], "language": "en"}
        for g, r in zip(random.integers(0, 3, 9000), random.integers(0, 3, 9000), strict=True)
    ]
    masks = np.array([mask("toxicity") if one["gender"] == "feminine" and n % 3 == 0 else 0 for n, one in enumerate(rows)])
    bucket = buckets([f"d{n % 97}.com" for n in range(9000)], ["u"] * 9000)

    def solved(parts: int, order: np.ndarray):
        counts = []
        for part in np.array_split(order, parts):
            counts += count_cells(pa.array([rows[n] for n in part], GROUPS), masks[part], bucket[part]).items()
        return solve(gather(counts, REASONS), PLAIN, {})

    first = solved(1, np.arange(9000))
    assert first.status == "ok"
    for parts in (7, 37):
        assert solved(parts, random.permutation(9000)) == first


def test_the_hash_seed_of_the_interpreter_does_not_show():
    program = """
from schemas.job import Rebalance
from tests.balance.counts import cells
from transforms.balance.audit import audit
from transforms.balance.solver import solve
counts = cells({((g, a, r), m): 300 + 40 * len(g + a + r + str(m)) for g in ("feminine", "masculine") for a in ("adult", "child")
                for r in ("unknown", "Eastern Asia") for m in ((), ("toxicity",), ("language", "opt_out"))})
print(solve(counts, Rebalance(), {"language": {"de", "fr", "en"}}), audit(counts))
"""
    root = pathlib.Path(__file__).parents[2]
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=root,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_the_order_of_margins_does_not_show():
    counts = cells({
        (("feminine", "adult", "Eastern Asia"), ()): 333, (("feminine", "adult", "Western Europe"), ()): 501,
        (("feminine", "adult", "Western Europe"), ("toxicity",)): 250, (("masculine", "adult", "Eastern Asia"), ()): 777,
    })  # fmt: skip
    assert solve(counts, PLAIN, {}).weights == solve(counts, PLAIN.model_copy(update={"margins": ("region", "gender")}), {}).weights


def test_renaming_levels_and_scaling_rows_leave_the_weights():
    def built(names, times):
        a, b = names
        return cells({
            ((a, "adult", "Eastern Asia"), ()): 300 * times, ((a, "adult", "unknown"), ()): 500 * times,
            ((a, "adult", "unknown"), ("toxicity",)): 200 * times, ((b, "adult", "Eastern Asia"), ()): 700 * times,
            ((b, "adult", "Eastern Asia"), ("language",)): 100 * times, ((b, "adult", "unknown"), ()): 100 * times,
        })  # fmt: skip

    first = sorted(solve(built(("feminine", "masculine"), 1), PLAIN, {}).weights.values())
    assert sorted(solve(built(("zeta", "alpha"), 1), PLAIN, {}).weights.values()) == pytest.approx(first, abs=600)
    assert sorted(solve(built(("feminine", "masculine"), 1000), PLAIN, {}).weights.values()) == pytest.approx(first, abs=600)


def test_splitting_a_level_in_two_of_equal_cost_leaves_the_other_weights():
    def rows(*unknown):
        some = {(("feminine",), ()): 400, (("feminine",), ("toxicity",)): 400, (("masculine",), ()): 800}
        for level, n in unknown:
            some |= {((level,), ()): n, ((level,), ("toxicity",)): n}
        return {key[0]: unit for key, unit in solve(cells(some), Rebalance(margins=("gender",)), {}).weights.items()}

    whole, split = rows(("no_person", 1000)), rows(("no_person", 600), ("unspecified", 400))
    assert split["feminine"] == pytest.approx(whole["feminine"], abs=600)
    assert split["unspecified"] == pytest.approx(whole["no_person"], abs=600)


@pytest.mark.parametrize(("weights", "design_effect"), [((0, 1, 2, 3), 14 * 4 / 36), ((1, 1, 1000), 2.98804)])
def test_the_design_effect_is_kishs(weights, design_effect):
    from transforms.balance.solver import _report
    from transforms.balance.targets import Targets

    ones = np.ones(len(weights), np.int64)
    report = _report("ok", Targets(tuple((str(w),) for w in range(len(weights))), ones, (), (), (), (), ones[:0]), np.array(weights) * ONE)
    assert report.design_effect == pytest.approx(design_effect, abs=1e-5)
    assert report.effective_sample_size == pytest.approx(len(weights) / design_effect, rel=1e-5)


@given(st.lists(st.integers(1, 10**7), min_size=1, max_size=8), st.integers(0, 1000))
def test_quantised_weights_keep_sum_and_bounds(rows, seed):
    raw = np.random.default_rng(seed).uniform(0.5, 2.0, len(rows))
    raw *= sum(rows) / (raw * rows).sum()
    bounds = (min(1 / 3, raw.min()), max(3.0, raw.max()))
    units = quantise(raw, np.array(rows), bounds)
    total = sum(n * unit for n, unit in zip(rows, units.tolist(), strict=True))
    assert abs(Fraction(total, ONE) - sum(rows)) <= Fraction(sum(rows), 10**9)
    assert min(units.tolist()) >= Fraction(bounds[0]) * ONE
    assert max(units.tolist()) <= Fraction(bounds[1]) * ONE
    assert np.abs(units / ONE - raw).max() < 1e-7


def test_what_rounding_lost_is_given_back():
    third = np.array([4 / 3, 2 / 3, 1.0])
    units = quantise(third, np.array([7, 7, 1]), (1 / 3, 3.0)).tolist()
    assert 7 * units[0] + 7 * units[1] + units[2] == 15 * ONE


def test_weights_go_back_to_the_rows_of_their_cell():
    counts = cells(
        {(("feminine",), ()): 250, (("feminine",), ("toxicity",)): 750, (("masculine",), ()): 500, (("masculine",), ("toxicity",)): 500}
    )
    solution = solve(counts, Rebalance(margins=("gender",)), {})
    rows = [
        {"gender": gender, "age": "unspecified", "region": "unknown", "language": "en"} for gender in ("masculine", "feminine", "mixed")
    ]
    assert (weights_of(solution, pa.array(rows, GROUPS)) / ONE).tolist() == [0.75, 1.5, 0.0]
    assert weights_of(solution, pa.array([], GROUPS)).tolist() == []


def test_a_subsample_has_the_expected_size_and_never_loses_a_row_whose_share_rises():
    uids = [f"{n:032x}" for n in range(20_000)]
    few = sampled(uids, np.full(20_000, ONE // 4), ONE)
    more = sampled(uids, np.full(20_000, ONE // 3), ONE)
    deviation = math.sqrt(20_000 * 0.25 * 0.75)
    assert abs(few.sum() - 5_000) < 5 * deviation
    assert not (few & ~more).any()
    assert sampled(uids, np.full(20_000, ONE), ONE).all()
    assert not sampled(uids, np.zeros(20_000, np.int64), ONE).any()
    assert sampled(uids[::-1], np.full(20_000, ONE // 4), ONE)[::-1].tolist() == few.tolist()


def test_counts_add_up_over_any_split():
    rows = pa.array([{"gender": GENDERS[n % 3], "age": "adult", "region": "unknown", "language": "en"} for n in range(100)], GROUPS)
    masks, bucket = np.arange(100, dtype=np.uint32) % 5 << 27, (np.arange(100) % 50).astype(np.uint8)
    whole = count_cells(rows, masks, bucket)
    parts: dict[Key, int] = {}
    for start in range(0, 100, 9):
        for key, n in count_cells(rows.slice(start, 9), masks[start : start + 9], bucket[start : start + 9]).items():
            parts[key] = parts.get(key, 0) + n
    assert parts == whole
    assert all(type(n) is int and type(key.mask) is int for key, n in whole.items())
    assert count_cells(pa.array([], GROUPS), np.array([], np.uint32), np.array([], np.uint8)) == {}


def test_rows_of_one_domain_share_a_bucket_and_rows_without_spread():
    found = buckets(["a.com"] * 5 + [None] * 2000, [f"{n}" for n in range(2005)])
    assert len(set(found[:5].tolist())) == 1
    assert set(found.tolist()) == set(range(50))
