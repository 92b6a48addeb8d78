"""Weights that meet margins exactly and stay within bounds: raking with the clip inside the iteration, never after it.

Calibration looks for weights w = F(u), u a sum of one number per margin level, whose weighted rows per level are the targets
(Deville, Särndal 1992, "Calibration estimators in survey sampling"). F is the distance's inverse derivative: `exp` gives raking (least
Kullback-Leibler divergence from weight 1), clipped to the bounds its truncated form. One margin after another, the number of each of its
levels is set to the root of a monotone equation: block-coordinate ascent on the concave dual, plain iterative proportional fitting
where no bound is touched. Trimming after raking breaks both promises at once; this breaks neither.
"""

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np

TOLERANCE = 1e-10

Distance = Literal["raking", "logit", "linear"]


@dataclasses.dataclass(frozen=True)
class Problem:
    """Cells, the level each belongs to in every margin, and the weighted rows each level shall have.

    Attributes:
      rows: float64[cells], above 0.
      members: per margin int64[cells], the level of each cell.
      targets: per margin float64[levels]; every margin sums to the same.
      bounds: least and greatest weight.
    """

    rows: np.ndarray
    members: Sequence[np.ndarray]
    targets: Sequence[np.ndarray]
    bounds: tuple[float, float]

    def totals(self, weights: np.ndarray) -> list[np.ndarray]:
        """Weighted rows of every level, per margin."""
        pairs = zip(self.members, self.targets, strict=True)
        return [np.bincount(member, self.rows * weights, len(target)) for member, target in pairs]

    def error(self, weights: np.ndarray) -> float:
        """Greatest deviation of a level from its target, relative to the target or to one row."""
        pairs = zip(self.totals(weights), self.targets, strict=True)
        return max((float(np.max(np.abs(total - target) / np.maximum(target, 1.0))) for total, target in pairs), default=0.0)


def calibrate(problem: Problem, distance: Distance = "raking", max_sweeps: int = 2000) -> tuple[np.ndarray, float]:
    """Solves for the weights nearest 1 that meet all margins within the bounds.

    Args:
      problem: what to meet; a target that no weights within the bounds can meet is not noticed here (`transforms.balance.feasible`).
      distance: `raking` and `linear` are clipped at the bounds, `logit` approaches them.
      max_sweeps: sweeps over all margins; feasible tables in practice take 20 to 250.

    Returns:
      Weights, float64[cells], and the error that is left, recomputed after the last sweep.

    >>> rows = np.array([25.0, 50.0])  # a filter left 25 of 100 dogs, 50 of 100 cats
    >>> calibrate(Problem(rows, [np.array([0, 1])], [np.array([37.5, 37.5])], (1 / 3, 3.0)))[0].round(12).tolist()
    [1.5, 0.75]
    """
    logs = np.zeros(len(problem.rows))
    inverse = _Inverse(distance, problem.bounds)
    best = np.inf
    weights = inverse.value(logs)
    error = problem.error(weights)
    for _ in range(max_sweeps):
        if error < 1e-14 or (error < TOLERANCE and error > best / 2):  # good enough, and no longer getting better
            break
        best = min(best, error)
        for member, target in zip(problem.members, problem.targets, strict=True):
            logs += _level_steps(problem.rows, logs, member, target, inverse)[member]
        weights = inverse.value(logs)
        error = problem.error(weights)
    return weights, error


class _Inverse:
    """F of a distance, its derivative, and the range of u in which it moves."""

    def __init__(self, distance: Distance, bounds: tuple[float, float]) -> None:
        self.distance = distance
        self.low, self.high = bounds
        if distance == "raking":
            self.reach = (np.log(max(self.low, 1e-300)), np.log(min(self.high, 1e300)))
        elif distance == "linear":
            self.reach = (max(self.low, -1e9) - 1, min(self.high, 1e9) - 1)
        else:
            self.rate = (self.high - self.low) / ((1 - self.low) * (self.high - 1))
            self.reach = (-700 / self.rate, 700 / self.rate)

    def value(self, u: np.ndarray) -> np.ndarray:
        u = np.clip(u, *self.reach)
        if self.distance == "raking":
            return np.clip(np.exp(u), self.low, self.high)
        if self.distance == "linear":
            return np.clip(1 + u, self.low, self.high)
        growth = np.exp(self.rate * u)
        low, high = self.low, self.high
        return (low * (high - 1) + high * (1 - low) * growth) / ((high - 1) + (1 - low) * growth)

    def slope(self, weights: np.ndarray) -> np.ndarray:
        if self.distance == "logit":
            return (weights - self.low) * (self.high - weights) / ((1 - self.low) * (self.high - 1))
        inside = (weights > self.low) & (weights < self.high)
        return np.where(inside, weights if self.distance == "raking" else 1.0, 0.0)


def _level_steps(rows: np.ndarray, logs: np.ndarray, member: np.ndarray, target: np.ndarray, inverse: _Inverse) -> np.ndarray:
    """What each level of one margin adds to u so that the margin is met: Newton, kept inside a shrinking bracket."""
    levels = len(target)
    most, least = np.full(levels, -np.inf), np.full(levels, np.inf)
    np.maximum.at(most, member, logs)
    np.minimum.at(least, member, logs)
    present = np.isfinite(most)
    low = np.where(present, inverse.reach[0] - most, 0.0)
    high = np.where(present, inverse.reach[1] - least, 0.0)
    step = np.clip(np.zeros(levels), low, high)
    for _ in range(80):
        weights = inverse.value(logs + step[member])
        total = np.bincount(member, rows * weights, levels)
        if np.all(~present | (np.abs(total - target) <= 1e-15 * target)):
            break
        high = np.where(total > target, step, high)
        low = np.where(total < target, step, low)
        slope = np.bincount(member, rows * inverse.slope(weights), levels)
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = total * np.log(total / target) if inverse.distance == "raking" else total - target
            newton = step - gap / slope
        usable = np.isfinite(newton) & (newton >= low) & (newton <= high)
        moved = np.where(usable, newton, (low + high) / 2)
        if np.array_equal(moved, step):
            break
        step = np.where(total == target, step, moved)
    return np.where(present, step, 0.0)
