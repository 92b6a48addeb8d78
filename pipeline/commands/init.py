"""`winnow init`: looks at shards and writes a commented job file for them."""

import dataclasses
import os
from typing import Literal

from pipeline.jobtext import commented_job
from schemas.errors import InputError, JobError
from schemas.job import Source
from schemas.shards import Shard
from transforms.read.reader import open_shard
from transforms.read.shards import TAR_NAMES, list_shards
from transforms.storage import is_local

Format = Literal["webdataset", "parquet", "urls"]


@dataclasses.dataclass(frozen=True)
class Guess:
    """What `init` took the shards for.

    Attributes:
      format: their layout.
      shards: how many there are.
      columns: role -> column, as recognised in the first shard.
      unmapped: what the job file still needs to be told, one sentence each.
    """

    format: Format
    shards: int
    columns: dict[str, str]
    unmapped: tuple[str, ...]


def init(path: str, job: str) -> Guess:
    """Writes a job file; returns what was recognised.

    Args:
      path: a folder of shards, one shard, or a glob.
      job: where the job file goes.

    Raises:
      JobError: there is a job file already, or no folder for it.
      InputError: nothing there looks like a shard.
    """
    folder = os.path.dirname(os.path.abspath(job))
    if os.path.exists(job):
        raise JobError(f"{job} is there already; name another with --job, or remove it")
    if not os.path.isdir(folder):
        raise JobError(f"{job}: there is no folder {folder} to write it in; make it, or name another place with --job")
    for pattern in _patterns(path):
        absolute = os.path.abspath(pattern) if is_local(pattern) else pattern
        tars = pattern.lower().endswith(TAR_NAMES)
        source = Source(format="webdataset" if tars else "parquet", paths=(absolute,))
        try:
            shards = list_shards([source], folder)
        except InputError:
            continue
        guess = _recognised(source, shards)
        relative = os.path.relpath(absolute, folder) if is_local(pattern) else pattern
        values = {"version": 1, "source": {"format": guess.format, "paths": [relative]}, "output": "out"}
        with open(job, "w", encoding="utf-8") as file:
            file.write(commented_job(values))
        return guess
    raise InputError(f"{path}: no .tar and no .parquet shard there; give a folder of shards, one shard, or a glob")


def _patterns(path: str) -> list[str]:
    """Globs to try, tars first: a Parquet file beside a tar of the same name belongs to it."""
    if is_local(path) and not os.path.isdir(path):
        return [path]
    if not is_local(path) and not path.endswith("/"):
        return [path]
    folder = path.rstrip("/") or "/"
    return [f"{folder}/{depth}*{ending}" for depth in ("", "**/") for ending in (*TAR_NAMES, ".parquet")]


def _recognised(source: Source, shards: list[Shard]) -> Guess:
    """The layout and the columns, as the first shard has them."""
    layout: Format = source.format if source.format == "webdataset" else _told_apart(shards[0], source)
    shard = dataclasses.replace(shards[0], format=layout)
    with open_shard(shard, source.model_copy(update={"format": layout})) as reader:
        columns, names = dict(reader.roles), ", ".join(reader.schema.names) or "none"
    needed = {"caption"} | ({"url"} if layout == "urls" else set())
    unmapped = [f"no {role} column is recognised; name it with source.columns.{role}" for role in sorted(needed - set(columns))]
    if layout == "webdataset":
        unmapped = []  # captions may be members of their own
    return Guess(layout, len(shards), columns, tuple(f"{told} (columns: {names})" for told in unmapped))


def _told_apart(shard: Shard, source: Source) -> Format:
    """Parquet with picture bytes, or a list of URLs: whichever the columns say."""
    try:
        with open_shard(shard, source) as reader:
            some = next(iter(reader.batches()), None) is not None
            return "parquet" if some or "url" not in reader.roles else "urls"
    except JobError:  # no column holds pictures
        return "urls"
