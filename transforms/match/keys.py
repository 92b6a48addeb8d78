"""What travels of a caption and of a picture to where rows of one key meet: the key and what orders its bucket, never a column for the key.

A band's key is the top of a word. A picture's hash travels with the bits of a key first (`planes`), so that sorting it sorts by key and
then by hash.
"""

from collections.abc import Iterator

import numpy as np

from schemas.signatures import PHASHES
from transforms.compiled import TRUE, ZERO, compiled
from transforms.match.planes import HASH_BITS, Plane

BUCKET_BITS = 40  # of a band's key; always as many, so that a bucket is the same whatever the number of ranges
ROW_BITS = 24  # of a row within its owner
LOW_BITS = np.uint64((1 << ROW_BITS) - 1)
MIRRORED = np.uint64(1 << 63)  # in a picture's word
ELDER = np.uint64(1 << 62)  # its row is on the elder side
PICTURE_KEY_BYTES = 16 * len(PHASHES)  # a row sends under a key, at most
_MIRRORED_BITS = np.array([MIRRORED if view.endswith("_mirrored") else 0 for view in PHASHES], np.uint64)
_AHEAD = 16  # entries: two lines of a processor's cache
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_ZERO, _ONE, _OCTET, _OCTET_BITS = np.uint64(0), np.uint64(1), np.uint64(255), np.uint64(8)


def caption_words(bands: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """What travels of a caption and a band, uint64[n]: 40 bits of the band's key, then 24 of the caption's identity, to order a bucket."""
    return bands & ~LOW_BITS | ids >> np.uint64(BUCKET_BITS)


def picture_words(ids: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """What orders equal hashes and says whose they are, uint64[n]: 38 bits of the picture's identity, 24 bits of the row.

    Above them is one bit `MIRRORED` and one `ELDER`, which are set later: pictures as they are stand before mirrored ones.

    Args:
      ids: uint64[n], identity of the picture.
      rows: row within the owner, below 2^24.
    """
    return ids >> np.uint64(2) & ~LOW_BITS | rows.astype(np.uint64)


def picture_entries(
    hashes: np.ndarray, words: np.ndarray, plane: Plane, key: int, asked: np.ndarray
) -> Iterator[tuple[int, tuple[np.ndarray, np.ndarray]]]:
    """The distinct hashes of each picture, permuted for a key, with their words, by ranges that are asked for.

    Args:
      hashes: uint64[n, views].
      words: uint64[n] of `picture_words`.
      plane: the keys.
      key: which of them.
      asked: bool[2^bits], the ranges: a multiplicative hash of the key's bits, since keys of pictures are far from uniform.

    Yields:
      A range, and uint64[m] both, in the order of the pictures.
    """
    bits, room = len(asked).bit_length() - 1, hashes.size
    found, out, parts, ends = (
        np.empty((2, room), np.uint64),
        np.empty((2, room + _AHEAD), np.uint64),
        np.empty(room, np.uint16),
        np.zeros(1 << bits, int),
    )
    shift = HASH_BITS - int(plane.bits[key])
    _permute_and_count(np.ascontiguousarray(hashes), words, _MIRRORED_BITS, plane.tables[key], shift, bits, asked, found, parts, ends)
    ends = np.cumsum(ends)
    _place(found, parts[: ends[-1]], ends - np.diff(ends, prepend=0), out)
    for part in np.flatnonzero(np.diff(ends, prepend=0)).tolist():
        mine = slice(ends[part - 1] if part else 0, ends[part])
        yield part, (out[0, mine], out[1, mine])


@compiled
def _permute_and_count(hashes, words, mirrored, tables, shift, bits, asked, found, parts, ends):  # type: ignore[no-untyped-def]
    """Each distinct hash of a row whose range is asked for, permuted, with its word and its range; how many each range has."""
    n = ZERO
    for i in range(len(hashes)):
        for view in range(len(hashes[i])):
            value, out, fresh = hashes[i, view], _ZERO, TRUE
            for earlier in range(view):
                fresh &= hashes[i, earlier] != value
            if fresh:
                for octet in range(len(tables)):
                    out |= tables[octet, value & _OCTET]
                    value >>= _OCTET_BITS
                part = (out >> np.uint64(shift)) * _FACTOR >> np.uint64(63 - bits) >> _ONE
                if asked[part]:
                    found[0, n], found[1, n], parts[n] = out, words[i] | mirrored[view], part
                    ends[part] += 1
                    n += 1


@compiled
def _place(found, parts, at, out):  # type: ignore[no-untyped-def]
    """Moves what was found to where its range is.

    A processor foresees where some thirty streams go on; of more ranges each is looked at ahead of what is written to it, in half the time.
    """
    seen = _ZERO
    for i in range(len(parts)):
        k = at[parts[i]]
        out[0, k], out[1, k], at[parts[i]] = found[0, i], found[1, i], k + 1
        seen |= out[0, k + _AHEAD] | out[1, k + _AHEAD]
    return seen


def ranges_of_captions(words: np.ndarray, bits: int) -> np.ndarray:
    """Which of 2^bits ranges each caption word falls into, int64[n]: the top bits of its key."""
    return (words >> np.uint64(64 - bits)).astype(np.int64) if bits else np.zeros(len(words), np.int64)


def mixed(values: np.ndarray, bits: int) -> np.ndarray:
    """A multiplicative hash (Knuth) of each value, below 2^bits, int64[n]."""
    return (values * _FACTOR >> np.uint64(64 - bits)).astype(np.int64) if bits else np.zeros(len(values), np.int64)
