"""How well caption and picture agree: the cosine of their embeddings."""

from typing import ClassVar

import numpy as np
import pyarrow as pa

from schemas.annotations import EMBEDDINGS
from schemas.job import Phase, key
from transforms.filters.base import Batch, Filter, scores
from transforms.vectors import cosines, unpack


class ClipScore(Filter):
    """Rejects rows whose caption and picture agree too little, where the job sets a bound; the score is recorded where both are embedded.

    Bounds belong to a model: LAION-5B kept 0.28 and more of OpenAI's CLIP ViT-B/32 for English captions, 0.26 for others; DataComp's
    baselines begin at 0.28 for B/32 and at the upper 30 % for L/14. A row without a caption, or without a picture, has no score.
    """

    name: ClassVar[str] = "clip_score"
    reads: ClassVar[tuple[str, ...]] = (EMBEDDINGS,)

    min: float | None = key(Phase.JUDGE, "cosine below which a row is rejected; null: recorded only", None, ge=-1, le=1)

    def measure(self, batch: Batch) -> pa.StructArray:
        (pictures, of_pictures), (captions, of_captions) = (unpack(batch.measures[EMBEDDINGS].field(side)) for side in ("image", "text"))
        rows, left, right = np.intersect1d(of_pictures, of_captions, assume_unique=True, return_indices=True)
        found: list[float | None] = [None] * len(batch)
        if len(rows):
            for row, score in zip(rows.tolist(), cosines(pictures[left], captions[right]).tolist(), strict=True):
                found[row] = score
        return scores(found)
