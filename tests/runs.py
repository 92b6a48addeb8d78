"""Whole runs on small inputs: write shards, run the phases in this process, read ledger and data back."""

import dataclasses
import os
import pathlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from pipeline.cli import run_command
from pipeline.commands.run import run_phases
from pipeline.run import Run, open_run
from tests.builders import write_webdataset

ROOT = pathlib.Path(__file__).resolve().parents[1]
SMALL = {"version": 1, "output": "out", "workers": 1, "filters": {"image_quality": {"enabled": False}}}  # the pictures of tests are small
WITHOUT_DOCUMENTS = ("annotate", "match", "judge", "emit")


@dataclasses.dataclass(frozen=True)
class Ran:
    """A finished run, to be looked at."""

    run: Run

    @property
    def out(self) -> pathlib.Path:
        return pathlib.Path(self.run.layout.out)

    @property
    def work(self) -> pathlib.Path:
        return pathlib.Path(self.run.layout.work)

    def ledger(self) -> list[dict[str, Any]]:
        """Every ledger row, by shard and row."""
        return rows_of(self.work / "ledger")

    def data(self) -> list[dict[str, Any]]:
        """Every published row, by shard and place."""
        return rows_of(self.out / "data")

    def shard(self, name: str) -> list[dict[str, Any]]:
        """The ledger rows of one shard."""
        return pq.read_table(self.run.layout.ledger_file(name)).to_pylist()

    def by_key(self) -> dict[str, dict[str, Any]]:
        """Ledger rows by key; where a key stands twice, the last."""
        return {row["key"]: row for row in self.ledger()}

    def published(self) -> dict[str, dict[str, Any]]:
        """Published rows by the key that the ledger has for them."""
        keys = {row["uid"]: row["key"] for row in self.ledger() if row["verdict"] == "kept"}
        return {keys[row["uid"]]: row for row in self.data()}

    def annotations(self) -> list[dict[str, Any]]:
        """Every annotation, by shard and row."""
        return rows_of(self.work / "annotations")

    def notes(self) -> list[str]:
        """What was noticed about the shards as a whole."""
        footers = [pq.read_metadata(path).metadata for path in sorted((self.work / "annotations").glob("*.parquet"))]
        return [note for footer in footers for note in yaml.safe_load(footer[b"winnow.notes"])]


def rows_of(folder: pathlib.Path) -> list[dict[str, Any]]:
    """The rows of every Parquet file of a folder, file by file."""
    return [row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def table_of(folder: pathlib.Path) -> pa.Table:
    """The Parquet files of a folder as one table; their schemas must be equal."""
    return pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob("*.parquet"))])


def laid(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A job with another laid over it, section by section."""
    merged = dict(base)
    for name, value in over.items():
        inner = merged.get(name)
        merged[name] = laid(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return merged


def write_job(folder: pathlib.Path, job: Mapping[str, Any]) -> pathlib.Path:
    """The job file `job.yaml` in a folder: `SMALL` with a job laid over it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(laid(SMALL, job)))
    return path


def run_job(folder: pathlib.Path, job: Mapping[str, Any], *settings: str, replace: bool = False, documents: bool = False) -> Ran:
    """Runs a job whose file lies in a folder in this process; raises what a phase raises.

    Args:
      folder: where the job file goes.
      job: what differs from `SMALL`.
      settings: as after `--set`.
      replace: whether a finished release may be overwritten.
      documents: whether documents and manifest are written too, which takes as long as all the rest.
    """
    opened = open_run(str(write_job(folder, job)), settings, replace=replace)
    run_phases(opened, () if documents else WITHOUT_DOCUMENTS)
    return Ran(opened)


def run_samples(
    folder: pathlib.Path, samples: Sequence[Mapping[str, Any]], job: Mapping[str, Any] | None = None, per_shard: int = 1000, **options: Any
) -> Ran:
    """Runs a job on samples (see `builders.sample`), written as tars with sidecars below the folder; options are those of `run_job`."""
    write_webdataset(folder / "shards", samples, per_shard)
    return run_job(folder, tars(job), **options)


def tars(job: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A job on the tars of the folder `shards` beside its file."""
    return laid({"source": {"format": "webdataset", "paths": ["shards/*.tar"]}}, job or {})


def parquets(job: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A job on the Parquet files of the folder `shards` beside its file."""
    return laid({"source": {"format": "parquet", "paths": ["shards/*.parquet"]}}, job or {})


def run_status(folder: pathlib.Path, job: Mapping[str, Any], *arguments: str) -> int:
    """Exit status of `winnow run` on a job; the message goes to stderr."""
    return run_command(["run", str(write_job(folder, job)), *arguments])


def winnow(*arguments: str | pathlib.Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The `winnow` command in a process of its own, to its end."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from pipeline.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], env={**os.environ, **environment}, capture_output=True, text=True, timeout=240
    )  # fmt: skip


def contents(*folders: pathlib.Path) -> dict[str, bytes]:
    """Every file below some folders, hidden ones too, by folder name and path in it."""
    return {
        f"{folder.name}/{path.relative_to(folder)}": path.read_bytes()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def stamps(folder: pathlib.Path) -> dict[str, tuple[int, int]]:
    """Inode and time of change of every file of a folder, by name: equal where a file was not written again."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in sorted(folder.iterdir()) if path.is_file()}
