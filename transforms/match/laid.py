"""Blocks of an exchange laid down on this machine's disk, so that what travels is only where each lies.

Beam's local runner holds every byte of an exchange four to ten times over and copies it a dozen times; what it is not given it cannot
copy. So on one machine a block is written once and read once, where its key is at work, and an exchange is bounded by the disk (by the
page cache, mostly: it is gone before the system would write it). On a cluster blocks travel through the engine's own shuffle. The steps
know no difference.
"""

import contextlib
import dataclasses
import os
import struct
from collections.abc import Iterable, Iterator

from schemas.errors import InputError
from schemas.layout import join
from transforms import storage

LEAST = 1 << 12  # bytes of a block; a shorter one travels
_PLACE = struct.Struct("<QQQ")  # no sender, where the block begins, its length; the name of the file follows
_NO_SENDER = (1 << 64) - 1


@dataclasses.dataclass(frozen=True)
class Floor:
    """A folder of this machine where the blocks of one pipeline lie.

    Attributes:
      folder: where.
    """

    folder: str

    def lay(self, name: str, blocks: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
        """Keys and blocks -> the same keys, each with its block or, if it is long, with where it lies: in a file of this name.

        Raises:
          EngineError: the folder cannot be written to, or is full.
        """
        path, at = join(self.folder, name), 0
        with contextlib.ExitStack() as stack:
            for key, block in blocks:
                if len(block) < LEAST:
                    yield key, block
                    continue
                with storage.writing(path):
                    if not at:
                        os.makedirs(self.folder, exist_ok=True)
                        file = stack.enter_context(open(path, "wb", buffering=0))
                    written = 0
                    while written < len(block):  # the system takes no more than 2 GiB at once
                        written += file.write(memoryview(block)[written:])
                yield key, _PLACE.pack(_NO_SENDER, at, len(block)) + name.encode()
                at += len(block)

    def take(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Blocks, and where others lie -> all blocks.

        Raises:
          InputError: a file is not as it was written.
        """
        for block in blocks:
            if len(block) <= _PLACE.size or _PLACE.unpack_from(block)[0] != _NO_SENDER:
                yield block
                continue
            _, at, length = _PLACE.unpack_from(block)
            path = join(self.folder, block[_PLACE.size :].decode())
            with open(path, "rb", buffering=0) as file:
                file.seek(at)
                found = file.read(length)
            if len(found) != length:
                raise InputError(f"{path}: {len(found)} bytes at {at} where {length} were written; run again")
            yield found

    def clear(self) -> None:
        """Takes away all blocks: to be called when the pipeline has ended."""
        storage.remove_all(file.path for file in storage.list_folder(self.folder))
