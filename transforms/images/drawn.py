"""Whether a picture is drawn or printed rather than taken: forms, tables, slides, charts, maps, screenshots, logos, mock-ups of products.

Such pictures come in series of one template with another text or print, which photos do not; and they have few grey levels, by the entropy
of which they are told, and a ground of one colour: three levels in a row hold 15 pixels in 100, which they do in one photo of twenty. Of a
thumbnail's levels in 64 bins photos have 3.75 to 6 bits, 5.1 in the middle, one in a hundred fewer; real
clothes cut out on white 4.2; forms, cards, slides, charts, maps and drawn products 1.1 to 3.7. A dense table or a number plate can have 4.

Icons and posters may have neither, but what is drawn is often even, or bends as evenly as a gradient does: in a quarter of photos 13 pixels
in 100 do, in one of twenty 26, in every second icon, plot or poster 36 and more. Dense print, crosswords and codes bend sharply nearly
everywhere: in 78 pixels of 100, where photos do in 14, and one in a hundred in 46.

Packs, bottles and faces that were drawn with shades have too many levels to look drawn, but half their pixels and more bend little: 45 in
100 do in one photo of a hundred.

Screens have grounds that fade from one colour to another, across, down or aslant: what is left of them when the middle level of each row
is taken away, then that of each column, has a ground that takes half, and 2.2 bits at most, or 3 where 40 pixels in 100 bend little, which
they do not in portraits before a backdrop. Of 2,000 photos none is such, and of 15,000 edited copies of them three.
"""

import dataclasses

import numpy as np

from schemas.signatures import THUMBNAIL_SIDE
from transforms.compiled import ZERO, compiled

_MOST, _NEARLY, _BARELY = 3.7, 4.0, 4.3  # bits
_LITTLE, _SOME, _GROUND, _WIDE = 0.08, 0.1, 0.15, 0.25  # of all pixels
_OF_FADING = 0.5  # of all pixels: the ground of what is left of one that fades
_FADING, _FADED = (2.2, 3.0), (0.2, 0.4)  # bits of it, where so many pixels bend little
_LEVELS = 4  # of a bin
_SMOOTH, _SHADED, _CROWDED, _DENSE = 0.15, 0.45, 0.5, 0.55  # of the pixels that are not at an edge
_EVEN, _SHARP = np.float32(1), np.float32(48)  # levels: second differences both at most, one at least
_SIDE, _ONE, _INNER = np.uint64(THUMBNAIL_SIDE), np.uint64(1), (THUMBNAIL_SIDE - 2) ** 2
_WITHIN = np.pad(np.ones((THUMBNAIL_SIDE - 2, THUMBNAIL_SIDE - 2), bool), 1).ravel()
_NONE, _TWICE = np.int32(0), np.float32(2)
_PIXELS = THUMBNAIL_SIDE**2
_ENTROPIES = np.rint(2.0**20 * np.arange(_PIXELS + 1) * np.log2(np.maximum(np.arange(_PIXELS + 1), 1))).astype(np.int64)
"""n log2 n in whole units, so that a sum over the bins is the same in every order."""
_LEAST, _LESS, _STILL_LESS, *_FADES = (int(_ENTROPIES[-1]) - round(2**20 * _PIXELS * bits) for bits in (_MOST, _NEARLY, _BARELY, *_FADING))


@dataclasses.dataclass(frozen=True)
class Looks:
    """What thumbnails look like, one row each.

    Attributes:
      drawn: bool [n], few levels and a ground.
      grounded: bool [n], a ground of one colour, or one that fades.
      wide: bool [n], a ground that takes a quarter.
      smooth: bool [n], at least 15 pixels in 100 lie on a plane with their neighbours.
      shaded: bool [n], at least 45 do.
      dense: bool [n], at least 55 pixels in 100 stand out sharply from those beside them, or from those above and below.
      printed: bool [n], drawn or dense.
      nearly: bool [n], printed or nearly so, as edited copies of what is printed are.
      barely: bool [n], as blurred copies of what is printed are without their margins, and some photos.
      white: bool [n], white is in them or around them, or a light ground that is neutral; thumbnails do not tell it.
      hued: bool [n], hues say something of them (`transforms.images.hues`); thumbnails do not tell that either.
    """

    drawn: np.ndarray
    grounded: np.ndarray
    wide: np.ndarray
    smooth: np.ndarray
    shaded: np.ndarray
    dense: np.ndarray
    printed: np.ndarray
    nearly: np.ndarray
    barely: np.ndarray
    white: np.ndarray
    hued: np.ndarray

    @classmethod
    def of(cls, bits: np.ndarray) -> "Looks":
        """From bits, uint16 [n]; those of two pictures, one and the other, are what both have."""
        return cls(*(bits & _PLACES[:, None] != 0))

    def bits(self) -> np.ndarray:
        """A bit for each attribute, the first lowest: uint16 [n].

        >>> looks(np.zeros((1, 48 * 48), np.uint8)).bits().tolist()
        [479]
        """
        found = np.zeros(len(self.drawn), np.uint16)
        for place, flags in enumerate(vars(self).values()):
            found |= flags.astype(np.uint16) << np.uint16(place)
        return found

    def take(self, which: np.ndarray) -> "Looks":
        """Those of some alone, by their numbers or bool [n]."""
        return Looks(*(flags[which] for flags in vars(self).values()))


_PLACES = np.uint16(1) << np.arange(len(dataclasses.fields(Looks)), dtype=np.uint16)


def looks(thumbnails: np.ndarray, white: np.ndarray | None = None, hued: np.ndarray | None = None) -> Looks:
    """What thumbnails, uint8 [n, 48 * 48], look like; `white` and `hued`, bool [n], go with them, none if they are not given.

    >>> rough = (np.arange(48 * 48) ** 2 % 251).astype(np.uint8)
    >>> looks(np.stack([rough, np.where(rough < 200, 250, rough)]))
    Looks(drawn=array([False,  True]), grounded=array([False,  True]), wide=array([False,  True]), smooth=array([False,  True]), shaded=...)
    """
    sums, most, even, sharp = _counts(thumbnails)
    fading = np.flatnonzero(((sums < _LEAST) | (most < _GROUND * _PIXELS)) & (even >= _FADED[0] * _INNER))
    if len(fading):
        left, taken, _, _ = _counts(_unfaded(thumbnails[fading]))
        least = np.where(even[fading] >= _FADED[1] * _INNER, _FADES[1], _FADES[0])
        fading = fading[(left >= least) & (taken >= _OF_FADING * _PIXELS)]
        sums[fading], most[fading] = _LEAST, _WIDE * _PIXELS
    grounded, wide = most >= _GROUND * _PIXELS, most >= _WIDE * _PIXELS
    drawn, dense = (sums >= _LEAST) & grounded, sharp >= _DENSE * _INNER
    nearly = (sums >= _LESS) & (most >= _SOME * _PIXELS) | (sharp >= _CROWDED * _INNER)
    barely = (sums >= _STILL_LESS) & (most >= _LITTLE * _PIXELS)
    smooth, shaded = even >= _SMOOTH * _INNER, even >= _SHADED * _INNER
    rest = (np.zeros(len(drawn), bool) if given is None else given for given in (white, hued))
    return Looks(drawn, grounded, wide, smooth, shaded, dense, drawn | dense, nearly, barely, *rest)


def may_be_product(thumbnail: np.ndarray) -> bool:
    """Whether a thumbnail, uint8 [48, 48], is smooth or has a ground of one colour, as products, drawn faces and a quarter of photos do.

    >>> rough = (np.arange(48 * 48) ** 2 % 251).astype(np.uint8).reshape(48, 48)
    >>> may_be_product(rough), may_be_product(rough // 16)
    (False, True)
    """
    _, most, even, _ = _counts(thumbnail.reshape(1, -1))[:, 0]
    return bool(even >= _SMOOTH * _INNER or most >= _GROUND * _PIXELS)


def _counts(thumbnails: np.ndarray) -> np.ndarray:
    """What `_look` finds, int64 [4, n]."""
    counts = np.empty((len(thumbnails), 4), np.int64)
    _look(thumbnails, _ENTROPIES, _WITHIN, np.zeros(256, np.int64), counts)
    return counts.T


def _unfaded(thumbnails: np.ndarray) -> np.ndarray:
    """Thumbnails without the middle level of each row, and then of each column: uint8 [n, 48 * 48], 128 where nothing is left."""
    left = thumbnails.reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE).astype(np.int32)  # which numpy sorts many at once, with AVX2 as well
    left -= np.sort(left, axis=2)[:, :, THUMBNAIL_SIDE // 2, None]
    columns = np.ascontiguousarray(left.transpose(0, 2, 1))  # which are sorted twice as fast in rows
    columns.sort(axis=2)
    left -= columns[:, None, :, THUMBNAIL_SIDE // 2]
    left += 128
    return np.clip(left, 0, 255, out=left).astype(np.uint8).reshape(-1, _PIXELS)


@compiled
def _look(thumbnails, entropies, inner, counts, found):  # type: ignore[no-untyped-def]
    """The sum of n log n over the bins; the most pixels of three levels in a row; pixels that bend little, and much.

    `inner` says which pixels are not at an edge. The counts of the levels are 0 before and after.
    """
    for row in range(len(thumbnails)):
        picture, out = thumbnails[row], found[row]
        for k in range(_PIXELS):
            counts[picture[k]] += 1
        inside = binned = total = most = before = beyond = ZERO  # of the last three levels; of the bin so far; two counts before
        for level in range(256):
            count = counts[level]
            counts[level] = 0
            inside, binned = inside + count, binned + count
            most = inside if inside > most else most
            inside, beyond, before = inside - beyond, before, count
            if level % _LEVELS == _LEVELS - 1:
                total, binned = total + entropies[binned], ZERO
        evenly = sharply = _NONE
        for k in range(_SIDE, np.uint64(_PIXELS) - _SIDE):
            twice, within = np.float32(picture[k]) * _TWICE, inner[k]
            along = abs(np.float32(picture[k - _ONE]) + np.float32(picture[k + _ONE]) - twice)
            down = abs(np.float32(picture[k - _SIDE]) + np.float32(picture[k + _SIDE]) - twice)
            bend = along if along > down else down
            evenly, sharply = np.int32(evenly + ((bend <= _EVEN) & within)), np.int32(sharply + ((bend > _SHARP) & within))
        out[0], out[1], out[2], out[3] = total, most, evenly, sharply
