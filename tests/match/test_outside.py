"""Hashes given from outside, found among rows: every one within the radius and no other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.match import outside
from transforms.match.outside import Outside


def by_comparing(given_hashes, rows, radius):
    distances = np.bitwise_count(given_hashes[:, None] ^ rows[None, :])
    found = np.argwhere(distances <= radius)
    return found, distances[tuple(found.T)]


def near(rows, radius, seed):
    """Hashes at 0 to radius + 1 bits from some of the rows."""
    draw = np.random.default_rng(seed)
    chosen = draw.choice(rows, 300)
    for i in range(len(chosen)):
        for bit in draw.choice(64, i % (radius + 2), replace=False):
            chosen[i] ^= np.uint64(1) << np.uint64(bit)
    return chosen


@pytest.mark.parametrize("radius", [0, 2, 6, 7, 12])
def test_every_row_within_the_radius_is_found_once_and_no_other(radius):
    rows = np.random.default_rng(radius).integers(0, 1 << 64, 5_000, dtype=np.uint64)
    listed = near(rows, radius, radius)
    for count in (300, 20):
        found, distances = Outside(listed[:count], radius).among(rows)
        expected, expected_distances = by_comparing(listed[:count], rows, radius)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(distances, expected_distances)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 2**64 - 1), st.sets(st.integers(0, 63), max_size=outside.INDEXED_RADIUS))
def test_no_pair_within_six_bits_is_missed_by_keys(value, flipped):
    listed = np.random.default_rng(1).integers(0, 1 << 64, outside.FEW + 1, dtype=np.uint64)
    listed[7] = value
    other = value ^ sum(1 << bit for bit in flipped)
    found, distances = Outside(listed, outside.INDEXED_RADIUS).among(np.array([other], np.uint64))
    assert [7, 0] in found.tolist()
    assert distances[found.tolist().index([7, 0])] == len(flipped)


def test_nothing_given_and_no_rows_are_no_error():
    none = np.empty(0, np.uint64)
    assert len(Outside(none, 4).among(np.ones(3, np.uint64))[0]) == 0
    assert len(Outside(np.ones(3, np.uint64), 9).among(none)[0]) == 0


def test_a_hash_that_many_rows_have_is_found_in_all():
    found, distances = Outside(np.arange(300, dtype=np.uint64) << np.uint64(32), 0).among(np.zeros(1_000, np.uint64))
    assert found.tolist() == [[0, row] for row in range(1_000)]
    assert not distances.any()
