"""Pages and screens of one layout are told apart by what is written in them, and copies of one stay one."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from schemas.signatures import DETAIL
from tests.images.agreeing import agreements
from tests.images.drawing import encoded, photo
from tests.images.test_kinds import pictures
from transforms.images.alignment import AGREE
from transforms.images.details import Details, packed
from transforms.images.drawn import looks
from transforms.match.verify import picture_agreements


def manual(name: str) -> Image.Image:
    """A page of a reference: one word of it is another's."""
    image = Image.new("RGB", (1024, 640), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 200, 640), fill=(225, 225, 225))
    draw.text((20, 20), "Manual", font=ImageFont.load_default(30), fill="black")
    draw.text((240, 40), f"Function {name}", font=ImageFont.load_default(26), fill="black")
    draw.rectangle((240, 110, 1000, 160), fill=(225, 225, 225))
    draw.text((256, 124), f"pub fn {name}(a: Vector, b: Vector) -> Vector", font=ImageFont.load_default(18), fill="black")
    draw.text((256, 230), "Compares both, one by one, and stores what it finds.", font=ImageFont.load_default(18), fill="black")
    return image


def switches(on: tuple[bool, ...]) -> Image.Image:
    """A screen of settings: which are on is told by the colour of a switch."""
    image = Image.new("RGB", (400, 740), (242, 242, 247))
    draw = ImageDraw.Draw(image)
    draw.text((15, 12), "Settings", font=ImageFont.load_default(28), fill="black")
    for line, lit in enumerate(on):
        top = 72 + 60 * line
        draw.rectangle((0, top, 400, top + 58), fill="white")
        draw.text((16, top + 16), f"Option number {line}", font=ImageFont.load_default(16), fill="black")
        draw.rounded_rectangle((338, top + 16, 384, top + 42), 13, fill=(52, 199, 89) if lit else (204, 204, 204))
    return image


def quotes(seed: int) -> Image.Image:
    """A list of numbers, each as long as the one in its place in another list."""
    image, digits = Image.new("RGB", (640, 520), "white"), np.random.default_rng(seed)
    draw = ImageDraw.Draw(image)
    draw.rectangle((14, 14, 464, 38), fill=(11, 37, 69))
    for line in range(18):
        for column, length in enumerate((5, 6, 5, 4, 9, 6, 6)):
            number = "".join(str(digit) for digit in digits.integers(0, 10, length))
            draw.text((22 + 64 * column, 44 + 25 * line), number, font=ImageFont.load_default(14), fill="black")
    return image


def ticks(on: tuple[bool, ...]) -> Image.Image:
    """A screen of options: which are chosen is told by ticks of a pixel's width."""
    image = Image.new("RGB", (600, 460), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 168, 460), fill=(240, 240, 244))
    for line, word in enumerate(("General", "Home", "Search", "Privacy", "Sync")):
        draw.text((14, 16 + 28 * line), word, font=ImageFont.load_default(14), fill="black")
    for line, chosen in enumerate(on):
        top = 70 + 28 * line
        draw.rectangle((190, top, 202, top + 12), outline="black")
        if chosen:
            draw.line((192, top + 7, 195, top + 10, 199, top + 4), fill="black")
        draw.text((212, top - 2), f"Option number {line}", font=ImageFont.load_default(14), fill="black")
    return image


def widget(place: str, degrees: int, slope: tuple[int, int]) -> Image.Image:
    """A screen whose ground fades, down or aslant."""
    down, along = np.mgrid[:480, :360]
    fading = 40 + down * slope[0] / 480 + along * slope[1] / 360
    image = Image.fromarray(np.stack([fading, fading + 30, fading + 60], axis=2).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.text((180, 60), place, font=ImageFont.load_default(26), fill="white", anchor="mm")
    draw.text((180, 130), f"{degrees}°", font=ImageFont.load_default(70), fill="white", anchor="mm")
    for line, day in enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")):
        draw.text((30, 230 + 40 * line), day, font=ImageFont.load_default(20), fill="white")
        draw.text((270, 230 + 40 * line), f"{degrees * (line + 3) % 31}°", font=ImageFont.load_default(20), fill="white")
    return image


def pack(word: str) -> Image.Image:
    """A box that was drawn with shades, on white: a word is written on it."""
    down, along = np.mgrid[:640, :600] / 600
    shades = 60 + 170 * np.exp(-3 * ((down - 0.4) ** 2 + (along - 0.3) ** 2))
    box, shape = Image.fromarray(shades.astype(np.uint8)).convert("RGB"), Image.new("L", (600, 640))
    ImageDraw.Draw(box).text((170, 330), word, font=ImageFont.load_default(48), fill=(20, 20, 20))
    ImageDraw.Draw(shape).polygon([(150, 220), (350, 160), (480, 220), (480, 520), (350, 590), (150, 520)], fill=255)
    image = Image.new("RGB", (600, 640), "white")
    image.paste(box, (0, 0), shape)
    return image


def calculator(number: str) -> Image.Image:
    """A screen of keys on a ground: what it shows is a number."""
    image = Image.new("RGB", (420, 680), (34, 34, 34))
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 20, 400, 150), fill=(51, 51, 51))
    draw.text((385, 85), number, font=ImageFont.load_default(64), fill="white", anchor="rm")
    for place, key in enumerate("C+%/789x456-123+0.<="):
        left, top = 20 + 96 * (place % 4), 170 + 98 * (place // 4)
        draw.rounded_rectangle((left, top, left + 86, top + 88), 8, fill=(255, 153, 0) if place % 4 == 3 else (85, 85, 85))
        draw.text((left + 43, top + 44), key, font=ImageFont.load_default(34), fill="white", anchor="mm")
    return image


SERIES = {
    "packs": [pack(word) for word in ("Tea", "Rice", "Oats", "")],
    "widgets": [widget(place, degrees, (90, 0)) for place, degrees in (("Oslo", 12), ("Quito", 7), ("Delhi", 31))],
    "widgets aslant": [widget(place, degrees, (60, 50)) for place, degrees in (("Oslo", 12), ("Quito", 7), ("Delhi", 31))],
    "manual": [manual(name) for name in ("wide_max_word", "wide_min_word", "wide_add_word")],
    "switches": [switches(tuple(bool(bits >> line & 1) for line in range(10))) for bits in (0b1010110011, 0b1010011011, 0b0110110010)],
}


@pytest.mark.parametrize("kind", SERIES)
def test_another_word_or_switch_makes_another_picture_and_saving_or_toning_none(kind):
    images = SERIES[kind]
    found, rows, (left, right) = pictures(images), np.arange(len(images)), np.triu_indices(len(images), 1)
    assert found.details.held.all()
    assert picture_agreements(found, left, found, right).max() < AGREE
    saved_again = [Image.open(io.BytesIO(encoded(image, "JPEG", quality=60))) for image in images]
    for copies in (
        saved_again,
        [image.reduce(2) for image in images],
        [ImageEnhance.Contrast(image).enhance(1.2) for image in images],
    ):
        again = pictures(copies)
        assert picture_agreements(found, rows, again, rows).min() >= AGREE
        assert picture_agreements(found, left, again, right).max() < AGREE


def test_screens_saved_alike_of_which_one_has_another_tick_are_two():
    found = pictures([ticks(tuple(bool(bits >> line & 1) for line in range(10))) for bits in (0b1010110011, 0b0010110011, 0b1010100011)])
    left, right = np.triu_indices(len(found), 1)
    assert picture_agreements(found, left, found, right).max() < AGREE


def test_a_blurred_copy_that_looks_less_drawn_is_one_with_its_original_alone():
    images = [quotes(seed) for seed in range(8)]
    found, blurred = pictures(images), pictures([image.filter(ImageFilter.GaussianBlur(3)) for image in images])
    assert not looks(blurred.thumbnails.reshape(len(images), -1)).printed.any()
    assert blurred.details.held.all()
    rows, (left, right) = np.arange(len(images)), np.triu_indices(len(images), 1)
    assert picture_agreements(found, rows, blurred, rows).min() >= AGREE
    assert picture_agreements(found, left, blurred, right).max() < AGREE


def test_a_blurred_screen_that_is_not_even_nearly_drawn_is_one_with_its_original_alone():
    images = [calculator(number) for number in ("0", "42", "1,204", "88,888")]
    found, blurred = pictures(images), pictures([image.filter(ImageFilter.GaussianBlur(4)) for image in images])
    seen = looks(blurred.thumbnails.reshape(len(images), -1))
    assert not seen.nearly.any()
    assert (seen.grounded & blurred.details.held).all()
    rows, (left, right) = np.arange(len(images)), np.triu_indices(len(images), 1)
    assert picture_agreements(found, rows, blurred, rows).min() >= AGREE
    assert picture_agreements(found, left, blurred, right).max() < AGREE


def test_a_pack_drawn_with_shades_is_shaded_and_does_not_look_drawn():
    seen = looks(pictures(SERIES["packs"]).thumbnails.reshape(4, -1))
    assert seen.shaded.all()
    assert not (seen.nearly | seen.grounded).any()
    assert not looks(pictures([photo(400, 300, seed=seed) for seed in range(4)]).thumbnails.reshape(4, -1)).shaded.any()


def test_a_ground_that_fades_is_a_ground_in_screens_and_none_in_photos():
    screens = pictures([*SERIES["widgets"], *SERIES["widgets aslant"]]).thumbnails.reshape(6, -1)
    assert (np.stack([np.bincount(screen, minlength=256) for screen in screens]).max(axis=1) < 0.15 * screens.shape[1]).all()
    found = looks(screens)
    assert found.drawn.all()
    assert found.wide.all()
    assert not looks(pictures([photo(400, 300, seed=seed) for seed in range(4)]).thumbnails.reshape(4, -1)).grounded.any()


def test_a_pair_agrees_alike_either_way_round_where_the_details_alone_differ():
    one = pictures(SERIES["manual"][:1])
    levels = one.details.levels(np.array([0])).astype(int)
    other = np.where(np.random.default_rng(3).random(levels.shape) < 0.05, 255 - levels, levels).astype(np.uint8)
    shown, again = one.shown(), dataclasses.replace(one.shown(), details=Details(np.ones(1, bool), packed(other)))
    maps = np.array([[[1.0, 0.0, 0.004], [0.0, 1.0, -0.002]]])
    back = np.array([[[1.0, 0.0, -0.004], [0.0, 1.0, 0.002]]])
    there = agreements(shown, again, maps)
    assert there.tolist() == agreements(again, shown, back).tolist()
    assert there[0] < AGREE <= agreements(shown, shown, maps)[0]


def test_pairs_with_details_agree_alike_alone_and_among_others():
    found = pictures([image for images in SERIES.values() for image in images])
    left, right = (side.ravel() for side in np.indices((len(found), len(found))))
    together = picture_agreements(found, left, found, right)
    np.testing.assert_array_equal(together.reshape(len(found), -1), together.reshape(len(found), -1).T)
    for place in range(0, len(left), 5):
        assert picture_agreements(found, left[place : place + 1], found, right[place : place + 1])[0] == together[place]


def test_a_picture_without_a_detail_is_compared_by_its_thumbnail():
    found = pictures(SERIES["manual"])
    bare = dataclasses.replace(found, details=Details.none(len(found)))
    assert bare.arrays()[-1].shape == (0, DETAIL)
    rows = np.arange(len(found))
    assert picture_agreements(found, rows, bare, rows).min() >= AGREE
