"""Notices captions that announce violence or its victims, by a strict list of phrases, and pictures a model of the job's own scores so."""

import pathlib
from typing import ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from schemas.job import Names, Phase, key
from transforms.filters import image_model, term_list
from transforms.filters.base import Batch, Context, Finding, first_beyond, numbers
from transforms.filters.by_language import ByLanguage, bounds
from transforms.filters.by_language import check as check_bounds
from transforms.models.session import Device
from transforms.text.terms import HITS, first_terms

# What captions of anything else hardly ever say. Left out on purpose, since captions of news, history, games, films and food are full of
# them: kill, murder, dead, blood, gun, shot, war, massacre, torture, execution, corpse, skull, autopsy.
TERMS = (
    "beheading video", "beheaded body", "beheaded corpse", "decapitated body", "decapitated corpse", "decapitated head", "severed limb",
    "severed head", "dismembered body", "dismembered corpse", "mutilated body", "mutilated bodies", "mutilated corpse", "disembowelled",
    "disemboweled", "snuff film", "snuff video", "gore video", "gore site", "bestgore", "liveleak gore", "execution video",
    "torture video", "suicide video", "hanging corpse", "charred body", "charred bodies", "charred corpse", "bloodied corpse",
    "bloodied body", "bullet-riddled body", "bullet riddled body", "burned alive", "burnt alive", "stabbed to death", "hacked to death",
    "stoned to death", "beaten to death", "bludgeoned to death", "crushed skull", "exploded head", "slit throat", "throat slit",
    "slashed throat", "gouged eye", "dead bodies", "pile of corpses", "pile of bodies", "bodies of victims", "mass grave",
)  # fmt: skip
# What the same words mean in art, legend, games and toys.
EXCEPTIONS = (
    *(f"severed head of {name}" for name in ("medusa", "the medusa", "john the", "st john", "saint john", "goliath", "holofernes")),
    *(f"severed head {thing}" for thing in ("prop", "cake", "mask", "costume", "decoration")), "halloween severed head",
    "fake severed head", "stephen stoned to death",
)  # fmt: skip


class Violence(image_model.SeesPictures):
    """Flags captions with a phrase of a strict list: beheadings, mutilated and charred bodies, killings, what gore sites are called.

    Phrases are looked for in the normal form, between word boundaries. The list is made for precision and knows English. Of 87,110 captions
    of photos and of the web (adult ones removed before) it flags none; of its 21 hits among 71,833 tweets and comments 19 tell of people
    or animals killed or mutilated, or wish it (.90), and two are figures of speech. How much it misses is not measured. What it finds is
    often news or history, so that nothing is rejected unless the job says so. Pictures are looked at where the job names a classifier;
    none comes with the package.
    """

    name: ClassVar[str] = "violence"
    reads: ClassVar[tuple[str, ...]] = ("language",)
    measured: ClassVar[pa.DataType] = pa.struct([("terms", HITS), ("image", pa.float64())])

    action: Literal["reject", "flag"] = key(Phase.JUDGE, "flag: notice and keep", "flag")
    words: Names = key(Phase.ANNOTATE, "words and phrases that count beside our own", ())
    words_by_language: dict[str, Names] = key(Phase.ANNOTATE, "words that count in captions of one language only: {de: [gemetzel]}", {})
    allow: Names = key(Phase.JUDGE, "phrases of at most five words in which no word counts", ())

    image_model: str | None = key(Phase.ANNOTATE, "path of an ONNX image classifier's spec; null: none", None)
    max_image: float | None = key(
        Phase.JUDGE, "score of the image model above which a picture counts; null: the model's own", None, ge=0, le=1
    )

    device: Device = key(Phase.ANNOTATE, "what computes the image model: cpu, or cuda (onnxruntime-gpu)", "cpu")
    by_language: ByLanguage = key(
        Phase.JUDGE, "bounds of rows whose caption is in one language: {ja: {max_image: 0.4}}; und: undetermined", {}
    )

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        term_list.check(self.words, self.words_by_language, self.allow)
        check_bounds(self, self.by_language, ("max_image",))
        return self

    def measure(self, batch: Batch) -> pa.StructArray:
        terms = term_list.find(batch, (*TERMS, *self.words), self.words_by_language)
        found = [None] * len(batch) if self.image_model is None else image_model.seen(batch, self.image_model, self.device)
        images = pa.array([None if one is None else one.score for one in found], pa.float64())
        return pa.StructArray.from_arrays([terms, images], fields=list(self.measured))

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:
        terms = first_terms(pc.struct_field(measures, "terms"), (*EXCEPTIONS, *self.allow))
        rows = np.array([row for row, term in enumerate(terms) if term is not None], np.int64)
        findings = [Finding("reason", self.reason, rows, details=[f"caption: {terms[row]}" for row in rows])] if len(rows) else []
        if self.image_model is not None:
            values, most = numbers(measures, "image"), bounds(self, "max_image", self.by_language, context)
            beyond = values > most
            beyond[rows] = False  # a row has the reason once: for its caption, else its picture
            findings += first_beyond(self.reason, [(f"image: {pathlib.PurePath(self.image_model).name}", values, beyond, most)])
        return [found for found in findings if len(found.rows)]
