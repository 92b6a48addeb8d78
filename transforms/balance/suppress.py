"""Which counts may be published: none of 1 to 19 rows, and none from which such a count could be worked out."""

import dataclasses
from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np

from transforms.balance.audit import SMALLEST, Cost


@dataclasses.dataclass(frozen=True)
class Published:
    """One line of the published audit: a cost, or only its names where it may not be told.

    Attributes:
      cost: None where suppressed.
      sole: None where suppressed.
    """

    reason: str
    attribute: str
    level: str
    cost: Cost | None
    sole: int | None


def hide_small(*columns: Sequence[int], hidden: Sequence[bool] | None = None) -> np.ndarray:
    """Chooses the lines of a table to suppress, bool[lines], where the total of every column is known.

    Lines with a count of 1 to 19 go; then the smallest others, until what is hidden in each column is at least two lines and adds up
    to 0 or to 20 rows and more (complementary suppression: the total less what is shown tells nothing about few people).

    Args:
      columns: counts per line; lines are the same in all columns.
      hidden: lines suppressed already.

    >>> hide_small([500, 300, 40, 7]).tolist()
    [False, False, True, True]
    """
    table = np.array(columns, np.int64)
    away = np.zeros(table.shape[1], bool) if hidden is None else np.array(hidden, bool)
    away |= ((table > 0) & (table < SMALLEST)).any(axis=0)
    for line in np.argsort(table.max(axis=0), kind="stable").tolist():
        totals = table[:, away].sum(axis=1)
        if not away.any() or (away.sum() > 1 and not ((totals > 0) & (totals < SMALLEST)).any()):
            break
        if table[:, line].any():
            away[line] = True
    return away


def publish(costs: Iterable[Cost]) -> list[Published]:
    """Suppresses what few people stand behind, in every table of one reason over the levels of one attribute."""
    lines = []
    for (reason, attribute), group in groupby(costs, lambda cost: (cost.reason, cost.attribute)):
        table = list(group)
        small = hide_small([cost.rows for cost in table])
        away = hide_small([cost.removed for cost in table], [cost.rows - cost.removed for cost in table], hidden=small.tolist())
        for cost, gone in zip(table, away.tolist(), strict=True):
            few = gone or 0 < cost.sole < SMALLEST or 0 < cost.removed - cost.sole < SMALLEST
            lines.append(Published(reason, attribute, cost.level, None if gone else cost, None if few else cost.sole))
    return lines
