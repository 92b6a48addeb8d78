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
_AHEAD = 8  # entries: two lines of a processor's cache
FACTOR = np.uint64(0x9E3779B97F4A7C15)  # of a multiplicative hash (Knuth)
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


def picture_entries(pictures: np.ndarray, plane: Plane, key: int, asked: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The distinct hashes of each picture, permuted for a key, with their words, by ranges that are asked for.

    Args:
      pictures: uint64[n, 1 + views], of each the word of `picture_words` and its hashes.
      plane: the keys.
      key: which of them.
      asked: bool[2^bits], the ranges: a multiplicative hash of the key's bits, since keys of pictures are far from uniform.

    Yields:
      A range, and uint64[m, 2] of permuted hashes and words, in the order of the pictures.
    """
    bits, room = len(asked).bit_length() - 1, len(pictures) * len(_MIRRORED_BITS)
    found, parts, counts = np.empty((room, 2), np.uint64), np.empty(room, np.uint16), np.zeros(len(asked), np.int64)
    shift = HASH_BITS - int(plane.bits[key])
    _permute_and_count(pictures, _MIRRORED_BITS, plane.tables[key], shift, bits, asked, found, parts, counts)
    return parted(found, parts[: counts.sum()], counts)


def parted(entries: np.ndarray, parts: np.ndarray, counts: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Entries by the range that each falls into: (range, its entries, in their order) for every range that has some.

    Args:
      entries: uint64[n or more, 2].
      parts: uint16[n], the range of each.
      counts: int64[ranges], how many there are of each.

    >>> entries = np.array([[7, 0], [8, 0], [9, 0]], np.uint64)
    >>> [(part, some[:, 0].tolist()) for part, some in parted(entries, np.array([1, 0, 1], np.uint16), np.array([1, 2]))]
    [(0, [8]), (1, [7, 9])]
    """
    ends = np.cumsum(counts)
    out = np.empty((len(parts) + _AHEAD, 2), np.uint64)
    _place(entries, parts, ends - counts, out)
    for part in np.flatnonzero(counts).tolist():
        yield part, out[ends[part] - counts[part] : ends[part]]


@compiled
def _permute_and_count(pictures, mirrored, tables, shift, bits, asked, found, parts, counts):  # type: ignore[no-untyped-def]
    """Each distinct hash of a row whose range is asked for, permuted, with its word and its range; how many each range has."""
    n = ZERO
    for i in range(len(pictures)):
        word = pictures[i, 0]
        for view in range(1, len(pictures[i])):
            value, out, fresh = pictures[i, view], _ZERO, TRUE
            for earlier in range(1, view):
                fresh &= pictures[i, earlier] != value
            if fresh:
                for octet in range(len(tables)):
                    out |= tables[octet, value & _OCTET]
                    value >>= _OCTET_BITS
                part = (out >> np.uint64(shift)) * FACTOR >> np.uint64(63 - bits) >> _ONE
                if asked[part]:
                    found[n, 0], found[n, 1], parts[n] = out, word | mirrored[view - 1], part
                    counts[part] += 1
                    n += 1


@compiled
def _place(found, parts, at, out):  # type: ignore[no-untyped-def]
    """Moves what was found to where its range is.

    A processor foresees where some thirty streams go on; of more ranges each is looked at ahead of what is written to it, in half the time.
    """
    seen = _ZERO
    for i in range(len(parts)):
        k = at[parts[i]]
        out[k, 0], out[k, 1], at[parts[i]] = found[i, 0], found[i, 1], k + 1
        seen |= out[k + _AHEAD, 0]
    return seen


def ranges_of_captions(words: np.ndarray, bits: int) -> np.ndarray:
    """Which of 2^bits ranges each caption word falls into, int64[n]: the top bits of its key."""
    return (words >> np.uint64(64 - bits)).astype(np.int64) if bits else np.zeros(len(words), np.int64)


def mixed(values: np.ndarray, bits: int) -> np.ndarray:
    """A multiplicative hash (Knuth) of each value, below 2^bits, int64[n]."""
    return (values * FACTOR >> np.uint64(64 - bits)).astype(np.int64) if bits else np.zeros(len(values), np.int64)
