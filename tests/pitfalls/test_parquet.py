"""What people ran into with Parquet, in and out, as small inputs through whole runs."""

import json

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipeline.emit import schema_of
from tests.builders import jpeg, write_parquet
from tests.runs import parquets, run_job, run_status, table_of

TEXTS = (
    "a lighthouse in the fog",
    "two bicycles by a wall",
    "an orange cat asleep",
    "market stalls at noon",
    "a violin on a chair",
    "three red kites",
)


def table(rows, **columns):
    """Rows with a picture and a caption each, and further columns."""
    pictures = [jpeg(seed=n) for n in range(rows)]
    texts = [f"{TEXTS[n % 6]}, seen {n // 6 + 1} times" for n in range(rows)]
    return pa.table({"jpg": pa.array(pictures, pa.binary()), "caption": texts} | columns)


def test_numbers_of_different_types_are_joined_without_rounding(tmp_path):
    """D19"""
    exact = 9007199254740993
    first = {"width": pa.array([64], pa.int32()), "punsafe": pa.array([0.25], pa.float32()), "SAMPLE_ID": pa.array([exact], pa.int64())}
    second = {"width": pa.array([64.0, None]), "punsafe": pa.array([0.125, None]), "SAMPLE_ID": pa.array([7.0, None])}
    write_parquet(tmp_path / "shards" / "a.parquet", table(1, seen=pa.array([3], pa.int32()), **first))
    write_parquet(tmp_path / "shards" / "b.parquet", table(2, seen=[2.5, None], **second))
    ran = run_job(tmp_path, parquets())
    published = table_of(ran.out / "data")
    assert [str(published.schema.field(name).type) for name in ("punsafe", "seen", "SAMPLE_ID")] == ["double", "double", "string"]
    assert published.column("SAMPLE_ID").to_pylist()[0] == str(exact)
    assert set(schema_of(ran.run).conflicts) == {"SAMPLE_ID"}


def test_a_large_row_group_in_a_tiny_file_is_read_in_parts_and_every_row_is_accounted_for(tmp_path):
    """D20, smaller"""
    cells = [bytes(3 << 19) + bytes([n]) for n in range(48)]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    images = pa.StructArray.from_arrays([pa.array(cells, pa.binary()), pa.nulls(48, pa.string())], fields=list(kind))
    large = pa.table({"image": images, "caption": [f"a caption of picture {n}" for n in range(48)]})
    path = write_parquet(tmp_path / "shards" / "a.parquet", large, row_group_size=48, use_dictionary=False, compression="zstd")
    assert path.stat().st_size < 1 << 20
    ran = run_job(tmp_path, parquets({"source": {"max_unreadable": 1.0, "decode": {"max_bytes": 1 << 20}}}))
    assert [row["verdict"] for row in ran.ledger()] == ["unreadable"] * 48
    assert len({row["uid"] for row in ran.ledger()}) == 48


def test_a_mapped_name_that_stands_twice_is_a_mistake_that_is_told(tmp_path, capsys):
    """D21"""
    columns = [pa.array([jpeg()], pa.binary()), *(pa.array([text]) for text in ("a red kite", "a blue kite"))]
    write_parquet(tmp_path / "shards" / "a.parquet", pa.Table.from_arrays(columns, names=["jpg", "text", "text"]))
    job = parquets({"source": {"columns": {"caption": "text"}}})
    assert run_status(tmp_path, job) == 2
    message = capsys.readouterr().err
    assert "a.parquet" in message
    assert "'text'" in message


def test_a_name_that_stands_twice_and_nobody_maps_is_kept_under_two_names(tmp_path):
    """D21"""
    columns = [*table(1).columns, pa.array(["x"]), pa.array(["y"])]
    write_parquet(
        tmp_path / "shards" / "a.parquet", pa.Table.from_arrays(columns, names=["jpg", "caption", "__index_level_0__", "__index_level_0__"])
    )
    [row] = run_job(tmp_path, parquets()).data()
    found = {name: value for name, value in row.items() if "__index_level_0__" in name}
    assert len(found) == 2
    assert sorted(found.values()) == ["x", "y"]


def test_names_that_differ_in_case_only_do_not_collide(tmp_path):
    """D22"""
    names = {"UID": ["u"], "SHA256": ["s"], "Weight": [2.5], "url": ["https://a.example/1.jpg"], "URL": ["https://b.example/1.jpg"]}
    write_parquet(tmp_path / "shards" / "a.parquet", table(1, **names))
    ran = run_job(tmp_path, parquets())
    [row] = ran.data()
    assert (row["source_UID"], row["source_SHA256"], row["source_Weight"]) == ("u", "s", 2.5)
    assert row["url"] == "https://a.example/1.jpg"
    assert row["source_URL"] == "https://b.example/1.jpg"
    assert [note for note in ran.notes() if "url" in note and "URL" in note]
    assert len({name.casefold() for name in row}) == len(row)
    described = duckdb.sql(f"describe select * from '{ran.out}/data/*.parquet'").fetchall()
    assert [line[0] for line in described] == list(row)


@pytest.mark.parametrize("order", ["abc", "cab", "bca"])
def test_nulls_inside_lists_and_structs_and_an_empty_shard_give_one_schema(tmp_path, order):
    """D23"""
    datasets = pytest.importorskip("datasets")
    nested = {
        "a": table(1, tags=pa.array([[]], pa.list_(pa.null())), http=pa.array([{"tdm": None}], pa.struct([("tdm", pa.null())]))),
        "b": table(2, tags=[["x"], ["x"]], http=[{"tdm": "1"}, {"tdm": "1"}]).slice(1),
        "c": pa.table({"jpg": pa.array([], pa.binary()), "caption": pa.nulls(0)}),
    }
    for place, name in enumerate(order):
        write_parquet(tmp_path / "shards" / f"{place}.parquet", nested[name])
    ran = run_job(tmp_path, parquets())
    files = sorted((ran.out / "data").iterdir())
    schemas = [pq.read_schema(path) for path in files]
    assert schemas[0] == schemas[1] == schemas[2]
    assert (str(schemas[0].field("tags").type), str(schemas[0].field("http").type)) == ("list<element: string>", "struct<tdm: string>")
    empty = pq.read_metadata(ran.out / "data" / f"{order.index('c')}.parquet")
    assert (empty.num_rows, empty.num_row_groups) == (0, 0)
    assert duckdb.sql(f"select count(*), count(http.tdm) from '{ran.out}/data/*.parquet'").fetchall() == [(2, 1)]
    loaded = datasets.load_dataset("parquet", data_files=[str(path) for path in files], split="train", cache_dir=str(tmp_path / "cache"))
    assert sorted(row["tags"] for row in loaded.select_columns(["tags"])) == [[], ["x"]]


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A release with documents, from a source that declares features of its own and a shard that keeps nothing."""
    folder = tmp_path_factory.mktemp("release")
    features = {"info": {"features": {"label": {"names": ["a", "b"], "_type": "ClassLabel"}, "jpg": {"_type": "Image"}}}}
    declared = table(3, label=[0, 1, 0], tags=[["x"], [], None]).replace_schema_metadata(
        {"huggingface": json.dumps(features), "pandas": "{}"}
    )
    write_parquet(folder / "shards" / "a.parquet", declared)
    write_parquet(folder / "shards" / "b.parquet", pa.table({"jpg": [jpeg(seed=8)], "caption": ["one"], "label": [1], "tags": [["y"]]}))
    return run_job(folder, parquets({"publish": {"drop": ["label"]}, "datasheet": {"title": "a set"}}), documents=True)


@pytest.mark.parametrize("streaming", [False, True])
def test_a_shard_that_keeps_nothing_and_the_pictures_open_with_datasets(release, tmp_path, streaming):
    """A1, A12, D25"""
    datasets = pytest.importorskip("datasets")
    opened = datasets.load_dataset(str(release.out), split="train", streaming=streaming, cache_dir=str(tmp_path))
    rows = list(opened)
    assert len(rows) == 3
    assert all(isinstance(row["image"], Image.Image) and row["image"].size == (64, 48) for row in rows)
    assert [row["tags"] for row in rows] == [["x"], [], None]
    assert "label" not in rows[0]


def test_the_source_s_own_schema_metadata_is_not_copied(release):
    """D25"""
    for path in (release.out / "data").iterdir():
        metadata = pq.read_schema(path).metadata or {}
        assert b"pandas" not in metadata
        assert b"ClassLabel" not in metadata.get(b"huggingface", b"")


def test_the_pictures_open_with_mlcroissant(release, monkeypatch, tmp_path):
    """D25"""
    mlcroissant = pytest.importorskip("mlcroissant")
    monkeypatch.setenv("CROISSANT_CACHE", str(tmp_path))
    described = json.loads((release.out / "croissant.json").read_text())
    assert all(found["sha256"] for found in described["distribution"] if found["@type"] == "cr:FileObject" and "sha256" in found)
    dataset = mlcroissant.Dataset(str(release.out / "croissant.json"))
    assert not dataset.metadata.issues.errors
    name = described["recordSet"][0]["@id"]
    record = next(iter(dataset.records(name)))
    [picture] = [value for key, value in record.items() if key.rsplit("/", 1)[-1] == "image"]
    assert picture.size == (64, 48)


def test_duckdb_and_pyarrow_read_every_kept_row(release):
    """A1"""
    assert duckdb.sql(f"select count(*) from '{release.out}/data/*.parquet'").fetchall() == [(3,)]
    assert table_of(release.out / "data").num_rows == 3


def test_a_job_that_keeps_nothing_says_so(tmp_path):
    """A1, the last sentence"""
    write_parquet(tmp_path / "shards" / "a.parquet", pa.table({"jpg": [jpeg()], "caption": ["one"]}))
    ran = run_job(tmp_path, parquets(), documents=True)
    assert ran.data() == []
    assert "0" in (ran.out / "README.md").read_text()
    manifest = json.loads((ran.out / "manifest.json").read_text())
    assert (manifest["ledger"]["rows"], manifest["ledger"]["kept"]) == (1, 0)
