"""Finds personal data in every text that would be published, and in pictures' metadata; redacts, rejects, or flags it by kind."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, Self
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from schemas.job import Names, Phase, key
from schemas.reasons import KEY_WITHHELD, URL_WITHHELD
from transforms.filters.base import Batch, Context, Filter, Finding
from transforms.images.parts.fields import in_order
from transforms.images.scrub import removable, scrub_exif_text
from transforms.text.allowed import allowed_by, identities
from transforms.text.personal_data import CARD, EMAIL, IBAN, IP, KINDS, PHONE, SSN, TRIGGER, Span, find
from transforms.text.personal_links import find_in_link
from transforms.text.personal_values import kinds_of_exif, matches_in_value
from transforms.text.url import without_credentials

SPAN = pa.struct(
    [("column", pa.string()), ("kind", pa.string()), ("offset", pa.int32()), ("length", pa.int32()), ("identities", pa.list_(pa.binary(8)))]
)
MEASURED = pa.struct(
    [
        ("spans", pa.list_(SPAN)),
        ("stripped", pa.list_(pa.string())),  # of transforms.images.parts.fields.WORDS: what goes out of metadata and the exif column
        ("url_withheld", pa.bool_()),
        ("key_withheld", pa.bool_()),
    ]
)

_OWN = ("url", "key", "caption")  # columns published from the core, not from the source
_DIGESTS = ("sha256", "sha1", "md5", "phash")


class PersonalData(Filter):
    """Redacts e-mail addresses and phone numbers, rejects cards, IBANs and US social security numbers, flags IP addresses.

    Every text column that would be published is looked at, nested values and JSON text too. In URLs, keys and file names a number counts
    only after a word that says what it is (`phone=`), in EXIF text only in fields in which people write, and in response headers only
    e-mail addresses do, since other numbers there are identifiers. A URL or a key that holds any of it, an IP address excepted, is
    withheld, never altered: it is an identity, and `allow` changes nothing there. Position, serial numbers, owner, thumbnails and
    whatever cannot be parsed are always stripped from a picture's metadata, and actions say what. Rules with check digits
    (`transforms.text.personal_data`, `personal_links`); names and postal addresses are not looked for.
    """

    name: ClassVar[str] = "personal_data"
    measured: ClassVar[pa.DataType] = MEASURED

    on_missing: Literal["reject", "keep"] = key(Phase.JUDGE, "rows on which the filter itself failed", "reject")
    redact: Names = key(Phase.JUDGE, "kinds written over in what is published: email, phone, card, iban, ssn, ip", (EMAIL, PHONE))
    reject: Names = key(Phase.JUDGE, "kinds that reject the row", (CARD, IBAN, SSN))
    flag: Names = key(Phase.JUDGE, "kinds that are only noticed", (IP,))
    allow: Names = key(
        Phase.JUDGE, "what may stay: addresses (press@example.org), names at any host (info@), hosts (@example.org), numbers", ()
    )

    @model_validator(mode="after")
    def _says_one_thing_of_every_kind(self) -> Self:
        for option in ("redact", "reject", "flag"):
            for kind in getattr(self, option):
                if kind not in KINDS:
                    raise ValueError(f"{option}: there is no kind {kind!r}; the kinds are {', '.join(KINDS)}")
        said = [*self.redact, *self.reject, *self.flag]
        for kind in KINDS:
            if said.count(kind) != 1:
                raise ValueError(f"{kind} must stand in exactly one of redact, reject and flag, and stands in {said.count(kind)} of them")
        return self

    def measure(self, batch: Batch) -> pa.StructArray:
        spans: list[list[dict[str, Any]]] = [[] for _ in range(len(batch))]
        core = batch.samples.core
        for row, caption in _suspects(core.column("caption")):
            spans[row] += [_span("caption", *found, identities(found.kind, caption[found.start : found.end])) for found in find(caption)]
        kept_back = {"url": [False] * len(batch), "key": [False] * len(batch)}
        for name, rows in kept_back.items():
            for row, value in _suspects(core.column(name)):
                found = in_identity(without_credentials(value) if name == "url" else value)
                spans[row] += [_span(name, *one, []) for one in found]
                rows[row] = any(one.kind != IP for one in found)
        for column, role, values in _source_texts(batch):
            for row, value in values:
                kinds = (EMAIL,) if role == "http_headers" else KINDS
                matches = matches_in_value(value, kinds, column, kinds_of_exif if role == "exif" else None)
                spans[row] += [_span(path, *found, identities(found.kind, text)) for path, found, text in matches]
        return pa.StructArray.from_arrays(
            [
                pa.array(spans, MEASURED.field("spans").type),
                pa.array(_stripped(batch), MEASURED.field("stripped").type),
                pa.array(kept_back["url"], pa.bool_()),
                pa.array(kept_back["key"], pa.bool_()),
            ],
            fields=list(MEASURED),
        )

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:  # noqa: ARG002 - the measures say it all
        found = _by_kind(measures, allowed_by(self.allow))
        findings = []
        for kind in KINDS:
            findings += _finding("flag", f"{self.name}:{kind}", found[kind])
            if kind in self.redact:
                altered = {
                    row: kept for row, spans in found[kind].items() if (kept := [s for s in spans if s["column"] not in ("url", "key")])
                }
                findings += _finding("action", f"redacted:{kind}", altered)
        refused: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for kind in self.reject:
            for row, spans in found[kind].items():
                refused[row] += spans
        findings += _finding("reason", self.reason, refused)
        findings += _stripped_findings(pc.struct_field(measures, "stripped"))
        for word, field in ((URL_WITHHELD, "url_withheld"), (KEY_WITHHELD, "key_withheld")):
            rows = np.flatnonzero(pc.fill_null(pc.struct_field(measures, field), False).to_numpy(zero_copy_only=False))
            findings += [Finding("flag", word, rows)] if len(rows) else []
        return findings


def _span(column: str, kind: str, start: int, end: int, allowed_as: list[bytes]) -> dict[str, Any]:
    return {"column": column, "kind": kind, "offset": start, "length": end - start, "identities": allowed_as}


def withheld(url: str) -> bool:
    """Whether a URL holds personal data once its credentials are out, so that it cannot be published; an IP address does not count.

    >>> withheld("https://img.example/p.jpg?to=jane.doe%40example.org"), withheld("https://me:pw@img.example/p@2x.png")
    (True, False)
    """
    return any(found.kind != IP for found in in_identity(without_credentials(url)))


def in_identity(identity: str) -> list[Span]:
    """Personal data in a URL or key; an e-mail address that percent-escapes hide is the whole of it.

    >>> [(found.kind, found.start, found.end) for found in in_identity("jane.doe_at_example.org_0001")]
    [('email', 0, 23)]
    >>> [(found.kind, found.start, found.end) for found in in_identity("http://x.example/%6ajo%40example%2Eorg?tel=447700900123")]
    [('email', 0, 55), ('phone', 43, 55)]
    """
    found = find(identity, (EMAIL,))
    if not found and "%" in identity and find(unquote(identity), (EMAIL,)):
        found = [Span(EMAIL, 0, len(identity))]
    return [*found, *find_in_link(identity, KINDS)]


def _suspects(column: pa.Array) -> Iterator[tuple[int, Any]]:
    """Rows and values of a column that can hold personal data at all: texts with a sign in them, nested values."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_nested(column.type):
        yield from ((row, value) for row, value in enumerate(column.to_pylist()) if value is not None)
        return
    rows = np.flatnonzero(pc.fill_null(pc.match_substring_regex(column, TRIGGER), False).to_numpy(zero_copy_only=False))
    yield from zip(rows.tolist(), column.take(pa.array(rows)).to_pylist(), strict=True)


def _source_texts(batch: Batch) -> Iterator[tuple[str, str | None, Iterator[tuple[int, Any]]]]:
    """Columns of the source that would be published and hold text, their roles, and their suspects."""
    source = batch.samples.source
    roles = {column: role for role, column in batch.samples.roles.items()}
    for field, column in zip(source.schema, source.columns, strict=True):
        role = roles.get(field.name)
        if role not in _OWN and role not in _DIGESTS and _holds_text(field.type):
            yield field.name, role, _suspects(column)


def _holds_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _holds_text(kind.value_type)
    if pa.types.is_nested(kind):
        return any(_holds_text(kind.field(place).type) for place in range(kind.num_fields))
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _stripped(batch: Batch) -> list[list[str]]:
    """What is taken out of every row's picture and EXIF column: position, serial numbers, owner, thumbnails, what cannot be parsed."""
    found: list[list[str]] = []
    for exif, raw, picture, parts in zip(batch.role("exif"), batch.images, batch.pictures, batch.parts, strict=True):
        words = {*_exif_fields(exif), *(() if raw is None or picture is None else removable(raw, parts))}
        found.append(list(in_order(words)))
    return found


def _exif_fields(exif: Any) -> tuple[str, ...]:
    """The same of an EXIF column's value, which is text in every layout that is known; a struct is written down as text."""
    if not exif:
        return ()
    if isinstance(exif, bytes):
        exif = exif.decode("utf-8", "replace")
    return scrub_exif_text(exif if isinstance(exif, str) else json.dumps(exif, default=str))[1]


def _by_kind(measures: pa.StructArray, allowed: frozenset[bytes]) -> dict[str, dict[int, list[dict[str, Any]]]]:
    """Kind -> row -> its finds, rows ascending; what is allowed is no find."""
    spans = pc.struct_field(measures, "spans")
    found: dict[str, dict[int, list[dict[str, Any]]]] = {kind: {} for kind in KINDS}
    rows = pc.list_parent_indices(spans).to_pylist()
    for row, span in zip(rows, pc.list_flatten(spans).to_pylist(), strict=True):
        if allowed.isdisjoint(span["identities"]):
            found[span["kind"]].setdefault(row, []).append(span)
    return found


def _finding(kind: Literal["reason", "flag", "action"], word: str, found: Mapping[int, list[dict[str, Any]]]) -> list[Finding]:
    if not found:
        return []
    rows = sorted(found)
    counts = np.array([len(found[row]) for row in rows], np.float64)
    return [Finding(kind, word, np.array(rows, np.int64), counts, details=[_detail(found[row]) for row in rows])]


def _detail(spans: list[dict[str, Any]]) -> str:
    """JSON: type, column, offset and length of the first find, the others under `more`."""
    first, *more = [{"type": s["kind"], "column": s["column"], "offset": s["offset"], "length": s["length"]} for s in spans]
    return json.dumps({**first, "more": more} if more else first)


def _stripped_findings(stripped: pa.ListArray) -> list[Finding]:
    rows = pc.list_parent_indices(stripped).to_numpy(zero_copy_only=False)
    words = np.array(pc.list_flatten(stripped).to_pylist(), object)
    return [Finding("action", f"stripped:{word}", rows[words == word].astype(np.int64)) for word in sorted(set(words.tolist()))]
