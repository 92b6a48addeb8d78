"""Blocks: order of arrival never shows."""

import itertools

import numpy as np

from transforms.match.blocks import EMPTY, gather, pack, scatter


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
