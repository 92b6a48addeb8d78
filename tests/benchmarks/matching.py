"""From signature files to clusters, as a run does it in one process, and what that cost: what the benchmarks of match share."""

import contextlib
import pathlib
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.engine import Engine
from pipeline.match import match
from pipeline.memory import available_bytes
from schemas.job import Dedup
from transforms.match import verification
from transforms.match.clusters import ALONE, read_clusters
from transforms.match.rows import SignatureFile


def clusters(files: Sequence[SignatureFile], folder: pathlib.Path, dedup: Dedup) -> np.ndarray:
    """The cluster of every row, int64 [rows]: the row number of its leader, its own where it is alone."""
    match(files, str(folder), dedup, Engine.from_job(1), available_bytes())
    rows = sum(file.rows for file in files)
    found = read_clusters(str(folder), 0, rows).cluster
    return np.where(found == ALONE, np.arange(rows), found)


@contextlib.contextmanager
def verifying(name: str) -> Iterator[dict[str, float]]:
    """Counts the pairs that go through a function of `transforms.match.verify`, and the CPU seconds they take: pairs, seconds."""
    verify: Callable[..., np.ndarray] = getattr(verification, name)
    counted = {"pairs": 0.0, "seconds": 0.0}

    def watched(left: Any, at_left: np.ndarray, right: Any, at_right: np.ndarray) -> np.ndarray:
        began = time.thread_time()
        found = verify(left, at_left, right, at_right)
        counted["seconds"] += time.thread_time() - began
        counted["pairs"] += len(at_left)
        return found

    setattr(verification, name, watched)
    try:
        yield counted
    finally:
        setattr(verification, name, verify)


def write_answer(path: pathlib.Path, keys: Sequence[str], cluster: np.ndarray) -> None:
    """Parquet of `key` and `cluster`, a row a row."""
    pq.write_table(pa.table({"key": keys, "cluster": cluster}), path)


def peak_mib() -> int:
    """The most memory that this process has held, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
