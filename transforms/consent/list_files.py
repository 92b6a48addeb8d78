"""Files of opt-outs and takedowns as they come: CSV, Parquet, or one URL, domain or hash a line. Read, checked, made entries.

CSV and Parquet have the columns `kind` and `value`, and may have `radius`, `reason`, `source`, `valid_from`, `valid_to`. What cannot be
understood stops the job and names the row: an entry that is passed over is an opt-out that is not honoured. The ledger of removals that a
takedown leaves (schemas.removals) is such a file; what was restored in it is no entry any more.
"""

import csv
import datetime as dt
import functools
import gzip
import io
import re
import zlib
from collections.abc import Collection, Iterator
from typing import Any, Final, NamedTuple

from schemas.errors import InputError, JobError, MissingError
from schemas.reasons import ILLEGAL, OPT_OUT, TAKEN_DOWN
from schemas.removals import REMOVALS, REQUESTS
from transforms.consent.pdq_hashes import RADIUS as PDQ_RADIUS
from transforms.storage import exists, read_bytes
from transforms.takedown.chain import checked, standing

KINDS: Final = ("url", "url_prefix", "domain", "sha256", "sha1", "md5", "phash", "pdq", "creator", "uid")
REASONS: Final = (OPT_OUT, TAKEN_DOWN, ILLEGAL)
DEFAULT_RADIUS: Final = 4
MAX_RADIUS: Final = 16
_HEAD: Final = 1 << 16  # characters within which the first line begins and ends
_PDQ: Final = "pdq"
_COLUMNS: Final = ("kind", "value", "radius", "reason", "source", "valid_from", "valid_to")
_HEX: Final = {"sha256": 64, "sha1": 40, "md5": 32, "uid": 32, "phash": 16, "pdq": 64}
_DIGITS: Final = re.compile(r"(?:0x)?([0-9a-fA-F]+)")
_HOST: Final = re.compile(r"[^\s/:@]+\.[^\s/:@.]+")


class Entry(NamedTuple):
    """One entry of a list.

    Attributes:
      kind: one of `KINDS`.
      value: as the list has it; hexadecimal digits in lower case.
      radius: greatest Hamming distance, perceptual and PDQ hashes only.
      reason: `opt_out`, `taken_down` or `illegal`; a word of `schemas.removals.REQUESTS` in the list stands for one of them.
      source: who asked, as the list has it.
      valid_from: ISO date, inclusive; empty: always. `valid_to` likewise.
      row: its row in the file, from 1, a header counted.
      request: that word, where the list has one of them; empty otherwise.
    """

    kind: str
    value: str
    radius: int
    reason: str
    source: str
    valid_from: str
    valid_to: str
    row: int
    request: str = ""


def read_list(path: str, reason: str = OPT_OUT, rows: Collection[int] | None = None) -> Iterator[Entry]:
    """The entries of a list, in the order of the file.

    Args:
      path: where it lies.
      reason: of entries for which the list states none.
      rows: those that are wanted; None for all.

    Raises:
      MissingError: there is no such file.
      JobError: it is malformed; the message names the row.
    """
    yield from entries_of(path, content_of(path, "lists"), reason, rows)


def entries_of(path: str, content: bytes, reason: str = OPT_OUT, rows: Collection[int] | None = None) -> Iterator[Entry]:
    """The same, where the file's bytes are at hand."""
    if content[:4] == b"PAR1":
        yield from _parquet(path, content, reason, rows)
        return
    text = text_of(path, content)
    first = next((line for line in re.split(r"[\r\n]+", text[:_HEAD].lstrip()) if line.strip()), "")
    names = [name.strip().casefold() for name in next(csv.reader([first]), [])]
    if {"kind", "value"} <= set(names):
        del text  # it is UTF-8, and is decoded again line by line
        yield from _csv(path, content, names, reason, rows)
    else:
        yield from _lines(path, text, reason, rows)


def content_of(path: str, key: str) -> bytes:
    """The bytes of a list, uncompressed.

    Args:
      path: where it lies.
      key: the job's key that names it, for messages.

    Raises:
      MissingError: there is no such file, or it cannot be read.
      JobError: it is cut or damaged.
    """
    if not exists(path):
        raise MissingError(f"{key}: there is no file {path}; put the list there, or take it out of the job")
    try:
        content = read_bytes(path)
    except (InputError, OSError) as error:
        raise MissingError(f"{key}: {path} cannot be read ({error}); make it readable, or take it out of the job") from error
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise JobError(f"{path}: looks like gzip and cannot be read ({error}); write the list again") from error
    return content


def text_of(path: str, content: bytes) -> str:
    """The text of a list.

    Raises:
      JobError: it is no UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise JobError(f"{path}: neither Parquet nor UTF-8 text (byte {error.start}); save the list as one of them") from error


def _parquet(path: str, content: bytes, reason: str, rows: Collection[int] | None) -> Iterator[Entry]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(content))
    except pa.ArrowException as error:
        raise JobError(f"{path}: looks like Parquet and cannot be read ({error}); write the list again") from error
    if not {"kind", "value"} <= set(table.column_names):
        raise JobError(f"{path}: has the columns {', '.join(table.column_names)}; a list needs kind and value")
    if set(REMOVALS.names) <= set(table.column_names):
        table = standing(checked(path, table))
    kept = table.select([name for name in _COLUMNS if name in table.column_names])
    row = 0
    for batch in kept.to_batches(max_chunksize=65_536):
        for fields in batch.to_pylist():
            row += 1
            if rows is None or row in rows:
                yield _entry(path, row, fields, reason)


def _csv(path: str, content: bytes, names: list[str], reason: str, rows: Collection[int] | None) -> Iterator[Entry]:
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline=""))
    heading = True
    try:
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            if heading:
                heading = False
                continue
            if len(fields) > len(names):
                raise JobError(f"{path}, row {reader.line_num}: has {len(fields)} fields where the header has {len(names)}")
            if rows is None or reader.line_num in rows:
                yield _entry(path, reader.line_num, dict(zip(names, fields, strict=False)), reason)
    except csv.Error as error:
        raise JobError(f"{path}, row {reader.line_num}: is no CSV ({error})") from error


def _lines(path: str, text: str, reason: str, rows: Collection[int] | None) -> Iterator[Entry]:
    for row, line in enumerate(text.splitlines(), 1):
        value = line.strip()
        if not value or value.startswith("#") or (rows is not None and row not in rows):
            continue
        kinds = _kinds_of(value)
        if not kinds:
            raise JobError(
                f"{path}, row {row}: is neither URL, nor domain, nor hash; for anything else give a CSV with the columns kind and value"
            )
        for kind in kinds:
            yield _entry(path, row, {"kind": kind, "value": value}, reason)


def _kinds_of(value: str) -> tuple[str, ...]:
    """What a bare value may be: 32 digits are an MD5 or a uid, and are looked for as both.

    >>> _kinds_of("d41d8cd98f00b204e9800998ecf8427e"), _kinds_of("example.org"), _kinds_of("https://example.org/a.jpg"), _kinds_of("cat")
    (('md5', 'uid'), ('domain',), ('url',), ())
    """
    if "://" in value:
        return ("url",)
    if digits := _DIGITS.fullmatch(value):
        return tuple(kind for kind in ("sha256", "sha1", "md5", "uid", "phash") if _HEX[kind] == len(digits.group(1)))
    return ("domain",) if _HOST.fullmatch(value) else ()


def _entry(path: str, row: int, fields: dict[str, Any], default: str) -> Entry:
    where = f"{path}, row {row}"
    kind, value = _text(fields.get("kind")).casefold(), fields.get("value")
    if kind not in KINDS:
        raise JobError(f"{where}: kind {kind!r} is none of {', '.join(KINDS)}")
    if isinstance(value, bytes) and kind in _HEX:
        value = value.hex()
    elif isinstance(value, int) and kind == "phash":
        value = f"{value & 0xFFFF_FFFF_FFFF_FFFF:016x}"
    else:
        value = _text(value)
    if not value:
        raise JobError(f"{where}: value is empty")
    if kind in _HEX:
        digits = _DIGITS.fullmatch(value)
        if not digits or len(digits.group(1)) != _HEX[kind]:
            raise JobError(f"{where}: a {kind} is {_HEX[kind]} hexadecimal digits")
        value = digits.group(1).lower()
    word = _text(fields.get("reason")).casefold() or default
    return Entry(
        kind, value, _radius(where, kind, fields.get("radius")), reason_of(where, word), _text(fields.get("source")),
        _date(where, "valid_from", fields.get("valid_from")), _date(where, "valid_to", fields.get("valid_to")), row,
        word if word in REQUESTS else "",
    )  # fmt: skip


def reason_of(where: str, given: str, default: str = OPT_OUT) -> str:
    """The reason that an entry gives, or that stands behind the word it gives; the default where it gives none.

    Raises:
      JobError: it is none; names `where`.
    """
    word = given.casefold() or default
    reason = REQUESTS.get(word, word)
    if reason not in REASONS:
        raise JobError(f"{where}: reason {word!r} is none of {', '.join((*REASONS, *REQUESTS))}")
    return reason


def _radius(where: str, kind: str, value: Any) -> int:
    text = _text(value)
    default, most = (PDQ_RADIUS, PDQ_RADIUS) if kind == _PDQ else (DEFAULT_RADIUS, MAX_RADIUS)
    if not text:
        return default
    if not re.fullmatch(r"\d{1,2}(\.0+)?", text) or int(float(text)) > most:
        raise JobError(f"{where}: radius {text!r} is no whole number from 0 to {most}")
    return int(float(text))


def _date(where: str, name: str, value: Any) -> str:
    text = value.isoformat() if isinstance(value, dt.date) else _text(value)
    if not text:
        return ""
    try:
        return _iso(text[:10])
    except ValueError as error:
        raise JobError(f"{where}: {name} {text!r} is no date YYYY-MM-DD") from error


@functools.lru_cache(maxsize=1024)
def _iso(text: str) -> str:
    return dt.date.fromisoformat(text).isoformat()


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if value is None or value != value:
        return ""
    return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip()
