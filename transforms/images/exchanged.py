"""What of two pictures each shows that the other lacks: two prints on one product, two labels, two number plates.

What is laid over a picture is added to one side alone: where it lies, the other goes on as what lies around it does. So every place at
which the two differ is predicted from the places around it at which they agree. Of the two the one that is farther from that has something
there, if the other is nearer to it than the two are to each other. Pictures of which each has something somewhere are two pictures.

Chosen on pairs that agree by the mean of their blocks, with the bounds of `transforms.images.alignment`: of 298 pairs of two prints on one
garment 1 is still taken for one picture, of 297 of two labels on one bottle none, of 296 on one jar 2, of 289 of prints on eight garments
11, most of them cropped so that no ground is left; of 3,967 edited copies of photos 15 are lost by it.

Of what is left of a difference after `transforms.images.differences` has explained it, no more counts than there was before: the fit bends
around whatever is laid over. The rim of what both show says nothing; and a sixth above and below and a twelfth at the sides are left out,
where banners, logos and stamps are put, which cover what is there.
"""

import numpy as np

from schemas.signatures import THUMBNAIL_SIDE

_DOUBTFUL = 2.0  # mean square, in units of what is allowed, from which places do not agree
_BEFORE, _BEHIND = 1, 2  # pixels of a patch of 4 x 4 before and behind the one it stands for
_REACH = 3  # pixels to either side, by which a place is predicted
_MIDDLE = (slice(THUMBNAIL_SIDE // 6, -THUMBNAIL_SIDE // 6), slice(THUMBNAIL_SIDE // 12, -THUMBNAIL_SIDE // 12))


def exchanged(
    seen: np.ndarray, off: np.ndarray, rest: np.ndarray, inside: np.ndarray, allowed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How much aligned pictures differ away from the edges, where it is most, in units of what is allowed there.

    Args:
      seen: the one picture, in levels, float32 [n, 48, 48].
      off: the other less that one.
      rest: what is left of that.
      inside: 1 where both are seen, else 0.
      allowed: squares of what is allowed in every 4 x 4 pixels, in the same levels, float32 [n, 45, 45].

    Returns:
      what each has that the other lacks, that is, the lesser of both; and what either has; float32 [n].
    """
    left = np.where(rest * off > 0, np.minimum(rest * rest, off * off), np.float32(0)) * _within(inside)
    agree = np.pad(patches(left) < _DOUBTFUL * allowed, ((0, 0), (_BEFORE, _BEHIND), (_BEFORE, _BEHIND)), mode="edge") * inside
    weight, other = _around(agree), seen + off
    there = _around(agree * (seen + other)) / np.maximum(2 * weight, 1)
    own, others = np.abs(seen - there), np.abs(other - there)
    bare = np.where(weight > 0, np.minimum(own, others) < np.abs(off), False)
    parts = (np.where(bare & (own > others), left, np.float32(0)), np.where(bare & (others > own), left, np.float32(0)), left)
    one, other_one, either = (np.sqrt((patches(part) / allowed)[:, *_MIDDLE].max(axis=(1, 2))) for part in parts)
    return np.minimum(one, other_one), either


def patches(planes: np.ndarray) -> np.ndarray:
    """The mean over every 4 x 4 pixels, float32 [n, 45, 45]."""
    return _added(_added(planes)) * np.float32(1 / 16)


def _around(planes: np.ndarray) -> np.ndarray:
    """Sums over the pixels around each, weighed by 1 2 3 4 3 2 1 both ways; beyond the edges there is nothing."""
    wide = np.pad(planes, ((0, 0), (_REACH, _REACH), (_REACH, _REACH)))
    for _ in range(4):
        wide = _added(wide)
    return wide


def _added(planes: np.ndarray) -> np.ndarray:
    """Sums of four that lie below each other, three fewer; what lay along lies down then."""
    pairs = planes[:, :-1] + planes[:, 1:]
    return (pairs[:, :-2] + pairs[:, 2:]).transpose(0, 2, 1)


def _within(inside: np.ndarray) -> np.ndarray:
    """What is inside and whose four neighbours are."""
    found = np.zeros_like(inside)
    middle = slice(1, THUMBNAIL_SIDE - 1)
    found[:, middle, middle] = (
        inside[:, middle, middle] * inside[:, :-2, middle] * inside[:, 2:, middle] * inside[:, middle, :-2] * inside[:, middle, 2:]
    )
    return found
