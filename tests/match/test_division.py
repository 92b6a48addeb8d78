"""Rows of one leader that are two pictures are divided, and those of one picture, however edited, are not."""

import numpy as np
import pytest

from transforms.match.division import divided


def parts(rows: int, apart: int, across: int, lacking: int = 0) -> np.ndarray:
    """Rows of two pictures: so many of the first agree with all of the second, less well; so many pairs of the second do not agree."""
    how = np.zeros((rows + apart, rows + apart), np.float32)
    how[:rows, :rows] = how[rows:, rows:] = 0.9
    how[:across, rows:] = how[rows:, :across] = 0.8
    down, along = (rows + places[::-1][:lacking] for places in np.triu_indices(apart, 1))
    how[down, along] = how[along, down] = 0
    np.fill_diagonal(how, 1)
    return how


@pytest.mark.parametrize(
    ("rows", "apart", "across", "lacking", "two"),
    [
        (6, 5, 3, 0, True), (5, 5, 3, 0, False), (10, 5, 5, 0, True), (10, 5, 6, 0, False), (8, 4, 0, 0, True), (8, 3, 0, 0, False),
        (9, 5, 0, 3, True), (9, 5, 0, 4, False), (10, 5, 3, 3, True), (10, 5, 4, 3, False),
    ],
)  # fmt: skip
def test_two_pictures_are_four_rows_each_that_agree_among_themselves_and_by_half_of_that_across(rows, apart, across, lacking, two):
    assert divided(parts(rows, apart, across, lacking)).tolist() == [0] * rows + [int(two)] * apart


def test_the_order_of_rows_says_only_which_part_is_the_first():
    agree, away = parts(9, 6, 2, 2), np.arange(15) >= 9
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(15)
        found = divided(agree[np.ix_(order, order)])
        assert found.tolist() == (away[order] ^ away[order[0]]).astype(int).tolist()


def test_four_pictures_are_found_at_once_though_halves_of_two_hardly_agree_within():
    sizes = (9, 8, 7, 6)
    picture = np.repeat(np.arange(4), sizes)
    how = np.where(picture[:, None] == picture, np.float32(0.9), np.float32(0))
    how[0, 9:17] = how[9:17, 0] = 0.8
    np.fill_diagonal(how, 1)
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(len(how))
        found, names = divided(how[np.ix_(order, order)]), picture[order]
        first = [int(np.flatnonzero(names == name)[0]) for name in range(4)]
        assert found.tolist() == np.argsort(np.argsort(first))[names].tolist()


def test_nothing_is_divided_where_one_of_the_parts_is_none():
    how = np.eye(20, dtype=np.float32)
    how[:8, :8] = how[8:14, 8:14] = 0.9
    how[14:, 8:14:2] = how[8:14:2, 14:] = 0.8
    assert divided(how).tolist() == [0] * 20
    assert divided(how[:14, :14]).tolist() == [0] * 8 + [1] * 6


def test_copies_that_agree_with_few_others_and_not_with_each_other_are_no_picture():
    agree = np.ones((16, 16), np.float32)
    agree[8:, 4:] = agree[4:, 8:] = 0
    np.fill_diagonal(agree, 1)
    assert not divided(agree).any()
    assert divided(np.ones((1, 1), np.float32)).tolist() == [0]
