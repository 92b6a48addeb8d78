"""Other colours in some places, all else being as it was, make another picture; what is done to all of it or laid over it does not."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from tests.images.drawing import photo
from tests.images.test_hues import COPIES as OF_HUES
from tests.images.test_hues import SAME
from tests.images.test_kinds import pictures
from transforms.images.alignment import AGREE
from transforms.images.drawn import Looks
from transforms.images.facing import Facing
from transforms.images.repainted import repainted
from transforms.match.verify import picture_agreements

CORE = np.array([18, 19, 20, 21, 26, 27, 28, 29])  # cells, row by row
MEADOW, LEVEL = (-10, 20), 120
CROPPED = np.array([[[0.9, 0.0, 0.05], [0.0, 0.9, 0.05]]])


def tent(body: tuple[int, int, int]) -> Image.Image:
    """On a meadow that is neither smooth nor of one level, and of one luma whatever its colour."""
    rough = np.asarray(photo(400, 400, seed=5).convert("L")) // 2 + 60
    image = Image.merge("YCbCr", [Image.fromarray(rough), *(Image.new("L", (400, 400), 128 + by) for by in MEADOW)])
    shape = Image.new("L", (400, 400), 0)
    ImageDraw.Draw(shape).polygon([(200, 110), (310, 300), (90, 300)], fill=255)
    cloth = Image.merge("YCbCr", [Image.fromarray(rough // 2 + 50), *(Image.new("L", (400, 400), level) for level in body)])
    image.paste(cloth, (0, 0), shape)
    return image.convert("RGB")


TENTS = [tent((110, 170)), tent((160, 110))]
COPIES = {edit: OF_HUES[edit] for edit in ("saved", "grey", "sepia", "pale", "colourful", "mirrored")} | {
    "lighter": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "cropped": lambda image: image.crop((20, 30, 380, 390)),
}


def test_a_tent_of_another_colour_on_the_same_meadow_is_another_and_edited_copies_are_not():
    found = pictures(TENTS)
    assert not Looks.of(found.looks).hued.any()
    one, other, rows = np.array([0]), np.array([1]), np.arange(2)
    assert picture_agreements(found, one, found, other)[0] == picture_agreements(found, other, found, one)[0] == 0
    for edit, made in COPIES.items():
        copies = pictures([made(image) for image in TENTS], 75)
        assert picture_agreements(found, rows, copies, rows).min() >= AGREE, edit
        if edit in ("saved", "mirrored", "cropped"):
            assert picture_agreements(found, rows, copies, rows[::-1]).max() < AGREE, edit


def differ(one: np.ndarray, other: np.ndarray, levels: np.ndarray | None = None, to: np.ndarray = SAME) -> bool:
    """Of chroma, [2, 64] each, and levels of cells, [2, 64]; the same either way round."""
    cells = np.full((2, 64), LEVEL) if levels is None else levels
    pixels = cells.reshape(2, 8, 8).repeat(6, 1).repeat(6, 2).reshape(2, -1).astype(np.uint8)
    chroma, first, second = np.stack([one, other]).astype(np.int8), np.array([0]), np.array([1])
    found = bool(repainted(chroma, Facing.of(pixels, first, second, to))[0])
    if to is SAME:
        assert found == repainted(chroma, Facing.of(pixels, second, first, to))[0]
    return found


def meadow(cells: np.ndarray | None = None, by: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Chroma [2, 64], in some cells moved."""
    found = np.tile(np.array(MEADOW)[:, None], 64)
    if cells is not None:
        found[:, cells] += np.array(by)[:, None]
    return found


@pytest.mark.parametrize(
    ("by", "cells", "apart"), [(13, 2, True), (13, 1, False), (11, 4, False), (7, 5, True), (7, 4, False), (5, 8, False)]
)
def test_as_many_cells_as_far_apart_are_enough(by, cells, apart):
    assert differ(meadow(), meadow(CORE[:cells], (by, 0))) == apart


@pytest.mark.parametrize(("by", "rows", "columns", "apart"), [(13, 4, 4, True), (13, 4, 3, False), (11, 4, 4, False)])
def test_of_what_was_cropped_cells_beside_one_that_is_no_other_may_be_mixed_with_it(by, rows, columns, apart):
    cells = (np.arange(2, 2 + rows)[:, None] * 8 + np.arange(2, 2 + columns)).ravel()
    assert differ(meadow(), meadow(cells, (by, 0)), to=CROPPED) == apart


def test_what_reaches_no_further_than_a_band_at_an_edge_counts_for_nothing():
    for row, apart in ((1, False), (2, True)):
        assert differ(meadow(), meadow(np.arange(8 * row + 1, 8 * row + 7), (40, 0))) == apart


@pytest.mark.parametrize(("kept", "apart"), [(20, True), (19, False)])
def test_three_tenths_must_have_stayed(kept, apart):
    levels = np.full((2, 64), LEVEL)
    rest = np.setdiff1d(np.arange(64), CORE)
    levels[1, rest[kept:]] += 5
    assert differ(meadow(), meadow(CORE, (40, 0)), levels) == apart
    other = meadow(CORE, (40, 0))
    other[0, rest[kept:]] += 3
    assert differ(meadow(), other) == apart


def test_what_is_dark_and_neutral_stays_whatever_is_done():
    one, other = np.zeros((2, 2, 64), int)
    one[:, CORE], other[:, CORE] = [[30], [0]], [[0], [30]]
    for level, apart in ((50, True), (49, False)):
        assert differ(one, other, np.full((2, 64), level)) == apart


def test_a_picture_in_grey_is_a_copy_though_levels_stayed():
    one = np.zeros((2, 64), int)
    one[:, CORE] = [[30], [0]]
    grey = np.full((2, 64), 1)
    assert not differ(one, grey)
    grey[:, 0] = 9
    assert not differ(one, grey), "colours have one factor, 0"


def test_what_one_factor_explains_is_a_paler_copy_unless_something_with_colour_stayed():
    one = np.zeros((2, 64), int)
    one[:, CORE] = [[30], [-8]]
    other = one // 2
    assert not differ(one, other)
    for cells, apart in ((1, False), (3, True)):
        one[:, :cells] = other[:, :cells] = [[0], [8]]
        assert differ(one, other) == apart


def test_one_factor_must_explain_all():
    one, other = np.zeros((2, 2, 64), int)
    one[:, CORE[:4]], other[:, CORE[4:]] = [[30], [0]], [[0], [30]]
    assert differ(one, other), "what is paler here is more colourful there"


def test_white_laid_over_a_picture_explains_what_is_as_much_paler_as_it_is_lighter():
    levels = np.full((2, 64), LEVEL)
    share = 0.4
    veiled = meadow(CORE, (50, 0))
    one = veiled.copy()
    veiled[:, CORE] = np.rint(veiled[:, CORE] * (1 - share))
    assert differ(one, veiled, levels)
    levels[1, CORE] = LEVEL + share * (255 - LEVEL)
    assert not differ(one, veiled, levels)
    levels[1, CORE] = LEVEL - share * LEVEL
    assert differ(one, veiled, levels)
