import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.images.drawing import photo
from transforms.images.thumbnail import border, hashed, hashed_exactly, thumbnail


def grey(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L"))


@pytest.mark.parametrize("colour", ["white", "black", (120, 10, 200)])
@pytest.mark.parametrize("sides", [(30, 20, 10, 40), (0, 25, 0, 25), (25, 0, 25, 0), (0, 0, 0, 12)])
def test_a_border_of_one_colour_is_found_on_every_side(sides, colour):
    left, top, right, bottom = sides
    framed = ImageOps.expand(photo(200, 150), border=sides, fill=colour)
    assert border(grey(framed)) == (left, top, left + 200, top + 150)
    assert (right, bottom) == (framed.width - left - 200, framed.height - top - 150)


def test_a_border_inside_a_border_is_found():
    framed = ImageOps.expand(ImageOps.expand(photo(200, 150), border=(20, 0), fill="black"), border=30, fill="white")
    assert border(grey(framed)) == (50, 30, 250, 180)


def test_a_sky_that_fades_into_the_picture_is_no_border():
    picture = grey(photo(200, 200)).astype(float)
    shade = np.clip(np.arange(200) / 100, 0, 1)[:, None]
    assert border((255 - (255 - picture) * shade).astype(np.uint8)) == (0, 0, 200, 200)


def test_a_picture_of_one_colour_is_all_picture():
    assert border(np.full((50, 70), 9, np.uint8)) == (0, 0, 70, 50)
    assert border(np.zeros((1, 1), np.uint8)) == (0, 0, 1, 1)


def test_without_a_border_trimmed_is_whole():
    image = photo(200, 150).convert("L")
    box = (0, 0, 200, 150)
    for small in (hashed(np.array(image), box), hashed_exactly(image, box, image.size)):
        assert np.array_equal(small[0], small[1])


def test_the_trimmed_picture_is_what_the_border_surrounds():
    inner = photo(192, 192).convert("L")
    framed, box = ImageOps.expand(inner, border=48, fill=255), (48, 48, 240, 240)
    assert np.array_equal(thumbnail(np.array(framed), box), thumbnail(np.array(inner), (0, 0, 192, 192)))
    assert np.array_equal(hashed_exactly(framed, box, framed.size)[1], hashed_exactly(inner, (0, 0, 192, 192), inner.size)[0])
