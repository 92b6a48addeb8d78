"""Rejects what its creators or publishers have reserved, and what lists say must go."""

import dataclasses
import datetime as dt
import functools
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import field_validator

from schemas.errors import InputError, MissingError
from schemas.job import Names, Phase, key
from schemas.ledger import OBSERVABLE_EMBEDDED, OBSERVABLE_HASH_LISTS, OBSERVABLE_HEADERS, OBSERVABLE_LISTS, OBSERVABLE_PAGE
from schemas.reasons import CONSENT as STATES
from schemas.reasons import HEADERS_UNREADABLE, ILLEGAL, OPT_OUT, PERMITTED, TAKEN_DOWN
from transforms.consent.embedded import creator_ids, creators, embedded_signals
from transforms.consent.headers import header_signals, read_headers
from transforms.consent.lists import HASH_KINDS, LOCATION_KINDS, Lists, load_lists
from transforms.consent.page import page_signals
from transforms.consent.signal import CONTENT, DISALLOWED, LOCATION, SIGNAL, Meaning, Signal, Use, meaning
from transforms.consent.states import resolve
from transforms.filters.base import Artefact, Batch, Context, Filter, Finding
from transforms.images.metadata import Metadata, read_metadata
from transforms.images.phash import FAST_SLACK
from transforms.storage import exists, list_files, located, read_bytes

SILENT_IS_NO = "nothing permits it, and default_when_silent is reject"
_REASONS = (OPT_OUT, TAKEN_DOWN, ILLEGAL)
_DIGESTS = {"sha256": 64, "md5": 32, "sha1": 40}
_EXIF_CREATORS = ("Image Artist", "Artist", "Image XPAuthor", "XPAuthor")


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
    picture's own side data carries (further pictures under the same key included) are about the content. Whether the latter could have
    been seen is told by the recorded hash: where it is that of the bytes, they are the download's. Where none is recorded, they are taken
    for the download's unless the recorded original size is another one. Unreadable rows are measured and judged like all others.
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
    lists: Names = key(
        Phase.JUDGE, "files of opt-outs and takedowns: CSV or Parquet with kind and value, or one URL, domain or hash a line", ()
    )
    host_policies: None = key(Phase.JUDGE, "snapshot of robots.txt and the like by host; only null: this version joins lists only", None)
    respect_noindex: bool = key(Phase.JUDGE, "whether noindex, noimageindex and none in X-Robots-Tag reserve, as for img2dataset", True)
    default_when_silent: Literal["keep", "reject"] = key(Phase.JUDGE, "rows of which nothing says that they may be used", "keep")
    as_of: str | None = key(Phase.JUDGE, "date YYYY-MM-DD on which list entries must be valid; null: all count", None)
    on_missing: Literal["reject", "keep"] = key(Phase.JUDGE, "rows on which the filter itself failed", "reject")

    @field_validator("host_policies", mode="before")
    @classmethod
    def _no_policies(cls, given: Any) -> None:
        if given is not None:
            raise ValueError("this version joins lists only; leave it null")

    @field_validator("as_of")
    @classmethod
    def _is_date(cls, given: str | None) -> str | None:
        if given is not None and (len(given) != 10 or dt.date.fromisoformat(given).isoformat() != given):
            raise ValueError("is no date YYYY-MM-DD")
        return given

    def located(self, folder: str) -> Self:
        return self.model_copy(update={"lists": tuple(located(path, folder) for path in self.lists)})

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
        return found

    def measure(self, batch: Batch) -> pa.StructArray:
        rows = list(_measured_rows(batch))
        return pa.array(rows, self.measured)

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
        self._signals(rule, measures)
        self._lists(rule, measures, context)
        self.reserved = np.logical_or.reduce(list(self.covered.values()))
        self.state = resolve(self.reserved, self.permitted, self.observable)

    def evidence(self, reason: str) -> tuple[np.ndarray, list[str]]:
        """Rows under a reason, ascending, and for each what says so."""
        rows = np.flatnonzero(self.covered[reason])
        return rows, ["; ".join(dict.fromkeys(self.details[reason][row])) for row in rows.tolist()]

    def _signals(self, rule: OptOut, measures: pa.StructArray) -> None:
        lists = pc.struct_field(measures, "signals")
        flat = lists.flatten()
        if not len(flat):
            return
        owners = pc.list_parent_indices(lists).to_pylist()
        for row, said in zip(owners, flat.to_pylist(), strict=True):
            means = meaning(said["signal"], said["value"], rule.use, respect_noindex=rule.respect_noindex)
            if means == Meaning.PERMITS:
                self.permitted[row] = True
            elif means == Meaning.RESERVES:
                self._reserve(OPT_OUT, row, said["scope"], f"{said['signal']} {said['value']} ({said['scope']}; {said['evidence']})")

    def _lists(self, rule: OptOut, measures: pa.StructArray, context: Context) -> None:
        if not rule.lists:
            return
        lists = _loaded(rule.lists, _versions(rule.lists), rule.as_of)
        made_by = [names or () for names in pc.struct_field(measures, "creators").to_pylist()]
        for match in lists.match(context.annotations, made_by, FAST_SLACK if context.mode == "fast" else 0):
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


def _measured_rows(batch: Batch) -> Iterator[dict[str, Any]]:
    """What each row of a batch says of use, as plain data of type `OptOut.measured`."""
    core = batch.samples.core
    columns = {name: batch.role(name) for name in ("http_headers", "page_noai", "page_meta_robots", "downloaded_at", "creator", "exif")}
    disallowed, extra = core.column("disallowed").to_pylist(), core.column("extra").to_pylist()
    original = _originals(batch)
    for row, image in enumerate(batch.images):
        at = _time(columns["downloaded_at"][row])
        headers = read_headers(columns["http_headers"][row])
        noai, robots = columns["page_noai"][row], columns["page_meta_robots"][row]
        metadata = [read_metadata(image)] if image else [Metadata()]
        metadata += [read_metadata(member["image"]) for member in extra[row] if member["image"]]
        signals = header_signals(headers, at) + page_signals(noai, robots, at)
        if disallowed[row]:
            signals.append(Signal(DISALLOWED, "x-robots-tag", LOCATION, "recorded by the downloader", at))
        for number, found in enumerate(metadata):
            signals += embedded_signals(found, f"further picture {number}: " if number else "")
        observable = OBSERVABLE_HEADERS if headers.recorded and headers.readable else 0
        observable |= 0 if _absent(noai) and _absent(robots) else OBSERVABLE_PAGE
        observable |= OBSERVABLE_EMBEDDED if metadata[0].container and original[row] else 0
        names = [name for found in metadata for name in creators(found)] + _names(columns["creator"][row], columns["exif"][row])
        yield {
            "signals": [dataclasses.asdict(signal) for signal in dict.fromkeys(signals)],
            "observable": observable,
            "headers_unreadable": not headers.readable,
            "creators": creator_ids(names),
        }


def _originals(batch: Batch) -> list[bool]:
    """Whether the bytes of each row may be taken for those of the download.

    They are where a recorded hash is theirs, and are not where one is recorded and none is theirs. Without a recorded hash they are
    unless the recorded original size, in either orientation, is not that of the picture.
    """
    recorded = {name: batch.role(name) for name in _DIGESTS}
    actual = {"sha256": batch.sha256, "md5": batch.md5, "sha1": batch.sha1}
    sizes = [batch.role(name) for name in ("original_width", "original_height", "width", "height")]
    found = []
    for row in range(len(batch)):
        compared = [
            digest == hashed.hex() for name in _DIGESTS
            if (hashed := actual[name][row]) is not None and (digest := _hex(recorded[name][row], _DIGESTS[name])) is not None
        ]  # fmt: skip
        if compared:
            found.append(any(compared))
            continue
        width, height, stored_width, stored_height = (_number(column[row]) for column in sizes)
        picture = batch.pictures[row]
        stored = (picture.width, picture.height) if picture else (stored_width, stored_height)
        known = None not in (width, height, *stored)
        found.append(not known or sorted((width, height)) == sorted(stored))  # type: ignore[type-var]  # known: none is None
    return found


def _hex(value: object, digits: int) -> str | None:
    """A recorded digest as lower-case hexadecimal digits; None where it is none."""
    text = value.hex() if isinstance(value, bytes) and 2 * len(value) == digits else value
    text = text.decode("latin-1") if isinstance(text, bytes) else text
    plain = text.strip().lower() if isinstance(text, str) else ""
    return plain if len(plain) == digits and not plain.strip("0123456789abcdef") else None


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and value == value and value > 0 else None


def _absent(value: object) -> bool:
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def _time(value: object) -> str | None:
    if _absent(value):
        return None
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _names(column: object, exif: object) -> list[str]:
    """Who made the picture by a column, and by img2dataset's `exif` text."""
    names = [column] if isinstance(column, str) else [name for name in column if isinstance(name, str)] if isinstance(column, list) else []
    if isinstance(exif, str) and ("Artist" in exif or "Author" in exif):
        try:
            fields = json.loads(exif)
        except (ValueError, RecursionError):
            fields = None
        if isinstance(fields, dict):
            names += [name for tag in _EXIF_CREATORS if isinstance(name := fields.get(tag), str)]
    return names


def _versions(paths: Sequence[str]) -> tuple[tuple[str, int, str], ...]:
    """What tells a list that was read from one that has changed since."""
    return tuple((found.path, found.size, found.version) for path in paths for found in list_files(path))


@functools.lru_cache(maxsize=4)
def _loaded(paths: tuple[str, ...], versions: tuple[tuple[str, int, str], ...], as_of: str | None) -> Lists:  # noqa: ARG001  part of the key
    return load_lists(paths, as_of)
