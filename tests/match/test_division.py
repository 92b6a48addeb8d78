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
        (5, 5, 3, 0, True), (5, 5, 4, 0, False), (10, 5, 6, 0, True), (10, 5, 7, 0, False), (8, 4, 0, 0, True), (8, 3, 0, 0, False),
        (9, 5, 0, 3, True), (9, 5, 0, 4, False), (10, 5, 4, 3, True), (10, 5, 5, 3, False),
    ],
)  # fmt: skip
def test_two_pictures_are_four_rows_each_that_agree_among_themselves_and_by_three_fifths_of_that_across(rows, apart, across, lacking, two):
    found = divided(parts(rows, apart, across, lacking))
    assert (found is not None) == two
    if two:
        assert found.tolist() == [False] * rows + [True] * apart


def test_the_order_of_rows_says_only_which_part_is_the_first():
    agree, away = parts(9, 6, 2, 2), np.arange(15) >= 9
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(15)
        found = divided(agree[np.ix_(order, order)])
        assert found.tolist() == (away[order] ^ away[order[0]]).tolist()


def test_copies_that_agree_with_few_others_and_not_with_each_other_are_no_picture():
    agree = np.ones((16, 16), np.float32)
    agree[8:, 4:] = agree[4:, 8:] = 0
    np.fill_diagonal(agree, 1)
    assert divided(agree) is None
    assert divided(np.ones((1, 1), np.float32)) is None
