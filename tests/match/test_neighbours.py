"""Neighbours in a bucket, against every pair; and what bounds them."""

import numpy as np
import pytest

from transforms.match import buckets, neighbours
from transforms.match.view_keys import ELDER_VIEW

BITS = 26
ASK, LOOK_UP = 0, 1 << 63


def told(hashes, words, rows, **bounds):
    """Pairs as {(asking, found): (distance, anchor)}, and what was cut."""
    arrays = buckets.by_top(np.asarray(hashes, np.uint64), np.asarray(words, np.uint64), np.asarray(rows, np.uint64))
    buckets.settle(*arrays)
    found, cut = neighbours.neighbours(*arrays, BITS, **bounds)
    out = {}
    for asking, other, note in found.tolist():
        nearest, anchor = out.get((asking, other), (99, 0))
        out[asking, other] = min(nearest, note >> 36), anchor | note & 1
    return out, cut.tolist()


def word(side, order, turned=0, elder=0):
    return side | turned << 60 | int(ELDER_VIEW) * elder | order << 24


def drawn(n, keys, seed, side=None):
    """Random entries in few buckets, with few bits behind the key in play."""
    draw = np.random.default_rng(seed)
    hashes = draw.integers(0, keys, n).astype(np.uint64) << np.uint64(64 - BITS)
    for _ in range(4):
        hashes ^= np.uint64(1) << draw.integers(0, 38, n).astype(np.uint64)
    sides = draw.integers(0, 2, n) if side is None else np.full(n, side)
    turned = np.where(sides == 1, draw.integers(0, 5, n), 0)
    words = [word(LOOK_UP if s else ASK, int(o), int(t)) for s, o, t in zip(sides, draw.permutation(n), turned, strict=True)]
    return hashes, words, draw.integers(0, n // 2, n)


def every_pair(hashes, words, rows, radius):
    """By trying all: the least distance of each pair of rows."""
    out = {}
    for h, w, r in zip(hashes.tolist(), words, rows.tolist(), strict=True):
        for h2, w2, r2 in zip(hashes.tolist(), words, rows.tolist(), strict=True):
            if w < LOOK_UP <= w2 and r != r2 and h >> 64 - BITS == h2 >> 64 - BITS:
                distance = (h ^ h2).bit_count() + (w2 >> 60 & 7)
                if distance <= radius:
                    out[r, r2] = min(distance, out.get((r, r2), 99))
    return out


@pytest.mark.parametrize("seed", range(3))
def test_small_buckets_tell_every_pair_within_the_radius_at_its_distance(seed):
    hashes, words, rows = drawn(400, 40, seed)
    found, cut = told(hashes, words, rows, most=400)
    assert {pair: distance for pair, (distance, _) in found.items()} == every_pair(hashes, words, rows, 8)
    assert cut == [0, 0]


def test_a_view_is_told_with_the_nearest_and_in_a_crowd_with_the_first_in_content_order():
    hashes, words, rows = drawn(200, 1, 7, side=1)
    rows = np.arange(1, 201)
    hashes, words, rows = np.append(hashes, np.uint64(0)), [*words, word(ASK, 0)], np.append(rows, 0)
    every, _ = told(hashes, words, rows, most=500)
    found, cut = told(hashes, words, rows, most=5)
    order = {row: w >> 24 & (1 << 35) - 1 for row, w in zip(rows.tolist(), words, strict=True)}
    ranked = sorted((distance, order[row], row) for (_, row), (distance, _) in every.items())
    first = min(ranked, key=lambda one: one[1])[2]
    assert {row for _, row in found} == {row for _, _, row in ranked[:5]} | {first}
    assert [row for (_, row), (_, anchor) in found.items() if anchor] == [first]
    assert cut == [0, 1]


def test_a_crowded_bucket_is_parted_until_each_part_is_small_and_that_is_counted():
    hashes, words, rows = drawn(3_000, 1, 4)
    every, _ = told(hashes, words, rows, most=3_000)
    found, cut = told(hashes, words, rows, most=3_000, crowd=100)
    assert set(found) < set(every)
    assert all(every[pair][0] <= distance for pair, (distance, _) in found.items())
    assert cut[0] == sum(w < LOOK_UP for w in words)


def test_a_hash_in_very_many_rows_costs_each_two_pairs_and_stays_one():
    n = 5_000
    rows = np.arange(2 * n) // 2
    words = [word(LOOK_UP if i % 2 else ASK, i // 2) for i in range(2 * n)]
    found, cut = told(np.full(2 * n, 5, np.uint64), words, rows)
    assert len(found) <= 2 * n + neighbours.STANDING * neighbours.MOST
    assert all((k, 0) in found for k in range(1, n))
    assert cut == [0, neighbours.STANDING]


def test_crowds_of_two_hashes_are_told_of_each_other():
    n = 300
    hashes = np.repeat(np.array([0, 1], np.uint64), 2 * n)
    words = [word(LOOK_UP if i % 2 else ASK, i // 2) for i in range(4 * n)]
    found, _ = told(hashes, words, np.arange(4 * n) // 2)
    component = list(range(2 * n))
    for a, b in found:
        component = [component[a] if c == component[b] else c for c in component]
    assert len(set(component)) == 1


def test_what_is_told_does_not_depend_on_the_numbers_of_rows():
    hashes, words, rows = drawn(1_500, 3, 9)
    rename = np.random.default_rng(1).permutation(1_500)
    plain, cut = told(hashes, words, rows, most=4, crowd=60)
    order = np.random.default_rng(2).permutation(1_500)
    moved, cut_again = told(hashes[order], [words[i] for i in order], rename[rows[order]], most=4, crowd=60)
    assert moved == {(rename[a], rename[b]): note for (a, b), note in plain.items()}
    assert cut == cut_again


def test_two_elder_rows_are_never_told_and_take_no_place_of_a_row_of_the_run():
    draw = np.random.default_rng(3)
    hashes, words, rows = drawn(600, 2, 11)
    elders = draw.random(300) < 0.7
    marked = [w | int(ELDER_VIEW) * int(elders[row]) for w, row in zip(words, rows.tolist(), strict=True)]
    found, _ = told(hashes, marked, rows, most=600)
    every = every_pair(hashes, words, rows, 8)
    assert {pair: d for pair, (d, _) in found.items()} == {(a, b): d for (a, b), d in every.items() if not (elders[a] and elders[b])}
    few, _ = told(hashes, marked, rows, most=1)
    assert all(any((a, b) in few for b in range(300)) for a, b in found)


def test_a_hash_of_elder_rows_in_great_number_is_held_against_the_run_alone():
    n = 200
    words = [word(LOOK_UP if i % 2 else ASK, i // 2, elder=int(i // 2 > 0)) for i in range(2 * n)]
    found, _ = told(np.full(2 * n, 5, np.uint64), words, np.arange(2 * n) // 2)
    assert all(0 in pair for pair in found)
    assert {a for a, b in found if b == 0} == set(range(1, n)), "every elder row is told with the row of the run"
