"""The colours that are kept of a picture, against Pillow and the formulas of BT.601."""

import numpy as np
from PIL import Image, ImageOps

from schemas.job import Decode
from tests.images.drawing import encoded, photo
from transforms.images.chroma import NO_CHROMA, chroma, luma_and_chroma
from transforms.images.decode import open_picture

DRAW = np.random.default_rng(5)


def test_luma_is_that_of_pillow_and_chroma_within_a_level():
    pixels = DRAW.integers(0, 256, (67, 45, 3), dtype=np.uint8)
    luma, *planes = luma_and_chroma(pixels)
    image = Image.fromarray(pixels)
    assert (luma == np.asarray(image.convert("L"))).all()
    expected = np.asarray(image.convert("YCbCr"))[:, :, 1:].transpose(2, 0, 1).astype(int)
    assert np.abs(np.stack(planes) - expected).max() <= 1


def test_cells_are_the_mean_colours_of_what_is_in_the_box():
    colours = DRAW.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    image = ImageOps.expand(Image.fromarray(colours).resize((320, 320), Image.Resampling.NEAREST), 40, "black")
    cb_cr = luma_and_chroma(np.asarray(image))[1:]
    red, green, blue = colours.reshape(-1, 3).T.astype(float)
    expected = np.stack([-0.168736 * red - 0.331264 * green + 0.5 * blue, 0.5 * red - 0.418688 * green - 0.081312 * blue])
    for box, size in (((40, 40, 360, 360), 400), ((10, 10, 90, 90), 100)):
        assert np.abs(chroma(cb_cr, box, size, size) - expected).max() <= 1


def test_no_format_changes_them_and_grey_has_none():
    image = photo(400, 300, seed=5)
    forms = [encoded(image, "PNG"), encoded(image, "JPEG", quality=92), encoded(image, "WEBP", lossless=True)]
    found = [open_picture(raw, Decode(), mode).chroma.astype(int) for raw in forms for mode in ("fast", "exact")]
    assert max(np.abs(cells - found[0]).max() for cells in found) <= 4
    for form in ("PNG", "JPEG"):
        assert (open_picture(encoded(image.convert("L"), form), Decode(), "fast").chroma == NO_CHROMA).all()
