"""The sidecar adds what the tar does not say, and the rows that the tar does not have."""

import pathlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import JobError
from tests.builders import jpeg, sample, sample_members, tar_bytes, write_parquet, write_webdataset
from tests.read.reading import read, read_tar, three


@pytest.mark.parametrize(
    ("text", "fields", "side", "chosen"),
    [
        ("txt", "json", "side", "txt"),
        ("", "json", "side", "json"),
        (" \n", "", "side", "side"),
        (None, None, "side", "side"),
        ("", "", "", None),
    ],
)
def test_captions_come_from_txt_then_json_then_sidecar(
    tmp_path: pathlib.Path, text: str | None, fields: str | None, side: str, chosen: str | None
) -> None:
    members = sample_members("0", jpeg(), text, None if fields is None else {"caption": fields})
    write_parquet(tmp_path / "00000.parquet", [{"key": "0", "caption": side}])
    assert read_tar(tmp_path, tar_bytes(members)).column("caption") == [chosen]


def test_json_goes_before_the_sidecar_value_by_value(tmp_path: pathlib.Path) -> None:
    write_parquet(
        tmp_path / "00000.parquet", [{"key": "0", "n": 5, "s": "side", "only": 1.5}, {"key": "1", "n": 6, "s": "side", "only": None}]
    )
    members = [*sample_members("0", jpeg(), None, {"n": 1.5, "s": 7}), *sample_members("1", jpeg(), None, {"n": None})]
    found = read_tar(tmp_path, tar_bytes(members))
    assert found.source == [{"n": 1.5, "s": "7", "key": "0", "only": 1.5}, {"n": 6.0, "s": "side", "key": "1", "only": None}]


def test_rows_that_only_the_sidecar_has_come_after_with_what_was_recorded(tmp_path: pathlib.Path) -> None:
    rows = [
        sample(0),
        sample(1, jpg=None, status="failed_to_download", error_message="HTTP Error 404: Not Found"),
        sample(2),
        sample(3, jpg=None, status="failed_to_download", error_message="Use of image disallowed by X-Robots-Tag directive"),
        sample(4, jpg=None, status="failed_to_resize", error_message="no route to https://jo@h.example/secret"),
    ]
    (path,) = write_webdataset(tmp_path, rows)
    found = read(path, "webdataset")
    assert found.column("key") == [rows[n]["key"] for n in (0, 2, 1, 3, 4)]
    assert found.column("problem")[:3] == [None, None, "failed_to_download: HTTP Error 404: Not Found"]
    assert found.column("problem")[4] == "failed_to_resize: no route to \u2026"
    assert found.column("disallowed") == [False, False, False, True, False]
    assert found.column("url")[3] == rows[3]["url"]


def test_a_sidecar_that_cannot_be_joined_is_told(tmp_path: pathlib.Path) -> None:
    write_parquet(tmp_path / "00000.parquet", [{"name": "0"}])
    assert read_tar(tmp_path, three()).notes == ["sidecar without a key column: it cannot be joined, and was not read"]
    write_parquet(tmp_path / "00000.parquet", [{"name": "000"}, {"name": "009"}])
    found = read_tar(tmp_path, three(), columns={"key": "name"})
    assert found.column("key") == ["000", "001", "002", "009"]


def test_a_key_that_the_sidecar_repeats_is_told(tmp_path: pathlib.Path) -> None:
    write_parquet(tmp_path / "00000.parquet", [{"key": "000", "n": 1}, {"key": "000", "n": 2}, {"key": None, "n": 3}])
    found = read_tar(tmp_path, three())
    assert found.own("n") == [1, None, None, 3]
    assert found.notes == ["sidecar repeats keys of the tar: 1 rows are not read"]


def test_a_doubled_column_of_a_sidecar_is_an_error_of_the_job(tmp_path: pathlib.Path) -> None:
    """D21."""
    write_parquet(tmp_path / "00000.parquet", pa.Table.from_arrays([pa.array(["000"])] * 3, names=["key", "text", "text"]))
    with pytest.raises(JobError, match=r"00000\.parquet.*'text'"):
        read_tar(tmp_path, three())


def test_a_damaged_column_of_a_sidecar_costs_that_column(tmp_path: pathlib.Path) -> None:
    table = pa.table({"key": ["000", "009"], "mark": ["a" * 3000, "b" * 3000], "size": [1, 2]})
    path = write_parquet(tmp_path / "00000.parquet", table, use_dictionary=False, compression="none")
    raw = bytearray(path.read_bytes())
    start = pq.read_metadata(path).row_group(0).column(1).data_page_offset
    raw[start : start + 12] = b"\xff" * 12
    path.write_bytes(bytes(raw))
    found = read_tar(tmp_path, three())
    assert found.own("size") == [1, None, None, 2]
    assert "mark" not in found.schema.names
    assert found.notes == ["sidecar has damaged columns: 1 are not read"]
