"""Rectangles in corners are those that loops over every size find; what is nature, a slope or a bar has none, or none that is sure."""

import numpy as np
import pytest

from transforms.images.rectangles import BEYOND, SHARPEST, rectangles, sums_before


def runs(crop, level, tolerance, side):
    return [next((x for x in range(side) if abs(line[x] - level) > tolerance), side) for line in crop[:side, :side].tolist()]


def plain_by_loops(crop, most):
    """The best of every size, tolerance for tolerance."""
    level, best = (int(crop[:3, :3].sum()) + 4) // 9, None
    pixels = crop.astype(int)
    for tolerance in (6, 12):
        along, down = (runs(turned, level, tolerance, most + BEYOND) for turned in (crop, crop.T))
        for wide in range(5, most + 1):
            for high in range(max(5, -(-wide // 2)), min(most, 2 * wide) + 1):
                if min(along[:high]) < wide - 1:
                    continue
                ended = sum(run <= wide + 1 for run in along[:high])
                below = sum(abs(run - high) <= 1 for run in down[:wide])
                told = 100 * (ended + below) // (high + wide)
                inside = abs(pixels[: (2 * high + 2) // 3, : (2 * wide + 2) // 3] - level) <= 1
                right, under = (np.minimum(abs(line - level), 60).sum() for line in (pixels[:high, wide + 1], pixels[high + 1, :wide]))
                step = min(right // high, under // wide)
                enough = told >= 60 and 100 * ended >= 40 * high and 100 * below >= 40 * wide
                if enough and inside.mean() >= 0.8 and step >= 4 and (best is None or (told, high * wide) > best[0]):
                    sure = told >= 80 and min(100 * ended // high, 100 * below // wide) >= 60 and step >= 12
                    best = (told, high * wide), [high, wide, level, int(sure)]
    return [] if best is None else [best[1]]


def edge(crop, at, upto):
    """Steps and differences along the upper edge of row `at`, up to a column."""
    near, far = (abs(crop[at, :upto] - crop[at - back, :upto]) for back in (1, 2))
    return int((far >= 16).sum()), int(np.minimum(near, 64).sum() + np.minimum(far, 64).sum())


def edged_by_loops(crop, most):
    """The sharpest of every size, one after the other."""
    crop, found, sizes = crop.astype(int), [], []
    for high in range(4, most + 1):
        for wide in range((high + 1) // 2 if high > 7 else 4, min(most, 2 * high) + 1):
            (down, under), (right, beside) = edge(crop, high, wide), edge(crop.T, wide, high)
            if 5 * (down + right) >= 4 * (high + wide) and 5 * down >= 3 * wide and 5 * right >= 3 * high:
                sizes.append((-(16 * (under + beside) * (50 + min(high, wide)) // (high + wide)), high, wide))
    for _, high, wide in sorted(sizes):
        if len(found) < SHARPEST and all(abs(high - h) > 2 or abs(wide - w) > 2 for h, w, _ in found):
            ends = True
            for turned, at, size in ((crop, high, wide), (crop.T, wide, high)):
                last, first = min(most, 2 * size + 1), min(most, size + 1)
                onward = edge(turned, at, last)[0] - edge(turned, at, first)[0]
                ends &= 10 * onward < 8 * max(last - size - 1, 1)
            found.append([high, wide, int(ends)])
    return found


def corners(number):
    """Rough ground of every grain under rectangles of every size, of a level with some noise."""
    draw = np.random.default_rng(number)
    crops = np.zeros((number, 24, 24), np.uint8)
    for n, crop in enumerate(crops):
        grain = n % 5 + 1
        crop[:] = np.kron(draw.integers(0, 256, (24, 24)), np.ones((grain, grain)))[:24, :24]
        high, wide = draw.integers(3, 20, 2)
        noise = draw.integers(-(n % 9), n % 9 + 1, (high, wide)) * (draw.random((high, wide)) < 0.2)
        crop[:high, :wide] = np.clip(draw.integers(0, 256) + noise, 0, 255)
    return crops


def test_they_are_those_that_loops_over_every_size_find():
    crops = corners(60)
    most = np.array([20, 17, 9, 4, 3] * 12)
    found = rectangles(crops, most)
    plain = [[n, *one] for n, crop in enumerate(crops) for one in plain_by_loops(crop, most[n])]
    edged = [[n, *one] for n, crop in enumerate(crops) for one in edged_by_loops(crop, most[n])]
    assert len(plain) > 15
    assert len(edged) > 50
    assert found.plain.tolist() == plain
    assert found.edged.tolist() == edged


def test_what_lies_beside_a_corner_in_the_batch_does_not_matter():
    crops = corners(12)
    most = np.full(12, 20)
    together = rectangles(crops, most)
    for n in range(12):
        alone = rectangles(crops[n : n + 1], most[:1])
        for kind in ("plain", "edged"):
            of = getattr(together, kind)
            assert getattr(alone, kind)[:, 1:].tolist() == of[of[:, 0] == n, 1:].tolist()


@pytest.mark.parametrize("make", [lambda: np.zeros((0, 16, 16), np.uint8), lambda: np.full((4, 16, 16), 77, np.uint8)])
def test_no_corners_and_flat_ones_have_none(make):
    found = rectangles(make(), np.full(len(make()), 12))
    assert not len(found.plain)
    assert not len(found.edged)


def test_sums_are_exact():
    levels = np.random.default_rng(2).integers(0, 256, (3, 118, 118))
    expected = np.zeros((3, 118, 118))
    expected[:, 1:, 1:] = levels.cumsum(axis=1).cumsum(axis=2)[:, :-1, :-1]
    assert np.array_equal(sums_before(levels), expected)
