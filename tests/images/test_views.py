"""Views of pictures: their hashes against products in numpy, and what a mirror, a turn and a crop do to them."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from schemas.job import Decode
from schemas.signatures import DOUBTS, LOOKED_UP, PARTS, VIEWS
from tests.images.drawing import encoded, photo
from transforms.images.decode import Picture, open_picture
from transforms.images.nearest import ORIENTATIONS, orient
from transforms.images.views import SUBSET_BITS, WINDOWS, describe, frames, having, measure, signs, transform, weights

SIDE, CELLS = 48, 32
WHOLE = np.array([[1.5, 0, 1, 0, 1, 0, 1, 0, 1]], np.float32)


def opened(image: Image.Image) -> Picture:
    return open_picture(encoded(image, "PNG"), Decode(), "fast")


def grain(count: int, side: int) -> np.ndarray:
    return np.random.default_rng(side).integers(0, 256, (count, side, side), np.uint8)


def oriented(pictures: np.ndarray, orientation: int) -> np.ndarray:
    pictures = pictures[:, :, ::-1] if orientation & 1 else pictures
    pictures = pictures[:, ::-1] if orientation & 2 else pictures
    return np.ascontiguousarray(pictures.transpose(0, 2, 1) if orientation & 4 else pictures)


def test_the_kernel_is_a_cosine_transform_of_averaged_cells():
    thumbnails, wholes = grain(6, SIDE), grain(6, CELLS)
    found = transform(thumbnails, wholes, np.repeat(WHOLE, 6, axis=0)).reshape(6, len(VIEWS), 8, 8)
    basis = np.cos(np.pi * np.arange(8)[:, None] * (np.arange(CELLS) + 0.5) / CELLS) * np.where(np.arange(8) == 0, 1, 2**0.5)[:, None]
    fine = np.kron(thumbnails - 128.0, np.ones((100, 100)))
    for name in ("whole", "centre80", "no_foot12", "north_west", "left"):
        top, bottom, left, right = (round(share * 4800) for share in WINDOWS[name])
        part = fine[:, top:bottom, left:right]
        rows, columns = part.shape[1] // CELLS, part.shape[2] // CELLS
        part = part[:, : rows * CELLS, : columns * CELLS]
        cells = part.reshape(6, CELLS, rows, CELLS, columns).mean(axis=(2, 4))
        expected = basis @ cells @ basis.T
        view = found[:, VIEWS.index(name)]
        scale = (view * expected).sum() / (expected * expected).sum()
        assert np.abs(view / scale - expected)[:, 1:, 1:].max() < 0.03 * np.abs(expected).max(), name
    untrimmed = found[:, VIEWS.index("untrimmed")]
    expected = basis @ (wholes - 128.0) @ basis.T
    assert (np.sign(untrimmed) == np.sign(expected))[np.abs(expected) > 20].all()


def test_every_product_is_a_whole_number_below_what_its_type_holds():
    thumbnails, wholes = grain(3, SIDE), grain(3, CELLS)
    found = transform(thumbnails, wholes, np.repeat(WHOLE, 3, axis=0))
    assert np.array_equal(found, np.rint(found))
    for low, high in {bounds[:2] for bounds in WINDOWS.values()} | {bounds[2:] for bounds in WINDOWS.values()}:
        assert np.abs(weights(low, high)).sum(axis=1).max() * 128 < 2**24
    assert np.abs(found).max() < 2**53


@pytest.mark.parametrize("orientation", range(ORIENTATIONS))
def test_mirrors_and_quarter_turns_are_exact_flips_and_transposes_of_the_bits(orientation):
    thumbnails, wholes = grain(30, SIDE), grain(30, CELLS)
    geometry = np.repeat(WHOLE, 30, axis=0)
    upright = signs(transform(thumbnails, wholes, geometry))
    turned = signs(transform(oriented(thumbnails, orientation), oriented(wholes, orientation), geometry))
    for name in LOOKED_UP[::2]:
        view = VIEWS.index(name)
        assert orient(upright[:, view], orientation).tolist() == turned[:, view].tolist()


def test_mirrored_parts_are_the_mirrors_of_their_opposites():
    thumbnails, wholes = grain(20, SIDE), grain(20, CELLS)
    geometry = np.repeat(WHOLE, 20, axis=0)
    upright, mirrored = (signs(transform(oriented(thumbnails, way), wholes, geometry)) for way in (0, 1))
    for name, opposite in (("left", "right"), ("middle", "middle"), ("north_west", "north_east"), ("top", "top")):
        assert orient(upright[:, VIEWS.index(name)], 1).tolist() == mirrored[:, VIEWS.index(opposite)].tolist()


def test_a_view_of_a_picture_is_the_whole_of_what_is_cut_out_like_it():
    for seed in range(6):
        image = photo(600, 400, seed)
        whole, crop = describe([opened(image), opened(image.crop((60, 40, 540, 360)))]).hashes
        assert np.bitwise_count(whole[VIEWS.index("centre80")] ^ crop[VIEWS.index("whole")]) <= 3
        assert np.bitwise_count(whole[VIEWS.index("whole")] ^ crop[VIEWS.index("whole")]) > 8


def test_bars_and_borders_give_views_of_their_own():
    image = photo(320, 240, 5)
    framed = ImageOps.expand(image, border=40, fill="white")
    barred = Image.new("RGB", (320, 300), "black")
    barred.paste(image, (0, 60))
    barred.paste((250, 250, 250), (20, 20, 300, 26))
    found = describe([opened(image), opened(framed), opened(barred)])
    held = [[found.have[row] >> VIEWS.index(name) & 1 for name in ("unbarred", "untrimmed")] for row in range(3)]
    assert held == [[0, 0], [0, 1], [1, 1]], "up to its letters the bar is a border"
    plain = found.hashes[0, VIEWS.index("whole")]
    assert np.bitwise_count(found.hashes[1, VIEWS.index("whole")] ^ plain) <= 3
    assert np.bitwise_count(found.hashes[2, VIEWS.index("unbarred")] ^ plain) <= 3
    assert found.hashes[0, VIEWS.index("unbarred")] == 0


def test_doubts_are_the_bits_nearest_to_turning_nearest_first():
    pictures = [opened(photo(300, 240, seed)) for seed in range(20)]
    found = describe(pictures)
    coefficients = transform(
        np.stack([picture.thumbnail for picture in pictures]),
        np.stack([picture.small[0] for picture in pictures]),
        np.stack([measure(picture) for picture in pictures]),
    )
    for place, name in enumerate(LOOKED_UP + PARTS):
        for subset, bits in enumerate(SUBSET_BITS):
            order = bits[np.argsort(np.abs(coefficients[:, VIEWS.index(name)][:, bits]), axis=1, kind="stable")[:, :DOUBTS]]
            held = (found.have >> np.uint32(VIEWS.index(name)) & np.uint32(1))[:, None] != 0
            assert np.array_equal(found.doubts[:, place, subset], np.where(held, order, 0))


def test_rows_without_a_picture_have_no_views_and_move_no_other_row():
    picture = opened(photo())
    alone, among = describe([picture]), describe([None, *[picture] * 20, None])
    assert among.have[[0, -1]].tolist() == [0, 0]
    assert not among.hashes[[0, -1]].any()
    for name in ("have", "hashes", "doubts", "geometry"):
        assert (getattr(among, name)[1:-1] == getattr(alone, name)[0]).all()
    assert len(describe([]).have) == 0


def test_frames_lie_where_their_windows_are():
    geometry = np.array([[2, 0.25, 1, 0, 1, -0.5, 1.5, 0, 1]], np.float32)
    frame = {name: frames(np.array([VIEWS.index(name)]), geometry)[0] for name in VIEWS}
    assert frame["whole"].tolist() == [[1, 0, 0], [0, 1, 0]]
    assert frame["square"].tolist() == [[1, 0, 0], [0, 0.5, 0.25]]
    assert frame["unbarred"].tolist() == [[0.75, 0, 0.25], [0, 1, 0]]
    assert frame["untrimmed"].tolist() == [[2, 0, -0.5], [0, 1, 0]]
    for name in ("turned_left2", "turned_right4"):
        assert np.allclose(frame[name] @ [0.5, 0.5, 1], 0.5)
    assert having(geometry)[0] == (1 << len(VIEWS)) - 1
