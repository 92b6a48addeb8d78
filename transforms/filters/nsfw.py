"""Rejects sexual content by a strict word list on captions, score columns of the source, and an image model where the job names one."""

import pathlib
from typing import ClassVar, Final, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from schemas.job import Names, Phase, key
from transforms.filters import image_model, term_list
from transforms.filters.base import Batch, Context, Finding, first_beyond, numbers, score_of
from transforms.filters.by_language import ByLanguage, bounds
from transforms.filters.by_language import check as check_bounds
from transforms.models.session import Device
from transforms.text.terms import HITS, first_terms

MEASURED = pa.struct(
    [
        ("terms", HITS),
        ("punsafe", pa.float64()),
        ("column", pa.float64()),  # what the column NSFW says, as a number
        ("image", pa.float64()),  # score of the image model
        ("faces", image_model.FACES),  # where the image model looks for faces too
    ]
)
# LAION-400M's words in its column NSFW, on the scale of a score; ERROR says nothing.
LABELS: Final = {"UNLIKELY": 0.0, "UNSURE": 0.5, "NSFW": 1.0}

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
    *(f"{subject} porn" for subject in _SUBJECTS), "anti-porn", "pornstar martini", "pornstar martinis", "porn star martini",
    "porn star martinis", "hentai kamen", "sex tape 2014",
)  # fmt: skip


class Nsfw(image_model.SeesPictures):
    """Rejects captions with a word of a strict list, rows whose score column is above 0.5, and pictures an image model scores so.

    Words are looked for in the normal form, between word boundaries. The list is made for precision: it finds what names itself and
    nothing else, and flags none of 87,110 captions of photos and of the web (adult ones removed before). Of 253 hits among 71,833 tweets
    and comments every second was read: 122 of 127 speak of pornography, sexual acts or toys (.96; the others use the word for something
    else), 28 of them to announce it. How much it misses is not measured. Columns are LAION's: `punsafe`, a probability with LAION-5B's
    bound, and `NSFW`, a probability or one of the words UNLIKELY (0), UNSURE (0.5) and NSFW (1). The bound on Open-NSFW is COYO-700M's.
    Without `image_model` no picture is looked at; what share of explicit pictures the models find was not measured.
    """

    name: ClassVar[str] = "nsfw"
    reads: ClassVar[tuple[str, ...]] = ("language",)
    measured: ClassVar[pa.DataType] = MEASURED

    words: Names = key(Phase.ANNOTATE, "words and phrases that count beside our own", ())
    words_by_language: dict[str, Names] = key(Phase.ANNOTATE, "words that count in captions of one language only: {de: [nacktfotos]}", {})
    allow: Names = key(Phase.JUDGE, "phrases and names of at most five words in which no word counts", ())
    max_punsafe: float = key(Phase.JUDGE, "value of the punsafe column above which a row is rejected", 0.5, ge=0, le=1)
    max_column: float = key(Phase.JUDGE, "value of the NSFW column above which it is: UNLIKELY is 0, UNSURE 0.5, NSFW 1", 0.5, ge=0, le=1)
    image_model: str | None = key(
        Phase.ANNOTATE, "open_nsfw (extra nsfw), nudenet (extra nudenet, AGPL), or the path of an ONNX classifier's spec; null: none", None
    )
    max_image: float | None = key(
        Phase.JUDGE, "score of the image model above which a picture is rejected; null: the model's own, 0.5 for ours", None, ge=0, le=1
    )
    combine: Literal["any", "column_first", "image_only"] = key(
        Phase.ANNOTATE,
        "any: caption, column or picture; column_first: no picture is looked at where a column has a value; image_only: the picture alone",
        "any",
    )

    device: Device = key(Phase.ANNOTATE, "what computes the image model: cpu, or cuda (onnxruntime-gpu)", "cpu")
    by_language: ByLanguage = key(
        Phase.JUDGE, "bounds of rows whose caption is in one language: {ja: {max_punsafe: 0.4}}; und: undetermined", {}
    )

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        term_list.check(self.words, self.words_by_language, self.allow)
        check_bounds(self, self.by_language, ("max_punsafe", "max_column", "max_image"))
        if self.combine == "image_only" and self.image_model is None:
            raise ValueError("combine: image_only needs an image_model")
        return self

    @property
    def looks_at_pictures(self) -> bool:
        """Whether an image model runs; where it does not, nothing is known of the pictures themselves."""
        return self.image_model is not None

    def measure(self, batch: Batch) -> pa.StructArray:
        punsafe = [score_of(value) for value in batch.role("punsafe")]
        column = [score_of(LABELS.get(value.strip().upper(), value) if isinstance(value, str) else value) for value in batch.role("nsfw")]
        images, faces = pa.nulls(len(batch), pa.float64()), pa.nulls(len(batch), image_model.FACES)
        if self.image_model is not None:
            unknown = [one is None and other is None for one, other in zip(punsafe, column, strict=True)]
            found = image_model.seen(batch, self.image_model, self.device, unknown if self.combine == "column_first" else None)
            images = pa.array([None if one is None else one.score for one in found], pa.float64())
            faces = image_model.faces(self.image_model, found)
        terms = term_list.find(batch, (*TERMS, *self.words), self.words_by_language)
        columns = [terms, pa.array(punsafe, pa.float64()), pa.array(column, pa.float64()), images, faces]
        return pa.StructArray.from_arrays(columns, fields=list(MEASURED))

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:
        told = np.zeros(len(measures), bool)  # a row has the reason once: for its caption, else its picture, else a column
        findings = []
        if self.combine != "image_only":
            terms = first_terms(pc.struct_field(measures, "terms"), (*EXCEPTIONS, *self.allow))
            told = np.array([term is not None for term in terms], bool)
            rows = np.flatnonzero(told)
            findings = [Finding("reason", self.reason, rows, details=[f"caption: {terms[row]}" for row in rows])] if len(rows) else []
        shown = f"image: {pathlib.PurePath(self.image_model or '').name}"
        for field, detail in (("image", shown), ("punsafe", "punsafe"), ("column", "NSFW")):
            if self.combine == "image_only" and field != "image":
                continue
            values, most = numbers(measures, field), bounds(self, f"max_{field}", self.by_language, context)
            beyond = values > most
            findings += first_beyond(self.reason, [(detail, values, beyond & ~told, most)])
            told = told | beyond
        return [found for found in findings if len(found.rows)]
