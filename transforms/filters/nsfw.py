"""Rejects sexual content by a strict word list on captions, a score column of the source, and an image model where the job names one."""

import functools
import math
import pathlib
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from schemas.job import Decode, Names, Phase, key
from transforms.filters import term_list
from transforms.filters.base import Artefact, Batch, Context, Filter, Finding
from transforms.models import onnx_classifier
from transforms.models.onnx_classifier import OnnxSpec
from transforms.storage import located
from transforms.text.terms import HITS, first_terms

MEASURED = pa.struct([("terms", HITS), ("punsafe", pa.float64()), ("image", pa.float64())])

# Words that captions of anything else hardly ever hold. Left out on purpose, since captions of people, food, art and news are full of them:
# naked, nude, sex, sexy, breast, tit, cock, milf, orgy, erotic, lingerie.
TERMS = (
    "porn", "porno", "pornstar", "pornhub", "xhamster", "xvideos", "xxx video", "xxx movie", "hentai", "blowjob", "handjob", "footjob",
    "cumshot", "gangbang", "deepthroat", "bukkake", "camgirl", "masturbating", "upskirt", "dildo", "anal sex", "hardcore sex", "sex tape",
    "nude selfie",
)  # fmt: skip
# What the same letters mean elsewhere: fond pictures of a subject, a cocktail, a film, what is fought against.
_SUBJECTS = (
    "food", "earth", "nature", "house", "home", "property", "book", "bookshelf", "car", "space", "cabin", "travel", "ruin", "map", "garden",
    "design", "architecture", "inspiration", "poverty", "torture", "revenge", "anti",
)  # fmt: skip
EXCEPTIONS = (
    *(f"{subject} porn" for subject in _SUBJECTS), "anti-porn", "pornstar martini", "porn star martini", "hentai kamen", "sex tape 2014",
)  # fmt: skip

OPEN_NSFW = "open_nsfw"
NUDENET = "nudenet"


class Nsfw(Filter):
    """Rejects captions with a word of a strict list, rows whose `punsafe` is above 0.5, and pictures an image model scores above 0.5.

    Words are looked for in the normal form, between word boundaries. The list is made for precision: it finds what names itself and
    nothing else, and flags none of 87,110 captions of photos and of the web (adult ones removed before); how much it misses is not
    measured. The bound on `punsafe` is LAION-5B's, that on Open-NSFW COYO-700M's. Without `image_model` no picture is looked at.
    """

    name: ClassVar[str] = "nsfw"
    reads: ClassVar[tuple[str, ...]] = ("language",)
    measured: ClassVar[pa.DataType] = MEASURED

    words: Names = key(Phase.ANNOTATE, "words and phrases that count beside our own", ())
    by_language: dict[str, Names] = key(Phase.ANNOTATE, "words that count in captions of one language only: {de: [nacktfotos]}", {})
    allow: Names = key(Phase.JUDGE, "phrases and names of at most five words in which no word counts", ())
    max_punsafe: float = key(Phase.JUDGE, "value of the punsafe column above which a row is rejected", 0.5, ge=0, le=1)
    image_model: str | None = key(
        Phase.ANNOTATE, "open_nsfw (extra nsfw), nudenet (extra nudenet, AGPL), or the path of an ONNX classifier's spec; null: none", None
    )
    max_image: float = key(Phase.JUDGE, "score of the image model above which a picture is rejected", 0.5, ge=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _fails_closed_where_chosen(cls, given: Any) -> Any:
        # Law: rows that an explicitly configured model fails on are rejected.
        if isinstance(given, dict) and given.get("image_model") is not None:
            return {"on_missing": "reject", **given}
        return given

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        term_list.check(self.allow, self.by_language)
        return self

    @property
    def looks_at_pictures(self) -> bool:
        """Whether an image model runs; where it does not, nothing is known of the pictures themselves."""
        return self.image_model is not None

    def located(self, folder: str) -> Self:
        if self.image_model in (None, OPEN_NSFW, NUDENET):
            return self
        return self.model_copy(update={"image_model": located(self.image_model, folder)})

    def models(self) -> Sequence[Artefact]:
        if self.image_model is None:
            return ()
        spec = _spec(self.image_model)
        found = spec.artefact()
        onnx_classifier.try_out(spec)
        return (found,)

    def measure(self, batch: Batch) -> pa.StructArray:
        columns = [
            term_list.find(batch, (*TERMS, *self.words), self.by_language),
            pa.array([_score(value) for value in batch.role("punsafe")], pa.float64()),
            pa.array(self._image_scores(batch), pa.float64()),
        ]
        return pa.StructArray.from_arrays(columns, fields=list(MEASURED))

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:  # noqa: ARG002 - the measures say it all
        terms = first_terms(pc.struct_field(measures, "terms"), (*EXCEPTIONS, *self.allow))
        named = np.array([term is not None for term in terms], bool)
        rows = np.flatnonzero(named)
        findings = [Finding("reason", self.reason, rows, details=[f"caption: {terms[row]}" for row in rows])] if len(rows) else []
        told = named  # a row has the reason once: for its caption, else its picture, else its column
        for field, threshold, detail in (
            ("image", self.max_image, f"image: {pathlib.PurePath(self.image_model or '').name}"),
            ("punsafe", self.max_punsafe, "punsafe"),
        ):
            values = pc.struct_field(measures, field).to_numpy(zero_copy_only=False)
            beyond = values > threshold
            rows = np.flatnonzero(beyond & ~told)
            told = told | beyond
            if len(rows):
                findings.append(Finding("reason", self.reason, rows, values[rows], threshold, detail))
        return findings

    def _image_scores(self, batch: Batch) -> list[float | None]:
        if self.image_model is None:
            return [None] * len(batch)
        from transforms.images.decode import decode_rgb  # loads compiled loops, which no command needs that only looks at filters

        spec = _spec(self.image_model)
        found: list[float | None] = []
        for picture, raw in zip(batch.pictures, batch.images, strict=True):
            if picture is None or raw is None:
                found.append(None)
                continue
            budget = Decode(max_pixels=picture.width * picture.height, max_bytes=len(raw))  # it was within the job's own
            image = decode_rgb(raw, budget, spec.resize_to or spec.size)
            found.append(round(onnx_classifier.score(spec, [image])[0], 4))
        return found


def _score(value: Any) -> float | None:
    """A value of a score column; None for what is absent, NaN or no number."""
    number = float(value) if isinstance(value, int | float) else math.nan
    return round(number, 4) if math.isfinite(number) else None


@functools.lru_cache(maxsize=4)
def _spec(image_model: str) -> OnnxSpec:
    """The spec that a job's `image_model` names."""
    if image_model == OPEN_NSFW:
        return onnx_classifier.open_nsfw()
    return onnx_classifier.nudenet() if image_model == NUDENET else onnx_classifier.read_spec(image_model)
