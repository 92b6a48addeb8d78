"""Copies that share no cluster with a row that goes are found by what is stored of both pictures."""

import numpy as np
import pytest

from tests.match.signed_rows import Row, noisy, photo, signed, write
from transforms.takedown import near
from transforms.takedown.hits import Cause
from transforms.takedown.near import NEAR, looks_same
from transforms.trace import RADIUS

ORIGINAL = photo(1)
GREYS = [ORIGINAL, photo(2), noisy(ORIGINAL, 4), photo(3), ORIGINAL[12:148, 13:147], photo(4), ORIGINAL]


@pytest.fixture(scope="module")
def signatures(tmp_path_factory):
    """Shard -> signatures: an original, one encoded again, a crop, the original again, and others between them."""
    rows = [Row(grey=np.ascontiguousarray(grey)) for grey in GREYS]
    files = write(signed([*rows, Row(caption="no picture")], "views"), tmp_path_factory.mktemp("near"), [3, 5])
    return {f"shard{number}": file.path for number, file in enumerate(files)}


def found(signatures, hits, *, views, told=None):
    return looks_same(signatures, hits, hits, RADIUS, (told if told is not None else []).append, views=views)


@pytest.mark.parametrize("views", [False, True])
def test_copies_in_other_shards_are_found_and_crops_by_views(signatures, views):
    cause = Cause("sha256", "taken_down", "content", "listed", 7)
    copies = found(signatures, {"shard0": {0: [cause]}}, views=views)
    assert copies == {
        "shard0": {2: [Cause(NEAR, "taken_down", "content", near.LOOKS, 7)]},
        "shard1": {row: [Cause(NEAR, "taken_down", "content", near.LOOKS, 7)] for row in ((3, 1) if views else (3,))},
    }


def test_a_row_that_goes_for_its_location_has_no_copies_and_one_that_goes_anyway_is_not_found_again(signatures):
    by_url = Cause("url", "taken_down", "location", "listed", 0)
    assert found(signatures, {"shard0": {0: [by_url]}}, views=True) == {}
    both = {"shard0": {0: [by_url, Cause("md5", "illegal", "content", "listed", 1)], 2: [Cause("uid", "illegal", "content", "listed", 2)]}}
    copies = found(signatures, both, views=False)
    assert list(copies) == ["shard1"]
    assert {row: [cause.reason for cause in causes] for row, causes in copies["shard1"].items()} == {3: ["illegal"]}


def test_views_of_very_many_pictures_are_not_compared_and_that_is_told(signatures, monkeypatch):
    monkeypatch.setattr(near, "MANY", 1)
    told: list[str] = []
    hits = {"shard0": {row: [Cause("uid", "opt_out", "content", "listed", row)] for row in (0, 1)}}
    assert set(found(signatures, hits, views=True, told=told)["shard1"]) == {3}
    assert "not by views" in told[0]


def test_a_row_without_a_picture_has_no_copy(signatures):
    assert found(signatures, {"shard1": {4: [Cause("uid", "opt_out", "content", "listed", 0)]}}, views=True) == {}
