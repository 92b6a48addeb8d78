"""The keys under which rows meet: bands of captions, and twelve keys of a picture's hash that miss no pair within Hamming distance 4.

The 64 bits of a perceptual hash are cut into nine blocks, the points of the affine plane AG(2, 3). A key is the bits of the three
blocks on one of its twelve lines. A set of points that meets every line of AG(n, q) has at least n(q - 1) + 1 points (Jamison 1977;
Brouwer and Schrijver 1978), so four differing bits, which spoil four blocks at most, leave a line whole: the pair shares its key.
All choices of five blocks of nine would need 126 keys for the same, all choices of two blocks of six 15.

A key is not stored beside the hash: the hash travels with its bits in another order, those of the key first, so that sorting it
sorts by key and then by hash; Hamming distances stay as they are.
"""

import itertools

import numpy as np

from schemas.signatures import PHASHES

RADIUS = 4
HASH_BITS = 64
BUCKET_BITS = 40  # of a band's key; always as many, so that a bucket is the same whatever the number of ranges
ROW_BITS = 24  # of a row within its owner
LOW_BITS = np.uint64((1 << ROW_BITS) - 1)
MIRRORED = np.uint64(1 << 63)  # in a picture's word
ELDER = np.uint64(1 << 62)  # its row is on the elder side
MIRRORED_VIEWS = tuple(view.endswith("_mirrored") for view in PHASHES)


def lines(n: int = 2, q: int = 3) -> list[tuple[int, ...]]:
    """The hyperplanes of AG(n, q), each as the numbers of its points.

    >>> len(lines()), {len(line) for line in lines()}
    (12, {3})
    """
    points = list(itertools.product(range(q), repeat=n))
    normals = [point for point in points if any(point)]
    found = {
        tuple(i for i, point in enumerate(points) if sum(a * b for a, b in zip(normal, point, strict=True)) % q == d)
        for normal in normals
        for d in range(q)
    }
    return sorted(found)


LINES = lines()
PICTURE_KEYS = len(LINES)
PICTURE_KEY_BYTES = (16 * len(PHASHES),) * PICTURE_KEYS  # a row sends under each, at most
_BLOCK_OF_BIT = [bit * 9 // HASH_BITS for bit in range(HASH_BITS)]


def _order(line: tuple[int, ...]) -> list[int]:
    kept = [bit for bit in range(HASH_BITS) if _BLOCK_OF_BIT[bit] in line]
    return kept + [bit for bit in range(HASH_BITS) if _BLOCK_OF_BIT[bit] not in line]


ORDERS = np.array([_order(line) for line in LINES], np.int64)
"""int64[12, 64]: for each key, the bit of the hash that stands at each place of the permuted hash, from the top."""

KEY_BITS = tuple(sum(block in line for block in _BLOCK_OF_BIT) for line in LINES)
"""How many bits each key has: 21 or 22."""

MASKS = np.array([sum(1 << bit for bit in range(HASH_BITS) if _BLOCK_OF_BIT[bit] in line) for line in LINES], np.uint64)
"""uint64[12]: the bits of the hash that each key holds."""


def _permute(hashes: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Moves bit `order[j]` to place j from the top, by a table for each byte."""
    tables = np.zeros((8, 256), np.uint64)
    values = np.arange(256)
    for place, bit in enumerate(order.tolist()):
        tables[bit >> 3, values >> (bit & 7) & 1 == 1] |= np.uint64(1 << HASH_BITS - 1 - place)
    octets = np.ascontiguousarray(hashes, "<u8").view(np.uint8).reshape(-1, 8)
    out = np.zeros(len(hashes), np.uint64)
    for octet in range(8):
        out |= tables[octet][octets[:, octet]]
    return out


def permuted(hashes: np.ndarray, key: int) -> np.ndarray:
    """The hashes with the bits of a key first, uint64[n]."""
    return _permute(hashes, ORDERS[key])


def original(hashes: np.ndarray, key: int) -> np.ndarray:
    """What `permuted` undoes.

    >>> original(permuted(np.array([1, 2**63], np.uint64), 5), 5).tolist() == [1, 2**63]
    True
    """
    places = HASH_BITS - 1 - ORDERS[key]
    back = np.empty(HASH_BITS, np.int64)
    back[places] = HASH_BITS - 1 - np.arange(HASH_BITS)
    return _permute(hashes, back)


def caption_words(bands: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """What travels of a caption and a band, uint64[n]: 40 bits of the band's key, then 24 of the caption's identity, to order a bucket."""
    return bands & ~LOW_BITS | ids >> np.uint64(BUCKET_BITS)


def picture_entries(hashes: np.ndarray, ids: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct hashes of each picture, and a word for each that orders equal hashes and says whose they are, uint64[m] both.

    A word is one bit `mirrored`, one that is set later for elder rows, 38 bits of the picture's identity, 24 bits of the row: pictures as
    they are before mirrored ones.

    Args:
      hashes: uint64[n, views].
      ids: uint64[n], identity of the picture.
      rows: row within the owner, below 2^24.
    """
    found, words = [], []
    for view in range(hashes.shape[1]):
        fresh = np.ones(len(hashes), bool)
        for earlier in range(view):
            fresh &= hashes[:, earlier] != hashes[:, view]
        word = ids[fresh] >> np.uint64(2) & ~LOW_BITS | rows[fresh].astype(np.uint64)
        found.append(hashes[fresh, view])
        words.append(word | MIRRORED if MIRRORED_VIEWS[view] else word)
    return np.concatenate(found), np.concatenate(words)


def ranges_of_captions(words: np.ndarray, bits: int) -> np.ndarray:
    """Which of 2^bits ranges each caption word falls into, int64[n]: the top bits of its key."""
    return (words >> np.uint64(64 - bits)).astype(np.int64) if bits else np.zeros(len(words), np.int64)


def ranges_of_pictures(hashes: np.ndarray, key: int, bits: int) -> np.ndarray:
    """Which of 2^bits ranges each permuted hash falls into, int64[n]: a hash of its key, since keys of pictures are far from uniform."""
    return mixed(hashes >> np.uint64(HASH_BITS - KEY_BITS[key]), bits)


def mixed(values: np.ndarray, bits: int) -> np.ndarray:
    """A multiplicative hash (Knuth) of each value, below 2^bits, int64[n]."""
    return (values * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(64 - bits)).astype(np.int64) if bits else np.zeros(len(values), np.int64)
