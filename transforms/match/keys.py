"""What travels of a caption and of a picture to where rows of one key meet: the key and what orders its bucket, never a column for the key.

A band's key is the top of a word. A picture's hash travels with the bits of a key first (`planes`), so that sorting it sorts by key and
then by hash.
"""

import numpy as np

from schemas.signatures import PHASHES
from transforms.match.planes import HASH_BITS

BUCKET_BITS = 40  # of a band's key; always as many, so that a bucket is the same whatever the number of ranges
ROW_BITS = 24  # of a row within its owner
LOW_BITS = np.uint64((1 << ROW_BITS) - 1)
MIRRORED = np.uint64(1 << 63)  # in a picture's word
ELDER = np.uint64(1 << 62)  # its row is on the elder side
PICTURE_KEY_BYTES = 16 * len(PHASHES)  # a row sends under a key, at most
MIRRORED_VIEWS = tuple(view.endswith("_mirrored") for view in PHASHES)


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


def ranges_of_pictures(hashes: np.ndarray, key_bits: int, bits: int) -> np.ndarray:
    """Which of 2^bits ranges each permuted hash falls into, int64[n]: a hash of its key, since keys of pictures are far from uniform."""
    return mixed(hashes >> np.uint64(HASH_BITS - key_bits), bits)


def mixed(values: np.ndarray, bits: int) -> np.ndarray:
    """A multiplicative hash (Knuth) of each value, below 2^bits, int64[n]."""
    return (values * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(64 - bits)).astype(np.int64) if bits else np.zeros(len(values), np.int64)
