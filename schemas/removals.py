"""What is kept of removals after release: a ledger whose rows are chained by hashes, and the queue of what people have flagged.

The ledger is also a list of opt-outs as it is: `kind`, `value`, `radius`, `reason`, `valid_from` and `valid_to` mean what they mean there,
so that a later run that names it among `filters.opt_out.lists` leaves the same content out. A removal has one row for each thing by which
its content can be found again, all with the same `removal_id`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pyarrow as pa

from schemas.reasons import ILLEGAL, OPT_OUT, TAKEN_DOWN

REMOVE: Final = "remove"
RESTORE: Final = "restore"  # the removal no longer holds; `kind` and `value` are null
REQUESTS: Final[Mapping[str, str]] = MappingProxyType(
    {"csam": ILLEGAL, "dmca": TAKEN_DOWN, "gdpr17": TAKEN_DOWN, "licence": TAKEN_DOWN, "other": TAKEN_DOWN, "tdm_optout": OPT_OUT}
)  # words for what a removal rests on, as lists and flags may have them -> the reason that they stand for

REMOVALS = pa.schema(
    [
        pa.field("removal_id", pa.string(), nullable=False),  # r-000001 and on; says nothing about the row
        pa.field("effective_version", pa.string(), nullable=False),  # release that first goes without it
        pa.field("action", pa.string(), nullable=False),
        ("scope", pa.string()),  # content: wherever it is; location: at this URL
        ("reason", pa.string()),  # opt_out | taken_down | illegal
        ("request", pa.string()),  # what it rests on, one of `REQUESTS`, where that was said
        ("matched_by", pa.string()),  # kind of the entry that it was found by, `image`, or `cluster` for its copies
        ("published", pa.bool_()),  # whether it was in the release
        ("uid", pa.string()),
        ("kind", pa.string()),
        ("value", pa.string()),
        ("radius", pa.int32()),
        ("valid_from", pa.string()),  # dates of the list that asked for it, YYYY-MM-DD; never the clock's
        ("valid_to", pa.string()),
        ("requester_ref", pa.string()),  # who asked, as the list has it
        ("evidence_ref", pa.string()),  # file and row of the list, or number of the flag
        pa.field("prev_hash", pa.string(), nullable=False),  # hex SHA-256 of the row before
    ]
)
HEAD: Final = b"winnow.chain_head"  # footer: hex SHA-256 of the last row

SHARED = pa.schema([("kind", pa.string()), ("value", pa.string()), ("reason", pa.string()), ("effective_version", pa.string())])

# What a run itself found to be illegal, by what its copies can be told: a list of opt-outs too, kept in the private folder.
ILLEGAL_ENTRIES = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),  # name of the signature file that was emptied
        pa.field("at", pa.int64(), nullable=False),  # and of which row
        ("kind", pa.string()),
        ("value", pa.string()),
        ("radius", pa.int32()),
        ("reason", pa.string()),
    ]
)

FLAGS = pa.schema(
    [
        pa.field("flag_id", pa.string(), nullable=False),  # f-000001 and on
        ("uid", pa.string()),  # one of both
        ("url", pa.string()),
        pa.field("kind", pa.string(), nullable=False),  # what is wrong, in the words of whoever flagged it
        pa.field("reporter", pa.string(), nullable=False),  # keyed hash of who flagged it, hexadecimal
        ("evidence", pa.string()),
    ]
)
