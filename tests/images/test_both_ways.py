"""Two things before one ground are two pictures; one photo under a stamp, a banner or another light is one."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from tests.images.drawing import photo
from tests.images.test_kinds import pictures
from transforms.images.alignment import AGREE
from transforms.images.both_ways import lighter_both_ways
from transforms.images.facing import Facing
from transforms.match.verify import picture_agreements

SAME = np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])


def differ(*cells: tuple[int, int, int], lighter: int = 0, parts: int = 2) -> bool:
    """Whether they do, either way round, if cells of the other picture, by row and column, are so much lighter, or darker."""
    levels = np.full((2, 8, 8), 120)
    for row, column, by in cells:
        levels[1, row, column] += by
    levels[1] += lighter
    ways, shown = np.arange(2), levels.astype(np.uint8).repeat(6, 1).repeat(6, 2).reshape(2, -1)
    found = lighter_both_ways(Facing.of(shown, ways, ways[::-1], SAME.repeat(2, 0)), parts)
    assert found[0] == found[1]
    return bool(found[0])


def test_one_cell_must_be_lighter_by_more_than_ten_levels_and_another_darker():
    assert differ((2, 2, 11), (5, 5, -11))
    assert differ((2, 2, 11), (5, 5, -11), lighter=40), "as a whole it may be lighter"
    for less in (((2, 2, 11),), ((2, 2, 11), (5, 5, 11)), ((2, 2, 10), (5, 5, -11)), ((2, 2, 11), (5, 5, -10)), ((0, 2, 11), (5, 5, -11))):
        assert not differ(*less), less


@pytest.mark.parametrize(
    ("counts", "in_halves", "in_thirds"),
    [({0: 14, 30: 8, 60: 14}, True, False), ({0: 17, 30: 19}, False, False), ({0: 24, -30: 6, 30: 6}, True, True)],
)
def test_what_makes_all_that_it_covers_lighter_is_one_way_where_cells_are_parted_in_three(counts, in_halves, in_thirds):
    by = np.repeat(list(counts), list(counts.values())).tolist()
    cells = tuple((1 + at // 6, 1 + at % 6, lighter) for at, lighter in enumerate(by))
    assert (differ(*cells), differ(*cells, parts=3)) == (in_halves, in_thirds)


def test_what_lies_outside_does_not_count():
    levels = np.full((2, 48, 48), 120, np.uint8)
    levels[0, 12:18, 12:18], levels[0, 36:42, 36:42] = 90, 150
    away = np.array([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]]])
    ways = np.array([0]), np.array([1])
    assert lighter_both_ways(Facing.of(levels.reshape(2, -1), *ways, SAME)).tolist() == [True]
    assert lighter_both_ways(Facing.of(levels.reshape(2, -1), *ways, away)).tolist() == [False]


def on_table(of: int) -> Image.Image:
    """One of four things on a table: of each another quarter is dark, and has a print."""
    image = photo(480, 360, seed=3)
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((170, 110, 310, 250), 20, fill=(215, 210, 205))
    left, top = 180 + 60 * (of % 2), 120 + 60 * (of // 2)
    image.paste(photo(60, 60, seed=20 + of).point(lambda level: level // 3), (left, top))
    for line in range(3):
        draw.line((left + 5, top + 12 + 18 * line, left + 55, top + 12 + 18 * line), fill="white", width=5)
    return image


def stamped(image: Image.Image) -> Image.Image:
    copy = image.copy()
    draw = ImageDraw.Draw(copy, "RGBA")
    draw.rectangle((100, 160, 380, 200), fill=(255, 255, 255, 120))
    draw.text((150, 170), "STOCK IMAGE", fill=(255, 255, 255, 140))
    return copy


COPIES = {
    "saved": lambda image: image,
    "stamped": stamped,
    "banner": lambda image: ImageOps.expand(image.crop((0, 0, 480, 320)), (0, 0, 0, 40), "navy"),
    "mirrored": ImageOps.mirror,
    "lighter": lambda image: image.point(lambda level: int(255 * (level / 255) ** 0.6)),
    "smaller": lambda image: image.resize((300, 240)),
}


@pytest.mark.parametrize("edit", COPIES)
def test_things_on_one_table_are_as_many_pictures_and_copies_of_each_are_one(edit):
    images = [on_table(of) for of in range(4)]
    found, copies, rows = pictures(images), pictures([COPIES[edit](image) for image in images], 75), np.arange(4)
    left, right = np.triu_indices(4, 1)
    assert picture_agreements(found, rows, copies, rows).min() >= AGREE
    assert picture_agreements(found, left, copies, right).max() < AGREE


def cushion(print_: str) -> Image.Image:
    """One of two on a sofa, in grey: as they hardly agree, less is enough of what each has."""
    image, left, top, side = photo(480, 360, seed=5), 135, 85, 210
    draw = ImageDraw.Draw(image)
    draw.rectangle((left, top, left + side, top + side), fill=(220, 150, 160) if print_ == "face" else (150, 60, 60))
    if print_ == "face":
        draw.ellipse((left + 38, top + 63, left + 172, top + 204), fill=(250, 240, 230))
        for eye in (left + 76, left + 118):
            draw.ellipse((eye, top + 105, eye + 16, top + 130), fill=(40, 40, 40))
    else:
        for stripe in range(left, left + side, 24):
            draw.rectangle((stripe, top, stripe + 12, top + side), fill=(225, 200, 120))
    return image.convert("L")


def test_two_that_hardly_agree_are_two_if_much_is_other_and_slopes_go_against_each_other():
    found, one, other = pictures([cushion("face"), cushion("stripes")]), np.array([0]), np.array([1])
    assert picture_agreements(found, one, found, other)[0] < AGREE
    copies = pictures([cushion("face"), cushion("stripes")], 75)
    assert picture_agreements(found, np.arange(2), copies, np.arange(2)).min() >= AGREE
