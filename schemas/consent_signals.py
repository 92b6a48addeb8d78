"""Consent signals as they are stored: in annotations what a row itself says, in `work/policies/<shard>.parquet` what its host says.

A row of the latter stands for each row whose host the snapshot of host policies knows.
"""

from typing import Final

import pyarrow as pa

SIGNAL: Final = pa.struct(
    [
        ("signal", pa.string()),
        ("value", pa.string()),
        ("scope", pa.string()),
        ("evidence", pa.string()),
        ("observed_at", pa.string()),
        ("observable", pa.bool_()),  # false: it is there, and what it says could not be read
    ]
)
HOST_SIGNALS: Final = "host_signals"  # the name of the column that judge puts beside the annotations
SAID: Final = pa.schema([pa.field("row", pa.int64(), nullable=False), pa.field("signals", pa.list_(SIGNAL), nullable=False)])
