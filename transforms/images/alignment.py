"""Whether two thumbnails show the same picture: one is aligned with the other, then their outlines and folds are compared.

Hashes propose pairs; two shirts laid out alike are a pair to them. Here the one thumbnail is fitted to the other by Gauss-Newton steps on
an affine map (Lucas and Kanade 1981; Baker and Matthews 2004), three at 24 x 24 and two at 48 x 48, in which a block of the picture weighs
by its correlation squared, so that overlays drop out. Then gradients g / (|g| + 1), in which a fold counts as much as an outline, are
correlated in 36 blocks, less each block's mean: the mean over the blocks with detail that lie inside both pictures, of which fewer than 12
count as 12. Pairs that come near are given eight more steps: of 15,000 edited copies those took half of what was missed, and no two
different photos above 0.63.

Forms, slides and mock-ups of products share a template: most blocks agree wholly, and a mean hides the few that hold another text or print.
So pictures on a ground of one colour are also looked at where they differ most (`transforms.images.differences`): of two drawn pictures no
place may differ by more than an edit explains, two and a half times what is allowed there, nor a block with detail not agree at all. Of
others, photos of products on a bare ground among them, one may have a stamp or a banner laid over it, but not each something that the other
lacks, two and a half times what is allowed, as two prints on one product do; and on a wide ground neither, four times what is allowed, but
along its edges (`transforms.images.exchanged`). The agreement of such a pair is at most `AGREE` by how far it is beyond. Pictures that were
only saved again are spared the look at faint blocks: no block of theirs is off by four levels.

What 48 x 48 grey pixels do not show is not told apart: the same shape in another colour, another digit in a line of small print. A
photograph that fills its picture is one under whatever text, as it is without one; what is written over a drawn picture makes it another.
"""

import threading

import numpy as np

from schemas.signatures import PICTURES_AGREE, THUMBNAIL_SIDE
from transforms.compiled import compiled
from transforms.images.differences import differences
from transforms.images.drawn import looks
from transforms.images.fitting import ALONG, BLOCKS, DOWN, FEW, GRID, ONES, SEEN, SEEN_ALONG, SEEN_DOWN, Level
from transforms.images.maps import inverted, rounded

AGREE = PICTURES_AGREE  # of 1,040 photos no two different ones within 12 bits reach 0.58; of nine edits of 149 of them 99.5 in 100 reach it
_COARSE, _FINE = 3, 2  # steps at 24 x 24, at 48 x 48
_NEARLY, _MORE = 0.35, 8  # agreement from which a pair that does not agree is given more steps at 48 x 48; how many
_FLOOR = 0.2  # correlation below which a block is left out at 48 x 48; at 24 x 24 it is 0
_DETAIL = 0.35 * 0.35  # mean square of softened gradients from which a block has detail
_FEWEST = 12
_DIFFERENT, _ADDED = 2.5, 4.0  # of what is allowed to an edited copy: anywhere, or what each of two has; what one has on a wide ground
_HIDDEN = 0.1  # correlation of the least block of a drawn picture, below which it holds something too faint for levels
_SAVED_AGAIN = 4.0  # levels: a copy saved at quality 60 is off by 1 in its worst block, another form, card or slide by 8.6 at least
_MARGIN = 0.02
_SAME_SIZE = 1.0001
_ONE = np.float32(1)
_PRODUCTS = np.array([
    (DOWN, ONES), (ALONG, ONES), (SEEN_DOWN, ONES), (SEEN_ALONG, ONES), (DOWN, SEEN_DOWN), (ALONG, SEEN_ALONG),
    (DOWN, DOWN), (ALONG, ALONG), (SEEN_DOWN, SEEN_DOWN), (SEEN_ALONG, SEEN_ALONG),
])  # fmt: skip
_AREA = (THUMBNAIL_SIDE // GRID) ** 2
_MIDDLES = (np.indices((GRID, GRID)).reshape(2, BLOCKS) + 0.5) / GRID


def agreements(left: np.ndarray, right: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """How well each pair of thumbnails agrees once aligned: 1 the same pixels, `AGREE` and more the same picture.

    Args:
      left: uint8 [n, 48, 48].
      right: uint8 [n, 48, 48].
      maps: float64 [n, 2, 3], where to begin: a point of the left thumbnail, (down, along, 1) with sides of 1, to that of the right one;
        see `transforms.images.nearest`.

    Returns:
      float32 [n], 0 to 1, rounded to 1e-4. The same when left and right change places and maps are inverted.
    """
    left, right = (np.ascontiguousarray(side).reshape(-1, THUMBNAIL_SIDE**2) for side in (left, right))
    swapped, to = _in_order(left, right, maps)
    found, least = _fit(left, right, swapped, to, _COARSE, _FINE)
    agreed = _judged(left, right, swapped, to, found, least)
    near = np.flatnonzero((found >= _NEARLY) & (found < AGREE))
    if len(near):
        left, right, swapped, to = left[near], right[near], swapped[near], to[near]
        found, least = _fit(left, right, swapped, to, 0, _MORE)
        agreed[near] = np.maximum(agreed[near], _judged(left, right, swapped, to, found, least))
    return np.rint(agreed * 1e4).astype(np.float32) / np.float32(1e4)


class _Room(threading.local):
    """What one thread works on."""

    def __init__(self) -> None:
        """Makes room for a few pairs."""
        self.half, self.full = (Level.of(side, FEW) for side in (THUMBNAIL_SIDE // 2, THUMBNAIL_SIDE))


_ROOM = _Room()


def _fit(left: np.ndarray, right: np.ndarray, swapped: np.ndarray, to: np.ndarray, coarse: int, fine: int) -> tuple[np.ndarray, np.ndarray]:
    """So many steps at half and at full size, and how well the pairs agree then, and their least block; improves the maps in place."""
    sums = np.empty((len(left), len(_PRODUCTS), BLOCKS))
    for start in range(0, len(left), FEW):
        some = slice(start, start + FEW)
        half, full = (level.first(len(left[some])) for level in (_ROOM.half, _ROOM.full))
        full.load(left[some], right[some], swapped[some])
        if coarse:
            half.halve(full)
            half.align(to[some], coarse, 0.0)
        full.align(to[some], fine, _FLOOR)
        full.warp(to[some])
        full.slope(SEEN)
        _soften(full.planes)
        sums[some] = full.multiply(_PRODUCTS)
    return _compare(sums, to)


def _judged(left: np.ndarray, right: np.ndarray, swapped: np.ndarray, to: np.ndarray, mean: np.ndarray, least: np.ndarray) -> np.ndarray:
    """The mean over the blocks, to 1e-4; of pictures with a ground that would be the same by it, less by how far they differ somewhere."""
    found = np.rint(mean * 1e4) / 1e4
    alike = np.flatnonzero(found >= AGREE)
    own = looks(left[alike])
    alike, own = alike[own.grounded], own.take(own.grounded)
    other = looks(right[alike])
    alike, own, other = alike[other.grounded], own.take(other.grounded), other.take(other.grounded)
    drawn, wide = own.drawn & other.drawn, own.wide & other.wide
    everywhere, each, either = differences(left[alike], right[alike], swapped[alike], to[alike], ~drawn, _DIFFERENT)
    hidden = drawn & (least[alike] < _HIDDEN)
    hidden[hidden] = _farthest(left[alike[hidden]], right[alike[hidden]]) > _SAVED_AGAIN**2
    strict, lenient = np.maximum(everywhere / _DIFFERENT, 2.0 * hidden), np.maximum(each / _DIFFERENT, wide * either / _ADDED)
    beyond = np.where(drawn, strict, lenient)
    found[alike] = np.minimum(found[alike], AGREE / np.maximum(beyond, AGREE))
    return found


def _farthest(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The mean square, in levels, by which the thumbnails of each pair differ in the block where they differ most, as they are."""
    side = THUMBNAIL_SIDE // GRID
    off = (left.astype(np.int64) - right).reshape(len(left), GRID, side, GRID, side)
    return (off * off).mean(axis=(2, 4)).max(axis=(1, 2), initial=0.0)


def _in_order(left: np.ndarray, right: np.ndarray, maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether the right picture is the one looked for, and the map from it; the left one if not.

    It is the one that shows less; of equal ones the smaller, pixel by pixel.
    """
    rows, words = np.arange(len(maps)), [side.view(np.uint64) for side in (left, right)]
    place = (words[0] != words[1]).argmax(axis=1)
    swapped = words[0][rows, place].byteswap() > words[1][rows, place].byteswap()
    to = rounded(np.where(swapped[:, None, None], inverted(maps), maps))
    larger = np.abs(to[:, 0, 0] * to[:, 1, 1] - to[:, 0, 1] * to[:, 1, 0]) > _SAME_SIZE
    return swapped ^ larger, np.where(larger[:, None, None], inverted(to), to)


@compiled
def _soften(planes):  # type: ignore[no-untyped-def]
    """Both pairs of slopes to gradients of length |g| / (|g| + 1)."""
    for row in range(len(planes)):
        for pair in range(DOWN, SEEN_DOWN + 1, SEEN_DOWN - DOWN):
            down, along = planes[row, pair], planes[row, pair + 1]
            for k in range(len(down)):
                y, x = down[k], along[k]
                scale = _ONE / (np.sqrt(y * y + x * x) + _ONE)
                down[k], along[k] = y * scale, x * scale


def _compare(sums: np.ndarray, to: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and least correlation of softened gradients over the blocks with detail that the maps leave inside, from sums of `_PRODUCTS`."""
    means, apart = sums[:, :4], np.empty((len(sums), 6, BLOCKS))
    np.multiply(means[:, :2], means[:, 2:], out=apart[:, :2])
    np.square(means, out=apart[:, 2:])
    apart *= -1 / _AREA
    apart += sums[:, 4:]
    both, one, other = np.add(apart[:, ::2].swapaxes(0, 1), apart[:, 1::2].swapaxes(0, 1))
    counted = np.maximum(one, other) > _DETAIL * _AREA
    for row in to.swapaxes(0, 1)[:, :, :, None]:
        down, along, shift = row.swapaxes(0, 1)
        at = down * _MIDDLES[0] + along * _MIDDLES[1] + shift
        reach = (np.abs(down) + np.abs(along)) / (2 * GRID) - _MARGIN
        counted &= (at >= reach) & (at <= 1 - reach)
    one *= other
    agreed = np.maximum(both, 0.0) / np.sqrt(np.maximum(one, 0.0) + 1e-6)
    least = np.where(counted, agreed, 1.0).min(axis=1)
    total = (agreed * counted).cumsum(axis=1)[:, -1]  # one block after the other: no other order of summation
    return total / np.maximum(_FEWEST, counted.sum(axis=1)), least
