"""Shards are found once each, and their names do not depend on where the data lies."""

import hashlib
import pathlib

import pyarrow as pa
import pytest

from schemas.errors import InputError
from tests.builders import make_source, sample, tar_bytes, write_parquet, write_webdataset
from tests.shared_data import shared
from transforms.read.shards import list_shards


def touch(folder: pathlib.Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tar_bytes([]))


def test_a_sidecar_belongs_to_its_tar_and_is_no_shard(tmp_path: pathlib.Path) -> None:
    write_webdataset(tmp_path, [sample(n) for n in range(4)], per_shard=2)
    (tmp_path / "00000_stats.json").write_text("{}")
    shards = list_shards([make_source("webdataset", "*")], str(tmp_path))
    assert [shard.name for shard in shards] == ["00000", "00001"]
    assert shards[1].sidecar == str(tmp_path / "00001.parquet")
    assert shards[1].sidecar_size == (tmp_path / "00001.parquet").stat().st_size
    assert [s.sidecar for s in list_shards([make_source("webdataset", "*.tar")], str(tmp_path))] == [s.sidecar for s in shards]


def test_names_are_the_path_below_the_longest_common_folder(tmp_path: pathlib.Path) -> None:
    touch(tmp_path, "data/a/00000.tar", "data/a/00001.tar.gz", "data/b/c d/00000.TGZ", "data/b/x.tar.zst")
    names = [shard.name for shard in list_shards([make_source("webdataset", "data/**/*.*")], str(tmp_path))]
    assert names == ["a__00000", "a__00001", "b__c_d__00000", "b__x"]


def test_the_source_stands_in_front_where_there_are_several(tmp_path: pathlib.Path) -> None:
    touch(tmp_path, "web/0.tar", "web/1.tar", "more/0.tar")
    sources = [make_source("webdataset", "web/*.tar", name="web"), make_source("webdataset", str(tmp_path / "more/0.tar"), name="more")]
    assert [(s.source, s.name) for s in list_shards(sources, str(tmp_path))] == [("web", "web__0"), ("web", "web__1"), ("more", "more__0")]


def test_names_that_collide_carry_the_hash_of_their_paths(tmp_path: pathlib.Path) -> None:
    touch(tmp_path, "a/b.tar", "a__b.tar", "c.tar", "c.tar.gz", "d.tar")
    names = [shard.name for shard in list_shards([make_source("webdataset", "**/*.tar*")], str(tmp_path))]
    assert len(set(names)) == 5
    assert f"a__b-{hashlib.sha256(b'a/b.tar').hexdigest()[:8]}" in names
    assert f"c-{hashlib.sha256(b'c.tar.gz').hexdigest()[:8]}" in names
    assert "d" in names


def test_a_file_that_two_globs_match_is_one_shard(tmp_path: pathlib.Path) -> None:
    touch(tmp_path, "0.tar", "1.tar")
    assert len(list_shards([make_source("webdataset", "*.tar", "0.*")], str(tmp_path))) == 2


def test_a_large_parquet_file_is_ranges_of_row_groups(tmp_path: pathlib.Path) -> None:
    table = pa.table({"url": pa.array(range(250_000)), "caption": pa.nulls(250_000, pa.string())})
    write_parquet(tmp_path / "a.parquet", table, row_group_size=40_000)
    write_parquet(tmp_path / "b.parquet", table.slice(0, 10))
    shards = list_shards([make_source("urls", "*.parquet")], str(tmp_path))
    assert [(s.name, s.row_groups) for s in shards] == [
        ("a-g0000", (0, 2)), ("a-g0002", (2, 4)), ("a-g0004", (4, 7)), ("b", None),
    ]  # fmt: skip


def test_a_file_without_a_footer_is_listed_and_left_to_the_reader(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    assert [shard.name for shard in list_shards([make_source("parquet", "*")], str(tmp_path))] == ["a"]


def test_a_glob_that_matches_nothing_names_source_and_glob(tmp_path: pathlib.Path) -> None:
    touch(tmp_path, "0.tar")
    with pytest.raises(InputError, match=r"'web'.*'\*\.tgz'"):
        list_shards([make_source("webdataset", "*.tar", "*.tgz", name="web")], str(tmp_path))
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="folder/\\*"):
        list_shards([make_source("webdataset", "folder")], str(tmp_path))


def test_a_name_is_safe_whatever_the_path_holds(tmp_path: pathlib.Path) -> None:
    touch(tmp_path, "0.tar", f"x/{'long' * 60}.tar", "x/a:b?.tar")
    names = [shard.name for shard in list_shards([make_source("webdataset", "**/*.tar")], str(tmp_path))]
    assert "x__a_b_" in names
    assert max(len(name) for name in names) < 200


@pytest.mark.shared
def test_real_tars_of_other_tools_are_listed() -> None:
    folder = shared("data", "shards")
    names = [shard.name for shard in list_shards([make_source("webdataset", "**/*.tar", "**/*.tgz")], str(folder))]
    assert "webdataset__testdata__sample" in names
    assert len(names) == 9
