"""Adds up the summaries of all shards: any number of files in, at most 64 out, which the driver can hold.

    some summaries each ─► SplitSummaries ─► CombinePerKey(AddUp) ─► WritePart ─► work/documents/

Sixteen at a time are added up before they are split, so that what is moved is few blocks and not many. A count belongs to the part that
the hash of its metric and labels says, so that no two parts share one and every part is about as large.
"""

from collections.abc import Iterable, Sequence

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from schemas.errors import reported
from schemas.layout import Layout, join
from schemas.summaries import SUMMARY
from schemas.versions import digest, guard, versions
from transforms.storage import atomic_write, list_folder, read_parquet, remove_all
from transforms.summaries import merged

MAX_PARTS = 64
SHARDS_PER_PART = 16
AT_ONCE = 16  # summaries that are added up by whoever reads them, and tables by whoever adds up
_SEED = 0x57494E4E


def parts_of(layout: Layout, summaries: Sequence[str]) -> list[str]:
    """Paths of the combined files of a run, named by what they are made of."""
    names = sorted(path.rsplit("/", 1)[-1] for path in summaries)
    number = min(MAX_PARTS, 1 + len(names) // SHARDS_PER_PART)
    made_of = digest([names, number, versions()])
    return [join(layout.documents, f"summary-{part:02d}-of-{number:02d}.{made_of}.parquet") for part in range(number)]


def missing(layout: Layout, parts: Sequence[str]) -> bool:
    """Whether any part has still to be written."""
    return not set(parts) <= {file.path for file in list_folder(layout.documents)}


def sweep_parts(layout: Layout, parts: Sequence[str]) -> None:
    """Removes what earlier runs combined."""
    remove_all(file.path for file in list_folder(layout.documents) if file.path not in parts)


class CombineSummaries(beam.PTransform):
    """Adds up summaries; the picture above is its graph."""

    def __init__(self, summaries: Sequence[str], parts: Sequence[str]) -> None:
        super().__init__()
        self.summaries, self.parts = summaries, parts

    def expand(self, root: beam.Pipeline) -> beam.PCollection[str]:
        """One path of a written file per part."""
        return (
            root
            | "Summaries" >> beam.Create([tuple(self.summaries[at : at + AT_ONCE]) for at in range(0, len(self.summaries), AT_ONCE)])
            | "Spread" >> beam.Reshuffle()
            | "SplitSummaries" >> beam.ParDo(_SplitSummaries(len(self.parts), versions()))
            | "AddUp" >> beam.CombinePerKey(AddUp())
            | "WritePart" >> beam.ParDo(_WritePart(tuple(self.parts)))
        )


class AddUp(beam.CombineFn):
    """Sums packed summaries; which are added first cannot show, since they hold integers and are sorted."""

    def create_accumulator(self) -> list[bytes]:
        return []

    def add_input(self, accumulator: list[bytes], block: bytes) -> list[bytes]:
        accumulator.append(block)
        return accumulator if len(accumulator) < AT_ONCE else [pack(merged([unpack(part) for part in accumulator]))]

    def merge_accumulators(self, accumulators: Iterable[list[bytes]]) -> list[bytes]:
        blocks = [block for accumulator in accumulators for block in accumulator]
        return [pack(merged([unpack(block) for block in blocks]))] if blocks else []

    def extract_output(self, accumulator: list[bytes]) -> bytes:
        return pack(merged([unpack(block) for block in accumulator]))


class _SplitSummaries(beam.DoFn):
    def __init__(self, parts: int, expected: dict[str, str]) -> None:
        self.parts, self.expected = parts, expected

    def setup(self) -> None:
        guard(self.expected)

    def process(self, paths: tuple[str, ...]) -> Iterable[tuple[int, bytes]]:
        with reported(f"document, {paths[0].rsplit('/', 1)[-1]} and {len(paths) - 1} more"):
            table = merged([read_parquet(path).cast(SUMMARY) for path in paths])
            places = partition(table, self.parts)
            order = pa.array(np.argsort(places, kind="stable"))
            sizes = np.bincount(places, minlength=self.parts)
            table, starts = table.take(order), np.cumsum(sizes) - sizes
            for part in range(self.parts):
                yield part, pack(table.slice(starts[part], sizes[part]))


class _WritePart(beam.DoFn):
    def __init__(self, parts: tuple[str, ...]) -> None:
        self.parts = parts

    def process(self, element: tuple[int, bytes]) -> Iterable[str]:
        part, block = element
        with reported(f"document, part {part}"):
            with atomic_write(self.parts[part]) as scratch:
                pq.write_table(unpack(block), scratch, compression="zstd")
            yield self.parts[part]


def partition(table: pa.Table, parts: int) -> np.ndarray:
    """The part that each row of a summary belongs to, int64[rows]: by a fixed hash of metric and labels."""
    labels = [pc.fill_null(table.column(name), "\x00") for name in ("metric", "a", "b", "c")]
    texts = pc.binary_join_element_wise(*labels, "\x1f").to_pylist()
    hashes = np.array([xxhash.xxh3_64_intdigest(text.encode(), _SEED) for text in texts], np.uint64)
    return (hashes % np.uint64(parts)).astype(np.int64)


def pack(table: pa.Table) -> bytes:
    """A summary as one block of Arrow IPC."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SUMMARY) as writer:
        writer.write_table(table.cast(SUMMARY))
    return sink.getvalue().to_pybytes()


def unpack(block: bytes) -> pa.Table:
    """The summary in a block."""
    return pa.ipc.open_stream(block).read_all()
