"""Dense rows over files of any size."""

import numpy as np
import pytest

from schemas.errors import InputError
from tests.match.signed_rows import Row, signed, write
from transforms.match.rows import Rows, SignatureFile


@pytest.fixture
def rows(tmp_path):
    batch = signed([Row(f"caption number {i}") for i in range(37)])
    return batch, Rows(tuple(write(batch, tmp_path, [5, 0, 1, 20, 11])), owner_bits=3)


def test_owners_read_what_one_file_would_hold(rows):
    batch, several = rows
    assert several.owners == 5
    parts = [several.read(owner, ["caption_id", "caption_minhash", "has_picture"]) for owner in range(several.owners)]
    np.testing.assert_array_equal(np.concatenate([part["caption_id"] for part in parts]), batch.column("caption_id").to_numpy())
    assert b"".join(part["caption_minhash"].tobytes() for part in parts) == b"".join(batch.column("caption_minhash").to_pylist())
    assert [len(part["has_picture"]) for part in parts] == [8, 8, 8, 8, 5]


def test_rows_wanted_are_read_across_files(rows):
    batch, several = rows
    wanted = np.array([0, 4, 5, 7], np.uint64)
    found = several.read(0, ["caption_id", "thumbnail"], wanted)
    np.testing.assert_array_equal(found["caption_id"], batch.column("caption_id").to_numpy()[[0, 4, 5, 7]])
    assert found["thumbnail"].shape == (4, 48 * 48)
    assert several.read(4, ["uid", "caption_kind"], np.empty(0, np.uint64))["uid"].shape == (0, 16)


def test_no_rows_have_no_owners():
    assert Rows(()).owners == 0
    assert Rows((SignatureFile("nowhere", 0),)).owners == 0


def test_a_file_that_holds_other_rows_than_said_is_named(rows):
    _, several = rows
    wrong = Rows((SignatureFile(several.files[0].path, 6),), owner_bits=3)
    with pytest.raises(InputError, match=r"0000\.arrow: 5 rows where one batch of 6"):
        wrong.read(0, ["uid"])
