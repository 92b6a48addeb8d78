import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from schemas.job import Decode
from transforms.images.decode import decode_rgb, open_picture
from transforms.images.view import View, sampled

HALVES = Image.new("RGB", (40, 20))
HALVES.paste((255, 255, 255), (20, 0, 40, 20))


def noise(width, height, mode="RGB"):
    return Image.fromarray(np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)).convert(mode)


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("resample", ["bilinear", "bicubic", "lanczos", "nearest", "opencv"])
def test_a_picture_is_stretched_cropped_or_padded(resample):
    seen = {how: View(10, how, resample=resample).pixels(HALVES)[..., 0] for how in ("stretch", "crop", "pad")}
    assert all(pixels.shape == (10, 10) and pixels.dtype == np.uint8 for pixels in seen.values())
    assert [seen["stretch"].mean(), seen["crop"].mean(), seen["pad"].mean()] == pytest.approx([127.5, 127.5, 63.75], abs=1)
    assert seen["crop"][5, 0] == 0
    assert seen["pad"][9].max() == 0
    assert seen["pad"][1, 9] == 255


def test_the_middle_of_a_larger_size_is_cut_out():
    middle = Image.new("RGB", (64, 64))
    middle.paste((255, 255, 255), (16, 16, 48, 48))
    assert View(32, resize_to=64).pixels(middle).min() == 255


def test_pixels_are_pillows_and_through_jpeg_they_are_those_of_a_file():
    image = noise(90, 60)
    resized = image.resize((32, 32), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(View(32, "stretch").pixels(image), np.asarray(resized))
    again = np.asarray(Image.open(io.BytesIO(saved(resized, "JPEG"))))
    np.testing.assert_array_equal(View(16, "stretch", 32, jpeg_roundtrip=True).pixels(image), again[8:24, 8:24])


@pytest.mark.parametrize("size", [(90, 60), (60, 90), (333, 1000), (7, 7), (1, 3), (320, 320)])
def test_sampling_is_opencvs_to_the_bit(size):
    cv2 = pytest.importorskip("cv2", reason="needs the extra nudenet")
    pixels = np.asarray(noise(*size))
    np.testing.assert_array_equal(sampled(pixels, 64, 48), cv2.resize(pixels, (64, 48), interpolation=cv2.INTER_LINEAR))
    side = max(size)
    square = np.zeros((side, side, 3), np.uint8)
    square[: size[1], : size[0]] = pixels
    padded = View(64, "pad", resample="opencv").pixels(Image.fromarray(pixels))
    np.testing.assert_array_equal(padded, cv2.resize(square, (64, 64), interpolation=cv2.INTER_LINEAR))


def test_sampling_is_known_where_opencv_is_not():
    found = sampled(np.asarray(noise(90, 60)), 16, 16)
    assert hashlib.sha256(found.tobytes()).hexdigest()[:16] == "ea237aa80977ecac"


@pytest.mark.parametrize(
    "view", [View(8, "crop"), View(8, "crop", resample="opencv"), View(8, "pad"), View(8, "stretch"), View(8, "pad", resample="opencv")]
)
def test_a_picture_like_a_thread_costs_no_more_than_another(view):
    for size in ((60_000, 1), (1, 60_000)):
        assert view.pixels(Image.new("RGB", size, "white")).shape == (8, 8, 3)


def test_what_a_model_sees_is_made_beside_the_decode_and_is_the_same_as_later():
    """Of a JPEG the decode gives luma at a reduced scale, so that colours are decoded when they are asked for."""
    views = [View(32, "stretch", jpeg_roundtrip=True), View(24, "pad", resample="opencv")]
    turned = Image.Exif()
    turned[0x0112] = 6
    sources = [
        saved(noise(90, 60), "PNG"),
        saved(noise(90, 60, "RGBA"), "PNG", exif=turned),
        saved(noise(90, 60, "P"), "GIF"),
        saved(noise(90, 60), "WEBP"),
        saved(noise(90, 60, "CMYK"), "TIFF"),
        saved(noise(90, 60, "1"), "BMP"),
    ]
    for raw in sources:
        for mode in ("fast", "exact"):
            found = open_picture(raw, Decode(), mode, views).seen
            assert list(found) == views
            for view in views:
                np.testing.assert_array_equal(found[view], view.pixels(decode_rgb(raw, Decode(), view.least)))
        assert open_picture(raw, Decode(), "fast").seen == {}
    assert open_picture(saved(noise(90, 60), "JPEG"), Decode(), "fast", views).seen == {}
