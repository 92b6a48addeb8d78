"""How well pictures agree, without what else alignment tells of them."""

import numpy as np

from transforms.images.alignment import aligned
from transforms.images.shown import Shown


def agreements(left: Shown, right: Shown, maps: np.ndarray, at: tuple[np.ndarray, np.ndarray] | None = None) -> np.ndarray:
    """The first of what `aligned` returns, float32 [n]."""
    return aligned(left, right, maps, at)[0]
