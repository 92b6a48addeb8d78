"""Benchmark sets as a job names them, cut into parts that are signed one at a time: which files they are, and what each depends on."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from schemas.errors import InputError, MissingError
from schemas.job import Benchmark, Source
from schemas.shards import Shard, shard_from
from schemas.versions import digest, versions
from transforms.read.shards import list_shards
from transforms.storage import FileInfo, list_below, list_files

PICTURES_A_PART = 1_000


@dataclasses.dataclass(frozen=True)
class Part:
    """Some pictures, one file of captions, or one shard of a benchmark set.

    Attributes:
      set: name of the set.
      name: unique in the run, safe as a file name.
      kind: what it is.
      files: the pictures, or the file of captions.
      shard: the shard.
      columns: of shards, role -> column.
      column: of a file of captions.
      min_words: captions with fewer do not count; None: none counts.
    """

    set: str
    name: str
    kind: Literal["images", "captions", "shards"]
    files: tuple[FileInfo, ...] = ()
    shard: Shard | None = None
    columns: tuple[tuple[str, str], ...] = ()
    column: str | int | None = None
    min_words: int | None = None

    @property
    def source(self) -> Source:
        """What a reader of the shard needs to know."""
        assert self.shard is not None
        return Source(name=self.set, format=self.shard.format, paths=(self.shard.path,), columns=dict(self.columns))

    def digest(self, signing: Mapping[str, Any]) -> str:
        """Of all that its signatures depend on. `signing`: the keys of `dedup` by which rows are signed."""
        files = [(os.path.basename(file.path), file.size, file.version) for file in self.files]
        shard = None if self.shard is None else {**dataclasses.asdict(self.shard), "sidecar": None}
        if shard is not None:
            shard["path"] = os.path.basename(shard["path"])
        return digest([self.kind, files, shard, sorted(self.columns), self.column, self.min_words, signing, versions()])


def part_from(fields: Mapping[str, Any]) -> Part:
    """A part from its fields as JSON has them."""
    files = tuple(FileInfo(**file) for file in fields["files"])
    shard = None if fields["shard"] is None else shard_from(fields["shard"])
    return Part(**{**fields, "files": files, "shard": shard, "columns": tuple(map(tuple, fields["columns"]))})


def parts_of(sets: Sequence[Benchmark], base: str) -> list[Part]:
    """Every part of every set, in the order of the job; hash lists are not among them.

    Args:
      sets: as the job names them.
      base: folder that relative globs of shards are resolved against.

    Raises:
      MissingError: nothing matches a path; names it.
    """
    parts: list[Part] = []
    for wanted in sets:
        pictures = [file for path in wanted.images for file in _files(wanted.name, path)]
        distinct = sorted(set(pictures))
        for start in range(0, len(distinct), PICTURES_A_PART):
            name = f"{wanted.name}-images-{start // PICTURES_A_PART:05d}"
            parts.append(Part(wanted.name, name, "images", tuple(distinct[start : start + PICTURES_A_PART])))
        for number, file in enumerate(sorted({file for path in wanted.captions for file in _files(wanted.name, path)})):
            name = f"{wanted.name}-captions-{number:05d}"
            parts.append(Part(wanted.name, name, "captions", (file,), column=wanted.column, min_words=wanted.min_words))
        for number, shard in enumerate(_shards(wanted, base)):
            name = f"{wanted.name}-shards-{number:05d}"
            columns = tuple(sorted(wanted.columns.items()))
            parts.append(Part(wanted.name, name, "shards", shard=shard, columns=columns, min_words=wanted.min_words))
    return parts


def _files(name: str, path: str) -> list[FileInfo]:
    found = list_files(path) or list_below(path)
    if not found:
        raise MissingError(f"dedup.eval_overlap: set {name}: nothing matches {path}; put it there, or take it out of the job")
    return found


def _shards(wanted: Benchmark, base: str) -> list[Shard]:
    if not wanted.shards or wanted.format is None:
        return []
    source = Source(name=wanted.name, format=wanted.format, paths=wanted.shards, columns=wanted.columns)
    try:
        return list_shards([source], base)
    except InputError as error:
        raise MissingError(f"dedup.eval_overlap: set {wanted.name}: {error}") from error
