"""Rejects what its creators or publishers have reserved, and what lists say must go."""

import dataclasses
import datetime as dt
import functools
import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import field_validator

from schemas.consent_signals import HOST_SIGNALS, SIGNAL
from schemas.errors import InputError, MissingError
from schemas.job import Names, Phase, key
from schemas.ledger import OBSERVABLE_HASH_LISTS, OBSERVABLE_HOST_POLICY, OBSERVABLE_LISTS
from schemas.reasons import CONSENT as STATES
from schemas.reasons import HEADERS_UNREADABLE, ILLEGAL, OPT_OUT, PERMITTED, TAKEN_DOWN
from schemas.signatures import FAST_SLACK
from transforms.consent.content_credentials import load_c2pa
from transforms.consent.host_policies import load_snapshot
from transforms.consent.lists import HASH_KINDS, LOCATION_KINDS, Lists, load_lists
from transforms.consent.measured import measured_rows
from transforms.consent.precedence import standing
from transforms.consent.robots import TRAINING_AGENTS
from transforms.consent.signal import CONTENT, Meaning, Signal, Use, meaning
from transforms.consent.states import resolve
from transforms.filters.base import Artefact, Batch, Context, Filter, Finding
from transforms.storage import exists, kept_copy, list_files, located, read_bytes, version_of

SILENT_IS_NO = "nothing permits it, and default_when_silent is reject"
_REASONS = (OPT_OUT, TAKEN_DOWN, ILLEGAL)
_TOLD = {Meaning.RESERVES: "reserves", Meaning.PERMITS: "permits", Meaning.SILENT: "says nothing"}


@dataclasses.dataclass(frozen=True)
class Consent:
    """Consent of every row of a batch, before it is spread over clusters and URLs.

    Attributes:
      state: index into `schemas.reasons.CONSENT`, int8[n].
      observable: bits of `schemas.ledger`: which signals could have been seen, int32[n].
      content_reserved: reason -> rows whose reservation covers the picture wherever it is, bool[n]; every binding reason is there.
      location_reserved: rows whose URL is under a reservation, bool[n].
    """

    state: np.ndarray
    observable: np.ndarray
    content_reserved: Mapping[str, np.ndarray]
    location_reserved: np.ndarray


class OptOut(Filter):
    """Finds every consent signal of a row, joins lists of opt-outs and takedowns, and lets the most restrictive win.

    Signals in response headers, in columns about the page and in what the downloader recorded are about the location; those that the
    picture's own side data carries (further pictures under the same key included) are about the content. What the host says of a URL is
    joined in judge, like lists. Unreadable rows are measured and judged like all others.
    """

    name: ClassVar[str] = "opt_out"
    measured: ClassVar[pa.DataType] = pa.struct(
        [
            ("signals", pa.list_(SIGNAL)),
            ("observable", pa.int32()),
            ("headers_unreadable", pa.bool_()),
            ("creators", pa.list_(pa.string())),  # digests: lists can be compared with them, nobody can read a name in them
        ]
    )

    use: Use = key(Phase.JUDGE, "what the set is for: generative, discriminative (generative reservations do not count), any", "generative")
    c2pa: Literal["notice", "read"] = key(
        Phase.ANNOTATE, "what C2PA and CAWG manifests say of training: read (extra c2pa), or notice that there is one", "notice"
    )
    lists: Names = key(
        Phase.JUDGE, "files of opt-outs and takedowns: CSV or Parquet with kind and value, or one URL, domain or hash a line", ()
    )
    host_policies: str | None = key(
        Phase.JUDGE, "snapshot of robots.txt, tdmrep.json, ai.txt and RSL by host, as `winnow snapshot` writes it", None
    )
    training_agents: Names = key(
        Phase.JUDGE, "crawlers that fetch for training: a URL is reserved where robots.txt keeps any of them out", TRAINING_AGENTS
    )
    respect_noindex: bool = key(Phase.JUDGE, "whether noindex, noimageindex and none in X-Robots-Tag reserve, as for img2dataset", True)
    default_when_silent: Literal["keep", "reject"] = key(Phase.JUDGE, "rows of which nothing says that they may be used", "keep")
    as_of: str | None = key(Phase.JUDGE, "date YYYY-MM-DD on which list entries must be valid; null: all count", None)
    on_missing: Literal["reject", "keep"] = key(Phase.JUDGE, "rows on which the filter itself failed", "reject")

    @field_validator("as_of")
    @classmethod
    def _is_date(cls, given: str | None) -> str | None:
        if given is not None and (len(given) != 10 or dt.date.fromisoformat(given).isoformat() != given):
            raise ValueError("is no date YYYY-MM-DD")
        return given

    def located(self, folder: str) -> Self:
        policies = None if self.host_policies is None else located(self.host_policies, folder)
        return self.model_copy(update={"lists": tuple(located(path, folder) for path in self.lists), "host_policies": policies})

    def models(self) -> Sequence[Artefact]:
        if self.c2pa == "read":
            load_c2pa()
        return ()

    def list_files(self) -> Sequence[Artefact]:
        found = []
        for path in self.lists:
            if not exists(path):
                raise MissingError(f"lists: there is no file {path}; put the list there, or take it out of the job")
            try:
                digest = hashlib.sha256(read_bytes(path)).hexdigest()
            except (InputError, OSError) as error:
                raise MissingError(f"lists: {path} cannot be read ({error}); make it readable, or take it out of the job") from error
            found.append(Artefact(f"opt_out: {path.rsplit('/', 1)[-1]}", path, digest))
        if found:
            _loaded(self.lists, _versions(self.lists), self.as_of)
        if self.host_policies is not None:
            load_snapshot(self.host_policies, version_of(self.host_policies))
            with open(kept_copy(self.host_policies), "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found.append(Artefact(f"opt_out: {self.host_policies.rsplit('/', 1)[-1]}", self.host_policies, digest))
        return found

    def measure(self, batch: Batch) -> pa.StructArray:
        return pa.array(list(measured_rows(batch, read_manifests=self.c2pa == "read")), self.measured)

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:
        evaluated = _Evaluated(self, measures, context)
        findings = []
        for reason in _REASONS:
            rows, details = evaluated.evidence(reason)
            if len(rows):
                findings.append(Finding("reason", reason, rows, details=details))
        if self.default_when_silent == "reject":
            quiet = np.flatnonzero(~evaluated.reserved & (evaluated.state != STATES.index(PERMITTED)))
            findings.append(Finding("reason", OPT_OUT, quiet, details=SILENT_IS_NO))
        unreadable = np.flatnonzero(evaluated.headers_unreadable)
        if len(unreadable):
            findings.append(Finding("flag", HEADERS_UNREADABLE, unreadable))
        return findings

    def consent(self, measures: pa.StructArray, context: Context) -> Consent:
        """States, and what is reserved by which scope.

        Args:
          measures: of a batch of rows; null where the filter failed.
          context: of the same rows.
        """
        evaluated = _Evaluated(self, measures, context)
        return Consent(evaluated.state, evaluated.observable, evaluated.content, evaluated.location)

    def said(self, measures: pa.StructArray, context: Context) -> dict[tuple[str, str], np.ndarray]:
        """What was said, signal by signal, lists among them: (signal, `reserves` | `permits` | `says nothing`) -> rows, ascending.

        Args:
          measures: of a batch of rows; null where the filter failed.
          context: of the same rows.
        """
        said = _Evaluated(self, measures, context).said
        return {key: np.array(sorted(rows), np.int64) for key, rows in sorted(said.items())}


class _Evaluated:
    """Signals and list entries of a batch, and what they mean for the use: bool[n] per reason and scope, and the evidence."""

    def __init__(self, rule: OptOut, measures: pa.StructArray, context: Context) -> None:
        rows = len(measures)
        valid = measures.is_valid().to_numpy(zero_copy_only=False)
        observable = pc.fill_null(pc.struct_field(measures, "observable"), 0).to_numpy(zero_copy_only=False)
        self.observable = np.where(valid, observable, 0).astype(np.int32)
        self.headers_unreadable = pc.fill_null(pc.struct_field(measures, "headers_unreadable"), False).to_numpy(zero_copy_only=False)
        self.content = {reason: np.zeros(rows, bool) for reason in _REASONS}
        self.location = np.zeros(rows, bool)
        self.permitted = np.zeros(rows, bool)
        self.covered = {reason: np.zeros(rows, bool) for reason in _REASONS}
        self.details: dict[str, dict[int, list[str]]] = {reason: {} for reason in _REASONS}
        self.said: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        self._signals(rule, measures, context)
        self._lists(rule, measures, context)
        self.reserved = np.logical_or.reduce(list(self.covered.values()))
        self.state = resolve(self.reserved, self.permitted, self.observable)

    def evidence(self, reason: str) -> tuple[np.ndarray, list[str]]:
        """Rows under a reason, ascending, and for each what says so."""
        rows = np.flatnonzero(self.covered[reason])
        return rows, ["; ".join(dict.fromkeys(self.details[reason][row])) for row in rows.tolist()]

    def _signals(self, rule: OptOut, measures: pa.StructArray, context: Context) -> None:
        said: dict[int, list[Signal]] = {}
        sources = [pc.struct_field(measures, "signals")]
        if HOST_SIGNALS in context.annotations.schema.names:
            sources.append(context.annotations.column(HOST_SIGNALS))
            self.observable[sources[-1].is_valid().to_numpy(zero_copy_only=False)] |= OBSERVABLE_HOST_POLICY
        for lists in sources:
            for row, signal in zip(pc.list_parent_indices(lists).to_pylist(), lists.flatten().to_pylist(), strict=True):
                said.setdefault(row, []).append(Signal(**signal))
        for row, signals in said.items():
            for signal in standing(signals):
                means = meaning(signal.signal, signal.value, rule.use, respect_noindex=rule.respect_noindex)
                self.said[signal.signal, _TOLD[means]].add(row)
                if means == Meaning.PERMITS:
                    self.permitted[row] = True
                elif means == Meaning.RESERVES:
                    self._reserve(OPT_OUT, row, signal.scope, f"{signal.signal} {signal.value} ({signal.scope}; {signal.evidence})")

    def _lists(self, rule: OptOut, measures: pa.StructArray, context: Context) -> None:
        if not rule.lists:
            return
        lists = _loaded(rule.lists, _versions(rule.lists), rule.as_of)
        made_by = [names or () for names in pc.struct_field(measures, "creators").to_pylist()]
        for match in lists.match(context.annotations, made_by, FAST_SLACK if context.mode == "fast" else 0):
            self.said[f"list_{match.kind}", _TOLD[Meaning.RESERVES]].update(match.rows.tolist())
            for row, detail in zip(match.rows.tolist(), match.details, strict=True):
                self._reserve(match.reason, row, match.scope, detail)
        if lists.has(LOCATION_KINDS):
            self.observable[context.annotations.column("url_id").is_valid().to_numpy(zero_copy_only=False)] |= OBSERVABLE_LISTS
        if lists.has(HASH_KINDS):
            self.observable[context.annotations.column("sha256").is_valid().to_numpy(zero_copy_only=False)] |= OBSERVABLE_HASH_LISTS

    def _reserve(self, reason: str, row: int, scope: str, detail: str) -> None:
        self.covered[reason][row] = True
        self.details[reason].setdefault(row, []).append(detail)
        if scope == CONTENT:
            self.content[reason][row] = True
        else:
            self.location[row] = True


def _versions(paths: Sequence[str]) -> tuple[tuple[str, int, str], ...]:
    """What tells a list that was read from one that has changed since."""
    return tuple((found.path, found.size, found.version) for path in paths for found in list_files(path))


@functools.lru_cache(maxsize=4)
def _loaded(paths: tuple[str, ...], versions: tuple[tuple[str, int, str], ...], as_of: str | None) -> Lists:  # noqa: ARG001  part of the key
    return load_lists(paths, as_of)
