"""The result of match: for every row its cluster, its caption cluster, and how it is tied to the cluster's leader.

One file for each 2^18 rows, `<folder>/<number>.arrow`: Arrow IPC, uncompressed, one batch, rows in order.
"""

import dataclasses

import numpy as np
import pyarrow as pa

from schemas.layout import join
from transforms import storage
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
    with storage.atomic_write(path) as scratch, pa.OSFile(scratch, "wb") as sink, pa.ipc.new_file(sink, CLUSTER) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=CLUSTER))


def read_clusters(folder: str, start: int, stop: int, file_bits: int = OWNER_BITS) -> Clusters:
    """The clusters of dense rows [start, stop), which lie in files of 2^file_bits rows.

    Raises:
      InputError: match has not written them.
    """
    parts = {name: [CLUSTER.empty_table()[name].to_numpy()] for name in CLUSTER.names}
    for number in range(start >> file_bits, -(-stop >> file_bits)):
        first = number << file_bits
        with storage.open_arrow(path_of(folder, number)) as source:
            batch = pa.ipc.open_file(source).get_batch(0)
            rows = slice(max(start - first, 0), stop - first)
            for name, found in parts.items():
                found.append(batch.column(name).to_numpy()[rows])
    return Clusters(**{name: np.concatenate(found) for name, found in parts.items()})
