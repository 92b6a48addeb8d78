"""Captions of a benchmark as they are published: a line each, or a column of CSV, TSV, JSON or Parquet."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa

from schemas.errors import JobError
from transforms.consent.list_files import content_of, text_of

KEY: Final = "dedup.eval_overlap.captions"
_TABLES: Final = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")


def read_captions(path: str, column: str | int | None) -> Iterator[str]:
    """The captions of a file, in its order; empty ones left out.

    Args:
      path: where it lies; gzip is undone.
      column: None: each line of a text is a caption. A name: of the column of a Parquet file, of a CSV or TSV with a header, or of the
        objects of JSON (a line each, a list, or any list in one object, as COCO's `annotations`), dotted where it lies deeper, as
        `sentences.raw` in the splits of Karpathy and Fei-Fei (2015). A number: the place, from 1, in a CSV
        or TSV without a header, such as `Flickr8k.token.txt`.

    Raises:
      MissingError: there is no such file.
      JobError: it has no such column, or a line of it cannot be read; names the line. It holds no caption, or is a table and no column is
        named: a set that finds nothing lets the benchmark in.
    """
    content, nothing = content_of(path, KEY), True
    for text in _values(path, content, column):
        if text is not None and not isinstance(text, str):
            raise JobError(f"{path}: column {column!r} holds {type(text).__name__}, not text; name another with `column`")
        if text and text.strip():
            nothing = False
            yield text
    if nothing:
        raise JobError(f"{path}: holds no caption; put the whole file there, or take it out of {KEY}")


def _values(path: str, content: bytes, column: str | int | None) -> Iterator[Any]:
    if content[:4] == b"PAR1":
        return _parquet(path, content, column)
    text = text_of(path, content)
    if column is None:
        lines = [line for line in text.splitlines() if line.strip()]
        if path.lower().removesuffix(".gz").endswith(_TABLES) or (lines and all("\t" in line for line in lines)) or _is_json(lines):
            raise JobError(f"{path}: is a table, not a caption a line; name the one that holds captions with `column`, by name or by place")
        return iter(lines)
    if text.lstrip()[:1] in {"{", "["}:
        return _json(path, text, column)
    return _csv(path, text, column)


def _is_json(lines: list[str]) -> bool:
    """Whether lines are JSON, an object each or together."""
    if not lines or lines[0].lstrip()[:1] not in {"{", "["}:
        return False
    for text in (lines[0], "\n".join(lines)):
        try:
            return isinstance(json.loads(text), dict | list)
        except (ValueError, RecursionError):
            continue
    return False


def _parquet(path: str, content: bytes, column: str | int | None) -> Iterator[Any]:
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(content))
    except pa.ArrowException as error:
        raise JobError(f"{path}: looks like Parquet and cannot be read ({error})") from error
    if table.column_names.count(column) != 1:
        raise _absent(path, column, table.column_names)
    values = table.column(column)
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):  # several captions a picture
        values = pa.chunked_array([part.flatten() for part in values.chunks], values.type.value_type)
    return iter(values.to_pylist())


def _json(path: str, text: str, column: str | int) -> Iterator[Any]:
    try:
        whole = json.loads(text)
        parts = whole if isinstance(whole, list) else [row for part in whole.values() if isinstance(part, list) for row in part] or [whole]
    except json.JSONDecodeError:
        parts = [_object(path, number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    rows = [row for row in parts if isinstance(row, dict)]
    there = {name for row in rows for name in row}
    outer, *inner = [str(column)] if column in there else str(column).split(".")
    if outer not in there:
        raise _absent(path, column, sorted(there))
    for row in rows:
        yield from _inside(row.get(outer), inner)


def _inside(value: Any, names: Sequence[str]) -> Iterator[Any]:
    """What a value holds under names that go ever deeper, lists item by item."""
    if isinstance(value, list):
        for item in value:
            yield from _inside(item, names)
    elif names and isinstance(value, dict):
        yield from _inside(value.get(names[0]), names[1:])
    else:
        yield value


def _object(path: str, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise JobError(f"{path}, line {number}: is no JSON ({error.msg})") from error


def _csv(path: str, text: str, column: str | int) -> Iterator[Any]:
    delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
    lines = io.StringIO(text, newline="")
    # A quotation mark in a TSV is one.
    reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if delimiter == "\t" else csv.reader(lines, strict=True)
    place = column - 1 if isinstance(column, int) else None
    try:
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            if place is None:
                if fields.count(str(column)) != 1:
                    raise _absent(path, column, fields)
                place = fields.index(str(column))
                continue
            if place >= len(fields):
                raise JobError(f"{path}, line {reader.line_num}: has {len(fields)} fields, none at place {place + 1}")
            yield fields[place]
    except csv.Error as error:
        raise JobError(f"{path}, line {reader.line_num}: is no CSV ({error})") from error


def _absent(path: str, column: str | int | None, names: list[str]) -> JobError:
    wanted = (
        "name one with `column`" if column is None else f"there is {'no' if column not in names else 'more than one'} column {column!r}"
    )
    return JobError(f"{path}: {wanted}; it has {', '.join(names) or 'none'}")
