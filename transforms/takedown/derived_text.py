"""Takes rows out of JSON lines, CSV and TSV files that somebody made from a release and that kept `uid`; other rows stay byte for byte."""

import contextlib
import csv
import gzip
import io
import json
from collections.abc import Collection, Iterator
from typing import BinaryIO

from schemas.errors import JobError
from transforms.storage import atomic_write, open_read

_GZIP = b"\x1f\x8b"
Record = tuple[bytes, str | None]  # as it stands in the file, and its uid


def remove_lines(path: str, uids: Collection[str], form: str) -> int | None:
    """Writes a file again without the rows that have one of these uids, in its place and at once; one without such a row is not touched.

    Args:
      path: the file, which may be gzip.
      uids: what goes, in lower case.
      form: `jsonl`, `csv` or `tsv`.

    Returns:
      How many rows went; None where no row has a uid.

    Raises:
      JobError: a row cannot be read; names it. Nothing of the file is changed then.
    """
    found = [uid for _, uid in _records(path, form) if uid is not None]
    gone = sum(uid in uids for uid in found)
    if gone:
        with atomic_write(path) as scratch, open(scratch, "wb") as target, _writer(path, target) as out:
            out.writelines(raw for raw, uid in _records(path, form) if uid not in uids)
    return gone if found else None


@contextlib.contextmanager
def _reader(path: str) -> Iterator[BinaryIO]:
    with open_read(path) as file:
        packed = file.read(2) == _GZIP
        file.seek(0)
        yield io.BufferedReader(gzip.GzipFile(fileobj=file)) if packed else file


@contextlib.contextmanager
def _writer(path: str, target: BinaryIO) -> Iterator[BinaryIO]:
    with open_read(path) as file:
        packed = file.read(2) == _GZIP
    if packed:
        with gzip.GzipFile("", "wb", fileobj=target, mtime=0) as out:
            yield out  # type: ignore[misc]
    else:
        yield target


def _records(path: str, form: str) -> Iterator[Record]:
    with _reader(path) as file:
        yield from _json_lines(path, file) if form == "jsonl" else _fields(path, file, "," if form == "csv" else "\t")


def _json_lines(path: str, file: BinaryIO) -> Iterator[Record]:
    for number, line in enumerate(file, 1):
        try:
            found = json.loads(line) if line.strip() else None
        except ValueError as error:
            raise JobError(f"{path}, line {number}: is no JSON, so nothing of this file was changed; mend the line first") from error
        yield line, _text(found.get("uid")) if isinstance(found, dict) else None


def _fields(path: str, file: BinaryIO, delimiter: str) -> Iterator[Record]:
    lines: list[bytes] = []

    def read() -> Iterator[str]:
        for line in file:
            lines.append(line)
            yield line.decode("utf-8-sig" if len(lines) == 1 else "utf-8", "surrogateescape")

    rows = csv.reader(read(), delimiter=delimiter)
    at = None
    try:
        for number, row in enumerate(rows):
            if number == 0:
                at = next((place for place, name in enumerate(row) if name.strip().casefold() == "uid"), None)
            raw = b"".join(lines)
            lines.clear()
            yield raw, _text(row[at]) if number and at is not None and len(row) > at else None
    except csv.Error as error:
        raise JobError(f"{path}, line {rows.line_num}: cannot be read ({error}), so nothing of this file was changed") from error
    if lines:
        yield b"".join(lines), None


def _text(value: object) -> str | None:
    return value.strip().lower() if isinstance(value, str) else None
