"""What lost its white is a toned copy where one tone explains its levels, and another picture where none does."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from tests.images.test_hues import hued
from tests.images.test_kinds import pictures
from transforms.images.alignment import AGREE
from transforms.images.facing import Facing
from transforms.images.tones import of_other_tones
from transforms.match.verify import picture_agreements

SAME = np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
BLACK, WHITE = 0, 255
ONE_TONE = {"sepia": ("#2b1b0a", "#ffe9c4"), "dim": ("#000000", "#e0e0e0"), "faded": ("#282828", "#eaeaea")}


def lamp(colour: str) -> Image.Image:
    """A product with a strap on white."""
    image = Image.new("RGB", (400, 400), "white")
    draw = ImageDraw.Draw(image)
    draw.polygon([(120, 60), (280, 60), (350, 330), (50, 330)], fill=colour)
    for line in range(90, 330, 40):
        draw.line((60, line, 340, line), fill="black", width=4)
    draw.rectangle((180, 120, 230, 300), fill=(90, 90, 90))
    return image


def toned(image: Image.Image, tone: str) -> Image.Image:
    return ImageOps.colorize(ImageOps.grayscale(image), *ONE_TONE[tone])


@pytest.mark.parametrize("tone", ONE_TONE)
def test_a_toned_copy_is_its_original_and_none_of_a_lighter_or_darker_product(tone):
    lamps = [lamp(colour) for colour in ("#203a8c", "#f08020", "#ffd9a0")]
    found, copies = pictures(lamps), pictures([toned(image, tone) for image in lamps], 75)
    assert hued(found).all()
    assert not hued(copies).any()
    rows, (left, right) = np.arange(len(lamps)), np.triu_indices(len(lamps), 1)
    assert picture_agreements(found, rows, copies, rows).min() >= AGREE
    for one, other in ((left, right), (right, left)):
        there = picture_agreements(found, one, copies, other)
        assert there.max() < AGREE
        assert there.tolist() == picture_agreements(copies, other, found, one).tolist()


def differ(one: np.ndarray, other: np.ndarray, white: tuple[bool, bool] = (True, False)) -> list[bool]:
    """Either way round."""
    ways = np.array([0, 1]), np.array([1, 0])
    return of_other_tones(np.array(white), Facing.of(np.stack([one, other]).reshape(2, -1), *ways, SAME.repeat(2, 0))).tolist()


def product(level: int, white: int, side: int = 24) -> np.ndarray:
    picture = np.full((48, 48), white, np.uint8)
    picture[12 : 12 + side, 12 : 12 + side] = level
    return picture


@pytest.mark.parametrize(
    ("before", "after", "apart"),
    [(BLACK, 0, False), (BLACK, 57, False), (BLACK, 58, True), (100, 75, True), (100, 80, False), (100, 129, False), (100, 131, True)],
)
def test_levels_may_become_as_much_darker_as_white_and_black_a_little_lighter(before, after, apart):
    assert differ(product(before, WHITE), product(after, 230)) == [apart] * 2


def test_nothing_is_said_without_white_of_one_alone_or_of_what_is_small():
    one, other = product(0, WHITE), product(120, 230)
    assert differ(one, other) == [True, True]
    assert differ(one, other, (True, True)) == differ(one, other, (False, False)) == [False, False]
    assert differ(product(0, 249), other) == differ(one, product(120, 240)) == [False, False]
    assert differ(product(0, WHITE, 6), product(120, 230, 6)) == [False, False]
