"""Gives a file a second name, so that a release made from another one does not hold twice what did not change."""

import contextlib
import os
import shutil
import uuid

from transforms.remote import CHUNK, TEMPORARY
from transforms.storage import atomic_write, is_local, open_read


def share(source: str, target: str) -> None:
    """Makes `target` the same file as `source`: a hard link where one filesystem of this machine holds both, else a copy.

    Every writer of Winnow replaces files and changes none, so that neither name sees what becomes of the other.

    Raises:
      InputError: there is no such file.
      EngineError: the place cannot be written to, or is full.
    """
    if is_local(source) and is_local(target):
        with contextlib.suppress(OSError):  # another filesystem, one without links, or no right to make them: a copy does as well
            os.makedirs(os.path.dirname(target), exist_ok=True)
            scratch = os.path.join(os.path.dirname(target), f"{TEMPORARY}{uuid.uuid4().hex}")
            os.link(source, scratch)
            os.replace(scratch, target)
            with contextlib.suppress(FileNotFoundError):
                os.remove(scratch)  # where both names were one file already, the rename does nothing
            return
    with open_read(source) as file, atomic_write(target) as scratch, open(scratch, "wb") as copy:
        shutil.copyfileobj(file, copy, CHUNK)
