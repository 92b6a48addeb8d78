"""Looks for listed content in published files: by uid, URL, hashes and perceptual hash of what is really in the rows."""

import hashlib
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.annotations import BASE
from schemas.signatures import FAST_SLACK
from transforms.attribution import JOINT
from transforms.consent.embedded import creator_ids, creators
from transforms.consent.lists import Lists
from transforms.images.metadata import read_metadata
from transforms.images.phash import hash_pictures
from transforms.storage import open_parquet
from transforms.takedown.published import opened, pdq_of
from transforms.text.url import host_of, normal_url, registrable_domain

ROWS = 1_000  # looked at together
_OF_BYTES = ("sha1", "md5", "phash", "pdq", "creator")
_READ = ("uid", "url", "sha256", "read_sha256", "creator")
_OF_PLACES = ("url", "url_prefix", "domain")
_ASKED = ("uid", "url", "url_id", "domain", "sha256", "sha1", "md5", "phash")


def absent(path: str, lists: Lists) -> tuple[int, Counter[str]]:
    """Rows of a data file, and how many of them entries cover, by the entries' kind.

    Pictures are hashed again from their bytes, where any entry asks for it; both hashes that a row states are looked up, that of the
    picture as it was read too. Names of creators are looked for in the column `creator` and in what the picture itself still says.

    Args:
      path: a Parquet file with the columns of `schemas.release.OWN`, all but `uid` optional.
      lists: the entries.

    Raises:
      MissingError: the entries hold PDQ hashes, and the extra `pdq` is not installed.
    """
    rows, found = 0, Counter[str]()
    with open_parquet(path) as data:
        there = set(data.schema_arrow.names)
        bytes_asked = lists.has(_OF_BYTES) and "image" in there
        columns = [name for name in (*_READ, *(("image",) if bytes_asked else ())) if name in there]
        for batch in data.iter_batches(ROWS, columns=columns, use_threads=False):
            rows += batch.num_rows
            seen: dict[str, set[int]] = {}
            pdq = pdq_of(_pictures(batch)) if bytes_asked and lists.has(("pdq",)) else None
            named = _creators(batch) if lists.has(("creator",)) else None
            for asked in _as_annotations(batch, bytes_asked=bytes_asked):
                for match in lists.match(asked, named, FAST_SLACK, pdq):
                    seen.setdefault(match.kind, set()).update(match.rows.tolist())
            found.update({kind: len(covered) for kind, covered in seen.items()})
    return rows, found


def _as_annotations(batch: pa.RecordBatch, *, bytes_asked: bool) -> Iterator[pa.RecordBatch]:
    """A batch as lists are matched against it, once for each hash that its rows state."""
    rows = batch.num_rows
    urls = _texts(batch, "url")
    normal = [None if url is None else normal_url(url) for url in urls]
    hosts = [None if url is None else host_of(url) for url in normal]
    columns = {
        "uid": pa.array(_texts(batch, "uid"), pa.string()),
        "url": pa.array(urls, pa.string()),
        "url_id": pa.array([None if url is None else hashlib.sha256(url.encode("utf-8", "surrogatepass")).digest()[:16] for url in normal]),
        "domain": pa.array([None if host is None else registrable_domain(host) for host in hosts], pa.string()),
        **_of_bytes(batch, bytes_asked=bytes_asked),
    }
    for name in ("sha256", "read_sha256"):
        stated = [None if text is None else bytes.fromhex(text) for text in _texts(batch, name)]
        whole = columns | {"sha256": pa.array(stated, pa.binary())}
        schema = pa.schema([pa.field(field, BASE.field(field).type) for field in _ASKED])
        yield pa.RecordBatch.from_arrays(
            [whole.get(field, pa.nulls(rows)).cast(schema.field(field).type) for field in _ASKED], schema=schema
        )


def _texts(batch: pa.RecordBatch, name: str) -> list[str | None]:
    return batch.column(name).to_pylist() if name in batch.schema.names else [None] * batch.num_rows


def _of_bytes(batch: pa.RecordBatch, *, bytes_asked: bool) -> dict[str, pa.Array]:
    if not bytes_asked:
        return {}
    raw = _pictures(batch)
    pictures = [opened(found, "fast") for found in raw]
    hashes = hash_pictures(pictures)
    known = np.array([picture is not None for picture in pictures], bool) & ~hashes.low_detail
    return {
        "md5": pa.array([None if found is None else hashlib.md5(found, usedforsecurity=False).digest() for found in raw], pa.binary(16)),
        "sha1": pa.array([None if found is None else hashlib.sha1(found, usedforsecurity=False).digest() for found in raw], pa.binary(20)),
        "phash": pa.array(hashes.phash, pa.uint64(), mask=~known),
    }


def _creators(batch: pa.RecordBatch) -> pa.ListArray:
    """Digests of the names that rows and their pictures hold; one text may hold several, as `transforms.attribution` joins them."""
    stated = [[text, *text.split(JOINT)] if text else [] for text in _texts(batch, "creator")]
    embedded = [[] if raw is None else creators(read_metadata(raw)) for raw in _pictures(batch)]
    return pa.array([creator_ids([*own, *theirs]) for own, theirs in zip(stated, embedded, strict=True)], pa.list_(pa.string()))


def _pictures(batch: pa.RecordBatch) -> list[bytes | None]:
    if "image" not in batch.schema.names:
        return [None] * batch.num_rows
    found: list[bytes | None] = pc.struct_field(batch.column("image"), "bytes").to_pylist()
    return found
