"""Gives files second names, so that a release made from another one does not hold twice what did not change."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from transforms import remote
from transforms.remote import CHUNK, TEMPORARY
from transforms.storage import AT_ONCE, atomic_write, is_local, open_read


def share(source: str, target: str) -> None:
    """Makes `target` the same file as `source`: a hard link where one filesystem of this machine holds both, else a copy.

    Every writer of Winnow replaces files and changes none, so that neither name sees what becomes of the other. An object store copies
    within itself.

    Raises:
      InputError: there is no such file.
      EngineError: the place cannot be written to, or is full.
    """
    if is_local(source) and is_local(target):
        with contextlib.suppress(OSError):  # another filesystem, one without links, or no right to make them: a copy does as well
            _link(source, target)
            return
    elif not is_local(source) and not is_local(target) and remote.copy(source, target):
        return
    with open_read(source) as file, atomic_write(target) as scratch, open(scratch, "wb") as copy:
        shutil.copyfileobj(file, copy, CHUNK)


def share_all(pairs: Iterable[tuple[str, str]]) -> None:
    """The same for many files, some at a time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda pair: share(*pair), pairs))


def _link(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
    scratch = os.path.join(os.path.dirname(target), f"{TEMPORARY}{uuid.uuid4().hex}")
    os.link(source, scratch)
    os.replace(scratch, target)
    with contextlib.suppress(FileNotFoundError):
        os.remove(scratch)  # where both names were one file already, the rename did nothing
