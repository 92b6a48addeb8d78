"""How near each row of a signature file is to one picture, by all hashes that both have: a look-up without an index.

A row is 64-bit words side by side, and each column has the words of the picture that it is compared with. Every comparison is made, with
no branch on what it finds, so that the loop over a column's words is one of vector instructions: 0.2 to 0.6 ns a comparison.
"""

from collections.abc import Sequence

import numpy as np

from transforms.compiled import compiled, ones

FAR = 64  # the distance of a row without hashes
_CHUNK = 1 << 13  # rows copied at once, so that one compiled form serves arrays of any make, a memory map's too
_LANES = 128  # rows compared at once


def nearest(hashes: np.ndarray, asked: Sequence[np.ndarray]) -> np.ndarray:
    """The least Hamming distance of each row, uint8[n]; 64 where a row has no hash that is compared.

    Args:
      hashes: uint8[n, 8 * columns], little-endian; a hash of 0 is none.
      asked: per column, uint64[any], the hashes that it is compared with.

    >>> rows = np.array([[0b1111, 0], [0, 0]], "<u8").view(np.uint8)
    >>> nearest(rows, [np.array([0b1001, 0], np.uint64), np.array([0], np.uint64)]).tolist()
    [2, 64]
    """
    found = np.full(len(hashes), FAR, np.uint8)
    columns = [(column, np.unique(words).astype(np.uint64)) for column, words in enumerate(asked) if len(words)]
    for start in range(0, len(found) if columns else 0, _CHUNK):
        part = slice(start, start + _CHUNK)
        rows = np.ascontiguousarray(hashes[part]).view("<u8").T
        for column, words in columns:
            own, least = rows[column].astype(np.uint64), np.full(rows.shape[1], FAR, np.uint64)
            _nearest(own, words, least)
            found[part] = np.minimum(found[part], np.where(own == 0, FAR, least))
    return found


@compiled
def _nearest(hashes, words, least):  # type: ignore[no-untyped-def]
    for start in range(0, len(hashes), _LANES):
        end = start + _LANES if start + _LANES < len(hashes) else len(hashes)
        for k in range(len(words)):
            word = words[k]
            for i in range(np.uint64(start), np.uint64(end)):
                distance, held = ones(hashes[i] ^ word), least[i]
                least[i] = distance if distance < held else held
