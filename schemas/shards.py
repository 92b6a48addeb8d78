"""A shard: one source file, or a range of row groups of one. The element that travels through the pipeline."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

Format = Literal["webdataset", "parquet", "urls"]


@dataclasses.dataclass(frozen=True, order=True)
class Shard:
    """What a worker needs to find one shard, and what tells whether it has changed.

    Attributes:
      name: unique in the run, safe as a file name: the path below the longest common folder, "/" as "__", extensions dropped.
      source: name of the job's source it belongs to.
      path: where it lies, on any filesystem that Beam reads.
      format: its layout.
      size: bytes of the file.
      version: etag, or modification time, of the file as its filesystem tells it.
      row_groups: first and end row group (Parquet), None for the whole file.
      sidecar: path of the `.parquet` beside a tar, None where there is none.
      sidecar_size: bytes of the sidecar.
      sidecar_version: like `version`, of the sidecar.
      embeddings: paths of the embeddings of its pictures and of its captions, and of what says which row each is of; each "" where there
        is none. Empty where the source names no embeddings.
      embeddings_version: tells whether they have changed.
    """

    name: str
    source: str
    path: str
    format: Format
    size: int
    version: str
    row_groups: tuple[int, int] | None = None
    sidecar: str | None = None
    sidecar_size: int = 0
    sidecar_version: str = ""
    embeddings: tuple[str, ...] = ()
    embeddings_version: str = ""


def shard_from(fields: Mapping[str, Any]) -> Shard:
    """A shard from its fields as JSON has them."""
    groups = tuple(fields["row_groups"]) if fields["row_groups"] else None
    return Shard(**{**fields, "row_groups": groups, "embeddings": tuple(fields.get("embeddings", ()))})
