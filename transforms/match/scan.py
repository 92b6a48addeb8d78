"""How near each row of a signature file is to one picture, by all hashes that both have: a look-up without an index.

A row is 64-bit words side by side, and each column has the words of the picture that it is compared with. Every comparison is made, with
no branch on what it finds, so that the loop over a column's words is one of vector instructions: 0.2 to 0.6 ns a comparison.
"""

from collections.abc import Sequence

import numpy as np

from transforms.compiled import compiled

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
    columns = np.array([column for column, words in enumerate(asked) if len(words)], np.int64)
    if len(columns) and len(found):
        words = [np.unique(asked[column]).astype(np.uint64) for column in columns]
        ends = np.cumsum([len(part) for part in words])
        together, lanes = np.concatenate(words), np.empty((3, _LANES), np.uint64)
        for start in range(0, len(found), _CHUNK):
            part = slice(start, start + _CHUNK)
            _nearest(hashes[part].copy().view("<u8"), columns, ends, together, lanes, found[part])
    return found


@compiled
def _popcount(x):  # type: ignore[no-untyped-def]
    x = x - (x >> np.uint64(1) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + (x >> np.uint64(2) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return x * np.uint64(0x0101010101010101) >> np.uint64(56)


@compiled
def _nearest(hashes, columns, ends, words, lanes, found):  # type: ignore[no-untyped-def]
    mine, absent, least = lanes[0], lanes[1], lanes[2]
    for start in range(0, len(hashes), _LANES):
        rows = min(_LANES, len(hashes) - start)
        least[:] = np.uint64(FAR)
        begin = 0
        for place in range(len(columns)):
            end = ends[place]
            for lane in range(_LANES):
                mine[lane] = hashes[start + lane, columns[place]] if lane < rows else np.uint64(0)
                absent[lane] = np.uint64(FAR) if mine[lane] == np.uint64(0) else np.uint64(0)
            for k in range(begin, end):
                word = words[k]
                for lane in range(_LANES):
                    least[lane] = min(least[lane], _popcount(mine[lane] ^ word) + absent[lane])
            begin = end
        for lane in range(rows):
            found[start + lane] = least[lane]
