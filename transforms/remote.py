"""Files on Beam's filesystems: every failure is one of Winnow's errors, and says what is missing.

What a filesystem must offer, as a subclass of `apache_beam.io.filesystem.FileSystem` that is imported before a run starts:

  match           files by a glob, each with its size and the time of its last change; hidden or not
  exists, delete  of one file
  open            for reading, seekable
  create          replaces what was there, and shows nothing before it is closed: one PUT. Where there are directories (`has_dirs`) it need
                  not: there a file is written beside, and `rename` gives it its name, which nothing has at that moment

A file must be there for everybody as soon as `create` or `rename` has returned. Nothing else is asked for: no locks, no appending, on
object stores no rename. Credentials are the filesystem's own affair; its options are Beam's.
"""

import contextlib
import importlib.util
import io
import logging
import re
import shutil
import threading
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, cast

from schemas.errors import EngineError, InputError, WinnowError
from schemas.layout import join

TEMPORARY = ".winnow-"
# scheme: extra of ours, and a module that it brings
EXTRAS = {
    "gs": ("gcp", "google.cloud.storage"),
    "s3": ("aws", "boto3"),
    "azfs": ("azure", "azure.storage.blob"),
    "hdfs": ("hadoop", "hdfs"),
}
CHUNK = 1 << 20

ANSWER_SECS = 20.0

_given: list[tuple[str, ...]] = []
_answering: set[str] = set()  # places that have answered this process


def use_options(beam_args: Sequence[str]) -> None:
    """Beam's own options of a run, for what is read and written before its first pipeline and after.

    Args:
      beam_args: as given after `--`, and found to be right.
    """
    _given[:] = [tuple(beam_args)]


def match(pattern: str) -> list[tuple[str, int, str]]:
    """Path, size and version of the files that match a glob.

    Raises:
      EngineError: the filesystem cannot be reached, or its extra is not installed.
    """
    system = _system(pattern)
    with _reached(pattern, "listed"):
        folder = re.split(r"[*?[]", pattern, maxsplit=1)[0].rpartition("/")[0]
        if system.has_dirs() and not system.exists(folder):
            return []
        found = system.match([pattern])[0].metadata_list
        return [(entry.path, entry.size_in_bytes, str(entry.last_updated_in_seconds)) for entry in found]


def exists(path: str) -> bool:
    """Whether a file is there."""
    system = _system(path)
    with _reached(path, "looked for"):
        return bool(system.exists(path))


def open_read(path: str) -> BinaryIO:
    """A seekable file; when the filesystem fails later, reading raises an EngineError.

    Raises:
      InputError: there is no such file.
    """
    from apache_beam.io.filesystem import CompressionTypes

    system = _system(path)
    try:
        return cast("BinaryIO", _File(path, system.open(path, compression_type=CompressionTypes.UNCOMPRESSED)))
    except Exception as error:  # every filesystem raises kinds of its own
        raise _lost(path, error) from error


def put(local: str, path: str) -> None:
    """Puts a local file's bytes at a path, at once; where that fails, no part of them stays there."""
    system = _system(path)
    with _reached(path, "written"):
        if not system.has_dirs():
            _copy(system, local, path)
            return
        folder, _, name = path.rpartition("/")
        beside = join(folder, f"{TEMPORARY}{uuid.uuid4().hex}-{name}")
        _copy(system, local, beside)
        if system.exists(path):
            system.delete([path])
        system.rename([beside], [path])


def copy(source: str, path: str) -> bool:
    """Has an object store copy a file within itself, at once; whether it is one that holds both."""
    system = _system(path)
    if system.has_dirs() or source.partition("://")[0] != path.partition("://")[0]:
        return False
    with _reached(path, "written"):
        system.copy([source], [path])
    return True


def delete(path: str) -> None:
    """Removes a file; one that is not there is no error."""
    system = _system(path)
    with _reached(path, "removed"):
        try:
            if system.exists(path):
                system.delete([path])
        except Exception:  # somebody else may have removed it meanwhile
            if system.exists(path):
                raise


def keeps_temporaries(path: str) -> bool:
    """Whether a killed run can leave temporary files there."""
    return bool(_system(path).has_dirs())


def _copy(system: Any, local: str, path: str) -> None:
    from apache_beam.io.filesystem import CompressionTypes

    target = system.create(path, compression_type=CompressionTypes.UNCOMPRESSED)
    try:
        with open(local, "rb") as source:
            shutil.copyfileobj(source, target, CHUNK)
    except BaseException:  # Ctrl-C too: what was written so far would be published as the whole when the file is closed
        with contextlib.suppress(Exception):  # the error that is already on its way says more
            target.close()
        with contextlib.suppress(Exception):
            system.delete([path])
        raise
    target.close()


def _system(path: str) -> Any:
    """The filesystem of a path.

    Raises:
      EngineError: its extra is not installed, or Beam knows none for its scheme.
    """
    scheme = path.partition("://")[0]
    extra, module = EXTRAS.get(scheme, ("", ""))
    if module and not _is_installed(module):
        cure = f"pip install 'winnow-curation[{extra}]', here and wherever workers run"
        raise EngineError(f"{path}: {scheme}:// needs the extra {extra}, which is not installed: {cure}")
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options.pipeline_options import PipelineOptions

    if _given or FileSystems._pipeline_options is None:  # a worker has those of its job
        FileSystems.set_options(PipelineOptions(list(_given.pop() if _given else ())))
    try:
        system = FileSystems.get_filesystem(path)
    except Exception as error:  # of many kinds: no such scheme, no credentials, no such host
        known = ", ".join(f"{name}:// (extra {needs})" for name, (needs, _) in EXTRAS.items())
        raise EngineError(
            f"{path}: there is no filesystem {scheme}:// ({error}). Beam has {known}; a path on this machine is written without a scheme"
        ) from error
    _ask(system, path)
    return system


def _ask(system: Any, path: str) -> None:
    """Asks a place for a first answer. Beam's clients go on trying for minutes, in silence, where credentials are missing.

    Raises:
      EngineError: there is no answer in time.
    """
    place = "/".join(path.split("/")[:3])
    if place in _answering:
        return

    def ask() -> None:
        with contextlib.suppress(Exception):  # it will be raised again where it is asked for
            system.exists(path)

    asking = threading.Thread(target=ask, name=f"first answer of {place}", daemon=True)
    with _retries() as told:
        asking.start()
        asking.join(ANSWER_SECS)
    if asking.is_alive():
        last = f": {told[-1]}" if told else ""
        raise EngineError(f"{place} does not answer within {ANSWER_SECS:.0f} s; are the network and the credentials there?{last}")
    _answering.add(place)


@contextlib.contextmanager
def _retries() -> Iterator[list[str]]:
    """What Beam's clients say of their retries in the block: the errors that they do not raise."""
    told: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: told.append(record.getMessage().splitlines()[0])  # type: ignore[method-assign]
    logger = logging.getLogger("apache_beam.utils.retry")
    logger.addHandler(handler)
    try:
        yield told
    finally:
        logger.removeHandler(handler)


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of a package around it
        return False


@contextlib.contextmanager
def _reached(path: str, done: str) -> Iterator[None]:
    try:
        yield
    except WinnowError:
        raise
    except Exception as error:  # every filesystem raises kinds of its own
        raise _unreachable(path, done, error) from error


def _lost(path: str, error: Exception) -> WinnowError:
    return _unreachable(path, "read", error) if exists(path) else InputError(f"{path}: cannot be opened: there is no such file")


def _unreachable(path: str, done: str, error: Exception) -> EngineError:
    told = f"{type(error).__name__}: {error}"
    return EngineError(f"{path}: cannot be {done} ({told}); are the network and the credentials there? Running again is safe")


class _File(io.BufferedIOBase):
    """An open file whose own failures cannot be taken for damaged data: pyarrow hands an EngineError on as it is."""

    def __init__(self, path: str, file: Any) -> None:
        self._path, self._file = path, file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            return bytes(self._file.read(-1 if size is None else size))
        except Exception as error:  # every filesystem raises kinds of its own
            raise _lost(self._path, error) from error

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return int(self._file.seek(offset, whence) or self._file.tell())

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
