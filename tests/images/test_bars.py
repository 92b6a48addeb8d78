import numpy as np
import pytest

from transforms.images.bars import bars


def grain(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, (rows, columns), np.uint8)


def lettered(rows: int, columns: int) -> np.ndarray:
    """A white bar with two lines of letters."""
    bar = np.full((rows, columns), 250, np.uint8)
    for line in (rows // 4, rows // 2 + 2):
        bar[line : line + 4, 10 : columns - 10 : 3] = 10
    return bar


@pytest.mark.parametrize("turns", range(4))
def test_a_bar_with_letters_is_found_on_every_side(turns):
    picture = np.rot90(np.concatenate([lettered(40, 200), grain(200, 200)]), turns).copy()
    rows, columns = picture.shape
    expected = [0, 0, 0, 0]
    expected[(0, 2, 1, 3)[turns]] = 40
    assert bars(picture, (0, 0, columns, rows)) == tuple(expected)


def test_a_bar_is_looked_for_inside_the_border():
    picture = np.full((280, 240), 90, np.uint8)
    picture[20:60, 20:220], picture[60:260, 20:220] = lettered(40, 200), grain(200, 200)
    assert bars(picture, (20, 20, 220, 260)) == (40, 0, 0, 0)


def test_a_picture_of_grain_and_one_that_fades_have_no_bars():
    assert bars(grain(120, 90), (0, 0, 90, 120)) == (0, 0, 0, 0)
    across = np.tile(np.arange(192, dtype=np.uint8), (192, 1))
    assert bars(across, (0, 0, 192, 192))[:2] == (0, 0)
