import numpy as np
import pytest
from PIL import Image

from tests.images.drawing import photo
from transforms.images.resample import deviation, resampled


def noise(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(rows * columns).integers(0, 256, (rows, columns), np.uint8)


@pytest.mark.parametrize("shape", [(150, 287), (48, 32), (31, 33), (5, 7), (1, 300), (1, 1)])
def test_a_triangle_is_what_pillow_makes_to_a_level(shape):
    grey = noise(*shape)
    expected = np.asarray(Image.fromarray(grey).resize((32, 32), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(resampled(grey, (0, 0, shape[1], shape[0]), 32, "triangle") - expected).max() <= 1


@pytest.mark.parametrize("shape", [(96, 144), (144, 48)])
def test_an_area_is_the_mean_of_whole_blocks(shape):
    grey = noise(*shape)
    blocks = grey.reshape(48, shape[0] // 48, 48, shape[1] // 48).mean(axis=(1, 3))
    assert np.abs(resampled(grey, (0, 0, shape[1], shape[0]), 48, "area") - blocks).max() <= 0.6


@pytest.mark.parametrize("by", ["area", "triangle"])
@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_one_colour_stays_that_colour_at_any_size(level, by):
    for rows, columns in ((1, 1), (47, 287), (149, 150)):
        assert (resampled(np.full((rows, columns), level, np.uint8), (0, 0, columns, rows), 48, by) == level).all()


@pytest.mark.parametrize("by", ["area", "triangle"])
def test_a_box_sees_nothing_of_what_lies_around_it(by):
    grey = noise(160, 170)
    inside = np.ascontiguousarray(grey[20:150, 10:165])
    assert np.array_equal(resampled(grey, (10, 20, 165, 150), 48, by), resampled(inside, (0, 0, 155, 130), 48, by))


def test_the_deviation_is_that_of_all_pixels():
    for grey in (np.array(photo(200, 150).convert("L")), np.zeros((1, 1), np.uint8), np.full((300, 300), 255, np.uint8), noise(1, 9)):
        assert deviation(grey) == pytest.approx(grey.std(), abs=1e-9)
