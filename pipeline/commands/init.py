"""`winnow init`: looks at shards and writes a commented job file for them."""

import os

from transforms.read.reader import open_shard

from pipeline.jobtext import commented_job
from schemas.errors import InputError, JobError
from schemas.job import Source
from transforms.read.shards import list_shards

ENDINGS = {
    ".tar": "webdataset",
    ".tgz": "webdataset",
    ".gz": "webdataset",
    ".zst": "webdataset",
    ".bz2": "webdataset",
    ".xz": "webdataset",
    ".parquet": "parquet",
}


def init(path: str, job: str) -> tuple[str, int]:
    """Writes a job file; returns the format that was recognised and the number of shards.

    Args:
      path: a folder of shards, one shard, or a glob.
      job: where the job file goes.

    Raises:
      JobError: there is a job file already.
      InputError: nothing there looks like a shard.
    """
    if os.path.exists(job):
        raise JobError(f"{job} is there already; name another with --job, or remove it")
    folder = os.path.dirname(os.path.abspath(job))
    for pattern, layout in _guesses(path):
        source = Source(format=layout, paths=(os.path.abspath(pattern) if "://" not in pattern else pattern,))  # type: ignore[arg-type]
        try:
            shards = list_shards([source], folder)
        except InputError:
            continue
        found = _told_apart(shards[0], source) if layout == "parquet" else layout
        relative = os.path.relpath(source.paths[0], folder) if "://" not in pattern else pattern
        values = {"version": 1, "source": {"format": found, "paths": [relative]}, "output": "out"}
        with open(job, "w", encoding="utf-8") as file:
            file.write(commented_job(values))
        return found, len(shards)
    raise InputError(f"{path}: no .tar and no .parquet shard there; give a folder of shards, one shard, or a glob")


def _guesses(path: str) -> list[tuple[str, str]]:
    if os.path.isdir(path):
        return [
            (os.path.join(path, "*.tar*"), "webdataset"),
            (os.path.join(path, "*.tgz"), "webdataset"),
            (os.path.join(path, "*.parquet"), "parquet"),
        ]
    return [(path, ENDINGS.get(os.path.splitext(path)[1].lower(), "webdataset"))]


def _told_apart(shard: object, source: Source) -> str:
    """Parquet with picture bytes, or a list of URLs: whichever the columns say."""
    try:
        with open_shard(shard, source) as reader:  # type: ignore[arg-type]
            return "parquet" if reader.has_bytes else "urls"
    except JobError:
        return "urls"
