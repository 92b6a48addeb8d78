"""The weight of every group cell: solved once on the counts, or proved impossible and said so.

First linear programming decides whether weights within the bounds can meet the targets; only then is raked. What is reported as solved
meets every margin within 1e-6 after quantisation, and every weight lies within the bounds.
"""

import dataclasses
from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Literal

import numpy as np
import pyarrow as pa

from schemas.errors import LawError
from schemas.job import Rebalance
from transforms.balance.calibrate import Problem, calibrate
from transforms.balance.cells import ATTRIBUTES, Cells
from transforms.balance.feasible import least_bound, least_deviation, nearest
from transforms.balance.targets import Margin, Merged, Targets, set_targets

ONE = 1 << 32  # weights are int64 in units of 2^-32: exact in float64, and their sums do not depend on order
MET = 1e-6  # greatest relative deviation of a margin that counts as met


@dataclasses.dataclass(frozen=True)
class LevelShare:
    """One level of one margin, before our filters, as kept, as targeted, and as weighted; all in rows."""

    margin: str
    level: str
    before: int
    kept: int
    target: float
    weighted: float


@dataclasses.dataclass(frozen=True)
class Solution:
    """Weights, and how good they are.

    Attributes:
      status: ok; infeasible (every weight is 1); none (not asked for, or nothing kept: every weight is 1).
      weights: levels of a group cell -> weight in units of 2^-32, for every cell with kept rows.
      rows: rows kept.
      max_margin_error: greatest relative deviation of a level from its target under these weights.
      min_feasible_bound: infeasible only: the smallest greatest weight that would do; None where none does.
      deviation: infeasible only: the smallest possible greatest relative deviation within the bounds, else 0.
      worst: the levels that deviate by it, as `margin=level`.
      empty: levels with a target and no row left, as `margin=level`: no weight can help them.
      design_effect: Kish, n sum(w^2) / sum(w)^2.
      effective_sample_size: Kish, sum(w)^2 / sum(w^2), in rows.
      left_out: levels that a declared rule emptied, as `attribute=level`.
      merged: levels held within `other`, or apart where that is too small itself.
      apart: kept rows that no margin holds; they weigh 1 and are in no line of `levels`.
      levels: every level of every margin.
    """

    status: Literal["ok", "infeasible", "none"]
    weights: Mapping[tuple[str, ...], int]
    rows: int
    max_margin_error: float = 0.0
    min_feasible_bound: float | None = None
    deviation: float = 0.0
    worst: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    design_effect: float = 1.0
    effective_sample_size: float = 0.0
    left_out: tuple[str, ...] = ()
    merged: tuple[Merged, ...] = ()
    apart: int = 0
    levels: tuple[LevelShare, ...] = ()

    @property
    def greatest(self) -> int:
        """The greatest weight, in units of 2^-32: what `transforms.balance.sample.sampled` divides by."""
        return max(self.weights.values(), default=ONE)


def solve(cells: Cells, rebalance: Rebalance, declared_empty: Mapping[str, Collection[str]]) -> Solution:
    """Solves for the weights of kept rows.

    Args:
      cells: counts of the run.
      rebalance: the job's section. Whether `infeasible` ends the run (`on_infeasible: fail`) is the caller's to decide.
      declared_empty: attribute -> levels that a rule of the job removes wholly.

    Raises:
      JobError: the target contradicts itself.
      LawError: targets proved feasible were not met.
    """
    targets = set_targets(cells, rebalance, declared_empty)
    rows = int(targets.rows.sum())
    unweighted = np.full(len(targets.rows), ONE, np.int64)
    if rebalance.target == "none" or rows == 0:
        return _report("none", targets, unweighted)
    problem = _problem(targets.margins, targets.rows, rebalance.bounds)
    deviation, deviations = least_deviation(problem)
    if deviation > 0:
        worst = [
            f"{margin.name}={level}"
            for margin, off in zip(targets.margins, deviations, strict=True)
            for level, amount in zip(margin.levels, off, strict=True)
            if abs(amount) > deviation - 1e-7
        ]
        return dataclasses.replace(
            _report("infeasible", targets, unweighted), deviation=deviation, min_feasible_bound=least_bound(problem), worst=tuple(worst)
        )
    weights, error = calibrate(problem)
    if error > MET / 10:  # feasible at the edge only, where raking creeps
        met = nearest(problem, weights)
        weights = weights if met is None else met
    solution = _report("ok", targets, quantise(weights, targets.rows, rebalance.bounds))
    if solution.max_margin_error > MET:
        raise LawError(
            f"weights: targets proved feasible were missed by {solution.max_margin_error:.3g}; please report the job file and counts"
        )
    return solution


def quantise(weights: np.ndarray, rows: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    """Rounds weights to units of 2^-32 inside the bounds, and spreads what rounding lost or won.

    The sum over rows becomes the rows' number exactly where cell sizes allow it, and never misses it by more than 1 part in 1e9.

    Args:
      weights: float64[cells], the rows of which they are the weight sum to the same number as the weighted ones.
      rows: int64[cells].
      bounds: least and greatest weight; rounding is towards the inside.

    >>> quantise(np.array([1.5, 0.75]), np.array([25, 50]), (1 / 3, 3.0)) / 2**32
    array([1.5 , 0.75])
    """
    least = int(-(-Fraction(bounds[0]) * ONE // 1))
    greatest = int(min(Fraction(min(bounds[1], 2.0**20)) * ONE // 1, 1 << 52))
    units = np.clip(np.rint(weights * ONE), least, greatest).astype(np.int64)
    missing = int(rows.sum()) * ONE - sum(int(n) * int(unit) for n, unit in zip(rows, units, strict=True))
    for cell in np.argsort(-rows, kind="stable").tolist():
        few = int(Fraction(missing, int(rows[cell])))  # towards zero
        few = min(max(few, -256, least - int(units[cell])), 256, greatest - int(units[cell]))  # 256 units are 2e-7 of the least weight
        units[cell] += few
        missing -= few * int(rows[cell])
    return units


def weights_of(solution: Solution, groups: pa.StructArray) -> np.ndarray:
    """Looks up the weight of each row in units of 2^-32, int64[n]; 0 for rows of a cell that kept nothing.

    Args:
      solution: from `solve`.
      groups: structs of `schemas.annotations.GROUPS`.
    """
    columns = [groups.field(name).dictionary_encode() for name in ATTRIBUTES]
    shape = [max(1, len(column.dictionary)) for column in columns]
    group = np.ravel_multi_index([column.indices.to_numpy(zero_copy_only=False).astype(np.int64) for column in columns], shape)
    used, place = np.unique(group, return_inverse=True)
    names = [column.dictionary.to_pylist() for column in columns]
    cells = zip(*(code.tolist() for code in np.unravel_index(used, shape)), strict=True)
    found = [solution.weights.get(tuple(level[code] for level, code in zip(names, cell, strict=True)), 0) for cell in cells]
    return np.array(found, np.int64)[place.ravel()]


def explain(solution: Solution) -> str:
    """One sentence on what became of the targets."""
    if solution.status == "ok":
        return (
            f"every margin is met within {solution.max_margin_error:.1g}; effective sample size {solution.effective_sample_size:,.0f}"
            f" of {solution.rows:,} rows"
        )
    if solution.status == "none":
        return "no weights were asked for: every weight is 1" if solution.rows else "no row was kept: there is nothing to weigh"
    if solution.empty:
        return f"infeasible: no row is left of {', '.join(solution.empty)}; every weight is 1"
    bound = "no greatest weight is enough"
    if solution.min_feasible_bound is not None:
        bound = f"a greatest weight of {solution.min_feasible_bound:.3g} would do"
    worst = ", ".join(solution.worst)
    return f"infeasible: a level misses its target by {solution.deviation:.1%} at least ({worst}); {bound}; every weight is 1"


def _problem(margins: tuple[Margin, ...], rows: np.ndarray, bounds: tuple[float, float]) -> Problem:
    """The margins as a problem over cells that differ in some margin; no margin is the one that all rows share."""
    if not margins:
        return Problem(rows.astype(float), [np.zeros(len(rows), np.int64)], [np.array([float(rows.sum())])], bounds)
    return Problem(rows.astype(float), [margin.member for margin in margins], [margin.target for margin in margins], bounds)


def _report(status: Literal["ok", "infeasible", "none"], targets: Targets, units: np.ndarray) -> Solution:
    """Everything that follows from weights, in exact integers first."""
    pairs = [(int(n), int(unit)) for n, unit in zip(targets.rows, units, strict=True)]
    everything = pairs + [(int(n), ONE) for n in targets.apart_rows]
    rows, total, squares = (sum(n * unit**power for n, unit in everything) for power in range(3))
    levels, empty = [], []
    for margin in targets.margins:
        weighted = [0] * len(margin.levels)
        for level, (n, unit) in zip(margin.member.tolist(), pairs, strict=True):
            weighted[level] += n * unit
        for place, level in enumerate(margin.levels):
            before, kept, target = int(margin.before[place]), int(margin.kept[place]), float(margin.target[place])
            levels.append(LevelShare(margin.name, level, before, kept, target, weighted[place] / ONE))
            if not kept and target:
                empty.append(f"{margin.name}={level}")
    return Solution(
        status=status,
        weights={**dict(zip(targets.cells, units.tolist(), strict=True)), **dict.fromkeys(targets.apart, ONE)},
        rows=rows,
        max_margin_error=max((abs(share.weighted - share.target) / max(share.target, 1.0) for share in levels), default=0.0),
        empty=tuple(empty),
        design_effect=float(Fraction(rows * squares, total * total)) if total else 1.0,
        effective_sample_size=float(Fraction(total * total, squares)) if total else 0.0,
        left_out=targets.left_out,
        merged=targets.merged,
        apart=int(targets.apart_rows.sum()),
        levels=tuple(levels),
    )
