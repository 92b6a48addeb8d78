"""A patch in a corner is known again on other pictures; what is flat, or looks as half of nature does, has no hash."""

import numpy as np
import pytest
from PIL import Image

from schemas.job import Decode
from tests.builders import encode, picture
from tests.shared_data import shared
from transforms.images.corners import _boxes, _fill, corner_hashes
from transforms.images.decode import open_picture
from transforms.images.places import PLACES, place_name


def opened(image, quality=85):
    return open_picture(encode(image, "JPEG", quality=quality), Decode(), "fast")


def checkered(side, cells=4):
    return Image.fromarray(((np.indices((side, side)) * cells // side).sum(axis=0) % 2 * 255).astype(np.uint8))


def test_cells_are_the_means_of_what_they_cover():
    grey = np.random.default_rng(3).integers(0, 256, (150, 201), dtype=np.uint8)
    boxes, cells = _boxes(grey.shape, 402, 300), np.zeros((PLACES, 64), np.int32)
    _fill(grey, boxes, cells)
    for (top, left, high, wide), found in zip(boxes.tolist(), cells, strict=True):
        rows, columns = ([at * side // 8 for at in range(9)] for side in (high, wide))
        means = [
            [grey[top + rows[i] : top + rows[i + 1], left + columns[j] : left + columns[j + 1]].mean() for j in range(8)] for i in range(8)
        ]
        assert np.abs(found.reshape(8, 8) / 4 - means).max() <= 0.125
    assert [box[0] for box in boxes.tolist()[:4]] == [0, 0, 142, 142], "the lower corners end with the picture"


def test_a_patch_has_one_hash_on_pictures_of_several_sizes_and_qualities():
    found = []
    for number, size in enumerate(((320, 240), (400, 300), (640, 480), (240, 320))):
        drawn = picture(*size, seed=number)
        drawn.paste(checkered(32), (0, 0))
        rows, places, hashes = corner_hashes([None, opened(drawn, 95 - 10 * number)])
        assert set(rows.tolist()) == {1}
        found.append({int(hashed) for place, hashed in zip(places, hashes, strict=True) if place_name(place) == "top left, 32 pixels"})
    assert found[0]
    assert found[1:] == found[:1] * 3


def test_flat_corners_and_slopes_have_none():
    slope = Image.fromarray(np.tile(np.linspace(0, 255, 240).astype(np.uint8)[:, None], (1, 320)))
    for image in (slope, slope.transpose(Image.Transpose.ROTATE_90), Image.new("L", (320, 240), 128)):
        assert not len(corner_hashes([opened(image)])[0])


def test_a_picture_too_small_for_squares_of_eight_cells_has_none():
    assert not len(corner_hashes([opened(checkered(20, 20))])[0])
    assert not len(corner_hashes([])[0])


@pytest.mark.shared
def test_of_real_photos_no_two_have_the_same_corner():
    folder = shared("data", "photos", "clothing", "images")
    pictures = [open_picture(path.read_bytes(), Decode(), "fast") for path in sorted(folder.rglob("*.jpg"))[:150]]
    rows, places, hashes = corner_hashes(pictures)
    assert 1.5 < len(rows) / len(pictures) < 5
    assert len(set(zip(places.tolist(), hashes.tolist(), strict=True))) == len(rows)
