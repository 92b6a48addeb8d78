"""Details are written for the rows that have one, and read of any rows, near and far."""

import numpy as np
import pyarrow as pa
import pytest

from schemas.signatures import DETAIL, SIGNATURE
from tests.match.signed_rows import Row, photo, signed, write
from transforms import storage
from transforms.match import local_columns
from transforms.match.columns import open_columns, read_rows, write_columns
from transforms.match.detail_column import DETAILED, DETAILS, array_of
from transforms.match.rows import Rows, SignatureFile

HELD = np.random.default_rng(5).random(200) < 0.3
OCTETS = np.random.default_rng(6).integers(0, 256, (int(HELD.sum()), DETAIL)).astype(np.uint8)


@pytest.fixture
def path(tmp_path) -> str:
    batch = signed([Row("a red kite", photo(1))]).take(np.zeros(len(HELD), np.int64))
    arrays = {name: array_of(HELD, OCTETS) if name == DETAILS else batch.column(name) for name in batch.schema.names}
    whole = pa.RecordBatch.from_pydict(arrays, schema=SIGNATURE)
    write_columns([whole.slice(0, 90), whole.slice(90)], str(tmp_path / "a.arrow"))
    return str(tmp_path / "a.arrow")


@pytest.mark.parametrize("near", [True, False], ids=["near", "far"])
@pytest.mark.parametrize("wanted", [slice(0, 200), slice(31, 77), slice(5, 5), np.arange(3, 200, 19), np.arange(60, 200), np.array([4])])
def test_of_any_rows_those_that_have_one(path, monkeypatch, near, wanted):
    if not near:
        monkeypatch.setattr(storage, "is_local", lambda _: False)
    found = read_rows(path, ["caption_id", DETAILED, DETAILS], len(HELD), wanted)
    which = np.zeros(len(HELD), bool)
    which[wanted] = True
    assert found[DETAILED].tolist() == HELD[wanted].tolist()
    np.testing.assert_array_equal(found[DETAILS], OCTETS[which[HELD]])


@pytest.mark.parametrize("apart", [0, 1 << 30], ids=["mapped", "one by one"])
def test_rows_of_several_files_are_gathered_with_their_details(tmp_path, path, monkeypatch, apart):
    monkeypatch.setattr(local_columns, "APART", apart)
    batch = signed([Row("a red kite")] * 3)
    files = (*write(batch, tmp_path / "plain"), *[SignatureFile(path, len(HELD))] * 2)
    wanted = np.sort(np.random.default_rng(7).choice(3 + 2 * len(HELD), 60, replace=False)).astype(np.uint64)
    found = Rows(files).gather(wanted, ["thumbnail", DETAILED, DETAILS])
    held, octets = np.concatenate([np.zeros(3, bool), HELD, HELD]), np.concatenate([OCTETS, OCTETS])
    assert found[DETAILED].tolist() == held[wanted].tolist()
    np.testing.assert_array_equal(found[DETAILS], octets[(np.cumsum(held) - 1)[wanted[held[wanted]]]])


def test_a_file_of_before_there_were_details_has_none(tmp_path):
    path = str(tmp_path / "a.arrow")
    write_columns([signed([Row("a red kite", photo(1))] * 3)], path)
    with pa.OSFile(path) as source:
        assert DETAILS not in pa.ipc.open_file(source).schema.names
    found = open_columns(path, [DETAILED, DETAILS])
    assert (found[DETAILED].tolist(), found[DETAILS].shape) == ([False] * 3, (0, DETAIL))
