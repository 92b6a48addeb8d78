"""Notices pictures that may carry a mark across: by a score column, by the agency's host, by metadata, by the caption."""

from typing import ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from schemas.job import Names, Phase, key
from transforms.attribution import said_in
from transforms.filters import term_list
from transforms.filters.base import Batch, Context, Filter, Finding, first_beyond, numbers, score_of
from transforms.filters.by_language import ByLanguage, bounds
from transforms.filters.by_language import check as check_bounds
from transforms.images.metadata import Metadata
from transforms.stock import DOMAINS, TERMS, agency_in
from transforms.text.terms import HITS, first_terms
from transforms.text.url import host_of, registrable_domain

_SAID = ("credit", "licensor", "rights", "statement", "creator")  # in the order in which they are looked at


class Watermark(Filter):
    """Flags pictures with a watermark score above 0.8, and those that a stock agency shows, is credited for, or is named for.

    The score is a column of the source (`pwatermark` of LAION, `watermark_score` of COYO-700M); 0.8 is what LAION-Aesthetics cut at.
    Such scores are weak: 9 to 13 % of CommonPool's pictures carry a mark, and detectors miss most (arXiv 2511.08637). Host, credit line
    and caption say that an agency sells the picture; whether this copy has its mark is not looked at, and neither are pixels.
    """

    name: ClassVar[str] = "watermark"
    reads: ClassVar[tuple[str, ...]] = ("language",)
    measured: ClassVar[pa.DataType] = pa.struct(
        [
            ("score", pa.float64()),
            ("agency", pa.string()),  # by metadata: transforms.stock
            ("field", pa.string()),  # that names it
            ("terms", HITS),
        ]
    )

    action: Literal["reject", "flag"] = key(Phase.JUDGE, "flag: notice and keep", "flag")
    max: float = key(Phase.JUDGE, "score of the column watermark above which a row is noticed", 0.8, ge=0, le=1)
    evidence: Names = key(Phase.JUDGE, "what counts: score, domain, metadata, caption", ("score", "domain", "metadata", "caption"))
    domains: Names = key(Phase.JUDGE, "registrable domains of agencies beside our own", ())
    words: Names = key(Phase.ANNOTATE, "words and phrases of captions that count beside our own", ())
    words_by_language: dict[str, Names] = key(Phase.ANNOTATE, "words that count in captions of one language only: {de: [archivbild]}", {})
    allow: Names = key(Phase.JUDGE, "phrases of at most five words in which no word counts", ())

    by_language: ByLanguage = key(Phase.JUDGE, "bounds of rows whose caption is in one language: {zh: {max: 0.9}}; und: undetermined", {})

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        term_list.check(self.words, self.words_by_language, self.allow)
        check_bounds(self, self.by_language, ("max",))
        for domain in self.domains:
            known = registrable_domain(host_of(f"http://{domain}/") or "")
            if known != domain or not known:
                raise ValueError(f"domains: {domain!r} is no registrable domain in lower case" + (f"; name {known}" if known else ""))
        if unknown := sorted(set(self.evidence) - {"score", "domain", "metadata", "caption"}):
            raise ValueError(f"evidence: there is no {unknown[0]!r}; there are score, domain, metadata, caption")
        return self

    def measure(self, batch: Batch) -> pa.StructArray:
        named = [_agency(metadata) for metadata in batch.metadata]
        return pa.StructArray.from_arrays(
            [
                pa.array([score_of(value) for value in batch.role("watermark")], pa.float64()),
                pa.array([None if found is None else found[0] for found in named], pa.string()),
                pa.array([None if found is None else found[1] for found in named], pa.string()),
                term_list.find(batch, (*TERMS, *self.words), self.words_by_language),
            ],
            fields=list(self.measured),
        )

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:
        findings: list[Finding] = []
        told = np.zeros(len(measures), bool)  # a row has the reason once, for the strongest evidence
        if "score" in self.evidence:
            score, most = numbers(measures, "score"), bounds(self, "max", self.by_language, context)
            told = score > most
            findings += [found for found in first_beyond(self.reason, [("score", score, told.copy(), most)]) if len(found.rows)]
        found = {"domain": self._domains(context), "metadata": _fields(measures), "caption": self._captions(measures)}
        for kind, details in found.items():
            rows = np.array([row for row, detail in enumerate(details) if detail is not None and not told[row]], np.int64)
            if kind in self.evidence and len(rows):
                told[rows] = True
                findings.append(Finding("reason", self.reason, rows, details=[details[row] for row in rows]))
        return findings

    def _domains(self, context: Context) -> list[str | None]:
        agencies = {**DOMAINS, **dict.fromkeys(self.domains)}
        domains = context.annotations.column("domain").to_pylist()
        return [f"domain: {domain}" if domain in agencies else None for domain in domains]

    def _captions(self, measures: pa.StructArray) -> list[str | None]:
        terms = first_terms(pc.struct_field(measures, "terms"), self.allow)
        return [None if term is None else f"caption: {term}" for term in terms]


def _fields(measures: pa.StructArray) -> list[str | None]:
    agencies, fields = (pc.struct_field(measures, name).to_pylist() for name in ("agency", "field"))
    return [None if agency is None else f"{field}: {agency}" for agency, field in zip(agencies, fields, strict=True)]


def _agency(metadata: Metadata) -> tuple[str, str] | None:
    """The first agency that side data names, and the kind of field that does."""
    if not (metadata.xmp or metadata.iptc or metadata.exif or metadata.creators):
        return None
    places = list(said_in(metadata))
    for field in _SAID:
        for said in places:
            for text in getattr(said, field):
                if (agency := agency_in(text)) is not None:
                    return agency, field
    return None
