"""Files on any filesystem that Beam reads: listing, opening, and writing so that nobody ever sees half a file.

Every writer of Winnow publishes through `atomic_write`: bytes go to local scratch first, then appear under their final name by one
rename (local disk) or one PUT (object store). Temporary names begin with a dot; `sweep` removes what a killed run left.
"""

import contextlib
import dataclasses
import functools
import os
import pathlib
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from typing import BinaryIO, cast

from schemas.errors import EngineError, InputError

TEMPORARY = ".winnow-"


@dataclasses.dataclass(frozen=True, order=True)
class FileInfo:
    """One file as its filesystem lists it. `version` changes when the file does."""

    path: str
    size: int
    version: str


def is_local(path: str) -> bool:
    """Whether a path lies on this machine's own filesystem."""
    return "://" not in path


def list_files(pattern: str) -> list[FileInfo]:
    """Files that match a glob, sorted by path; hidden ones left out.

    Raises:
      EngineError: the filesystem cannot be reached or its extra is not installed.
    """
    if is_local(pattern):
        found = []
        root = pathlib.Path(pattern)
        anchor = pathlib.Path(root.anchor or ".")
        relative = root.relative_to(root.anchor) if root.anchor else root
        matches = [root] if root.is_file() else sorted(anchor.glob(str(relative)))
        for path in matches:
            if path.is_file() and not path.name.startswith("."):
                status = path.stat()
                found.append(FileInfo(str(path), status.st_size, str(status.st_mtime_ns)))
        return found
    from apache_beam.io.filesystems import FileSystems

    try:
        metadata = FileSystems.match([pattern])[0].metadata_list
    except Exception as error:  # every filesystem raises kinds of its own
        raise EngineError(
            f"{pattern}: cannot be listed ({error}); is the filesystem's extra installed and are its credentials set?"
        ) from error
    return sorted(
        FileInfo(m.path, m.size_in_bytes, f"{m.last_updated_in_seconds}") for m in metadata if not m.path.rsplit("/", 1)[-1].startswith(".")
    )


def exists(path: str) -> bool:
    """Whether a file is there."""
    if is_local(path):
        return os.path.isfile(path)
    from apache_beam.io.filesystems import FileSystems

    return bool(FileSystems.exists(path))


def open_read(path: str) -> BinaryIO:
    """A seekable file, as its bytes are (nothing is decompressed).

    Raises:
      InputError: there is no such file, or it cannot be opened.
    """
    try:
        if is_local(path):
            return open(path, "rb")
        from apache_beam.io.filesystem import CompressionTypes
        from apache_beam.io.filesystems import FileSystems

        return cast("BinaryIO", FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED))
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error})") from error


def read_bytes(path: str) -> bytes:
    """A whole file."""
    with open_read(path) as file:
        return file.read()


@contextlib.contextmanager
def local_copy(path: str) -> Iterator[str]:
    """The path of a local file with the same bytes: the file itself, or a copy that goes away afterwards."""
    if is_local(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix=TEMPORARY) as folder:
        copy = os.path.join(folder, "copy")
        with open_read(path) as source, open(copy, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        yield copy


@contextlib.contextmanager
def atomic_write(path: str) -> Iterator[str]:
    """A local scratch path to write to; what was written appears at `path` when the block ends well, and nowhere when it does not."""
    if is_local(path):
        folder = os.path.dirname(path) or "."
        os.makedirs(folder, exist_ok=True)
        scratch = os.path.join(folder, f"{TEMPORARY}{uuid.uuid4().hex}")
        try:
            yield scratch
            with open(scratch, "rb") as written:
                os.fsync(written.fileno())
            os.replace(scratch, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.remove(scratch)
        return
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    with tempfile.TemporaryDirectory(prefix=TEMPORARY) as temporary:
        scratch = os.path.join(temporary, "scratch")
        yield scratch
        with open(scratch, "rb") as source, FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED) as target:
            shutil.copyfileobj(source, target, 1 << 20)


def write_bytes(path: str, content: bytes) -> None:
    """A whole file, atomically."""
    with atomic_write(path) as scratch:
        pathlib.Path(scratch).write_bytes(content)


def remove(path: str) -> None:
    """Removes a file; one that is not there is no error."""
    if is_local(path):
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
        return
    from apache_beam.io.filesystems import FileSystems

    if FileSystems.exists(path):
        FileSystems.delete([path])


def make_private(folder: str) -> None:
    """Creates a folder that only its owner can read (mode 0700), where the filesystem has modes."""
    if is_local(folder):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        os.chmod(folder, 0o700)


def sweep(folder: str) -> None:
    """Removes temporary files that a killed run left directly in a folder."""
    if is_local(folder) and os.path.isdir(folder):
        for name in os.listdir(folder):
            if name.startswith(TEMPORARY):
                remove(os.path.join(folder, name))


@functools.cache
def scratch_folder() -> str:
    """A folder on this machine for caches that survive a run (compiled kernels, fetched models)."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    for folder in (os.path.join(base, "winnow"), os.path.join(tempfile.gettempdir(), f"winnow-{os.getuid()}")):
        with contextlib.suppress(OSError):
            os.makedirs(folder, exist_ok=True)
            return folder
    return tempfile.mkdtemp(prefix="winnow-")
