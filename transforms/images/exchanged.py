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

import threading

import numpy as np

from schemas.signatures import THUMBNAIL_SIDE
from transforms.images.fitting import FEW, slide

# Planes of work: the one picture and what the other has more; what is left of that; where both are seen; what is allowed over 4 x 4 pixels;
# what counts, and that over 4 x 4 pixels; where the two agree, and their sum there, then around each pixel; two that sums pass through.
_SEEN, _OFF, _REST, _INSIDE, _ALLOWED, _LEFT, _DOUBT, _AGREE, _SUM, _PASS, _PASSED, _PLANES = range(12)
_DOUBTFUL = np.float32(2)  # mean square, in units of what is allowed, from which places do not agree
_SIDE = THUMBNAIL_SIDE
_RIM = slice(None, None, _SIDE - 1)
_LAST = _SIDE - 3  # pixel of a row, the second one of the last 4; it stands for the one after it too
MIDDLE = (slice(_SIDE // 6, -(_SIDE // 6) - 3), slice(_SIDE // 12, -(_SIDE // 12) - 3))  # of the first pixels of 4 x 4
_NEXT, _MEAN, _NEAR = np.array([[0, 1, 1], [0, 1 / 16, 1 / 16], [1, 2, 1]], np.float32)


class _Room(threading.local):
    """What one thread works on."""

    def __init__(self) -> None:
        """Makes room for a few pairs."""
        self.planes = np.zeros((FEW, _PLANES, _SIDE * _SIDE), np.float32)


_ROOM = _Room()


def exchanged(
    seen: np.ndarray, off: np.ndarray, rest: np.ndarray, inside: np.ndarray, allowed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How much aligned pictures differ away from the edges, where it is most, in units of what is allowed there.

    Args:
      seen: the one picture, in levels, float32 [n, 48 * 48], of `FEW` pairs at most.
      off: the other less that one.
      rest: what is left of that.
      inside: 1 where both are seen, else 0.
      allowed: at each pixel, squares, of which the mean over 4 x 4 pixels is allowed there, in the same levels.

    Returns:
      what each has that the other lacks, that is, the lesser of both; and what either has; float32 [n].
    """
    planes = _ROOM.planes[: len(seen)]
    for plane, given in enumerate((seen, off, rest, inside, allowed)):
        planes[:, plane] = given
    _count(planes)
    _patch(planes, _ALLOWED, _ALLOWED)
    _patch(planes, _LEFT, _DOUBT)
    _agree(planes)
    for plane in (_AGREE, _SUM):  # weighs the pixels around by 1 2 3 4 3 2 1 both ways
        slide(planes, plane, _PASS, _SIDE, _NEAR)
        slide(planes, _PASS, plane, 2 * _SIDE, _NEAR)
        slide(planes, plane, _PASS, 1, _NEAR)
        slide(planes, _PASS, plane, 2, _NEAR)
    _part(planes)
    either = _most(planes, _DOUBT)
    for plane in (_AGREE, _SUM):
        _patch(planes, plane, plane)
    return np.minimum(_most(planes, _AGREE), _most(planes, _SUM)), either


def _patch(planes: np.ndarray, of: int, to: int) -> None:
    """The mean over every 4 x 4 pixels of a plane, at their first one, but for two rows at the edges."""
    slide(planes, of, _PASS, _SIDE, _NEXT)
    slide(planes, _PASS, _PASSED, 2 * _SIDE, _NEXT)
    slide(planes, _PASSED, _PASS, 1, _NEXT)
    slide(planes, _PASS, to, 2, _MEAN)


def _most(planes: np.ndarray, of: int) -> np.ndarray:
    """The most of means over 4 x 4 pixels away from the edges, in units of what is allowed there, float32 [n]."""
    means, allowed = (planes[:, plane].reshape(-1, _SIDE, _SIDE)[:, *MIDDLE] for plane in (of, _ALLOWED))
    return np.sqrt((means / allowed).max(axis=(1, 2)))


def _agree(planes: np.ndarray) -> None:
    """Where the two pictures agree, and their sum there."""
    agree, both = planes[:, _AGREE], planes[:, _SUM]
    np.multiply(planes[:, _ALLOWED], _DOUBTFUL, out=both)
    agree[:, _SIDE + 1 :] = planes[:, _DOUBT, : -_SIDE - 1] < both[:, : -_SIDE - 1]
    rows = agree.reshape(-1, _SIDE, _SIDE)
    rows[:, :, _LAST + 1] = rows[:, :, _LAST]
    agree *= planes[:, _INSIDE]
    np.add(planes[:, _SEEN], planes[:, _SEEN], out=both)
    both += planes[:, _OFF]
    both *= agree


def _count(planes: np.ndarray) -> None:
    """Squares of what is left, no more than there was before, where the pixel and its four neighbours are inside; not at the rim."""
    off, rest, inside, left, work = (planes[:, plane] for plane in (_OFF, _REST, _INSIDE, _LEFT, _PASS))
    np.square(rest, out=left)
    np.minimum(left, np.square(off, out=work), out=left)
    left *= np.multiply(rest, off, out=work) > 0
    for step in (_SIDE, 1):
        left[:, step:] *= inside[:, :-step]
        left[:, :-step] *= inside[:, step:]
    rows = left.reshape(-1, _SIDE, _SIDE)
    rows[:, _RIM] = rows[:, :, _RIM] = 0


def _part(planes: np.ndarray) -> None:
    """What counts, parted into what the one picture has and what the other has, from what is around."""
    off, left, weight, there, others = (planes[:, plane] for plane in (_OFF, _LEFT, _AGREE, _SUM, _PASS))
    there /= np.maximum(np.add(weight, weight, out=others), 2, out=others)
    own = np.subtract(planes[:, _SEEN], there, out=there)
    np.abs(np.add(own, off, out=others), out=others)
    np.abs(own, out=own)
    bare = np.minimum(own, others, out=planes[:, _PASSED]) < np.abs(off)
    bare &= weight > 0
    left *= bare
    more = own > others
    np.multiply(left, more, out=planes[:, _AGREE])
    np.multiply(left, np.less(own, others, out=more), out=planes[:, _SUM])
