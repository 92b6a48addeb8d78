"""Rows near a given picture are found by bytes, hashes and views, and told from those that only look like it."""

import numpy as np
import pytest

from schemas.signatures import CELLS, CHROMA, FAST_SLACK, VIEWS
from tests.match.signed_rows import Row, noisy, photo, signed, write
from transforms.images.details import Details
from transforms.images.nearest import nearest_views
from transforms.match.scan import FAR, nearest
from transforms.match.verify import Pictures
from transforms.trace import RADIUS, Query, asked_of, read_query, trace

ORIGINAL = photo(1)
EDITS = {
    "original": ORIGINAL,
    "encoded again": noisy(ORIGINAL, 4),
    "mirrored": ORIGINAL[:, ::-1],
    "bordered": np.pad(ORIGINAL, 20, constant_values=255),
    "cropped": ORIGINAL[12:148, 13:147],
    "turned": np.rot90(ORIGINAL),
}
BY_VIEWS = {"cropped", "turned"}


def query(grey: np.ndarray, reach: str) -> Query:
    return read_query(Row(grey=np.ascontiguousarray(grey)).image, "fast", reach)


def rows() -> list[Row]:
    """The edits between other pictures, and a row without any."""
    edits = [Row(grey=np.ascontiguousarray(grey)) for grey in EDITS.values()]
    others = [Row(grey=photo(seed)) for seed in range(2, 10)]
    return [row for pair in zip(others, edits, strict=False) for row in pair] + others[len(edits) :] + [Row(caption="no picture")]


def places(near) -> dict[str, object]:
    """The edits that were found, by name; no other row may be among them."""
    assert all(found.row % 2 for found in near), "a row that shows something else"
    return {list(EDITS)[found.row // 2]: found for found in near}


@pytest.mark.parametrize("reach", ["plain", "views"])
def test_copies_mirrors_and_borders_are_found_and_crops_and_turns_by_views(reach, tmp_path):
    paths = [file.path for file in write(signed(rows(), reach), tmp_path)]
    found = places(trace(paths, query(noisy(ORIGINAL, 9), reach), RADIUS + FAST_SLACK))
    assert set(found) == set(EDITS) - (BY_VIEWS if reach == "plain" else set())
    assert all(near.same and not near.identical for near in found.values())
    assert all(near.distance <= RADIUS + FAST_SLACK for near in found.values())


def test_a_crop_finds_what_it_was_cut_from(tmp_path):
    paths = [file.path for file in write(signed(rows(), "views"), tmp_path)]
    found = places(trace(paths, query(EDITS["cropped"], "views"), RADIUS))
    assert {"original", "encoded again", "mirrored", "cropped"} <= set(found)
    assert next(iter(found)) == "cropped"
    assert found["cropped"].identical
    assert found["cropped"].agreement == 1.0


def test_the_order_is_by_bytes_then_agreement_and_files_cannot_show(tmp_path):
    batch = signed(rows(), "views")
    one = trace([file.path for file in write(batch, tmp_path / "one")], query(ORIGINAL, "views"), RADIUS)
    assert one[0].identical
    assert one[0].row == 1
    agreements = [near.agreement for near in one if near.same]
    assert agreements == sorted(agreements, reverse=True)
    sizes = [3, 4, 0, 1, 20]
    starts = np.cumsum([0, *sizes])
    many = trace([file.path for file in write(batch, tmp_path / "many", sizes)], query(ORIGINAL, "views"), RADIUS)
    assert [starts[near.file] + near.row for near in many] == [near.row for near in one]
    assert [near.agreement for near in many] == [near.agreement for near in one]


def test_a_picture_of_too_little_detail_is_found_by_its_bytes_alone(tmp_path):
    flat = np.full((64, 64), 200, np.uint8)
    paths = [file.path for file in write(signed([Row(grey=flat), Row(grey=flat[:60]), Row(grey=photo(1))], "views"), tmp_path)]
    [near] = trace(paths, query(flat, "views"), RADIUS)
    assert (near.row, near.identical, near.distance) == (0, True, None)
    assert not near.thumbnail.any()


def test_nothing_near_is_nothing(tmp_path):
    assert trace([file.path for file in write(signed([Row(grey=photo(3))]), tmp_path)], query(ORIGINAL, "plain"), RADIUS) == []


def test_the_look_up_compares_just_what_verification_compares():
    """The least distance of a row is that of the nearest pair of views, whichever views either picture has."""
    rng = np.random.default_rng(5)
    have = rng.integers(0, 2, (101, len(VIEWS)), dtype=np.uint32)
    have[:, VIEWS.index("whole")] = 1
    hashes = np.where(have, rng.integers(1, 2**62, have.shape, dtype=np.uint64) << np.uint64(1), np.uint64(0))
    bits = (have << np.arange(len(VIEWS), dtype=np.uint32)).sum(axis=1, dtype=np.uint32)
    geometry = np.tile(np.array([1, 0, 1, 0, 1, 0, 1, 0, 1], np.float32), (101, 1))
    one, rest = slice(0, 1), slice(1, 101)
    pictures = Pictures(
        np.zeros((1, 48, 48), np.uint8),
        np.zeros((1, 4), np.uint64),
        bits[one],
        hashes[one],
        geometry[one],
        np.zeros(1, np.uint16),
        np.zeros((1, len(CHROMA), CELLS), np.int8),
        Details.none(1),
    )
    looked_up = nearest(hashes[rest].astype("<u8").view(np.uint8), asked_of(Query(bytes(32), False, 1, 1, pictures)).views)
    left = (np.repeat(bits[one], 100), np.repeat(hashes[one], 100, axis=0), geometry[rest])
    _, distances = nearest_views(left, (bits[rest], hashes[rest], geometry[rest]))
    assert looked_up.tolist() == np.minimum(distances, FAR).tolist()
