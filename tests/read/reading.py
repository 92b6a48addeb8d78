"""One shard read whole, and counted by the other code, as every test of the readers wants it."""

import dataclasses
import pathlib
from typing import Any

import pyarrow as pa

from schemas.samples import MAX_BATCH_ROWS, SAMPLE
from tests.builders import jpeg, make_shard, make_source, sample_members, tar_bytes
from transforms.read.count import count_rows
from transforms.read.reader import open_shard


@dataclasses.dataclass
class Read:
    """What came of a shard: core rows and source rows as dicts, schema, roles, notes, sizes of the batches."""

    core: list[dict[str, Any]]
    source: list[dict[str, Any]]
    schema: pa.Schema
    roles: dict[str, str]
    notes: list[str]
    batches: list[int]

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.core]

    def own(self, name: str) -> list[Any]:
        return [row[name] for row in self.source]


def read(path: pathlib.Path, layout: str, *, rows: Any = None, row_groups: tuple[int, int] | None = None, **options: Any) -> Read:
    """Reads a file as one shard. Both counts and both ways to captions must agree, and batches have the promised schema and size."""
    source = make_source(layout, path, **options)
    shard = make_shard(path, layout, row_groups=row_groups)
    core: list[dict[str, Any]] = []
    own: list[dict[str, Any]] = []
    sizes = []
    with open_shard(shard, source) as reader:
        for samples in reader.batches(rows):
            assert samples.core.schema == SAMPLE
            assert samples.source.schema == reader.schema
            assert 0 < len(samples) == samples.source.num_rows <= MAX_BATCH_ROWS
            samples.core.validate(full=True)
            samples.source.validate(full=True)
            core += samples.core.to_pylist()
            own += samples.source.to_pylist() if samples.source.num_columns else [{}] * len(samples)
            sizes.append(len(samples))
        captions = reader.captions().to_pylist() if rows is None else []
        result = Read(core, own, reader.schema, reader.roles, list(reader.notes), sizes)
    if rows is None:
        assert [row["row"] for row in core] == list(range(len(core)))
        assert count_rows(shard, source) == len(core)
        assert len(captions) == len(core)
        assert all(row["caption"] == caption for row, caption in zip(core, captions, strict=True) if row["problem"] is None)
    return result


def read_tar(folder: pathlib.Path, raw: bytes, name: str = "00000.tar", **options: object) -> Read:
    path = folder / name
    path.write_bytes(raw)
    return read(path, "webdataset", **options)


def three(end: bool = True) -> bytes:
    return tar_bytes(
        [m for n in range(3) for m in sample_members(f"{n:03d}", jpeg(seed=n), f"caption {n}", {"url": f"http://h.example/{n}"})], end=end
    )
