"""JSON fields become columns whose types hold for the whole shard."""

import json
import pathlib

import pyarrow as pa

from tests.builders import jpeg, sample_members, tar_bytes, write_parquet
from tests.read.reading import read_tar
from transforms.read.fields import columns_of


def test_nan_in_json_is_no_score(tmp_path: pathlib.Path) -> None:
    """D10."""
    raw = b'{"caption": "a dog", "similarity": NaN, "punsafe": NaN, "NSFW": NaN, "deep": {"a": [Infinity]}}'
    write_parquet(tmp_path / "00000.parquet", [{"key": "000", "aesthetic": float("nan")}])
    found = read_tar(tmp_path, tar_bytes([("000.jpg", jpeg()), ("000.json", raw)]))
    assert found.column("caption") == ["a dog"]
    assert found.source == [
        {"caption": "a dog", "similarity": None, "punsafe": None, "NSFW": None, "deep": {"a": [None]}, "key": "000", "aesthetic": None}
    ]


def test_types_of_json_fields_are_those_of_the_whole_shard(tmp_path: pathlib.Path) -> None:
    """D23."""
    fields = [
        {"tags": [], "http": {"tdm": None}, "n": 1},
        {"tags": ["x"], "http": {"tdm": "1"}, "n": 2.5},
        {"n": None, "mixed": 1},
        {"mixed": "a"},
    ]
    found = read_tar(tmp_path, tar_bytes([m for n, f in enumerate(fields) for m in sample_members(str(n), jpeg(), None, f)]))
    assert found.schema.field("tags").type == pa.list_(pa.string())
    assert found.schema.field("http").type == pa.struct([("tdm", pa.string())])
    assert found.own("n") == [1.0, 2.5, None, None]
    assert found.own("mixed") == [None, None, "1", "a"]


def test_headers_and_exif_as_objects_stay_one_text(tmp_path: pathlib.Path) -> None:
    headers = {"X-Robots-Tag": "noai", "Date": "today"}
    found = read_tar(tmp_path, tar_bytes(sample_members("0", jpeg(), None, {"http_headers": headers, "exif": {}})))
    assert json.loads(found.own("http_headers")[0]) == headers
    assert found.own("exif") == ["{}"]


def test_fields_beyond_the_limit_are_told(tmp_path: pathlib.Path) -> None:
    found = read_tar(tmp_path, tar_bytes(sample_members("0", jpeg(), None, {f"f{n}": n for n in range(1200)})))
    assert len(found.schema.names) == 1000
    assert found.notes == ["too many JSON fields: 200 are not read"]


def test_objects_without_fields_and_objects_too_rich_are_no_structs() -> None:
    deep: object = 1
    for _ in range(12):
        deep = [deep]
    columns, _ = columns_of([{"none": {}, "in": [{}], "wide": {str(n): n for n in range(100)}, "deep": deep}])
    assert {name: str(column.type) for name, column in columns.items()} == {
        "none": "null", "in": "list<item: null>", "wide": "string", "deep": "string",
    }  # fmt: skip


def test_numbers_are_promoted_without_loss_or_are_text() -> None:
    columns, _ = columns_of([{"a": 1, "b": 9007199254740993, "c": 2**70, "d": True}, {"a": 0.5, "b": 0.5, "c": 1, "d": 1}])
    assert {name: column.to_pylist() for name, column in columns.items()} == {
        "a": [1.0, 0.5], "b": ["9007199254740993", "0.5"], "c": [str(2**70), "1"], "d": ["true", "1"],
    }  # fmt: skip
