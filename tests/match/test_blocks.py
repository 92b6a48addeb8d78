"""Blocks: order of arrival never shows."""

import itertools

import numpy as np
import pytest

from transforms.match.blocks import EMPTY, gather, pack, pack_rows, scatter, unpack_rows


def test_blocks_come_out_by_sender_whatever_the_order_of_arrival():
    blocks = [pack(2, np.array([5], np.uint32)), EMPTY, pack(1, np.array([9, 1], np.uint32)), pack(2, np.array([4], np.uint32))]
    results = {tuple(gather(order, [np.uint32])[1][0].tolist()) for order in itertools.permutations(blocks)}
    assert results == {(9, 1, 4, 5)}
    assert gather(blocks, [np.uint32])[0].tolist() == [1, 1, 2, 2]


def test_no_blocks_are_empty_arrays_of_their_kind():
    senders, (rows, matrix) = gather([EMPTY], [np.uint64, (np.uint8, 4)])
    assert (senders.shape, rows.shape, matrix.shape, matrix.dtype) == ((0,), (0,), (0, 4), np.uint8)


def test_scattered_rows_keep_their_order_in_every_part():
    draw = np.random.default_rng(1)
    for count in (1, 7, 1 << 17):
        parts = draw.integers(0, count, 300)
        seen = {part: rows.tolist() for part, (rows,) in scatter(parts, count, np.arange(300))}
        assert seen == {part: np.flatnonzero(parts == part).tolist() for part in set(parts.tolist())}


@pytest.mark.parametrize("share", [1.0, 0.3, 0.05, 0.03, 0.001])
def test_rows_are_unpacked_as_they_were_packed(share):
    draw = np.random.default_rng(3)
    rows = np.flatnonzero(draw.random(150_000) < share)
    octets = pack_rows(rows)
    np.testing.assert_array_equal(unpack_rows(octets), rows)
    assert len(octets) <= 2 * len(rows) + 16


def test_no_rows_are_packed_too():
    assert unpack_rows(pack_rows(np.empty(0, np.int64))).tolist() == []
    assert unpack_rows(pack_rows(np.array([0]))).tolist() == [0]
