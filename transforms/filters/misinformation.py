"""Notices what others call misleading, with their citation, and captions that say something else than their picture."""

import csv
import functools
import hashlib
import io
import re
from collections.abc import Sequence
from typing import ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from schemas.errors import JobError
from schemas.job import Files, Phase, key
from transforms.consent.list_files import content_of, text_of
from transforms.filters import by_language
from transforms.filters.base import Artefact, Batch, Context, Filter, Finding, first_beyond, numbers
from transforms.filters.by_language import ByLanguage
from transforms.storage import located, read_bytes
from transforms.text.url import host_of, listed_domain

COLUMNS = ("domain", "citation")
_HOST = re.compile(r"[^\s/:@]+\.[^\s/:@.]+")


class Misinformation(Filter):
    """Flags rows whose domain stands in a list, with the citation that the list gives, and rows whose caption and picture hardly agree.

    Whether something is true is not looked at: a list is somebody's judgement of a site, and low agreement is a suspicion about a pair.
    Every entry of a list needs a citation (a URL or a reference), which becomes the evidence; an entry counts for its subdomains too.
    """

    name: ClassVar[str] = "misinformation"
    reads: ClassVar[tuple[str, ...]] = ("clip_score", "language")
    measured: ClassVar[pa.DataType] = pa.struct([("judged", pa.bool_())])

    action: Literal["reject", "flag"] = key(Phase.JUDGE, "flag: notice and keep", "flag")
    domains: Files = key(Phase.JUDGE, "lists of domains: CSV with the columns domain and citation, which every entry needs", ())
    min_agreement: float | None = key(Phase.JUDGE, "clip_score below which caption and picture hardly agree; null: none", None, ge=-1, le=1)
    by_language: ByLanguage = key(Phase.JUDGE, "bounds of rows whose caption is in one language: {de: {min_agreement: 0.2}}", {})

    @model_validator(mode="after")
    def _are_bounds(self) -> Self:
        by_language.check(self, self.by_language, ("min_agreement",))
        return self

    def located(self, folder: str) -> Self:
        return self.model_copy(update={"domains": tuple(located(path, folder) for path in self.domains)})

    def list_files(self) -> Sequence[Artefact]:
        for path in self.domains:
            content_of(path, "misinformation.domains")
        found = [
            Artefact(f"misinformation: {path.rsplit('/', 1)[-1]}", path, hashlib.sha256(read_bytes(path)).hexdigest())
            for path in self.domains
        ]
        _citations(tuple((file.path, file.sha256) for file in found))
        return found

    def measure(self, batch: Batch) -> pa.StructArray:
        return pa.StructArray.from_arrays([pa.nulls(len(batch), pa.bool_())], fields=list(self.measured))

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:
        findings = []
        listed = np.zeros(len(measures), bool)
        if self.domains:
            found = _citations(tuple((file.path, file.sha256) for file in self.list_files()))
            base = context.annotations
            named = [
                listed_domain((url and host_of(url)) or domain or "", found)
                for url, domain in zip(base.column("url").to_pylist(), base.column("domain").to_pylist(), strict=True)
            ]
            listed = np.array([name is not None for name in named], bool)
            rows = np.flatnonzero(listed)
            findings.append(Finding("reason", self.reason, rows, details=[f"{named[row]}: {found[str(named[row])]}" for row in rows]))
        least = np.round(by_language.bounds(self, "min_agreement", self.by_language, context), 4)
        if not np.isnan(least).all():
            score = numbers(context.measures["clip_score"], "score")
            findings += first_beyond(self.reason, [("caption and picture hardly agree", score, (score < least) & ~listed, least)])
        return [finding for finding in findings if len(finding.rows)]


@functools.lru_cache(maxsize=4)
def _citations(lists: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Domain -> citation of all lists (path, digest) together; the first that names a domain counts."""
    found: dict[str, str] = {}
    for path, _ in lists:
        try:
            table = csv.DictReader(io.StringIO(text_of(path, content_of(path, "misinformation.domains")), newline=""), strict=True)
            missing = [name for name in COLUMNS if name not in (table.fieldnames or ())]
            if missing:
                raise JobError(
                    f"{path}: a list of domains is CSV with the columns domain and citation; there is no {' and no '.join(missing)}"
                )
            for row in table:
                domain, citation = ((row[name] or "").strip() for name in COLUMNS)
                if not (_HOST.fullmatch(domain) and citation):
                    raise JobError(
                        f"{path}, line {table.line_num}: an entry is a domain and the citation that speaks of it; one of them is missing"
                    )
                found.setdefault((host_of(f"http://{domain}/") or domain).removeprefix("www."), citation)
        except csv.Error as error:
            raise JobError(f"{path}: no CSV ({error})") from error
    return found
