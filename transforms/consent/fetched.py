"""Reads what was fetched of hosts, whole archives of it or a folder: the rows of a snapshot, before the latest of each is chosen."""

import os
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import InputError
from schemas.host_policies import BODIES, HOST_POLICIES
from transforms.consent.policy_text import MAX_BYTES
from transforms.local_copy import local_copy
from transforms.storage import open_read
from transforms.text.url import host_of

PATHS: Final = {"/robots.txt": "robots_txt", "/.well-known/tdmrep.json": "tdmrep_json", "/ai.txt": "ai_txt", "/license.xml": "rsl_xml"}
_RSL_TYPE: Final = "application/rsl+xml"
FETCHED: Final = HOST_POLICIES.append(pa.field("moved_to", pa.string()))  # scheme and host whose robots.txt a redirect names
_FOUND: Final = 200
_GONE: Final = (404, 410)
_MOVED: Final = range(300, 400)
_ROBOTS: Final = "robots_txt"
_BATCH: Final = 1_000


def read_archive(path: str) -> Iterator[dict[str, Any]]:
    """Rows of schema `FETCHED` from a WARC file, as crawlers keep them (Common Crawl's `robotstxt` files): one per response.

    A file that is not there (404, 410) is empty, which is not the same as a file that nobody fetched.

    Raises:
      InputError: it is no WARC file, or ends early; names it.
    """
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    with open_read(path) as stream:
        try:
            for record in ArchiveIterator(stream):
                if record.rec_type == "response" and record.http_headers is not None:
                    row = _row_of(record, os.path.basename(path))
                    if row is not None:
                        yield row
        except (ArchiveLoadFailed, EOFError, ValueError, AttributeError) as error:  # the last where warcio finds no status line
            raise InputError(f"{path} is no WARC file, or not a whole one ({error}); fetch it again") from error


def _row_of(record: Any, source: str) -> dict[str, Any] | None:
    uri = record.rec_headers.get_header("WARC-Target-URI") or ""
    parts, host = urlsplit(uri.strip("<>")), host_of(uri.strip("<>"))
    kind = (record.http_headers.get_header("Content-Type") or "").partition(";")[0].strip().casefold()
    column = "rsl_xml" if kind == _RSL_TYPE else PATHS.get(parts.path)
    if host is None or column is None or parts.scheme not in ("http", "https"):
        return None
    code = record.http_headers.get_statuscode() or ""
    status = int(code) if code.isdigit() else None
    row = _row(host, parts.scheme, record.rec_headers.get_header("WARC-Date"), source)
    if status == _FOUND:
        row[column] = record.content_stream().read(MAX_BYTES)
    elif status in _GONE and column != _ROBOTS:
        row[column] = b""
    if column == _ROBOTS:
        row["status_robots"] = status
        row["moved_to"] = _place(urljoin(uri.strip("<>"), record.http_headers.get_header("Location") or "")) if status in _MOVED else None
    return row if row[column] is not None or column == _ROBOTS else None


def _place(url: str) -> str | None:
    """Scheme and host of a URL that names a robots.txt; None where it names something else."""
    parts, host = urlsplit(url), host_of(url)
    named = host is not None and parts.scheme in ("http", "https") and PATHS.get(parts.path) == _ROBOTS
    return f"{parts.scheme}://{host}" if named else None


def read_folder(folder: str) -> Iterator[dict[str, Any]]:
    """Rows of schema `FETCHED` from a local folder; when its files were fetched is not known.

    Args:
      folder: holds `<host>/robots.txt`, `<host>/.well-known/tdmrep.json`, `<host>/ai.txt`, `<host>/license.xml`, or files named after
        hosts, each a robots.txt.
    """
    for entry in sorted(os.scandir(folder), key=lambda found: found.name):
        if entry.name.startswith("."):
            continue
        host = host_of(f"https://{entry.name}")
        if host is None or "." not in host:
            continue
        row = _row(host, "https", None, os.path.basename(folder.rstrip("/")))
        bodies = {"robots_txt": entry.path} if entry.is_file() else {column: f"{entry.path}{path}" for path, column in PATHS.items()}
        for column, path in bodies.items():
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    row[column] = file.read(MAX_BYTES)
        if any(row[column] is not None for column in BODIES):
            yield row


def read_table(path: str) -> Iterator[pa.RecordBatch]:
    """Batches of schema `FETCHED` from a Parquet file that has some of its columns; texts become bytes.

    Raises:
      InputError: it is no Parquet file, or has no column `host`, or no body.
    """
    try:
        with local_copy(path) as local, pq.ParquetFile(local) as file:
            names = file.schema_arrow.names
            if "host" not in names or not set(BODIES) & set(names):
                raise InputError(
                    f"{path} has the columns {', '.join(names)}; a snapshot has `host` and at least one of {', '.join(BODIES)}"
                )
            for batch in file.iter_batches(_BATCH):
                found = conformed(batch, os.path.basename(path))
                yield found.append_column(FETCHED.field("moved_to"), pa.nulls(found.num_rows, pa.string()))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no Parquet file that can be read ({error}); write it again") from error


def conformed(batch: pa.RecordBatch, source: str) -> pa.RecordBatch:
    """A batch with all columns of `HOST_POLICIES`: hosts in lower case, what is not there null, the scheme https where none is named."""
    columns = []
    for field in HOST_POLICIES:
        if field.name not in batch.schema.names:
            default = {"scheme": "https", "source": source}.get(field.name)
            columns.append(pa.array([default] * batch.num_rows, field.type))
        elif field.name == "host":
            hosts = batch.column("host").cast(field.type).to_pylist()
            columns.append(pa.array([None if host is None else host.casefold() for host in hosts], field.type))
        else:
            columns.append(batch.column(field.name).cast(field.type))
    return pa.RecordBatch.from_arrays(columns, schema=HOST_POLICIES)


def _row(host: str, scheme: str, fetched_at: str | None, source: str) -> dict[str, Any]:
    return {**dict.fromkeys(FETCHED.names), "host": host, "scheme": scheme, "fetched_at": fetched_at, "source": source}
