"""What people have flagged in a release: a file of flags joins the review queue, and what is accepted there becomes an entry.

A flag is `{uid | url, kind, reporter, evidence}`; `reporter` is a keyed hash (HMAC) of whoever flagged it, and addresses and numbers in the
evidence are written over, so that nobody who flags is named here. The queue is private and lies in `work/review/flags.parquet`.
"""

import csv
import dataclasses
import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import DifferenceError, JobError
from schemas.layout import Layout
from schemas.reasons import ILLEGAL, OPT_OUT, TAKEN_DOWN
from schemas.removals import FLAGS, REQUESTS
from transforms.consent.list_files import DEFAULT_RADIUS, Entry, content_of, text_of
from transforms.footers import read_footer
from transforms.storage import atomic_write, exists, make_private, read_parquet
from transforms.text.personal_data import KINDS, redact
from transforms.text.url import normal_url

ALL: Final = "all"
_LAST: Final = b"winnow.last_flag"
_REASONS: Final = {**REQUESTS, ILLEGAL: ILLEGAL, OPT_OUT: OPT_OUT}  # every other kind of flag is a takedown
_UID: Final = re.compile(r"[0-9a-f]{32}")
_KEYED: Final = re.compile(r"[0-9a-fA-F]{32,128}")


@dataclasses.dataclass(frozen=True)
class Flag:
    """One flag of the queue; fields as in `schemas.removals.FLAGS`."""

    flag_id: str
    uid: str | None
    url: str | None
    kind: str
    reporter: str
    evidence: str | None

    @property
    def number(self) -> int:
        """Of its id."""
        return int(self.flag_id.removeprefix("f-"))

    @property
    def named(self) -> str:
        """What it names: a uid, or a URL in normal form."""
        return self.uid if self.uid is not None else normal_url(self.url or "")

    @property
    def reason(self) -> str:
        """What it becomes a reason of once it is accepted."""
        return _REASONS.get(self.kind, TAKEN_DOWN)

    def entry(self) -> Entry:
        """The entry it becomes once it is accepted."""
        kind, value = ("uid", self.uid) if self.uid is not None else ("url", self.url)
        request = self.kind if self.kind in REQUESTS else ""
        return Entry(kind, value or "", DEFAULT_RADIUS, self.reason, self.reporter, "", "", self.number, request)


def queue(layout: Layout) -> list[Flag]:
    """The flags that nobody has decided on yet, the oldest first."""
    return [Flag(**row) for row in read_parquet(layout.flags).to_pylist()] if exists(layout.flags) else []


def write_queue(layout: Layout, flags: Sequence[Flag], last: int) -> None:
    """Writes the queue, atomically; `last` is the greatest number that a flag ever had, for none is given twice."""
    make_private(layout.work)
    make_private(layout.review)
    with atomic_write(layout.flags) as scratch:
        table = pa.Table.from_pylist([dataclasses.asdict(flag) for flag in flags], FLAGS).replace_schema_metadata({_LAST: str(last)})
        pq.write_table(table, scratch, compression="zstd")


def last_number(layout: Layout) -> int:
    """The greatest number that a flag ever had; 0 before there was any."""
    return int(read_footer(layout.flags).metadata.get(_LAST, b"0")) if exists(layout.flags) else 0


def add_flags(layout: Layout, path: str) -> list[Flag]:
    """Adds a file of flags to the queue; one that is in it already, word for word, is not added again.

    Returns:
      The flags that were added.

    Raises:
      MissingError: there is no such file.
      JobError: it is malformed; the message names the row.
    """
    there = queue(layout)
    known = {dataclasses.astuple(flag)[1:] for flag in there}
    number = last_number(layout)
    added: list[Flag] = []
    for found in read_flags(path):
        if dataclasses.astuple(found)[1:] not in known:
            known.add(dataclasses.astuple(found)[1:])
            added.append(dataclasses.replace(found, flag_id=f"f-{number + len(added) + 1:06d}"))
    if added:
        write_queue(layout, [*there, *added], number + len(added))
    return added


def accepted(layout: Layout, ids: Sequence[str]) -> list[Flag]:
    """Flags of the queue by their ids; `all` stands for all of them.

    Raises:
      DifferenceError: there is no such flag in the queue.
    """
    there = {flag.flag_id: flag for flag in queue(layout)}
    unknown = next((given for given in ids if given != ALL and given not in there), None)
    if unknown is not None or (ids and not there):
        raise DifferenceError(
            f"{layout.flags}: holds no flag {unknown or ALL!r}; `winnow flag` adds a file of flags, and their ids look like f-000001"
        )
    return list(there.values()) if ALL in ids else [there[given] for given in dict.fromkeys(ids)]


def dismiss(layout: Layout, ids: Sequence[str]) -> None:
    """Takes flags out of the queue that nothing follows from.

    Raises:
      DifferenceError: there is no such flag in the queue.
    """
    gone = {flag.flag_id for flag in accepted(layout, ids)}
    write_queue(layout, [flag for flag in queue(layout) if flag.flag_id not in gone], last_number(layout))


def read_flags(path: str) -> Iterator[Flag]:
    """The flags of a file (CSV, Parquet, or a JSON object a line), in its order, without an id.

    Raises:
      MissingError: there is no such file.
      JobError: it is malformed; the message names the row.
    """
    content = content_of(path, "flags")
    number = 0
    try:
        if content[:4] == b"PAR1":
            rows = iter(pq.read_table(pa.BufferReader(content)).to_pylist())
        else:
            text = text_of(path, content)
            rows = _json_lines(path, text) if text.lstrip().startswith("{") else csv.DictReader(io.StringIO(text, newline=""))
        for number, fields in enumerate(rows, 1):
            yield _flag(f"{path}, row {number}", fields)
    except (pa.ArrowException, OSError, csv.Error) as error:
        raise JobError(f"{path}, after row {number}: cannot be read ({error}); write the flags again") from error


def _json_lines(path: str, text: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(filter(str.strip, text.splitlines()), 1):
        try:
            found = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise JobError(f"{path}, row {number}: is no JSON ({error})") from error
        if not isinstance(found, dict):
            raise JobError(f"{path}, row {number}: is no JSON object")
        yield found


def _flag(where: str, fields: dict[str, Any]) -> Flag:
    told = {name: str(fields[name]).strip() for name in FLAGS.names if fields.get(name) is not None and str(fields[name]).strip()}
    if ("uid" in told) == ("url" in told):
        raise JobError(f"{where}: a flag names a uid or a URL, and only one of them")
    if "kind" not in told:
        raise JobError(f"{where}: kind is empty; say what is wrong with the row")
    if not _KEYED.fullmatch(told.get("reporter", "")):
        raise JobError(
            f"{where}: reporter must be a keyed hash (HMAC) of whoever flagged it, 32 to 128 hexadecimal digits, and no name or address"
        )
    if "uid" in told and not _UID.fullmatch(told["uid"].lower()):
        raise JobError(f"{where}: a uid is 32 hexadecimal digits")
    uid = told["uid"].lower() if "uid" in told else None
    evidence = redact(told["evidence"], KINDS) if "evidence" in told else None
    return Flag("", uid, told.get("url"), told["kind"].casefold(), told["reporter"].lower(), evidence)
