"""How well caption and picture agree: the cosine of their embeddings."""

from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from schemas.annotations import EMBEDDINGS
from schemas.errors import JobError
from schemas.job import Phase, key
from transforms.filters import by_language
from transforms.filters.base import Batch, Context, Filter, Finding, first_beyond, numbers, scores
from transforms.filters.by_language import ByLanguage
from transforms.vectors import cosines, unpack


class ClipScore(Filter):
    """Rejects rows whose caption and picture agree too little, where the job sets a bound; the score is recorded where both are embedded.

    Bounds belong to a model: LAION-5B kept 0.28 and more of OpenAI's CLIP ViT-B/32 for English captions, 0.26 for others; DataComp's
    baselines begin at 0.28 for B/32 and at the upper 30 % for L/14. A row without a caption, or without a picture, has no score, and where
    the two sides have vectors of several widths none has.
    """

    name: ClassVar[str] = "clip_score"
    reads: ClassVar[tuple[str, ...]] = (EMBEDDINGS, "language")

    min: float | None = key(Phase.JUDGE, "cosine below which a row is rejected; null: recorded only", None, ge=-1, le=1)
    by_language: ByLanguage = key(Phase.JUDGE, "bounds of rows whose caption is in one language: {de: {min: 0.26}}; und: undetermined", {})

    @model_validator(mode="after")
    def _are_bounds(self) -> Self:
        by_language.check(self, self.by_language, ("min",))
        return self

    def measure(self, batch: Batch) -> pa.StructArray:
        (pictures, of_pictures), (captions, of_captions) = (unpack(batch.measures[EMBEDDINGS].field(side)) for side in ("image", "text"))
        rows, left, right = np.intersect1d(of_pictures, of_captions, assume_unique=True, return_indices=True)
        found: list[float | None] = [None] * len(batch)
        if len(rows) and pictures.shape[1] != captions.shape[1]:
            self._refuse(batch, pictures.shape[1], captions.shape[1])
        elif len(rows):
            for row, score in zip(rows.tolist(), cosines(pictures[left], captions[right]).tolist(), strict=True):
                found[row] = score
        return scores(found)

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:
        score, least = numbers(measures, "score"), np.round(by_language.bounds(self, "min", self.by_language, context), 4)
        with np.errstate(invalid="ignore"):
            return [found for found in first_beyond(self.reason, [(None, score, score < least, least)]) if len(found.rows)]

    def _refuse(self, batch: Batch, pictures: int, captions: int) -> None:
        """Embeddings of two widths are no pair: nobody is given a score, and whoever asks for one is told.

        Raises:
          JobError: a bound on the agreement is set.
        """
        asking = ((self, "min"), (batch.filters.get("misinformation"), "min_agreement"))
        found = [(rule.name, by_language.asked_by(rule, bound)) for rule, bound in asking if rule is not None]
        if who := next((f"filters.{name}.{option}" for name, option in found if option is not None), None):
            raise JobError(
                f"{who}: embeddings of pictures have {pictures} numbers and those of captions {captions}, so they are of two models "
                "and cannot agree; give both sides those of one pair"
            )
