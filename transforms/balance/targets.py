"""Which shares the weights shall give: every kind of target as margins of one solver.

* `preserve`: the shares before our filters. `uniform_known`: as much of each level that names a value as of any other; levels that say
  "not known" keep their share. `explicit`: the named levels divide what the levels not named leave. `decorrelate`: two attributes made
  independent, each with the shares it had.
* A level that a declared rule empties leaves the target, with the rows it had. A level whose target is under `min_cell` rows is merged
  into `other`; rows of an `other` that is still smaller stand apart: they weigh 1, and every margin is that of the rows beside them. So
  all margins describe the same rows, and the shares before our filters meet all of them at once.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from schemas.errors import JobError
from schemas.job import Rebalance
from transforms.balance.cells import ATTRIBUTES, Cells
from transforms.text.groups import NO_VALUE

OTHER = "other"
CROSS = " × "


@dataclasses.dataclass(frozen=True)
class Merged:
    """A level that is too small to be held on its own."""

    margin: str
    level: str
    target_rows: float


@dataclasses.dataclass(frozen=True)
class Margin:
    """One set of levels whose weighted rows are held.

    Attributes:
      name: the attribute, or two joined by ` × `.
      levels: names of its levels.
      member: int64[group cells], the level of each.
      before: int64[levels], rows before our filters.
      kept: int64[levels], rows kept.
      target: float64[levels], weighted rows; they sum to the rows kept.
    """

    name: str
    levels: tuple[str, ...]
    member: np.ndarray
    before: np.ndarray
    kept: np.ndarray
    target: np.ndarray


@dataclasses.dataclass(frozen=True)
class Targets:
    """All margins over the group cells (cells without reasons and buckets) of a run.

    Attributes:
      cells: levels of each group cell that has kept rows, in canonical order.
      rows: int64[cells], kept rows of each.
      margins: what is held.
      left_out: `attribute=level` that a declared rule emptied.
      merged: levels that are held within `other`.
      apart: group cells with kept rows that no margin holds; they weigh 1.
      apart_rows: int64[apart cells], kept rows of each.
    """

    cells: tuple[tuple[str, ...], ...]
    rows: np.ndarray
    margins: tuple[Margin, ...]
    left_out: tuple[str, ...]
    merged: tuple[Merged, ...]
    apart: tuple[tuple[str, ...], ...]
    apart_rows: np.ndarray


def check(rebalance: Rebalance) -> None:
    """Refuses targets that say nothing or contradict themselves, before any shard is read.

    Raises:
      JobError: names the key and the cure.
    """
    low, high = rebalance.bounds
    if not 0 <= low <= 1 <= high:
        raise JobError(
            f"rebalance.bounds: [{low}, {high}] does not hold 1; weights average 1, so the least is at most 1, the greatest at least 1"
        )
    named = {"margins": rebalance.margins, "explicit": tuple(rebalance.explicit), "decorrelate": rebalance.decorrelate}
    for key, attributes in named.items():
        for attribute in attributes:
            if attribute not in ATTRIBUTES:
                raise JobError(f"rebalance.{key}: {attribute!r} is no group attribute; there are {', '.join(ATTRIBUTES)}")
    if rebalance.target == "decorrelate" and len(set(rebalance.decorrelate)) != 2:
        raise JobError("rebalance.decorrelate: names the two attributes to make independent, e.g. [gender, region]")
    if rebalance.target == "explicit":
        _check_explicit(rebalance)


def set_targets(cells: Cells, rebalance: Rebalance, declared_empty: Mapping[str, Collection[str]]) -> Targets:
    """Turns counts and the job's target into margins.

    Args:
      cells: counts of the run.
      rebalance: the job's section.
      declared_empty: attribute -> levels that a rule of the job removes wholly (`language.keep`); those that still have rows stay.

    Raises:
      JobError: as `check`.
    """
    check(rebalance)
    table = _Table.of(cells)
    left_out = []
    for place, attribute in enumerate(ATTRIBUTES):
        for level in sorted(set(declared_empty.get(attribute, ())) & set(cells.levels[place])):
            gone = table.codes[:, place] == cells.levels[place].index(level)
            if table.before[gone].any() and not table.kept[gone].any():
                left_out.append(f"{attribute}={level}")
                table = table.without(gone)
    merged: list[Merged] = []
    explicit = rebalance.explicit if rebalance.target == "explicit" else {}
    pair = rebalance.decorrelate if rebalance.target == "decorrelate" else ()
    held = [attribute for attribute in ATTRIBUTES if attribute in {*rebalance.margins, *explicit, *pair}]
    small = {}
    apart = np.zeros(len(table.codes), bool)
    for attribute in held:
        margin = _observed(table, cells, attribute, explicit.get(attribute, {}))
        small[attribute] = _small(margin, rebalance.min_cell, explicit.get(attribute, {}), merged)
        apart |= _too_few(margin, small[attribute], rebalance.min_cell)
    whole, table = table, table.without(apart)
    margins = {}
    for attribute in held:
        margin = _merge(_observed(table, cells, attribute, explicit.get(attribute, {})), small[attribute])
        if rebalance.target == "uniform_known":
            margin = _uniform(margin)
        elif attribute in explicit:
            margin = _explicit(margin, explicit[attribute])
        margins[attribute] = margin
    if pair and table.kept.sum():
        first, second = (margins[attribute] for attribute in held if attribute in pair)
        for attribute in pair:  # the crossing holds their shares too
            del margins[attribute]
        crossed = _independent(first, second, table)
        margins[CROSS] = _merge(crossed, _small(crossed, rebalance.min_cell, {}, merged))
    return _restrict(whole, apart, table, cells, list(margins.values()), left_out, merged)


@dataclasses.dataclass(frozen=True)
class _Table:
    """Rows before our filters and rows kept, per group cell."""

    codes: np.ndarray
    before: np.ndarray
    kept: np.ndarray

    @classmethod
    def of(cls, cells: Cells) -> "_Table":
        codes, inverse = np.unique(cells.codes, axis=0, return_inverse=True)
        before, kept = np.zeros(len(codes), np.int64), np.zeros(len(codes), np.int64)
        np.add.at(before, inverse.ravel(), np.where(cells.reference, cells.rows, 0))
        np.add.at(kept, inverse.ravel(), np.where(cells.kept, cells.rows, 0))
        some = before > 0
        return cls(codes[some], before[some], kept[some])

    def without(self, gone: np.ndarray) -> "_Table":
        return _Table(self.codes[~gone], self.before[~gone], self.kept[~gone])


def _observed(table: _Table, cells: Cells, attribute: str, named: Collection[str]) -> Margin:
    """The margin that preserves the shares before our filters; a named level without rows is there with none."""
    place = ATTRIBUTES.index(attribute)
    used, member = np.unique(table.codes[:, place], return_inverse=True)
    levels = [cells.levels[place][code] for code in used]
    levels += sorted(set(named).difference(levels))
    return _margin(attribute, levels, member.ravel(), table.before, table.kept)


def _margin(name: str, levels: Sequence[str], member: np.ndarray, before: np.ndarray, kept: np.ndarray) -> Margin:
    counts = [np.zeros(len(levels), np.int64) for _ in range(2)]
    np.add.at(counts[0], member, before)
    np.add.at(counts[1], member, kept)
    target = counts[0] * (int(kept.sum()) / max(1, int(before.sum())))
    return Margin(name, tuple(levels), member, counts[0], counts[1], target)


def _small(margin: Margin, min_cell: int, named: Collection[str], merged: list[Merged]) -> frozenset[str]:
    """Levels whose target is under `min_cell` rows; they go into `merged` too."""
    found = [
        Merged(margin.name, level, float(target))
        for level, target in zip(margin.levels, margin.target, strict=True)
        if target < min_cell and level not in named
    ]
    merged += found
    return frozenset(entry.level for entry in found)


def _too_few(margin: Margin, small: Collection[str], min_cell: int) -> np.ndarray:
    """Group cells of the small levels, where these together are still too few to be held, bool[group cells]."""
    few = np.array([level in small for level in margin.levels], bool)
    if few.all() or margin.target[few].sum() >= min_cell:
        return np.zeros(len(margin.member), bool)
    return few[margin.member]


def _merge(margin: Margin, together: Collection[str]) -> Margin:
    """The margin with some of its levels as one, `other`."""
    small = np.array([level in together for level in margin.levels], bool)
    if not small.any():
        return margin
    levels = [level for level, few in zip(margin.levels, small, strict=True) if not few] + [OTHER]
    position = np.where(small, len(levels) - 1, np.cumsum(~small) - 1)
    before, kept, target = (np.zeros(len(levels), values.dtype) for values in (margin.before, margin.kept, margin.target))
    for total, values in ((before, margin.before), (kept, margin.kept), (target, margin.target)):
        np.add.at(total, position, values)
    return Margin(margin.name, tuple(levels), position[margin.member], before, kept, target)


def _uniform(margin: Margin) -> Margin:
    known = np.array([level not in NO_VALUE and level != OTHER for level in margin.levels], bool)
    target = margin.target.copy()
    target[known] = target[known].sum() / max(1, known.sum())
    return dataclasses.replace(margin, target=target)


def _explicit(margin: Margin, shares: Mapping[str, float]) -> Margin:
    target = margin.target.copy()
    places = {level: margin.levels.index(level) for level in shares}
    mass = target[list(places.values())].sum() or 1.0  # nobody of any named level: asking for one row keeps the target visibly unmet
    for level, place in places.items():
        target[place] = mass * shares[level] / sum(shares.values())
    return dataclasses.replace(margin, target=target)


def _independent(first: Margin, second: Margin, table: _Table) -> Margin:
    """The crossing of two margins, each crossed level at the product of the two shares."""
    levels = [one + CROSS + other for one in first.levels for other in second.levels]
    crossed = _margin(first.name + CROSS + second.name, levels, first.member * len(second.levels) + second.member, table.before, table.kept)
    return dataclasses.replace(crossed, target=np.outer(first.target, second.target).ravel() / first.target.sum())


def _restrict(
    whole: _Table, apart: np.ndarray, table: _Table, cells: Cells, margins: list[Margin], left_out: list[str], merged: list[Merged]
) -> Targets:
    """Drops group cells that kept nothing, and levels that have neither rows nor a target."""
    some, alone = table.kept > 0, apart & (whole.kept > 0)
    held = []
    for margin in margins:
        real = (margin.kept > 0) | (margin.target > 0)
        position = np.cumsum(real) - 1
        levels = tuple(level for level, there in zip(margin.levels, real, strict=True) if there)
        held.append(Margin(margin.name, levels, position[margin.member[some]], margin.before[real], margin.kept[real], margin.target[real]))
    names, others = _names(cells, table.codes[some]), _names(cells, whole.codes[alone])
    return Targets(names, table.kept[some], tuple(held), tuple(left_out), tuple(merged), others, whole.kept[alone])


def _names(cells: Cells, codes: np.ndarray) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(cells.levels[place][code] for place, code in enumerate(row)) for row in codes.tolist())


def _check_explicit(rebalance: Rebalance) -> None:
    if not rebalance.explicit:
        raise JobError("rebalance.explicit: is empty; name attribute: {level: share, ...}")
    if not rebalance.citation:
        raise JobError("rebalance.citation: say where the shares of rebalance.explicit come from; a pipeline does not choose them")
    for attribute, shares in rebalance.explicit.items():
        if len(shares) < 2 or min(shares.values()) < 0 or abs(sum(shares.values()) - 1) > 1e-6:
            raise JobError(
                f"rebalance.explicit.{attribute}: needs two or more levels whose shares are not negative and sum to 1; they divide what the"
                " levels not named leave"
            )
