"""Openly licensed texts that the toxicity model is trained on, and what is set aside of each (NOTICE.md names authors and licences)."""

import csv
import hashlib
import pathlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from transforms.models.toxicity.sentences import Line
from transforms.text.caption import for_toxicity, normal_form

DAVIDSON_REPEATS = {"0": 3, "1": 1, "2": 3}  # hate, offensive, neither: evens out classes of 6, 77 and 17 %
DAVIDSON_HELD_OUT = 51  # first byte of the MD5 below which a tweet is never read: a fifth, for tests
DAVIDSON_DEVELOPMENT = 77
CC3M_DEVELOPMENT = 26
CC3M_REPEATS = 2


class Source(NamedTuple):
    """Lines to train on, repeated as often as they count, and lines set aside for development."""

    training: list[Line]
    development: list[Line]


class _Row(NamedTuple):
    text: str
    is_toxic: bool
    repeats: int
    is_aside: bool


def first_byte(text: str) -> int:
    """First byte of a text's MD5: which part of a set it is in."""
    return hashlib.md5(text.encode(), usedforsecurity=False).digest()[0]


def shown(text: str) -> str:
    """A text as the model sees it, in training and ever after."""
    return for_toxicity(normal_form(text))


def read(data: pathlib.Path) -> dict[str, Source]:
    """Every source by name, from a folder with `toxicity/` and `captions/`."""
    return {
        name: _parted(rows(data)) for name, rows in (("davidson", _davidson), ("edos", _edos), ("hatemoji", _hatemoji), ("cc3m", _cc3m))
    }


def _parted(rows: Iterator[_Row]) -> Source:
    seen = [row._replace(text=shown(row.text)) for row in rows]
    training = [(row.text, row.is_toxic) for row in seen if row.text and not row.is_aside for _ in range(row.repeats)]
    return Source(training, [(row.text, row.is_toxic) for row in seen if row.text and row.is_aside])


def _davidson(data: pathlib.Path) -> Iterator[_Row]:
    for row in _table(data / "toxicity/davidson/data/labeled_data.csv"):
        part = first_byte(row["tweet"])
        if part >= DAVIDSON_HELD_OUT:
            text = re.sub(r"\bRT\b", " ", row["tweet"])
            yield _Row(text, row["class"] != "2", DAVIDSON_REPEATS[row["class"]], part < DAVIDSON_DEVELOPMENT)


def _edos(data: pathlib.Path) -> Iterator[_Row]:
    for row in _table(data / "toxicity/edos/edos.csv"):
        yield _Row(re.sub(r"\[(USER|URL)\]", " ", row["text"]), row["label_sexist"] == "sexist", 1, row["split"] == "dev")


def _hatemoji(data: pathlib.Path) -> Iterator[_Row]:
    for row in _table(data / "toxicity/hatemoji/hatemoji_train.csv"):
        yield _Row(row["text"], row["label_gold"] == "1", 1, is_aside=False)


def _cc3m(data: pathlib.Path) -> Iterator[_Row]:
    with (data / "captions/cc3m/validation_first_half.tsv").open(encoding="utf-8") as file:
        for line in file:
            text = line.split("\t")[0]
            yield _Row(text, is_toxic=False, repeats=CC3M_REPEATS, is_aside=first_byte(text) < CC3M_DEVELOPMENT)


def _table(path: pathlib.Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
