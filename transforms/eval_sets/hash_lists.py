"""Lists of hashes of a benchmark's pictures, in the forms in which they are published, and which rows have one of them.

| form | a line |
|---|---|
| `md5sum`, `sha1sum`, `sha256sum` | `2ced981ae965987bbe88552d5562ff10  images/1.jpg`, `*` before the name and a leading backslash too |
| BSD, `openssl` | `MD5 (images/1.jpg) = 2ced981ae965987bbe88552d5562ff10` |
| bare | the digits alone |
| CSV, TSV, Parquet | columns `kind` and `value`, and `radius` where it likes; or columns called `md5`, `sha1`, `sha256`, `phash` |

32 digits are an MD5, 40 a SHA-1, 64 a SHA-256 of the file's bytes, 16 a perceptual hash (`imagehash.phash`, first bit highest). gzip is
undone. What is none of these stops the job and names the line: a hash that is passed over lets a test picture in.
"""

import csv
import dataclasses
import functools
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa

from schemas.errors import JobError
from schemas.job import Benchmark
from schemas.reasons import EVAL_OVERLAP
from schemas.signatures import FAST_SLACK
from transforms.consent.digests import Digests
from transforms.consent.list_files import MAX_RADIUS, content_of, text_of
from transforms.consent.phashes import PerceptualHashes
from transforms.filters.base import Artefact, Finding
from transforms.storage import list_files, read_bytes

KEY: Final = "dedup.eval_overlap"
_DIGITS: Final = {"md5": 32, "sha1": 40, "sha256": 64, "phash": 16}
_KINDS: Final = {length: kind for kind, length in _DIGITS.items()}
_SUM: Final = re.compile(r"\\?([0-9a-fA-F]{16,64})(?:\s+\*?\S.*)?")
_BSD: Final = re.compile(r"(?:MD5|SHA-?1|SHA2?-?256)\s*\(.*\)\s*=\s*([0-9a-fA-F]{32,64})", re.IGNORECASE)
_HEX: Final = re.compile(r"(?:0x)?([0-9a-fA-F]+)")


@dataclasses.dataclass(frozen=True, slots=True)
class Hash:
    """One hash of a list. `kind`: md5, sha1, sha256 or phash; `radius`: bits, of a phash that has its own, else None."""

    kind: str
    value: bytes
    radius: int | None = None


def read_hashes(path: str) -> Iterator[Hash]:
    """The hashes of a list, in the order of the file.

    Raises:
      MissingError: there is no such file.
      JobError: a line is no hash; names it.
    """
    content = content_of(path, KEY)
    if content[:4] == b"PAR1":
        yield from _table(path, _parquet(path, content))
        return
    text = text_of(path, content)
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    delimiter = "\t" if "\t" in first else ","
    names = {name.strip().casefold() for name in next(csv.reader([first], delimiter=delimiter), [])}
    if {"kind", "value"} <= names or names & set(_DIGITS):
        yield from _table(path, _csv(path, text, delimiter))
        return
    for row, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield _of_line(path, row, line.strip())


def _of_line(path: str, row: int, line: str) -> Hash:
    found = _SUM.fullmatch(line) or _BSD.fullmatch(line)
    kind = _KINDS.get(len(found.group(1))) if found else None
    if found is None or kind is None:
        raise JobError(
            f"{path}, line {row}: is no MD5 (32 digits), SHA-1 (40), SHA-256 (64) or perceptual hash (16), alone or before a file name as "
            f"md5sum writes them; for anything else give a CSV with the columns kind and value"
        )
    return Hash(kind, bytes.fromhex(found.group(1)))


def _csv(path: str, text: str, delimiter: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    without_comments = ("\n" if line.startswith("#") else line for line in io.StringIO(text, newline=""))
    reader = csv.reader(without_comments, delimiter=delimiter)
    names: list[str] | None = None
    try:
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            if names is None:
                names = [name.strip().casefold() for name in fields]
                continue
            if len(fields) > len(names):
                raise JobError(f"{path}, line {reader.line_num}: has {len(fields)} fields where the header has {len(names)}")
            yield reader.line_num, dict(zip(names, fields, strict=False))
    except csv.Error as error:
        raise JobError(f"{path}, line {reader.line_num}: is no CSV ({error})") from error


def _parquet(path: str, content: bytes) -> Iterator[tuple[int, Mapping[str, Any]]]:
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(content))
    except pa.ArrowException as error:
        raise JobError(f"{path}: looks like Parquet and cannot be read ({error}); write the list again") from error
    wanted = [name for name in table.column_names if name.casefold() in {"kind", "value", "radius", *_DIGITS}]
    table = table.select(wanted).rename_columns([name.casefold() for name in wanted])
    if not {"kind", "value"} <= set(table.column_names) and not set(_DIGITS) & set(table.column_names):
        raise JobError(f"{path}: has no columns kind and value, and none called {', '.join(_DIGITS)}")
    row = 0
    for batch in table.to_batches(max_chunksize=65_536):
        for fields in batch.to_pylist():
            row += 1
            yield row, fields


def _table(path: str, rows: Iterator[tuple[int, Mapping[str, Any]]]) -> Iterator[Hash]:
    for row, fields in rows:
        if "kind" in fields and "value" in fields:
            pairs = [(str(fields["kind"] or "").strip().casefold(), fields["value"])]
            if pairs[0][0] not in _DIGITS:
                raise JobError(f"{path}, line {row}: kind {pairs[0][0]!r} is none of {', '.join(_DIGITS)}")
        else:
            pairs = [(kind, fields[kind]) for kind in _DIGITS if fields.get(kind) not in (None, "")]
        for kind, value in pairs:
            yield Hash(kind, _digest(f"{path}, line {row}", kind, value), _radius(f"{path}, line {row}", fields.get("radius")))


def _digest(where: str, kind: str, value: Any) -> bytes:
    if isinstance(value, int) and kind == "phash":
        value = f"{value & 0xFFFF_FFFF_FFFF_FFFF:016x}"
    text = value.hex() if isinstance(value, bytes) and len(value) * 2 == _DIGITS[kind] else str(value or "").strip()
    digits = _HEX.fullmatch(text)
    if not digits or len(digits.group(1)) != _DIGITS[kind]:
        raise JobError(f"{where}: a {kind} is {_DIGITS[kind]} hexadecimal digits")
    return bytes.fromhex(digits.group(1))


def _radius(where: str, value: Any) -> int | None:
    text = "" if value is None else str(value).strip()
    if not text:
        return None
    if not re.fullmatch(r"\d{1,2}(\.0+)?", text) or int(float(text)) > MAX_RADIUS:
        raise JobError(f"{where}: radius {text!r} is no whole number from 0 to {MAX_RADIUS}")
    return int(float(text))


@dataclasses.dataclass(frozen=True)
class ListedSet:
    """The hashes of one benchmark set. Attributes: its name, digests by kind, perceptual hashes, and how many there are in all."""

    name: str
    digests: Mapping[str, Digests]
    phashes: PerceptualHashes
    size: int

    def find(self, annotations: pa.RecordBatch, slack: int) -> list[Finding]:
        """The rows that have one of the hashes, one finding a kind; a row is told once.

        Args:
          annotations: columns of `schemas.annotations.BASE`.
          slack: bits added to the radius of perceptual hashes.
        """
        told = np.zeros(annotations.num_rows, bool)
        findings = []
        for kind, digests in self.digests.items():
            rows = np.flatnonzero((digests.find(annotations.column(kind).to_pylist()) >= 0) & ~told)
            told[rows] = True
            findings.append(Finding("reason", EVAL_OVERLAP, rows, details=f"{self.name}: exact hash ({kind})"))
        column = annotations.column("phash")
        asked = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False) & ~told)
        if len(self.phashes) and len(asked):
            hashes = column.take(pa.array(asked)).to_numpy(zero_copy_only=False).astype(np.uint64)
            rows = asked[self.phashes.find(hashes, slack) >= 0]
            findings.append(Finding("reason", EVAL_OVERLAP, rows, details=f"{self.name}: near hash (phash)"))
        return [finding for finding in findings if len(finding.rows)]


def hash_files(sets: Sequence[Benchmark]) -> list[Artefact]:
    """The lists of all sets as the manifest names them; each is read, so that what is wrong with one is told before any row is judged.

    Raises:
      MissingError: a list is not there.
      JobError: a list is malformed; the message names the line.
    """
    load_sets(sets)
    return [
        Artefact(f"{KEY}: {wanted.name}: {path.rsplit('/', 1)[-1]}", path, hashlib.sha256(read_bytes(path)).hexdigest())
        for wanted in sets
        for path in wanted.hashes
    ]


def load_sets(sets: Sequence[Benchmark]) -> tuple[ListedSet, ...]:
    """The hashes of every set that is given by any; read once in a process, as long as no list changes."""
    wanted = tuple((found.name, found.hashes, found.radius) for found in sets if found.hashes)
    versions = tuple((found.path, found.size, found.version) for _, paths, _ in wanted for path in paths for found in list_files(path))
    return _loaded(wanted, versions)


def listed_overlaps(sets: Sequence[Benchmark], annotations: pa.RecordBatch, mode: Literal["fast", "exact"]) -> list[Finding]:
    """The rows that a list of any set has, a finding for each set and kind.

    Args:
      sets: as the job names them.
      annotations: columns of `schemas.annotations.BASE`.
      mode: how pictures were decoded for their perceptual hashes.
    """
    slack = FAST_SLACK if mode == "fast" else 0
    return [finding for listed in load_sets(sets) for finding in listed.find(annotations, slack)]


@functools.lru_cache(maxsize=2)
def _loaded(wanted: tuple[tuple[str, tuple[str, ...], int], ...], versions: tuple[tuple[str, int, str], ...]) -> tuple[ListedSet, ...]:  # noqa: ARG001  part of the key
    return tuple(load_set(name, paths, radius) for name, paths, radius in wanted)


def load_set(name: str, paths: Sequence[str], radius: int) -> ListedSet:
    """The hashes of a set from all its lists.

    Args:
      name: of the set.
      paths: of the lists.
      radius: bits, of perceptual hashes without a radius of their own.

    Raises:
      MissingError: a list is not there.
      JobError: a list is malformed, or holds no hash: a set that finds nothing lets the benchmark in.
    """
    packed: dict[str, bytearray] = {kind: bytearray() for kind in ("sha256", "sha1", "md5")}
    near: list[tuple[int, int]] = []
    size = 0
    for path in paths:
        before = size
        for found in read_hashes(path):
            size += 1
            if found.kind == "phash":
                near.append((int.from_bytes(found.value), radius if found.radius is None else found.radius))
            else:
                packed[found.kind] += found.value[:16]
        if size == before:
            raise JobError(f"{path}: holds no hash; put the whole list there, or take it out of {KEY}")
    digests = {kind: Digests.of(bytes(raw), np.arange(len(raw) // 16)) for kind, raw in packed.items() if raw}
    hashes, radii = np.array([value for value, _ in near], np.uint64), np.array([bits for _, bits in near], np.int64)
    return ListedSet(name, digests, PerceptualHashes(hashes, radii, np.arange(len(near))), size)
