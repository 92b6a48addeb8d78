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

from schemas import consent_signals
from schemas.consent_signals import HOST_SEEN, HOST_SIGNALS, SIGNAL
from schemas.errors import InputError, JobError, MissingError
from schemas.job import Names, Phase, key
from schemas.ledger import (
    CONTENT_BITS,
    LOCATION_BITS,
    OBSERVABLE_EMBEDDED,
    OBSERVABLE_HASH_LISTS,
    OBSERVABLE_HEADERS,
    OBSERVABLE_HOST_POLICY,
    OBSERVABLE_LISTS,
)
from schemas.reasons import CONSENT as STATES
from schemas.reasons import HEADERS_UNREADABLE, ILLEGAL, OPT_OUT, PERMITTED, TAKEN_DOWN
from schemas.signatures import FAST_SLACK
from transforms.consent.content_credentials import load_c2pa
from transforms.consent.host_policies import load_snapshot
from transforms.consent.list_files import KINDS
from transforms.consent.lists import HASH_KINDS, LOCATION_KINDS, Lists, load_lists
from transforms.consent.measured import Manifests, measured_rows
from transforms.consent.precedence import stands
from transforms.consent.robots import TRAINING_AGENTS
from transforms.consent.signal import CONTENT, Meaning, Use, meaning
from transforms.consent.states import resolve
from transforms.consent.stored import told_apart
from transforms.filters.base import Artefact, Batch, Context, Filter, Finding
from transforms.images.pdq import load_pdq
from transforms.storage import exists, kept_copy, list_files, located, read_bytes, version_of

SILENT_IS_NO = "nothing permits it, and default_when_silent is reject"
_REASONS = (OPT_OUT, TAKEN_DOWN, ILLEGAL)
_SEEN = {  # places of signals -> the bit that says that they could be seen there
    "page_noai": consent_signals.SEEN_PAGE_NOAI, "page_meta_robots": consent_signals.SEEN_PAGE_META_ROBOTS,
    "page_tdm_reservation": consent_signals.SEEN_PAGE_TDM, "robots.txt": consent_signals.SEEN_ROBOTS,
    "tdmrep.json": consent_signals.SEEN_TDMREP, "ai.txt": consent_signals.SEEN_AI_TXT, "rsl": consent_signals.SEEN_RSL,
}  # fmt: skip
_LISTED_BY = {"url": "url_id", "url_prefix": "url_id", "domain": "url_id", "pdq": "sha256"}  # else by the column of that name
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
            ("pdq", pa.binary(32)),  # null unless the job asks for it
            ("creators", pa.list_(pa.string())),  # digests: lists can be compared with them, nobody can read a name in them
        ]
    )

    use: Use = key(Phase.JUDGE, "what the set is for: generative, discriminative (generative reservations do not count), any", "generative")
    c2pa: Manifests = key(
        Phase.ANNOTATE,
        "what C2PA and CAWG manifests say of training: reservations (signatures are not checked, permissions do not count), "
        "read (extra c2pa: permissions of valid manifests count too), or notice that there is one",
        "reservations",
    )
    pdq: bool = key(Phase.ANNOTATE, "compute PDQ hashes (extra pdq), which lists of known-illegal pictures may hold", False)
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
        if self.pdq:
            load_pdq()
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
        if found and _loaded(self.lists, _versions(self.lists), self.as_of).has(("pdq",)) and not self.pdq:
            raise JobError("opt_out.lists: a list holds PDQ hashes, and no picture has one: set filters.opt_out.pdq to true (extra pdq)")
        if self.host_policies is not None:
            load_snapshot(self.host_policies, version_of(self.host_policies))
            with open(kept_copy(self.host_policies), "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found.append(Artefact(f"opt_out: {self.host_policies.rsplit('/', 1)[-1]}", self.host_policies, digest))
        return found

    def measure(self, batch: Batch) -> pa.StructArray:
        return pa.array(list(measured_rows(batch, manifests=self.c2pa, pdq=self.pdq)), self.measured)

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:
        return self.evaluated(measures, context).findings()

    def evaluated(self, measures: pa.StructArray, context: Context) -> "Evaluated":
        """Signals and list entries of a batch of rows, and what follows from them.

        Args:
          measures: of the rows; null where the filter failed.
          context: of the same rows.
        """
        return Evaluated(self, measures, context)


class Evaluated:
    """What signals and list entries of a batch mean for the use.

    Attributes:
      consent: of every row.
    """

    def __init__(self, rule: OptOut, measures: pa.StructArray, context: Context) -> None:
        self._rule = rule
        rows = len(measures)
        valid = _valid(measures)
        observable = pc.fill_null(pc.struct_field(measures, "observable"), 0).to_numpy(zero_copy_only=False)
        seen = np.where(valid, observable, 0).astype(np.int32)
        if HOST_SEEN in context.annotations.schema.names:
            files = pc.fill_null(context.annotations.column(HOST_SEEN), 0).to_numpy(zero_copy_only=False)
            seen |= np.where(files != 0, files | OBSERVABLE_HOST_POLICY, 0).astype(np.int32)
        self._seen = seen
        self._observable = seen & np.int32(LOCATION_BITS | CONTENT_BITS)
        self._headers_unreadable = pc.fill_null(pc.struct_field(measures, "headers_unreadable"), False).to_numpy(zero_copy_only=False)
        self._content = {reason: np.zeros(rows, bool) for reason in _REASONS}
        self._covered = {reason: np.zeros(rows, bool) for reason in _REASONS}
        self._located = np.zeros(rows, bool)
        self._permitted = np.zeros(rows, bool)
        self._details: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {reason: [] for reason in _REASONS}
        self._listed: dict[str, np.ndarray] = {}
        self._said: defaultdict[tuple[str, str], list[np.ndarray]] = defaultdict(list)
        self._signals(measures, context)
        self._lists(measures, context)
        self._reserved = np.logical_or.reduce(list(self._covered.values()))
        state = resolve(self._reserved, self._permitted, self._observable)
        self.consent = Consent(state, self._observable, self._content, self._located)

    def findings(self) -> list[Finding]:
        """Reasons and flags, with what says so."""
        findings = []
        for reason in _REASONS:
            rows = np.flatnonzero(self._covered[reason])
            if len(rows):
                told = _joined(self._details[reason])
                findings.append(Finding("reason", reason, rows, details=told, proven=reason == ILLEGAL))
        if self._rule.default_when_silent == "reject":
            quiet = np.flatnonzero(~self._reserved & (self.consent.state != STATES.index(PERMITTED)))
            findings.append(Finding("reason", OPT_OUT, quiet, details=SILENT_IS_NO))
        unreadable = np.flatnonzero(self._headers_unreadable)
        if len(unreadable):
            findings.append(Finding("flag", HEADERS_UNREADABLE, unreadable))
        return findings

    def said(self) -> dict[tuple[str, str], np.ndarray]:
        """What was said, signal by signal, lists among them: (signal, `reserves` | `permits` | `says nothing`) -> rows, ascending."""
        return {key: np.unique(np.concatenate(rows)) for key, rows in sorted(self._said.items())}

    def seen(self) -> dict[str, np.ndarray]:
        """Where a signal could have been seen: places of `transforms.consent.signal.PLACES` -> rows, bool[n]."""
        embedded = self._observable & OBSERVABLE_EMBEDDED != 0
        found = {place: self._seen & bit != 0 for place, bit in _SEEN.items()} | {"embedded": embedded}
        found["xmp"] = embedded & (self._seen & consent_signals.UNREAD_XMP == 0)
        found["manifest"] = embedded & (self._seen & consent_signals.UNREAD_MANIFEST == 0)
        found["headers"] = self._observable & OBSERVABLE_HEADERS != 0
        found["host_policy"] = self._observable & OBSERVABLE_HOST_POLICY != 0
        return found | self._listed

    def _signals(self, measures: pa.StructArray, context: Context) -> None:
        sources = [pc.struct_field(measures, "signals")]
        if HOST_SIGNALS in context.annotations.schema.names:
            sources.append(context.annotations.column(HOST_SIGNALS))
        rows = np.concatenate([pc.list_parent_indices(lists).to_numpy(zero_copy_only=False) for lists in sources]).astype(np.int64)
        if not len(rows):
            return
        kinds, distinct = told_apart(pa.concat_arrays([lists.flatten() for lists in sources]))
        standing = stands(rows, kinds, [signal.signal for signal in distinct])
        rows, kinds = rows[standing], kinds[standing]
        order = np.argsort(kinds, kind="stable")
        bounds = np.searchsorted(kinds[order], np.arange(len(distinct) + 1))
        for signal, start, stop in zip(distinct, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            if start == stop:
                continue
            mine = rows[order[start:stop]]
            means = meaning(signal.signal, signal.value, self._rule.use, respect_noindex=self._rule.respect_noindex)
            self._said[signal.signal, _TOLD[means]].append(mine)
            if means == Meaning.PERMITS:
                self._permitted[mine] = True
            elif means == Meaning.RESERVES:
                detail = f"{signal.signal} {signal.value} ({signal.scope}; {signal.evidence})"
                self._reserve(OPT_OUT, mine, signal.scope, np.full(len(mine), detail, object))

    def _lists(self, measures: pa.StructArray, context: Context) -> None:
        rule = self._rule
        if not rule.lists:
            return
        lists = _loaded(rule.lists, _versions(rule.lists), rule.as_of)
        creators = pc.struct_field(measures, "creators")
        slack = FAST_SLACK if context.mode == "fast" else 0
        for match in lists.match(context.annotations, creators, slack, pc.struct_field(measures, "pdq")):
            self._said[f"list_{match.kind}", _TOLD[Meaning.RESERVES]].append(match.rows)
            self._reserve(match.reason, match.rows, match.scope, np.array(match.details, object))
        for kind in (kind for kind in KINDS if lists.has((kind,))):
            if kind == "creator":
                self._listed[f"list_{kind}"] = self._observable & OBSERVABLE_EMBEDDED != 0
            else:
                self._listed[f"list_{kind}"] = _valid(context.annotations.column(_LISTED_BY.get(kind, kind)))
        if lists.has(LOCATION_KINDS):
            self._observable[_valid(context.annotations.column("url_id"))] |= OBSERVABLE_LISTS
        if lists.has(HASH_KINDS):
            self._observable[_valid(context.annotations.column("sha256"))] |= OBSERVABLE_HASH_LISTS

    def _reserve(self, reason: str, rows: np.ndarray, scope: str, details: np.ndarray) -> None:
        self._covered[reason][rows] = True
        self._details[reason].append((rows, details))
        if scope == CONTENT:
            self._content[reason][rows] = True
        else:
            self._located[rows] = True


def _valid(column: pa.Array) -> np.ndarray:
    found: np.ndarray = column.is_valid().to_numpy(zero_copy_only=False)
    return found


def _joined(details: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[str]:
    """What says so, of each row that anything is said of, ascending: each thing once, in the order given."""
    rows = np.concatenate([rows for rows, _ in details])
    texts = np.concatenate([texts for _, texts in details])
    order = np.argsort(rows, kind="stable")
    rows, texts = rows[order], texts[order]
    starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
    joined = texts[starts]
    counts = np.diff(np.r_[starts, len(rows)])
    for place in np.flatnonzero(counts > 1).tolist():
        joined[place] = "; ".join(dict.fromkeys(texts[starts[place] : starts[place] + counts[place]].tolist()))
    found: list[str] = joined.tolist()
    return found


def _versions(paths: Sequence[str]) -> tuple[tuple[str, int, str], ...]:
    """What tells a list that was read from one that has changed since."""
    return tuple((found.path, found.size, found.version) for path in paths for found in list_files(path))


@functools.lru_cache(maxsize=4)
def _loaded(paths: tuple[str, ...], versions: tuple[tuple[str, int, str], ...], as_of: str | None) -> Lists:  # noqa: ARG001  part of the key
    return load_lists(paths, as_of)
