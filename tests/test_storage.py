import errno
import io
import logging
import os
import pathlib
import threading
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import EngineError, InputError
from tests import remote_filesystem
from transforms import remote, storage
from transforms.footers import read_footer
from transforms.local_copy import kept_copy, local_copy
from transforms.storage import (
    atomic_write,
    exists,
    list_below,
    list_files,
    list_folder,
    open_arrow,
    open_read,
    read_bytes,
    read_json,
    read_parquet,
    remove,
    remove_all,
    scratch_folder,
    sweep,
    write_bytes,
)  # fmt: skip


@pytest.fixture
def store(tmp_path) -> Iterator[pathlib.Path]:
    with remote_filesystem.mounted(tmp_path / "store") as folder:
        yield folder


@pytest.fixture(params=["local", "mirror", "shelf"])
def base(request, store) -> str:
    """A folder on a local disk, an object store, a filesystem with directories."""
    return str(store) if request.param == "local" else f"{request.param}://bucket"


def fill_up(path: str) -> None:
    pathlib.Path(path).write_bytes(b"half")
    raise OSError("disk full")


def names(found) -> list[str]:
    return [file.path.rpartition("/")[2] for file in found]


def test_what_is_written_is_there_whole_and_can_be_written_again(base):
    path = f"{base}/a/marker.json"
    assert not exists(path)
    for content in (b"first", b"second, longer", b""):
        write_bytes(path, content)
        assert exists(path)
        assert read_bytes(path) == content
        assert [file.size for file in list_folder(f"{base}/a")] == [len(content)]


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(base, store):
    write_bytes(f"{base}/a/marker.json", b"old")
    with pytest.raises(OSError, match="disk full"), atomic_write(f"{base}/a/marker.json") as scratch:
        fill_up(scratch)
    assert read_bytes(f"{base}/a/marker.json") == b"old"
    assert len([path for path in store.rglob("*") if path.is_file()]) == 1


def test_half_a_file_is_not_published_when_the_copy_to_an_object_store_breaks(store, monkeypatch):
    def break_off(source, target, size):
        target.write(source.read(3))
        raise KeyboardInterrupt

    monkeypatch.setattr(remote.shutil, "copyfileobj", break_off)
    with pytest.raises(KeyboardInterrupt):
        write_bytes("mirror://bucket/data.parquet", b"whole")
    assert not exists("mirror://bucket/data.parquet")


def test_a_listing_is_of_one_folder_sorted_without_hidden_files(base):
    for name in ("b.parquet", "a.parquet", ".winnow-left", "c.json", "deeper/d.parquet"):
        write_bytes(f"{base}/folder/{name}", b"1")
    found = list_folder(f"{base}/folder")
    assert [name for name in names(found) if name != "deeper"] == ["a.parquet", "b.parquet", "c.json"]
    assert names(list_folder(f"{base}/folder", ".parquet")) == ["a.parquet", "b.parquet"]
    assert [file.path for file in list_files(f"{base}/folder/*.parquet")] == [f"{base}/folder/{name}.parquet" for name in "ab"]
    assert list_folder(f"{base}/nowhere") == list_files(f"{base}/nowhere/*") == []


@pytest.mark.parametrize("base", ["local", "mirror"], indirect=True)
def test_a_listing_below_a_folder_holds_what_lies_in_its_folders_too(base):
    for name in ("b.jpg", "n02/a.jpg", "n01/deeper/a.jpg", "n01/.left"):
        write_bytes(f"{base}/val/{name}", b"1")
    write_bytes(f"{base}/value/c.jpg", b"1")
    found = [f"{base}/val/{name}" for name in ("b.jpg", "n01/deeper/a.jpg", "n02/a.jpg")]
    assert [file.path for file in list_below(f"{base}/val")] == [file.path for file in list_below(f"{base}/val/")] == found
    assert list_below(f"{base}/nowhere") == []


@pytest.mark.parametrize("base", ["local", "mirror"], indirect=True)
def test_signs_of_a_glob_in_a_name_are_only_signs(base):
    write_bytes(f"{base}/out [v1]*/a.parquet", b"12")
    write_bytes(f"{base}/out v/b.parquet", b"1")
    assert names(list_folder(f"{base}/out [v1]*")) == ["a.parquet"]
    assert names(list_files(f"{base}/out [v1]*/a.parquet")) == ["a.parquet"]


def test_a_version_changes_with_the_file(base):
    write_bytes(f"{base}/list.csv", b"kind,value")
    [first] = list_files(f"{base}/list.csv")
    write_bytes(f"{base}/list.csv", b"kind,value")
    [second] = list_files(f"{base}/list.csv")
    assert first.path == second.path == f"{base}/list.csv"
    assert first.version != second.version


def test_files_are_removed_and_one_that_is_gone_is_no_error(base):
    paths = [f"{base}/work/{number}.parquet" for number in range(70)]
    for path in paths[:60]:
        write_bytes(path, b"1")
    remove(paths[0])
    remove(paths[0])
    remove_all(paths)
    assert list_folder(f"{base}/work") == []


def test_what_a_killed_run_left_is_swept_where_it_can_be_left(base, store):
    write_bytes(f"{base}/work/kept.parquet", b"1")
    if not base.startswith("mirror"):
        write_bytes(f"{base}/work/.winnow-left", b"1")
    sweep(f"{base}/work")
    sweep(f"{base}/nowhere")
    assert not [path for path in store.rglob("*") if ".winnow" in path.name]
    assert exists(f"{base}/work/kept.parquet")


def test_a_missing_file_is_an_input_error_that_names_it(base):
    for read in (read_bytes, kept_copy if "://" in base else read_bytes):
        with pytest.raises(InputError, match=f"{base}/nothing.tar: cannot be opened"):
            read(f"{base}/nothing.tar")


def test_pyarrow_and_numpy_read_a_remote_file(base):
    table = pa.table({"number": range(100_000), "text": [str(number) for number in range(100_000)]})
    with atomic_write(f"{base}/a.parquet") as scratch:
        pq.write_table(table, scratch)
    with atomic_write(f"{base}/a.npy") as scratch, open(scratch, "wb") as file:
        np.save(file, np.arange(10), allow_pickle=False)
    with atomic_write(f"{base}/a.arrow") as scratch, pa.OSFile(scratch, "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with open_read(f"{base}/a.parquet") as file:
        assert pq.read_table(file) == table
    with open_read(f"{base}/a.npy") as file:
        assert np.load(file, allow_pickle=False).tolist() == list(range(10))
    with open_arrow(f"{base}/a.arrow") as source:
        found = pa.ipc.open_file(source).read_all()
    assert found == table  # the arrays outlive the file


def test_a_copy_is_fetched_once_for_all_who_use_it_at_the_same_time(store):
    write_bytes("mirror://bucket/a.tar", b"tar" * 100)
    remote_filesystem.requests.clear()
    with local_copy("mirror://bucket/a.tar") as outer:
        with local_copy("mirror://bucket/a.tar") as inner:
            assert inner == outer
        assert pathlib.Path(outer).read_bytes() == b"tar" * 100
    assert not os.path.exists(outer)
    assert [operation for operation, _ in remote_filesystem.requests].count("read") == 1
    with local_copy("mirror://bucket/a.tar") as again:
        assert pathlib.Path(again).exists()


def test_many_threads_share_a_copy(store):
    write_bytes("mirror://bucket/a.tar", b"tar" * 1000)
    found = []

    def look():
        for _ in range(20):
            with local_copy("mirror://bucket/a.tar") as copy:
                found.append(pathlib.Path(copy).read_bytes() == b"tar" * 1000)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 80


def test_a_kept_copy_stays_and_is_fetched_again_only_when_the_file_has_changed(store, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    scratch_folder.cache_clear()
    write_bytes("mirror://bucket/model.bin", b"one")
    first = kept_copy("mirror://bucket/model.bin")
    remote_filesystem.requests.clear()
    assert kept_copy("mirror://bucket/model.bin") == first
    assert "read" not in dict(remote_filesystem.requests)
    assert first.endswith("model.bin")
    write_bytes("mirror://bucket/model.bin", b"other")
    assert pathlib.Path(kept_copy("mirror://bucket/model.bin")).read_bytes() == b"other"
    scratch_folder.cache_clear()


def test_a_cache_that_somebody_else_may_write_to_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(storage.os, "getuid", lambda: 12345)
    monkeypatch.setattr(storage.tempfile, "gettempdir", lambda: str(tmp_path))
    scratch_folder.cache_clear()
    folder = scratch_folder()
    scratch_folder.cache_clear()
    assert pathlib.Path(folder).name not in ("winnow", "winnow-12345")
    assert os.listdir(folder) == []


@pytest.mark.parametrize("kept", [0, 0.6])
def test_a_file_of_ours_that_is_cut_short_is_named_with_what_to_do(base, kept):
    parquet, arrow, record = (f"{base}/{name}" for name in ("a.parquet", "a.arrow", "a.json"))
    table = pa.table({"a": range(100)})
    with atomic_write(parquet) as scratch:
        pq.write_table(table, scratch)
    with atomic_write(arrow) as scratch, pa.ipc.new_file(scratch, table.schema) as writer:
        writer.write_table(table)
    write_bytes(record, b'{"rows": 100, "shards": ["a"]}')
    for path, read in ((parquet, read_parquet), (parquet, read_footer), (arrow, read_arrow), (record, read_json)):
        read(path)
        content = read_bytes(path)
        write_bytes(path, content[: int(len(content) * kept)])
        with pytest.raises(InputError, match=rf"{path}: is cut short or damaged .*put it back as it was"):
            read(path)
        write_bytes(path, content)


def read_arrow(path: str) -> pa.Table:
    with open_arrow(path) as source:
        return pa.ipc.open_file(source).read_all()


def test_a_store_that_is_lost_is_an_engine_error_and_never_damaged_data(store):
    with atomic_write("mirror://bucket/a.parquet") as scratch:
        pq.write_table(pa.table({"text": [str(number) * 10 for number in range(50_000)]}), scratch)
    with open_read("mirror://bucket/a.parquet") as file:
        opened = pq.ParquetFile(file)
        remote_filesystem.lost.set()
        with pytest.raises(EngineError, match=r"mirror://bucket/a.parquet.*connection reset.*again"):
            opened.read()
    for reach in (list_folder, exists, read_bytes, remove, lambda path: write_bytes(path, b"1")):
        with pytest.raises(EngineError, match=r"mirror://bucket/a.parquet.*connection reset"):
            reach("mirror://bucket/a.parquet")


@pytest.mark.parametrize(("scheme", "extra"), [("gs", "gcp"), ("s3", "aws"), ("azfs", "azure"), ("hdfs", "hadoop")])
def test_a_filesystem_whose_extra_is_missing_says_what_to_install(scheme, extra, monkeypatch):
    monkeypatch.setattr(remote, "_is_installed", lambda module: False)
    for reach in (list_files, list_folder, exists, read_bytes, remove, lambda path: write_bytes(path, b"1")):
        with pytest.raises(EngineError, match=rf"{scheme}://bucket/a.tar.*pip install 'winnow-curation\[{extra}\]'"):
            reach(f"{scheme}://bucket/a.tar")


def test_a_store_that_does_not_answer_is_not_waited_for(store, monkeypatch):
    def hang(self, path):
        logging.getLogger("apache_beam.utils.retry").warning("waiting before retrying list because we caught exception: no credentials")
        threading.Event().wait(10)

    monkeypatch.setattr(remote_filesystem.MirrorFileSystem, "exists", hang)
    monkeypatch.setattr(remote, "ANSWER_SECS", 0.1)
    for _ in range(2):
        with pytest.raises(EngineError, match=r"mirror://silent does not answer within .* credentials there\?: .*no credentials"):
            list_folder("mirror://silent/shards")


@pytest.mark.parametrize("path", ["file:///data/a.tar", "https://host.example/a.tar", "nfs://host/a.tar"])
def test_a_scheme_that_beam_does_not_know_is_told_apart_from_a_file_that_is_not_there(path):
    with pytest.raises(EngineError, match=r"there is no filesystem .*gs:// \(extra gcp\).*without a scheme"):
        list_files(path)


def test_no_thread_of_arrow_holds_a_file_of_pythons_when_a_table_was_read(tmp_path, monkeypatch):
    """Such a thread aborts the process where the interpreter ends at the wrong moment: exit status 134 after a command that went well."""
    path = str(tmp_path / "a.parquet")
    pq.write_table(pa.table({"a": range(4), "b": range(4), "c": range(4)}), path, row_group_size=2)
    readers = set()

    class Watched(io.FileIO):
        def read(self, size=-1):
            readers.add(threading.get_ident())
            return super().read(size)

    monkeypatch.setattr(storage, "open_read", Watched)
    assert read_parquet(path, ["c", "a"]).to_pydict() == {"a": [0, 1, 2, 3], "c": [0, 1, 2, 3]}
    assert readers == {threading.get_ident()}


def test_a_full_disk_is_told_by_name_and_what_to_do(tmp_path):
    with (
        pytest.raises(EngineError, match=r"a\.txt: cannot be written \(No space left on device\); make room"),
        atomic_write(str(tmp_path / "a.txt")),
    ):
        raise OSError(errno.ENOSPC, "full")
    assert list(tmp_path.iterdir()) == []
