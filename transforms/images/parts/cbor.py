"""Decodes CBOR (RFC 8949) as far as assertions need it: maps, lists, texts, bytes, integers, booleans. Tags are passed over."""

from typing import Any, Final

_MAX_DEPTH: Final = 16
_UNBOUNDED: Final = 31
_BREAK: Final = 0xFF
_SIMPLE: Final = {20: False, 21: True}
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP, _TAG = range(7)


def decode(data: bytes) -> Any:
    r"""The first item. Floats, undefined and simple values other than booleans are None; keys of maps become texts.

    Raises:
      ValueError: it ends early, is nested too deeply, or is no CBOR.

    >>> decode(b"\xa1gentries\xa1kdata_mining\xa1cuse\x7fcnotgAllowed\xff")
    {'entries': {'data_mining': {'use': 'notAllowed'}}}
    """
    return _item(data, 0, 0)[0]


def _item(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    major, short, number, at = _head(data, at)
    if major in (_UNSIGNED, _NEGATIVE):
        return (number if major == _UNSIGNED else -1 - number), at
    if major in (_BYTES, _TEXT):
        raw, at = _pieces(data, at, major) if short == _UNBOUNDED else _taken(data, at, number)
        return (raw.decode("utf-8", "replace") if major == _TEXT else raw), at
    if major in (_LIST, _MAP):
        return _many(data, at, None if short == _UNBOUNDED else number, depth, pairs=major == _MAP)
    if major == _TAG:
        return _item(data, at, depth + 1)
    return _SIMPLE.get(short), at


def _head(data: bytes, at: int) -> tuple[int, int, int, int]:
    """Major type, the five bits beside it, the number that they give or announce, and where the item goes on."""
    first = data[at] if at < len(data) else _BREAK
    major, short = first >> 5, first & 31
    width = {24: 1, 25: 2, 26: 4, 27: 8}.get(short, 0)
    if first == _BREAK or 28 <= short < _UNBOUNDED or at + 1 + width > len(data) or (short == _UNBOUNDED and major in (0, 1, _TAG)):
        raise ValueError("ends early, or is no CBOR")
    return major, short, int.from_bytes(data[at + 1 : at + 1 + width], "big") if width else short, at + 1 + width


def _taken(data: bytes, at: int, length: int) -> tuple[bytes, int]:
    if length > len(data) - at:
        raise ValueError("a string that is longer than the data")
    return data[at : at + length], at + length


def _pieces(data: bytes, at: int, kind: int) -> tuple[bytes, int]:
    """A string in pieces, up to the break."""
    pieces = []
    while data[at : at + 1] != b"\xff":
        major, short, length, at = _head(data, at)
        if major != kind or short == _UNBOUNDED:
            raise ValueError("a piece of a string that is none")
        piece, at = _taken(data, at, length)
        pieces.append(piece)
    return b"".join(pieces), at + 1


def _many(data: bytes, at: int, count: int | None, depth: int, *, pairs: bool) -> tuple[Any, int]:
    """The items of a list or map, so many or up to the break."""
    items: list[Any] = []
    while len(items) != count if count is not None else data[at : at + 1] != b"\xff":
        item, at = _item(data, at, depth + 1)
        if pairs:
            value, at = _item(data, at, depth + 1)
            item = (item if isinstance(item, str) else str(item), value)
        items.append(item)
    return (dict(items) if pairs else items), at + (count is None)
