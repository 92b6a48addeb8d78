"""Pictures that were cut while they were downloaded, then saved again as if whole."""

import io

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from schemas.job import Decode
from schemas.reasons import CUT_SUSPECTED
from tests.builders import jpeg
from tests.shared_data import shared
from transforms.images.decode import open_picture


def saved_again(raw: bytes, keep: float) -> bytes:
    """What a decoder that bears missing data makes of the first part of a JPEG, as a JPEG of its own."""
    pixels = simplejpeg.decode_jpeg(raw[: int(len(raw) * keep)], strict=False)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return out.getvalue()


@pytest.mark.parametrize("mode", ["fast", "exact"])
def test_a_picture_cut_and_saved_again_is_flagged_in_either_mode(mode):
    """D13: a valid JPEG whose lower half is one flat grey."""
    raw = jpeg(640, 480, seed=3)
    assert CUT_SUSPECTED in open_picture(saved_again(raw, 0.5), Decode(), mode).flags
    assert CUT_SUSPECTED not in open_picture(raw, Decode(), mode).flags


def test_a_picture_that_is_grey_all_over_is_flat_and_not_cut():
    out = io.BytesIO()
    Image.new("RGB", (320, 240), (128, 128, 128)).save(out, "JPEG")
    assert open_picture(out.getvalue(), Decode(), "fast").flags == ()


@pytest.mark.shared
def test_hardly_any_photo_ends_in_the_grey_of_missing_data():
    paths = [path for path in sorted(shared("data", "photos").rglob("*")) if path.suffix.lower() in (".jpg", ".jpeg")]
    cut = [path.name for path in paths if CUT_SUSPECTED in open_picture(path.read_bytes(), Decode(), "fast").flags]
    assert len(paths) > 1_000
    assert len(cut) <= 1


@pytest.mark.shared
def test_real_photos_cut_in_the_middle_are_found():
    paths = [path for path in sorted(shared("data", "photos").rglob("*")) if path.suffix.lower() in (".jpg", ".jpeg")][:60]
    found = [CUT_SUSPECTED in open_picture(saved_again(path.read_bytes(), 0.5), Decode(), "fast").flags for path in paths]
    assert np.mean(found) >= 0.9
