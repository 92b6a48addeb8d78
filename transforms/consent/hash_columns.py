"""Lists of nothing but hashes, read as columns: millions of entries in a second or two. Any other list is left to `list_files`.

What is read here is what `list_files` would read, entry by entry; at the first thing that is out of the ordinary (a quote, a blank line,
a date, an odd value) nothing is read here at all, so that messages and exceptions come from one place.
"""

import dataclasses
import io
from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from schemas.reasons import OPT_OUT

DIGITS: Final = {"sha256": 64, "sha1": 40, "md5": 32, "uid": 32}
_OF_BARE: Final = {64: ("sha256",), 40: ("sha1",), 32: ("md5", "uid")}  # what a line of so many digits may be
_COLUMNS: Final = frozenset({"kind", "value", "reason", "source"})
_DIGEST: Final = 32  # hexadecimal digits that entries are found by
_VALUES: Final = np.full(256, 255, np.uint8)
for _value, _signs in enumerate("0123456789abcdef"):
    _VALUES[[ord(_signs), ord(_signs.upper())]] = _value


@dataclasses.dataclass(frozen=True)
class HashColumn:
    """Hashes of one kind and reason, in the order of the file.

    Attributes:
      kind: a key of `DIGITS`.
      reason: as the list says it, in lower case; not yet checked.
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
    lines = content.replace(b"\r\n", b"\n")
    lines = lines if lines.endswith(b"\n") else lines + b"\n"
    width = lines.index(b"\n")
    if width not in _OF_BARE or len(lines) % (width + 1):
        return None
    signs = np.frombuffer(lines, np.uint8).reshape(-1, width + 1)
    if (signs[:, width] != ord("\n")).any() or (digests := _packed(signs[:, :width])) is None:
        return None
    rows = np.arange(1, len(signs) + 1)
    return [HashColumn(kind, OPT_OUT, digests, rows) for kind in _OF_BARE[width]]


def _tabular(content: bytes, names: list[str]) -> list[HashColumn] | None:
    options = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    try:
        table = csv.read_csv(
            io.BytesIO(content),
            csv.ReadOptions(column_names=names, skip_rows=1, use_threads=False),
            csv.ParseOptions(quote_char=False),
            options,
        ).combine_chunks()
    except pa.ArrowInvalid:
        return None
    if table.num_rows != content.count(b"\n") - content.endswith(b"\n") or not table.num_rows:
        return None
    kinds = pc.utf8_lower(pc.utf8_trim_whitespace(table.column("kind")))
    given = table.column("reason") if "reason" in names else pa.chunked_array([pa.repeat("", table.num_rows)])
    reasons = pc.utf8_lower(pc.utf8_trim_whitespace(given))
    found = []
    for kind, reason in sorted(set(zip(*(_distinct(kinds, reasons)), strict=True))):
        mine = pc.and_(pc.equal(kinds, kind), pc.equal(reasons, reason))
        values = pc.utf8_trim_whitespace(table.column("value").filter(mine)).combine_chunks()
        width = DIGITS.get(kind, -1)
        if width < 0 or not pc.all(pc.equal(pc.binary_length(values), width)).as_py():
            return None
        signs = np.frombuffer(values.buffers()[2], np.uint8, len(values) * width).reshape(-1, width)
        if (digests := _packed(signs)) is None:
            return None
        rows = np.flatnonzero(mine.to_numpy()) + 2
        found.append(HashColumn(kind, reason or OPT_OUT, digests, rows))
    return found


def _distinct(kinds: pa.ChunkedArray, reasons: pa.ChunkedArray) -> Iterator[list[str]]:
    """The kinds and reasons that stand together somewhere."""
    pairs = pa.table({"kind": kinds, "reason": reasons}).group_by(["kind", "reason"]).aggregate([])
    yield pairs.column("kind").to_pylist()
    yield pairs.column("reason").to_pylist()


def _packed(signs: np.ndarray) -> bytes | None:
    """The first 16 bytes of hashes from their hexadecimal digits, uint8[n, digits]; None where one is no digit."""
    if (_VALUES[signs] > 15).any():
        return None
    digits = _VALUES[signs[:, :_DIGEST]]
    return (digits[:, 0::2] << 4 | digits[:, 1::2]).tobytes()
