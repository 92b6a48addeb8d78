"""The content order of rows: which of several copies is looked at first, the same on every machine and in every sharding.

Sixteen bytes that sort ascending, best first:

| bytes | what | sorts |
|---|---|---|
| 0-3 | 2^32 - 1 - pixels of the picture as displayed | larger pictures first |
| 4-5 | 1,000 - code points of the raw caption, those beyond 1,000 not counted | longer captions first |
| 6-9 | first 32 bits of the SHA-256 of the raw caption (UTF-8) | any, but fixed |
| 10-15 | first 48 bits of the uid | any, but fixed |

Rows that are equal in all sixteen bytes repeat each other wholly (same bytes, URL and caption), up to chance.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

MOST_CHARACTERS = 1_000
MOST_PIXELS = (1 << 32) - 1


def content_order(pixels: np.ndarray, captions: Sequence[str | None], uids: Sequence[bytes]) -> np.ndarray:
    """The order of each row, uint8[n, 16].

    Args:
      pixels: int64[n], width times height; 0 where there is no picture.
      captions: raw; None where absent.
      uids: 16 bytes each.

    >>> small, large = content_order(np.array([100, 40_000]), ["a kite", "a kite"], [bytes(16), bytes(16)])
    >>> large.tobytes() < small.tobytes()
    True
    """
    lengths = np.minimum(np.array([0 if text is None else len(text) for text in captions], np.int64), MOST_CHARACTERS)
    sha256 = hashlib.sha256
    digests = b"".join([sha256(b"" if text is None else text.encode("utf-8", "surrogatepass")).digest()[:4] for text in captions])
    return order_of(pixels, lengths, digests, b"".join(uids))


def order_of(pixels: np.ndarray, lengths: np.ndarray, digests: bytes, uids: bytes) -> np.ndarray:
    """The order of each row from what is kept of it, uint8[n, 16].

    Args:
      pixels: int64[n], width times height; 0 where there is no picture.
      lengths: int64[n], code points of the raw caption, at most 1,000; 0 where absent.
      digests: the first 4 bytes of the SHA-256 of each raw caption (of nothing where absent), packed.
      uids: 16 bytes each, packed.
    """
    out = np.empty((len(pixels), 16), np.uint8)
    out[:, 0:4] = (MOST_PIXELS - np.minimum(pixels, MOST_PIXELS)).astype(">u4")[:, None].view(np.uint8)
    out[:, 4:6] = (MOST_CHARACTERS - lengths).astype(">u2")[:, None].view(np.uint8)
    out[:, 6:10] = np.frombuffer(digests, np.uint8).reshape(-1, 4)
    out[:, 10:16] = np.frombuffer(uids, np.uint8).reshape(-1, 16)[:, :6]
    return out


def as_words(order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order as two numbers that sort in turn, uint64[n] each, from uint8[n, 16]."""
    words = np.ascontiguousarray(order).view(">u8")
    return words[:, 0].astype(np.uint64), words[:, 1].astype(np.uint64)
