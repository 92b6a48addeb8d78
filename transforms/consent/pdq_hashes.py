"""PDQ hashes of a list, each searched within a radius of its own: by sixteen pieces of which one must nearly be the same."""

import numpy as np

PIECES = 16
RADIUS = 31  # at which two pictures are taken for one (ThreatExchange, PDQ reference)
_ROWS = 256
_NEAR = np.array([0, *(1 << bit for bit in range(16))], np.uint16)


class PdqHashes:
    """Hashes of a list.

    Two hashes within 31 of 256 bits differ by one bit at most in one of their sixteen pieces of 16 bits: of 32 differences, one a piece,
    two would have to fall on each.

    Args:
      hashes: of 32 bytes, packed.
      radii: int64[n], greatest Hamming distance at which an entry matches, at most 31.
      entries: int64[n], number of each entry.
    """

    def __init__(self, hashes: bytes, radii: np.ndarray, entries: np.ndarray) -> None:
        self._words = np.frombuffer(hashes, np.uint64).reshape(-1, 4)
        self._radii, self._entries = radii, entries
        pieces = self._words.view(np.uint16)
        self._orders = [np.argsort(pieces[:, piece], kind="stable").astype(np.int32) for piece in range(PIECES)]
        self._pieces = [pieces[order, piece] for piece, order in enumerate(self._orders)]

    def __len__(self) -> int:
        return len(self._words)

    def find(self, asked: bytes) -> np.ndarray:
        """The first entry within its radius of each hash (32 bytes each, packed), int64; -1 where there is none.

        >>> listed = PdqHashes(bytes(32) + bytes([255]) * 32, np.array([31, 4]), np.array([5, 6]))
        >>> listed.find(bytes([1]) * 31 + bytes(1) + bytes([255]) * 31 + bytes([0]) + bytes(32)).tolist()
        [5, -1, 5]
        """
        words = np.frombuffer(asked, np.uint64).reshape(-1, 4)
        return np.concatenate([np.empty(0, np.int64), *(self._found(words[at : at + _ROWS]) for at in range(0, len(words), _ROWS))])

    def _found(self, words: np.ndarray) -> np.ndarray:
        none = np.iinfo(np.int64).max
        found = np.full(len(words), none, np.int64)
        for piece, (order, listed) in enumerate(zip(self._orders, self._pieces, strict=True)):
            wanted = (words.view(np.uint16)[:, piece, None] ^ _NEAR).ravel()
            starts, ends = np.searchsorted(listed, wanted), np.searchsorted(listed, wanted, side="right")
            counts = ends - starts
            rows = np.repeat(np.repeat(np.arange(len(words)), len(_NEAR)), counts)
            within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
            candidates = order[np.repeat(starts, counts) + within]
            distances = np.bitwise_count(words[rows] ^ self._words[candidates]).sum(axis=1, dtype=np.int64)
            hit = distances <= self._radii[candidates]
            np.minimum.at(found, rows[hit], self._entries[candidates[hit]])
        return np.where(found == none, -1, found)
