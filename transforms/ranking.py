"""Who comes first among the members of a cluster, and what it is called by."""

import dataclasses

import numpy as np

from transforms.not_duplicates import NO_PAIRS, Pairs, parted


@dataclasses.dataclass(frozen=True)
class Ranking:
    """Members of whole clusters, part after part, in each the best first.

    Attributes:
      order: int64[n], places in the records. All else is in this order:
      part: int64[n], the number of each member's part.
      starts: int64[parts], where each part begins.
      apart: int64[n], the place in the records of a row that a list keeps it apart from, -1 where none does.
      eligible: bool[n].
    """

    order: np.ndarray
    part: np.ndarray
    starts: np.ndarray
    apart: np.ndarray
    eligible: np.ndarray

    @property
    def best(self) -> np.ndarray:
        """The place in the records of the best of each member's part, int64[n]."""
        return self.order[self.starts][self.part]


def rank(records: np.ndarray, eligible: np.ndarray, pairs: Pairs = NO_PAIRS) -> Ranking:
    """Members by cluster: eligible ones first, then by rank, consent, content order (pixels, caption, uid) and row; parted by `pairs`.

    Args:
      records: of `transforms.records.member_type`, whole clusters, in any order.
      eligible: bool[n], who may stay.
      pairs: rows that are no duplicates of each other.
    """
    uid, order, wish = records["uid"].view("S16"), records["order"].view("S16"), records["rank"]
    wish = wish.view(f"S{wish.dtype.itemsize}")
    ranked = np.lexsort((records["row"], uid, order, records["consent"], wish, ~eligible, records["cluster"]))
    cluster = records["cluster"][ranked]
    part, apart = parted(cluster, uid[ranked], pairs)
    apart = np.where(apart >= 0, ranked[apart], -1)
    if part.any():
        again = np.lexsort((part, cluster))
        ranked, cluster, part, apart = ranked[again], cluster[again], part[again], apart[again]
    head = np.ones(len(ranked), bool)
    head[1:] = (np.diff(cluster) != 0) | (np.diff(part) != 0)
    return Ranking(ranked, np.cumsum(head) - 1, np.flatnonzero(head), apart, eligible[ranked])


def smallest_uid(records: np.ndarray, ranking: Ranking, release: int | None) -> np.ndarray:
    """The smallest uid of each member's part, V16[n]; among rows of the release that is appended to, where it has any."""
    uids = records["uid"][ranking.order]
    later = records["row"][ranking.order] < (0 if release is None else release)
    order = np.lexsort((uids.view("S16"), later, ranking.part))
    return uids[order[ranking.starts]][ranking.part]
