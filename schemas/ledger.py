"""The ledger: one row for every source row, and why. The team's own record, never published."""

import pyarrow as pa

EARLIER_RUN = "earlier run: "  # in a detail of evidence, before the name of the run that has the copy
EVIDENCE = pa.struct([("reason", pa.string()), ("score", pa.float64()), ("threshold", pa.float64()), ("detail", pa.string())])

LEDGER = pa.schema(
    [
        pa.field("uid", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("shard", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        ("key", pa.string()),
        ("url", pa.string()),
        pa.field("verdict", pa.string(), nullable=False),
        pa.field("reasons", pa.list_(pa.string()), nullable=False),  # empty exactly when kept
        pa.field("actions", pa.list_(pa.string()), nullable=False),
        pa.field("flags", pa.list_(pa.string()), nullable=False),
        ("cluster", pa.string()),  # smallest uid of the duplicate cluster; null for a row alone
        ("caption_cluster", pa.string()),
        ("duplicate_of", pa.string()),
        ("weight", pa.float64()),  # kept rows only
        pa.field("evidence", pa.list_(EVIDENCE), nullable=False),
        pa.field("covers", pa.list_(pa.string()), nullable=False),  # its reasons that cover every copy, in later runs too
        pa.field("consent", pa.string(), nullable=False),
        pa.field("consent_observable", pa.int32(), nullable=False),
        pa.field("copies", pa.int64(), nullable=False),  # rows of its cluster with its picture, rejected ones and itself among them
        ("copy_hosts", pa.int64()),  # registrable domains among their URLs; null where none has a URL
        # With `dedup.keep_captions`, else null; of kept rows only.
        ("caption_count", pa.int64()),  # distinct captions of its cluster that may be published, its own among them
        ("captions", pa.list_(pa.string())),  # uids of the rows whose captions it carries beside its own
    ]
)

# `work/captions/<shard>.parquet`: where those rows are, so that emit can fetch their captions; in the order of `captions`.
CARRIED = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),  # of this shard: the row that carries
        pa.field("shard", pa.string(), nullable=False),  # of the row whose caption it is
        pa.field("from_row", pa.int64(), nullable=False),
    ]
)

# Bits of `consent_observable`: which signals could have been seen for this row.
OBSERVABLE_HEADERS = 1 << 0  # location: the response headers were recorded
OBSERVABLE_LISTS = 1 << 1  # location: a URL or domain list was given and the row has a URL
OBSERVABLE_HOST_POLICY = 1 << 2  # location: a policy of its host was given
OBSERVABLE_PAGE = 1 << 3  # location: page_noai or page_meta_robots columns
OBSERVABLE_EMBEDDED = 1 << 4  # content: the bytes are those of the download, so embedded metadata would be there
OBSERVABLE_HASH_LISTS = 1 << 5  # content: a hash list was given and the row has bytes
LOCATION_BITS = OBSERVABLE_HEADERS | OBSERVABLE_LISTS | OBSERVABLE_HOST_POLICY | OBSERVABLE_PAGE
CONTENT_BITS = OBSERVABLE_EMBEDDED | OBSERVABLE_HASH_LISTS

VERDICTS = b"winnow.verdicts"  # footer: JSON, verdict -> rows
