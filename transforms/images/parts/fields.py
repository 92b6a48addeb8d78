"""Which fields of side data are about a person, by their EXIF tags and by their names in XMP, PNG text and JSON.

Position, serial numbers, the camera's owner, contact details, people named in the picture, the maker's private block, and embedded
pictures are. Who made the picture (Artist, by-line, dc:creator) and its copyright notice are not: they are the rightsholder's own
statement, which whoever publishes the picture may not take off (17 U.S.C. 1202, Directive 2001/29/EC article 7). They go only where
they hold contact details or repeat the name of the camera's owner. City, state and country are no position; anything finer is.
"""

import re
from typing import Final

GPS: Final = "gps"
SERIAL_NUMBER: Final = "serial_number"
OWNER: Final = "owner"
PERSONS: Final = "persons"
MAKER_NOTE: Final = "maker_note"
THUMBNAIL: Final = "thumbnail"
SECOND_PICTURE: Final = "second_picture"
CONTENT_CREDENTIALS: Final = "content_credentials"
TRAILER: Final = "trailer"
UNPARSABLE: Final = "unparsable"
WORDS: Final = (
    GPS, SERIAL_NUMBER, OWNER, PERSONS, MAKER_NOTE, THUMBNAIL, SECOND_PICTURE, CONTENT_CREDENTIALS, TRAILER, UNPARSABLE,
)  # fmt: skip

# Exif 2.32 (0xA430, 0xA431, 0xA435, 0x927C, 0x8825), DNG 1.6 (0xC62F, 0xC634), Microsoft (0xFDE8, 0xFDE9), GeoTIFF (0x8482, 0x85D8).
TAGS: Final = {
    0x8825: GPS, 0x8482: GPS, 0x85D8: GPS, 0xA430: OWNER, 0xA431: SERIAL_NUMBER, 0xA435: SERIAL_NUMBER, 0x927C: MAKER_NOTE,
    0xC62F: SERIAL_NUMBER,
    0xC634: MAKER_NOTE, 0xFDE8: OWNER, 0xFDE9: SERIAL_NUMBER,
}  # fmt: skip

_NAMES: Final = (
    (GPS, re.compile(r"^gps|gpsinfo|gps[a-z]*$|latitude|longitude|altitude|^geo(tag|location|hash|position)|^(sub|content)?location"
                     r"(created|shown|name|code|info)?$|^geo$")),
    (SERIAL_NUMBER, re.compile(r"serialn(umber|o|um)|^serial$|serial$")),
    (PERSONS, re.compile(r"^personin|^regions?(info)?$|persondisplayname|personemail|^regionlist|^faces?$|^peoplekeywords?$")),
    (OWNER, re.compile(r"ownername|^(camera)?owner$|contact|^ci(email|tel|url|adr)")),
    (MAKER_NOTE, re.compile(r"makernote")),
    (THUMBNAIL, re.compile(r"thumbnail|^preview(image)?$")),
)  # fmt: skip
_TEXT: Final = (
    (GPS, re.compile(r"\bgps|latitude|longitude|\bgeo:|\d[°º]\s?\d|\d\.\d{4,}\s*[,;]\s*[+-]?\d+\.\d{4,}", re.IGNORECASE)),
    (SERIAL_NUMBER, re.compile(r"serial\s*(number|no\b|#|:)", re.IGNORECASE)),
    (OWNER, re.compile(r"[\w.+-]@[\w-]+\.\w|\bowner(\s*name)?\s*[:=]|\b(tel|phone|mobile)\b\W{0,3}[+(]?\d", re.IGNORECASE)),
)  # fmt: skip
_EXAMINED: Final = 1 << 16


def word_of(name: str) -> str | None:
    """What kind of personal data a field of this name holds; None where it is none.

    A group in front (`EXIF BodySerialNumber`, `exif:GPSLatitude`) and signs between letters do not matter; a bare number is an EXIF tag.

    >>> [word_of(name) for name in ("GPS GPSLatitude", "aux:SerialNumber", "EXIF CameraOwnerName", "Image Artist", "34853")]
    ['gps', 'serial_number', 'owner', None, 'gps']
    """
    lowered = name.strip().casefold()
    if re.fullmatch(r"\d{3,6}|0x[0-9a-f]{2,6}", lowered):
        return TAGS.get(int(lowered, 0 if lowered.startswith("0x") else 10))
    groups = [group for part in re.split(r"[\s:./\[\]]+", lowered) if (group := re.sub(r"[^a-z0-9]", "", part))]
    if not groups:
        return None
    if groups[0] == "gps":
        return GPS
    for word, pattern in _NAMES:
        if pattern.search(groups[-1]) or (word in (MAKER_NOTE, THUMBNAIL) and pattern.search(groups[0])):
            return word
    return None


def words_in_text(text: str) -> set[str]:
    """What personal data a free text seems to hold: coordinates, serial numbers, contact details. Its first 64 Ki characters count.

    >>> sorted(words_in_text("Owner: Jo, jo@example.org, body serial number 0012345")), words_in_text("CREATOR: gd-jpeg v1.0")
    (['owner', 'serial_number'], set())
    """
    return {word for word, pattern in _TEXT if pattern.search(text, 0, _EXAMINED)}


def in_order(words: set[str]) -> tuple[str, ...]:
    """Words in the order of `WORDS`."""
    return tuple(word for word in WORDS if word in words)
