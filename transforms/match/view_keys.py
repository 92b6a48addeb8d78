"""The keys under which views of pictures meet: exact on the side that asks, with uncertain bits turned on the side that is looked up.

A view's hash has 63 bits, the signs of its lowest frequencies. A key is one of two subsets of 26 and 27 bits, by the parity of the
frequency: what moves the one (a bar through the middle, a corner stamp) leaves the other. Every view of a picture asks under both. What is
looked up is the whole picture, the one between bars and the untrimmed one, in up to eight orientations, each under every combination of
its least certain bits turned, so that a bit of a key may differ where it was nearest to doing so. Parts ask among equal parts.

| bucket of N pictures | entries | asking |
|---|---|---|
| wholes, one orientation of eight: 2^4 upright and mirrored, 2^2 in the other six | 56 N / 2^26 | 20 N / 2^26 |
| also between bars; also untrimmed, upright and mirrored | + 56 N / 2^26; + 32 N / 2^26 | |
| a part, as it is and mirrored | 4 N / 2^26 | N / 2^26 |

With bits that were fair coins, 10^6 pictures would be 0.8 entries a bucket and 33 comparisons a picture and subset, 10^9 would be 830 and
33,000. They are not: the number of comparisons goes with the sum of the squared shares of the keys, which for 1,000 photos was thirty
times that of fair coins. `neighbours` bounds what is compared in a bucket, so that a larger bucket costs a picture no more.

As in `keys`, a key is not stored: the hash travels with the key's bits first, turned as the variant has them. The bits after them are in
the order of their frequency, lowest first, by which a crowded bucket is parted further. Two entries of one bucket differ in just the
bits that were turned and in those behind the key.
"""

from collections.abc import Iterator

import numpy as np

from schemas.signatures import DOUBTS, LOOKED_UP, PARTS, SUBSETS, VIEWS
from transforms.compiled import TRUE, ZERO, compiled
from transforms.images.views import SUBSET_BITS
from transforms.match.keys import FACTOR, ROW_BITS, parted
from transforms.match.planes import HASH_BITS

VIEW_RADIUS = 8
KINDS = 1 + len(PARTS)  # wholes, then each part
VIEW_KEYS = SUBSETS * KINDS
VIEW_KEY_BITS = tuple(len(SUBSET_BITS[key // KINDS]) for key in range(VIEW_KEYS))
ENTRY_BYTES = 16
_ONE_FLIP = np.uint64(1 << 60)
ORDER_BITS = 35
ELDER_VIEW = np.uint64(1 << ROW_BITS + ORDER_BITS)  # in a word: its row is on the elder side
ORDER_MASK = np.uint64((1 << ORDER_BITS) - 1)

_FLIPS, _FLIPS_TURNED, _FLIPS_OF_PARTS = 4, 2, 1
_MIRRORED, _ALL = 2, 8  # orientations: as it is and mirrored; also upside down and about the diagonal


def _sources(kind: int) -> list[tuple[int, int, int, int, int]]:
    """What is sent of a picture: view, whether it is looked up, orientation, place among the doubts, how many bits are turned."""
    if kind:
        name = PARTS[kind - 1]
        mirrored = {"left": "right", "right": "left"}.get(name, name)
        places = [(VIEWS.index(part), len(LOOKED_UP) + PARTS.index(part)) for part in (name, mirrored)]
        return [(VIEWS.index(name), 0, 0, 0, 0), *[(view, 1, way, place, _FLIPS_OF_PARTS) for way, (view, place) in enumerate(places)]]
    asking = [(view, 0, 0, 0, 0) for view, name in enumerate(VIEWS) if name not in PARTS]
    return asking + [
        (VIEWS.index(name), 1, way, place, _FLIPS if way < _MIRRORED else _FLIPS_TURNED)
        for place, name in enumerate(LOOKED_UP)
        for way in range(_MIRRORED if name == "untrimmed" else _ALL)
    ]


_SOURCES = [np.array(_sources(kind)) for kind in range(KINDS)]
_SENT = [np.where(sources[:, 1] == 1, 1 << sources[:, 4], 1).sum() for sources in _SOURCES]  # at most
BYTES_A_KEY = tuple(ENTRY_BYTES * (int(_SENT[0]) - 74 if key % KINDS == 0 else int(_SENT[key % KINDS])) for key in range(VIEW_KEYS))
"""Of a picture under each key, about: some one in six is taken to have bars or a border."""


def _order(subset: int) -> list[int]:
    kept = SUBSET_BITS[subset].tolist()
    rest = [bit for bit in range(1, HASH_BITS) if bit not in kept]
    return [*kept, *sorted(rest, key=lambda bit: (bit // 8 + bit % 8, bit)), 0]


_PLACES = np.array([np.argsort(_order(subset)) for subset in range(SUBSETS)])  # [subset, bit]: its place from the top
_TURNED_BIT = np.arange(HASH_BITS) % 8 * 8 + np.arange(HASH_BITS) // 8  # where a bit of a picture is once it is turned about its diagonal
_BITS = np.uint64(1) << (HASH_BITS - 1 - np.stack([_PLACES, _PLACES[:, _TURNED_BIT]], 1)).astype(np.uint64)
"""uint64[subset, turned, bit]: what a bit of a hash becomes in an entry."""

_NEGATED = np.array([
    sum(1 << bit for bit in range(HASH_BITS) if (orientation & 1 and bit & 1) != bool(orientation & 2 and bit >> 3 & 1))
    for orientation in range(_ALL)
], np.uint64)  # fmt: skip


def _tables() -> np.ndarray:
    """uint64[subset, turned, byte of a hash, its value]: `_BITS` of all bits of a byte at once."""
    values = np.arange(256)
    tables = np.zeros((SUBSETS, 2, 8, 256), np.uint64)
    for bit in range(HASH_BITS):
        tables[:, :, bit >> 3] |= np.where(values >> (bit & 7) & 1 == 1, _BITS[:, :, bit, None], np.uint64(0))
    return tables


_TABLES = _tables()


def of_columns(view_hashes: np.ndarray, view_doubts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hashes, uint64[n, views], and doubts, uint8[n, looked up and parts, 2, 4], of columns of `schemas.signatures.SIGNATURE`."""
    hashes = np.ascontiguousarray(view_hashes).view("<u8").astype(np.uint64)
    return hashes, np.ascontiguousarray(view_doubts).reshape(-1, len(LOOKED_UP + PARTS), SUBSETS, DOUBTS)


def entries(
    have: np.ndarray,
    hashes: np.ndarray,
    doubts: np.ndarray,
    ids: np.ndarray,
    rows: np.ndarray,
    elder: np.ndarray,
    key: int,
    wanted: np.ndarray,
) -> Iterator[tuple[int, np.ndarray]]:
    """What pictures send under one key, by ranges: (range, permuted hashes and words as uint64[m, 2]).

    A word is 1 bit side (1: looked up), 3 bits number of turned bits, 1 bit `ELDER_VIEW`, 35 bits of the picture's identity, 24 bits row.
    What a picture has twice, it sends once.

    Args:
      have: uint32[n], the views of each picture.
      hashes: uint64[n, views].
      doubts: uint8[n, looked up and parts, 2, 4].
      ids: uint64[n], identity of the picture.
      rows: uint64[n], row within the owner, below 2^24.
      elder: bool[n], whether the row is on the elder side.
      key: which of `VIEW_KEYS`.
      wanted: bool[2^bits], the ranges that are asked for, bits at most 16.
    """
    subset, kind = divmod(key, KINDS)
    low = ids >> np.uint64(64 - ORDER_BITS) << np.uint64(ROW_BITS) | rows | np.where(elder, ELDER_VIEW, np.uint64(0))
    room = len(have) * int(_SENT[kind])
    found, parts, counts = np.empty((room, 2), np.uint64), np.empty(room, np.uint16), np.zeros(len(wanted), np.int64)
    shifts = np.array([HASH_BITS - VIEW_KEY_BITS[key], HASH_BITS - (len(wanted) - 1).bit_length()], np.uint64)
    sources, sent = _SOURCES[kind], np.empty(len(_SOURCES[kind]) + _FLIPS + 1, np.uint64)
    _entries(have, hashes, doubts[:, :, subset], low, sources, _TABLES[subset], _BITS[subset], wanted, shifts, sent, found, parts, counts)
    return parted(found, parts[: counts.sum()], counts)


@compiled
def _entries(have, hashes, doubts, low, sources, tables, bits, wanted, shifts, sent, found, parts, counts):  # type: ignore[no-untyped-def]
    n, turns = ZERO, sent[len(sources) :]
    for row in range(len(have)):
        for source in range(len(sources)):
            view, side, orientation = sources[source, 0], sources[source, 1], sources[source, 2]
            place, flips = sources[source, 3], sources[source, 4]
            if np.uint64(have[row]) >> np.uint64(view) & np.uint64(1) == np.uint64(0):
                sent[source] = 1  # the last place is that of a bit that no hash has
                continue
            turned, word, entry = orientation >> 2, hashes[row, view] ^ _NEGATED[orientation], np.uint64(0)
            for octet in range(8):
                entry |= tables[turned, octet, np.int64(word >> np.uint64(8 * octet) & np.uint64(255))]
            sent[source], fresh = entry, TRUE
            for earlier in range(source):
                fresh &= sent[earlier] != entry or sources[earlier, 1] != side
            if not fresh:
                continue
            for flip in range(flips):
                turns[flip] = bits[turned, doubts[row, place, flip]]
            word = low[row] | np.uint64(side) << np.uint64(63)
            for variant in range(1 << flips):  # as a Gray code: each differs from the one before in one bit
                part = np.uint64(0)
                if len(wanted) > 1:
                    part = (entry >> shifts[0]) * FACTOR >> shifts[1]  # as `keys.mixed`
                if wanted[np.int64(part)]:
                    found[n, 0], found[n, 1], parts[n] = entry, word, part
                    counts[np.int64(part)] += 1
                    n += 1
                flip = ZERO
                while variant >> flip & 1:
                    flip += 1
                word = word - _ONE_FLIP if (variant ^ variant >> 1) >> flip & 1 else word + _ONE_FLIP
                entry ^= turns[flip]
