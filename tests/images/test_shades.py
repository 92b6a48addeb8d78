"""Products of one hue that differ in how light they are are two; copies of one that was made lighter or overlaid as a whole are not."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from tests.images.drawing import photo
from tests.images.test_hues import SAME, before_wall
from tests.images.test_kinds import pictures
from transforms.images.alignment import AGREE
from transforms.images.facing import Facing
from transforms.images.shades import of_other_shades
from transforms.match.verify import picture_agreements


def towels(by: float) -> Image.Image:
    """Blue towels of some cloth before a wall; `by` of the light."""
    cloth = photo(400, 400, seed=5).convert("L")
    shape = Image.new("L", (400, 400), 0)
    for line in range(50, 330, 70):
        ImageDraw.Draw(shape).rounded_rectangle((40, line, 360, line + 60), 24, fill=255)
    blue = Image.merge("RGB", [cloth.point(lambda level, share=share: int((120 + level / 3) * share * by)) for share in (0.55, 0.75, 1.0)])
    image = Image.new("RGB", (400, 400), "white")
    image.paste(blue, (0, 0), shape)
    return before_wall(image)


EDITS = {
    "lighter": lambda image: image.point(lambda level: int(255 * (level / 255) ** 0.6)),
    "darker": lambda image: image.point(lambda level: int(255 * (level / 255) ** 1.6)),
    "contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.4),
    "brightness": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "colour": lambda image: ImageEnhance.Color(image).enhance(1.5),
    "cropped": lambda image: image.crop((30, 20, 380, 390)),
    "smaller": lambda image: image.resize((210, 190)),
}


def test_towels_of_a_deeper_blue_are_others():
    found = pictures([towels(1.0), towels(0.75), towels(0.98)])
    one, other = np.array([0, 1, 0]), np.array([1, 2, 2])
    assert (picture_agreements(found, one, found, other) >= AGREE).tolist() == [False, False, True]
    assert picture_agreements(found, other, found, one).tolist() == picture_agreements(found, one, found, other).tolist()


@pytest.mark.parametrize("edit", EDITS)
def test_a_copy_that_was_edited_as_a_whole_is_none(edit):
    images = [towels(1.0), towels(0.75)]
    found, copies, rows = pictures(images), pictures([EDITS[edit](image) for image in images], 75), np.arange(2)
    assert picture_agreements(found, rows, copies, rows).min() >= AGREE


NEUTRAL, FAINT, BLUE = 1, 2, 200


def differ(
    cells: int = 10, off: int = 13, anchors: tuple[int, ...] = (60, 60, 60, 180, 180, 180), kind: int = BLUE, others: int = 0
) -> list[bool]:
    """Cells of level 100 with a hue, darker in the other picture, and so many more that are not; anchors that stay; the rest moves."""
    kinds, levels = np.full((2, 8, 8), NEUTRAL, np.uint8), np.full((2, 8, 8), 90, np.uint8)
    levels[1] -= 5
    inner = np.indices((6, 6)).reshape(2, -1)[:, : cells + others] + 1
    kinds[:, *inner] = BLUE
    kinds[1][tuple(inner[:, :cells])] = kind
    levels[:, *inner] = 100
    levels[1][tuple(inner[:, :cells])] = 100 - off
    levels[:, 0, : len(anchors)] = anchors
    pixels = levels.repeat(6, 1).repeat(6, 2).reshape(2, -1)
    ways = np.array([0, 1]), np.array([1, 0])
    hues = kinds.reshape(2, -1)
    return of_other_shades(hues[ways[0]], hues[ways[1]], Facing.of(pixels, *ways, SAME.repeat(2, 0))).tolist()


def test_ten_cells_with_colour_that_half_of_all_are_lie_further_than_noise_between_levels_that_stayed():
    assert differ() == differ(kind=FAINT) == differ(others=10) == [True, True]
    for less in ({"cells": 9}, {"off": 12}, {"anchors": (60, 60, 180, 180, 180)}, {"kind": NEUTRAL}, {"others": 11}):
        assert differ(**less) == [False, False], less
    assert differ(anchors=(60, 60, 60, 99, 99, 180)) == [False, True], "the second lightest, and the second darkest"
    assert differ(anchors=(0, 0, 0, 255, 255, 255)) == [False, False], "black and white stay whatever is done"
