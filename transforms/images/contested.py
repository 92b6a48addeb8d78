"""Which pairs agree though each picture has something in the middle that the other lacks: two faces, two prints on one mug.

Between two pictures that is no proof. A stamp has what a photo lacks, and the photo what the stamp lies on; a bar may be lighter than what
it covers and darker than the rest. But copies of one photo are so in few of their pairs, and two faces in most:
`transforms.match.division` counts them. Most of what is laid over photos makes all that it covers lighter; so something must be lighter
than in two thirds of the cells, and something else darker, not than in half of them alone.

Of 323,808 pairs of edited copies of one photo that agree 16 in 1,000 are contested, half of them with the copy under a stamp. Of 100 pairs
of two drawn faces before one wall 77 agree, of which 59 are; of a mug with a cat and one with a word 67, of which 52 are. Of 150 photos
with eight copies under a stamp, a logo or a bar and eight without 24 are two clusters, as many as without it.
"""

import numpy as np

from transforms.images.both_ways import lighter_both_ways
from transforms.images.differences import differences
from transforms.images.pairs import Pairs
from transforms.images.windows import unlikeness

_CONTESTED = 1.8  # what each has, in units of what is allowed, times how unlike slopes of both are: more than any edit, or clearly other
_PARTS = 3  # of the cells: something is lighter than in two of them, something darker
_SOME = 0.9  # of what is allowed: `unlikeness` is at most 2


def contested(pairs: Pairs) -> np.ndarray:
    """Which of aligned pairs are, bool [n]."""
    found = lighter_both_ways(pairs.facing(), _PARTS)
    asked = np.flatnonzero(found)
    if len(asked):
        fields = pairs.take(asked).fields()
        _, each, _ = differences(*fields, np.ones(len(asked), bool), _SOME, _SOME)
        found[asked] = each * unlikeness(*fields)[:, 1] >= _CONTESTED
    return found
