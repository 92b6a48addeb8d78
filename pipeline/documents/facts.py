"""A fact as the documents state it: the value, how it was come by, and whether a run computed it or people declared it."""

import os
import re
from collections.abc import Mapping
from typing import Any, Literal, TypedDict

NOT_ANSWERED = "NOT ANSWERED"
_FOLDERS = re.compile(r"(?<![\w/])(?:[A-Za-z][\w+.-]*:/)?/(?:[^/\s]+/)+")


class Fact(TypedDict):
    """One number, text or table.

    Attributes:
      value: plain data; None where it is missing.
      how: how it was computed, or which key of the job declares it.
      source: who says so.
    """

    value: Any
    how: str
    source: Literal["computed", "declared", "missing"]


def computed(value: Any, how: str) -> Fact:
    """A fact that follows from the run."""
    return {"value": value, "how": how, "source": "computed"}


def declared(value: Any, key: str) -> Fact:
    """A fact that the job file states under `key`; missing where it does not.

    >>> declared(None, "datasheet.title")
    {'value': None, 'how': 'the job may declare it: datasheet.title', 'source': 'missing'}
    """
    if value in (None, "", (), []):
        return {"value": None, "how": f"the job may declare it: {key}", "source": "missing"}
    return {"value": list(value) if isinstance(value, tuple) else value, "how": f"declared in the job: {key}", "source": "declared"}


def share(part: float, whole: float) -> float | None:
    """A share rounded to 1e-6; None where there is no whole.

    >>> share(1, 3), share(0, 0)
    (0.333333, None)
    """
    return round(part / whole, 6) if whole else None


def portable(value: Any) -> Any:
    """Plain data of a job without the folders of this machine: of a path only the file's name stays.

    >>> portable({"lists": ("/home/me/my lists/out.csv",), "max": 0.9, "bucket": "gs://a/b.csv"})
    {'lists': ['out.csv'], 'max': 0.9, 'bucket': 'b.csv'}
    >>> portable("toxicity: detoxify:/home/me/own.ckpt"), portable("and/or")
    ('toxicity: detoxify:own.ckpt', 'and/or')
    """
    if isinstance(value, Mapping):
        return {str(name): portable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [portable(inner) for inner in value]
    if not isinstance(value, str):
        return value
    return value.rstrip("/").rsplit("/", 1)[-1] if os.path.isabs(value) else _FOLDERS.sub("", value)
