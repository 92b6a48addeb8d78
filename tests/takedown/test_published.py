"""Pictures that were published with other bytes than were read are found by the hashes that the public knows."""

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.builders import jpeg
from transforms.consent.list_files import Entry
from transforms.consent.lists import lists_of
from transforms.takedown.published import find_published

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
    return str(tmp_path / "data.parquet"), str(tmp_path / "ledger.parquet")


@pytest.mark.parametrize("kind", ["sha256", "sha1", "md5"])
def test_a_stripped_picture_is_found_by_the_hash_it_was_published_with(paths, kind):
    entries = [Entry(kind, hashlib.new(kind, raw).hexdigest(), 0, "taken_down", "", "", "", row) for row, raw in enumerate(PICTURES)]
    found = find_published(*paths, lists_of(((0, entry) for entry in entries), ["list"]))
    assert {row: [(cause.kind, cause.entry, cause.detail) for cause in causes] for row, causes in found.items()} == {
        3: [(kind, 2, f"as published, {kind} in list, row 2")]
    }


def test_nothing_is_read_where_no_hash_is_asked_for():
    lists = lists_of([(0, Entry("url", "https://a.example/", 0, "taken_down", "", "", "", 1))], ["list"])
    assert find_published("not there", "nor this", lists) == {}
