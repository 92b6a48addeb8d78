"""Lists of nothing but hashes, read as columns: millions of entries in a second or two. Any other list is left to `list_files`.

What is read here is what `list_files` would read, entry by entry; at the first thing that is out of the ordinary (a quote, a blank line,
a date, an odd value) nothing is read here at all, so that messages and exceptions come from one place.
"""

import binascii
import dataclasses
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

DIGITS: Final = {"sha256": 64, "sha1": 40, "md5": 32, "uid": 32}
_OF_BARE: Final = {64: ("sha256",), 40: ("sha1",), 32: ("md5", "uid")}  # what a line of so many digits may be
_COLUMNS: Final = frozenset({"kind", "value", "reason", "source"})
_BYTES: Final = 16  # what entries are found by
_ROWS: Final = 100_000
_BLOCK: Final = 8 << 20


@dataclasses.dataclass(frozen=True)
class HashColumn:
    """Hashes of one kind and reason, in the order of the file.

    Attributes:
      kind: a key of `DIGITS`.
      reason: as the list says it, in lower case; not yet checked. Empty where it says none.
      digests: the first 16 bytes of each hash, packed.
      rows: the row of each in the file, from 1, a header counted; int64[n].
    """

    kind: str
    reason: str
    digests: bytes
    rows: np.ndarray


def hash_columns(content: bytes) -> list[HashColumn] | None:
    """The entries of a text that is plainly a list of hashes, bare or as CSV; None where it is not.

    >>> [(found.kind, found.rows.tolist()) for found in hash_columns(b"0" * 64 + bytes([10]) + b"F" * 64 + bytes([10]))]
    [('sha256', [1, 2])]
    >>> hash_columns(b"example.org") is None, hash_columns(b'kind,value' + bytes([10]) + b'md5,"x"') is None
    (True, True)
    """
    head = content[:4096].removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].strip().lower()
    if not head or b'"' in content or b"\n\n" in content or b"\r" in content.replace(b"\r\n", b"\n"):
        return None
    names = head.decode("latin-1").split(",")
    if len(names) == 1:
        return _bare(content.removeprefix(b"\xef\xbb\xbf"))
    return _tabular(content, names) if len(set(names)) == len(names) and {"kind", "value"} <= set(names) <= _COLUMNS else None


def _bare(content: bytes) -> list[HashColumn] | None:
    width = len(content.partition(b"\n")[0].rstrip(b"\r"))
    ending = b"\r\n" if content[width : width + 1] == b"\r" else b"\n"
    content = content if content.endswith(b"\n") else content + ending
    step = width + len(ending)
    if width not in _OF_BARE or len(content) % step:
        return None
    found = []
    for at in range(0, len(content), step * _ROWS):
        signs = np.frombuffer(content[at : at + step * _ROWS], np.uint8).reshape(-1, step)
        if signs[:, width:].tobytes() != ending * len(signs) or (digests := _packed(signs[:, :width])) is None:
            return None
        rows = np.arange(at // step, at // step + len(signs)) + 1
        found += [HashColumn(kind, "", digests, rows) for kind in _OF_BARE[width]]
    return found


def _tabular(content: bytes, names: list[str]) -> list[HashColumn] | None:
    reading = csv.ReadOptions(column_names=names, skip_rows=1, use_threads=False, block_size=_BLOCK)
    types = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    found: list[HashColumn] = []
    rows = 0
    try:
        with csv.open_csv(pa.BufferReader(content), reading, csv.ParseOptions(quote_char=False), types) as batches:
            for batch in batches:
                columns = _columns_of(batch, rows)
                if columns is None:
                    return None
                found += columns
                rows += batch.num_rows
    except pa.ArrowInvalid:
        return None
    return found if rows and rows == content.count(b"\n") - content.endswith(b"\n") else None


def _columns_of(batch: pa.RecordBatch, before: int) -> list[HashColumn] | None:
    """The hashes of some lines of a CSV; `before` are the entries of the lines before them."""
    kinds = pc.utf8_lower(pc.utf8_trim_whitespace(batch.column("kind")))
    given = batch.column("reason") if "reason" in batch.schema.names else pa.repeat("", batch.num_rows)
    reasons = pc.utf8_lower(pc.utf8_trim_whitespace(given))
    pairs = pa.table({"kind": kinds, "reason": reasons}).group_by(["kind", "reason"]).aggregate([]).to_pylist()
    found = []
    for kind, reason in sorted((pair["kind"], pair["reason"]) for pair in pairs):
        mine = pc.and_(pc.equal(kinds, kind), pc.equal(reasons, reason))
        values = pc.utf8_trim_whitespace(batch.column("value").filter(mine))
        width = DIGITS.get(kind, -1)
        if width < 0 or not pc.all(pc.equal(pc.binary_length(values), width)).as_py():
            return None
        start = np.frombuffer(values.buffers()[1], np.int32, 1, 4 * values.offset)[0]
        digests = _packed(np.frombuffer(values.buffers()[2], np.uint8, len(values) * width, start).reshape(-1, width))
        if digests is None:
            return None
        rows = np.flatnonzero(mine.to_numpy(zero_copy_only=False)) + before + 2
        found.append(HashColumn(kind, reason, digests, rows))
    return found


def _packed(digits: np.ndarray) -> bytes | None:
    """The first 16 bytes of hashes from their hexadecimal digits, uint8[n, digits]; None where one is no digit."""
    try:
        raw = binascii.unhexlify(digits.tobytes())
    except binascii.Error:
        return None
    return np.frombuffer(raw, np.uint8).reshape(len(digits), -1)[:, :_BYTES].tobytes()
