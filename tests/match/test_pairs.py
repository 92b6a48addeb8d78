"""Candidate pairs: which, how many, and that nothing but content decides them."""

import itertools

import numpy as np
import pytest

from transforms.match import buckets, keys, pairs, planes
from transforms.match.buckets import by_top, settle

TWELVE, THIRTY = planes.plane(2, 3), planes.plane(4, 2)


def told_pictures(hashes, ids, rows, plane=TWELVE):
    """All pairs over all keys: hashes [n, views] as annotate stores them."""
    table = np.asarray(hashes, np.uint64)
    if table.ndim == 1:
        table = np.stack([table, ~table, table, ~table], 1)
    everything = np.ones(1, bool)
    out, cut = [], 0
    for key in range(len(plane)):
        pictures = np.column_stack([keys.picture_words(np.asarray(ids, np.uint64), np.asarray(rows)), table])
        [(_, entries)] = keys.picture_entries(pictures, plane, key, everything)
        hashes, words = entries.T
        arrays = by_top(hashes, words, words & keys.LOW_BITS)
        settle(*arrays)
        found, crowded = pairs.picture_pairs(*arrays, plane, key)
        out += map(tuple, found.tolist())
        cut += crowded
    return out, cut


def test_more_entries_than_a_packed_sort_can_number_are_sorted_alike(monkeypatch):
    words = np.random.default_rng(2).integers(0, 1 << 64, 300, dtype=np.uint64) & ~np.uint64(0xFF << 24)
    short = by_top(words, np.arange(300))
    monkeypatch.setattr(buckets, "_LONGEST_PACKED", 10)
    for a, b in zip(short, by_top(words, np.arange(300)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("plane", [TWELVE, THIRTY])
def test_every_planted_pair_within_four_is_told_once_and_no_other(plane):
    draw = np.random.default_rng(1)
    base = draw.integers(0, 1 << 64, 3_000, dtype=np.uint64)
    near = base.copy()
    for i in range(len(near)):
        for bit in draw.choice(64, i % 5, replace=False):
            near[i] ^= np.uint64(1) << np.uint64(bit)
    hashes = np.concatenate([base, near, draw.integers(0, 1 << 64, 20_000, dtype=np.uint64)])
    found, cut = told_pictures(hashes, draw.integers(0, 1 << 64, len(hashes), dtype=np.uint64), np.arange(len(hashes)), plane)
    assert sorted(found) == [(i, i + 3_000, i % 5) for i in range(3_000)]
    assert cut == 0


def test_mirror_images_are_told_and_not_twice_over():
    a, b = 0x0123456789ABCDEF, 0xFEDCBA98F0E1D2C3
    found, _ = told_pictures([[a, b, a, b], [b, a, b, a]], [1 << 50, 2 << 50], [0, 1])
    assert found == [(0, 1, 0)] * 2, "once for each of the two hashes; two mirror images never"


@pytest.mark.parametrize("count", [8, 9, 300])
def test_equal_hashes_stay_linear(count):
    found, _ = told_pictures(np.full(count, 12345, np.uint64), np.arange(count) << 30, np.arange(count))
    assert len(found) == len(set(found)) == (count * (count - 1) // 2 if count <= pairs.ALL_PAIRS else 2 * count - 3)


def test_a_crowd_of_near_hashes_is_bounded_counted_and_stays_one_component():
    hashes = [sum(1 << bit for bit in bits) for bits in itertools.combinations(range(64), 2)][:1_000]
    found, cut = told_pictures(np.array([[h] * 4 for h in hashes], np.uint64), np.arange(1_000) << 30, np.arange(1_000))
    assert len(found) == len(set(found)) <= 1_000 * pairs.MOST_NEIGHBOURS * len(TWELVE)
    assert cut > 0
    component = list(range(1_000))
    for a, b, _ in found:
        component = [component[a] if c == component[b] else c for c in component]
    assert len(set(component)) == 1
