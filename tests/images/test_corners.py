"""A patch in a corner is known again on other pictures; what is flat, or looks as half of nature does, has no hash."""

from collections import Counter

import numpy as np
import pytest
from PIL import Image, ImageDraw

from schemas.job import Decode
from tests.builders import encode, picture
from tests.shared_data import shared
from transforms.images.corners import _cells, _crops, _squares, corner_hashes
from transforms.images.decode import open_picture
from transforms.images.places import LEVELS, SQUARE_LEVELS, place_name
from transforms.patches import NEAR_BITS


def opened(image, quality=85):
    return open_picture(encode(image, "JPEG", quality=quality), Decode(), "fast")


def told(corners):
    """Hashes by place, and whether they make a patch known."""
    found = {}
    for place, hashed, sure in zip(corners.place, corners.hashes, corners.sure, strict=True):
        found.setdefault(place_name(place), set()).add((int(hashed), bool(sure)))
    return found


def checkered(side, cells=4):
    return Image.fromarray(((np.indices((side, side)) * cells // side).sum(axis=0) % 2 * 255).astype(np.uint8))


def test_cells_are_the_means_of_what_they_cover():
    grey = np.random.default_rng(3).integers(0, 256, (150, 201), dtype=np.uint8)
    squares = _squares(np.array([[150, 201, 300, 402], [150, 201, 600, 804]]))
    assert squares[squares[:, 0] == 0][:, 1].tolist() == list(range(16))
    assert squares[:16:4, 2:].tolist() == [[8, 8], [16, 16], [9, 9], [19, 19]]
    assert squares[16::4, 1:].tolist() == [[0, 4, 4], [4, 8, 8], [8, 9, 9], [12, 19, 19]]
    for cells in (4, 8):
        some = squares[squares[:, 2] >= cells]
        for (_, place, high, wide), found in zip(some.tolist(), _cells(_crops([grey, grey], 30), some, cells), strict=True):
            top, left = (150 - high if place % 4 >= 2 else 0), (201 - wide if place % 2 else 0)
            down, along = ([at * side // cells for at in range(cells + 1)] for side in (high, wide))
            means = [
                [grey[top + down[i] : top + down[i + 1], left + along[j] : left + along[j + 1]].mean() for j in range(cells)]
                for i in range(cells)
            ]
            assert np.abs(found.reshape(cells, cells) / 4 - means).max() <= 0.125


def test_a_patch_ends_with_the_picture_whatever_its_size():
    """At a quarter the last of 144 rows holds one of 573, and what lies at the lower end would not lie there."""
    found = []
    for high in (573, 576, 579):
        drawn = picture(640, high, seed=high)
        cells = np.random.default_rng(1).integers(0, 2, (6, 6)) * 255
        drawn.paste(Image.fromarray(cells.astype(np.uint8)).resize((48, 48), Image.Resampling.NEAREST), (592, high - 48))
        [(hashed, _)] = told(corner_hashes([opened(drawn)]))["bottom right, 32 pixels"]
        found.append(hashed)
    assert max((found[0] ^ hashed).bit_count() for hashed in found[1:]) <= NEAR_BITS[1]


def test_a_small_patch_is_known_where_a_picture_is_decoded_at_a_quarter():
    found = []
    for number, size in enumerate(((640, 480), (640, 580))):
        drawn = picture(*size, seed=number)
        drawn.paste(Image.fromarray(np.random.default_rng(5).integers(0, 256, (4, 4), dtype=np.uint8)).resize((24, 24), 0), (0, 0))
        [hashed] = told(corner_hashes([opened(drawn)]))["top left, 16 pixels, by its levels"]
        found.append(hashed[0])
    assert (found[0] ^ found[1]).bit_count() <= NEAR_BITS[SQUARE_LEVELS // 4]


def test_pictures_beside_it_change_no_hash_of_a_picture():
    drawn = [opened(picture(*size, seed=number)) for number, size in enumerate(((900, 200), (320, 240), (160, 144), (24, 30)))]
    together = corner_hashes([None, *drawn])
    assert len(set(together.row.tolist())) >= 3
    for row, alone in enumerate(drawn, 1):
        assert told(corner_hashes([alone])) == told(together.where(together.row == row))


def test_a_patch_has_one_hash_on_pictures_of_several_sizes_and_qualities():
    found = []
    for number, size in enumerate(((320, 240), (400, 300), (640, 480), (240, 320))):
        drawn = picture(*size, seed=number)
        drawn.paste(checkered(32), (0, 0))
        corners = corner_hashes([None, opened(drawn, 95 - 10 * number)])
        assert set(corners.row.tolist()) == {1}
        found.append(told(corners)["top left, 32 pixels"])
    assert found[0]
    assert found[1:] == found[:1] * 3


def test_flat_corners_and_slopes_have_none():
    slope = Image.fromarray(np.tile(np.linspace(0, 255, 240).astype(np.uint8)[:, None], (1, 320)))
    for image in (slope, slope.transpose(Image.Transpose.ROTATE_90), Image.new("L", (320, 240), 128)):
        assert not len(corner_hashes([opened(image)]).row)


def test_a_picture_too_small_for_squares_of_eight_cells_has_none():
    assert not len(corner_hashes([opened(checkered(20, 20))]).row)
    assert not len(corner_hashes([]).row)


def plain(corners):
    return {hashed for place, found in told(corners).items() if "of one level, by its size in pixels" in place for hashed in found}


@pytest.mark.parametrize("colour", ["red", "black", "white"])
def test_a_patch_of_one_colour_is_known_by_its_level_and_size(colour):
    found = []
    for number, size in enumerate(((320, 240), (400, 300), (640, 480))):
        drawn = picture(*size, seed=number)
        drawn.paste(colour, (size[0] - 28, size[1] - 28, *size))
        found += plain(corner_hashes([opened(drawn, 75)]))
    level = {"red": 76, "black": 0, "white": 255}[colour]
    assert len(found) == 3
    assert {hashed >> 8 for hashed, _ in found} <= {level - 1, level, level + 1}
    assert max(hashed & 255 for hashed, _ in found) - min(hashed & 255 for hashed, _ in found) <= 1
    assert any(sure for _, sure in found)


def test_plain_grounds_borders_and_skies_are_no_patch():
    shirt = Image.new("L", (320, 240), 250)
    shirt.paste(picture(160, 150, seed=1), (90, 60))
    framed = Image.new("L", (320, 240), 0)
    framed.paste(picture(288, 208, seed=2), (16, 16))
    sky = Image.fromarray(np.where(np.arange(240)[:, None] < 30, 220, np.asarray(picture(320, 240, seed=3).convert("L"))).astype(np.uint8))
    for image in (shirt, framed, sky):
        assert not corner_hashes([opened(image)]).sure.any()


def test_a_coarse_patch_is_known_on_pictures_that_were_resized():
    """Four levels in a square of another size on each picture: neither its pixels nor its share of the picture stay."""
    found = []
    for number, side in enumerate((24, 28, 40)):
        drawn = picture(320, 240, seed=number)
        drawn.paste(Image.fromarray(np.array([[0, 255], [160, 90]], np.uint8)).resize((side, side), Image.Resampling.NEAREST), (0, 0))
        found.append(
            [hashed for hashed, _ in told(corner_hashes([opened(drawn)]))["top left, a rectangle with edges of its own, by its levels"]]
        )
    for other in found[1:]:
        assert min((one ^ another).bit_count() for one in found[0] for another in other) <= NEAR_BITS[LEVELS // 4]


def test_a_bar_along_a_whole_side_makes_no_patch_known():
    for words in ("stock", "pictures of all kinds"):
        drawn = Image.new("L", (320, 264))
        drawn.paste(picture(320, 240, seed=4))
        ImageDraw.Draw(drawn).text((4, 246), words, fill=255)
        corners = corner_hashes([opened(drawn)])
        assert len(corners.row)
        assert not corners.sure.any()


@pytest.mark.shared
def test_of_real_photos_no_two_have_the_same_corner():
    folder = shared("data", "photos", "clothing", "images")
    pictures = [open_picture(path.read_bytes(), Decode(), "fast") for path in sorted(folder.rglob("*.jpg"))[:150]]
    corners = corner_hashes(pictures)
    assert 3 < len(corners.row) / len(pictures) < 10
    sure = corners.where(corners.sure)
    counts = Counter(set(zip(sure.place.tolist(), sure.hashes.tolist(), sure.row.tolist(), strict=True)))
    assert max(Counter((place, found) for place, found, _ in counts).values()) <= 2
