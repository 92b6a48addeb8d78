"""Random unit vectors with semantic duplicates planted among them."""

import numpy as np

from transforms.vectors import unit


def planted(rows, copies, width=64, seed=3, angle=0.05, topics=12):
    """Vectors, float16, around a few topics, the last `copies` of them another one turned a little; and which one each of those is of."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(topics, width))
    own = centres[rng.integers(0, topics, rows - copies)] + rng.normal(size=(rows - copies, width)) * 0.8
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    of = rng.integers(0, rows - copies, copies)
    turned = rng.normal(size=(copies, width))
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    return unit(np.vstack([own, own[of] + turned * angle]))[0], of
