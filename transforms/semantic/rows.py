"""The rows that are compared: their embeddings from the annotations, their order and uid from the signatures.

Rows of earlier runs are among them, numbered after all others; of each only the cluster counts that a row joins which means the same.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from schemas.annotations import EMBEDDINGS
from schemas.errors import InputError
from transforms.match.columns import open_columns
from transforms.match.elders import read_places
from transforms.semantic.elders import clusters_of
from transforms.storage import open_parquet
from transforms.vectors import KIND, unpack

BATCH_ROWS = 8_192


@dataclasses.dataclass(frozen=True)
class ShardRows:
    """Where the rows of a shard lie.

    Attributes:
      name: the shard.
      annotation: its embeddings; signature: its uids and content orders.
      start: dense number of its first row.
      rows: how many there are.
      places: of a shard of an earlier run, what is known of its rows (`ElderFile.places`); None for one of this run.
      before: of such a shard, rows of the same set in the shards before.
    """

    name: str
    annotation: str
    signature: str
    start: int
    rows: int
    places: str | None = None
    before: int = 0


@dataclasses.dataclass(frozen=True)
class Vectors:
    """Readable rows of a shard that have an embedding, and of an earlier run those that take part.

    Attributes:
      rows: int64[n], numbers in the shard, ascending.
      vectors: float16 [n, width], of unit length.
      numbers: int64[n], dense numbers of the rows; of an earlier run, of the clusters that rows join.
    """

    rows: np.ndarray
    vectors: np.ndarray
    numbers: np.ndarray


def read_vectors(shard: ShardRows, side: Literal["image", "text"], width: int | None = None) -> Iterator[Vectors]:
    """The embeddings of a shard, a few thousand rows at a time.

    Args:
      shard: which.
      side: whose embeddings.
      width: numbers that each must have; None: any.

    Raises:
      InputError: some have another width; names the shard.
    """
    numbers = np.arange(shard.start, shard.start + shard.rows)
    if shard.places is not None:
        numbers = clusters_of(read_places(shard.places), shard.start - shard.before, shard.start)
    with open_parquet(shard.annotation) as opened:
        start = 0
        for batch in opened.iter_batches(BATCH_ROWS, columns=[f"{EMBEDDINGS}.{side}", "problem"], use_threads=False):
            packed = batch.column(EMBEDDINGS).field(side)
            try:
                vectors, rows = unpack(packed)
            except ValueError as error:
                raise InputError(f"shard {shard.name}: {error}; give all rows those of one model") from error
            if len(rows) and width is not None and vectors.shape[1] != width:
                found = f"embeddings of {vectors.shape[1]} numbers, and others have {width}"
                raise InputError(f"shard {shard.name}: {found}; give all rows those of one model")
            taken = batch.column("problem").is_null().to_numpy(zero_copy_only=False)[rows] & (numbers[rows + start] >= 0)
            if taken.any():
                mine = rows[taken] + start
                yield Vectors(mine, vectors[taken], numbers[mine])
            start += batch.num_rows


def uids(shard: ShardRows, rows: np.ndarray) -> np.ndarray:
    """The uids of rows as two whole numbers each, uint64 [n, 2]; both spread evenly."""
    found = open_columns(shard.signature, ["uid"])["uid"]
    return np.ascontiguousarray(found[rows]).view("<u8").reshape(-1, 2)


def orders(shard: ShardRows, rows: np.ndarray) -> np.ndarray:
    """The content orders of rows, V16[n]."""
    found = open_columns(shard.signature, ["order"])["order"]
    return np.ascontiguousarray(found[rows]).view("V16").ravel()


def member_type(width: int) -> np.dtype:
    """A row, by its `Vectors.numbers`, as it travels to where it is compared."""
    return np.dtype([("order", "V16"), ("row", "<i8"), ("vector", KIND, (width,))])


def packed_members(blocks: Sequence[bytes], width: int, own: int) -> tuple[np.ndarray, int]:
    """Rows that met in one place: those of earlier runs, then the others, in each best first: by content order, then by number.

    Args:
      blocks: packed records.
      width: numbers of an embedding.
      own: rows of this run.

    Returns:
      The records, and how many of them are of earlier runs.
    """
    found = np.frombuffer(b"".join(blocks), member_type(width))
    return found[np.lexsort((found["row"], found["order"].view("S16"), found["row"] < own))], int(np.count_nonzero(found["row"] >= own))
