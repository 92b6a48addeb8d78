"""What a release holds: the columns that every data file has, and the version of that agreement."""

import pyarrow as pa

SCHEMA_VERSION = "1"  # footer of every data file; raised when a column of ours changes its meaning

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])

OWN = pa.schema(
    [
        ("uid", pa.string()),
        ("url", pa.string()),
        ("caption", pa.string()),
        ("image", IMAGE),  # where the source had bytes; `path` is <uid>.<type by content>, never the source's
        ("width", pa.int32()),  # as displayed
        ("height", pa.int32()),
        ("sha256", pa.string()),  # hex, of the bytes in the row
        ("read_sha256", pa.string()),  # hex, of the bytes as read; another one where metadata was stripped
        ("weight", pa.float64()),
        ("copies", pa.int64()),  # rows of its cluster with its picture, in the shards it came with, itself among them
        ("copy_hosts", pa.int64()),  # registrable domains among their URLs
        ("creator", pa.string()),  # attribution: see `transforms.attribution`
        ("credit", pa.string()),
        ("licence", pa.string()),  # SPDX identifier where it is one
        ("licensor", pa.string()),
        ("rights", pa.string()),
        ("captions", pa.list_(pa.string())),  # of its cluster, its own first; at most MOST_CAPTIONS
        ("caption_count", pa.int64()),  # how many there are in all
    ]
)
OF_BYTES = ("image", "sha256", "read_sha256")  # absent where no source carries bytes
OF_ATTRIBUTION = ("creator", "credit", "licence", "licensor", "rights")
OF_CAPTIONS = ("captions", "caption_count")  # with `dedup.keep_captions` only
MOST_CAPTIONS = 1_000  # in one row: one placeholder on the web has nine million (salesforce/BLIP issue 154)
MOST_CHARACTERS = 10_000  # of a caption that another row carries, so that a row's `captions` stay below 10 million
OWN_ROLES = ("image", "caption", "url", "width", "height")  # roles whose source column is not repeated beside ours
