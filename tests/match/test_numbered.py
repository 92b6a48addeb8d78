"""A bit a row numbers the rows of a set as sorting them would."""

import numpy as np
import pytest

from transforms.match.numbered import Numbered


@pytest.mark.parametrize("total", [1, 63, 64, 65, 1_000])
def test_rows_are_numbered_in_their_order_whatever_the_order_they_come_in(total):
    draw = np.random.default_rng(total)
    chosen = draw.integers(0, total, total // 2 + 1).astype(np.uint64)
    some = Numbered(total)
    for part in np.array_split(chosen, 3):
        some.add(part)
    expected = np.unique(chosen)
    assert some.settle() == len(expected)
    np.testing.assert_array_equal(some.places(expected), np.arange(len(expected)))
    np.testing.assert_array_equal(some.places(np.array([0, total], np.uint64)), [0, len(expected)])
    for start, stop in ((0, total), (total // 3, total // 2), (total, total)):
        np.testing.assert_array_equal(some.rows(start, stop), expected[(expected >= start) & (expected < stop)])


def test_no_rows_are_no_set():
    some = Numbered(100)
    assert some.settle() == 0
    assert len(some.rows(0, 100)) == 0
