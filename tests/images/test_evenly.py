"""Photos that hardly agree, but do so everywhere, are one; those that differ somewhere are not, however well they agree elsewhere."""

import numpy as np
from PIL import Image

from tests.images.drawing import photo
from tests.images.test_kinds import pictures
from transforms.images import alignment
from transforms.images.alignment import AGREE
from transforms.match.verify import picture_agreements


def rough(image: Image.Image, by: float, rows: slice = slice(None)) -> Image.Image:
    """With noise on some rows that is the same at every scale a thumbnail shows."""
    pixels = np.asarray(image).astype(float)
    coarse = np.random.default_rng(3).normal(0, by, (72, 96, 1)).repeat(4, 0).repeat(4, 1)[: pixels.shape[0], : pixels.shape[1]]
    pixels[rows] += coarse[rows]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


STRENGTHS = (10, 14, 18, 22, 26, 30, 36, 44, 54, 66, 80, 100, 130, 170)


def agreed(images: list[Image.Image], copies: list[Image.Image], monkeypatch) -> tuple[np.ndarray, np.ndarray]:
    """How well copies agree with a picture, and how well without the rule."""
    found = pictures([*images, *copies])
    pairs = found, np.zeros(len(copies), int), found, np.arange(1, len(copies) + 1)
    ruled = picture_agreements(*pairs)
    with monkeypatch.context() as patch:
        patch.setattr(alignment, "_EVENLY", 1.0)
        return ruled, picture_agreements(*pairs)


def test_what_is_rough_all_over_still_agrees(monkeypatch):
    image = photo(384, 288, seed=5)
    ruled, bare = agreed([image], [rough(image, by) for by in STRENGTHS], monkeypatch)
    hardly = (bare >= 0.62) & (bare < AGREE)
    assert hardly.any()
    assert (ruled[hardly] == AGREE).all()
    assert (ruled[~hardly] == bare[~hardly]).all()


def test_what_is_rough_in_one_part_does_not(monkeypatch):
    image = photo(384, 288, seed=5)
    ruled, bare = agreed([image], [rough(image, by, slice(0, 96)) for by in STRENGTHS], monkeypatch)
    assert ((bare >= 0.62) & (bare < AGREE)).any()
    assert ruled.tolist() == bare.tolist()


def test_nor_does_what_has_a_ground_of_one_colour(monkeypatch):
    image = photo(384, 288, seed=5)
    copies = [rough(image, by) for by in STRENGTHS]
    for picture in (image, *copies):
        picture.paste((200, 60, 60), (60, 40, 300, 140))
    ruled, bare = agreed([image], copies, monkeypatch)
    assert ((bare >= 0.62) & (bare < AGREE)).any()
    assert ruled.tolist() == bare.tolist()
