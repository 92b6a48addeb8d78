"""The result: for every row whom it means the same as, and how far it lies from its neighbours; one file per owner of dense rows."""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from schemas.job import Semantic
from schemas.layout import join
from schemas.reasons import SEMANTIC_OUTLIER
from transforms.filters.base import Finding
from transforms.match.row_files import read_rows, write_rows
from transforms.match.rows import OWNER_BITS

ALONE = -1
FACTS = "facts.json"  # beside the files: rows that were compared, centroids, rows around the fullest, centroids with too many

FOUND = pa.schema(
    [
        pa.field("cluster", pa.int64(), nullable=False),  # dense row of the leader; -1 for a row alone, or without an embedding
        pa.field("similarity", pa.float32(), nullable=False),  # cosine with the leader; 1.0 for leaders, 0.0 for rows alone
        ("outlier", pa.float32()),  # 1 - mean cosine with the 8 nearest; null where there is no embedding or no other row
    ]
)
RECORD = np.dtype([("row", "<i8"), ("cluster", "<i8"), ("similarity", "<f4"), ("outlier", "<f4")])


@dataclasses.dataclass(frozen=True)
class Found:
    """Consecutive rows, as arrays.

    Attributes:
      cluster: int64[n], dense row number of the leader, its own for a leader, -1 for a row alone.
      similarity: float32[n], cosine with the leader, a multiple of 1e-4.
      outlier: float32[n], a multiple of 1e-4; NaN where nothing is known.
    """

    cluster: np.ndarray
    similarity: np.ndarray
    outlier: np.ndarray


def write_found(folder: str, owner: int, first: int, stop: int, packed: Sequence[bytes]) -> None:
    """Writes what was found about the rows of an owner, `first` to `stop`, from RECORDs in any order; of others nothing is known."""
    records = np.frombuffer(b"".join(packed), RECORD)
    cluster, similarity = np.full(stop - first, ALONE, np.int64), np.zeros(stop - first, np.float32)
    outlier = np.full(stop - first, np.nan, np.float32)
    at = records["row"] - first
    cluster[at], similarity[at], outlier[at] = records["cluster"], records["similarity"], records["outlier"]
    columns = [pa.array(cluster), pa.array(similarity), pa.array(outlier, mask=np.isnan(outlier))]
    write_rows(_path(folder, owner), columns, FOUND)


def read_found(folder: str, start: int, stop: int) -> Found:
    """What was found about dense rows [start, stop).

    Raises:
      InputError: it was not looked for.
    """
    return Found(**read_rows(functools.partial(_path, folder), FOUND, start, stop, OWNER_BITS))


def outliers(found: Found, semantic: Semantic) -> list[Finding]:
    """Rows that lie too far from their neighbours."""
    if semantic.max_outlier is None:
        return []
    score = found.outlier.astype(np.float64).round(4)
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero(score > semantic.max_outlier)
    return [Finding("flag", SEMANTIC_OUTLIER, rows, score[rows], semantic.max_outlier, f"embeddings of {semantic.of}")] if len(rows) else []


def _path(folder: str, owner: int) -> str:
    return join(folder, f"{owner:07d}.arrow")
