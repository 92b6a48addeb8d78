"""Match by views as a whole: edited copies are found, and nothing but the rows decides it."""

import json

import numpy as np
import pytest
from PIL import Image

import pipeline.match
from tests.match.signed_rows import InProcess, Row, matched, noisy, photo, sets, signed, write
from tests.shared_data import shared
from transforms.match import neighbours, partners, passes, verification

PHOTOS = 8
COPIES = {
    "cropped": lambda grey: grey[10:150, 8:146],
    "mirrored and cropped": lambda grey: np.ascontiguousarray(grey[:, ::-1])[6:150, 6:150],
    "with a band": lambda grey: np.concatenate([grey, np.full((24, 160), 30, np.uint8)]),
    "turned": lambda grey: np.ascontiguousarray(np.rot90(grey)),
    "bordered": lambda grey: np.pad(grey, 14, constant_values=200),
}


def picture(seed):
    """A photo without the noise of its pixels, in which a crop would be another picture."""
    grey = photo(seed).astype(float)
    shifted = [np.roll(grey, (down, along), (0, 1)) for down in (-1, 0, 1) for along in (-1, 0, 1)]
    return np.rint(np.mean(shifted, axis=0)).astype(np.uint8)


@pytest.fixture(scope="module")
def many():
    """Eight photos and five copies of each, none of which the plain hashes find."""
    rows = [Row(grey=picture(i)) for i in range(PHOTOS)]
    rows += [Row(grey=change(picture(i))) for i in range(PHOTOS) for change in COPIES.values()]
    return signed(rows, "views")


def family(i):
    return {i, *range(PHOTOS + len(COPIES) * i, PHOTOS + len(COPIES) * (i + 1))}


def test_edited_copies_are_found_and_no_two_photos_are_joined(many, tmp_path):
    found = sets(matched(write(many, tmp_path / "s"), tmp_path / "c", reach="views").cluster)
    assert all(any(cluster <= family(i) for i in range(PHOTOS)) for cluster in found)
    rows = sum(len(cluster) for cluster in found)
    assert rows >= 0.9 * many.num_rows


def assert_equal(found, expected):
    for name in ("cluster", "caption_cluster", "link", "agreement"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)


def test_passes_ranges_owners_shards_and_the_order_of_rows_cannot_show(many, tmp_path, monkeypatch):
    """Not even where every bound is reached."""
    monkeypatch.setattr(neighbours, "CROWD", 4)
    monkeypatch.setattr(neighbours, "MOST", 2)
    monkeypatch.setattr(partners, "PARTNERS", 2)
    monkeypatch.setattr(passes, "PARTNERS", 2)
    monkeypatch.setattr(partners, "ANCHORS", 1)
    monkeypatch.setattr(verification, "PAIRS_A_BLOCK", {0: 64, 1: 9})
    plain = matched(write(many, tmp_path / "s"), tmp_path / "c", reach="views")
    facts = (tmp_path / "c" / "facts.json").read_text()
    assert all(json.loads(facts)[name] > 0 for name in (*pipeline.match.CUT[1:], "pictures_with_more_partners"))
    monkeypatch.setattr(pipeline.match, "BASE_BYTES", 1)
    engine = InProcess()
    parted = matched(
        write(many, tmp_path / "u", [7, 0, 1, 30, 10]),
        tmp_path / "e",
        "image",
        engine,
        "views",
        owner_bits=5,
        partition_bytes=50_000,
        memory_bytes=150_000,
    )
    assert sum("pass" in job for job in engine.jobs) >= 2
    assert_equal(parted, plain)
    assert (tmp_path / "e" / "facts.json").read_text() == facts
    order = np.random.default_rng(8).permutation(many.num_rows)
    moved = matched(write(many.take(order), tmp_path / "v", [28, 20]), tmp_path / "f", reach="views", owner_bits=5)
    assert sets(moved.cluster, order) == sets(plain.cluster)
    np.testing.assert_array_equal(moved.agreement, plain.agreement[order])
    assert (tmp_path / "f" / "facts.json").read_text() == facts


def test_a_placeholder_in_many_encodings_stays_one_cluster(tmp_path, monkeypatch):
    """D12: whatever encoder each host used, and however small the bounds on work are."""
    monkeypatch.setattr(neighbours, "STANDING", 2)
    monkeypatch.setattr(neighbours, "MOST", 2)
    monkeypatch.setattr(partners, "PARTNERS", 2)
    monkeypatch.setattr(passes, "PARTNERS", 2)
    notice = photo(77)
    rows = [Row(grey=noisy(notice, i)) for i in range(30)] + [Row(grey=photo(300 + i)) for i in range(5)]
    found = matched(write(signed(rows, "views"), tmp_path / "s"), tmp_path / "c", reach="views")
    assert sets(found.cluster) == {frozenset(range(30))}


@pytest.mark.shared
def test_frames_of_a_turning_thing_are_cut_into_clusters_of_a_few_neighbours(tmp_path):
    """Each frame equals the one before, and the first is not the last: no cluster goes on from frame to frame."""
    paths = sorted(shared("data", "near_duplicates", "sequences", "datasets", "potatoes").iterdir())
    frames = np.array([int(path.stem.rpartition("-")[2]) for path in paths])
    pictures = [np.array(Image.open(path).convert("L")) for path in paths]
    found = sets(
        matched(write(signed([Row(grey=grey) for grey in pictures], "views"), tmp_path / "s"), tmp_path / "c", reach="views").cluster
    )
    assert len(found) > 20
    for cluster in found:
        assert np.ptp(frames[list(cluster)]) <= 4
    series = np.split(np.arange(len(frames)), np.flatnonzero(np.diff(frames) != 1) + 1)
    assert any(sum(cluster <= set(some.tolist()) for cluster in found) > 1 for some in series), "a series that one chain would join"
