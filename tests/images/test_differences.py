"""What saving, resizing and toning do to a picture is explained; another character, and ink where the other has bare ground, are not."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from schemas.job import Decode
from tests.images.drawing import encoded
from transforms.images.alignment import AGREE
from transforms.images.decode import open_picture
from transforms.images.differences import differences
from transforms.images.drawn import looks
from transforms.images.phash import hash_pictures
from transforms.match.verify import Pictures, picture_agreements

SIDE = 48
STILL = np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])


def plate(text: str) -> Image.Image:
    image = Image.new("RGB", (520, 120), "white")
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((3, 3, 517, 117), 12, outline="black", width=4)
    draw.rectangle((6, 6, 50, 114), fill="navy")
    draw.text((70, 12), text, font=ImageFont.load_default(80), fill="black")
    return image


def thumbnail(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)).reshape(1, -1)


def found(one: np.ndarray, other: np.ndarray, to: np.ndarray = STILL) -> tuple[float, float]:
    grounds = looks(one).ground, looks(other).ground
    everywhere, exchanged = differences(one, other, np.zeros(1, bool), to, grounds)
    return float(everywhere[0]), float(exchanged[0])


def pictures(images: list[Image.Image], quality: int = 85) -> Pictures:
    hashes = hash_pictures([open_picture(encoded(image, "JPEG", quality=quality), Decode(), "fast") for image in images], "views")
    return Pictures(hashes.thumbnails, hashes.phashes, hashes.views.have, hashes.views.hashes, hashes.views.geometry)


EDITS = {
    "softer": lambda image: image.filter(ImageFilter.GaussianBlur(1.5)),
    "more contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.4),
    "darker": lambda image: image.point([int(255 * (level / 255) ** 1.6) for level in range(256)] * 3),
    "grey": lambda image: ImageOps.grayscale(image).convert("RGB"),
    "smaller": lambda image: image.resize((260, 60)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_less_than_half_of_what_another_character_is(edit):
    original = thumbnail(plate("KA BX 2841"))
    edited, another = (found(original, thumbnail(image))[0] for image in (EDITS[edit](plate("KA BX 2841")), plate("KA BX 2847")))
    assert 2 * edited < another


def test_a_shift_by_a_fifth_of_a_pixel_is_explained():
    one = thumbnail(plate("KA BX 2841"))
    moved = STILL + np.array([[[0, 0, 0.2 / SIDE], [0, 0, 0.2 / SIDE]]])
    assert found(one, one)[0] < 0.1
    assert found(one, one, moved)[0] < 2.5


def test_what_is_laid_over_adds_ink_and_another_text_exchanges_it():
    plain, other = plate("KA BX 2841"), plate("KA ZC 9337")
    laid_over = plain.copy()
    ImageDraw.Draw(laid_over).rectangle((380, 95, 500, 112), fill="black")
    everywhere, exchanged = found(thumbnail(plain), thumbnail(laid_over))
    assert everywhere > 2.5
    assert exchanged < 2
    assert found(thumbnail(plain), thumbnail(other))[1] > 2


def test_which_is_looked_for_in_which_changes_nothing():
    one, other = thumbnail(plate("KA BX 2841")), thumbnail(plate("KA ZC 9337"))
    grounds = looks(one).ground, looks(other).ground
    first = differences(one, other, np.zeros(1, bool), STILL, grounds)
    second = differences(other, one, np.ones(1, bool), STILL, grounds[::-1])
    assert np.array_equal(first, second)


def test_number_plates_are_as_many_pictures_as_there_are_numbers():
    texts = ["KA BX 2841", "KA BX 2847", "KA ZC 9337", "HB BX 2841", "HB LM 6841", "HE LM 6847"]
    images = [plate(text) for text in texts]
    rows, copies = pictures(images), pictures([image.filter(ImageFilter.GaussianBlur(3)) for image in images], 60)
    left, right = np.triu_indices(len(texts), 1)
    for one, other in ((rows, rows), (rows, copies), (copies, copies)):
        assert picture_agreements(one, left, other, right).max() < AGREE
    every = np.arange(len(texts))
    assert picture_agreements(rows, every, copies, every).min() >= AGREE
