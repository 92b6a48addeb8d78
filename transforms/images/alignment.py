"""Whether two thumbnails show the same picture: one is aligned with the other, then their outlines and folds are compared.

Hashes propose pairs; two shirts laid out alike are a pair to them. Here gradients g / (|g| + 1), in which a fold counts as much as an
outline, are correlated in 36 blocks, less each block's mean: the mean over the blocks with detail that lie inside both pictures, of which
fewer than 12 count as 12. Two thirds of the pairs agree where their views say that they lie; of all 540,280 pairs of 1,040 photos, near in
their hashes or not, none by more than 0.46. Of the others the one thumbnail is fitted to the other by Gauss-Newton steps on an affine map
(Lucas and Kanade 1981; Baker and Matthews 2004), three at 24 x 24 and two at 48 x 48, in which a block of the picture weighs by its
correlation squared, so that overlays drop out. What agrees nearly then is given four more, and again, while the last step moved it by more
pixels than agreement is lacking: of 15,000 edited copies those took half of what was missed, and no two different photos above 0.63. All
132 of 20,888 pairs that eight more steps bring to agree are among those, with 1.16 pixels at least for what was lacking, and two fifths of
the rest.

Forms, slides and mock-ups of products share a template: most blocks agree wholly, and a mean hides the few that hold another text or print.
So pictures of a look that comes in series (`transforms.images.drawn`) are fitted in any case, and also looked at where they differ most
(`transforms.images.differences`) and where they vary each by itself (`transforms.images.windows`):

* two drawn or dense pictures are looked at closely, by the finer pictures that are kept of them (`transforms.images.closely`): no window
  of theirs may be more unlike than five times what is usual in the pair, or 0.4, where both vary, nor than 0.6 where one does. Fine print
  that other pixels were made of may reach 0.4 where thumbnails differ as little as is asked of those without finer pictures. Where slopes
  of thumbnails go another way in a window, though nothing was resampled, a few digits in a page may differ: three times what is usual. What
  closely looks alike may differ in tone, a switch that is on, a flag: no place by three and a half times what is allowed there, and by 0.7
  times in a copy that was only saved again, which differs nowhere;
* so are two of which one is only nearly drawn or dense, as a copy that was blurred or framed is, but which may be photos under a banner:
  they are two if a window in which both vary is more unlike than 0.4, each has what the other lacks, and slopes of both are unlike in the
  middle, 0.45. Of 1,144 pairs of edited photos that are looked at for either, 5 are lost;
* shaded ones, as mock-ups of packs and drawn faces are, and nearly drawn ones on a ground show less of what tells them apart, a word on a
  label: they are two if either has 1.8 times what is allowed somewhere, and such a window is more unlike than 0.5, or 0.7; or if
  either has three times what is allowed, and a window in which one alone varies is more unlike than 0.6, as where one pack has a label and
  the other none. Of 30 edits of 250 photos 8 in 10,000 are lost by it;
* of two drawn ones without finer pictures no place may differ by more than an edit explains, two and a half times what is allowed there,
  nor a block with detail not agree at all, nor slopes in any window correlate by less than half, as they do along two lines of text.
  Pictures that were only saved again are spared the look at faint blocks: no block of theirs is off by four levels;
* nor may they in a window of two dense ones, such as crosswords;
* of others on a ground of one colour, photos of products among them, one may have a stamp or a banner laid over it, but not each something
  that the other lacks, two and a half times what is allowed, as two prints on one product do; and on a wide ground, or a smooth one on
  white, neither, four times what is allowed, but along its edges (`transforms.images.exchanged`), nor may, if they are smooth, slopes of
  both be unlike there. Smooth ones, as shaded jars and bottles with another label are, are two if each has something, one of them much, and
  slopes of both are unlike there. They are looked at however well all blocks agree, as those of a chair and a lighter one do: of 82,000
  pairs of edited photos 20 are lost by it;
* of smooth ones that fill their picture, icons, posters and photos out of focus, one is told from the other only where a block hardly
  agrees, each has what the other lacks and slopes of both are unlike there; or where they hardly agree, each has some and slopes of both
  go against each other, 1.2, as in photos of two receipts of one till: one of 22,500 pairs of edited photos is lost. So is, where
  both show white, a page or product from one that looks like a photo, as a blurred copy of a table does: 24 of those 82,000 are lost.

Photos that fill their picture come in series too: one mug with a cat and with a heart, two chairs in one room. What differs there hides in
the mean, as does what is put over a photo. So two that do not agree wholly, and in some block hardly, are looked at where each is lighter
than the other somewhere in the middle (`transforms.images.both_ways`), as few are for what is put over one: they are two if each has
something, 3.5 times what is allowed, and slopes of both are unlike in the middle, 1.0. Of 6,187 pairs of products drawn in scenes that are
not told apart by colour 2,900 are by it; of 62,602 pairs of edited photos 723, one of them a copy and its photo. Of two that agree by less
than 0.8, twice what is allowed in each is enough, if there is fifteen times that somewhere and slopes of both are unlike by 1.3: of 116,000
pairs of copies of one photo 16 are lost by it.

Photos of fine detail that were cropped, turned or saved at a low quality hardly agree anywhere, but do so everywhere. So two photos that
fill their pictures are the same from .62 on if their least block correlates by .2: of 226,000 pairs of edited photos 5,300 do, and of
20,000 pairs of photos that are near in their views none has a least block above 0.

The agreement of such a pair of one template is at most `AGREE` by how far it is beyond; what is clearly two by windows is not looked at for
places.

Two that agree in grey are told apart if they show other colours (`transforms.images.other_hues`), if only in some places
(`transforms.images.repainted`) or lacking in some while others are the same (`transforms.images.drained`), or the same in another shade
(`transforms.images.shades`), or if one lost its white and is no toned copy of the other (`transforms.images.tones`). What 48 x 48 grey
pixels, 96 x 96 of drawn pictures and 8 x 8 colours do not show is not told apart: another digit in a line of small print, other goods on a
photo of a receipt, a badge in the corner of an icon. A mirrored picture is the same picture, and so is an arrow to the left the same as one
to the right. A photograph that fills its picture is one under whatever text, as it is without one; what is written over a drawn picture
makes it another.
"""

import threading
from collections.abc import Iterator

import numpy as np

from schemas.signatures import PICTURES_AGREE, THUMBNAIL_SIDE
from transforms.images.both_ways import lighter_both_ways
from transforms.images.differences import differences
from transforms.images.drawn import Looks
from transforms.images.fitting import FEW, GRID, Level, halved
from transforms.images.gradients import compared
from transforms.images.maps import stretched
from transforms.images.pairs import Pairs
from transforms.images.shown import Shown
from transforms.images.windows import unlikeness

AGREE = PICTURES_AGREE  # of 1,040 photos no two different ones within 12 bits reach 0.58; of nine edits of 149 of them 99.5 in 100 reach it
LEAST, TOLD_APART = np.float32(1e-4), 0.0  # of two that agree in nothing; of two that agree in grey and are of other colours
_FEW_HALVES = 4 * FEW  # pairs at half the size, of a quarter of the pixels
_STEPS = ((3, 2), (0, 4), (0, 4))  # at 24 x 24 and at 48 x 48; a pair gets the next if it does not agree, but nearly and on the move
_NEARLY = 0.35
_EVENLY, _EVEN = 0.62, 0.2  # agreement, and correlation of the least block, from which two photos are the same in any case
_FLOOR = 0.2  # correlation below which a block is left out at 48 x 48; at 24 x 24 it is 0
_DIFFERENT, _ADDED = 2.5, 4.0  # of what is allowed to an edited copy: anywhere, or what each of two has; what one has on a wide ground
_WRITTEN, _COVERED = 0.4, 0.6  # of what `closely_unlike` tells: where both of two vary; where one does
_OF_USUAL, _SAVED = 5.0, 0.02  # where both vary, in units of what is usual in the pair and what saving adds to it
_ASTRAY, _OF_USUAL_ASTRAY = 0.7, 3.0  # of what `unlikeness` tells of a pair that was not resampled, from which less is allowed; that
_ONLY_SAVED, _STRAY = 0.0005, 0.7  # usual in a pair that was only saved again; of what is allowed to an edited copy, anywhere, then
_HAS, _OF_PRINT, _FINE = 1.0, 2.0, 4.5  # what each of two nearly drawn ones has; of resampled print that differs by less, anywhere
_LABELLED, _ON_SHADES, _ON_GROUND = 1.8, 0.5, 0.7  # what either has, and of what `closely_unlike` tells, of shaded ones or on a ground
_EITHER = 3.0  # what either has, of two smooth ones on a ground, or where one alone varies in a window
_ASIDE, _ASUNDER = 0.45, 0.65  # of what `unlikeness` tells where both vary: of two nearly drawn ones; of two smooth ones on a ground
_RESAMPLED = 0.006  # of a side, by which a map stretches, shears or turns it: fine print is then made of other pixels
_TONED = 3.5  # of what is allowed to an edited copy, anywhere, where it was looked at closely
_UNLIKE, _APART = 0.5, 0.8  # of what `unlikeness` tells: of drawn or dense pictures, anywhere; where both of two vary
_CLEARLY = 1.001  # of what is allowed: two pictures, whatever else they differ by
_UNSURE = 0.3  # correlation of the least block, below which smooth pictures without a ground or white are looked at
_FAIRLY, _ANOTHER, _LARGELY, _WHOLLY = 0.8, 2.0, 15.0, 1.3  # agreement below which two of one place may be; each, either and apart, then
_LOOSELY, _ACROSS = 0.75, 1.2  # agreement below which smooth ones are looked at too; of what `unlikeness` tells where both vary, then
_MOSTLY, _HARDLY = 0.95, 0.6  # agreement, and correlation of the least block, below which two may be of one place
_OTHERS, _AGAINST = 3.5, 1.0  # what each of two of one place has; of what `unlikeness` tells where both vary, then
_SURE = 0.8  # correlation of the least block, from which nothing lies over either of two that fill their picture
_HIDDEN = 0.1  # correlation of the least block of a drawn picture, below which it holds something too faint for levels
_SAVED_AGAIN = 4.0  # levels: a copy saved at quality 60 is off by 1 in its worst block, another form, card or slide by 8.6 at least


def aligned(left: Shown, right: Shown, maps: np.ndarray, at: tuple[np.ndarray, np.ndarray] | None = None) -> tuple[np.ndarray, Pairs]:
    """How well each pair of pictures agrees once aligned: 1 the same pixels, `AGREE` and more the same picture.

    Args:
      left: what pictures show.
      right: likewise.
      maps: float64 [n, 2, 3], where to begin: a point of the left thumbnail, (down, along, 1) with sides of 1, to that of the right one;
        see `transforms.images.nearest`.
      at: int64 [n] each, which of the left pictures and which of the right ones each pair has; None: every one, in turn.

    Returns:
      float32 [n], `LEAST` to 1, rounded to 1e-4, or `TOLD_APART`, the same when left and right change places and maps are inverted; and the
      pairs, of which those that agree in grey are aligned.
    """
    pairs = Pairs.of(left, right, at or (np.arange(len(maps)), np.arange(len(maps))), maps)
    agreed, least, _ = _fit(pairs, 0, 0)
    alike = np.flatnonzero(agreed >= AGREE)
    agreed[alike[_suspect(pairs.take(alike), agreed[alike], least[alike])[0]]] = 0
    in_grey = agreed >= AGREE
    places, every = np.flatnonzero(~in_grey), pairs
    pairs, agreed[places] = pairs.take(places), 0
    fitted = []
    for last, (coarse, fine) in enumerate(_STEPS if len(places) else (), 1 - len(_STEPS)):
        found, least, moved = _fit(pairs, coarse, fine)
        on = (found >= _NEARLY) & (found < AGREE) & (AGREE - found < moved) & (last < 0)
        hardly = np.flatnonzero(~on & (found >= _EVENLY) & (found < AGREE) & (least >= _EVEN))
        if len(hardly):
            asked = pairs.take(hardly)
            both = asked.looks()
            found[hardly[~_in_series(asked, both, both.smooth)]] = AGREE
        same = found >= AGREE
        fitted.append((places[same], found[same], least[same], pairs.still[same], pairs.moved[same], pairs.to[same]))
        agreed[places[~same]] = np.maximum(agreed[places[~same]], found[~same])
        places, pairs = places[on], pairs.take(on)
    if fitted:
        alike, found, least, *fields = (np.concatenate(parts) for parts in zip(*fitted, strict=True))
        agreed[alike] = np.maximum(agreed[alike], _judged(Pairs(pairs.shown, *fields), found, least))
        every.to[alike], in_grey[alike] = fields[-1], True
    agreed = np.rint(np.maximum(agreed, LEAST) * 1e4).astype(np.float32) / np.float32(1e4)
    alike = np.flatnonzero(in_grey)
    agreed[alike[every.take(alike).recoloured()]] = TOLD_APART
    return agreed, every


class _Room(threading.local):
    """What one thread works on."""

    def __init__(self) -> None:
        """Makes room for a few pairs."""
        self.half, self.full = Level.of(THUMBNAIL_SIDE // 2, _FEW_HALVES), Level.of(THUMBNAIL_SIDE, FEW)


_ROOM = _Room()


def _fit(pairs: Pairs, coarse: int, fine: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """So many steps at half and at full size, which improve the maps in place.

    Returns:
      how well the pairs agree then, to 1e-4, of some that were not fitted and do not agree less than that; the correlation of their least
      block; pixels that the last step moved the corners by at most.
    """
    found, before = np.empty((len(pairs.to), 2)), np.empty_like(pairs.to)
    if coarse:
        for some in _parts(len(found), _FEW_HALVES):
            still, moved, to = pairs.still[some], pairs.moved[some], pairs.to[some]
            half = _ROOM.half.first(len(to))
            half.load(halved(pairs.shown.thumbnails, np.append(still, moved)), *np.arange(2 * len(to)).reshape(2, -1))
            half.align(to, coarse, 0.0)
    for some in _parts(len(found), FEW):
        to, full = pairs.to[some], _ROOM.full.first(len(found[some]))
        full.load(pairs.shown.thumbnails, pairs.still[some], pairs.moved[some])
        if fine:
            before[some] = full.align(to, fine, _FLOOR)
        full.warp(to)
        compared(full, to, AGREE if not fine else 0.0, found[some])
    return np.rint(found[:, 0] * 1e4) / 1e4, found[:, 1], _moved(pairs.to - before) if fine else np.zeros(len(found))


def _parts(pairs: int, most: int) -> Iterator[slice]:
    """So many pairs at a time."""
    return (slice(start, start + most) for start in range(0, pairs, most))


def _moved(by: np.ndarray) -> np.ndarray:
    """Pixels that a change of maps, float64 [n, 2, 3], moves a corner by at most, along either side: float64 [n]."""
    down, along, shift = by.transpose(2, 0, 1)
    return np.abs([shift, shift + down, shift + along, shift + down + along]).max(axis=(0, 2)) * THUMBNAIL_SIDE


def _in_series(pairs: Pairs, both: Looks, smooth: np.ndarray) -> np.ndarray:
    """Which pairs, of what both look like, come in series, bool [n], as do those told as smooth; the others are photos that fill."""
    found: np.ndarray = both.grounded | both.dense | smooth | pairs.detailed() | pairs.on_white()
    return found


def _suspect(pairs: Pairs, mean: np.ndarray, least: np.ndarray) -> tuple[np.ndarray, Looks, np.ndarray]:
    """Which pairs may be two of one template, or of one place; what both of each look like; and which of them are looked at for a place."""
    both, unsure = pairs.looks(), (least < _UNSURE) | (mean < _LOOSELY)
    template = _in_series(pairs, both, both.shaded | (both.smooth & unsure))
    place = ~template & (mean < _MOSTLY) & (least < _HARDLY)
    place[place] = lighter_both_ways(pairs.take(place).facing())
    asked = np.flatnonzero(template | place)
    return asked, both.take(asked), place[asked]


def _judged(pairs: Pairs, mean: np.ndarray, least: np.ndarray) -> np.ndarray:
    """The mean over the blocks; of pictures that would be the same by it but may be two of one template, less by how far they differ."""
    found = mean.copy()
    alike, both, place = _suspect(pairs, mean, least)
    if len(alike):
        beyond = _beyond(pairs.take(alike), both, mean[alike], least[alike], place)
        found[alike] = np.minimum(found[alike], AGREE / np.maximum(beyond, AGREE))
    return found


def _beyond(pairs: Pairs, both: Looks, mean: np.ndarray, least: np.ndarray, place: np.ndarray) -> np.ndarray:
    """By how much pairs differ, in units of what is allowed to copies of one picture of their looks, float64 [n]; more than 1 are two.

    What costs more is not looked at where what costs less tells already that they are two.
    """
    detailed, resampled = pairs.detailed(), stretched(pairs.to) > _RESAMPLED
    close, doubtful = detailed & both.printed, detailed & ~both.printed
    drawn, taken, plain = both.drawn & ~close, ~both.drawn & ~close, doubtful & (both.shaded | both.grounded)
    filled, faint, light = taken & ~both.grounded, drawn & (least < _HIDDEN), taken & pairs.on_white()
    unsure = taken & (both.grounded | light | (least < _SURE))
    faint[faint] = _farthest(*pairs.take(faint).sides()) > _SAVED_AGAIN**2
    grounded, smooth = taken & both.grounded, taken & both.smooth
    wide = (taken & both.wide) | (light & grounded & smooth)
    unlike, apart, everywhere, each, either, covered, written, usual = measures = np.zeros((8, len(close)))
    usual[:] = np.inf  # until it is known

    def beyond() -> np.ndarray:
        read_anew = resampled & (everywhere <= _DIFFERENT) & (unlike <= _UNLIKE)
        of_usual = np.where(~resampled & (unlike > _ASTRAY), _OF_USUAL_ASTRAY, _OF_USUAL)
        copied = np.where(read_anew, _WRITTEN, np.minimum(_WRITTEN, of_usual * (_SAVED + np.maximum(usual, 0))))
        has = np.where(resampled & (everywhere <= _FINE), _OF_PRINT, _HAS)
        much = np.where(faint, 2.0, 0.0)
        for which, by in (
            (drawn | (both.dense & ~close), unlike / _UNLIKE),
            (drawn, everywhere / _DIFFERENT),
            (grounded, each / _DIFFERENT),
            (wide, either / _ADDED),
            (wide & smooth, apart / _APART),
            (filled & ~place, np.minimum(each / _DIFFERENT, apart / _APART)),
            (place, np.minimum(each / _OTHERS, apart / _AGAINST)),
            (place & (mean < _FAIRLY), np.minimum(np.minimum(each / _ANOTHER, either / _LARGELY), apart / _WHOLLY)),
            (filled & both.smooth & (mean < _LOOSELY), np.minimum(each / _HAS, apart / _ACROSS)),
            (taken & both.shaded, each / _ANOTHER),
            (close & ~both.dense, everywhere / _TONED),
            (close, covered / _COVERED),
            (close, written / copied),
            (close & ~resampled & (usual <= _ONLY_SAVED), everywhere / _STRAY),
            (plain, np.minimum(written / np.where(both.shaded, _ON_SHADES, _ON_GROUND), either / _LABELLED)),
            (plain, np.minimum(covered / _COVERED, either / _EITHER)),
            (doubtful, np.minimum(np.minimum(written / _WRITTEN, each / has), apart / _ASIDE)),
            (grounded & smooth, np.minimum(np.minimum(either / _EITHER, each / _HAS), apart / _ASUNDER)),
        ):
            np.maximum(much, by, out=much, where=which)
        return much

    def open_among(which: np.ndarray) -> np.ndarray:
        return np.flatnonzero(which & (beyond() < _CLEARLY) if which.any() else which)

    asked = np.flatnonzero(~faint & ((close & resampled) | drawn | both.dense | light | (unsure & (doubtful | both.smooth)) | place))
    if len(asked):
        measures[:2, asked] = unlikeness(*pairs.take(asked).fields()).T
    against = apart > np.select([place, doubtful], [_AGAINST, _ASIDE], _APART)
    asked = open_among(close | drawn | plain | (taken & both.shaded) | (unsure & (both.grounded | against)))
    if len(asked):
        measures[2:5, asked] = differences(*pairs.take(asked).fields(), taken[asked], _DIFFERENT, AGREE * _DIFFERENT)
    asked = open_among(close | (plain & (either > _LABELLED)) | (doubtful & (each > _HAS) & (apart > _ASIDE)))
    if len(asked):
        measures[5:, asked] = pairs.take(asked).closely()
    asked = open_among(close & ~resampled & (written > _OF_USUAL_ASTRAY * (_SAVED + np.maximum(usual, 0))))
    if len(asked):
        measures[:2, asked] = unlikeness(*pairs.take(asked).fields()).T
    return beyond()


def _farthest(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The mean square, in levels, by which the thumbnails of each pair differ in the block where they differ most, as they are."""
    side = THUMBNAIL_SIDE // GRID
    off = (left.astype(np.int64) - right).reshape(len(left), GRID, side, GRID, side)
    return (off * off).mean(axis=(2, 4)).max(axis=(1, 2), initial=0.0)
