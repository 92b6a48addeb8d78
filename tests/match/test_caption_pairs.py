"""Candidate pairs of captions: which, how many, and that nothing but content decides them."""

import numpy as np

from transforms.match import caption_pairs as captions


def told_captions(words, rows, own=1 << 40):
    return captions.caption_pairs(np.asarray(words, np.uint64), np.asarray(rows, np.uint64), own).tolist()


def word(key, order):
    return key << 24 | order


def test_small_buckets_give_every_pair():
    assert sorted(map(tuple, told_captions([word(1, 5), word(2, 1), word(1, 3), word(1, 4)], [10, 11, 12, 13]))) == [
        (10, 12),
        (10, 13),
        (12, 13),
    ]


def test_large_buckets_give_the_first_with_each_and_neighbours():
    found = set(map(tuple, told_captions([word(1, i) for i in range(20)], range(20))))
    assert found == {(0, i) for i in range(1, 20)} | {(i, i + 1) for i in range(19)}


def test_rows_of_one_place_are_told_alike_whatever_their_numbers():
    words = [word(3, i // 2) for i in range(24)]
    renumber = np.random.default_rng(4).permutation(24)
    plain = {frozenset(p) for p in told_captions(words, range(24))}
    moved = {frozenset(renumber.tolist().index(i) for i in p) for p in told_captions([words[i] for i in np.argsort(renumber)], range(24))}
    assert len(plain) == len(moved)


def test_a_long_bucket_is_in_content_order():
    draw = np.random.default_rng(9)
    order = draw.permutation(5_000)
    found = {frozenset(p) for p in told_captions([word(7, int(i)) for i in order], range(5_000))}
    place = {int(i): row for row, i in enumerate(order)}
    assert found == {frozenset((place[0], place[i])) for i in range(1, 5_000)} | {frozenset((place[i], place[i + 1])) for i in range(4_999)}


def test_more_words_than_a_packed_sort_can_number_are_told_alike(monkeypatch):
    words = np.random.default_rng(2).integers(0, 40, 300).astype(np.uint64) << np.uint64(24)
    expected = told_captions(words, range(300))
    monkeypatch.setattr(captions, "_LONGEST_PACKED", 10)
    assert told_captions(words, range(300)) == expected


def test_many_more_pairs_than_words_are_all_told():
    words = [word(bucket, order) for bucket in range(100) for order in range(8)]
    found = {tuple(pair) for pair in told_captions(words, range(800))}
    assert found == {(8 * b + i, 8 * b + j) for b in range(100) for j in range(8) for i in range(j)}


def test_two_elder_rows_are_not_told():
    assert sorted(told_captions([word(1, i) for i in range(4)], [0, 1, 2, 3], own=2)) == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3]]
    assert told_captions([word(1, i) for i in range(4)], [4, 5, 6, 7], own=2) == []


def test_no_captions_have_no_pairs():
    assert told_captions([], []) == []
