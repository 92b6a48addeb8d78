"""C2PA manifest stores: put together from the parts of a picture file, and searched for assertions. Nothing is verified here.

JUMBF: ISO 19566-5; in JPEG: ISO 18477-3, annex B (a box that is cut over APP11 segments repeats its head in each); C2PA 2.2, sections 11
and A.3 (where a store is embedded). A store that does not hold together, or that is compressed (`brob`), is not read in part.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from transforms.images.parts import cbor
from transforms.images.parts.part import Part

CONTENTS: Final[Mapping[bytes, Callable[[bytes], Any]]] = {b"cbor": cbor.decode, b"json": json.loads}
"""What the payload of a content box says, by the kind of the box; a ValueError or RecursionError where it is none of its kind."""

_SUPERBOX, _DESCRIPTION = b"jumb", b"jumd"
_COMPRESSED = b"brob"
_UUID = 16
_LABELLED = 2  # the toggle that says that a label follows
_SEARCHED = 256  # what may stand before a store: version, purpose and offset in HEIF
_MAX_BOXES, _MAX_DEPTH = 4096, 16


def stores(parts: Iterable[Part]) -> list[bytes]:
    """The manifest stores of a file, from its parts in the order of the file."""
    found: list[bytearray] = []
    by_instance: dict[bytes, bytearray] = {}
    for part in parts:
        if part.kind != "content_credentials":
            continue
        body = part.payload
        if body[:2] != b"JP":
            start = body.find(_SUPERBOX, 4, _SEARCHED) - 4
            found.append(bytearray(body[max(start, 0) :]))
            continue
        instance, sequence, box = body[2:4], int.from_bytes(body[4:8], "big"), body[8:]
        if sequence > 1 and instance in by_instance:
            by_instance[instance] += box[16 if box[:4] == b"\0\0\0\1" else 8 :]
        else:
            by_instance[instance] = bytearray(box)
            found.append(by_instance[instance])
    return [bytes(store) for store in found]


def assertions(store: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    """Every labelled content box of a store, in its order: label, kind of the box (`cbor`, `json`, ...), payload.

    Raises:
      ValueError: the store does not hold together, or something in it is compressed.

    >>> description = b"jumd" + bytes(16) + bytes([3]) + b"c2pa.training-mining" + bytes(1)
    >>> inside = (len(description) + 4).to_bytes(4, "big") + description + bytes([0, 0, 0, 10]) + b"json{}"
    >>> list(assertions((len(inside) + 8).to_bytes(4, "big") + b"jumb" + inside))
    [('c2pa.training-mining', b'json', b'{}')]
    """
    left, stack = _MAX_BOXES, [(0, len(store), "", 0)]
    while stack:
        at, end, label, depth = stack.pop()
        if at >= end:
            continue
        kind, start, stop = _box(store, at, end)
        left -= 1
        if not left or depth > _MAX_DEPTH or kind == _COMPRESSED:
            raise ValueError("a manifest store that is compressed, or nested as none is")
        if kind == _DESCRIPTION:
            label = _label(store[start:stop])
        stack.append((stop, end, label, depth))
        if kind == _SUPERBOX:
            stack.append((start, stop, "", depth + 1))
        elif label and kind != _DESCRIPTION:
            yield label, kind, store[start:stop]


def _box(store: bytes, at: int, end: int) -> tuple[bytes, int, int]:
    """Kind of the box at an offset, and where its payload lies."""
    size, head = int.from_bytes(store[at : at + 4], "big"), 8
    if size == 1:
        size, head = int.from_bytes(store[at + 8 : at + 16], "big"), 16
    stop = end if size == 0 else at + size
    if stop > end or stop < at + head:
        raise ValueError("a box that claims more bytes than there are")
    return store[at + 4 : at + 8], at + head, stop


def _label(description: bytes) -> str:
    labelled = len(description) > _UUID and description[_UUID] & _LABELLED
    return description[_UUID + 1 :].partition(b"\0")[0].decode("utf-8", "replace") if labelled else ""
