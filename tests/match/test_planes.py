"""Every pair within the radius of a set of keys shares one of them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.match.planes import MANY_ROWS, hyperplanes, plane, plane_for

SPACES = [(2, 3), (4, 2), (3, 3)]


@pytest.mark.parametrize(("n", "q", "radius"), [(2, 3, 4), (4, 2, 4)])
def test_as_many_spoiled_blocks_as_the_radius_always_leave_a_hyperplane_whole(n, q, radius):
    for spoiled in itertools.combinations(range(q**n), radius):
        assert any(not set(blocks) & set(spoiled) for blocks in hyperplanes(n, q)), spoiled


def test_no_set_of_keys_smaller_than_twelve_would_do():
    lines = hyperplanes(2, 3)
    for left_out in range(len(lines)):
        rest = [line for i, line in enumerate(lines) if i != left_out]
        assert any(all(set(line) & set(spoiled) for line in rest) for spoiled in itertools.combinations(range(9), 4))


@pytest.mark.parametrize("space", SPACES)
@settings(deadline=None, max_examples=200)
@given(value=st.integers(0, 2**64 - 1), data=st.data())
def test_hashes_within_the_radius_share_a_key(space, value, data):
    keys = plane(*space)
    flipped = data.draw(st.sets(st.integers(0, 63), max_size=keys.radius))
    pair = np.array([value, value ^ sum(1 << bit for bit in flipped)], np.uint64)
    shared = [key for key in range(len(keys)) if np.ptp(keys.permuted(pair, key) >> np.uint64(64 - keys.bits[key])) == 0]
    assert shared
    assert shared == [key for key in range(len(keys)) if not int(keys.masks[key]) & int(pair[0] ^ pair[1])]


@pytest.mark.parametrize("space", SPACES)
def test_permuting_equals_plain_python_and_keeps_distances(space):
    keys, hashes = plane(*space), np.random.default_rng(1).integers(0, 1 << 64, 20, dtype=np.uint64)
    for key in range(len(keys)):
        permuted = keys.permuted(hashes, key)
        for value, found in zip(hashes.tolist(), permuted.tolist(), strict=True):
            assert found == int("".join(str(value >> bit & 1) for bit in keys.orders[key].tolist()), 2)
        np.testing.assert_array_equal(keys.original(permuted, key), hashes)
        assert int(permuted[0] ^ permuted[1]).bit_count() == int(hashes[0] ^ hashes[1]).bit_count()


def test_more_rows_meet_under_longer_keys():
    assert plane_for(MANY_ROWS) is plane(2, 3)
    assert plane_for(MANY_ROWS + 1) is plane(4, 2)
    assert plane(2, 3).bits.min() == 21
    assert set(plane(4, 2).bits.tolist()) == {32}
