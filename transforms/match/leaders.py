"""Compact clusters: rows in order, each joined to the first leader it is verified against, or made a leader itself.

So a chain of small changes, each like the one before, never becomes one cluster, while thousands of re-encodings of one picture, all
like the first, stay one; and no two leaders of a group are duplicates of each other (Hartigan 1975, the leader algorithm).

The order is content order, but rows that agree with more of their group come first. A caption edited twice is the middle of a group
whose ends differ, and a picture with a bar above it the largest of its copies: by content order such an end would lead, and what is
cropped or turned does not agree with it though it agrees with the picture itself. Captions are counted by their verified edges (pair
recall .937 to .954, 20,000 captions, a fifth of them edits; precision .999 both), pictures by comparing the first 32 of a group with each
other (recall of thirty edits of 250 photos, views: .950 to .984; no two photos in one cluster either way).

What agrees with pictures that are told apart comes last: a grey copy of a red cup agrees with its blue one too, and so with more of their
group than either does. Led by it they would be one.

All groups advance together, one leader a round: the first row left of each group leads, and all others left are compared with it in one
call. That gives every row the leader that looking at rows one by one would give it.
"""

from collections.abc import Callable

import numpy as np

from transforms.match.buckets import run_starts

MOST_LEADERS = 4_096
"""Rounds, and so the comparisons of one row. Rows that are left then lead themselves, and are counted."""

MOST_COUNTED = 32
"""Rows of a group, the first in content order, that are compared with each other to find who agrees with most."""

_TORN = 0.1  # of the pairs of rows that one agrees with: told apart, from which it is not known which of them it is a copy of
_GROUPS_AT_ONCE = 1 << 10  # 4 MB

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


def central_first(group: np.ndarray, stand: Compare, most: int = MOST_COUNTED) -> np.ndarray:
    """The order in which rows are to be looked at, int64[n]: in every group, of its first `most` rows, those first that agree with more.

    Last of all come those that agree with rows which are told apart.

    Args:
      group: int64[n], ascending; rows of a group in order. Groups of two stay as they are.
      stand: two int64[m] of places, each pair of the first rows of a group once, to int8[m]: 1 agree, -1 told apart, 0 neither.
      most: rows of a group that are compared with each other.

    >>> values = np.array([0, 1, 2, 50, 51])
    >>> central_first(np.array([0, 0, 0, 1, 1]), lambda a, b: abs(values[a] - values[b]) <= 1).tolist()
    [1, 0, 2, 3, 4]
    """
    left, right = pairs_within(group, most)
    how = stand(left, right) if len(left) else np.zeros(0, np.int8)
    degree = np.bincount(np.concatenate([left[how > 0], right[how > 0]]), minlength=len(group))
    starts, sizes = _runs(group)
    place = np.arange(len(group)) - np.repeat(starts, sizes)
    return np.lexsort((place, np.where(place < most, -degree, 1), _torn(starts, sizes, left, right, how, most), group))


def _torn(starts: np.ndarray, sizes: np.ndarray, left: np.ndarray, right: np.ndarray, how: np.ndarray, most: int) -> np.ndarray:
    """Which rows agree with too many that are told apart, bool[n], from the runs of groups and from pairs and how they stand."""
    torn = np.zeros(int(sizes.sum()), bool)
    run = np.repeat(np.arange(len(starts)), sizes)[left]
    asked = np.unique(run[how < 0])
    here = np.isin(run, asked)
    number, one, other, how = np.searchsorted(asked, run[here]), left[here], right[here], how[here]
    for at in range(0, len(asked), _GROUPS_AT_ONCE):
        base = starts[asked[at : at + _GROUPS_AT_ONCE]]
        some = (number >= at) & (number < at + len(base))
        of = number[some] - at
        places = one[some] - base[of], other[some] - base[of]
        matrix = np.zeros((len(base), most, most), np.float32)
        matrix[of, *places] = matrix[of, *places[::-1]] = how[some]
        agree, apart = (matrix > 0).astype(np.float32), (matrix < 0).astype(np.float32)
        agreeing, against = agree.sum(axis=2), ((agree @ apart) * agree).sum(axis=2)
        found, place = np.nonzero((against > 0) & (against >= _TORN * agreeing * (agreeing - 1)))
        torn[base[found] + place] = True
    return torn


def pairs_within(group: np.ndarray, most: int) -> np.ndarray:
    """All pairs of the first `most` rows of each group of three and more, int64[2, m], the earlier row first.

    Args:
      group: int64[n], ascending.
      most: rows of a group.

    >>> pairs_within(np.array([0, 0, 1, 1, 1, 1]), 3).tolist()
    [[2, 2, 3], [3, 4, 4]]
    """
    starts, sizes = _runs(group)
    sizes = np.minimum(sizes, most)
    pairs = [np.empty((2, 0), np.int64)]
    for size in np.unique(sizes[sizes > 2]).tolist():
        at = starts[sizes == size]
        pairs.append(np.stack([(at[:, None] + places).reshape(-1) for places in np.triu_indices(size, 1)]))
    return np.concatenate(pairs, axis=1)


def _runs(group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each run of equal values begins, and how many rows it has, int64[m] both."""
    starts = run_starts(group)
    return starts, np.diff(starts, append=len(group))
