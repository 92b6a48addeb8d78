"""Pictures that were published with other bytes than were read are found by the hashes that the public knows."""

import functools
import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.job import Decode
from tests.builders import jpeg
from transforms.consent.list_files import Entry
from transforms.consent.lists import lists_of
from transforms.images.pdq import pdq_hash
from transforms.takedown.hits import Cause
from transforms.takedown.near import gallery, look_same, wanted_of
from transforms.takedown.published import Signing, find_published
from transforms.trace import RADIUS

PICTURES = [jpeg(32, 24, seed=seed) for seed in range(4)]
UID = "0123456789abcdef" * 2


@pytest.fixture
def paths(tmp_path):
    """A data file whose third row of four has other bytes than were read, and the ledger, whose second row of five went."""
    written = [hashlib.sha256(raw).hexdigest() for raw in PICTURES]
    table = {
        "uid": [UID] * 4, "sha256": written, "read_sha256": [*written[:2], "f" * 64, written[3]],
        "image": [{"bytes": raw, "path": "x"} for raw in PICTURES],
    }  # fmt: skip
    pq.write_table(pa.table(table), tmp_path / "data.parquet", row_group_size=2)
    pq.write_table(pa.table({"verdict": ["kept", "rejected", "kept", "kept", "kept"]}), tmp_path / "ledger.parquet")
    measured = pa.array([{"pdq": None}] * 5, pa.struct([("pdq", pa.binary(32))]))
    pq.write_table(pa.table({"opt_out": measured}), tmp_path / "annotation.parquet")
    return tuple(str(tmp_path / f"{name}.parquet") for name in ("data", "ledger", "annotation"))


@pytest.mark.parametrize("kind", ["sha256", "sha1", "md5"])
def test_a_stripped_picture_is_found_by_the_hash_it_was_published_with(paths, kind):
    entries = [Entry(kind, hashlib.new(kind, raw).hexdigest(), 0, "taken_down", "", "", "", row) for row, raw in enumerate(PICTURES)]
    found = find_published(*paths, lists_of(((0, entry) for entry in entries), ["list"]))
    assert {row: [(cause.kind, cause.entry, cause.detail) for cause in causes] for row, causes in found.items()} == {
        3: [(kind, 2, f"as published, {kind} in list, row 2")]
    }


def test_nothing_is_read_where_no_hash_is_asked_for():
    lists = lists_of([(0, Entry("url", "https://a.example/", 0, "taken_down", "", "", "", 1))], ["list"])
    assert find_published("not there", "nor this", "nor that", lists) == {}


def test_pdq_hashes_that_no_run_has_taken_are_taken_of_what_is_published(paths, tmp_path):
    pytest.importorskip("pdqhash", reason="needs the extra pdq")
    hashes = [pdq_hash(raw, Decode()) for raw in (jpeg(128, 96, seed=7), jpeg(128, 96, seed=7, quality=60))]
    table = pq.read_table(paths[0]).set_column(3, "image", pa.array([{"bytes": jpeg(128, 96, seed=7 + n), "path": "x"} for n in range(4)]))
    pq.write_table(table, paths[0])
    lists = lists_of([(0, Entry("pdq", hashes[1].hex(), 31, "illegal", "", "", "", 4))], ["list"])
    assert {row: causes[0].detail for row, causes in find_published(*paths, lists).items()} == {0: "as published, pdq in list, row 4"}
    taken = pa.array([{"pdq": hashes[0]}] * 5, pa.struct([("pdq", pa.binary(32))]))
    pq.write_table(pa.table({"opt_out": taken}), paths[2])
    assert find_published(*paths, lists) == {}


def test_published_pictures_are_looked_at_where_signatures_cannot_be_read(paths):
    read = functools.partial(Signing("fast", "views").columns, *paths[:2])
    assert read(["has_picture"])["has_picture"].tolist() == [True, False, True, True, True]
    cause = Cause("uid", "taken_down", "content", "listed", 0)
    again = {0: [cause]}
    table = pq.read_table(paths[0])
    copies = [PICTURES[0], *(jpeg(32, 24, seed=0, quality=quality) for quality in (95, 80, 60))]
    images = pa.array([{"bytes": raw, "path": "x"} for raw in copies], table.schema.field("image").type)
    pq.write_table(table.set_column(3, "image", images), paths[0] + ".copies")
    read = functools.partial(Signing("fast", "views").columns, paths[0] + ".copies", paths[1])
    assert sorted(look_same(read, gallery(wanted_of(read, again), views=True), RADIUS, again)) == [2, 3, 4]
