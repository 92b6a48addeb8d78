"""How many rows a shard has, found without the reader: law 1 compares the two.

A tar is counted over its stream of 512-byte blocks with no seek and no offset kept; of the reader's code only the rule of names and the
expansion of compressed bytes are shared. A Parquet file is counted from its footer.
"""

import contextlib
from collections.abc import Iterator
from typing import Final

import pyarrow.parquet as pq

from schemas.errors import UnreadableShardError
from schemas.job import Source
from schemas.shards import Shard
from transforms.local_copy import local_copy
from transforms.read.cleaning import DAMAGE, as_text
from transforms.read.columns import ROLES
from transforms.read.expand import CHUNK, Expanded, compression_of
from transforms.read.members import is_system_file, kind_of, owner, split_name
from transforms.storage import open_read

_BLOCK: Final = 512
_NO_DATA = frozenset(b"123456")
_LONGEST = 1 << 20


def count_rows(shard: Shard, source: Source | None = None) -> int:
    """Rows of a shard.

    Args:
      shard: what to count.
      source: where the sidecar's key column may be mapped.

    Raises:
      UnreadableShardError: a Parquet file without a footer.
    """
    if shard.format == "webdataset":
        keys = _tar_keys(shard.path)
        return len(keys) + _sidecar_rows(shard, source, {key.decode(errors="replace") for key in keys})
    try:
        with open_read(shard.path) as file:
            footer = pq.read_metadata(file)
    except DAMAGE as error:
        raise UnreadableShardError(f"{shard.path}: cannot be read as Parquet ({error})") from error
    return sum(footer.row_group(group).num_rows for group in range(*(shard.row_groups or (0, footer.num_row_groups))))


class _Blocks:
    """A stream cut into blocks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = b""
        self._place = 0

    def take(self, size: int) -> bytes:
        """The next bytes; fewer at the end."""
        parts = []
        while size:
            if self._place == len(self._held):
                self._held, self._place = next(self._chunks, b""), 0
                if not self._held:
                    break
            part = self._held[self._place : self._place + size]
            self._place += len(part)
            size -= len(part)
            parts.append(part)
        return b"".join(parts)

    def skip(self, size: int) -> int:
        """Passes over bytes; how many there were."""
        passed = 0
        while passed < size and (part := self.take(min(size - passed, CHUNK))):
            passed += len(part)
        return passed


def _tar_keys(path: str) -> set[bytes]:
    with local_copy(path) as local, open(local, "rb") as file:
        kind = compression_of(file.read(8))
        file.seek(0)
        chunks = iter(lambda: file.read(CHUNK), b"") if kind is None else iter(Expanded(file, kind))
        return _keys(_names(_Blocks(chunks)))


def _keys(names: Iterator[bytes]) -> set[bytes]:
    """Distinct samples: keys of pictures, captions and JSON, and members of other types that belong to none of these."""
    keys: set[bytes] = set()
    others: set[bytes] = set()
    for name in names:
        if not is_system_file(name):
            key, type_name = split_name(name)
            if kind_of(type_name) == "other":
                others.add(name)
            else:
                keys.add(key)
    return keys | {owner(name, keys) for name in others}


def _names(blocks: _Blocks) -> Iterator[bytes]:
    """Names of the regular files, one after another."""
    standing: dict[bytes, bytes] = {}
    coming: dict[bytes, bytes] = {}
    while len(block := blocks.take(_BLOCK)) == _BLOCK:
        if not _sums_up(block):
            continue
        size = _number(block[124:136])
        if size is None:
            continue
        kind = block[156]
        if kind in b"LKxXg":
            data = blocks.take(size) if size <= _LONGEST else b""
            if (len(data) if data else blocks.skip(size)) < size:
                return
            blocks.skip(-size % _BLOCK)
            (standing if kind == ord("g") else coming).update(_extended(chr(kind), data))
            continue
        told = standing | coming
        coming = {}
        name = told.get(b"path", _short_name(block))
        size = int(told.get(b"size", b"%d" % size))
        if kind in _NO_DATA:
            continue
        if kind == ord("S") and block[482]:
            while len(more := blocks.take(_BLOCK)) == _BLOCK and more[504]:
                pass
        if not (kind in b"DVM" or (kind in b"0\0" and name.endswith(b"/"))):
            yield name
        blocks.skip(size + -size % _BLOCK)


def _extended(kind: str, data: bytes) -> dict[bytes, bytes]:
    """What a header says of the next member: its path, its size."""
    if kind == "K" or not data:
        return {}
    if kind == "L":
        return {b"path": data.split(b"\0", 1)[0]}
    told: dict[bytes, bytes] = {}
    while data:
        digits, space, rest = data.partition(b" ")
        name, equals, _ = rest.partition(b"=")
        if not (space and equals and name and digits.isdigit() and len(digits) <= 20):
            break
        length = int(digits)
        start = len(digits) + len(name) + 2
        if not start < length <= len(data):
            break
        value, data = data[start : length - 1], data[length:]
        if name in (b"path", b"GNU.sparse.name"):
            told[b"path"] = value
        elif name == b"size" and value.isdigit() and len(value) < 19:
            told[b"size"] = value
    return told


def _short_name(block: bytes) -> bytes:
    name, prefix = (block[start:end].split(b"\0", 1)[0] for start, end in ((0, 100), (345, 500)))
    return b"/".join([prefix, name]) if prefix and block[257:263] == b"ustar\0" else name


def _sums_up(block: bytes) -> bool:
    """Whether the header's checksum holds, of unsigned or signed bytes."""
    digits = block[148:156].strip(b"\0 ")
    if not 0 < len(digits) <= 8 or digits.strip(b"01234567"):
        return False
    missing = int(digits, 8) - (sum(block) - sum(block[148:156]) + 8 * ord(" "))
    return missing == 0 or missing == -256 * sum(byte >> 7 for byte in block[:148] + block[156:])


def _number(field: bytes) -> int | None:
    if field[0] == 0x80:
        value = int.from_bytes(field[1:], "big")
        return value if value >> 62 == 0 else None
    digits = field.split(b"\0", 1)[0].strip(b" ")
    return None if digits.strip(b"01234567") else int(digits or b"0", 8)


def _sidecar_rows(shard: Shard, source: Source | None, in_tar: set[str]) -> int:
    """Rows that only the sidecar has."""
    if shard.sidecar is None:
        return 0
    mapped = source.columns.get("key") if source else None
    with local_copy(shard.sidecar) as local, contextlib.suppress(*DAMAGE):  # the reader tells what is wrong with it
        file = pq.ParquetFile(local)
        column = next((name for name in ((mapped,) if mapped else ROLES["key"]) if name in file.schema_arrow.names), None)
        if column is not None:
            keys = file.read(columns=[column]).column(0)
            texts = [as_text(chunk)[0] for chunk in keys.chunks]
            return sum(
                len(chunk) if text is None else sum(key not in in_tar for key in text.to_pylist())
                for chunk, text in zip(keys.chunks, texts, strict=True)
            )
    return 0
