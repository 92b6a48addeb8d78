import io

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from schemas.job import Decode
from schemas.signatures import PHASHES
from tests.images.drawing import encoded, photo
from tests.shared_data import shared
from transforms.images.decode import Picture, PictureError, open_picture
from transforms.images.phash import above_median, hash_pictures, low_frequencies, mirror, near_median


def opened(image: Image.Image, mode: str = "exact") -> Picture:
    return open_picture(encoded(image, "PNG"), Decode(), mode)


def reference(image: Image.Image) -> int:
    return int(str(imagehash.phash(image)), 16)


def test_the_hash_is_imagehashs_on_drawn_pictures():
    pictures = [photo(300, 200, seed) for seed in range(40)]
    hashes = hash_pictures([opened(picture) for picture in pictures])
    assert hashes.phash.tolist() == [reference(picture) for picture in pictures]
    assert not hashes.low_detail.any()


def test_mirrors_by_sign_flips_are_the_hashes_of_turned_pictures():
    grey = np.stack([np.asarray(photo(32, 32, seed).convert("L")) for seed in range(50)])
    flipped = above_median(low_frequencies(np.ascontiguousarray(grey[:, :, ::-1])))
    assert above_median(mirror(low_frequencies(grey))).tolist() == flipped.tolist()


def test_the_views_are_whole_and_trimmed_each_with_its_mirror():
    assert PHASHES == ("plain", "plain_mirrored", "trimmed", "trimmed_mirrored")
    inner = photo(300, 200)
    framed = ImageOps.expand(inner, border=40, fill="white")
    views = hash_pictures([opened(inner), opened(framed), opened(ImageOps.mirror(framed))]).phashes
    assert views[0, 0] == views[0, 2]
    assert np.bitwise_count(views[1, 2] ^ views[0, 0]) <= 2
    assert np.bitwise_count(views[1, 0] ^ views[0, 0]) > 4
    assert (views[2, 0], views[2, 2]) == (views[1, 1], views[1, 3])


@pytest.mark.parametrize("mode", ["fast", "exact"])
def test_flat_and_symmetric_pictures_are_low_detail(mode):
    disc = Image.new("L", (256, 256), 255)
    ImageDraw.Draw(disc).ellipse((64, 64, 191, 191), fill=0)
    flat = Image.new("RGB", (300, 300), (90, 120, 30))
    hashes = hash_pictures([opened(flat, mode), opened(disc, mode), opened(photo(), mode)])
    assert hashes.low_detail.tolist() == [True, True, False]


def test_rows_without_a_picture_are_low_detail_and_move_no_other_row():
    picture = opened(photo())
    alone, among = hash_pictures([picture]), hash_pictures([None, picture, None])
    assert among.low_detail.tolist() == [True, False, True]
    assert among.phashes[1].tolist() == alone.phashes[0].tolist()
    assert not among.thumbnails[[0, 2]].any()
    assert np.array_equal(among.thumbnails[1], picture.thumbnail)
    assert len(hash_pictures([]).phash) == 0


def test_no_order_of_summation_can_decide_a_bit():
    grey = np.random.default_rng(3).integers(0, 256, (20, 32, 32), dtype=np.uint8)
    mixed = np.random.default_rng(4).permutation(20)
    alone = np.stack([low_frequencies(picture) for picture in grey])
    assert np.array_equal(alone, low_frequencies(grey))
    assert np.array_equal(low_frequencies(grey[mixed]), alone[mixed])
    rows = np.arange(32)[:, None]
    cosines = 2 * np.cos(np.pi * np.arange(8) * (2 * rows + 1) / 64)
    assert np.abs(alone.reshape(-1, 8, 8) - cosines.T @ grey @ cosines).max() < 2**-10


@pytest.mark.shared
@pytest.mark.parametrize("folder", ["photos/clothing", "photos/imagenet", "near_duplicates/imagehash", "hostile_images"])
def test_the_hash_is_imagehashs_on_real_pictures(folder):
    compared = 0
    for path in sorted(path for path in shared("data", *folder.split("/")).rglob("*") if path.is_file())[
        :: 1 if "imagehash" in folder else 5
    ]:
        raw = path.read_bytes()
        try:
            picture = open_picture(raw, Decode(), "exact")
            stored = Image.open(io.BytesIO(raw))
            stored.load()
        except (PictureError, OSError, SyntaxError, ValueError):
            continue
        opaque = stored.mode in ("L", "RGB") or (stored.mode == "RGBA" and stored.getextrema()[3] == (255, 255))
        if (
            not opaque
            or "transparency" in stored.info
            or (picture.width, picture.height) != stored.size
            or stored.getexif().get(0x0112, 1) != 1
        ):
            continue
        if not near_median(low_frequencies(picture.small))[0]:
            assert int(hash_pictures([picture]).phash[0]) == reference(stored), path.name
            compared += 1
    assert compared >= 1
