"""Notices names, places and national identifiers in captions with Presidio, which knows kinds that rules with check digits do not."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from schemas.job import Names, Phase, key
from transforms.filters.base import Artefact, Batch, Context, Filter, Finding
from transforms.filters.image_model import fails_closed
from transforms.filters.language import UNDETERMINED
from transforms.models import presidio_analyzer
from transforms.storage import located

FOUND = pa.struct([("entity", pa.string()), ("offset", pa.int32()), ("length", pa.int32()), ("score", pa.float64())])
MEASURED = pa.struct([("found", pa.list_(FOUND))])


class Presidio(Filter):
    """Flags captions in which Presidio finds one of the entities that the job names; rejects them with `action: reject`.

    Off unless `entities` names some. PERSON, LOCATION and the like come from a spaCy pipeline, which the job names and which must be
    installed; US_PASSPORT, UK_NHS, CRYPTO and the like from patterns. Captions in another language are not looked at. Nothing is written
    over: a name is found by a model, which is wrong too often for that, and in captions most are of public figures. E-mail addresses are
    left to `personal_data`. How much Presidio finds of what there is was not measured.
    """

    name: ClassVar[str] = "presidio"
    reads: ClassVar[tuple[str, ...]] = ("language",)
    measured: ClassVar[pa.DataType] = MEASURED

    action: Literal["reject", "flag"] = key(Phase.JUDGE, "flag: notice and keep", "flag")
    entities: Names = key(Phase.ANNOTATE, "entities that are looked for, as Presidio names them: [PERSON, UK_NHS]", ())
    pipeline: str | None = key(Phase.ANNOTATE, "spaCy pipeline: a package (en_core_web_sm) or ./folder; null: patterns only", None)
    language: str = key(Phase.ANNOTATE, "language of the captions that are looked at", "en", pattern="^[a-z]{2}$")
    min_score: float = key(Phase.JUDGE, "Presidio's score from which a find counts", 0.5, ge=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _fails_closed_where_chosen(cls, given: Any) -> Any:
        # Law: rows that an explicitly configured model fails on are rejected.
        return fails_closed(given, "entities") if isinstance(given, dict) and given.get("entities") else given

    @model_validator(mode="after")
    def _asks_no_network(self) -> Self:
        for entity in self.entities:
            if entity in presidio_analyzer.ASKS_THE_NETWORK:
                raise ValueError(f"entities: Presidio would ask the network about {entity}; e-mail addresses are found by personal_data")
        return self

    def located(self, folder: str) -> Self:
        if self.pipeline is None or not ("/" in self.pipeline or self.pipeline.startswith(".")):
            return self
        return self.model_copy(update={"pipeline": located(self.pipeline, folder)})

    def models(self) -> Sequence[Artefact]:
        if not self.entities:
            return ()
        presidio_analyzer.check_entities(self.entities, self.pipeline, self.language)
        own = presidio_analyzer.recognisers()
        return (own,) if self.pipeline is None else (own, presidio_analyzer.artefact_of(self.pipeline))

    def measure(self, batch: Batch) -> pa.StructArray:
        found: list[dict[str, Any] | None] = [None] * len(batch)
        if self.entities:
            labels = pc.struct_field(batch.measures["language"], "label").to_pylist()
            analyser = presidio_analyzer.analyser(self.pipeline, self.language)
            for row, (caption, label) in enumerate(zip(batch.captions, labels, strict=True)):
                if caption is not None and label in (self.language, UNDETERMINED, None):
                    results = analyser.analyze(caption, self.language, entities=list(self.entities), score_threshold=0)
                    found[row] = {"found": [_found(one) for one in sorted(results, key=lambda one: (one.start, one.end, one.entity_type))]}
        return pa.array(found, MEASURED)

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:  # noqa: ARG002 - the measures say it all
        rows, scores, details = [], [], []
        for row, measured in enumerate(measures.to_pylist()):
            counted = [one for one in (measured or {}).get("found") or () if one["score"] >= self.min_score]
            if counted:
                rows.append(row)
                scores.append(max(one["score"] for one in counted))
                details.append(json.dumps([{name: one[name] for name in ("entity", "offset", "length")} for one in counted]))
        if not rows:
            return []
        return [Finding("reason", self.reason, np.array(rows, np.int64), np.array(scores), self.min_score, details)]


def _found(result: Any) -> dict[str, Any]:
    """A find of Presidio's as it is recorded."""
    return {"entity": result.entity_type, "offset": result.start, "length": result.end - result.start, "score": round(result.score, 4)}
