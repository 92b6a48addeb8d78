"""The bytes of a file that may be compressed, told by content: gzip, bzip2, xz, zstd, in any number of parts one after another.

Damage ends the stream where it is met: what was expanded before is given, and said.
"""

import bz2
import contextlib
import lzma
import os
import tempfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, Literal

import pyarrow as pa

from transforms.local_copy import local_copy
from transforms.remote import TEMPORARY

Compression = Literal["gzip", "bzip2", "xz", "zstd"]

CHUNK = 1 << 16
# Pictures hardly shrink. What grows beyond both bounds is a bomb, not a shard.
MAX_RATIO = 200
MAX_FREE = 4 << 30

_MAGIC: dict[bytes, Compression] = {b"\x1f\x8b\x08": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_SKIPPABLE = bytes(range(0x50, 0x60))  # first byte of a zstd skippable frame, RFC 8878 section 3.1.2
_STEP = 512  # of zstd output: what a damaged frame had given before is not lost with it


def compression_of(head: bytes) -> Compression | None:
    """The compression that a file's first bytes tell.

    >>> compression_of(bytes.fromhex("1f8b0800")), compression_of(b"000.jpg")
    ('gzip', None)
    """
    if head[:1] and head[0] in _SKIPPABLE and head[1:4] == b"\x2a\x4d\x18":
        return "zstd"
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)


@contextlib.contextmanager
def local_tar(path: str) -> Iterator[tuple[str, str | None]]:
    """A local, uncompressed file with a tar's bytes (itself, or a copy that goes away), and what was wrong with the compressed stream."""
    with local_copy(path) as local, open(local, "rb") as file:
        kind = compression_of(file.read(8))
        if kind is None:
            yield local, None
            return
        file.seek(0)
        expanded = Expanded(file, kind)
        with tempfile.TemporaryDirectory(prefix=TEMPORARY) as folder:
            scratch = os.path.join(folder, "tar")
            with open(scratch, "wb") as target:
                target.writelines(expanded)
            yield scratch, expanded.damage


class Expanded:
    """Iterates over the expanded bytes of a file.

    Attributes:
      damage: what was wrong with the stream, None where nothing was; known once the iteration has ended.
    """

    def __init__(self, file: BinaryIO, kind: Compression) -> None:
        self.damage: str | None = None
        self._file = file
        self._kind = kind

    def __iter__(self) -> Iterator[bytes]:
        read = given = 0
        for used, chunk in self._zstd() if self._kind == "zstd" else self._parts():
            read, given = max(read, used), given + len(chunk)
            if given > max(MAX_FREE, MAX_RATIO * read):
                self.damage = f"{self._kind}: expands to more than {MAX_RATIO} times its size, not read on"
                return
            if chunk:
                yield chunk

    def _parts(self) -> Iterator[tuple[int, bytes]]:
        """Compressed bytes read so far, and what came of them, at most `CHUNK` at a time."""
        make = {"gzip": lambda: zlib.decompressobj(31), "bzip2": bz2.BZ2Decompressor, "xz": lzma.LZMADecompressor}[self._kind]
        part: Any = make()
        raw, used, begun = b"", 0, False
        while True:
            ended = False
            if not raw and getattr(part, "needs_input", True):
                raw = self._file.read(CHUNK)
                used, ended = used + len(raw), not raw
            if ended and not begun:
                return
            if not begun and not (raw := raw.lstrip(b"\0")):  # padding between and after parts
                continue
            try:
                chunk = part.flush() if ended and self._kind == "gzip" else b"" if ended else part.decompress(raw, CHUNK)
            except (zlib.error, OSError, lzma.LZMAError, EOFError):
                self.damage = f"{self._kind}: the compressed stream is damaged, or other bytes follow it"
                return
            yield used, chunk
            if ended and not part.eof:
                self.damage = f"{self._kind}: the compressed stream ends early"
                return
            raw = part.unused_data if part.eof else getattr(part, "unconsumed_tail", b"")
            begun = not part.eof
            part = make() if part.eof else part

    def _zstd(self) -> Iterator[tuple[int, bytes]]:
        stream = pa.CompressedInputStream(pa.PythonFile(self._file, "r"), "zstd")
        while True:
            try:
                chunk = stream.read(_STEP)
            except OSError:
                self.damage = "zstd: the compressed stream ends early, is damaged, or other bytes follow it"
                return
            if not chunk:
                return
            yield self._file.tell(), chunk
