"""What annotate writes about every source row: `work/annotations/<shard>.<hash>.parquet`.

The base columns below, then one struct column per filter, named after it. No picture bytes and no caption text.
"""

import pyarrow as pa

GROUPS = pa.struct([("gender", pa.string()), ("age", pa.string()), ("region", pa.string()), ("language", pa.string())])

NUMBERS = pa.list_(pa.struct([("column", pa.string()), ("value", pa.float64())]))

BASE = pa.schema(
    [
        pa.field("uid", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("shard", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        ("key", pa.string()),  # withheld (null) where it holds personal data
        ("url", pa.string()),  # as the source has it, less credentials; withheld likewise
        ("url_id", pa.binary(16)),  # first 128 bits of SHA-256 of the normalised URL
        ("domain", pa.string()),  # registrable domain, private suffixes respected
        ("problem", pa.string()),  # why the row is unreadable; null where it is readable
        pa.field(
            "recorded", pa.bool_(), nullable=False
        ),  # unreadable because the downloader had recorded it as failed: counts for no limit
        pa.field("flags", pa.list_(pa.string()), nullable=False),
        pa.field("not_scored", pa.list_(pa.string()), nullable=False),  # filters that raised on this row
        ("bytes", pa.int64()),
        ("format", pa.string()),  # by content: jpeg, png, webp, gif, bmp, tiff, avif
        ("width", pa.int32()),  # as displayed
        ("height", pa.int32()),
        ("sha256", pa.binary(32)),  # of the bytes as read
        ("sha1", pa.binary(20)),
        ("md5", pa.binary(16)),
        ("phash", pa.uint64()),  # null where there is no picture or it is low_detail
        pa.field("low_detail", pa.bool_(), nullable=False),
        pa.field("has_caption", pa.bool_(), nullable=False),
        pa.field("caption_length", pa.int32(), nullable=False),  # code points of the raw caption
        pa.field("words", pa.int32(), nullable=False),
        ("caption_id", pa.binary(16)),  # first 128 bits of SHA-256 of the raw caption
        ("normal_caption_id", pa.binary(16)),  # likewise of its normal form
        pa.field("numbers", NUMBERS, nullable=False),  # what the source's own columns hold; null and NaN are left out
        pa.field("groups", GROUPS, nullable=False),
    ]
)

EMBEDDINGS = "embeddings"  # a filter's column of vectors, some kB a row: only match reads it, judge and emit leave it

# Keys of the footer's metadata, beside those of `schemas.versions`.
SOURCE_ROWS = b"winnow.source_rows"  # counted by other code than the reader
SOURCE_SCHEMA = b"winnow.source_schema"  # Arrow IPC of the source's own columns in this shard
ROLES = b"winnow.roles"  # JSON, role -> column of the source
NOTES = b"winnow.notes"  # JSON list of what was noticed about the shard as a whole


def schema(measures: dict[str, pa.DataType]) -> pa.Schema:
    """The annotation schema of a run with these filters, in the given order."""
    return pa.schema([*BASE, *(pa.field(name, kind) for name, kind in measures.items())])
