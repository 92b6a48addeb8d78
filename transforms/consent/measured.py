"""What each row itself says of use: in response headers, columns about the page, the downloader's record, the picture's side data.

Whether what the picture carries could have been seen is told by the recorded hash: where it is that of the bytes, they are the
download's. Where none is recorded, they are taken for the download's unless the recorded original size is another one.
"""

import dataclasses
import datetime as dt
import json
from collections.abc import Iterator
from typing import Any, Literal

from schemas.consent_signals import SEEN_PAGE_META_ROBOTS, SEEN_PAGE_NOAI, SEEN_PAGE_TDM, UNREAD_MANIFEST, UNREAD_XMP
from schemas.job import Decode
from schemas.ledger import OBSERVABLE_EMBEDDED, OBSERVABLE_HEADERS, OBSERVABLE_PAGE
from transforms.consent.content_credentials import manifest_signals, unchecked_signals
from transforms.consent.embedded import creator_ids, creators, embedded_signals
from transforms.consent.headers import header_signals, read_headers
from transforms.consent.page import page_signals
from transforms.consent.signal import C2PA, DISALLOWED, LOCATION, XMP, Signal
from transforms.filters.base import Batch
from transforms.images.metadata import Metadata, read_metadata
from transforms.images.pdq import pdq_hash

_DIGESTS = {"sha256": 64, "md5": 32, "sha1": 40}
_PAGE = {"page_noai": SEEN_PAGE_NOAI, "page_meta_robots": SEEN_PAGE_META_ROBOTS, "page_tdm_reservation": SEEN_PAGE_TDM}
_UNREAD = {C2PA: UNREAD_MANIFEST, XMP: UNREAD_XMP}
_COLUMNS = (*_PAGE, "http_headers", "downloaded_at", "creator", "exif")
Manifests = Literal["notice", "reservations", "read"]
_EXIF_CREATORS = ("Image Artist", "Artist", "Image XPAuthor", "XPAuthor")


def measured_rows(batch: Batch, *, manifests: Manifests, pdq: bool = False) -> Iterator[dict[str, Any]]:
    """What each row of a batch says of use, as plain data of type `OptOut.measured`.

    Args:
      batch: the rows.
      manifests: what is read of C2PA manifests: that there is one, their assertions, or these validated by the extra `c2pa`.
      pdq: whether PDQ hashes are computed.
    """
    core = batch.samples.core
    columns = {name: batch.role(name) for name in _COLUMNS}
    disallowed, extra = core.column("disallowed").to_pylist(), core.column("extra").to_pylist()
    original = _originals(batch)
    for row, image in enumerate(batch.images):
        at = _time(columns["downloaded_at"][row])
        headers = read_headers(columns["http_headers"][row])
        noai, robots, tdm = (columns[name][row] for name in _PAGE)
        further = [member["image"] for member in extra[row] if member["image"]]
        pictures, metadata = [image or b"", *further], [batch.metadata[row], *map(read_metadata, further)]
        signals = header_signals(headers, at) + page_signals(noai, robots, tdm, at)
        if disallowed[row]:
            signals.append(Signal(DISALLOWED, "x-robots-tag", LOCATION, "recorded by the downloader", at))
        for number, (picture, found) in enumerate(zip(pictures, metadata, strict=True)):
            where = f"further picture {number}: " if number else ""
            manifest = _manifest(picture, found, where, manifests)
            signals += [*embedded_signals(found, where, manifest_read=manifest is not None), *(manifest or ())]
        observable = OBSERVABLE_HEADERS if headers.recorded and headers.readable else 0
        for bit in (bit for bit, value in zip(_PAGE.values(), (noai, robots, tdm), strict=True) if not _absent(value)):
            observable |= OBSERVABLE_PAGE | bit
        for signal in signals:
            observable |= 0 if signal.observable else _UNREAD.get(signal.signal, 0)
        observable |= OBSERVABLE_EMBEDDED if metadata[0].container and original[row] else 0
        names = [name for found in metadata for name in creators(found)] + _names(columns["creator"][row], columns["exif"][row])
        yield {
            "signals": [dataclasses.asdict(signal) for signal in dict.fromkeys(signals)],
            "observable": observable,
            "pdq": _pdq(batch, row) if pdq else None,
            "headers_unreadable": not headers.readable,
            "creators": creator_ids(names),
        }


def _manifest(picture: bytes, found: Metadata, where: str, manifests: Manifests) -> list[Signal] | None:
    """What C2PA manifests say; None where there is none, or it was not read. What the library cannot read is read without it."""
    if not found.credentials or manifests == "notice":
        return None
    validated = manifest_signals(picture, found.container or "", where) if manifests == "read" else None
    return unchecked_signals(found.credentials, where) if validated is None else validated


def _pdq(batch: Batch, row: int) -> bytes | None:
    picture, raw = batch.pictures[row], batch.images[row]
    if picture is None or raw is None:
        return None
    return pdq_hash(raw, Decode(max_pixels=picture.width * picture.height, max_bytes=len(raw)))  # it was within the job's own budget


def _originals(batch: Batch) -> list[bool]:
    """Whether the bytes of each row may be taken for those of the download.

    They are where a recorded hash is theirs, and are not where one is recorded and none is theirs. Without a recorded hash they are
    unless the recorded original size, in either orientation, is not that of the picture.
    """
    recorded = {name: batch.role(name) for name in _DIGESTS}
    actual = {"sha256": batch.sha256, "md5": batch.md5, "sha1": batch.sha1}
    sizes = [batch.role(name) for name in ("original_width", "original_height", "width", "height")]
    found = []
    for row in range(len(batch)):
        compared = [
            digest == hashed.hex() for name in _DIGESTS
            if (hashed := actual[name][row]) is not None and (digest := _hex(recorded[name][row], _DIGESTS[name])) is not None
        ]  # fmt: skip
        if compared:
            found.append(any(compared))
            continue
        width, height, stored_width, stored_height = (_number(column[row]) for column in sizes)
        picture = batch.pictures[row]
        stored = (picture.width, picture.height) if picture else (stored_width, stored_height)
        known = None not in (width, height, *stored)
        found.append(not known or sorted((width, height)) == sorted(stored))  # type: ignore[type-var]  # known: none is None
    return found


def _hex(value: object, digits: int) -> str | None:
    """A recorded digest as lower-case hexadecimal digits; None where it is none."""
    text = value.hex() if isinstance(value, bytes) and 2 * len(value) == digits else value
    text = text.decode("latin-1") if isinstance(text, bytes) else text
    plain = text.strip().lower() if isinstance(text, str) else ""
    return plain if len(plain) == digits and not plain.strip("0123456789abcdef") else None


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and value == value and value > 0 else None


def _absent(value: object) -> bool:
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def _time(value: object) -> str | None:
    if _absent(value):
        return None
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _names(column: object, exif: object) -> list[str]:
    """Who made the picture by a column, and by img2dataset's `exif` text."""
    names = [column] if isinstance(column, str) else [name for name in column if isinstance(name, str)] if isinstance(column, list) else []
    if isinstance(exif, str) and ("Artist" in exif or "Author" in exif):
        try:
            fields = json.loads(exif)
        except (ValueError, RecursionError):
            fields = None
        if isinstance(fields, dict):
            names += [name for tag in _EXIF_CREATORS if isinstance(name := fields.get(tag), str)]
    return names
