"""What saving, resizing and toning do to a picture is explained; another character is not, and another print is no stamp laid over."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from tests.images.test_alignment import GRID, slopes, through
from tests.images.test_kinds import pictures
from transforms.images.alignment import AGREE
from transforms.images.differences import differences
from transforms.match.verify import picture_agreements

SIDE = 48
STILL = np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])


def plate(text: str) -> Image.Image:
    image = Image.new("RGB", (520, 120), "white")
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((3, 3, 517, 117), 12, outline="black", width=4)
    draw.rectangle((6, 6, 50, 114), fill="navy")
    draw.text((70, 12), text, font=ImageFont.load_default(80), fill="black")
    return image


def thumbnail(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)).reshape(1, -1)


def found(one: np.ndarray, other: np.ndarray, to: np.ndarray = STILL) -> tuple[float, float, float]:
    everywhere, each, either = differences(np.concatenate([one, other]), np.array([0]), np.array([1]), to, np.ones(1, bool), 0.0)
    return float(everywhere[0]), float(each[0]), float(either[0])


def reference(still: np.ndarray, moved: np.ndarray, to: np.ndarray) -> tuple[float, float, float]:
    """The docstrings of `differences` and `exchanged` by the book, one pair of uint8 [48, 48], in float64."""
    pictures = [soft(still), soft(through(moved.astype(float), to))]
    middle = (np.arange(SIDE) + 0.5) / SIDE
    places = to[:, 0, None, None] * middle[:, None] + to[:, 1, None, None] * middle + to[:, 2, None, None]
    inside = ((places >= 0) & (places <= 1)).all(axis=0)
    one, other = ((picture - picture[inside].mean()) * inside for picture in pictures)
    gain = np.sqrt(((one**2).sum() + 1) / ((other**2).sum() + 1))
    other *= gain
    down, along = slopes(other)
    bent = np.zeros_like(other)
    bent[1:-1, 1:-1] = other[2:, 1:-1] + other[:-2, 1:-1] + other[1:-1, 2:] + other[1:-1, :-2] - 4 * other[1:-1, 1:-1]
    causes = [inside * 1.0, other, down * inside, along * inside, bent * inside]
    shares, windows = np.zeros((len(causes), GRID, GRID)), np.zeros((GRID, GRID))
    for i, j in np.ndindex(GRID - 1, GRID - 1):
        window = slice(8 * i, 8 * i + 16), slice(8 * j, 8 * j + 16)
        design = np.stack([cause[window].ravel() for cause in causes])
        prior = np.diag((2 / np.array([30, 0.25, 0.3, 0.3, 0.125])) ** 2)
        found = np.linalg.solve(design @ design.T + prior, design @ (one - other)[window].ravel())
        shares[:, i : i + 2, j : j + 2] += found[:, None, None]
        windows[i : i + 2, j : j + 2] += 1
    off = one - other
    rest = off - sum(cause * np.kron(share / windows, np.ones((8, 8))) for cause, share in zip(causes, shares, strict=True))
    weaker = min(1, 1 / gain)
    rest, off, other = rest * weaker * inside, off * weaker, other * weaker
    allowed = 1.5**2 + (0.15 * weaker) ** 2 * patches(down**2 + along**2)
    return np.sqrt((patches(rest**2) / allowed).max()), *apart(other + off, other, rest, inside, allowed)


def apart(one: np.ndarray, other: np.ndarray, rest: np.ndarray, inside: np.ndarray, allowed: np.ndarray) -> tuple[float, float]:
    within = np.pad(inside, 1)
    within = within[1:-1, 1:-1] & within[:-2, 1:-1] & within[2:, 1:-1] & within[1:-1, :-2] & within[1:-1, 2:]
    within[[0, -1]] = within[:, [0, -1]] = False
    left = np.where(rest * (one - other) > 0, np.minimum(rest**2, (one - other) ** 2), 0) * within
    agree = np.pad(patches(left) < 2 * allowed, ((1, 2), (1, 2)), mode="edge") & inside
    near = np.outer([1, 2, 3, 4, 3, 2, 1], [1, 2, 3, 4, 3, 2, 1])
    weight, total = (around(plane, near) for plane in (agree * 1.0, agree * (one + other) / 2))
    off = [np.abs(picture - total / np.maximum(weight, 1)) for picture in (one, other)]
    bare = (weight > 0) & (np.minimum(*off) < np.abs(one - other))
    parts = bare & (off[0] > off[1]), bare & (off[1] > off[0]), within
    most = [np.sqrt((patches(left * part) / allowed)[8:-8, 4:-4].max()) for part in parts]
    return min(most[:2]), most[2]


def around(plane: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return (np.lib.stride_tricks.sliding_window_view(np.pad(plane, 3), weights.shape) * weights).sum(axis=(2, 3))


def soft(picture: np.ndarray) -> np.ndarray:
    wide = np.pad(picture.astype(float), 1, mode="edge")
    down = (wide[:-2] + 2 * wide[1:-1] + wide[2:]) / 4
    return (down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]) / 4


def patches(plane: np.ndarray) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(plane, (4, 4)).mean(axis=(2, 3))


EDITS = {
    "softer": lambda image: image.filter(ImageFilter.GaussianBlur(1.5)),
    "more contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.4),
    "darker": lambda image: image.point([int(255 * (level / 255) ** 1.6) for level in range(256)] * 3),
    "grey": lambda image: ImageOps.grayscale(image).convert("RGB"),
    "smaller": lambda image: image.resize((260, 60)),
}


MAPS = {
    "as it is": [[1, 0, 0], [0, 1, 0]],
    "moved": [[1, 0, 0.11], [0, 1, -0.004]],
    "turned and smaller": [[0.9, 0.1, 0.02], [-0.1, 0.95, 0.1]],
    "mirrored": [[1, 0, 0], [0, -1, 1]],
}


@pytest.mark.parametrize("name", MAPS)
def test_the_kernels_are_the_formula_in_numpy(name):
    to = np.array(MAPS[name], float)
    texts = ["KA BX 2841", "KA BX 2847", "HB LM 6841"]
    pairs = [(thumbnail(plate(text)), thumbnail(edit(plate(text)))) for text in texts for edit in EDITS.values()]
    pairs += [(thumbnail(plate(text)), thumbnail(plate(texts[0]))) for text in texts]
    left, right = (np.concatenate(side) for side in zip(*pairs, strict=True))
    every, order = np.ones(len(pairs), bool), np.arange(2 * len(pairs)).reshape(2, -1)
    results = np.stack(differences(np.concatenate([left, right]), *order, np.repeat(to[None], len(pairs), axis=0), every, 0.0))
    for still, moved, result in zip(left, right, results.T, strict=True):
        assert result == pytest.approx(reference(still.reshape(SIDE, SIDE), moved.reshape(SIDE, SIDE), to), rel=2e-3, abs=2e-3)


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_less_than_half_of_what_another_character_is(edit):
    original = thumbnail(plate("KA BX 2841"))
    edited, another = (found(original, thumbnail(image))[0] for image in (EDITS[edit](plate("KA BX 2841")), plate("KA BX 2847")))
    assert 2 * edited < another


def test_a_shift_by_a_fifth_of_a_pixel_is_explained():
    one = thumbnail(plate("KA BX 2841"))
    moved = STILL + np.array([[[0, 0, 0.2 / SIDE], [0, 0, 0.2 / SIDE]]])
    assert found(one, one)[0] < 0.1
    assert found(one, one, moved)[0] < 2.5


def test_of_a_picture_and_what_is_laid_over_it_one_alone_has_something_and_of_two_texts_each():
    plain, other = plate("KA BX 2841"), plate("KA ZC 9337")
    laid_over = plain.copy()
    ImageDraw.Draw(laid_over).rectangle((300, 15, 330, 30), fill="black")
    everywhere, each, either = found(thumbnail(plain), thumbnail(laid_over))
    assert min(everywhere, either) > 5
    assert each < 2.5
    assert found(thumbnail(plain), thumbnail(other))[1] > 5


def test_a_stamp_or_a_banner_along_an_edge_is_not_asked_what_it_covers():
    plain = plate("KA BX 2841")
    covered = plain.copy()
    ImageDraw.Draw(covered).rectangle((0, 106, 520, 120), fill="grey")
    everywhere, _, either = found(thumbnail(plain), thumbnail(covered))
    assert everywhere > 10
    assert either < 2


def test_what_may_lie_over_a_picture_is_asked_of_pairs_that_may_and_that_differ_much():
    one, other = thumbnail(plate("KA BX 2841")), thumbnail(plate("KA ZC 9337"))
    both, still, moved = np.concatenate([one, other]), np.array([0, 0, 0]), np.array([1, 1, 0])
    everywhere, each, either = differences(both, still, moved, np.repeat(STILL, 3, axis=0), np.array([True, False, True]), 2.0)
    assert (everywhere > 2).tolist() == [True, True, False]
    assert (each > 0).tolist() == (either > 0).tolist() == [True, False, False]


def test_the_order_in_which_pictures_are_given_changes_nothing():
    one, other = thumbnail(plate("KA BX 2841")), thumbnail(plate("KA ZC 9337"))
    first, second = (np.array([place]) for place in (0, 1))
    one_way = differences(np.concatenate([one, other]), first, second, STILL, np.ones(1, bool), 0.0)
    the_other = differences(np.concatenate([other, one]), second, first, STILL, np.ones(1, bool), 0.0)
    assert np.array_equal(one_way, the_other)


def test_number_plates_are_as_many_pictures_as_there_are_numbers():
    texts = ["KA BX 2841", "KA BX 2847", "KA ZC 9337", "HB BX 2841", "HB LM 6841", "HE LM 6847"]
    images = [plate(text) for text in texts]
    rows, copies = pictures(images, 85), pictures([image.filter(ImageFilter.GaussianBlur(3)) for image in images], 60)
    left, right = np.triu_indices(len(texts), 1)
    for one, other in ((rows, rows), (rows, copies), (copies, copies)):
        assert picture_agreements(one, left, other, right).max() < AGREE
    every = np.arange(len(texts))
    assert picture_agreements(rows, every, copies, every).min() >= AGREE
