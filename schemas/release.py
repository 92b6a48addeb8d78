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
    ]
)
OF_BYTES = ("image", "sha256", "read_sha256")  # absent where no source carries bytes
OWN_ROLES = ("image", "caption", "url", "width", "height")  # roles whose source column is not repeated beside ours
