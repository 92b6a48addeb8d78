"""TIFF image file directories: a walk that trusts no offset and no count, over EXIF blocks and TIFF files, BigTIFF included.

TIFF 6.0, section 2; Exif 2.32, section 4.6; BigTIFF: libtiff's description. Offsets that leave the bytes, point back to a directory that
was seen, or lead to more than a camera ever writes, end that branch and mark the tree `broken`.
"""

import dataclasses
import struct
from collections import deque
from collections.abc import Iterable

EXIF, GPS, INTEROPERABILITY, SUB = 0x8769, 0x8825, 0xA005, 0x014A
_POINTERS = {EXIF: "exif", GPS: "gps", INTEROPERABILITY: "interoperability", SUB: "sub"}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_INTEGERS = {1: "B", 3: "H", 4: "I", 8: "h", 9: "i", 13: "I", 16: "Q", 18: "Q"}
# Tags that readers rely on, with the types they may have: one of another type makes some of them fail.
_EXPECTED = {0x0112: (3,), 0x011A: (5,), 0x011B: (5,), 0x0128: (3,), EXIF: (4, 13, 18), GPS: (4, 13, 18)}
_MAX_DIRECTORIES = 32
_MAX_ENTRIES = 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One field of a directory: tag, type, count, offset of its 12 (20) bytes, and where its value lies."""

    tag: int
    kind: int
    count: int
    at: int
    start: int
    end: int


@dataclasses.dataclass(frozen=True, slots=True)
class Directory:
    """One directory.

    Attributes:
      name: `main` for those of the chain, or how the pointer to it is called.
      page: place in the chain, from 0, of the directory it belongs to.
      start: offset of its count.
      end: offset after its pointer to the next one.
      entries: its fields, as they stand.
    """

    name: str
    page: int
    start: int
    end: int
    entries: tuple[Entry, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Tree:
    """Every directory that could be reached, and whether anything was out of order."""

    data: bytes
    order: str
    wide: bool
    directories: tuple[Directory, ...]
    broken: bool

    def value(self, entry: Entry) -> bytes:
        """The bytes of a field's value."""
        return self.data[entry.start : entry.end]

    def integers(self, entry: Entry, limit: int = 1) -> list[int]:
        """The first integers of a field; none where it holds no integers."""
        code = _INTEGERS.get(entry.kind)
        if code is None:
            return []
        number = min(entry.count, limit)
        return list(struct.unpack_from(f"{self.order}{number}{code}", self.data, entry.start))

    def find(self, tag: int, names: Iterable[str] = ("main",), page: int = 0) -> Entry | None:
        """The first field with a tag in directories of these names."""
        for directory in self.directories:
            if directory.name in names and directory.page == page:
                for entry in directory.entries:
                    if entry.tag == tag:
                        return entry
        return None


def read_tree(data: bytes) -> Tree:
    r"""The directories of a TIFF structure; without any, and broken, where it is none.

    >>> read_tree(b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0").directories[0].entries[0].tag
    274
    >>> read_tree(b"junk").broken
    True
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
    magic = struct.unpack_from(order + "H", data, 2)[0] if order and len(data) >= 8 else 0
    if magic not in (42, 43) or (magic == 43 and len(data) < 16):
        return Tree(data, order or "<", wide=False, directories=(), broken=True)
    return _Walk(data, order, wide=magic == 43).run()


class _Walk:
    def __init__(self, data: bytes, order: str, *, wide: bool) -> None:
        self.data, self.order, self.wide = data, order, wide
        self.broken = False
        self.entry = struct.Struct(order + ("HHQ8s" if wide else "HHI4s"))
        self.inline = 8 if wide else 4

    def run(self) -> Tree:
        first = struct.unpack_from(self.order + ("Q" if self.wide else "I"), self.data, 8 if self.wide else 4)[0]
        waiting, seen, found, pages = deque([("main", 0, first)]), set[int](), list[Directory](), 1
        while waiting:
            name, page, at = waiting.popleft()
            if at in seen or len(found) >= _MAX_DIRECTORIES:
                self.broken = True
                continue
            seen.add(at)
            directory, following, pointers = self.directory(name, page, at)
            if directory is None:
                self.broken = True
                continue
            found.append(directory)
            waiting.extend((pointer, page, to) for pointer, to in pointers)
            if following and name == "main":
                waiting.append(("main", pages, following))
                pages += 1
        return Tree(self.data, self.order, self.wide, tuple(found), self.broken)

    def directory(self, name: str, page: int, at: int) -> tuple[Directory | None, int, list[tuple[str, int]]]:
        head, link = (8, 8) if self.wide else (2, 4)
        if at < 8 or at + head > len(self.data):
            return None, 0, []
        number = struct.unpack_from(self.order + ("Q" if self.wide else "H"), self.data, at)[0]
        start, size = at + head, self.entry.size
        room = (len(self.data) - start) // size
        if number > min(room, _MAX_ENTRIES):
            self.broken = True
            number = min(number, room, _MAX_ENTRIES)
        end = start + number * size
        entries, pointers = [], []
        for index, fields in enumerate(self.entry.iter_unpack(self.data[start:end])):
            entry = self.field(start + index * size, *fields)
            if entry is None:
                self.broken = True
                continue
            entries.append(entry)
            if entry.tag in _POINTERS and entry.kind in (4, 13, 16, 18):
                targets = struct.unpack_from(f"{self.order}{min(entry.count, 8)}{_INTEGERS[entry.kind]}", self.data, entry.start)
                pointers += [(_POINTERS[entry.tag], target) for target in targets]
        following = 0
        if end + link <= len(self.data):
            following = struct.unpack_from(self.order + ("Q" if self.wide else "I"), self.data, end)[0]
            end += link
        return Directory(name, page, at, end, tuple(entries)), following, pointers

    def field(self, at: int, tag: int, kind: int, count: int, inline: bytes) -> Entry | None:
        size = _SIZES.get(kind, 0) * count
        if kind not in _SIZES:
            return None
        start = at + self.entry.size - self.inline
        if size > self.inline:
            start = int.from_bytes(inline, "little" if self.order == "<" else "big")
        if start + size > len(self.data):
            return None
        if tag in _EXPECTED:
            self.broken |= kind not in _EXPECTED[tag] or not count or (kind in (5, 10) and not any(self.data[start + 4 : start + 8]))
        return Entry(tag, kind, count, at, start, start + size)
