"""A finer picture is kept of drawn pictures alone, and what comes back of it is what went in, to a thirty-second of its levels."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from schemas.job import Decode
from schemas.signatures import DETAIL, DETAIL_SIDE
from tests.images.drawing import encoded, photo
from transforms.images.decode import open_picture
from transforms.images.details import Details, packed
from transforms.images.drawn import looks
from transforms.images.phash import hash_pictures


def sheet(text: str = "not a photo") -> Image.Image:
    image = Image.new("L", (400, 300), 255)
    draw = ImageDraw.Draw(image)
    draw.rectangle((10, 10, 390, 290), outline=0, width=3)
    draw.text((40, 60), text, font=ImageFont.load_default(30), fill=0)
    return image


def opened(image: Image.Image):
    return open_picture(encoded(image, "PNG"), Decode(), "fast")


def found_of(pictures) -> Details:
    return hash_pictures(pictures).details


def test_only_drawn_pictures_have_one_in_the_order_of_their_rows():
    pictures = [None, opened(photo(400, 300, seed=3)), opened(sheet("not a photo")), None, opened(sheet("nor this"))]
    found = found_of(pictures)
    assert found.held.tolist() == [False, False, True, False, True]
    assert found.octets.shape == (2, DETAIL)
    alone = [found_of([picture]).octets for picture in (pictures[2], pictures[4])]
    np.testing.assert_array_equal(found.octets, np.concatenate(alone))
    assert found_of([None, None]).octets.shape == found_of([]).octets.shape == (0, DETAIL)


def test_a_picture_that_is_nearly_drawn_has_one_and_one_that_barely_is_where_its_border_was_taken():
    rough = np.random.default_rng(4).integers(0, 20, (50, 50)).repeat(6, axis=0).repeat(8, axis=1)
    ramp = (np.linspace(0, 210, 400) + rough).astype(np.uint8)

    def shaded(ground: float, margin: int) -> Image.Image:
        levels = ramp.copy()
        levels[100 : 100 + round(300 * ground)] = 240
        image = Image.new("L", (400 + 2 * margin, 300 + 2 * margin), 255)
        image.paste(Image.fromarray(levels), (margin, margin))
        return image

    pictures = [opened(shaded(ground, margin)) for ground in (0.44, 0.5) for margin in (0, 40)]
    own = looks(np.stack([picture.thumbnail for picture in pictures]).reshape(4, -1))
    assert own.printed.tolist() == [False] * 4
    assert own.nearly.tolist() == [False, False, True, True]
    assert own.barely.tolist() == [True] * 4
    assert found_of(pictures).held.tolist() == [False, True, True, True]


def test_either_reach_has_the_same_details():
    pictures = [opened(sheet()), opened(photo(400, 300, seed=3))]
    plain, views = (hash_pictures(pictures, reach).details for reach in ("plain", "views"))
    np.testing.assert_array_equal(plain.octets, views.octets)
    assert plain.held.tolist() == views.held.tolist() == [True, False]


def test_levels_come_back_to_half_a_step_and_even_pictures_wholly():
    draw = np.random.default_rng(4)
    levels = draw.integers(30, 220, (3, DETAIL_SIDE**2)).astype(np.uint8)
    levels[1], levels[2, 0], levels[2, 1] = 77, 0, 255
    found = Details(np.ones(3, bool), packed(levels)).levels(np.arange(3))
    span = np.ptp(levels, axis=1).astype(float)
    assert (np.abs(found.astype(int) - levels).max(axis=1) <= np.ceil(span / 62)).all()
    assert (found[1] == 77).all()


def test_rows_taken_and_joined_keep_their_own():
    held = np.array([True, False, True, True, False])
    found = Details(held, np.arange(3 * DETAIL).reshape(3, DETAIL).astype(np.uint8))
    some = found.take(np.array([3, 1, 0, 3]))
    assert some.held.tolist() == [True, False, True, True]
    np.testing.assert_array_equal(some.octets, found.octets[[2, 0, 2]])
    both = Details.joined([found, Details.none(2), some])
    assert len(both) == 11
    np.testing.assert_array_equal(both.levels(np.array([7, 9])), found.levels(np.array([3, 0])))
    less = found.where(np.array([True, True, False, True, True]))
    assert less.held.tolist() == [True, False, False, True, False]
    np.testing.assert_array_equal(less.octets, found.octets[[0, 2]])


def test_of_two_the_greater_differs_first_by_more():
    octets = np.zeros((3, DETAIL), np.uint8)
    octets[1, 7], octets[2, 9] = 1, 200
    found = Details(np.ones(3, bool), octets)
    assert found.greater(np.array([1, 2, 0, 1, 1]), np.array([0, 0, 1, 2, 1])).tolist() == [True, True, False, True, False]
