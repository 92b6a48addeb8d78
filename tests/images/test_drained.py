"""What has no colour where another has, and the same colours elsewhere, is another picture, however dark it was made."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from tests.images.drawing import photo
from tests.images.test_hues import COPIES as OF_HUES
from tests.images.test_hues import SAME
from tests.images.test_kinds import pictures
from transforms.images.alignment import AGREE
from transforms.images.cells import INNER
from transforms.images.drained import drained
from transforms.images.facing import Facing
from transforms.match.verify import picture_agreements

MIDDLE = np.flatnonzero(INNER)  # cells, row by row
FLOOR, TEAL, LEVEL = (-22, 14), (20, -22), 120
CROPPED = np.array([[[0.8, 0.0, 0.1], [0.0, 0.8, 0.1]]])


def sofa(cloth: tuple[int, int]) -> Image.Image:
    """Before a grey wall and on a wooden floor, of one luma whatever its colour."""
    rough = np.asarray(photo(400, 400, seed=5).convert("L")) // 2 + 60
    planes = [Image.new("L", (400, 400), 128) for _ in range(2)]
    for plane, floor, by in zip(planes, FLOOR, cloth, strict=True):
        draw = ImageDraw.Draw(plane)
        draw.rectangle((0, 300, 400, 400), fill=128 + floor)
        draw.rectangle((60, 120, 340, 310), fill=128 + by)
    return Image.merge("YCbCr", [Image.fromarray(rough), *planes]).convert("RGB")


SOFAS = [sofa(TEAL), sofa((0, 0))]
COPIES = {edit: OF_HUES[edit] for edit in ("saved", "grey", "sepia", "pale", "colourful", "mirrored")} | {
    "darker": lambda image: image.point(lambda level: round(255 * (level / 255) ** 1.4)),
    "faded": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "cropped": lambda image: image.crop((20, 30, 380, 390)),
}


def test_a_grey_sofa_is_no_copy_of_a_teal_one_and_edited_copies_are():
    found, rows = pictures(SOFAS), np.arange(2)
    for edit, made in COPIES.items():
        copies = pictures([made(image) for image in SOFAS], 75)
        assert picture_agreements(found, rows, copies, rows).min() >= AGREE, edit
        if edit not in ("grey", "sepia", "pale", "colourful", "faded"):
            assert picture_agreements(found, rows, copies, rows[::-1]).max() < AGREE, edit


def differ(one: np.ndarray, other: np.ndarray, level: int = LEVEL, to: np.ndarray = SAME) -> bool:
    """Of chroma, [2, 64] each; all cells are of one level. The same either way round."""
    pixels = np.full((2, 48 * 48), level, np.uint8)
    chroma, first, second = np.stack([one, other]).astype(np.int8), np.array([0]), np.array([1])
    found = bool(drained(chroma, Facing.of(pixels, first, second, to))[0])
    if to is SAME:
        assert found == drained(chroma, Facing.of(pixels, second, first, to))[0]
    return found


def room(cells: np.ndarray, cloth: tuple[int, int], kept: int = 8, floor: tuple[int, int] = FLOOR) -> np.ndarray:
    """Chroma [2, 64]: of some cells, and of so many from the last on, the rest neutral."""
    found = np.zeros((2, 64), int)
    found[:, 64 - kept :] = np.array(floor)[:, None]
    found[:, cells] = np.array(cloth)[:, None]
    return found


@pytest.mark.parametrize(
    ("cells", "cloth", "kept", "apart"),
    [(8, TEAL, 4, True), (7, TEAL, 4, False), (8, TEAL, 3, False), (8, (11, -11), 4, False), (8, (12, -12), 4, True)],
)
def test_as_many_cells_without_the_colour_and_with_the_same_one_are_enough(cells, cloth, kept, apart):
    assert differ(room(MIDDLE[:cells], cloth, kept), room(MIDDLE[:cells], (0, 0), kept)) == apart
    assert not differ(room(MIDDLE[:cells], cloth, kept), room(MIDDLE[:cells], (6, -7), kept)), "nearly neutral is not neutral"


def test_what_was_made_paler_has_none_of_its_colours_still():
    cells = MIDDLE[:12]
    for floor, apart in (((-22, 14), True), ((-19, 14), True), ((-17, 14), False)):
        assert differ(room(cells, TEAL), room(cells, (0, 0), floor=floor)) == apart


@pytest.mark.parametrize(("level", "apart"), [(39, False), (40, True), (215, True), (216, False)])
def test_what_is_nearly_black_or_white_has_no_colour_to_lose(level, apart):
    assert differ(room(MIDDLE[:12], TEAL), room(MIDDLE[:12], (0, 0)), level) == apart


def test_what_sepia_colours_was_neutral():
    toned = (-12, 11)
    assert not differ(room(MIDDLE[:12], toned, floor=toned), room(MIDDLE[:12], (0, 0), floor=toned))


def test_all_that_a_cell_lies_on_counts_where_a_picture_was_cropped():
    block = (np.arange(2, 6)[:, None] * 8 + np.arange(2, 6)).ravel()
    whole, speckled = room(block, TEAL), room(block, (0, 0))
    assert differ(room(block, (0, 0)), whole, to=CROPPED)
    speckled[:, block[::2]] = np.array(TEAL)[:, None]
    assert not differ(room(block, (0, 0)), speckled, to=CROPPED)
