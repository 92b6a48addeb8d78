"""Which rows match has tied to a picture or a caption of a benchmark set, as findings."""

import bisect
import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from schemas.reasons import EVAL_OVERLAP
from schemas.signatures import CAPTIONS_AGREE, PERMUTATIONS, PICTURES_AGREE
from transforms.filters.base import Finding
from transforms.match.elders import BENCHMARK
from transforms.match.policy import PICTURE

CAPTIONS_LEAST = round(CAPTIONS_AGREE / PERMUTATIONS, 4)


@dataclasses.dataclass(frozen=True)
class SignedSets:
    """The rows of benchmark sets as match has numbered them.

    Attributes:
      names: the set of each file, in the order of the files.
      starts: dense number of each file's first row, ascending.
    """

    names: tuple[str, ...] = ()
    starts: tuple[int, ...] = ()

    def set_of(self, elder: int) -> str:
        """The set that a dense row belongs to.

        >>> SignedSets(("a", "b"), (10, 20)).set_of(19)
        'a'
        """
        return self.names[bisect.bisect_right(self.starts, elder) - 1]


def overlaps(ties: np.ndarray, first: int, sets: SignedSets) -> Iterator[Finding]:
    """What ties rows to benchmark sets: one finding by pictures, one by captions.

    Args:
      ties: records of `transforms.match.elders.TIE`, of one shard.
      first: dense number of the shard's first row.
      sets: which set an elder row belongs to.
    """
    mine = ties[ties["kind"] == BENCHMARK]
    pictures = mine["link"] & PICTURE != 0
    for by_picture, least, what in ((True, PICTURES_AGREE, "picture"), (False, CAPTIONS_LEAST, "caption")):
        found = mine[pictures == by_picture]
        _, at = np.unique(found["row"], return_index=True)
        found = found[at]
        if len(found):
            scores = np.round(found["agreement"].astype(np.float64), 4)
            yield Finding("reason", EVAL_OVERLAP, found["row"] - first, scores, least, _told(found, scores, sets, what))


def _told(found: np.ndarray, scores: np.ndarray, sets: SignedSets, what: str) -> Sequence[str]:
    return [
        f"{sets.set_of(elder)}: {'exact' if score == 1 else 'near'} {what} {uid.hex()}"
        for elder, score, uid in zip(found["elder"].tolist(), scores.tolist(), found["uid"].tolist(), strict=True)
    ]
