"""Two prints on one thing are contested where pairs agree all the same; a photo and what is done to it are not."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from tests.images.drawing import photo
from tests.images.test_both_ways import stamped
from tests.images.test_kinds import pictures
from transforms.images.alignment import AGREE
from transforms.match.verify import Pictures, contested_pictures, picture_agreements

COPIES = {
    "saved": lambda image: image,
    "stamped": stamped,
    "mirrored": ImageOps.mirror,
    "smaller": lambda image: image.resize((240, 180)),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "darker": lambda image: image.point(lambda level: int(255 * (level / 255) ** 1.5)),
}


def mug(print_: str) -> Image.Image:
    """On a table, with a small print."""
    image = photo(480, 360, seed=3)
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((190, 110, 310, 250), 20, fill=(228, 224, 215))
    if print_ == "cat":
        draw.polygon([(225, 140), (240, 155), (260, 155), (275, 140), (275, 195), (225, 195)], fill=(90, 90, 90))
    else:
        for stroke in (218, 238, 258, 276):
            draw.line((stroke, 181, stroke + 6, 221), fill=(40, 40, 40), width=9)
    return image


@pytest.fixture(scope="module")
def mugs() -> tuple[Pictures, Pictures]:
    """What all copies of each of two are compared by."""
    cat, word = (pictures([edit(mug(print_)) for edit in COPIES.values()], 80) for print_ in ("cat", "word"))
    return cat, word


def test_pairs_of_two_that_agree_all_the_same_are_contested_and_of_one_hardly_any(mugs):
    one, other = (side.ravel() for side in np.indices((len(COPIES), len(COPIES))))
    agree = picture_agreements(mugs[0], one, mugs[1], other) >= AGREE
    assert agree.sum() >= 6, "or nothing is asked"
    assert contested_pictures(mugs[0], one, mugs[1], other).tolist() == agree.tolist()
    left, right = np.triu_indices(len(COPIES), 1)
    for copies in mugs:
        assert picture_agreements(copies, left, copies, right).min() >= AGREE
        assert contested_pictures(copies, left, copies, right).sum() <= 1, "of fifteen, that which is stamped and the darker one"


def test_which_picture_of_a_pair_is_the_first_changes_nothing_nor_do_the_other_pairs(mugs):
    one, other = (side.ravel() for side in np.indices((len(COPIES), len(COPIES))))
    found = contested_pictures(mugs[0], one, mugs[1], other)
    assert contested_pictures(mugs[1], other, mugs[0], one).tolist() == found.tolist()
    assert contested_pictures(mugs[0], one[::3], mugs[1], other[::3]).tolist() == found[::3].tolist()


def test_what_does_not_agree_is_not_contested():
    rows = pictures([photo(480, 360, seed=seed) for seed in range(4)])
    left, right = np.triu_indices(4, 1)
    assert picture_agreements(rows, left, rows, right).max() < AGREE
    assert not contested_pictures(rows, left, rows, right).any()
