"""Two filesystems of Beam's kind, registered by import, each over a local folder: an object store and one with directories.

`mirror://` is as S3 and Cloud Storage are: objects by key and no directories, a PUT that nobody sees before it is complete and that
replaces what was there, no rename, errors of kinds of its own. `shelf://` is as HDFS is: directories, files that everybody sees while
they are written, nothing that replaces anything.
"""

import contextlib
import io
import os
import pathlib
import posixpath
import threading
import unittest.mock
import urllib.parse
from collections.abc import Iterator

from apache_beam.io.filesystem import BeamIOError, CompressionTypes, FileMetadata, FileSystem
from apache_beam.io.filesystemio import Downloader, DownloaderStream, Uploader, UploaderStream

FOLDER = "WINNOW_MIRROR"  # environment variable: where the objects lie
requests: list[tuple[str, str]] = []  # what the object store was asked: (operation, URL)
lost = threading.Event()  # while it is set, the object store cannot be reached


class StoreError(Exception):
    """What the object store raises, as clients of real ones do: no OSError."""


class _Object(Downloader):
    def __init__(self, url: str) -> None:
        self._url, self._file = url, _file(url)
        self._size = _status(url).st_size

    @property
    def size(self) -> int:
        return self._size

    def get_range(self, start: int, end: int) -> bytes:
        _request("read", self._url)
        with open(self._file, "rb") as file:
            file.seek(start)
            return file.read(end - start)


class Put(Uploader):
    def __init__(self, url: str) -> None:
        self._url, self._file, self._parts = url, _file(url), list[bytes]()

    def put(self, data: memoryview) -> None:
        self._parts.append(bytes(data))

    def finish(self) -> None:
        _request("create", self._url)
        arriving = self._file.parent / f"%{self._file.name}"  # no quoted key begins so
        arriving.write_bytes(b"".join(self._parts))
        os.replace(arriving, self._file)


def _request(operation: str, url: str) -> None:
    if lost.is_set():
        raise StoreError("connection reset")
    requests.append((operation, url))


def _status(url: str) -> os.stat_result:
    _request("metadata", url)
    try:
        return _file(url).stat()
    except FileNotFoundError as error:
        raise StoreError("404 no such key") from error


class _Folder:
    """What both have in common."""

    def join(self, basepath, *paths):
        return "/".join([basepath.rstrip("/"), *(path.strip("/") for path in paths)])

    def split(self, path):
        head, _, tail = path.rpartition("/")
        return head, tail

    def size(self, path):
        return self.metadata(path).size_in_bytes

    def last_updated(self, path):
        return self.metadata(path).last_updated_in_seconds

    def metadata(self, path):
        status = _status(path)
        return FileMetadata(path, status.st_size, status.st_mtime)

    def copy(self, source_file_names, destination_file_names):
        raise BeamIOError("copying is not asked for")  # of one that has directories: it is seen before it is whole


class MirrorFileSystem(_Folder, FileSystem):
    """An object store."""

    @classmethod
    def scheme(cls):
        return "mirror"

    def mkdirs(self, path):
        raise BeamIOError("there are no directories")

    def has_dirs(self):
        return False

    def _list(self, dir_or_prefix) -> Iterator[FileMetadata]:
        _request("list", dir_or_prefix)
        for file in sorted(pathlib.Path(os.environ[FOLDER]).iterdir()):
            url = f"mirror://{urllib.parse.unquote(file.name)}"
            if not file.name.startswith("%") and file.is_file() and url.startswith(dir_or_prefix):
                yield FileMetadata(url, file.stat().st_size, file.stat().st_mtime)

    def create(self, path, mime_type="", compression_type=CompressionTypes.AUTO):
        return io.BufferedWriter(UploaderStream(Put(path), "wb"))

    def open(self, path, mime_type="", compression_type=CompressionTypes.AUTO):
        return io.BufferedReader(DownloaderStream(_Object(path), mode="rb"), 1 << 12)

    def rename(self, source_file_names, destination_file_names):
        raise BeamIOError("nothing is renamed in an object store")

    def copy(self, source_file_names, destination_file_names):
        for source, target in zip(source_file_names, destination_file_names, strict=True):
            _request("copy", target)
            _file(target).write_bytes(_file(source).read_bytes())

    def exists(self, path):
        _request("exists", path)
        return _file(path).is_file()

    def delete(self, paths):
        for path in paths:
            _request("delete", path)
            try:
                _file(path).unlink()
            except FileNotFoundError as error:
                raise BeamIOError("Delete operation failed", {path: error}) from error


class ShelfFileSystem(_Folder, FileSystem):
    """A filesystem with directories."""

    @classmethod
    def scheme(cls):
        return "shelf"

    def mkdirs(self, path):
        if _file(path).exists():
            raise BeamIOError(f"Path already exists: {path}")
        _file(path).mkdir(parents=True)

    def has_dirs(self):
        return True

    def _list(self, dir_or_prefix):
        if not _file(dir_or_prefix).is_dir():
            raise BeamIOError("List operation failed", {dir_or_prefix: "no such directory"})
        for file in sorted(_file(dir_or_prefix).iterdir()):
            yield FileMetadata(posixpath.join(dir_or_prefix, file.name), file.stat().st_size, file.stat().st_mtime)

    def create(self, path, mime_type="", compression_type=CompressionTypes.AUTO):
        _file(path).parent.mkdir(parents=True, exist_ok=True)
        return open(_file(path), "xb", buffering=0)

    def open(self, path, mime_type="", compression_type=CompressionTypes.AUTO):
        return open(_file(path), "rb")

    def rename(self, source_file_names, destination_file_names):
        for source, destination in zip(source_file_names, destination_file_names, strict=True):
            if _file(destination).exists():
                raise BeamIOError("Rename operation failed", {(source, destination): "exists"})
            _file(source).rename(_file(destination))

    def exists(self, path):
        return _file(path).exists()

    def delete(self, paths):
        for path in paths:
            _file(path).unlink()


def _file(url: str) -> pathlib.Path:
    scheme, _, place = url.partition("://")
    folder = pathlib.Path(os.environ[FOLDER])
    return folder / place if scheme == "shelf" else folder / urllib.parse.quote(place, safe="")


@contextlib.contextmanager
def mounted(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Both filesystems, empty, over a new folder, while a block runs."""
    folder.mkdir(parents=True)
    requests.clear()
    with unittest.mock.patch.dict(os.environ, {FOLDER: str(folder)}):
        yield folder
    lost.clear()


def upload(folder: pathlib.Path, url: str) -> None:
    """Puts every file below a folder under a URL."""
    for path in folder.rglob("*"):
        if path.is_file():
            file = _file(f"{url}/{path.relative_to(folder)}")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(path.read_bytes())


def download(url: str) -> dict[str, bytes]:
    """Path below a URL of the object store -> bytes."""
    place = url.partition("://")[2] + "/"
    names = {urllib.parse.unquote(file.name): file for file in pathlib.Path(os.environ[FOLDER]).iterdir()}
    return {name.removeprefix(place): file.read_bytes() for name, file in sorted(names.items()) if name.startswith(place)}
