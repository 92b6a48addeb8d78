"""A local file with the bytes of a remote one, for libraries that want a path: for as long as a block, or kept for later runs."""

import contextlib
import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator

from schemas.errors import InputError
from schemas.layout import join
from transforms.remote import CHUNK, TEMPORARY
from transforms.storage import atomic_write, is_local, list_files, open_read, scratch_folder


class _Copy:
    """A remote file fetched once for all who ask for it at the same time."""

    def __init__(self, path: str) -> None:
        self.path, self.users = path, 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._fetching = threading.Lock()

    def fetch(self) -> str:
        with self._fetching:
            if self._folder is None:
                folder = tempfile.TemporaryDirectory(prefix=TEMPORARY)
                _fetch(self.path, join(folder.name, "copy"))
                self._folder = folder
        return join(self._folder.name, "copy")

    def remove(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()


_copies: dict[str, _Copy] = {}
_counting = threading.Lock()


@contextlib.contextmanager
def local_copy(path: str) -> Iterator[str]:
    """The path of a local file with the same bytes: the file itself, or a copy that goes away afterwards.

    A block inside another one for the same path is given the same copy.
    """
    if is_local(path):
        yield path
        return
    with _counting:
        copy = _copies.setdefault(path, _Copy(path))
        copy.users += 1
    try:
        yield copy.fetch()
    finally:
        with _counting:
            copy.users -= 1
            if not copy.users:
                del _copies[path]
                copy.remove()


def kept_copy(path: str) -> str:
    """The path of a local file with the same bytes: the file itself, or a copy that stays on this machine for later runs.

    Raises:
      InputError: there is no such file.
    """
    if is_local(path):
        return path
    found = list_files(path)
    if not found:
        raise InputError(f"{path}: cannot be opened: there is no such file")
    name = hashlib.sha256(f"{path}\n{found[0].size}\n{found[0].version}".encode()).hexdigest()[:16]
    kept = join(scratch_folder(), "fetched", f"{name}-{path.rpartition('/')[2]}")
    if not os.path.isfile(kept):
        with atomic_write(kept) as scratch:
            _fetch(path, scratch)
    return kept


def _fetch(path: str, target: str) -> None:
    with open_read(path) as source, open(target, "wb") as copy:
        shutil.copyfileobj(source, copy, CHUNK)
