"""From verdicts to weights: counts per cell out of each shard, one solution for the run, a weight back for every kept row."""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from schemas import reasons
from schemas.errors import GateError
from schemas.job import Rebalance
from transforms.balance.audit import audit, silenced
from transforms.balance.cells import ATTRIBUTES, Cells, Key, buckets, count_cells, gather
from transforms.balance.sample import sampled
from transforms.balance.solver import Solution, explain, solve, weights_of
from transforms.balance.suppress import publish
from transforms.filters.base import Filter, Finding
from transforms.filters.language import Language
from transforms.verdicts import Verdicts

ONE = 1 << 32
Cell = tuple[tuple[str, ...], int, int]


@dataclasses.dataclass(frozen=True)
class Weights:
    """What is solved once for the whole run.

    Attributes:
      solution: the weight of every cell.
      report: plain data for the documents: targets, margins, effective sample size, the audit of every filter in every group.
      absent: the weight, in units of 2^-32, of a kept row whose cell has none.
    """

    solution: Solution
    report: Mapping[str, Any]
    absent: int = 0

    @property
    def cells(self) -> list[tuple[tuple[str, ...], int]]:
        """Levels and weight of every cell, as plain data: what `frozen_weights` makes weights of again."""
        return sorted((tuple(levels), int(units)) for levels, units in self.solution.weights.items())


def frozen_weights(cells: Iterable[tuple[Sequence[str], int]], report: Mapping[str, Any]) -> Weights:
    """The weights of a finished release for rows that are appended to it; a cell that it kept nothing of weighs 1."""
    return Weights(Solution(report["status"], {tuple(levels): units for levels, units in cells}, report["rows"]), report, ONE)


def count_shard(verdicts: Verdicts, vocabulary: Sequence[str]) -> Iterator[tuple[Cell, int]]:
    """Rows of a shard per cell, as plain tuples that any engine can sum by key."""
    base = verdicts.annotations
    bucket = buckets(base.column("domain").to_pylist(), base.column("uid").to_pylist())
    for key, rows in count_cells(base.column("groups"), verdicts.bits(vocabulary), bucket).items():
        yield (tuple(key.levels), int(key.mask), int(key.bucket)), int(rows)


def solve_weights(
    counts: Iterable[tuple[Cell, int]], rebalance: Rebalance, filters: Sequence[Filter], vocabulary: Sequence[str]
) -> Weights:
    """Solves for the weights of a run and audits its filters.

    Raises:
      GateError: the target is infeasible and the job says `on_infeasible: fail`.
      JobError: the target contradicts itself.
    """
    cells = gather(((Key(*cell), rows) for cell, rows in counts), vocabulary)
    empty = declared_empty(cells, filters)
    solution = solve(cells, rebalance, empty)
    if solution.status == "infeasible" and rebalance.on_infeasible == "fail":
        raise GateError(
            f"rebalance: {explain(solution)}. Other bounds, margins or filters would help; on_infeasible: report goes on unweighted."
        )
    costs = audit(cells)
    return Weights(
        solution,
        {
            **_plain(dataclasses.replace(solution, weights={})),
            "told": explain(solution),
            "target": rebalance.target,
            "bounds": list(rebalance.bounds),
            "cells": len(solution.weights),
            "least": min(solution.weights.values(), default=ONE) / ONE,
            "greatest": max(solution.weights.values(), default=ONE) / ONE,
            "silenced": [_plain(found) for found in silenced(cells, empty)],
            "flagged": [_plain(cost) for cost in costs if cost.flagged],
            "audit": [_plain(line) for line in publish(costs)],
        },
    )


def weigh(verdicts: Verdicts, weights: Weights, rebalance: Rebalance) -> np.ndarray:
    """The weight of every row in units of 2^-32, int64[n]; 0 for rows that are not kept.

    Where the job asks for a subsample, rows that the hash does not choose become `rebalanced`, and what stays weighs 1.
    """
    kept = ~verdicts.rejected
    units = weights_of(weights.solution, verdicts.annotations.column("groups"))
    units = np.where(kept, np.where(units == 0, weights.absent, units), 0)
    if rebalance.output == "weight":
        return units
    rows = np.flatnonzero(kept)
    uids = verdicts.annotations.column("uid").take(rows).to_pylist()
    stays = sampled(uids, units[rows], weights.solution.greatest)
    gone = rows[~stays]
    if len(gone):
        verdicts.findings.append(Finding("reason", reasons.REBALANCED, gone, units[gone] / weights.solution.greatest))
    units[rows] = np.where(stays, ONE, 0)
    return units


def declared_empty(cells: Cells, filters: Sequence[Filter]) -> dict[str, Collection[str]]:
    """Levels that a rule of the job removes by declaration: languages that `language.keep` does not name."""
    levels = cells.levels[ATTRIBUTES.index("language")]
    for rule in filters:
        if isinstance(rule, Language) and rule.enabled and rule.action == "reject" and rule.keep is not None:
            kept = {*rule.keep, *(("und",) if rule.keep_undetermined else ())}
            return {"language": sorted(set(levels) - kept)}
    return {}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Fraction):
        return float(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
