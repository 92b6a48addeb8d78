"""What every filter costs every group: removal rates against the rest of the corpus, with intervals, flags and alarms.

A rate is the share of a group's readable rows that a filter alone would remove, whatever the others say. Rows of one domain resemble
each other, so the interval leaves out domains, not rows; where a group lives on too few domains for that, the interval is the one of
independent rows and says so.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from schemas.reasons import UNREADABLE
from transforms.balance.cells import ATTRIBUTES, BUCKETS, Cells
from transforms.balance.intervals import T49, false_discovery, jackknife_error, katz, newcombe, wilson

# A removal ratio inside these is no disparity: 1.25 is the inverse of the four-fifths of US employment law (29 CFR 1607.4), on removal
# and not on retention, where a filter that takes 14 % of one group and 6 % of another would pass.
RATIO = (0.8, 1.25)
DIFFERENCE = 0.005
LEAST_ROWS = 200
LEAST_REMOVED = 10
DISCOVERY_RATE = 0.05
LEAST_BUCKETS = 10  # buckets a group must stand in for the jackknife
SMALLEST = 20  # rows below which a count is not published, and a level not alarmed about


@dataclasses.dataclass(frozen=True)
class Cost:
    """What one filter costs one level of one attribute. Ratios and intervals are None where a rate of 0 leaves them undefined.

    Attributes:
      reason: the filter's reason.
      rows: readable rows of the level (all rows, for `unreadable`).
      removed: those that carry the reason.
      rate: removed / rows; `rest_rate` likewise of all other levels of the attribute.
      removal_ratio: rate / rest_rate. retention_ratio: (1 - rate) / (1 - rest_rate), the four-fifths rule's.
      difference: rate - rest_rate.
      low, high: 95 % interval of the rate, by `method`; wilson_low, wilson_high: as if rows were independent.
      ratio_low, ratio_high, difference_low, difference_high: by `method`.
      method: jackknife over domains, or independent rows.
      q: p-value of the difference, adjusted over the whole table.
      flagged: q, ratio, difference and counts all say that it is a disparity.
      sole: rows that no other reason holds for.
      shapley: the filter's share in what the level lost: every removed row is divided among its reasons.
    """

    reason: str
    attribute: str
    level: str
    rows: int
    removed: int
    rate: float
    rest_rate: float
    removal_ratio: float | None
    retention_ratio: float | None
    difference: float
    low: float
    high: float
    wilson_low: float
    wilson_high: float
    ratio_low: float | None
    ratio_high: float | None
    difference_low: float
    difference_high: float
    method: Literal["jackknife", "independent"]
    q: float
    flagged: bool
    sole: int
    shapley: Fraction


@dataclasses.dataclass(frozen=True)
class Silenced:
    """A filter that removes every row of a level; `declared` where a rule of the job says so. Reason "" stands for all filters together."""

    reason: str
    attribute: str
    level: str
    rows: int
    declared: bool


def audit(cells: Cells) -> list[Cost]:
    """Tabulates what every reason that occurs costs every level of every attribute.

    Levels without rows beside them (all rows are of one level) have nothing to be compared with and are left out.

    Args:
      cells: counts of the run.

    Returns:
      Costs in the order of reasons, attributes, levels. The same counts give the same floats, whatever order they came in.
    """
    parts = [
        _compare(cells, reason, place)
        for reason in cells.reasons
        if cells.has([reason]).any()
        for place in range(len(ATTRIBUTES))
        if len(cells.levels[place]) > 1
    ]
    q = false_discovery(np.concatenate([part.p for part in parts])) if parts else np.empty(0)
    costs: list[Cost] = []
    start = 0
    for part in parts:
        costs += part.costs(cells, q[start : start + len(part.p)])
        start += len(part.p)
    return costs


def silenced(cells: Cells, declared_empty: Mapping[str, Collection[str]]) -> list[Silenced]:
    """Finds levels of at least 20 readable rows of which a filter, or all of them together, leaves none.

    Args:
      cells: counts of the run.
      declared_empty: attribute -> levels that a rule of the job removes wholly.
    """
    found = []
    readable = ~cells.has([UNREADABLE])
    for place, attribute in enumerate(ATTRIBUTES):
        rows = _per_level(cells, place, readable)
        gone = {reason: _per_level(cells, place, readable & cells.has([reason])) for reason in cells.reasons if reason != UNREADABLE}
        gone[""] = _per_level(cells, place, readable & ~cells.kept)
        for code, level in enumerate(cells.levels[place]):
            alone = [reason for reason, removed in gone.items() if rows[code] >= SMALLEST and removed[code] == rows[code]]
            named = [reason for reason in alone if reason] or alone
            declared = level in declared_empty.get(attribute, ())
            found += [Silenced(reason, attribute, level, int(rows[code]), declared) for reason in named]
    return found


@dataclasses.dataclass(frozen=True)
class _Comparison:
    """One reason over the levels of one attribute: arrays of float64[levels], nan where undefined."""

    reason: str
    place: int
    numbers: dict[str, np.ndarray]
    jackknifed: np.ndarray
    p: np.ndarray

    def costs(self, cells: Cells, q: np.ndarray) -> Iterable[Cost]:
        sole, shapley = _shares(cells, self.reason, self.place)
        for code, level in enumerate(cells.levels[self.place]):
            number: dict[str, Any] = {name: float(values[code]) for name, values in self.numbers.items()}
            if number["rows"] == 0 or np.isnan(number["rest_rate"]):
                continue
            for name in ("removal_ratio", "retention_ratio", "ratio_low", "ratio_high"):
                number[name] = number[name] if np.isfinite(number[name]) else None
            rows, removed, ratio = int(number.pop("rows")), int(number.pop("removed")), number["removal_ratio"]
            apart = ratio is None or not RATIO[0] <= ratio <= RATIO[1]
            large = abs(number["difference"]) >= DIFFERENCE and rows >= LEAST_ROWS and removed >= LEAST_REMOVED
            yield Cost(
                reason=self.reason, attribute=ATTRIBUTES[self.place], level=level, rows=rows, removed=removed, q=float(q[code]),
                method="jackknife" if self.jackknifed[code] else "independent", sole=int(sole[code]), shapley=shapley[code],
                flagged=bool(q[code] <= DISCOVERY_RATE and apart and large), **number,
            )  # fmt: skip


def _compare(cells: Cells, reason: str, place: int) -> _Comparison:
    population = np.ones(len(cells.rows), bool) if reason == UNREADABLE else ~cells.has([UNREADABLE])
    rows_by = _per_bucket(cells, place, population)
    removed_by = _per_bucket(cells, place, population & cells.has([reason]))
    rows, removed = rows_by.sum(axis=0), removed_by.sum(axis=0)
    rest_rows, rest_removed = rows.sum() - rows, removed.sum() - removed
    whole = _estimates(rows, removed, rest_rows, rest_removed)
    left = _estimates(
        rows - rows_by, removed - removed_by,
        rest_rows - (rows_by.sum(axis=1, keepdims=True) - rows_by), rest_removed - (removed_by.sum(axis=1, keepdims=True) - removed_by),
    )  # fmt: skip
    error = {name: jackknife_error(left[name]) for name in ("rate", "difference", "log_ratio")}
    jackknifed = ((rows_by > 0).sum(axis=0) >= LEAST_BUCKETS) & np.isfinite(error["difference"])
    low, high = wilson(removed, rows)
    apart = newcombe(removed, rows, rest_removed, rest_rows)
    ratio = katz(removed, rows, rest_removed, rest_rows)
    centre = whole["log_ratio"]

    def interval(middle: np.ndarray, half: np.ndarray, other: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        return np.where(jackknifed, middle - half, other[0]), np.where(jackknifed, middle + half, other[1])

    rate_low, rate_high = interval(whole["rate"], T49 * error["rate"], (low, high))
    difference_low, difference_high = interval(whole["difference"], T49 * error["difference"], apart)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        ratio_low, ratio_high = interval(centre, T49 * error["log_ratio"], (np.log(ratio[0]), np.log(ratio[1])))
        retention = (1 - whole["rate"]) / (1 - whole["rest_rate"])
        numbers = {
            "rows": rows, "removed": removed, "rate": whole["rate"], "rest_rate": whole["rest_rate"], "difference": whole["difference"],
            "removal_ratio": np.exp(centre), "retention_ratio": retention, "low": np.clip(rate_low, 0, 1), "high": np.clip(rate_high, 0, 1),
            "wilson_low": low, "wilson_high": high, "ratio_low": np.exp(ratio_low), "ratio_high": np.exp(ratio_high),
            "difference_low": np.clip(difference_low, -1, 1), "difference_high": np.clip(difference_high, -1, 1),
        }  # fmt: skip
    return _Comparison(reason, place, numbers, jackknifed, _p_values(whole["difference"], error["difference"], jackknifed, rows, removed))


def _estimates(rows: np.ndarray, removed: np.ndarray, rest_rows: np.ndarray, rest_removed: np.ndarray) -> dict[str, np.ndarray]:
    with np.errstate(divide="ignore", invalid="ignore"):
        rate, rest_rate = removed / rows, rest_removed / rest_rows
        return {"rate": rate, "rest_rate": rest_rate, "difference": rate - rest_rate, "log_ratio": np.log(rate / rest_rate)}


def _p_values(difference: np.ndarray, error: np.ndarray, jackknifed: np.ndarray, rows: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """Two-sided p of no difference: Student's t on the jackknife's error, or the pooled two-sample test of independent rows."""
    from scipy.special import ndtr, stdtr

    total_rows, total_removed = rows.sum(), removed.sum()
    pooled = total_removed / max(1, total_rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        independent = np.sqrt(pooled * (1 - pooled) * (1 / rows + 1 / (total_rows - rows)))
        score = np.abs(difference) / np.where(jackknifed, error, independent)
    p = np.where(jackknifed, 2 * stdtr(BUCKETS - 1, -score), 2 * ndtr(-score))
    return np.where(np.isfinite(difference) & (difference != 0), np.nan_to_num(p, nan=1.0), 1.0)


def _shares(cells: Cells, reason: str, place: int) -> tuple[np.ndarray, Sequence[Fraction]]:
    """Rows per level that only this reason removes, and its Shapley share: 1 / (number of reasons) of every row it holds for, exactly.

    What cannot be read has no other reason that counts: `unreadable` wins over the rest.
    """
    unreadable = cells.has([UNREADABLE])
    chosen = cells.has([reason]) & (unreadable if reason == UNREADABLE else ~unreadable)
    together = np.where(unreadable, 1, np.bitwise_count(cells.mask).astype(np.int64))
    levels, most = len(cells.levels[place]), len(cells.reasons) + 1
    table = np.zeros((levels, most), np.int64)
    np.add.at(table, (cells.codes[chosen, place], together[chosen]), cells.rows[chosen])
    shares = [sum((Fraction(int(rows), count) for count, rows in enumerate(line) if rows), Fraction(0)) for line in table.tolist()]
    return table[:, 1], shares


def _per_level(cells: Cells, place: int, chosen: np.ndarray) -> np.ndarray:
    return _per_bucket(cells, place, chosen).sum(axis=0)


def _per_bucket(cells: Cells, place: int, chosen: np.ndarray) -> np.ndarray:
    """Rows of the chosen cells, int64[buckets, levels]."""
    table = np.zeros((BUCKETS, len(cells.levels[place])), np.int64)
    np.add.at(table, (cells.bucket[chosen], cells.codes[chosen, place]), cells.rows[chosen])
    return table
