"""How often the shipped toxicity model flags neutral sentences about groups: what MODEL.md and the datasheet print."""

import csv
import importlib.resources
from typing import NamedTuple


class Bias(NamedTuple):
    """Shares of neutral sentences above a threshold, by the group that they name.

    Attributes:
      threshold: the one that was measured at.
      shares: term -> share, worst first.
      mean: of all terms.
    """

    threshold: float
    shares: dict[str, float]
    mean: float


def identity_bias(at_most: float) -> Bias:
    """What was measured at the greatest threshold that is not above the one in force, so that nothing looks better than it is.

    >>> identity_bias(0.95).threshold, identity_bias(0.75).threshold, identity_bias(0.1).threshold
    (0.9, 0.7, 0.5)
    """
    text = (importlib.resources.files(__package__) / "identities.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    measured = sorted(name for name in rows[0] if name not in ("term", "texts"))
    chosen = max([name for name in measured if float(name) <= at_most], default=measured[0])
    shares = {row["term"]: float(row[chosen]) for row in sorted(rows, key=lambda row: (-float(row[chosen]), row["term"]))}
    return Bias(float(chosen), shares, sum(shares.values()) / len(shares))
