"""Which shards a job has, in a fixed order, each under a name that is the same wherever the data lies."""

import concurrent.futures
import dataclasses
import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import pyarrow.parquet as pq

from schemas.errors import InputError
from schemas.job import Source
from schemas.shards import Shard
from transforms.read.beside import with_embeddings
from transforms.read.cleaning import DAMAGE
from transforms.storage import FileInfo, is_local, list_files, list_folder, located, open_read

RANGE_BYTES = 256 << 20  # uncompressed, as the footer tells
RANGE_ROWS = 100_000
TAR_NAMES = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.bz2", ".tar.xz")
FOOTERS_AT_ONCE = 16

_EXTENSIONS = (*TAR_NAMES, ".parquet")
_NO_SHARD = re.compile(r".*_stats\.json|_SUCCESS|_metadata|_common_metadata", re.IGNORECASE)
_UNSAFE = re.compile(r"[^\w.=+@-]")
_MAX_NAME_BYTES = 180  # with `.<16 hex>.parquet` behind it below the 255 bytes that file systems allow


@dataclasses.dataclass(frozen=True)
class _Found:
    """A file of a source, its path below the longest common folder, and the ranges of row groups it is read in."""

    source: str
    file: FileInfo
    below: str
    ranges: tuple[tuple[int, int] | None, ...] = (None,)


def list_shards(sources: Sequence[Source], base: str) -> list[Shard]:
    """All shards of a job: sources in order, paths sorted, a large Parquet file as ranges of consecutive row groups.

    Args:
      sources: where the rows come from.
      base: folder against which relative globs resolve.

    Raises:
      InputError: a glob of a source matches no shard; names both.
      EngineError: a filesystem cannot be reached.
    """
    several = len(sources) > 1
    shards: list[Shard] = []
    found: list[_Found] = []
    formats = {source.name: source for source in sources}
    for source in sources:
        files = _files(source, base)
        common = _common_folder([file.path for file in files])
        found += _with_ranges([_Found(source.name, file, file.path[len(common) :]) for file in files], source)
    names = _names(found, several=several)
    sidecars = _sidecars([item.file.path for item in found if formats[item.source].format == "webdataset"])
    for item in found:
        beside = sidecars.get(_stem(item.file.path)) if formats[item.source].format == "webdataset" else None
        shard = Shard(
            name="",
            source=item.source,
            path=item.file.path,
            format=formats[item.source].format,
            size=item.file.size,
            version=item.file.version,
        )
        if beside:
            shard = dataclasses.replace(shard, sidecar=beside.path, sidecar_size=beside.size, sidecar_version=beside.version)
        shards += [dataclasses.replace(shard, name=names[item, groups], row_groups=groups) for groups in item.ranges]
    return [shard for source in sources for shard in _of_source(shards, source, base)]


def _of_source(shards: Sequence[Shard], source: Source, base: str) -> list[Shard]:
    mine = [shard for shard in shards if shard.source == source.name]
    return mine if source.embeddings is None else with_embeddings(mine, located(source.embeddings, base), source.name)


def _files(source: Source, base: str) -> list[FileInfo]:
    """The files of a source that are shards, sorted by path, each once."""
    matched: dict[str, FileInfo] = {}
    for pattern in source.paths:
        absolute = located(pattern, base)
        files = [file for file in list_files(absolute) if not _NO_SHARD.fullmatch(os.path.basename(file.path))]
        if not files:
            hint = (
                f"; it is a folder: name its files, as in {pattern.rstrip('/')}/*" if is_local(absolute) and os.path.isdir(absolute) else ""
            )
            raise InputError(f"source {source.name!r}: nothing matches {pattern!r} (looked for {absolute}){hint}")
        matched |= {file.path: file for file in files}
    if source.format == "webdataset":
        tars = {_stem(path) for path in matched if path.lower().endswith(TAR_NAMES)}
        matched = {path: file for path, file in matched.items() if not (path.endswith(".parquet") and _stem(path) in tars)}
    return [matched[path] for path in sorted(matched)]


def _sidecars(tars: Sequence[str]) -> dict[str, FileInfo]:
    """Stem of a tar -> the `.parquet` beside it. One listing per folder where that saves requests."""
    wanted = {_stem(path) for path in tars}
    found: list[FileInfo] = []
    for folder in sorted({path.rpartition("/")[0] for path in tars}):
        if is_local(folder):
            beside = [stem + ".parquet" for stem in sorted(wanted) if stem.rpartition("/")[0] == folder]
            found += [file for path in beside if os.path.isfile(path) for file in list_files(path)]
        else:
            found += list_folder(folder, ".parquet")
    return {_stem(file.path): file for file in found if _stem(file.path) in wanted}


def _with_ranges(found: list[_Found], source: Source) -> list[_Found]:
    if source.format == "webdataset":
        return found
    remote = any(not is_local(item.file.path) for item in found)
    with concurrent.futures.ThreadPoolExecutor(FOOTERS_AT_ONCE if remote else 1) as pool:
        ranges = list(pool.map(_ranges, [item.file.path for item in found]))
    return [dataclasses.replace(item, ranges=groups) for item, groups in zip(found, ranges, strict=True)]


def _ranges(path: str) -> tuple[tuple[int, int] | None, ...]:
    """Consecutive row groups up to 256 MiB or 100,000 rows; None where one range is the whole file or there is no footer to read."""
    try:
        with open_read(path) as file:
            footer = pq.read_metadata(file)
    except DAMAGE:  # the reader says what is wrong with it, and the job how many such shards it bears
        return (None,)
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    ranges = tuple(_consecutive([(group.total_byte_size, group.num_rows) for group in groups]))
    return ranges if len(ranges) > 1 else (None,)


def _consecutive(sizes: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Ranges of (bytes, rows) items within both limits; an item beyond them is alone.

    >>> list(_consecutive([(1, 60_000), (1, 40_000), (1, 1), (RANGE_BYTES, 5), (1, 5)]))
    [(0, 2), (2, 3), (3, 4), (4, 5)]
    """
    start = held_bytes = held_rows = 0
    for number, (size, rows) in enumerate(sizes):
        if number > start and (held_bytes + size > RANGE_BYTES or held_rows + rows > RANGE_ROWS):
            yield start, number
            start, held_bytes, held_rows = number, 0, 0
        held_bytes, held_rows = held_bytes + size, held_rows + rows
    if sizes:
        yield start, len(sizes)


def _names(found: Sequence[_Found], *, several: bool) -> dict[tuple[_Found, tuple[int, int] | None], str]:
    """A name for every shard. Where two would share one, whatever the case, the files of both carry 8 hex of their paths' SHA-256."""
    plain = {item: _file_name(item, several=several) for item in found}
    taken = Counter(_ranged(plain[item], groups).casefold() for item in found for groups in item.ranges)
    names: dict[tuple[_Found, tuple[int, int] | None], str] = {}
    for item in found:
        name = plain[item]
        if any(taken[_ranged(name, groups).casefold()] > 1 for groups in item.ranges):
            name += f"-{hashlib.sha256(item.below.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
        names |= {(item, groups): _ranged(name, groups) for groups in item.ranges}
    return names


def _file_name(item: _Found, *, several: bool) -> str:
    safe = _UNSAFE.sub("_", _stem(item.below).replace("/", "__"))
    safe = f"{item.source}__{safe}" if several else safe
    safe = "_" + safe[1:] if safe.startswith(".") else safe or "_"
    if len(safe.encode()) <= _MAX_NAME_BYTES:
        return safe
    digest = hashlib.sha256(item.below.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{safe.encode()[:_MAX_NAME_BYTES].decode(errors='ignore')}-{digest}"


def _ranged(name: str, groups: tuple[int, int] | None) -> str:
    return name if groups is None else f"{name}-g{groups[0]:04d}"


def _stem(path: str) -> str:
    """A path without the extensions of a shard.

    >>> _stem("a/00000.tar.gz"), _stem("a/b.v1.parquet"), _stem("a/c.jpg")
    ('a/00000', 'a/b.v1', 'a/c.jpg')
    """
    extension = max((known for known in _EXTENSIONS if path.lower().endswith(known)), key=len, default="")
    return path[: len(path) - len(extension)]


def _common_folder(paths: Sequence[str]) -> str:
    """The longest folder, with its final "/", below which all paths lie.

    >>> _common_folder(["/d/a/1.tar", "/d/b/1.tar"]), _common_folder(["gs://b/x/1.tar"])
    ('/d/', 'gs://b/x/')
    """
    prefix = os.path.commonprefix([path.rpartition("/")[0] + "/" for path in paths])  # noqa: RUF071 (cut back to a whole folder)
    return prefix[: prefix.rfind("/") + 1]
