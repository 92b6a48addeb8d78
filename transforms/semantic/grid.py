"""Embeddings as whole numbers so small that matrices of them multiply without any rounding in float32.

A unit vector times 4,032, rounded, is shorter than 4,096 up to 4,096 numbers (each is off by half at most). By Cauchy and Schwarz no
partial sum of a product of two of them leaves 2^24, below which float32 holds every whole number: BLAS may add in whatever order it likes,
on any processor and in batches of any size, and gives the same.
"""

import numpy as np

SCALE = 4_032
MOST_NUMBERS = 4_096
SQUARE = float(SCALE * SCALE)


def on_grid(vectors: np.ndarray) -> np.ndarray:
    """Unit vectors (floats, [n, width]) as float32 whole numbers.

    >>> on_grid(np.array([[0.5, -0.5]], "<f2")).tolist()
    [[2016.0, -2016.0]]
    """
    return np.rint(vectors.astype(np.float32) * np.float32(SCALE))
