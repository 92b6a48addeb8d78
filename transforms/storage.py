"""Files on any filesystem: listing, opening, and writing so that nobody ever sees half a file. Only here is local told from remote.

Every writer of Winnow publishes through `atomic_write`: bytes go to local scratch first, then appear under their final name by one
rename (local disk) or one PUT (object store). Temporary names begin with a dot; `sweep` removes what a killed run left. What a remote
filesystem must offer stands in `transforms.remote`.
"""

import contextlib
import dataclasses
import errno
import functools
import json
import os
import pathlib
import re
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import EngineError, InputError
from schemas.layout import join
from transforms import remote
from transforms.remote import TEMPORARY

AT_ONCE = 32  # requests to a remote filesystem
_GLOB = re.compile(r"[*?[]")
_NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOTDIR, errno.EEXIST}


@dataclasses.dataclass(frozen=True, order=True)
class FileInfo:
    """One file as its filesystem lists it. `version` changes when the file does."""

    path: str
    size: int
    version: str


def is_local(path: str) -> bool:
    """Whether a path lies on this machine's own filesystem."""
    return "://" not in path


def located(path: str, folder: str) -> str:
    """A path that may be relative to a folder, on whichever filesystem that lies.

    >>> located("shards/*.tar", "/data/job"), located("../b.csv", "gs://bucket/job"), located("s3://a/b", "/data")
    ('/data/job/shards/*.tar', 'gs://bucket/b.csv', 's3://a/b')
    """
    if not is_local(path) or os.path.isabs(path):
        return path
    if is_local(folder):
        return os.path.normpath(os.path.join(folder, path))
    scheme, _, place = folder.partition("://")
    return f"{scheme}://{os.path.normpath(os.path.join(place, path))}"


def folder_of(path: str) -> str:
    """The folder that a file lies in; absolute where it is local."""
    return os.path.dirname(os.path.abspath(path)) if is_local(path) else path.rpartition("/")[0]


def list_files(pattern: str) -> list[FileInfo]:
    """Files that match a glob, or bear exactly that name, sorted by path; hidden ones left out.

    Raises:
      EngineError: the filesystem cannot be reached or its extra is not installed.
    """
    if not is_local(pattern):
        found = remote.match(pattern)
        if not found and _GLOB.search(pattern) and remote.exists(pattern):
            found = [entry for entry in remote.match(_GLOB.sub("?", pattern)) if entry[0] == pattern]
        return _shown(found)
    root = pathlib.Path(pattern)
    if root.is_file():
        return _shown([_described(str(root))])
    folder, parts = pathlib.Path(root.anchor or "."), list(root.relative_to(root.anchor).parts)
    while len(parts) > 1 and (folder / parts[0]).is_dir():  # a folder of that very name, brackets and all, is meant
        folder /= parts.pop(0)
    return _shown(_described(str(path)) for path in folder.glob("/".join(parts) or "*") if path.is_file())


def list_folder(folder: str, ending: str = "") -> list[FileInfo]:
    """Files that lie directly in a folder, sorted by path; hidden ones left out. Nothing in its name is taken for a glob.

    Args:
      folder: one that is not there has no files.
      ending: what names end in.

    Raises:
      EngineError: the filesystem cannot be reached or its extra is not installed.
    """
    if not is_local(folder):
        return _shown(_directly_in(folder, f"*{ending}"))
    try:
        with os.scandir(folder) as entries:
            return _shown(_described(join(folder, entry.name)) for entry in entries if entry.name.endswith(ending) and entry.is_file())
    except FileNotFoundError:
        return []


def list_below(folder: str) -> list[FileInfo]:
    """Files that lie in a folder or in any folder below it, as `list_folder` lists them; links to folders are followed.

    Of a filesystem that Beam lists a folder at a time (HDFS), folders stand in it as files do, and reading one is an error.
    """
    if not is_local(folder):
        found = remote.match(join(_GLOB.sub("?", folder), "**"))
        return _shown(entry for entry in found if entry[0].startswith(f"{folder.rstrip('/')}/"))
    paths = (join(place, name) for place, _, names in os.walk(folder, followlinks=True) for name in names)
    return _shown(_described(path) for path in paths if os.path.isfile(path))


def _shown(found: Iterable[tuple[str, int, str]]) -> list[FileInfo]:
    return sorted(FileInfo(*entry) for entry in found if not entry[0].rpartition("/")[2].startswith("."))


def _described(path: str) -> tuple[str, int, str]:
    status = os.stat(path)
    return path, status.st_size, str(status.st_mtime_ns)


def _directly_in(folder: str, pattern: str) -> list[tuple[str, int, str]]:
    """What matches in a remote folder, whose own name may look like a glob; Beam knows no quoting."""
    return [entry for entry in remote.match(join(_GLOB.sub("?", folder), pattern)) if entry[0].rpartition("/")[0] == folder.rstrip("/")]


def exists(path: str) -> bool:
    """Whether a file is there."""
    return os.path.isfile(path) if is_local(path) else remote.exists(path)


def version_of(path: str) -> str:
    """What tells a file that was read from one that has changed since: size, and etag or time of change."""
    return repr([(found.size, found.version) for found in list_files(path)])


def open_read(path: str) -> BinaryIO:
    """A seekable file, as its bytes are (nothing is decompressed).

    Raises:
      InputError: there is no such file, or it cannot be opened.
    """
    if not is_local(path):
        return remote.open_read(path)
    try:
        return open(path, "rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error})") from error


def read_bytes(path: str) -> bytes:
    """A whole file."""
    with open_read(path) as file:
        return file.read()


def read_json(path: str, content: bytes | None = None) -> Any:
    """What a JSON file of Winnow's own holds, by its content where that was read before.

    Raises:
      InputError: there is no such file, or it is damaged.
    """
    content = read_bytes(path) if content is None else content
    with _intact(path, ValueError):
        return json.loads(content)


@contextlib.contextmanager
def open_arrow(path: str) -> Iterator[pa.NativeFile]:
    """A file for pyarrow: mapped into memory where it is local, else read where it is asked for. Arrays made of it outlive the block.

    Raises:
      InputError: there is no such file, or what the block reads in it is damaged.
    """
    with (
        open_read(path) as file,
        pa.PythonFile(file, "r") if not is_local(path) else pa.memory_map(path) as source,
        _intact(path, pa.ArrowInvalid),
    ):
        yield source


@contextlib.contextmanager
def open_parquet(path: str) -> Iterator[pq.ParquetFile]:
    """A Parquet file.

    Raises:
      InputError: there is no such file, or what the block reads in it is damaged.
    """
    with open_read(path) as file, _intact(path, pa.ArrowInvalid):
        yield pq.ParquetFile(file, pre_buffer=False)


@contextlib.contextmanager
def _intact(path: str, damaged: type[Exception]) -> Iterator[None]:
    """Names the file where what the block raises says that it is damaged."""
    try:
        yield
    except damaged as error:
        cure = "put it back as it was, or remove it and end the run that wrote it again"
        raise InputError(f"{path}: is cut short or damaged ({error}); {cure}") from error


def read_parquet(path: str, columns: Sequence[str] | None = None) -> pa.Table:
    """A whole Parquet file, or some of its columns.

    Arrow's own threads stay out of it: one of them that still holds a file of Python's when the interpreter ends aborts the process.

    Raises:
      InputError: there is no such file, or it cannot be opened, or is damaged.
    """
    with open_parquet(path) as file:
        return file.read(None if columns is None else list(columns), use_threads=False)


@contextlib.contextmanager
def atomic_write(path: str) -> Iterator[str]:
    """A local scratch path to write to; what was written appears at `path` when the block ends well, and nowhere when it does not.

    Raises:
      EngineError: the place cannot be written to, or is full.
    """
    if not is_local(path):
        with tempfile.TemporaryDirectory(prefix=TEMPORARY) as temporary:
            scratch = join(temporary, "scratch")
            yield scratch
            remote.put(scratch, path)
        return
    folder = os.path.dirname(path) or "."
    scratch = os.path.join(folder, f"{TEMPORARY}{uuid.uuid4().hex}")
    try:
        with writing(path):
            os.makedirs(folder, exist_ok=True)
            yield scratch
            with open(scratch, "rb") as written:
                os.fsync(written.fileno())
            os.replace(scratch, path)
    finally:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.remove(scratch)


@contextlib.contextmanager
def writing(path: str) -> Iterator[None]:
    """Says of a local file, and in our words, why it cannot be written in the block.

    Raises:
      EngineError: the place cannot be written to, or is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _NOT_WRITABLE:
            raise
        raise EngineError(f"{path}: cannot be written ({os.strerror(error.errno)}); make room, or give this user the folder") from error


def write_bytes(path: str, content: bytes) -> None:
    """A whole file, atomically."""
    with atomic_write(path) as scratch:
        pathlib.Path(scratch).write_bytes(content)


def remove(path: str) -> None:
    """Removes a file; one that is not there is no error."""
    if not is_local(path):
        remote.delete(path)
        return
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.remove(path)


def remove_all(paths: Iterable[str]) -> None:
    """Removes files, many at a time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(remove, paths))


def check_writable(folder: str) -> None:
    """Makes sure that files can be written below a local folder, there already or not; writes nothing.

    Raises:
      EngineError: names what is in the way.
    """
    if not is_local(folder):
        return
    nearest = os.path.abspath(folder)
    while not os.path.lexists(nearest):
        nearest = os.path.dirname(nearest)
    if not os.path.isdir(nearest):
        raise EngineError(f"{folder}: cannot be written, because {nearest} is no folder; name another")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise EngineError(f"{folder}: cannot be written, because this user may not write to {nearest}; have that allowed, or name another")


def is_below(path: str, folder: str) -> bool:
    """Whether a file lies in a folder or deeper, whatever links lead there.

    >>> is_below("gs://a/out/data/1.parquet", "gs://a/out"), is_below("/a/outer/1.tar", "/a/out")
    (True, False)
    """
    if is_local(path) and is_local(folder):
        path, folder = os.path.realpath(path), os.path.realpath(folder)
    return path.startswith(join(folder, ""))


def make_private(folder: str) -> None:
    """Creates a folder that only its owner can read (mode 0700), where the filesystem has modes."""
    if is_local(folder):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        os.chmod(folder, 0o700)


def remove_if_empty(folder: str) -> None:
    """Removes a folder of this machine that holds nothing; object stores have no such folders."""
    if is_local(folder):
        with contextlib.suppress(OSError):  # it holds something, or is not there
            os.rmdir(folder)


def sweep(folder: str) -> None:
    """Removes temporary files that a killed run left directly in a folder."""
    if not is_local(folder):
        if remote.keeps_temporaries(folder):
            remove_all([path for path, _, _ in _directly_in(folder, f"{TEMPORARY}*")])
    elif os.path.isdir(folder):
        remove_all([join(folder, name) for name in os.listdir(folder) if name.startswith(TEMPORARY)])


@functools.cache
def scratch_folder() -> str:
    """A folder on this machine, this user's own, for caches that survive a run (compiled kernels, fetched models)."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    for folder in (os.path.join(base, "winnow"), os.path.join(tempfile.gettempdir(), f"winnow-{os.getuid()}")):
        with contextlib.suppress(OSError):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            if os.stat(folder).st_uid == os.getuid():  # in a folder open to all, somebody else may have been there first
                return folder
    return tempfile.mkdtemp(prefix="winnow-")
