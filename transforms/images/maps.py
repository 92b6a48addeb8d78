"""Affine maps between thumbnails: a point (down, along, 1), with sides of 1, times float64 [2, 3]."""

import numpy as np

GRAIN = 2.0**-20
"""What a map is rounded to where it starts an alignment, so that the inverse of its inverse is the map itself."""


def inverted(maps: np.ndarray) -> np.ndarray:
    """The maps back, float64 [n, 2, 3].

    >>> inverted(np.array([[[0.5, 0, 0.25], [0, -1, 1]]])).tolist()
    [[[2.0, 0.0, -0.5], [0.0, -1.0, 1.0]]]
    """
    (a, b, y), (c, d, x) = maps.transpose(1, 2, 0)
    area = a * d - b * c
    back = np.array([[d / area, -b / area], [-c / area, a / area]])
    shift = -(back[:, 0] * y + back[:, 1] * x)
    return np.concatenate([back, shift[:, None]], axis=1).transpose(2, 0, 1) + 0.0


def after(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """The maps that do first what the inner ones do, then what the outer ones do: float64 [n, 2, 3]."""
    down, along, shift = outer.transpose(2, 0, 1)[..., None]
    maps = down * inner[:, :1] + along * inner[:, 1:]
    maps[:, :, 2:] += shift
    return maps


def rounded(maps: np.ndarray) -> np.ndarray:
    """The maps in multiples of the grain."""
    return np.rint(maps / GRAIN) * GRAIN


def mirror_maps(mirrored: np.ndarray) -> np.ndarray:
    """The maps of pictures compared as they are, or one turned left to right (bool [n]): float64 [n, 2, 3]."""
    maps = np.zeros((len(mirrored), 2, 3))
    maps[:, 0, 0], maps[:, 1, 1], maps[:, 1, 2] = 1, np.where(mirrored, -1, 1), mirrored
    return maps


def stretched(maps: np.ndarray) -> np.ndarray:
    """By how much maps, float64 [n, 2, 3], stretch, shear or turn a picture, mirrored or not, of a side: float64 [n].

    >>> stretched(np.array([[[1.0, 0.0, 0.5], [0.0, -0.75, 1.0]]])).tolist()
    [0.25]
    """
    found: np.ndarray = np.abs(np.abs(maps[:, :, :2]) - np.eye(2)).max(axis=(1, 2), initial=0)
    return found
