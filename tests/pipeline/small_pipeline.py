"""A pipeline with everything that Winnow's own have: shard descriptors, a side input, packed bytes grouped by key, files as results."""

import hashlib
import os
import pathlib
import signal
import time
from collections.abc import Iterable, Iterator

import apache_beam as beam
import numpy as np

from schemas.errors import InputError, MissingError, reported
from schemas.versions import guard
from transforms.storage import atomic_write

SHARDS = [f"shard-{number:02}" for number in range(6)]
PARTITIONS = 3


class Measure(beam.DoFn):
    """A shard in; keys packed as bytes out, by partition; a file written on the way."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def process(self, shard: str, salt: str) -> Iterator[tuple[int, bytes]]:
        seed = int.from_bytes(hashlib.sha256(f"{shard}{salt}".encode()).digest()[:4], "big")
        keys = (np.arange(1_000, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(seed)) % np.uint64(1 << 20)
        with atomic_write(f"{self._folder}/measured/{shard}") as scratch:
            pathlib.Path(scratch).write_bytes(keys.tobytes())
        for partition in range(PARTITIONS):
            yield partition, keys[keys % PARTITIONS == partition].tobytes()


class Collect(beam.DoFn):
    """All keys of a partition, sorted, into one file."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def process(self, element: tuple[int, Iterable[bytes]]) -> None:
        partition, packed = element
        keys = np.sort(np.concatenate([np.frombuffer(part, np.uint64) for part in packed]))
        with atomic_write(f"{self._folder}/grouped/{partition}") as scratch:
            pathlib.Path(scratch).write_bytes(keys.tobytes())


def small(folder: pathlib.Path):
    """Builds the pipeline, writing below a folder."""

    def build(pipeline: beam.Pipeline) -> None:
        salt = beam.pvalue.AsSingleton(pipeline | "Salt" >> beam.Create(["salt"]))
        (
            pipeline
            | "Shards" >> beam.Create(SHARDS)
            | "Spread" >> beam.Reshuffle()
            | "Measure" >> beam.ParDo(Measure(str(folder)), salt)
            | "Group" >> beam.GroupByKey()
            | "Collect" >> beam.ParDo(Collect(str(folder)))
        )

    return build


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def on_each_shard(function, *arguments):
    """Builds a pipeline that calls a function with every shard."""

    def build(pipeline: beam.Pipeline) -> None:
        _ = pipeline | "Shards" >> beam.Create(SHARDS) | "Spread" >> beam.Reshuffle() | "Call" >> beam.Map(function, *arguments)

    return build


def refuse(shard: str) -> None:
    """Raises an error of ours, with a message of two lines, on one shard."""
    with reported(shard):
        if shard == SHARDS[3]:
            raise InputError(f"{shard}, row 17: cut\nmake it anew")


def miss(shard: str) -> None:
    """Raises an error of ours as it is."""
    raise MissingError("no list")


def expect(shard: str, versions: dict[str, str]) -> None:
    """Refuses where the versions are other ones."""
    with reported(shard):
        guard(versions)


def interrupt(shard: str) -> None:
    """Does what Ctrl-C does to the step that is at work."""
    raise KeyboardInterrupt


def stumble(shard: str, caption: str) -> None:
    """Raises an error of somebody else's that quotes a caption."""
    with reported(shard):
        if shard == SHARDS[3]:
            raise KeyError(caption)


def die(shard: str, folder: str, among: int, spare: bool = False) -> None:
    """Waits until so many processes are at work; then one ends itself as the kernel does when memory is short, unless spared."""
    pathlib.Path(folder, f"{os.getpid()}").touch()
    while len(at_work := processes(folder)) < among:
        time.sleep(0.05)
    if os.getpid() == min(at_work) and not spare:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(20)


def processes(folder: str | pathlib.Path) -> set[int]:
    """The processes that `die` or `note_process` ran in."""
    return {int(name) for name in os.listdir(folder)}


def note_process(shard: str, folder: str) -> None:
    """Leaves a file named after the process, with what it may use."""
    import pyarrow as pa

    limits = f"{pa.cpu_count()} {os.environ['OMP_NUM_THREADS']} {os.environ['OPENBLAS_NUM_THREADS']}"
    pathlib.Path(folder, f"{os.getpid()}").write_text(limits)
