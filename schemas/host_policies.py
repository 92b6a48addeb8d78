"""A snapshot of what hosts say of crawling and training: `host_policies.parquet`, a row per host and scheme, sorted by host.

`winnow snapshot` writes it; any Parquet with these columns, sorted by `host`, will do. Bodies are as served, text or bytes; null where
nothing was fetched.
"""

import pyarrow as pa

HOST_POLICIES = pa.schema(
    [
        pa.field("host", pa.string(), nullable=False),  # lower case, as in the normal form of a URL, without port
        pa.field("scheme", pa.string(), nullable=False),  # http or https
        ("fetched_at", pa.string()),  # when the latest of the files was, as the source tells it
        ("status_robots", pa.int32()),  # HTTP status of robots.txt
        ("robots_txt", pa.binary()),
        ("tdmrep_json", pa.binary()),  # /.well-known/tdmrep.json
        ("ai_txt", pa.binary()),
        ("rsl_xml", pa.binary()),  # a licence document of RSL
        ("source", pa.string()),  # where the row comes from: the name of a file
    ]
)

BODIES = ("robots_txt", "tdmrep_json", "ai_txt", "rsl_xml")
ROW_GROUP = 2_048  # hosts: what a reader of one host has to decode
