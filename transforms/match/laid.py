"""Blocks of an exchange laid down on this machine's disk, so that what travels is only where each lies.

Beam's local runner holds every byte of an exchange four to ten times over and copies it a dozen times; what it is not given it cannot
copy. So on one machine a block is written once and read once, where its key is at work, and an exchange is bounded by the disk (by the
page cache, mostly). Files that a pipeline is done with are written over by the next: a page of the cache that is there costs a third to a
tenth of a new one, most where a virtual machine has given its free memory back. On a cluster blocks travel through the engine's own
shuffle. The steps know no difference.
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
_SPARE = ".spare"


@dataclasses.dataclass(frozen=True)
class Floor:
    """A folder of this machine where the blocks of one pipeline lie.

    Attributes:
      folder: where.
    """

    folder: str

    def lay(self, step: str, number: int, key: int, blocks: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
        """Keys and blocks -> the same keys, each with its block or, if it is long, with where it lies: in a file of the step's own.

        Args:
          step: a name without a hyphen.
          number: of the step in this process.
          key: what the step is at.
          blocks: the keys and blocks.

        Raises:
          EngineError: the folder cannot be written to, or is full.
        """
        name, at = f"{step}-{number}-{key}", 0
        path, spare = join(self.folder, name), self._spare(step, key)
        with contextlib.ExitStack() as stack:
            for to, block in blocks:
                if len(block) < LEAST:
                    yield to, block
                    continue
                with storage.writing(path):
                    if not at:
                        os.makedirs(self.folder, exist_ok=True)
                        with contextlib.suppress(FileNotFoundError):
                            os.rename(spare, path)
                        file = stack.enter_context(open(path, "wb", buffering=0, opener=_as_it_is))
                    written = 0
                    while written < len(block):  # the system takes no more than 2 GiB at once
                        written += file.write(memoryview(block)[written:])
                yield to, _PLACE.pack(_NO_SENDER, at, len(block)) + name.encode()
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

    def reuse(self) -> None:
        """Gives all files to whoever lays down blocks next: to be called when a pipeline has ended."""
        for file in storage.list_folder(self.folder):
            if not file.path.endswith(_SPARE):
                step, _, key = os.path.basename(file.path).split("-")
                os.replace(file.path, self._spare(step, int(key)))

    def clear(self) -> None:
        """Takes away all files."""
        storage.remove_all(file.path for file in storage.list_folder(self.folder))

    def _spare(self, step: str, key: int) -> str:
        return join(self.folder, f"{step}-{key}{_SPARE}")


def _as_it_is(path: str, flags: int) -> int:
    """Opens a file to be written over, longer than what is written to it or not."""
    return os.open(path, flags & ~os.O_TRUNC, 0o600)
