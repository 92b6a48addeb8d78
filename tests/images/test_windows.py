"""Two lines of text in one place are told apart along the line; copies, bare ground and what lies over one picture are not."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from tests.images.test_alignment import slopes, through
from transforms.images.windows import unlikeness

SIDE, CELL, WINDOWS = 48, 3, 15
STILL = np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])


def reference(still: np.ndarray, moved: np.ndarray, to: np.ndarray) -> tuple[float, float]:
    """The docstring of `unlikeness` by the book, in float64."""
    middle = (np.arange(SIDE) + 0.5) / SIDE
    places = to[:, 0, None, None] * middle[:, None] + to[:, 1, None, None] * middle + to[:, 2, None, None]
    inside = ((places >= 0) & (places <= 1)).all(axis=0)
    inside[[0, -1]] = inside[:, [0, -1]] = False
    anywhere, shared = [0.0], [0.0]
    for one, other in zip(slopes(still.astype(float)), slopes(through(moved.astype(float), to)), strict=True):
        for i, j in np.ndindex(WINDOWS, WINDOWS):
            window = slice(CELL * i, CELL * (i + 2)), slice(CELL * j, CELL * (j + 2))
            a, b = ((slope * inside)[window] for slope in (one, other))
            mine, theirs = (a**2).mean(), (b**2).mean()
            unlike = 1 - (a * b).mean() / np.sqrt(mine * theirs + 0.5**4)
            if max(mine, theirs) > 2**2:
                anywhere.append(unlike)
            if min(mine, theirs) > 3**2 and 2 <= i < 13 and 1 <= j < 14:
                shared.append(unlike)
    return max(anywhere), max(shared)


def found(one: np.ndarray, other: np.ndarray, to: np.ndarray = STILL) -> np.ndarray:
    return unlikeness(np.stack([one, other]).reshape(2, -1), np.array([0]), np.array([1]), to)[0]


def small(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX))


def line(text: str) -> Image.Image:
    image = Image.new("L", (600, 300), 255)
    draw = ImageDraw.Draw(image)
    draw.rectangle((10, 10, 590, 290), outline=0, width=6)
    draw.text((300, 150), text, font=ImageFont.load_default(26), fill=0, anchor="mm")
    return image


TURNED, MIRRORED = np.array([[[0.9, 0.03, 0.02], [-0.03, 0.9, 0.08]]]), np.array([[[1.0, 0.0, 0.1], [0.0, -1.0, 1.0]]])


@pytest.mark.parametrize("to", [STILL, TURNED, MIRRORED])
def test_the_kernel_is_the_formula_in_numpy(to):
    rng = np.random.default_rng(4)
    still = np.kron(rng.integers(0, 256, (16, 16)), np.ones((3, 3))).astype(np.uint8)
    moved = (still // 2 + rng.integers(0, 60, still.shape)).astype(np.uint8)
    assert found(still, moved, to) == pytest.approx(reference(still, moved, to[0]), abs=1e-4)


def test_another_text_in_the_same_place_is_unlike_and_a_smaller_blurred_or_paler_copy_is_not():
    one, other = line("passed the course of painting"), line("ended a lesson in fishing now")
    assert found(small(one), small(other)).min() > 0.8
    for copy in (one.reduce(2), one.filter(ImageFilter.GaussianBlur(3)), one.point([128 + level // 2 for level in range(256)])):
        anywhere, shared = found(small(one), small(copy))
        assert shared < 0.3
    assert anywhere < 0.3


def test_what_lies_over_bare_ground_varies_in_one_picture_alone():
    stamped = line("passed the course of painting")
    ImageDraw.Draw(stamped).rectangle((200, 200, 400, 250), fill=60)
    anywhere, shared = found(small(line("passed the course of painting")), small(stamped))
    assert anywhere >= 1
    assert shared < 0.3


def test_pictures_that_do_not_vary_are_not_unlike():
    assert not found(np.full((SIDE, SIDE), 90, np.uint8), np.full((SIDE, SIDE), 200, np.uint8)).any()


def test_each_pair_is_judged_alike_alone_and_in_any_batch():
    pictures, to = np.random.default_rng(8).integers(0, 256, (20, SIDE * SIDE)).astype(np.uint8), np.repeat(STILL, 10, axis=0)
    still, moved = np.random.default_rng(9).permutation(20).reshape(2, 10)
    together = unlikeness(pictures, still, moved, to)
    for row in range(10):
        some = slice(row, row + 1)
        assert (unlikeness(pictures, still[some], moved[some], to[some]) == together[some]).all()
