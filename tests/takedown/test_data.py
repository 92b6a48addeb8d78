import pathlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import LawError
from schemas.release import OWN
from transforms.emit import write_data
from transforms.takedown.data import rewrite_data

SCHEMA = pa.schema([*OWN, ("url_tags", pa.list_(pa.struct([("n", pa.int16()), ("t", pa.large_string())])))])
UIDS = [f"{number:032x}" for number in range(12)]


def published(number: int) -> dict:
    return {
        **dict.fromkeys(SCHEMA.names), "uid": UIDS[number], "caption": f"caption {number}", "weight": 1 + number / 7, "copies": 1,
        "image": {"bytes": bytes([number]) * 50, "path": f"{UIDS[number]}.jpg"}, "captions": [f"caption {number}", "x", "y"],
        "caption_count": 5, "url_tags": [{"n": number, "t": "tag"}, None],
    }  # fmt: skip


@pytest.fixture
def path(tmp_path) -> pathlib.Path:
    batches = (pa.RecordBatch.from_pylist([published(number + step) for step in range(3)], SCHEMA) for number in range(0, 12, 3))
    write_data(str(tmp_path / "a.parquet"), SCHEMA, batches)
    return tmp_path / "a.parquet"


def test_a_file_that_loses_nothing_is_written_byte_for_byte(path, tmp_path):
    described, published_columns = rewrite_data(str(path), str(tmp_path / "same.parquet"), UIDS, set(), {})
    assert (tmp_path / "same.parquet").read_bytes() == path.read_bytes()
    assert described["rows"] == 12
    assert (published_columns.nulls["caption"], published_columns.nulls["url"]) == (0, 12)


def test_rows_go_and_the_others_are_as_they_were(path, tmp_path):
    rewrite_data(str(path), str(tmp_path / "less.parquet"), UIDS, {0, 7, 11}, {})
    assert pq.read_table(tmp_path / "less.parquet").to_pylist() == [published(n) for n in range(12) if n not in (0, 7, 11)]
    assert pq.read_schema(tmp_path / "less.parquet").equals(pq.read_schema(path), check_metadata=True)


def test_a_file_may_lose_all_of_its_rows(path, tmp_path):
    rewrite_data(str(path), str(tmp_path / "none.parquet"), UIDS, set(range(12)), {})
    file = pq.ParquetFile(tmp_path / "none.parquet")
    assert (file.metadata.num_rows, file.num_row_groups) == (0, 0)
    assert file.schema_arrow.names == SCHEMA.names


def test_carried_captions_go_one_by_one_and_all_of_them_where_it_cannot_be_told_whose_they_are(path, tmp_path):
    rewrite_data(str(path), str(tmp_path / "less.parquet"), UIDS, set(), {1: [False, True], 2: [True, False, True]})
    rows = pq.read_table(tmp_path / "less.parquet").to_pylist()
    assert rows[0] == published(0)
    assert rows[1] == published(1) | {"captions": ["caption 1", "y"], "caption_count": 4}
    assert rows[2] == published(2) | {"captions": ["caption 2"], "caption_count": 4}


def test_a_file_that_is_not_the_one_its_ledger_tells_of_is_refused(path, tmp_path):
    for wrong in (UIDS[::-1], UIDS[:-1], [*UIDS, UIDS[0]]):
        with pytest.raises(LawError, match=str(path)):
            rewrite_data(str(path), str(tmp_path / "other.parquet"), wrong, {0}, {})
    assert [file.name for file in tmp_path.iterdir()] == ["a.parquet"]
