"""What is written in two drawn pictures is compared window by window, a pixel around, wherever one of them lies on the other."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.images.test_alignment import through
from transforms.images.closely import closely_unlike

SIDE = 96
STILL = np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])


def written(text: str, top: int = 120) -> np.ndarray:
    image = Image.new("L", (SIDE * 4, SIDE * 4), 245)
    draw = ImageDraw.Draw(image)
    for line in range(4):
        draw.text((40, top + 60 * line), text if line == 2 else "always the same", font=ImageFont.load_default(34), fill=10)
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX)).reshape(-1)


def found(one: np.ndarray, other: np.ndarray, to: np.ndarray = STILL) -> list[float]:
    measures = closely_unlike(np.stack([one, other]), np.array([0]), np.array([1]), to)
    return [float(measure[0]) for measure in measures]


def by_the_book(one: np.ndarray, other: np.ndarray, to: np.ndarray) -> list[float]:
    """The docstring of `closely_unlike`, in float64."""
    still, seen = one.reshape(SIDE, SIDE).astype(float), through(other.reshape(SIDE, SIDE).astype(float), to)
    places = (np.arange(SIDE) + 0.5) / SIDE
    lead = to[:, 0, None, None] * places[:, None] + to[:, 1, None, None] * places + to[:, 2, None, None]
    inside = ((lead >= 0) & (lead <= 1)).all(axis=0)
    either, both = [], []
    for down, along in ((1, 0), (0, 1)):
        ends = np.zeros((SIDE, SIDE), bool)
        slopes = np.zeros((2, SIDE, SIDE))
        for i in range(down, SIDE - down):
            for j in range(along, SIDE - along):
                ends[i, j] = inside[i + down, j + along] and inside[i - down, j - along]
                slopes[:, i, j] = [ends[i, j] * (p[i + down, j + along] - p[i - down, j - along]) for p in (still, seen)]
        around = np.pad(slopes[1], 1)
        for i in range(0, SIDE - 7, 4):
            for j in range(0, SIDE - 7, 4):
                mine, theirs = slopes[:, i : i + 8, j : j + 8]
                vary = [(window**2).mean() for window in (mine, theirs)]
                if ends[i : i + 8, j : j + 8].mean() < 0.6 or max(vary) <= 100:
                    continue
                moved = [around[i + y : i + y + 8, j + x : j + x + 8] for y in range(3) for x in range(3)]
                either.append(1 - max(((mine * w).mean() + 16) / np.sqrt((vary[0] + 16) * ((w * w).mean() + 16)) for w in moved))
                both += either[-1:] if min(vary) > 100 else []
    return [max(either, default=0), max(both, default=0), sorted(both)[(len(both) - 1) // 2] if both else 0]


@pytest.mark.parametrize("to", [STILL[0], np.array([[0.96, 0.01, 0.02], [-0.01, 1.03, 0.013]])], ids=["as they are", "through a map"])
def test_windows_are_those_of_the_book(to):
    one, other = written("what it says"), written("something else")
    np.testing.assert_allclose(found(one, other, to[None]), by_the_book(one, other, to), atol=2e-3)


def test_other_words_are_unlike_and_the_rest_of_the_page_is_not():
    _, most, usual = found(written("what it says"), written("something else"))
    assert most > 0.4
    assert usual < 0.05


def test_the_same_words_a_pixel_away_or_in_another_tone_are_alike():
    one = written("what it says")
    for other in (written("what it says", top=124), (one * 0.6 + 60).astype(np.uint8)):
        _, most, _ = found(one, other)
        assert most < 0.2


def test_what_lies_over_one_of_two_varies_there_alone():
    page = written("what it says")
    stamped = page.copy().reshape(SIDE, SIDE)
    stamped[4:20, 60:90][::4] = 0
    covered, most, _ = found(page, stamped.reshape(-1))
    assert covered > 0.6
    assert most < 0.2


def test_a_pair_comes_out_alike_whatever_stands_beside_it():
    pages = np.stack([written(text) for text in ("one", "two", "three", "four", "five", "six")])
    still, moved = np.triu_indices(len(pages), 1)
    together = closely_unlike(pages, still, moved, np.repeat(STILL, len(still), axis=0))
    for place, pair in enumerate(zip(still, moved, strict=True)):
        assert [float(measure[place]) for measure in together] == found(*pages[list(pair)])


def test_even_pictures_and_no_pairs_say_nothing():
    even = np.full(SIDE * SIDE, 90, np.uint8)
    assert found(even, even) == [0, 0, 0]
    assert [len(measure) for measure in closely_unlike(even[None], np.empty(0, int), np.empty(0, int), np.empty((0, 2, 3)))] == [0, 0, 0]
