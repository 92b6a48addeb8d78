"""Scores profanity and crude abuse in captions, and rejects what is above a bound. It does not understand hate."""

import dataclasses
import functools
import importlib.resources
import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from schemas.errors import JobError
from schemas.job import Names, Phase, key
from transforms.filters import by_language
from transforms.filters.base import Artefact, Batch, Context, Filter, Finding, first_beyond, numbers
from transforms.filters.by_language import ByLanguage
from transforms.filters.language import UNDETERMINED
from transforms.models import detoxify_classifier, fasttext_classifier, onnx_text_classifier
from transforms.models.artefacts import artefact, package_version, pinned
from transforms.models.once import loaded_once
from transforms.models.session import Device, runs_on
from transforms.storage import located
from transforms.text.caption import for_toxicity, normal_form
from transforms.text.terms import between_words

if TYPE_CHECKING:
    from detoxify import Detoxify

SHIPPED = "shipped"
DETOXIFY = "detoxify:"
_DIGEST_KEY = "filters.toxicity.sha256 (of `winnow evaluate`: --sha256)"
_SHIPPED_SHA256 = "6d7a2c816fee9c4b13ae14e884f1a70737ecc0da7e62f4404ec13f7d725957ee"
FIELDS = tuple(detoxify_classifier.CLASSES)
BOUNDS = {"score": "max", **{field: f"max_{field}" for field in FIELDS[1:]}}


class Toxicity(Filter):
    """Scores captions with the classifier that ships with Winnow, with Detoxify, or with a model of your own.

    The shipped model (`transforms/models/toxicity/MODEL.md`) knows English and sees n-grams: profanity, insults and threats, not hate,
    irony or negation. Its scores are probabilities on text of which half is toxic. Detoxify tells attacks on identities, sexual content
    and threats apart, each with a bound of its own. Scores are null where there is no caption, where it is in a language that the model
    does not know, and where the model has no such score.
    """

    name: ClassVar[str] = "toxicity"
    reads: ClassVar[tuple[str, ...]] = ("language",)
    measured: ClassVar[pa.DataType] = pa.struct([(field, pa.float64()) for field in FIELDS])

    model: str = key(
        Phase.ANNOTATE,
        "shipped, detoxify:original, detoxify:unbiased, detoxify:multilingual, detoxify:PATH, or the path of a fastText .bin or an .onnx",
        SHIPPED,
    )
    max: float = key(Phase.JUDGE, "score above which a caption is rejected", 0.9, ge=0, le=1)
    max_identity_attack: float | None = key(Phase.JUDGE, "the same of attacks on identities; null: recorded only", None, ge=0, le=1)
    max_sexual: float | None = key(Phase.JUDGE, "the same of sexual content; null: recorded only", None, ge=0, le=1)
    max_threat: float | None = key(Phase.JUDGE, "the same of threats; null: recorded only", None, ge=0, le=1)
    by_language: ByLanguage = key(Phase.JUDGE, "bounds of captions in one language: {de: {max: 0.8}}; und: undetermined", {})
    sha256: str | None = key(
        Phase.ANNOTATE, "digest that the model's file must have; needed where model names a path", None, pattern="^[0-9a-f]{64}$"
    )
    label: str = key(Phase.ANNOTATE, "label of a fastText model of your own whose probability is the score", "toxic", min_length=1)
    languages: Names | None = key(
        Phase.ANNOTATE, "languages that the model knows, others are not scored; null: en for English models, else all; und always is", None
    )
    allow: Names = key(Phase.ANNOTATE, "words, phrases and names that are taken out before a caption is scored", ())
    device: Device = key(Phase.ANNOTATE, "cuda: Detoxify and .onnx models run on a GPU", "cpu")

    @model_validator(mode="before")
    @classmethod
    def _fails_closed_where_chosen(cls, given: Any) -> Any:
        # Law: rows that an explicitly configured model fails on are rejected.
        if isinstance(given, dict) and given.get("model", SHIPPED) != SHIPPED:
            return {"on_missing": "reject", **given}
        return given

    @model_validator(mode="after")
    def _names_a_model(self) -> Self:
        chosen = self._detoxify
        if chosen is None and self.model != SHIPPED and not self.model.endswith((".bin", ".ftz", ".onnx")):
            raise ValueError(
                f"model {self.model} is unknown: name {SHIPPED}, detoxify:original, detoxify:PATH, or a fastText file (.bin, .ftz), or a "
                "Detoxify model as .onnx"
            )
        by_language.check(self, self.by_language, tuple(BOUNDS.values()))
        if self._is_fasttext and self.device != "cpu":
            raise ValueError(f"device: {self.model} is a fastText model, which runs on the processor only")
        known = FIELDS[:1] if self._is_fasttext else FIELDS
        self._has_what_is_bound([field for field in known if field != "sexual" or chosen not in detoxify_classifier.WITHOUT_SEXUAL])
        return self

    def _has_what_is_bound(self, known: Collection[str]) -> None:
        for field, bound in BOUNDS.items():
            given = [getattr(self, bound), *(own.get(bound) for own in self.by_language.values())]
            if field not in known and any(value is not None for value in given):
                raise ValueError(f"{bound}: {self.model} gives no score {field}; it gives {', '.join(known)}")

    @property
    def _detoxify(self) -> str | None:
        return self.model.removeprefix(DETOXIFY) if self.model.startswith(DETOXIFY) else None

    @property
    def _is_fasttext(self) -> bool:
        return self._detoxify is None and not self.model.endswith(".onnx")

    def located(self, folder: str) -> Self:
        chosen = self._detoxify
        if self.model == SHIPPED or chosen in detoxify_classifier.NAMES:
            return self
        path = located(chosen or self.model, folder)
        return self.model_copy(update={"model": path if chosen is None else DETOXIFY + path})

    def models(self) -> Sequence[Artefact]:
        chosen = self._detoxify
        if self.model == SHIPPED:
            cure, version = "Install winnow-curation anew: it carries this file", package_version("winnow-curation")
            found = artefact("toxicity: shipped", _shipped(), _SHIPPED_SHA256, cure, version)
        elif chosen is not None:
            found = _weights(chosen, self.sha256)
        else:
            kind, cure = ("fastText", fasttext_classifier.CURE) if self._is_fasttext else ("ONNX", onnx_text_classifier.CURE)
            found = pinned(f"toxicity: {kind}", self.model, self.sha256, cure, _DIGEST_KEY)
        self._try_out()
        return (dataclasses.replace(found, runs_on=self._runs_on),)

    @property
    def _runs_on(self) -> str | None:
        if self._is_fasttext:
            return package_version("fasttext-predict")
        if self.model.endswith(".onnx"):
            return runs_on(self.device)
        return ", ".join((*filter(None, map(package_version, ("detoxify", "transformers", "torch"))), self.device))

    def _try_out(self) -> None:
        """Finds a model that lacks what the job asks of it before a run, not on every row of it."""
        if self._is_fasttext and self.model != SHIPPED:
            known = fasttext_classifier.load(self.model, self.sha256).probabilities("text")
            if self.label not in known:
                raise JobError(f"filters.toxicity.label: {self.model} has no label {self.label}; it has {', '.join(sorted(known))}")
        bound = [name for name in BOUNDS.values() if name != "max" and getattr(self, name) is not None]
        by_path = self.model.endswith(".onnx") or self._detoxify not in (None, *detoxify_classifier.NAMES)
        if self.model.endswith(".onnx") or self.device != "cpu" or (by_path and (bound or self.by_language)):
            try:
                self._has_what_is_bound(tuple(self.score_texts(["text"])))
            except ValueError as error:
                raise JobError(f"filters.toxicity.{error}") from error

    def measure(self, batch: Batch) -> pa.StructArray:
        known = self.known_languages
        languages = pc.struct_field(batch.measures["language"], "label").to_pylist()
        texts = [self.shown(caption) for caption in batch.normal_captions]
        asked = [row for row, text in enumerate(texts) if text and (known is None or (languages[row] or UNDETERMINED) in known)]
        found = self.score_texts([texts[row] for row in asked])
        is_scored = np.zeros(len(batch), bool)
        is_scored[asked] = True
        columns = []
        for field in FIELDS:
            column = np.full(len(batch), np.nan)
            column[asked] = found.get(field, np.nan)
            columns.append(pa.array(np.round(column, 4), mask=np.isnan(column)))
        return pa.StructArray.from_arrays(columns, fields=list(self.measured), mask=pa.array(~is_scored))

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:
        held = []
        for field, bound in BOUNDS.items():
            values, most = numbers(measures, field), by_language.bounds(self, bound, self.by_language, context)
            held.append((None if field == "score" else field, values, values > most, most))
        return first_beyond(self.reason, held)

    @property
    def known_languages(self) -> frozenset[str] | None:
        """Labels of captions that the model is asked about; None: all."""
        if self.languages is not None:
            return frozenset({*self.languages, UNDETERMINED})
        english = self.model == SHIPPED or self._detoxify in detoxify_classifier.ENGLISH
        return frozenset({"en", UNDETERMINED}) if english else None

    def shown(self, normal: str | None) -> str:
        """What the model sees of a caption in normal form."""
        text = for_toxicity(normal or "")
        return " ".join(_allowed(self.allow).sub(" ", text).split()) if self.allow else text

    def score_texts(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """Every score that the model gives, float64 [n], of texts as `shown` makes them, none of which is empty."""
        if not texts:
            return {}
        if self._detoxify is not None:
            return detoxify_classifier.scores(_detoxify(self._detoxify, self.sha256, self.device), texts)
        if self.model.endswith(".onnx"):
            return onnx_text_classifier.load(self.model, self.sha256, self.device).scores(texts)
        if self.model == SHIPPED:
            return {"score": fasttext_classifier.load(_shipped()).probabilities_of("toxic", texts)}
        return {"score": fasttext_classifier.load(self.model, self.sha256).probabilities_of(self.label, texts)}


def _shipped() -> str:
    return str(importlib.resources.files("transforms.models") / "toxicity" / "model.bin")


def _weights(model: str, sha256: str | None) -> Artefact:
    """The checkpoint: a pickle, which runs code when it is read, so that no other file may lie there."""
    path, leading = detoxify_classifier.checkpoint_of(model)
    name, cure = f"toxicity: {DETOXIFY}{model}", detoxify_classifier.cure_of(model)
    if model not in detoxify_classifier.NAMES:
        return pinned(name, path, sha256, cure, _DIGEST_KEY)
    return artefact(name, path, sha256 or leading, cure, package_version("detoxify"))


@loaded_once(2)
def _detoxify(model: str, sha256: str | None, device: Device) -> "Detoxify":
    """A Detoxify model, its file compared with its digest before it is unpickled."""
    return detoxify_classifier.load(_weights(model, sha256).path, device)


@functools.lru_cache(maxsize=8)
def _allowed(phrases: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(map(normal_form, phrases), key=lambda phrase: (-len(phrase), phrase))
    return re.compile(between_words("|".join(map(re.escape, longest_first))))
