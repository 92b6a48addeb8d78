"""Copies that share no cluster with a row that goes are found by what is stored of both pictures."""

import functools

import numpy as np
import pytest

from tests.match.signed_rows import Row, noisy, photo, signed, write
from transforms.match.columns import open_columns
from transforms.takedown import near
from transforms.takedown.hits import Cause
from transforms.takedown.near import NEAR, gallery, look_same, wanted_of
from transforms.trace import RADIUS

ORIGINAL = photo(1)
GREYS = [ORIGINAL, photo(2), noisy(ORIGINAL, 4), photo(3), ORIGINAL[12:148, 13:147], photo(4), ORIGINAL]


@pytest.fixture(scope="module")
def signatures(tmp_path_factory):
    """Shard -> signatures: an original, one encoded again, a crop, the original again, and others between them."""
    rows = [Row(grey=np.ascontiguousarray(grey)) for grey in GREYS]
    files = write(signed([*rows, Row(caption="no picture")], "views"), tmp_path_factory.mktemp("near"), [3, 5])
    return {f"shard{number}": file.path for number, file in enumerate(files)}


def found(signatures, hits, *, views):
    """What `look_same` finds in every shard, of the pictures of rows that go."""
    reading = {shard: functools.partial(open_columns, path) for shard, path in signatures.items()}
    blocks = gallery((one for shard, read in reading.items() for one in wanted_of(read, hits.get(shard, {}))), views=views)
    every = {shard: look_same(read, blocks, RADIUS, hits.get(shard, {})) for shard, read in reading.items()}
    return {shard: rows for shard, rows in every.items() if rows}


@pytest.mark.parametrize("views", [False, True])
def test_copies_in_other_shards_are_found_and_crops_by_views(signatures, views):
    cause = Cause("sha256", "taken_down", "content", "listed", 7)
    copies = found(signatures, {"shard0": {0: [cause]}}, views=views)
    assert copies == {
        "shard0": {2: [Cause(NEAR, "taken_down", "content", near.LOOKS, 7)]},
        "shard1": {row: [Cause(NEAR, "taken_down", "content", near.LOOKS, 7)] for row in ((1, 3) if views else (3,))},
    }


def test_a_row_that_goes_for_its_location_has_no_copies_and_one_that_goes_anyway_is_not_found_again(signatures):
    by_url = Cause("url", "taken_down", "location", "listed", 0)
    assert found(signatures, {"shard0": {0: [by_url]}}, views=True) == {}
    both = {"shard0": {0: [by_url, Cause("md5", "illegal", "content", "listed", 1)], 2: [Cause("uid", "illegal", "content", "listed", 2)]}}
    copies = found(signatures, both, views=False)
    assert list(copies) == ["shard1"]
    assert {row: [cause.reason for cause in causes] for row, causes in copies["shard1"].items()} == {3: ["illegal"]}


def test_pictures_are_looked_for_in_blocks_and_each_once_with_the_first_cause_of_a_reason(signatures, monkeypatch):
    monkeypatch.setattr(near, "AT_ONCE", 1)
    hits = {
        "shard0": {row: [Cause("uid", "opt_out", "content", "listed", row)] for row in (0, 1)},
        "shard1": {3: [Cause("sha256", "opt_out", "content", "listed", 9)]},
    }
    copies = found(signatures, hits, views=True)
    assert {row: [cause.entry for cause in causes] for row, causes in copies["shard0"].items()} == {2: [0]}
    assert set(copies["shard1"]) == {1}


def test_a_row_without_a_picture_has_no_copy(signatures):
    assert found(signatures, {"shard1": {4: [Cause("uid", "opt_out", "content", "listed", 0)]}}, views=True) == {}


def test_every_copy_of_a_picture_is_found_however_many_there_are(tmp_path):
    rows = [Row(grey=ORIGINAL)] * 700
    [file] = write(signed(rows, "plain"), tmp_path, [700])
    copies = found({"shard": file.path}, {"shard": {3: [Cause("uid", "opt_out", "content", "listed", 0)]}}, views=False)
    assert set(copies["shard"]) == {*range(700)} - {3}
