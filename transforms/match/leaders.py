"""Compact clusters: rows in order, each joined to the first leader it is verified against, or made a leader itself.

So a chain of small changes, each like the one before, never becomes one cluster, while thousands of re-encodings of one picture, all
like the first, stay one; and no two leaders of a group are duplicates of each other (Hartigan 1975, the leader algorithm).

All groups advance together, one leader a round: the first row left of each group leads, and all others left are compared with it in one
call. That gives every row the leader that looking at rows one by one would give it.
"""

from collections.abc import Callable

import numpy as np

MOST_LEADERS = 4_096
"""Rounds, and so the comparisons of one row. Rows that are left then lead themselves, and are counted."""

Compare = Callable[[np.ndarray, np.ndarray], np.ndarray]


def leaders(group: np.ndarray, compare: Compare, most: int = MOST_LEADERS) -> tuple[np.ndarray, int]:
    """The place of each row's leader, int64[n] (its own for a leader), and how many rows were left when the rounds were spent.

    Args:
      group: int64[n], ascending; rows of a group in order.
      compare: two int64[m] of places, leaders and rows, to bool[m]: whether they are one.
      most: rounds.

    >>> values = np.array([0, 1, 2, 3, 50])
    >>> leaders(np.array([0, 0, 0, 0, 1]), lambda a, b: abs(values[a] - values[b]) <= 1)[0].tolist()
    [0, 0, 2, 2, 4]
    """
    out = np.arange(len(group))
    left = np.arange(len(group))
    for _ in range(most):
        if not len(left):
            break
        first = np.ones(len(left), bool)
        first[1:] = np.diff(group[left]) != 0
        leading = left[first][np.cumsum(first) - 1]
        leading, left = leading[~first], left[~first]
        same = compare(leading, left) if len(left) else np.zeros(0, bool)
        out[left[same]] = leading[same]
        left = left[~same]
    return out, len(left)
