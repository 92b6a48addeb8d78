"""Whether a picture is drawn or printed rather than taken: forms, tables, slides, charts, maps, screenshots, logos, mock-ups of products.

Such pictures come in series of one template with another text or print, which photos do not; and they have few grey levels, by the entropy
of which they are told, and a ground of one colour: three levels in a row hold 15 pixels in 100, which they do in one photo of twenty. Of a
thumbnail's levels in 64 bins photos have 3.75 to 6 bits, 5.1 in the middle, one in a hundred fewer; real
clothes cut out on white 4.2; forms, cards, slides, charts, maps and drawn products 1.1 to 3.7. A dense table or a number plate can have 4.
"""

import dataclasses

import numpy as np

from schemas.signatures import THUMBNAIL_SIDE
from transforms.compiled import compiled

_MOST = 3.7  # bits
_GROUND, _WIDE = 0.15, 0.25  # of all pixels
_LEVELS = 4  # of a bin
_PIXELS = THUMBNAIL_SIDE**2
_ENTROPIES = np.rint(2.0**20 * np.arange(_PIXELS + 1) * np.log2(np.maximum(np.arange(_PIXELS + 1), 1))).astype(np.int64)
"""n log2 n in whole units, so that a sum over the bins is the same in every order."""
_LEAST = int(_ENTROPIES[-1]) - round(2**20 * _PIXELS * _MOST)


@dataclasses.dataclass(frozen=True)
class Looks:
    """What thumbnails look like, one row each.

    Attributes:
      drawn: bool [n], few levels and a ground.
      grounded: bool [n], a ground of one colour.
      wide: bool [n], a ground that takes a quarter.
    """

    drawn: np.ndarray
    grounded: np.ndarray
    wide: np.ndarray

    def take(self, which: np.ndarray) -> "Looks":
        """Those of some alone, bool [n]."""
        return Looks(self.drawn[which], self.grounded[which], self.wide[which])


def looks(thumbnails: np.ndarray) -> Looks:
    """What thumbnails, uint8 [n, 48 * 48], look like.

    >>> ramp = np.arange(48 * 48).astype(np.uint8)
    >>> looks(np.stack([ramp, np.where(ramp < 200, 250, ramp)]))
    Looks(drawn=array([False,  True]), grounded=array([False,  True]), wide=array([False,  True]))
    """
    sums, most = np.zeros((2, len(thumbnails)), np.int64)
    _look(thumbnails, _ENTROPIES, np.zeros(256, np.int64), sums, most)
    grounded = most >= _GROUND * _PIXELS
    return Looks((sums >= _LEAST) & grounded, grounded, most >= _WIDE * _PIXELS)


@compiled
def _look(thumbnails, entropies, counts, sums, most):  # type: ignore[no-untyped-def]
    """The sum of n log n over the bins, and the most pixels of three levels in a row; the counts of the levels are 0."""
    for row in range(len(sums)):
        for k in range(_PIXELS):
            counts[thumbnails[row, k]] += 1
        inside = binned = 0  # of the last three levels; of the bin so far
        for level in range(256):
            count, before = counts[level], counts[level - 3] if level > 2 else 0
            inside, binned = inside + count - before, binned + count
            most[row] = inside if inside > most[row] else most[row]
            if level % _LEVELS == _LEVELS - 1:
                sums[row], binned = sums[row] + entropies[binned], 0
        for level in range(256):
            counts[level] = 0
