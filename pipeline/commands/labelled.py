"""Reads labelled texts: a CSV of whatever form people keep them in, or a refusal that says what is wrong with which line."""

import csv
import dataclasses
import io
import re
from collections.abc import Collection, Iterator, Sequence

import numpy as np

from schemas.errors import InputError, JobError
from transforms import storage

_TEXTS = ("text", "comment", "comment_text", "tweet", "caption", "test_case", "sentence", "content")
_LABELS = ("label", "toxic", "is_toxic", "toxicity", "label_gold", "ishate", "hate", "hateful", "offensive", "label_sexist", "class")
_TOXIC = frozenset({"1", "true", "yes", "y", "toxic", "hateful", "hate", "offensive", "abusive", "bad", "sexist"})
_CLEAN = frozenset({"0", "false", "no", "n", "clean", "nontoxic", "non-toxic", "not toxic", "non-hateful", "not sexist", "neither"})
_NUMBER = re.compile(r"\d+(\.\d*)?|\.\d+")
_MOST_LABELS = 10  # in a message
_LONGEST_NAME = 30  # of a column, in a message: a file without a header has a text there


@dataclasses.dataclass(frozen=True)
class Labelled:
    """Texts with labels, less those without text.

    Attributes:
      texts: as the file has them.
      toxic: bool [n].
      columns: names of the two columns that were read.
    """

    texts: list[str]
    toxic: np.ndarray
    columns: tuple[str, str]


def read_labelled(path: str, text: str | None = None, label: str | None = None, toxic: Sequence[str] = ()) -> Labelled:
    """A CSV with a header, parted by commas, semicolons, tabs or bars.

    Args:
      path: the file.
      text: name of the column of texts; None: the first of the names that are usual.
      label: the same of labels: words, or numbers from 0 to 1 of which 0.5 and more is toxic.
      toxic: values of the label that are toxic; none: those that are usual.

    Raises:
      InputError: the file cannot be read, a line has more or fewer columns than the header, or a label is missing or neither toxic nor
        clean; names the line.
      JobError: there is no such column, or no row has a label that is called toxic; names those that there are.
    """
    rows = _rows(path)
    names = next(rows, (0, []))[1]
    if not any(name.strip() for name in names):
        raise InputError(f"{path}: the file is empty, or its first line is; give a CSV that begins with a line of column names")
    chosen = _column(path, names, text, _TEXTS, "--text"), _column(path, names, label, _LABELS, "--label")
    places = [names.index(name) for name in chosen]
    asked = {value.strip().lower(): value for value in toxic}
    texts, labels, seen = [], [], set()
    for line, row in rows:
        if row and len(row) != len(names):
            counts = f"it has {len(row)} columns, and the header has {len(names)}"
            raise InputError(f"{path}, line {line}: {counts}; put texts that hold a separator into double quotes")
        said, kind = (row[place].strip() for place in places) if row else ("", "")
        if said:
            texts.append(said)
            labels.append(_is_toxic(kind, asked, f"{path}, line {line}, column {chosen[1]}"))
            seen.add(kind.lower())
    if not texts:
        raise InputError(f"{path}: no row has a text in column {chosen[0]}; name another with --text")
    if unknown := [value for label, value in asked.items() if label not in seen]:
        there = ", ".join(label[:_LONGEST_NAME] for label in sorted(seen)[:_MOST_LABELS])
        raise JobError(f"{path}: --toxic {unknown[0]}: no row has this label in column {chosen[1]}; there are {there}")
    return Labelled(texts, np.array(labels, bool), chosen)


def _rows(path: str) -> Iterator[tuple[int, list[str]]]:
    """The fields of every row, the header among them, with the number of its last line."""
    try:
        content = io.StringIO(storage.read_bytes(path).decode("utf-8-sig"), newline=None)  # whatever ends a line
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the labelled texts cannot be read ({error}); give a CSV in UTF-8") from error
    header = re.sub('"[^"]*"', "", content.readline())
    content.seek(0)
    rows = csv.reader(content, delimiter=max(",;\t|", key=header.count), strict=True)
    try:
        yield from ((rows.line_num, row) for row in rows)
    except csv.Error as error:  # a quote that nothing closes, or a field beyond csv's limit of 131,072 characters
        raise InputError(f"{path}, line {rows.line_num}: this is no CSV ({error}); is a double quote left open?") from error


def read_terms(path: str) -> list[str]:
    """Words and phrases, one a line; `#` begins a remark.

    Raises:
      InputError: the file cannot be read.
    """
    try:
        lines = storage.read_bytes(path).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the terms cannot be read ({error}); give a text file in UTF-8, a term a line") from error
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _column(path: str, names: Sequence[str], asked: str | None, usual: Sequence[str], option: str) -> str:
    if asked is not None and asked in names:
        return asked
    known = {name.strip().lower(): name for name in names}
    found = next((known[name] for name in usual if name in known), None) if asked is None else None
    if found is None:
        there = ", ".join(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..." for name in names)
        raise JobError(f"{path}: no column {asked or 'of a usual name'} for {option}; the first line, which names them, has: {there}")
    return found


def _is_toxic(label: str, asked: Collection[str], where: str) -> bool:
    told = label.lower()
    if not told:
        raise InputError(f"{where}: the label is missing; give the text one, or leave the line out")
    if asked:
        return told in asked
    if told in _TOXIC or told in _CLEAN:
        return told in _TOXIC
    if _NUMBER.fullmatch(told) and float(told) <= 1:
        return float(told) >= 0.5
    raise InputError(f"{where}: the label is neither toxic nor clean for sure; name those that are toxic with --toxic")
