"""A release opens with the readers people use, and the pictures come out as pictures."""

import io
import json
import pathlib

import duckdb
import mlcroissant
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipeline.documents.features import features
from tests import builders
from tests.pipeline.documents.conftest import pair
from tests.runs import parquets, run_job, run_samples

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def load(out: pathlib.Path, tmp_path: pathlib.Path, *, streaming: bool = False):
    return datasets.load_dataset(str(out), split="train", streaming=streaming, cache_dir=str(tmp_path / "cache"))


def rejected(number: int) -> dict:
    return pair(number, caption="no")


def test_a_shard_that_keeps_nothing_does_not_make_the_release_unreadable(tmp_path):
    """A1."""
    rows = [rejected(1), rejected(2), pair(3), pair(4), rejected(5), rejected(6)]
    out = run_samples(tmp_path / "run", rows, per_shard=2, documents=True).out
    assert [pq.read_metadata(path).num_rows for path in sorted((out / "data").iterdir())] == [0, 2, 0]
    kept = {row["uid"] for row in load(out, tmp_path)}
    assert len(kept) == 2
    assert {row["uid"] for row in load(out, tmp_path, streaming=True)} == kept
    assert {uid for (uid,) in duckdb.sql(f"select uid from '{out}/data/*.parquet'").fetchall()} == kept
    assert set(pq.read_table(out / "data").column("uid").to_pylist()) == kept
    assert len(list(mlcroissant.Dataset(str(out / "croissant.json")).records("pairs"))) == 2


def test_a_run_that_keeps_nothing_says_so_in_its_card_and_datasheet(tmp_path):
    """A1, the rest: say what happens."""
    out = run_samples(tmp_path / "run", [rejected(1), rejected(2)], documents=True).out
    assert "This run kept no row." in (out / "README.md").read_text()
    assert "No row is kept" in (out / "datasheet.md").read_text()
    assert duckdb.sql(f"select count(*) from '{out}/data/*.parquet'").fetchall() == [(0,)]
    assert json.loads((out / "manifest.json").read_text())["ledger"]["kept"] == 0
    assert (out / "top_domains.csv").read_text().count("\n") == 1


def test_the_picture_column_arrives_as_pictures(finished, tmp_path):
    """A12."""
    rows = load(finished.out, tmp_path)
    assert isinstance(rows.features["image"], datasets.Image)
    assert rows[0]["image"].size == (256, 224)
    assert next(iter(load(finished.out, tmp_path, streaming=True)))["image"].size == (256, 224)
    assert len(rows) == 30


def test_the_release_opens_and_the_pictures_do_too(tmp_path):
    """D25: metadata of the source declares other features; nested and list columns are there as well."""
    table = pa.Table.from_pylist(
        [
            {"jpg": builders.jpeg(256, 224, seed=n), "caption": f"a wall with pattern number {n}", "url": f"https://a.example/{n}.jpg",
             "tags": ["wall", None], "size": {"w": n, "far": [{"deep": 1.5}]}, "label": n % 2}
            for n in range(4)
        ]
    )  # fmt: skip
    declared = {"info": {"features": {"label": {"names": ["a", "b"], "_type": "ClassLabel"}, "jpg": {"_type": "Image"}}}}
    table = table.replace_schema_metadata({"huggingface": json.dumps(declared), "pandas": "{}"})
    builders.write_parquet(tmp_path / "run" / "shards" / "a.parquet", table)
    out = run_job(tmp_path / "run", parquets(), documents=True).out
    assert not {b"huggingface", b"pandas"} & set(pq.read_schema(out / "data" / "a.parquet").metadata or {})
    rows = load(out, tmp_path)
    assert rows[0]["image"].size == (256, 224)
    assert rows[0]["tags"] == ["wall", None]
    assert rows[0]["size"]["far"] == [{"deep": 1.5}]
    croissant = mlcroissant.Dataset(str(out / "croissant.json"))
    assert not croissant.metadata.issues.errors
    record = next(iter(croissant.records("pairs")))
    assert isinstance(record["pairs/image"], Image.Image)
    assert record["pairs/image"].size == (256, 224)
    assert (record["pairs/tags"], record["pairs/size/w"], record["pairs/size/far/deep"]) == ([b"wall", None], 0, [1.5])
    for file in json.loads((out / "croissant.json").read_text())["distribution"]:
        if file["@type"] == "cr:FileObject":
            assert "://" not in file["contentUrl"]
            assert not file["contentUrl"].startswith("/")
            assert len(file["sha256"]) == 64


def test_croissant_gives_every_kept_row_with_the_bytes_that_are_published(finished):
    published = {row["uid"]: row["image"]["bytes"] for row in pq.read_table(finished.out / "data").to_pylist()}
    records = list(mlcroissant.Dataset(str(finished.out / "croissant.json")).records("pairs"))
    assert {record["pairs/uid"].decode() for record in records} == set(published)
    first = records[0]
    assert first["pairs/image"].tobytes() == Image.open(io.BytesIO(published[first["pairs/uid"].decode()])).tobytes()


def test_the_card_lists_the_features_as_datasets_itself_would_write_them():
    schema = pa.schema(
        [
            ("a", pa.string()), ("b", pa.int8()), ("c", pa.float64()), ("d", pa.bool_()), ("e", pa.binary()),
            ("f", pa.timestamp("us", "UTC")),
            ("g", pa.date32()), ("h", pa.list_(pa.float32())), ("i", pa.struct([("x", pa.string()), ("y", pa.list_(pa.int64()))])),
            ("j", pa.list_(pa.struct([("x", pa.int64())]))), ("k", pa.list_(pa.list_(pa.int32()))), ("l", pa.time64("us")),
            ("m", pa.decimal128(10, 2)), ("n", pa.float16()), ("o", pa.uint64()), ("p", pa.date64()),
        ]
    )  # fmt: skip
    assert features(schema) == datasets.Features.from_arrow_schema(schema)._to_yaml_list()


def test_a_list_of_urls_needs_no_pictures_anywhere(tmp_path):
    rows = [
        {"URL": f"https://site{n % 3}.example/{n}.jpg", "TEXT": f"a wall with pattern number {n}", "WIDTH": 400, "HEIGHT": 300}
        for n in range(9)
    ]
    builders.write_parquet(tmp_path / "run" / "shards" / "a.parquet", rows)
    out = run_job(tmp_path / "run", {"source": {"format": "urls", "paths": ["shards/*.parquet"]}}, documents=True).out
    assert "data:image/" not in (out / "datasheet.html").read_text()
    assert "image" not in load(out, tmp_path).features
    assert "holds none of them" in (out / "datasheet.md").read_text()
    lines = (out / "top_domains.csv").read_text().splitlines()
    assert lines[1].startswith("site0.example,3,0,0,1,0.333333")
    assert len(list(mlcroissant.Dataset(str(out / "croissant.json")).records("pairs"))) == 9
