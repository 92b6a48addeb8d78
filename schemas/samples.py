"""A batch of samples as a reader yields it: the fixed core columns, and the source's own columns beside them."""

import dataclasses
from collections.abc import Mapping

import pyarrow as pa

EXTRA = pa.struct([("name", pa.string()), ("image", pa.large_binary())])

SAMPLE = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),  # place in the shard, from 0
        ("key", pa.string()),  # tar key, or the column mapped as key
        ("image", pa.large_binary()),  # bytes as read; null where the source has none
        ("caption", pa.string()),  # raw; null where absent, empty or NaN
        ("url", pa.string()),  # as the source has it
        ("problem", pa.string()),  # why the reader calls the row unreadable; null where it does not
        pa.field("disallowed", pa.bool_(), nullable=False),  # the downloader recorded that a header forbade the use
        pa.field("extra", pa.list_(EXTRA), nullable=False),  # further pictures under the same key: never published, searched for consent
        pa.field("flags", pa.list_(pa.string()), nullable=False),  # noticed while reading, e.g. extra_member
    ]
)

MAX_BATCH_ROWS = 1_000
MAX_BATCH_BYTES = 64 << 20


@dataclasses.dataclass(frozen=True)
class Samples:
    """At most 1,000 rows and about 64 MB.

    Attributes:
      core: a record batch of schema `SAMPLE`.
      source: the source's own columns under their own names, same rows; the image column is left out.
      roles: role name -> name of the column in `source` that plays it (url, caption, width, sha256, http_headers, exif, ...).
      has_bytes: whether this layout carries picture bytes at all (false for `urls`).
    """

    core: pa.RecordBatch
    source: pa.RecordBatch
    roles: Mapping[str, str]
    has_bytes: bool = True

    def __len__(self) -> int:
        return self.core.num_rows

    def role(self, name: str) -> pa.Array | None:
        """The source column that plays a role, or None where the source has none."""
        column = self.roles.get(name)
        return None if column is None else self.source.column(column)

    def slice(self, start: int, length: int) -> "Samples":
        """Consecutive rows as a batch of their own."""
        return dataclasses.replace(self, core=self.core.slice(start, length), source=self.source.slice(start, length))
