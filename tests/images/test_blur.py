import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.images.side_data import display_profile, exif, packet, photo, saved
from transforms.images.blur import blur_boxes
from transforms.images.metadata import read_metadata
from transforms.images.scrub import scrub

BOX = {"left": 40, "top": 30, "width": 40, "height": 40}


def noise(mode="RGB"):
    return Image.fromarray(np.random.default_rng(5).integers(0, 256, (120, 160, 3), np.uint8)).convert(mode)


def shown(raw):
    with Image.open(io.BytesIO(raw)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB")).astype(int)


@pytest.mark.parametrize(
    ("kind", "left"), [("JPEG", "JPEG"), ("PNG", "PNG"), ("WEBP", "WEBP"), ("GIF", "PNG"), ("BMP", "PNG"), ("TIFF", "PNG")]
)
def test_nothing_can_be_made_out_in_a_box_and_the_rest_is_as_it_was(kind, left):
    raw = saved(noise(), kind, **({"quality": 95} if kind in ("JPEG", "WEBP") else {}))
    done = blur_boxes(raw, [BOX])
    with Image.open(io.BytesIO(done)) as image:
        assert (image.format, image.size) == (left, (160, 120))
    before, after = shown(raw), shown(done)
    inside = np.s_[30:70, 40:80]
    assert before[inside].std() > 45
    assert after[inside].std() < 15
    outside = np.ones((120, 160), bool)
    outside[20:80, 30:90] = False
    if left == "PNG":
        assert np.array_equal(before[outside], after[outside])
    else:
        assert np.abs(before - after)[outside].mean() < 8


def test_boxes_are_those_of_the_picture_as_it_is_displayed():
    upright = noise()
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    block = exif(gps=False, serial=None, orientation=6)
    done = blur_boxes(saved(turned, "PNG", exif=block), [BOX])
    assert np.array_equal(shown(done), shown(blur_boxes(saved(upright, "PNG"), [BOX])))
    with Image.open(io.BytesIO(done)) as image:
        assert 0x0112 not in image.getexif()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_profile_notice_and_reservation_stay(kind):
    profile = bytearray(display_profile())
    profile[16:20] = b"RGB "
    told = packet(plus__DataMining="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED")
    block = exif(artist="Ann Author")
    raw = scrub(saved(photo(160, 120), kind, exif=block, icc_profile=bytes(profile), **({} if kind == "PNG" else {"xmp": told}))).image
    done = blur_boxes(raw, [BOX])
    found = read_metadata(done)
    assert found.creators == ("Ann Author",)
    if kind != "PNG":
        assert b"DMI-PROHIBITED" in found.xmp[0]
    with Image.open(io.BytesIO(done)) as image:
        assert image.info["icc_profile"] == bytes(profile)
    assert scrub(done).removed == ()


def test_a_profile_of_other_colours_than_are_written_goes():
    done = blur_boxes(saved(noise("CMYK"), "JPEG", icc_profile=display_profile()), [BOX])
    with Image.open(io.BytesIO(done)) as image:
        assert (image.mode, image.info.get("icc_profile")) == ("RGB", None)


@pytest.mark.parametrize("box", [(-30, -30, 500, 500), (0, 0, 1, 1), (159, 119, 9, 9), (400, 400, 10, 10)])
def test_boxes_beyond_the_edge_are_cut(box):
    done = blur_boxes(saved(noise(), "PNG"), [dict(zip(("left", "top", "width", "height"), box, strict=True))])
    assert shown(done).shape == (120, 160, 3)
