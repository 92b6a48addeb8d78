"""Tells what personal fields EXIF written down as text holds, as img2dataset's `exif` column does: position, serial numbers, owner."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

GPS: Final = "gps"
SERIAL_NUMBER: Final = "serial_number"
OWNER: Final = "owner"

# Tags of EXIF 3.0 (GPS IFD; BodySerialNumber, LensSerialNumber, CameraOwnerName), of maker notes and XMP, less case and punctuation.
_FIELDS = (
    (GPS, re.compile(r"gps|latitude|longitude|geolocation")),
    (SERIAL_NUMBER, re.compile(r"serialn(?:umber|o)|bodyserial|lensserial|cameraserial|internalserial")),
    (OWNER, re.compile(r"ownername|cameraowner|(?:^|exif|image|camera)owner$")),
)
_PUNCTUATION = re.compile(r"[\W_]+")


def exif_fields(value: object) -> tuple[str, ...]:
    """Which of `gps`, `serial_number` and `owner` an EXIF column's value holds, in this order; fields without a value are not held.

    Args:
      value: JSON text or bytes, a mapping, or a list of pairs; text that cannot be parsed holds what it names.

    >>> exif_fields('{"GPS GPSLatitude": "[52, 31, 12]", "EXIF BodySerialNumber": "0012345", "Image Make": "Pentax"}')
    ('gps', 'serial_number')
    >>> exif_fields('{"EXIF CameraOwnerName": "", "Image Orientation": "1"}'), exif_fields(None)
    ((), ())
    """
    names = list(_names(value))
    return tuple(field for field, pattern in _FIELDS if any(pattern.search(name) for name in names))


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):  # no JSON: whatever it names may stand in it
            yield from (_plain(word) for word in value.split())
            return
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if inner not in (None, "", b"", [], {}):
                yield _plain(str(name))
                yield from _names(inner) if isinstance(inner, Mapping) else ()
    elif isinstance(value, list):
        yield from (name for pair in value if isinstance(pair, list | tuple) and len(pair) == 2 for name in _names({str(pair[0]): pair[1]}))


def _plain(name: str) -> str:
    return _PUNCTUATION.sub("", name).casefold()
