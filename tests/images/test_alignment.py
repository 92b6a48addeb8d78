import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from tests.images.agreeing import agreements
from tests.images.drawing import photo
from transforms.images.alignment import AGREE, LEAST
from transforms.images.nearest import mirror_maps
from transforms.images.shown import Shown

SIDE, GRID = 48, 6


def small(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.HAMMING))


def one(left: np.ndarray, right: np.ndarray, mirrored: bool = False) -> float:
    return float(agreements(Shown.of(left[None]), Shown.of(right[None]), mirror_maps(np.array([mirrored])))[0])


def blocks(values: np.ndarray) -> np.ndarray:
    side = len(values) // GRID
    return values.reshape(GRID, side, GRID, side).sum(axis=(1, 3))


def slopes(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    down, along = np.zeros_like(picture), np.zeros_like(picture)
    down[1:-1], along[:, 1:-1] = (picture[2:] - picture[:-2]) / 2, (picture[:, 2:] - picture[:, :-2]) / 2
    return down, along


def through(picture: np.ndarray, to: np.ndarray) -> np.ndarray:
    n = len(picture)
    q, p = np.meshgrid((np.arange(n) + 0.5) / n, (np.arange(n) + 0.5) / n)
    y, x = (np.clip((row[0] * p + row[1] * q + row[2]) * n - 0.5, 0, n - 1.001) for row in to)
    i, j = y.astype(int), x.astype(int)
    fy, fx = y - i, x - j
    upper = picture[i, j] * (1 - fx) + picture[i, j + 1] * fx
    return upper * (1 - fy) + (picture[i + 1, j] * (1 - fx) + picture[i + 1, j + 1] * fx) * fy


def stepped(still: np.ndarray, moved: np.ndarray, to: np.ndarray, floor: float) -> np.ndarray:
    """One Gauss-Newton step by the book: residuals of every pixel, a least-squares system of six."""
    n = len(still)
    area = (n // GRID) ** 2
    spread = np.ones((n // GRID, n // GRID))
    seen = through(moved, to)
    mean, seen_mean = (np.kron(blocks(picture) / area, spread) for picture in (still, seen))
    a, b = still - mean, seen - seen_mean
    variance, seen_variance = (np.maximum(blocks(picture * picture) / area, 1e-3) for picture in (a, b))
    correlation = blocks(a * b) / area / np.sqrt(variance * seen_variance)
    weight = np.where((variance < 6.25) | (correlation < floor), 0, ((correlation - floor) / (1 - floor)) ** 2 / variance)
    error = a - b * np.kron(np.sqrt(variance / seen_variance), spread)
    centre = (np.arange(GRID) + 0.5) / GRID - 0.5
    features = [np.kron(plane, spread) for plane in (np.ones((GRID, GRID)), *np.meshgrid(centre, centre, indexing="ij"))]
    down, along = slopes(still)
    design = np.stack([slope * feature for slope in (down, along) for feature in features]).reshape(6, -1)
    weighted = design * np.kron(weight, spread).ravel()
    normal = weighted @ design.T
    stiffness = normal[0, 0] + normal[3, 3]
    if stiffness <= 0:
        return to
    step = np.linalg.solve(normal + np.diag(stiffness * np.array([0.001, 0.021, 0.021] * 2)), weighted @ error.ravel())
    step = np.clip(step, *(np.array([2.5, 4, 4] * 2) * sign for sign in (-1, 1))).reshape(2, 3) / n
    moved_by = np.array([[1 + step[0, 1], step[0, 2], step[0, 0]], [step[1, 1], 1 + step[1, 2], step[1, 0]], [0, 0, 1]])
    moved_by[:2, 2] -= (step[:, 1] + step[:, 2]) / 2
    return (np.vstack([to, [0, 0, 1]]) @ moved_by)[:2]


def reference(left: np.ndarray, right: np.ndarray, mirrored: bool) -> float:
    first, second = sorted((left, right), key=lambda picture: picture.tobytes())
    still, moved = first.astype(float), second.astype(float)
    halves = [np.floor(picture.reshape(24, 2, 24, 2).mean(axis=(1, 3)) + 0.5) for picture in (still, moved)]
    to = np.array([[1.0, 0, 0], [0, -1, 1] if mirrored else [0, 1, 0]])
    found = compared(still, moved, to)
    if found >= AGREE:
        return found
    for _ in range(3):
        to = stepped(*halves, to, 0.0)
    best = 0.0
    for steps in (2, 4, 4):
        for _ in range(steps):
            before, to = to, stepped(still, moved, to, 0.2)
        found = compared(still, moved, to)
        best = max(best, found)
        corners = (to - before) @ np.array([[0, 0, 1, 1], [0, 1, 0, 1], [1, 1, 1, 1]])
        if not (0.35 <= found < AGREE and AGREE - found < SIDE * np.abs(corners).max()):
            break
    return best


def compared(still: np.ndarray, moved: np.ndarray, to: np.ndarray) -> float:
    softened = []
    for picture in (still, through(moved, to)):
        pair = np.stack(slopes(picture))
        softened.append(pair / (np.sqrt((pair**2).sum(axis=0)) + 1))
    area = (SIDE // GRID) ** 2

    def products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return sum(blocks(x * y) - blocks(x) * blocks(y) / area for x, y in zip(a, b, strict=True))

    mine, theirs, both = products(softened[0], softened[0]), products(softened[1], softened[1]), products(*softened)
    p, q = np.meshgrid(np.arange(GRID + 1) / GRID, np.arange(GRID + 1) / GRID, indexing="ij")
    inside = np.ones((GRID + 1, GRID + 1), bool)
    for row in to:
        at = row[0] * p + row[1] * q + row[2]
        inside &= (at >= -0.02) & (at <= 1.02)
    counted = (np.maximum(mine, theirs) > 0.35**2 * area) & inside[:-1, :-1] & inside[1:, :-1] & inside[:-1, 1:] & inside[1:, 1:]
    values = np.maximum(both / np.sqrt(np.maximum(mine * theirs, 0) + 1e-6), 0)
    return float(values[counted].sum() / max(12, counted.sum()))


def edits(image: Image.Image) -> list[tuple[Image.Image, bool]]:
    width, height = image.size
    return [
        (image, False),
        (image.filter(ImageFilter.GaussianBlur(1)), False),
        (ImageOps.mirror(image), True),
        (image.crop((width // 30, height // 30, width - width // 40, height)), False),
        (image.rotate(2, Image.Resampling.BICUBIC).crop((10, 10, width - 10, height - 10)), False),
        (image.rotate(5, Image.Resampling.BICUBIC).crop((16, 16, width - 16, height - 16)), False),
        (ImageOps.autocontrast(image), False),
        (ImageOps.solarize(image), False),
    ]


def test_the_kernel_is_the_formula_in_numpy():
    worst = 0.0
    for seed in range(12):
        image = photo(240, 200, seed)
        pairs = [(small(image), small(other), mirrored) for other, mirrored in edits(image)]
        pairs.append((small(image), small(photo(240, 200, seed + 100)), False))
        left, right = (Shown.of(np.stack([pair[side] for pair in pairs])) for side in (0, 1))
        found = agreements(left, right, mirror_maps(np.array([pair[2] for pair in pairs])))
        expected = [reference(*pair) for pair in pairs]
        worst = max(worst, float(np.abs(found - expected).max()))
    assert worst < 5e-4


def test_an_edited_copy_agrees_and_another_picture_does_not():
    for seed in range(20):
        image = photo(240, 200, seed)
        assert all(one(small(image), small(other), mirrored) >= AGREE for other, mirrored in edits(image)[:-1])
        assert one(small(image), small(photo(240, 200, seed + 100))) < 0.4
        assert one(small(image), small(ImageOps.mirror(image))) < AGREE


def test_left_and_right_may_change_places():
    for other, mirrored in edits(photo(seed=3)):
        left, right = small(photo(seed=3)), small(other)
        assert one(left, right, mirrored) == one(right, left, mirrored)


def test_a_pair_is_judged_alike_alone_and_in_any_batch():
    pictures = np.stack([small(photo(seed=seed)) for seed in range(6)])
    moved = np.roll(pictures, 1, axis=2)
    flags = np.array([False, True] * 3)
    together = agreements(Shown.of(pictures), Shown.of(moved), mirror_maps(flags))
    assert together.tolist() == [one(*row) for row in zip(pictures, moved, flags, strict=True)]
    assert agreements(Shown.of(pictures[::-1]), Shown.of(moved[::-1]), mirror_maps(flags[::-1])).tolist() == together[::-1].tolist()


def test_a_left_picture_of_many_pairs_is_judged_as_in_each_alone():
    image, drawn = photo(seed=5), ImageOps.posterize(photo(seed=6), 1)
    left = np.stack([small(picture) for picture in (image, image, drawn, drawn, image)])
    right = np.stack([small(other) for other, _ in edits(image)[:2]] + [small(other) for other, _ in edits(drawn)[:2]] + [small(drawn)])
    together = agreements(Shown.of(left), Shown.of(right), mirror_maps(np.zeros(5, bool)))
    assert together.tolist() == pytest.approx([one(*pair) for pair in zip(left, right, strict=True)], abs=0)
    assert (together >= AGREE).tolist() == [True, True, True, True, False]


def test_agreements_are_float32_between_0_and_1_in_steps_of_a_ten_thousandth():
    pictures = np.random.default_rng(0).integers(0, 256, (20, 48, 48), dtype=np.uint8)
    found = agreements(Shown.of(pictures), Shown.of(np.roll(pictures, 2, axis=1)), mirror_maps(np.zeros(20, bool)))
    assert found.dtype == np.float32
    assert ((found >= 0) & (found <= 1)).all()
    assert np.array_equal(found, np.rint(found.astype(float) * 1e4).astype(np.float32) / np.float32(1e4))
    assert agreements(Shown.of(pictures[:0]), Shown.of(pictures[:0]), mirror_maps(np.zeros(0, bool))).shape == (0,)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_pictures_without_detail_agree_with_nothing(level):
    flat = np.full((48, 48), level, np.uint8)
    assert one(flat, flat) == LEAST
    assert one(flat, small(photo())) == LEAST
