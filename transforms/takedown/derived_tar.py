"""Takes samples out of webdataset tars that somebody made from a release: by the `uid` in their JSON, or by a key that is a uid."""

import contextlib
import gzip
import json
import re
import tarfile
from collections.abc import Collection, Iterator

from schemas.errors import JobError
from transforms.storage import atomic_write, open_read

_UID = re.compile(r"[0-9a-f]{32}")
_LARGEST = 16 << 20  # bytes of a JSON member that is looked into


def remove_samples(path: str, uids: Collection[str]) -> int | None:
    """Writes a tar again without the samples that have one of these uids, in its place and at once; one without is not touched.

    Args:
      path: the tar, compressed or not.
      uids: what goes, in lower case.

    Returns:
      How many samples went; None where no sample has a uid.

    Raises:
      JobError: it cannot be read. Nothing of it is changed then.
    """
    found = _uids(path)
    gone = {key for key, uid in found.items() if uid in uids}
    if gone:
        with _opened(path) as source, atomic_write(path) as scratch, _written(path, scratch) as target:
            for member in source:
                if _key(member.name) not in gone:
                    target.addfile(member, source.extractfile(member) if member.isreg() else None)
    return len(gone) if found else None


def _uids(path: str) -> dict[str, str]:
    """Key -> uid, of the samples that have one."""
    found: dict[str, str] = {}
    with _opened(path) as source:
        for member in source:
            key, name = _key(member.name), member.name.rpartition("/")[2]
            if _UID.fullmatch(base := name.partition(".")[0].lower()):
                found.setdefault(key, base)
            if member.isreg() and name.lower().endswith(".json") and member.size <= _LARGEST:
                file = source.extractfile(member)
                with contextlib.suppress(ValueError):  # no JSON: it names no uid
                    told = json.loads(file.read()) if file is not None else None
                    if isinstance(told, dict) and isinstance(told.get("uid"), str):
                        found[key] = told["uid"].strip().lower()
    return found


def _key(name: str) -> str:
    """What the members of a sample share: all before the first dot of the file's name, its folder too.

    >>> _key("a.b/00012.seg.png")
    'a.b/00012'
    """
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}{file.partition('.')[0]}"


@contextlib.contextmanager
def _opened(path: str) -> Iterator[tarfile.TarFile]:
    try:
        with open_read(path) as file, tarfile.open(fileobj=file, mode="r:*") as tar:
            yield tar
    except (tarfile.TarError, EOFError, OSError) as error:
        raise JobError(f"{path}: cannot be read as a tar ({error}), so nothing of it was changed; mend it first") from error


@contextlib.contextmanager
def _written(path: str, scratch: str) -> Iterator[tarfile.TarFile]:
    with open_read(path) as file:
        start = file.read(6)
    with contextlib.ExitStack() as stack:
        if start[:2] == b"\x1f\x8b":  # with no time in its head, as tarfile would write it
            packed = stack.enter_context(gzip.GzipFile("", "wb", fileobj=stack.enter_context(open(scratch, "wb")), mtime=0))
            yield stack.enter_context(tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT))
        else:
            mode = "w:bz2" if start[:3] == b"BZh" else "w:xz" if start == b"\xfd7zXZ\x00" else "w"
            yield stack.enter_context(tarfile.open(scratch, mode=mode, format=tarfile.PAX_FORMAT))  # type: ignore[call-overload]
