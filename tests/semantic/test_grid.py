import numpy as np

from transforms.semantic.grid import MOST_NUMBERS, SCALE, on_grid
from transforms.vectors import unit


def test_products_are_exact_whatever_the_order_and_the_shape_of_the_matrices():
    """Law 2: the longest vectors that there may be, all numbers rounded up, multiplied forwards, backwards and in slices."""
    vectors, _ = unit(np.random.default_rng(5).normal(size=(40, 512)))
    points = on_grid(vectors)
    exact = points.astype(np.int64) @ points.astype(np.int64).T
    assert np.array_equal(points @ points.T, exact)
    assert np.array_equal(points[:, ::-1] @ points[:, ::-1].T, exact)
    assert np.array_equal(np.vstack([points[:7] @ points.T, points[7:] @ points.T]), exact)


def test_no_sum_leaves_what_float32_holds_at_the_greatest_width():
    longest = np.full(MOST_NUMBERS, 1.0005 / np.sqrt(MOST_NUMBERS))  # float16 lengthens a vector by no more
    assert np.square(longest * SCALE + 0.5).sum() < 2**24
