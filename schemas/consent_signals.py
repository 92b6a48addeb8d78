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
HOST_SEEN: Final = "host_seen"  # and that beside it: which files of the host were fetched
SAID: Final = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("signals", pa.list_(SIGNAL), nullable=False),
        pa.field("seen", pa.int32(), nullable=False),  # bits below
    ]
)

# What could be seen in detail, for the datasheet: beside the bits of `schemas.ledger` in what the opt-out filter measures, alone in `seen`.
SEEN_PAGE_NOAI: Final = 1 << 8
SEEN_PAGE_META_ROBOTS: Final = 1 << 9
SEEN_PAGE_TDM: Final = 1 << 10
UNREAD_XMP: Final = 1 << 11  # there is XMP, and what it says could not be read
UNREAD_MANIFEST: Final = 1 << 12  # there is a C2PA manifest, likewise
SEEN_ROBOTS: Final = 1 << 16
SEEN_TDMREP: Final = 1 << 17
SEEN_AI_TXT: Final = 1 << 18
SEEN_RSL: Final = 1 << 19
