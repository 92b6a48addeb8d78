"""Where the members of a tar lie: one pass over its headers, no picture read.

The grammar is that of POSIX.1-2017 `pax` (ustar and its extended headers) with GNU long names and sizes. The file is read to its end: an
end mark does not stop the walk, since archives are joined together with `cat`; what is no header is stepped over 512 bytes at a time.
"""

import dataclasses
import re
from typing import BinaryIO, Final

BLOCK: Final = 512
MAX_HEADER_DATA: Final = 1 << 20  # bytes of a long name or of extended headers; longer ones are stepped over
_SCAN = 1 << 20
_OCTAL = re.compile(rb"[ \0]*[0-7]{1,8}[ \0]*")
_RECORD = re.compile(rb"(\d{1,20}) ([^=]+)=")
_SPARSE = "sparse member"
TRUNCATED: Final = "truncated member"

_FOLDER, _LINK, _SPECIAL = "directories", "links", "special files"
_KINDS = {
    b"1": _LINK,
    b"2": _LINK,
    b"3": _SPECIAL,
    b"4": _SPECIAL,
    b"5": _FOLDER,
    b"6": _SPECIAL,
    b"D": _FOLDER,
    b"V": _SPECIAL,
    b"M": _SPECIAL,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """A regular file of a tar: its name as bytes, where its data begins, how long it is, and what is wrong with it, if anything."""

    name: bytes
    offset: int
    size: int
    problem: str | None = None


@dataclasses.dataclass
class TarIndex:
    """What a tar holds.

    Attributes:
      members: regular files in order.
      skipped: kind of what is no file -> how many.
      headers: valid headers seen, of any kind.
      junk: bytes that are neither member nor end mark, and where the first lies.
      ended: whether an end mark was seen.
      cut: whether the file ends within a member.
    """

    members: list[Member] = dataclasses.field(default_factory=list)
    skipped: dict[str, int] = dataclasses.field(default_factory=dict)
    headers: int = 0
    junk: int = 0
    first_junk: int = -1
    ended: bool = False
    cut: bool = False

    def notes(self) -> list[str]:
        """What must be said of the tar as a whole."""
        notes = []
        if not self.headers and not self.junk:
            notes.append("empty tar: it holds no member")
        elif self.cut:
            notes.append("tar cut: it ends within a member; how many followed is unknown")
        elif not self.ended:
            notes.append("tar without end mark: it may have been cut between two members")
        if self.junk and self.headers:
            notes.append(
                f"other bytes in the tar: {self.junk} bytes from byte {self.first_junk} on are no archive; members after them were read"
            )
        return notes


@dataclasses.dataclass
class _Extended:
    """What extended headers say of the next member."""

    name: bytes | None = None
    size: int | None = None
    sparse: bool = False


def index_tar(file: BinaryIO, length: int) -> TarIndex:
    """Walks the headers of an uncompressed tar of `length` bytes."""
    index = TarIndex()
    extended, common = _Extended(), _Extended()
    place = 0
    while place + BLOCK <= length:
        file.seek(place)
        block = file.read(BLOCK)
        if not block.strip(b"\0"):
            index.ended = True
            place = _after_zeros(file, place + BLOCK, length)
            continue
        size = _size(block) if _is_header(block) else None
        if size is None:
            index.first_junk = place if index.junk == 0 else index.first_junk
            index.junk += BLOCK
            place += BLOCK
            continue
        index.headers += 1
        index.ended = False
        kind, data = block[156:157], place + BLOCK
        if kind in b"xXgLK":
            place = _padded(data, size)
            if data + size > length:
                index.cut = True
                break
            _extend(common if kind == b"g" else extended, kind, file.read(size) if size <= MAX_HEADER_DATA else b"")
            continue
        place = _add(index, block, kind, data, _merged(common, extended, size), length, file)
        extended = _Extended()
    tail = length - place
    if 0 < tail < BLOCK:
        file.seek(place)
        if file.read(tail).strip(b"\0"):
            if index.headers and not index.ended:
                index.cut = True
            else:
                index.first_junk = place if index.junk == 0 else index.first_junk
                index.junk += tail
    return index


def _add(index: TarIndex, block: bytes, kind: bytes, data: int, extended: _Extended, length: int, file: BinaryIO) -> int:
    """Enters one member; returns where the next header lies."""
    name = extended.name if extended.name is not None else _name(block)
    size = extended.size or 0
    skipped = _KINDS.get(kind)
    if skipped is None and kind in (b"0", b"\0") and name.endswith(b"/"):
        skipped = _FOLDER
    if skipped is not None:
        index.skipped[skipped] = index.skipped.get(skipped, 0) + 1
        return data if kind in b"123456" else _padded(data, size)
    sparse = kind == b"S" or extended.sparse
    if kind == b"S" and block[482]:
        while data + BLOCK <= length:  # GNU: further blocks of the map of holes, each with a flag at its end
            file.seek(data + 504)
            more = file.read(1)
            data += BLOCK
            if more == b"\0":
                break
    problem = _SPARSE if sparse else None
    if data + size > length:
        index.cut = True
        problem = TRUNCATED
    index.members.append(Member(name, data, size, problem))
    return _padded(data, size)


def _extend(extended: _Extended, kind: bytes, data: bytes) -> None:
    if kind == b"L" and data:
        extended.name = data.partition(b"\0")[0]
    elif kind in b"xXg":
        for key, value in _records(data):
            if key in (b"path", b"GNU.sparse.name"):
                extended.name = value
            elif key == b"size" and value.isdigit() and len(value) < 19:
                extended.size = int(value)
            extended.sparse = extended.sparse or key.startswith(b"GNU.sparse.")


def _records(data: bytes) -> list[tuple[bytes, bytes]]:
    """The `length key=value` records of an extended header, up to the first that is none."""
    records, place = [], 0
    while found := _RECORD.match(data, place):
        end = place + int(found.group(1))
        if end <= found.end() or end > len(data):
            break
        records.append((found.group(2), data[found.end() : end - 1]))
        place = end
    return records


def _merged(common: _Extended, extended: _Extended, size: int) -> _Extended:
    own = extended.size if extended.size is not None else common.size
    return _Extended(
        extended.name if extended.name is not None else common.name, size if own is None else own, extended.sparse or common.sparse
    )


def _is_header(block: bytes) -> bool:
    """Whether the checksum holds, summed over unsigned or, as some old tars did, signed bytes."""
    field = block[148:156]
    if not _OCTAL.fullmatch(field):
        return False
    stated = int(field.strip(b" \0"), 8)
    rest = block[:148] + b" " * 8 + block[156:]
    unsigned = sum(rest)
    return stated == unsigned or stated == unsigned - 256 * sum(byte > 127 for byte in rest)


def _size(block: bytes) -> int | None:
    """Octal, or GNU's base 256 for sizes from 8 GiB on; None where it is neither."""
    field = block[124:136]
    if field[0] == 0x80:
        size = int.from_bytes(field[1:], "big")
        return size if size < 1 << 62 else None
    digits = field.partition(b"\0")[0].strip(b" ")
    if not digits:
        return 0
    try:
        return int(digits, 8) if digits.isdigit() else None
    except ValueError:
        return None


def _name(block: bytes) -> bytes:
    name = block[:100].partition(b"\0")[0]
    prefix = block[345:500].partition(b"\0")[0] if block[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _padded(data: int, size: int) -> int:
    return data + -(-size // BLOCK) * BLOCK


def _after_zeros(file: BinaryIO, place: int, length: int) -> int:
    """The first block at or after `place` that holds a byte other than zero, or the last whole block's end."""
    while place + BLOCK <= length:
        file.seek(place)
        chunk = file.read(min(_SCAN, length - place))
        rest = len(chunk.lstrip(b"\0"))
        if rest:
            return place + (len(chunk) - rest) // BLOCK * BLOCK
        place += len(chunk) // BLOCK * BLOCK
    return place
