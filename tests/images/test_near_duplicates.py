"""Hash, thumbnail and alignment together on real photos: edited copies are found, look-alikes are not."""

import functools
import io
import pathlib

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from schemas.job import Decode
from tests.images.agreeing import agreements
from tests.images.drawing import encoded
from tests.shared_data import shared
from transforms.images.alignment import AGREE
from transforms.images.decode import open_picture
from transforms.images.nearest import mirror_maps
from transforms.images.phash import Hashes, hash_pictures
from transforms.images.shown import Shown

RADIUS = 4


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    return encoded(image.convert("RGB"), "JPEG", quality=quality)


def bordered(image: Image.Image) -> Image.Image:
    return ImageOps.pad(image.convert("RGB"), (256, 256), color="white")


EDITS = {
    "q95": lambda image: jpeg(image, 95),
    "q60": lambda image: jpeg(image, 60),
    "q30": lambda image: jpeg(image, 30),
    "webp60": lambda image: encoded(image.convert("RGB"), "WEBP", quality=60),
    "half": lambda image: jpeg(image.resize((image.width // 2, image.height // 2))),
    "border256": lambda image: jpeg(bordered(image)),
    "mirror": lambda image: jpeg(ImageOps.mirror(image.convert("RGB"))),
    "brighter": lambda image: jpeg(ImageEnhance.Brightness(image.convert("RGB")).enhance(1.15)),
    "grey": lambda image: jpeg(ImageOps.grayscale(image)),
}


@functools.cache
def photos() -> list[pathlib.Path]:
    return sorted(path for path in shared("data", "photos").rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))


def hashed(raws: list[bytes], mode: str) -> Hashes:
    return hash_pictures([open_picture(raw, Decode(), mode) for raw in raws])


def nearest(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least distance over any pair of views of [..., 4] and [..., 4], and whether that pair mirrors."""
    distances = np.bitwise_count(left[..., :, None] ^ right[..., None, :]).reshape(*left.shape[:-1], 16)
    best = distances.argmin(axis=-1)
    return distances.min(axis=-1), (best // 4 + best % 4) % 2 == 1


@pytest.mark.shared
@pytest.mark.parametrize("mode", ["fast", "exact"])
def test_ninety_nine_of_a_hundred_edited_copies_are_found_and_verified(mode):
    """Brightening clips highlights: `imagehash.phash` itself finds 0.966 of these copies within the radius."""
    raws = [path.read_bytes() for path in photos()[::7]]
    of_photos = hashed(raws, mode)
    images = [Image.open(io.BytesIO(raw)) for raw in raws]
    verified = {}
    for name, edit in EDITS.items():
        copies = hashed([edit(image) for image in images], mode)
        distance, mirrored = nearest(of_photos.phashes, copies.phashes)
        agreed = agreements(Shown.of(of_photos.thumbnails), Shown.of(copies.thumbnails), mirror_maps(mirrored)) >= AGREE
        verified[name] = ((distance <= RADIUS) & agreed).mean()
    assert np.mean(list(verified.values())) >= 0.99
    assert verified.pop("brighter") >= 0.96
    assert min(verified.values()) >= 0.99, verified


@pytest.mark.shared
def test_no_two_different_photos_are_verified_look_alikes_included():
    hashes = hashed([path.read_bytes() for path in photos()], "fast")
    compared = 0
    for row in range(len(photos()) - 1):
        distance, mirrored = nearest(np.broadcast_to(hashes.phashes[row], hashes.phashes[row + 1 :].shape), hashes.phashes[row + 1 :])
        others = np.flatnonzero(distance <= 10)
        compared += len(others)
        still = np.repeat(hashes.thumbnails[row : row + 1], len(others), axis=0)
        assert (agreements(Shown.of(still), Shown.of(hashes.thumbnails[row + 1 :][others]), mirror_maps(mirrored[others])) < AGREE).all()
    assert compared > 50


@pytest.mark.shared
def test_fast_and_exact_find_the_same_border_and_hashes_four_bits_apart_at_most():
    raws = [jpeg(bordered(Image.open(path)), 80) for path in photos()[::60]] + [path.read_bytes() for path in photos()[::60]]
    fast, exact = ([open_picture(raw, Decode(), mode) for raw in raws] for mode in ("fast", "exact"))
    assert [picture.box for picture in fast] == [picture.box for picture in exact]
    assert sum(picture.box != (0, 0, *picture.grey.shape[::-1]) for picture in fast) >= len(raws) // 3
    assert np.bitwise_count(hash_pictures(fast).phashes ^ hash_pictures(exact).phashes).max() <= 4
