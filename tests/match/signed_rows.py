"""Signature files of rows built in code, and a run of match over them in this process."""

import dataclasses
import functools
import hashlib
import io
import pathlib

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from PIL import Image

from pipeline.match import match
from schemas.job import Decode, Dedup
from schemas.samples import SAMPLE, Samples
from transforms.filters.base import Batch
from transforms.images.decode import open_picture
from transforms.images.phash import hash_pictures
from transforms.match.clusters import Clusters, read_clusters
from transforms.match.columns import write_columns
from transforms.match.rows import SignatureFile
from transforms.match.signatures import sign

SIDE = 160


@dataclasses.dataclass(eq=False)
class Row:
    """A row as a test writes it. `grey`: pixels, written as PNG; `raw`: bytes that are no picture."""

    caption: str | None = None
    grey: np.ndarray | None = None
    raw: bytes | None = None
    url: bytes | None = None

    @functools.cached_property
    def image(self) -> bytes | None:
        if self.grey is None:
            return self.raw
        target = io.BytesIO()
        Image.fromarray(self.grey).save(target, "PNG", compress_level=1)
        return target.getvalue()

    @property
    def sha256(self) -> bytes | None:
        return None if self.image is None else hashlib.sha256(self.image).digest()


def photo(seed: int) -> np.ndarray:
    """A picture with shapes at many scales, unlike that of any other seed, uint8[160, 160]."""
    draw = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    grey = np.zeros((SIDE, SIDE))
    for _ in range(40):
        row, column, radius = *draw.uniform(0, 1, 2), draw.uniform(0.03, 0.3)
        tilt, flat = draw.uniform(-1, 1), draw.uniform(0.4, 2.5)
        inside = (rows - row + tilt * (columns - column)) ** 2 * flat + (columns - column) ** 2 < radius**2
        grey[inside] = draw.uniform(0, 255)
    return np.clip(grey + draw.normal(0, 4, grey.shape), 0, 255).astype(np.uint8)


def noisy(grey: np.ndarray, seed: int, level: float = 3.0) -> np.ndarray:
    """The picture as another encoder leaves it."""
    return np.clip(grey + np.random.default_rng(seed).normal(0, level, grey.shape), 0, 255).astype(np.uint8)


def signed(rows: list[Row], reach: str = "plain") -> pa.RecordBatch:
    """The signatures of some rows."""
    pictures = [None if r.grey is None else open_picture(r.image, Decode(), "fast") for r in rows]
    core = pa.RecordBatch.from_pylist(
        [{"row": i, "caption": r.caption, "disallowed": False, "extra": [], "flags": []} for i, r in enumerate(rows)], schema=SAMPLE
    )
    samples = Samples(core, pa.RecordBatch.from_pylist([{} for _ in rows]), {})
    nothing = [None] * len(rows)
    batch = Batch(samples, pictures, [r.sha256 for r in rows], nothing, nothing, nothing, {})
    uids = [hashlib.sha256(repr((r.sha256, r.url, r.caption)).encode()).digest()[:16] for r in rows]
    return sign(batch, uids, hash_pictures(pictures, reach), [r.url for r in rows])


def write(batch: pa.RecordBatch, folder: pathlib.Path, sizes: list[int] | None = None) -> list[SignatureFile]:
    """The signatures as files of these many rows each."""
    folder.mkdir(parents=True, exist_ok=True)
    files, at = [], 0
    for size in sizes or [batch.num_rows]:
        path = str(folder / f"{len(files):04d}.arrow")
        write_columns([batch.slice(at, size)], path)
        files.append(SignatureFile(path, min(size, batch.num_rows - at)))
        at += size
    return files


class InProcess:
    """An engine of one process. `jobs`: labels of what it ran."""

    def __init__(self):
        self.jobs = []

    def workers_for(self, size_hint_bytes):
        return 1

    def run(self, label, build, size_hint_bytes=0):
        self.jobs.append(label)
        pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))
        build(pipeline)
        pipeline.run().wait_until_finish()


def matched(
    files: list[SignatureFile],
    folder: pathlib.Path,
    policy: str = "image",
    engine: InProcess | None = None,
    reach: str = "plain",
    **options,
) -> Clusters:
    """The clusters of all rows."""
    match(files, str(folder), Dedup(policy=policy, images={"reach": reach}), engine or InProcess(), **options)
    bits = {"file_bits": options["owner_bits"]} if "owner_bits" in options else {}
    return read_clusters(str(folder), 0, sum(file.rows for file in files), **bits)


def sets(cluster: np.ndarray, names: np.ndarray | None = None) -> set[frozenset[int]]:
    """The clusters as sets of rows, or of the rows' names."""
    names = np.arange(len(cluster)) if names is None else names
    return {frozenset(names[cluster == leader].tolist()) for leader in np.unique(cluster[cluster >= 0])}
