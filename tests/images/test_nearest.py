"""Which views of two pictures are nearest, and where the one picture then lies in the other."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from schemas.job import Decode
from schemas.signatures import LOOKED_UP, PARTS, VIEWS
from tests.images.agreeing import agreements
from tests.images.drawing import encoded, photo
from tests.shared_data import shared
from transforms.images.alignment import AGREE
from transforms.images.decode import open_picture
from transforms.images.maps import after, inverted, mirror_maps, rounded
from transforms.images.nearest import ORIENTATIONS, nearest_views, orient
from transforms.images.shown import Shown
from transforms.images.views import Views, describe


def described(images: list[Image.Image]) -> tuple[Views, np.ndarray]:
    pictures = [open_picture(encoded(image.convert("RGB"), "JPEG", quality=85), Decode(), "fast") for image in images]
    return describe(pictures), np.stack([picture.thumbnail for picture in pictures])


def side(views: Views, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return views.have[rows], views.hashes[rows], views.geometry[rows]


def edits(image: Image.Image) -> list[Image.Image]:
    image = image.convert("RGB")
    width, height = image.size
    meme = Image.new("RGB", (width, height + height // 6), "white")
    meme.paste(image, (0, height // 6))
    return [
        image,
        ImageOps.mirror(image),
        image.crop((width // 10, height // 10, width - width // 10, height - height // 10)),
        image.crop((0, 0, width, height - height // 10)),
        image.crop((0, 0, width - width // 12, height - height // 12)),
        ImageOps.expand(image, border=width // 15, fill="navy"),
        meme,
        image.rotate(2, Image.Resampling.BICUBIC).crop((width // 30, height // 30, width - width // 30, height - height // 30)),
        image.transpose(Image.Transpose.ROTATE_90),
        image.transpose(Image.Transpose.ROTATE_180),
    ]


def by_hand(views: Views, one: int, other: int) -> int:
    """The least distance of all that are compared, looked at one by one."""
    best = 65
    for a, b in ((one, other), (other, one)):
        for view, name in enumerate(VIEWS):
            for entry, among in enumerate(VIEWS):
                for orientation in range(ORIENTATIONS):
                    opposite = {"left": "right", "right": "left"}.get(name, name) if orientation else name
                    part = name in PARTS and among == opposite and orientation < 2
                    whole = name not in PARTS and among in LOOKED_UP and (among != "untrimmed" or orientation < 2)
                    if (part or whole) and views.have[a] >> view & 1 and views.have[b] >> entry & 1:
                        turned = orient(views.hashes[b, entry : entry + 1], orientation)[0]
                        best = min(best, int(np.bitwise_count(views.hashes[a, view] ^ turned)))
    return best


def test_the_nearest_is_the_least_of_everything_that_is_compared():
    views, _ = described([photo(300, 240, 1), photo(240, 300, 2), *edits(photo(300, 240, 3))[5:7]])
    left, right = np.triu_indices(4, 1)
    _, distances = nearest_views(side(views, left), side(views, right))
    assert distances.tolist() == [by_hand(views, a, b) for a, b in zip(left.tolist(), right.tolist(), strict=True)]


def test_an_edited_copy_lies_where_its_nearest_views_say():
    for seed in range(4):
        views, thumbnails = described(edits(photo(360, 260, seed)))
        left, right = (plane.ravel() for plane in np.mgrid[:1, : len(views.have)])
        maps, _ = nearest_views(side(views, left), side(views, right))
        assert (agreements(Shown.of(thumbnails[left]), Shown.of(thumbnails[right]), maps) >= AGREE).all()
        assert np.allclose(maps[1], mirror_maps(np.array([True]))[0])
        assert np.allclose(maps[2], [[1.25, 0, -0.125], [0, 1.25, -0.125]], atol=0.05)


def test_left_and_right_may_change_places():
    views, thumbnails = described([*edits(photo(360, 260, 8)), *edits(photo(360, 260, 9))])
    left, right = (plane.ravel() for plane in np.mgrid[: len(views.have), : len(views.have)])
    maps, distances = nearest_views(side(views, left), side(views, right))
    back, same = nearest_views(side(views, right), side(views, left))
    assert distances.tolist() == same.tolist()
    assert np.array_equal(rounded(inverted(back)), rounded(maps))
    one, other = Shown.of(thumbnails[left]), Shown.of(thumbnails[right])
    assert agreements(one, other, maps).tolist() == agreements(other, one, back).tolist()


def test_a_pair_is_judged_alike_alone_and_in_any_batch():
    views, thumbnails = described(edits(photo(360, 260, 8)))
    left, right = (plane.ravel() for plane in np.mgrid[: len(views.have), : len(views.have)])
    maps, _ = nearest_views(side(views, left), side(views, right))
    together = agreements(Shown.of(thumbnails[left]), Shown.of(thumbnails[right]), maps)
    for k in (0, 13, 57, 98):
        one = slice(k, k + 1)
        own, _ = nearest_views(side(views, left[one]), side(views, right[one]))
        assert agreements(Shown.of(thumbnails[left[one]]), Shown.of(thumbnails[right[one]]), own)[0] == together[k]


def test_two_maps_after_each_other_are_the_map_of_both():
    draw = np.random.default_rng(0)
    one, other = draw.uniform(-1, 1, (2, 5, 2, 3))
    square = [np.concatenate([maps, np.tile([[[0.0, 0.0, 1.0]]], (5, 1, 1))], axis=1) for maps in (one, other)]
    assert np.allclose(after(one, other), (square[0] @ square[1])[:, :2])
    assert np.allclose(after(inverted(one), one), [[1, 0, 0], [0, 1, 0]])


@pytest.mark.shared
def test_edited_photos_are_found_by_their_views_and_no_look_alike_is_merged():
    paths = sorted(shared("data", "photos", "clothing").rglob("*.jp*g"))[:60]
    photos = [ImageOps.contain(Image.open(path).convert("RGB"), (500, 500)) for path in paths]
    views, thumbnails = described([edit for image in photos[:12] for edit in edits(image)] + photos[12:])
    of = np.array([k // 10 if k < 120 else k for k in range(len(views.have))])
    left, right = np.triu_indices(len(of), 1)
    maps, distances = nearest_views(side(views, left), side(views, right))
    near = np.flatnonzero(distances <= 8)
    agreed = near[agreements(Shown.of(thumbnails[left[near]]), Shown.of(thumbnails[right[near]]), maps[near]) >= AGREE]
    same = of[left] == of[right]
    assert same[agreed].all()
    copies = same & (left % 10 == 0)
    assert len(np.intersect1d(agreed, np.flatnonzero(copies))) >= 0.97 * copies.sum()
