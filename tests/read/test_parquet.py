"""Parquet as people really have it: every row is there, and memory is bounded by the footer and not by hope."""

import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import EngineError, JobError, UnreadableShardError
from schemas.samples import MAX_BATCH_ROWS
from tests import remote_filesystem
from tests.builders import jpeg, make_shard, make_source, sample, write_parquet
from tests.read.reading import read
from transforms.read.reader import check_columns, open_shard
from transforms.read.shards import list_shards

STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def test_rows_come_with_pictures_roles_and_columns(tmp_path: pathlib.Path) -> None:
    samples = [sample(n, similarity=0.25) for n in range(3)]
    found = read(write_parquet(tmp_path / "a.parquet", samples), "parquet")
    assert found.column("image") == [row["jpg"] for row in samples]
    assert found.column("caption") == [row["caption"] for row in samples]
    assert found.column("key") == [row["key"] for row in samples]
    assert found.column("problem") == [None] * 3
    assert found.own("similarity") == [0.25] * 3
    assert "jpg" not in found.schema.names
    assert found.roles["similarity"] == "similarity"
    assert "image" not in found.roles


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(4), STRUCT])
def test_pictures_may_be_bytes_of_any_arrow_type(tmp_path: pathlib.Path, kind: pa.DataType) -> None:
    values = [{"bytes": b"abcd", "path": None}, None] if kind == STRUCT else [b"abcd", None]
    found = read(write_parquet(tmp_path / "a.parquet", pa.table({"image": pa.array(values, kind)})), "parquet")
    assert found.column("image") == [b"abcd", None]
    assert found.column("problem") == [None, "no bytes"]


def test_the_bytes_of_a_struct_may_be_mapped_by_their_path(tmp_path: pathlib.Path) -> None:
    table = pa.table({"pic": pa.array([{"data": b"x"}]), "jpg": pa.array([b"other"])})
    found = read(write_parquet(tmp_path / "a.parquet", table), "parquet", columns={"image": "pic.data"})
    assert found.column("image") == [b"x"]
    flat = read(write_parquet(tmp_path / "b.parquet", pa.table({"image.bytes": pa.array([b"y"])})), "parquet")
    assert flat.column("image") == [b"y"]


@pytest.mark.parametrize("kind", [pa.string(), pa.list_(pa.uint8())])
def test_a_mapped_column_that_holds_no_bytes_is_an_error_of_the_job(tmp_path: pathlib.Path, kind: pa.DataType) -> None:
    path = write_parquet(tmp_path / "a.parquet", pa.table({"pic": pa.nulls(1, kind)}))
    with pytest.raises(JobError, match=r"a\.parquet.*source\.columns\.image"):
        read(path, "parquet", columns={"image": "pic"})
    with pytest.raises(JobError, match=r"a\.parquet: no column holds pictures"):
        read(path, "parquet")


def test_a_path_beside_the_bytes_is_never_opened(tmp_path: pathlib.Path) -> None:
    """D24."""
    real = tmp_path / "1.jpg"
    real.write_bytes(jpeg())
    rows = [{"image": {"bytes": None, "path": str(real)}}, {"image": {"bytes": jpeg(seed=1), "path": "/home/jo/pics/2.jpg"}}]
    found = read(write_parquet(tmp_path / "a.parquet", rows), "parquet")
    assert found.column("image") == [None, jpeg(seed=1)]
    assert found.column("problem") == ["no bytes", None]
    assert found.schema.names == []


def test_a_huge_row_group_in_a_tiny_file_is_read_in_small_steps(tmp_path: pathlib.Path) -> None:
    """D20, at an eighth of its size; the budget is 1 MiB, so that its cells are seen as too large and are not kept."""
    path = tmp_path / "a.parquet"
    cells = pa.array([{"bytes": bytes(6 << 20), "path": None}], STRUCT).take(pa.array([0] * 48))
    pq.write_table(pa.table({"image": cells}), path, compression="zstd", use_dictionary=False, write_statistics=False)
    assert path.stat().st_size < 100_000
    found = read(path, "parquet", decode={"max_bytes": 1 << 20})
    assert found.column("problem") == ["larger than max_bytes"] * 48
    assert max(found.batches) <= 10


def test_a_step_that_arrow_cannot_convert_is_halved(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """D20."""
    path = write_parquet(tmp_path / "a.parquet", [sample(n) for n in range(40)])
    steps = []
    iterate = pq.ParquetFile.iter_batches

    def limited(self: pq.ParquetFile, batch_size: int, **options: object) -> object:
        steps.append(batch_size)
        for number, batch in enumerate(iterate(self, batch_size=batch_size, **options)):
            if batch_size > 4 and number == 1:
                raise pa.ArrowNotImplementedError("Nested data conversions not implemented for chunked array outputs")
            yield batch

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", limited)
    found = read(path, "parquet")
    assert found.column("key") == [f"{n:09d}" for n in range(40)]
    assert steps == [16, 8, 4, MAX_BATCH_ROWS]  # the last for captions alone


def test_cells_that_unfold_from_a_dictionary_are_read_few_at_a_time(tmp_path: pathlib.Path) -> None:
    """D20, a relative: the footer knows a repeated cell once."""
    path = write_parquet(tmp_path / "a.parquet", pa.table({"jpg": pa.array([bytes(4 << 20)] * 200)}))
    with open_shard(make_shard(path, "parquet"), make_source("parquet")) as reader:
        sizes = [(len(samples), samples.core.nbytes) for samples in reader.batches()]
    assert sum(rows for rows, _ in sizes) == 200
    assert max(size for _, size in sizes) < 130 << 20


def test_batches_obey_both_limits(tmp_path: pathlib.Path) -> None:
    raw = np.random.default_rng(0).bytes(1 << 20)
    path = write_parquet(tmp_path / "a.parquet", pa.table({"jpg": pa.array([raw + bytes([n]) for n in range(90)])}), compression="none")
    assert all(size <= 64 for size in read(path, "parquet").batches)
    small = write_parquet(tmp_path / "b.parquet", pa.table({"url": pa.array(map(str, range(2500)))}))
    assert read(small, "urls").batches == [1000, 1000, 500]


def test_a_doubled_column(tmp_path: pathlib.Path) -> None:
    """D21."""
    path = write_parquet(tmp_path / "a.parquet", pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"]))
    with pytest.raises(JobError, match=r"a\.parquet.*'text'.*source\.columns\.caption"):
        read(path, "urls")
    names = ["url", "__index_level_0__", "__index_level_0__"]
    path = write_parquet(tmp_path / "b.parquet", pa.Table.from_arrays([pa.array([name]) for name in "abc"], names=names))
    assert read(path, "urls").source == [{"url": "a", "__index_level_0__": "b", "__index_level_0___2": "c"}]


def test_names_that_differ_in_case_only(tmp_path: pathlib.Path) -> None:
    """D22."""
    path = write_parquet(tmp_path / "a.parquet", [{"UID": "u", "SHA256": "s", "Weight": 1, "url": "http://a", "URL": "http://b"}])
    found = read(path, "urls")
    assert found.column("url") == ["http://a"]
    assert found.schema.names == ["UID", "SHA256", "Weight", "url", "URL"]
    assert found.notes == ["columns that differ in case only: 'url', 'URL'; 'url' is mapped as url"]


def test_integers_are_handed_on_as_they_are(tmp_path: pathlib.Path) -> None:
    """D19: the run's schema is made elsewhere; here no digit is lost."""
    table = pa.table(
        {"url": ["a"], "width": pa.array([5], pa.int32()), "punsafe": pa.array([0.5], pa.float32()), "SAMPLE_ID": [9007199254740993]}
    )
    found = read(write_parquet(tmp_path / "a.parquet", table), "urls")
    assert [str(kind) for kind in found.schema.types] == ["string", "int32", "float", "int64"]
    assert found.own("SAMPLE_ID") == [9007199254740993]


def test_an_empty_shard_has_its_columns_and_no_row(tmp_path: pathlib.Path) -> None:
    """D23."""
    empty = pa.table({"jpg": pa.nulls(0), "text": pa.nulls(0), "tags": pa.array([], pa.list_(pa.string()))})
    found = read(write_parquet(tmp_path / "a.parquet", empty), "parquet")
    assert found.core == []
    assert found.schema.names == ["text", "tags"]
    assert read(write_parquet(tmp_path / "b.parquet", pa.table({"text": pa.nulls(0)})), "parquet").core == []


def test_nan_is_null(tmp_path: pathlib.Path) -> None:
    """D10."""
    table = pa.table(
        {
            "url": ["a", "b", "c"],
            "punsafe": [float("nan"), None, 0.5],
            "text": pa.array([float("nan")] * 3),
            "half": pa.array([np.float16("nan")] * 3),
        }
    )
    found = read(write_parquet(tmp_path / "a.parquet", table), "urls")
    assert found.own("punsafe") == [None, None, 0.5]
    assert found.own("half") == [None] * 3
    assert found.column("caption") == [None] * 3


def test_texts_of_any_arrow_type_are_strings(tmp_path: pathlib.Path) -> None:
    table = pa.table(
        {
            "URL": pa.array(["a", "b"], pa.large_string()),
            "TEXT": pa.array([b"caf\xe9", b"tea"], pa.binary()),
            "tag": pa.array(["x", "x"]).dictionary_encode(),
            "more": pa.array([["p"], None], pa.list_(pa.large_string())),
            "view": pa.array(["v", None], pa.string_view()),
        }
    )
    found = read(write_parquet(tmp_path / "a.parquet", table), "urls")
    assert found.column("url") == ["a", "b"]
    assert found.column("caption") == ["caf\ufffd", "tea"]
    assert [str(kind) for kind in found.schema.types] == ["string", "binary", "string", "list<item: string>", "string"]
    assert found.own("more") == [["p"], None]


def test_strings_that_are_not_utf8_are_replaced_and_told(tmp_path: pathlib.Path) -> None:
    broken = pa.array([b"ok", b"\xff\xfe", None]).view(pa.string())
    nested = pa.ListArray.from_arrays(pa.array([0, 1, 3, 3], pa.int32()), broken)
    table = pa.table({"url": broken, "tags": nested, "pair": pa.StructArray.from_arrays([broken], names=["a"])})
    found = read(write_parquet(tmp_path / "a.parquet", table), "urls")
    assert found.column("url") == ["ok", "\ufffd\ufffd", None]
    assert found.own("tags") == [["ok"], ["\ufffd\ufffd", None], []]
    assert found.own("pair") == [{"a": "ok"}, {"a": "\ufffd\ufffd"}, {"a": None}]
    assert found.notes == ["text that is not UTF-8: replaced in 3 values"]


def test_empty_and_blank_captions_are_absent(tmp_path: pathlib.Path) -> None:
    found = read(write_parquet(tmp_path / "a.parquet", pa.table({"url": ["a"] * 4, "text": ["", " \n", None, " x "]})), "urls")
    assert found.column("caption") == [None, None, None, " x "]


def test_recorded_failures_are_unreadable_rows(tmp_path: pathlib.Path) -> None:
    rows = [
        sample(0),
        sample(1, jpg=None, status="failed_to_download", error_message="Use of image disallowed by X-Robots-Tag directive"),
        sample(2, jpg=None),
        sample(3, status="failed_to_resize"),
    ]
    path = write_parquet(tmp_path / "a.parquet", rows)
    found = read(path, "parquet")
    assert found.column("problem")[0] is None
    assert found.column("problem")[1].startswith("failed_to_download: Use of image disallowed")
    assert found.column("problem")[2:] == ["no bytes", None]
    assert found.column("disallowed") == [False, True, False, False]


def test_rows_of_a_list_of_urls_are_readable_without_a_picture(tmp_path: pathlib.Path) -> None:
    rows = [{"URL": "http://a", "TEXT": "red", "WIDTH": 3, "jpg": b"x"}, {"URL": "http://b", "TEXT": "blue", "WIDTH": None, "jpg": None}]
    path = write_parquet(tmp_path / "a.parquet", rows)
    found = read(path, "urls")
    assert found.column("problem") == [None, None]
    assert found.column("image") == [None, None]
    assert found.schema.names == ["URL", "TEXT", "WIDTH"]
    with open_shard(make_shard(path, "urls"), make_source("urls")) as reader:
        assert not reader.has_bytes
        assert all(not samples.has_bytes for samples in reader.batches())
    failed = read(
        write_parquet(tmp_path / "b.parquet", [{"url": "a", "status": "failed_to_download"}, {"url": "b", "status": "active"}]), "urls"
    )
    assert failed.column("problem") == ["failed_to_download", None]


def test_ranges_of_row_groups_are_shards_of_their_own(tmp_path: pathlib.Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", pa.table({"url": [str(n) for n in range(100)]}), row_group_size=10)
    found = read(path, "urls", row_groups=(3, 5))
    assert found.column("url") == [str(n) for n in range(30, 50)]
    assert found.column("row") == list(range(20))


def test_only_the_wanted_rows_are_given_and_other_groups_are_not_read(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_parquet(tmp_path / "a.parquet", [sample(n) for n in range(60)], row_group_size=20)
    whole = read(path, "parquet")
    groups = []
    iterate = pq.ParquetFile.iter_batches
    monkeypatch.setattr(
        pq.ParquetFile, "iter_batches", lambda self, **options: groups.append(options["row_groups"]) or iterate(self, **options)
    )
    wanted = np.array([2, 17, 41, 42, 59])
    found = read(path, "parquet", rows=wanted)
    assert found.core == [whole.core[n] for n in wanted]
    assert found.source == [whole.source[n] for n in wanted]
    assert groups == [[0], [2]]


def test_a_damaged_picture_column_costs_pictures_and_no_row(tmp_path: pathlib.Path) -> None:
    noise = np.random.default_rng(0)
    table = pa.table({"jpg": [noise.bytes(20_000) for _ in range(30)], "url": [str(n) for n in range(30)]})
    path = write_parquet(tmp_path / "a.parquet", table, row_group_size=10, use_dictionary=False)
    chunk = pq.read_metadata(path).row_group(1).column(0)
    raw = bytearray(path.read_bytes())
    start = chunk.data_page_offset
    raw[start : start + 1000] = bytes(1000)
    path.write_bytes(bytes(raw))
    found = read(path, "parquet")
    assert found.column("problem") == [None] * 10 + ["damaged column chunk"] * 10 + [None] * 10
    assert found.column("url") == [str(n) for n in range(30)]
    assert found.notes == ["damaged column chunk: row group 1, rows from 0 on"]


def test_a_damaged_column_of_texts_costs_its_group_and_no_row(tmp_path: pathlib.Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", pa.table({"url": [str(n) for n in range(30)]}), row_group_size=10, use_dictionary=False)
    start = pq.read_metadata(path).row_group(2).column(0).data_page_offset
    raw = bytearray(path.read_bytes())
    raw[start : start + 20] = b"\xff" * 20
    path.write_bytes(bytes(raw))
    found = read(path, "urls")
    assert found.column("url") == [str(n) for n in range(20)] + [None] * 10
    assert found.column("problem") == [None] * 20 + ["damaged column chunk"] * 10


@pytest.mark.parametrize("raw", [b"", b"PAR1", b"no Parquet at all" * 9])
def test_what_is_no_parquet_is_an_error_that_can_be_counted(tmp_path: pathlib.Path, raw: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(raw)
    with pytest.raises(UnreadableShardError, match=r"a\.parquet.*max_unreadable_shards"):
        read(path, "parquet")


def test_a_mapped_column_that_no_file_has_names_file_and_key(tmp_path: pathlib.Path) -> None:
    write_parquet(tmp_path / "a.parquet", [{"url": "a"}])
    write_parquet(tmp_path / "b.parquet", [{"url": "a", "alt": "x"}])
    good = make_source("urls", "*.parquet", columns={"caption": "alt"})
    check_columns(list_shards([good], str(tmp_path)), [good])
    bad = make_source("urls", "*.parquet", columns={"caption": "alt", "url": "link"})
    with pytest.raises(JobError, match=r"a\.parquet and 1 more: no column 'link', which `source\.columns\.url`"):
        check_columns(list_shards([bad], str(tmp_path)), [bad])


def test_a_lost_connection_is_never_taken_for_damage(tmp_path: pathlib.Path) -> None:
    write_parquet(tmp_path / "shards" / "a.parquet", [sample(n) for n in range(30)], row_group_size=10)
    with remote_filesystem.mounted(tmp_path / "store"):
        remote_filesystem.upload(tmp_path / "shards", "mirror://bucket/shards")
        source = make_source("parquet", "mirror://bucket/shards/*.parquet")
        [shard] = list_shards([source], str(tmp_path))
        with open_shard(shard, source) as reader:
            batches = reader.batches()
            next(batches)
            remote_filesystem.lost.set()
            with pytest.raises(EngineError, match=r"mirror://bucket/shards/a\.parquet.*connection reset"):
                list(batches)
            remote_filesystem.lost.clear()
