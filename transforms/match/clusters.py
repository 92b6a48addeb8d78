"""The result of match: for every row its cluster, its caption cluster, and how it is tied to the cluster's leader.

One file for each 2^18 rows, `<folder>/<number>.arrow`: Arrow IPC, uncompressed, one batch, rows in order.
"""

import dataclasses
import functools

import numpy as np
import pyarrow as pa

from schemas.layout import join
from transforms.match.row_files import read_rows, write_rows
from transforms.match.rows import OWNER_BITS

ALONE = -1

CLUSTER = pa.schema(
    [
        pa.field("cluster", pa.int64(), nullable=False),  # dense row of the leader; -1 for a row alone
        pa.field("caption_cluster", pa.int64(), nullable=False),  # likewise, over captions alone
        pa.field("link", pa.uint8(), nullable=False),  # with the leader: bit 0 the picture, bit 1 the caption; 0 for leaders and rows alone
        pa.field("agreement", pa.float32(), nullable=False),  # with the leader: of the picture where bit 0 is set, else of the caption
    ]
)


@dataclasses.dataclass(frozen=True)
class Clusters:
    """Consecutive rows, as arrays.

    Attributes:
      cluster: int64[n], dense row number of the leader, its own for a leader, -1 for a row alone. Where the row belongs to an elder
        cluster, that of the cluster's first row, which is beyond all rows of the run: see `transforms.match.elders`.
      caption_cluster: int64[n], likewise over captions alone, whatever the policy.
      link: uint8[n], what ties a row to its leader: 1 the picture, 2 the caption, 3 both; 0 for leaders and rows alone. Under
        `image_or_caption` a row whose equal picture came in by another caption has 1 as well.
      agreement: float32[n], with the leader, multiples of 1e-4: of the picture where bit 0 is set, else of the caption; 1.0 where they
        are equal and for leaders, 0.0 for rows alone.
    """

    cluster: np.ndarray
    caption_cluster: np.ndarray
    link: np.ndarray
    agreement: np.ndarray

    def part(self, rows: slice) -> "Clusters":
        """Some of the rows."""
        return Clusters(self.cluster[rows], self.caption_cluster[rows], self.link[rows], self.agreement[rows])


def path_of(folder: str, number: int) -> str:
    """Where the rows of a file lie."""
    return join(folder, f"{number:07d}.arrow")


def write_clusters(path: str, clusters: Clusters) -> None:
    """Writes the rows of a file, atomically."""
    columns = [pa.array(getattr(clusters, field.name), field.type) for field in CLUSTER]
    write_rows(path, columns, CLUSTER)


def read_clusters(folder: str, start: int, stop: int, file_bits: int = OWNER_BITS) -> Clusters:
    """The clusters of dense rows [start, stop), which lie in files of 2^file_bits rows.

    Raises:
      InputError: match has not written them.
    """
    return Clusters(**read_rows(functools.partial(path_of, folder), CLUSTER, start, stop, file_bits))
