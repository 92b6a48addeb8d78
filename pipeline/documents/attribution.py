"""Who is to be credited, and under which licence: `attribution.parquet`, exact over all shards, and what the datasheet tells of it."""

from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.documents.counts import Counts
from pipeline.documents.evidence import Evidence
from pipeline.documents.facts import Fact, computed, share
from transforms.licences import terms

PATH = "attribution.parquet"
SCHEMA = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),  # creator | domain | licence
        pa.field("name", pa.string(), nullable=False),
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("pixels", pa.int64(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),  # of the pictures as read
    ]
)
MOST_LICENCES = 30
_GROUP_ROWS = 100_000
_QUERY = """
    select kind, a, (sum(rows) filter (metric = kind))::bigint, (sum(bytes) filter (metric <> kind))::bigint,
           (sum(bytes) filter (metric = kind))::bigint
    from (select *, replace(metric, '_pixels', '') as kind from summary
          where metric in ('creator', 'creator_pixels', 'licence', 'licence_pixels', 'domain_pixels') or (metric = 'domain' and b = 'kept'))
    where a is not null and not (kind = 'domain' and contains(a, '@')) group by kind, a order by kind, a"""


def credited(counts: Counts) -> pa.Table:
    """Kept rows, their pixels and bytes per creator, licence and registrable domain, sorted by kind and name.

    A row whose creator is not known counts under none; names are those of the columns `creator` and `licence`, letter for letter.
    """
    return counts.database.sql(_QUERY).to_arrow_table().rename_columns(SCHEMA.names).cast(SCHEMA)


def write_attribution(table: pa.Table) -> bytes:
    """The file `attribution.parquet`."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, version="2.6", compression="zstd", row_group_size=_GROUP_ROWS)
    return bytes(sink.getvalue())


def attribution(evidence: Evidence, kept: int) -> dict[str, Fact]:
    """How much of what is kept can be credited, and under which licences it stands."""
    nulls = evidence.counts.rows("null")
    licences = evidence.counts.rows("licence")
    known = {name: kept - nulls.get(name, kept) for name in ("creator", "licence")}
    asked = Counter[str]()
    for name, rows in licences.items():
        asked.update(dict.fromkeys(terms(name), rows))
    ordered = sorted(licences.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_LICENCES]
    creators = evidence.counts.database.execute("select count(distinct a) from summary where metric = 'creator'").fetchall()[0][0]
    how = "kept rows whose picture's metadata or a column of the source says it / kept rows"
    return {
        "creator_share": computed(share(known["creator"], kept), how),
        "licence_share": computed(share(known["licence"], kept), how),
        "creators": computed(creators, "different values of the column `creator`"),
        "licence_names": computed(len(licences), "different values of the column `licence`"),
        "licences": computed(
            [{"licence": name, "rows": rows, "share": share(rows, kept), "asks": list(terms(name))} for name, rows in ordered],
            f"kept rows by the column `licence`, SPDX identifiers where it is one, the {MOST_LICENCES} most frequent; share: of kept rows",
        ),
        "non_commercial": computed(asked["NC"], "kept rows under a Creative Commons licence for non-commercial use only"),
        "no_derivatives": computed(asked["ND"], "kept rows under a Creative Commons licence that allows no derivatives"),
    }
