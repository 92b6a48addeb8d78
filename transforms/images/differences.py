"""What two thumbnails still differ by when one lies on the other, beyond what saving, resizing and toning a picture can do to it.

Pictures of one template agree in most blocks and differ in a few places: other characters, another face, another hand of a clock. An
edited copy differs everywhere a little: an alignment is a third of a pixel off, resampling blurs, a tone curve bends. Those few causes are
fitted to every window of 16 x 16 pixels by least squares with priors (Tikhonov), each as a plane: the other picture itself (contrast), a
constant (brightness), its slopes (shift) and its Laplacian (blur). What is left, the mean square over 4 x 4 pixels, is divided by what is
allowed there: a level and a half, and fifteen hundredths of the slope. Both pictures are smoothed by 1 2 1 first, because an area-sampled
thumbnail read between its pixels is blurred more or less by where it is read, and fine print most of all.

Where both stand on a ground of one colour, what is left is also looked at in two parts: where the one has ink and the other bare ground,
and the reverse. Something laid over a picture only adds ink; two pictures of which each has ink that the other lacks are two pictures.
"""

import numpy as np

from schemas.signatures import THUMBNAIL_SIDE
from transforms.images.fitting import DOWN, FEW, GRID, ONES, SEEN, SEEN_ALONG, SEEN_DOWN, STILL, Level

_CELL = THUMBNAIL_SIDE // GRID
_CAUSES = (ONES, SEEN, SEEN_DOWN, SEEN_ALONG, DOWN)  # brightness, contrast, shift down and along, blur
_LIKELY = np.array([30.0, 0.25, 0.3, 0.3, 0.125])  # standard deviations: levels, a share, pixels, square pixels
_NOISE = 2.0  # levels
_ALLOWED, _OF_SLOPE = 1.5, 0.15  # levels; of the slope, that is, pixels
_PATCH = 4
_INK, _OF_SPREAD = 8.0, 0.5  # levels off the ground from which there is ink, or of the standard deviation
_PAIRS = np.array([(a, b) for k, a in enumerate(_CAUSES) for b in _CAUSES[k:]] + [(a, STILL) for a in _CAUSES])


def differences(
    left: np.ndarray, right: np.ndarray, swapped: np.ndarray, to: np.ndarray, grounds: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """How much aligned thumbnails differ where they differ most, in units of what is allowed there.

    Args:
      left: uint8 [n, 48 * 48].
      right: uint8 [n, 48 * 48].
      swapped: bool [n], whether the right one is looked for in the left.
      to: float64 [n, 2, 3], the map from the one looked for to the other, as `transforms.images.alignment` found it.
      grounds: the level of the ground of each left and each right picture, int64 [n].

    Returns:
      everywhere, and exchanged: the lesser of what is left where the one has ink on the other's bare ground and the reverse; float64 [n].
    """
    found = np.zeros((2, len(left)))
    for start in range(0, len(left), FEW):
        some = slice(start, start + FEW)
        level = Level.of(THUMBNAIL_SIDE, len(left[some]))
        level.load(left[some], right[some], swapped[some])
        level.warp(to[some])
        still, seen = (_smoothed(level.planes[:, plane]) for plane in (STILL, SEEN))
        ink = [
            _off(picture, ground[some]) for picture, ground in zip((still, seen), np.where(swapped, grounds[::-1], grounds), strict=True)
        ]
        rest, allowed = _explained(level, still, seen, _inside(to[some]))
        found[0, some] = _most(rest, allowed)
        found[1, some] = np.minimum(_most(rest * (ink[0] & ~ink[1]), allowed), _most(rest * (ink[1] & ~ink[0]), allowed))
    return found[0], found[1]


def _smoothed(planes: np.ndarray) -> np.ndarray:
    """Pictures, float32 [n, 48 * 48], by 1 2 1 both ways: float32 [n, 48, 48]."""
    wide = np.pad(planes.reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE), ((0, 0), (1, 1), (1, 1)), mode="edge")
    down = wide[:, :-2] + wide[:, 1:-1] + wide[:, 1:-1] + wide[:, 2:]
    return (down[:, :, :-2] + down[:, :, 1:-1] + down[:, :, 1:-1] + down[:, :, 2:]) * np.float32(1 / 16)


def _inside(to: np.ndarray) -> np.ndarray:
    """Which pixels the maps leave inside the other picture, bool [n, 48, 48]."""
    at = (np.arange(THUMBNAIL_SIDE) + 0.5) / THUMBNAIL_SIDE
    places = to[:, :, 0, None, None] * at[:, None] + to[:, :, 1, None, None] * at + to[:, :, 2, None, None]
    return ((places >= 0) & (places <= 1)).all(axis=1)


def _off(picture: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """Where pictures, in levels less 128, are not of their ground."""
    mean = _total(picture) / picture[0].size
    spread = np.sqrt(np.maximum(_total(picture * picture) / picture[0].size - mean * mean, 0))
    return np.abs(picture - (ground - 128).astype(np.float32)[:, None, None]) > np.maximum(_INK, _OF_SPREAD * spread)[:, None, None]


def _total(planes: np.ndarray) -> np.ndarray:
    """Sums of planes, float32 [n, 48, 48], in one order on every machine: float64 [n]."""
    return np.cumsum(planes.reshape(len(planes), -1), axis=1, dtype=np.float64)[:, -1]


def _explained(level: Level, still: np.ndarray, seen: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is left of the difference, in levels of the picture with less contrast, and the square of what is allowed around each pixel."""
    mask = inside.astype(np.float32)
    count = np.maximum(_total(mask), 1)
    still, seen = ((picture - (_total(picture * mask) / count)[:, None, None].astype(np.float32)) * mask for picture in (still, seen))
    gain = np.sqrt((_total(still * still) + 1) / (_total(seen * seen) + 1))
    seen *= gain[:, None, None].astype(np.float32)
    planes = level.planes.reshape(len(still), -1, THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    planes[:, STILL], planes[:, SEEN], planes[:, ONES] = still - seen, seen, mask
    level.slope(SEEN)
    planes[:, SEEN_DOWN, :: THUMBNAIL_SIDE - 1] = 0
    planes[:, DOWN] = 0
    planes[:, DOWN, 1:-1, 1:-1] = seen[:, 2:, 1:-1] + seen[:, :-2, 1:-1] + seen[:, 1:-1, 2:] + seen[:, 1:-1, :-2] - 4 * seen[:, 1:-1, 1:-1]
    slopes = planes[:, SEEN_DOWN] ** 2 + planes[:, SEEN_ALONG] ** 2
    planes[:, [SEEN_DOWN, SEEN_ALONG, DOWN]] *= mask[:, None]
    half = len(_PAIRS) // 2
    causes = _fitted(np.concatenate([level.multiply(_PAIRS[:half]).copy(), level.multiply(_PAIRS[half:])], axis=1))
    rest = planes[:, STILL].copy()
    for cause, share in zip(_CAUSES, causes, strict=True):
        rest -= planes[:, cause] * np.repeat(np.repeat(share, _CELL, axis=1), _CELL, axis=2)
    weaker = np.minimum(1, 1 / gain)[:, None, None].astype(np.float32)
    return rest * weaker * mask, _ALLOWED**2 + (_OF_SLOPE * weaker[:, :1, :1]) ** 2 * _patches(slopes)


def _fitted(sums: np.ndarray) -> list[np.ndarray]:
    """How much of each cause there is in each block, from sums of `_PAIRS`: the mean over the windows of 2 x 2 blocks that hold it.

    Cholesky's method, written out for all windows at once: no library's order of summation.
    """
    cells = sums.reshape(len(sums), len(_PAIRS), GRID, GRID)
    windows = cells[:, :, :-1, :-1] + cells[:, :, :-1, 1:] + cells[:, :, 1:, :-1] + cells[:, :, 1:, 1:]
    n = len(_CAUSES)
    at = {(a, b): windows[:, k] for k, (a, b) in enumerate((a, b) for a in range(n) for b in range(a, n))}
    lower: dict[tuple[int, int], np.ndarray] = {}
    step: list[np.ndarray] = []
    for i in range(n):
        for j in range(i + 1):
            total = at[j, i] + (_NOISE / _LIKELY[i]) ** 2 if i == j else at[j, i]
            for k in range(j):
                total = total - lower[i, k] * lower[j, k]
            lower[i, j] = np.sqrt(np.maximum(total, 1e-9)) if i == j else total / lower[j, j]
        total = windows[:, len(at) + i]
        for k in range(i):
            total = total - lower[i, k] * step[k]
        step.append(total / lower[i, i])
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            step[i] = step[i] - lower[k, i] * step[k]
        step[i] = step[i] / lower[i, i]
    covered = _spread(np.ones((1, GRID - 1, GRID - 1)))
    return [(_spread(share) / covered).astype(np.float32) for share in step]


def _spread(windows: np.ndarray) -> np.ndarray:
    """The sum of the windows, [n, 5, 5], that lie over each block: [n, 6, 6]."""
    blocks = np.zeros((len(windows), GRID, GRID))
    for down, along in ((0, 0), (0, 1), (1, 0), (1, 1)):
        blocks[:, down : GRID - 1 + down, along : GRID - 1 + along] += windows
    return blocks


def _patches(planes: np.ndarray) -> np.ndarray:
    """The mean over every 4 x 4 pixels, [n, 45, 45]."""
    for _ in range(2):
        pairs = planes[:, :-1] + planes[:, 1:]
        planes = (pairs[:, :-2] + pairs[:, 2:]).transpose(0, 2, 1)
    return planes * np.float32(1 / _PATCH**2)


def _most(rest: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    return np.sqrt((_patches(rest * rest) / allowed).max(axis=(1, 2)))
