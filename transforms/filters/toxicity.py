"""Scores profanity and crude abuse in captions, and rejects what is above a bound. It does not understand hate."""

import functools
import importlib.resources
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from schemas.errors import JobError
from schemas.job import Names, Phase, key
from transforms.filters.base import Artefact, Batch, Filter, scores
from transforms.filters.language import UNDETERMINED
from transforms.models import detoxify_classifier, fasttext_classifier
from transforms.models.artefacts import artefact
from transforms.storage import located
from transforms.text.caption import for_toxicity, normal_form

if TYPE_CHECKING:
    from detoxify import Detoxify

SHIPPED = "shipped"
DETOXIFY = "detoxify:"
_SHIPPED_SHA256 = "6d7a2c816fee9c4b13ae14e884f1a70737ecc0da7e62f4404ec13f7d725957ee"


class Toxicity(Filter):
    """Scores captions with the classifier that ships with Winnow, with Detoxify, or with a fastText model of your own.

    The shipped model (`transforms/models/toxicity/MODEL.md`) knows English and sees n-grams: profanity, insults and threats, not hate,
    irony or negation. Its scores are probabilities on text of which half is toxic. Scores are null where there is no caption, and where it
    is in a language that the model does not know.
    """

    name: ClassVar[str] = "toxicity"
    reads: ClassVar[tuple[str, ...]] = ("language",)

    model: str = key(
        Phase.ANNOTATE, "shipped, detoxify:original, detoxify:multilingual, detoxify:PATH, or the path of a fastText .bin", SHIPPED
    )
    max: float = key(Phase.JUDGE, "score above which a caption is rejected", 0.9, ge=0, le=1)
    sha256: str | None = key(
        Phase.ANNOTATE, "digest that the model's file must have; needed for detoxify:PATH", None, pattern="^[0-9a-f]{64}$"
    )
    label: str = key(Phase.ANNOTATE, "label of a fastText model of your own whose probability is the score", "toxic", min_length=1)
    languages: Names | None = key(
        Phase.ANNOTATE, "languages that the model knows, others are not scored; null: en for English models, else all; und always is", None
    )
    ignore: Names = key(Phase.ANNOTATE, "words, phrases and names that are taken out before a caption is scored", ())

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
        if chosen is not None and chosen not in detoxify_classifier.NAMES and self.sha256 is None:
            raise ValueError(
                f"sha256 is missing: {self.model} is a pickle, which runs code when it is read. Add `sha256:` with the digest of the file "
                f"that you trust (sha256sum prints it), or choose one of {', '.join(DETOXIFY + name for name in detoxify_classifier.NAMES)}"
            )
        if chosen is None and self.model != SHIPPED and not self.model.endswith((".bin", ".ftz")):
            raise ValueError(
                f"model {self.model} is unknown: name {SHIPPED}, detoxify:original, detoxify:PATH, or a fastText file (.bin, .ftz)"
            )
        return self

    @property
    def _detoxify(self) -> str | None:
        return self.model.removeprefix(DETOXIFY) if self.model.startswith(DETOXIFY) else None

    def located(self, folder: str) -> Self:
        chosen = self._detoxify
        if self.model == SHIPPED or chosen in detoxify_classifier.NAMES:
            return self
        path = located(chosen or self.model, folder)
        return self.model_copy(update={"model": path if chosen is None else DETOXIFY + path})

    def models(self) -> Sequence[Artefact]:
        chosen = self._detoxify
        if self.model == SHIPPED:
            found = artefact("toxicity: shipped", _shipped(), _SHIPPED_SHA256, "Install winnow-curation anew: it carries this file")
        elif chosen is None:
            found = artefact("toxicity: fastText", self.model, self.sha256, "Name the path of a fastText model, and its own sha256")
            known = fasttext_classifier.load(self.model).probabilities("text")
            if self.label not in known:
                raise JobError(f"filters.toxicity.label: {self.model} has no label {self.label}; it has {', '.join(sorted(known))}")
        else:
            found = _weights(chosen, self.sha256)
        return (found,)

    def measure(self, batch: Batch) -> pa.StructArray:
        known = self._known_languages()
        languages = pc.struct_field(batch.measures["language"], "label").to_pylist()
        texts = [self._shown(caption) for caption in batch.normal_captions]
        asked = [row for row, text in enumerate(texts) if text and (known is None or (languages[row] or UNDETERMINED) in known)]
        found: list[float | None] = [None] * len(batch)
        for row, score in zip(asked, self._scores([texts[row] for row in asked]), strict=True):
            found[row] = score
        return scores(found)

    def _known_languages(self) -> frozenset[str] | None:
        if self.languages is not None:
            return frozenset({*self.languages, UNDETERMINED})
        english = self.model == SHIPPED or self._detoxify in detoxify_classifier.ENGLISH
        return frozenset({"en", UNDETERMINED}) if english else None

    def _shown(self, normal: str | None) -> str:
        text = for_toxicity(normal or "")
        return " ".join(_ignored(self.ignore).sub(" ", text).split()) if self.ignore else text

    def _scores(self, texts: Sequence[str]) -> list[float]:
        if not texts:
            return []
        if self._detoxify is not None:
            return detoxify_classifier.toxicity(_detoxify(self._detoxify, self.sha256), texts)
        path, label = (_shipped(), "toxic") if self.model == SHIPPED else (self.model, self.label)
        model = fasttext_classifier.load(path)
        # a text in which the model finds nothing to go by has no label at all
        return [model.probabilities(text).get(label, 0.0) for text in texts]


def _shipped() -> str:
    return str(importlib.resources.files("transforms.models") / "toxicity" / "model.bin")


def _weights(model: str, sha256: str | None) -> Artefact:
    path, leading = detoxify_classifier.checkpoint_of(model)
    return artefact(f"toxicity: {DETOXIFY}{model}", path, sha256 or leading, detoxify_classifier.cure_of(model))


@functools.lru_cache(maxsize=2)
def _detoxify(model: str, sha256: str | None) -> "Detoxify":
    """A Detoxify model, its file compared with its digest before it is unpickled."""
    return detoxify_classifier.load(_weights(model, sha256).path)


@functools.lru_cache(maxsize=8)
def _ignored(phrases: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(map(normal_form, phrases), key=lambda phrase: (-len(phrase), phrase))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
