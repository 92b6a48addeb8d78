"""Texts side by side as code points, and what one look at each tells: an identity, and whether it has a letter or a digit.

The identity is a 64-bit hash: two code points a step, by xor, multiply and fold. It need not withstand anyone who makes texts
collide: who wants a caption to count as equal to another can copy it.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from transforms.compiled import FALSE, compiled

SAYS_NOTHING, SAYS_SOMETHING, ASK = 0, 1, 2
"""No letter and no digit; an ASCII one; characters beyond ASCII alone, which Unicode must be asked about."""


@dataclasses.dataclass(frozen=True)
class Texts:
    """Some texts.

    Attributes:
      points: uint32[m], the code points of all, one text after the other.
      starts: int64[n], where each begins.
      lengths: int64[n], how many it has.
    """

    points: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Texts":
        """Lone surrogates stand for themselves."""
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
        return cls(points, np.cumsum(lengths) - lengths, lengths)

    def take(self, rows: np.ndarray) -> "Texts":
        """Some of them; the code points of the others stay."""
        return Texts(self.points, self.starts[rows], self.lengths[rows])

    def look(self) -> tuple[np.ndarray, np.ndarray]:
        """The identity of each, uint64[n], 0 where it is empty; and what it says, uint8[n].

        >>> ids, says = Texts.of(["kite 4", "", "!?", "kite 4", "猫"]).look()
        >>> bool(ids[0] == ids[3]), int(ids[1]), says.tolist()
        (True, 0, [1, 0, 0, 1, 2])
        """
        ids, says = np.zeros(len(self.starts), np.uint64), np.zeros(len(self.starts), np.uint8)
        _look(self.points, self.starts, self.lengths, ids, says)
        return ids, says


@compiled
def _look(points: np.ndarray, starts: np.ndarray, lengths: np.ndarray, ids: np.ndarray, says: np.ndarray) -> None:
    for i in range(len(starts)):
        h, some, beyond = np.uint64(lengths[i]) * np.uint64(0xFF51AFD7ED558CCD), FALSE, FALSE
        start, last = starts[i], lengths[i] - 1
        for k in range(lengths[i]):
            point = points[start + k]
            some |= 48 <= point <= 57 or 65 <= point <= 90 or 97 <= point <= 122
            beyond |= point > 127
            h ^= np.uint64(point) << np.uint64((k & 1) << 5)
            if k & 1 or k == last:
                h *= np.uint64(0xFF51AFD7ED558CCD)
                h ^= h >> np.uint64(32)
        ids[i] = h
        if some:
            says[i] = 1
        elif beyond:
            says[i] = 2
