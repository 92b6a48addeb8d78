"""Rows of earlier runs where meanings are compared: which of them take part, and whose cluster a row joins that means the same as one.

An elder row takes part where somebody stands for it: it was kept itself, or a row that means the same was, or else a copy of its picture.
These are three kinds of clusters; in one numbering, that of the earlier run, they are told apart by a bit.
"""

from collections.abc import Mapping

import numpy as np

from transforms.match.elders import HELD
from transforms.records import ELIGIBLE

COPIES = 1 << 62  # added to the number of a cluster of copies: another cluster than that of the rows which mean the same as its first


def clusters_of(places: Mapping[str, np.ndarray], first: int, start: int) -> np.ndarray:
    """The cluster that a row joins which means the same as an elder row, int64[n]; -1 for elder rows that take no part.

    Args:
      places: of a file of elder rows (`transforms.match.elders.read_places`).
      first: dense number of the first row of their set.
      start: dense number of the file's first row.

    >>> places = {"kind": [1, 1, 1, 2], "cluster": [-1, 0, -1, -1], "semantic_cluster": [7, -1, -1, -1], "said": [0, 0, 1, 0]}
    >>> (clusters_of({name: np.array(found) for name, found in places.items()}, 100, 104) - [0, COPIES, 0, 0]).tolist()
    [107, 100, 106, -1]
    """
    own = np.arange(start, start + len(places["kind"]))
    held = places["kind"] == HELD
    of_copies = np.where(held & (places["cluster"] >= 0), places["cluster"] + first + COPIES, -1)
    kept = held & (places["said"] & ELIGIBLE > 0)
    found = np.where(kept, own, of_copies)
    return np.where(places["semantic_cluster"] >= 0, places["semantic_cluster"] + first, found)


def semantic_members(places: Mapping[str, np.ndarray], first: int, start: int, clusters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows of a file that are in some of those clusters, int64[n], and the cluster of each; a row may be in two.

    Arguments as in `clusters_of`, and `clusters`, int64, ascending.
    """
    mine = clusters_of(places, first, start)
    kept = (places["kind"] == HELD) & (places["said"] & ELIGIBLE > 0) & (places["cluster"] >= 0)  # stands for the copies of its picture too
    rows, of = np.flatnonzero(np.isin(mine, clusters)), np.where(kept, places["cluster"] + first + COPIES, -1)
    copied = np.flatnonzero(kept & np.isin(of, clusters))
    return np.concatenate([rows, copied]), np.concatenate([mine[rows], of[copied]])
