"""Which rows match has tied to a picture or a caption of a benchmark set, as findings."""

import bisect
import dataclasses
from collections.abc import Sequence

import numpy as np

from schemas.reasons import EVAL_OVERLAP
from schemas.signatures import CAPTIONS_AGREE, PERMUTATIONS, PICTURES_AGREE
from transforms.eval_sets.sign import read_items
from transforms.filters.base import Finding
from transforms.match.elders import BENCHMARK
from transforms.match.policy import PICTURE

CAPTIONS_LEAST = round(CAPTIONS_AGREE / PERMUTATIONS, 4)


@dataclasses.dataclass(frozen=True)
class SignedPart:
    """A part of a benchmark set as match has numbered its rows.

    Attributes:
      set: name of the set.
      kind: images, captions or shards.
      tally: path of the part's tally.
      start: dense number of its first row.
    """

    set: str
    kind: str
    tally: str
    start: int

    def told(self, elder: int) -> str:
        """What people call one of its rows, by its dense number: the file of a picture, the place in a file of others."""
        items, row = read_items(self.tally), elder - self.start
        return items[row] if self.kind == "images" else f"{items[0]}, {'caption' if self.kind == 'captions' else 'row'} {row + 1}"


def picture_overlaps(ties: np.ndarray, first: int, parts: Sequence[SignedPart]) -> list[Finding]:
    """What ties rows to pictures of benchmark sets: one finding, or none.

    Args:
      ties: records of `transforms.match.elders.TIE`, of one shard.
      first: dense number of the shard's first row.
      parts: of all sets, by their first rows.
    """
    return _found(ties[ties["link"] & PICTURE != 0], first, parts, "picture", PICTURES_AGREE)


def caption_overlaps(ties: np.ndarray, first: int, parts: Sequence[SignedPart]) -> list[Finding]:
    """What ties rows to captions of benchmark sets alone; as `picture_overlaps`."""
    return _found(ties[ties["link"] & PICTURE == 0], first, parts, "caption", CAPTIONS_LEAST)


def _found(ties: np.ndarray, first: int, parts: Sequence[SignedPart], what: str, least: float) -> list[Finding]:
    mine = ties[ties["kind"] == BENCHMARK]
    mine = mine[np.unique(mine["row"], return_index=True)[1]]
    if not len(mine):
        return []
    starts, told = [part.start for part in parts], []
    scores = np.round(mine["agreement"].astype(np.float64), 4)
    for elder, score in zip(mine["elder"].tolist(), scores.tolist(), strict=True):
        part = parts[bisect.bisect_right(starts, elder) - 1]
        told.append(f"{part.set}: {'exact' if score == 1 else 'near'} {what} ({part.told(elder)})")
    return [Finding("reason", EVAL_OVERLAP, mine["row"] - first, scores, least, told)]
