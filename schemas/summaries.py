"""What emit writes down about each shard, so that document never reads a row: `work/emitted/<shard>.<hash>.parquet`.

A summary is a long table of integer counts. Rows of all shards with the same metric and labels add up.
"""

import pyarrow as pa

SUMMARY = pa.schema(
    [
        pa.field("metric", pa.string(), nullable=False),
        ("a", pa.string()),  # labels; their meaning depends on the metric, see METRICS
        ("b", pa.string()),
        ("c", pa.string()),
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("weight", pa.int64(), nullable=False),  # sum of weights in units of 2^-32: integers, so that order cannot show
    ]
)

METRICS = {
    "verdict": "a: verdict",
    "reason": "a: reason (rows may count under several)",
    "sole_reason": "a: reason, rows that have no other",
    "filter": "a: filter (or a word that none gives), b: rejected | flagged, rows of which it says so",
    "action": "a: action",
    "flag": "a: flag",
    "source": "a: source, b: verdict",
    "shard": "a: shard, b: verdict",
    "problem": "a: why unreadable",
    "score": "a: filter.field, b: lower edge of the bin, c: verdict",
    "consent": "a: state, b: verdict",
    "observable": "a: bit name, b: consent state",
    "signal": "a: consent signal, b: scope, c: value",
    "group": "a: attribute, b: level, c: all | kept",
    "group_reason": "a: attribute, b: level, c: reason (or 'removed')",
    "language_reason": "a: language, b: reason",
    "domain": "a: registrable domain, b: all | kept",
    "domain_pixels": "a: registrable domain; bytes holds pixels (kept)",
    "creator": "a: who made the picture, as published (kept)",
    "creator_pixels": "a: who made the picture; bytes holds pixels (kept)",
    "licence": "a: licence, as published (kept)",
    "licence_pixels": "a: licence; bytes holds pixels (kept)",
    "format": "a: picture format, b: verdict",
    "size": "a: shorter side in px, power of two below, b: verdict",
    "duplicate": "a: reason, b: identical | near",
    "earlier": "a: earlier run, b: reason for which rows that it stands behind went",
    "overlap": "a: benchmark set, b: how a row was found (exact | near hash, picture or caption), or 'rows' for all of the set",
    "null": "a: data column, rows: nulls among kept",
}
