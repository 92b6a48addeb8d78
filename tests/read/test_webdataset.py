"""Every tar that people have met gives its rows: nothing lost, nothing doubled, never a crash."""

import bz2
import gzip
import io
import lzma
import pathlib
import tarfile
import tracemalloc

import numpy as np
import pyarrow as pa
import pytest

from tests.builders import jpeg, make_shard, make_source, png, sample, tar_bytes, webp, write_parquet, write_webdataset
from tests.read.reading import read, read_tar, three
from tests.shared_data import shared
from transforms.read import webdataset
from transforms.read.reader import open_shard


def test_a_tar_of_img2dataset_gives_its_rows_and_columns(tmp_path: pathlib.Path) -> None:
    samples = [sample(n) for n in range(5)]
    (path,) = write_webdataset(tmp_path, samples)
    found = read(path, "webdataset")
    assert found.column("key") == [row["key"] for row in samples]
    assert found.column("image") == [row["jpg"] for row in samples]
    assert found.column("caption") == [row["caption"] for row in samples]
    assert found.column("url") == [row["url"] for row in samples]
    assert found.column("problem") == [None] * 5
    assert found.own("width") == [64] * 5
    assert found.roles["url"] == "url"
    assert found.notes == []


@pytest.mark.parametrize("gone", [0, 8])
def test_a_tar_and_a_sidecar_that_are_both_cut_give_what_was_seen(tmp_path: pathlib.Path, gone: int) -> None:
    """D01."""
    whole = three()
    third = whole.index(jpeg(seed=2))
    beside = write_parquet(tmp_path / "00000.parquet", [{"key": f"{n:03d}", "status": "success"} for n in range(9)])
    beside.write_bytes(beside.read_bytes()[:-8] if gone else b"")
    found = read_tar(tmp_path, whole[: third + 700])
    assert found.column("key") == ["000", "001", "002"]
    assert found.column("problem") == [None, None, "truncated member"]
    assert found.column("caption") == ["caption 0", "caption 1", None]
    assert found.column("image")[2] is None
    assert found.own("url") == ["http://h.example/0", "http://h.example/1", None]
    assert any(note.startswith("tar cut") for note in found.notes)
    assert any("which downloads failed is unknown" in note for note in found.notes)


def test_a_cut_tar_with_a_good_sidecar_has_the_rest_as_unreadable_rows(tmp_path: pathlib.Path) -> None:
    """D01."""
    whole = three()
    write_parquet(tmp_path / "00000.parquet", [{"key": f"{n:03d}", "status": "success", "caption": f"side {n}"} for n in range(5)])
    found = read_tar(tmp_path, whole[: whole.index(jpeg(seed=2)) + 700])
    assert found.column("problem") == [None, None, "truncated member", "not in the tar", "not in the tar"]
    assert found.column("caption") == ["caption 0", "caption 1", "side 2", "side 3", "side 4"]


@pytest.mark.parametrize("raw", [b"", bytes(10_240)], ids=["no bytes", "zeros"])
def test_a_tar_without_members_is_a_note_and_no_crash(tmp_path: pathlib.Path, raw: bytes) -> None:
    """D01."""
    found = read_tar(tmp_path, raw)
    assert found.core == []
    assert found.notes == ["empty tar: it holds no member"]


def test_a_tar_that_ends_between_two_members_is_told(tmp_path: pathlib.Path) -> None:
    found = read_tar(tmp_path, three(end=False))
    assert len(found.core) == 3
    assert found.notes == ["tar without end mark: it may have been cut between two members"]


def test_a_header_that_is_cut_is_told(tmp_path: pathlib.Path) -> None:
    found = read_tar(tmp_path, three(end=False) + tar_bytes([("003.jpg", b"x")])[:300])
    assert len(found.core) == 3
    assert found.notes[0].startswith("tar cut")


def test_dots_in_keys_keep_samples_apart(tmp_path: pathlib.Path) -> None:
    """D02."""
    keys = ["22.05", "22.06", "dir.v1/a", "Track 2.0 (clean)"]
    members = [(f"{key}.{kind}", content) for key in keys for kind, content in (("png", png(seed=len(key))), ("txt", key.encode()))]
    write_parquet(tmp_path / "00000.parquet", [{"key": "22.06", "mark": 6}, {"key": "22.05", "mark": 5}])
    found = read_tar(tmp_path, tar_bytes(members))
    assert found.column("key") == keys
    assert found.column("caption") == keys
    assert found.own("mark") == [5, 6, None, None]
    assert None not in found.column("image")


def test_a_doubled_member_is_flagged_and_handed_on(tmp_path: pathlib.Path) -> None:
    """D03."""
    first, second = jpeg(seed=1), jpeg(80, 60, seed=2)
    found = read_tar(tmp_path, tar_bytes([("000.jpg", first), ("000.txt", b"words"), ("000.jpg", second), ("000.seg.png", png())]))
    (row,) = found.core
    assert row["image"] == first
    assert row["extra"] == [{"name": "000.jpg", "image": second}, {"name": "000.seg.png", "image": png()}]
    assert row["flags"] == ["extra_member"]
    assert row["problem"] is None


def test_a_mask_that_stands_first_is_not_the_picture(tmp_path: pathlib.Path) -> None:
    found = read_tar(tmp_path, tar_bytes([("0.seg.png", png(seed=1)), ("0.png", png(seed=2))]))
    assert found.column("image") == [png(seed=2)]
    assert found.core[0]["extra"][0]["name"] == "0.seg.png"


def test_a_doubled_caption_or_json_is_flagged(tmp_path: pathlib.Path) -> None:
    found = read_tar(
        tmp_path,
        tar_bytes([("0.jpg", jpeg()), ("0.txt", b"one"), ("0.txt", b"two"), ("1.jpg", jpeg()), ("1.json", b"{}"), ("1.json", b"{}")]),
    )
    assert found.column("caption") == ["one", None]
    assert found.column("flags") == [["extra_member"], ["extra_member"]]


def test_members_of_a_sample_far_apart_are_one_row(tmp_path: pathlib.Path) -> None:
    """D04."""
    found = read_tar(tmp_path, tar_bytes([("000.jpg", jpeg(seed=0)), ("001.jpg", jpeg(seed=1)), ("000.txt", b"zero"), ("001.txt", b"one")]))
    assert found.column("key") == ["000", "001"]
    assert found.column("caption") == ["zero", "one"]


def test_a_tar_sorted_by_type_never_holds_all_pictures_in_memory(tmp_path: pathlib.Path) -> None:
    """D04, at scale: 200 MB of pictures, then their texts."""
    block = np.random.default_rng(3).bytes(1_000_000)
    path = tmp_path / "00000.tar"
    with tarfile.open(path, "w") as tar:
        for kind, content in (("jpg", block), ("txt", b"words")):
            for number in range(200):
                member = tarfile.TarInfo(f"{number:06d}.{kind}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    rows = 0
    tracemalloc.start()
    with open_shard(make_shard(path, "webdataset"), make_source("webdataset")) as reader:
        for samples in reader.batches():
            rows += samples.core.num_rows - samples.core.column("caption").null_count
            assert samples.core.nbytes < 68 << 20
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 200
    assert peak < 150 << 20


COMPRESSORS = {
    "tar": lambda raw: raw,
    "tar.gz": lambda raw: gzip.compress(raw, mtime=0),
    "tgz": lambda raw: gzip.compress(raw, mtime=0),
    "tar.bz2": bz2.compress,
    "tar.xz": lzma.compress,
    "tar.zst": lambda raw: pa.compress(raw, "zstd", asbytes=True),
}


@pytest.mark.parametrize("extension", COMPRESSORS)
def test_tars_joined_together_are_read_on(tmp_path: pathlib.Path, extension: str) -> None:
    """D05, and every compression."""
    press = COMPRESSORS[extension]
    one, two = (tar_bytes([(f"{n:03d}.jpg", jpeg(seed=n)) for n in numbers]) for numbers in ((0, 1), (2, 3)))
    for number, raw in enumerate([press(one + two), press(one) + press(two)]):
        found = read_tar(tmp_path, raw, f"{number}.{extension}")
        assert found.column("key") == ["000", "001", "002", "003"]
        assert found.column("image") == [jpeg(seed=n) for n in range(4)]
        assert found.notes == []


def test_compression_is_told_by_content(tmp_path: pathlib.Path) -> None:
    assert len(read_tar(tmp_path, gzip.compress(three()), "0.tar").core) == 3
    assert len(read_tar(tmp_path, three(), "1.tar.gz").core) == 3


@pytest.mark.parametrize("extension", COMPRESSORS)
def test_a_compressed_tar_that_is_cut_gives_what_was_seen(tmp_path: pathlib.Path, extension: str) -> None:
    noise = np.random.default_rng(5).bytes(3_000_000)
    raw = COMPRESSORS[extension](tar_bytes([("000.jpg", jpeg()), ("001.jpg", noise), ("002.jpg", jpeg())]))
    found = read_tar(tmp_path, raw[: len(raw) * 3 // 4], f"0.{extension}")
    assert found.column("key") == ["000", "001"]
    assert found.column("problem") == [None, "truncated member"]
    assert found.column("image") == [jpeg(), None]


def test_other_bytes_after_the_end_are_a_note_and_what_follows_is_read(tmp_path: pathlib.Path) -> None:
    """D05, a relative."""
    found = read_tar(tmp_path, three() + b"junk" * 256 + tar_bytes([("003.jpg", jpeg())]) + b"tail")
    assert len(found.core) == 4
    assert [note for note in found.notes if note.startswith("other bytes in the tar: 1028 bytes")]


def test_upper_case_types_are_types_and_keys_keep_their_case(tmp_path: pathlib.Path) -> None:
    """D06."""
    names = ["000.JPG", "000.TXT", "001.JPEG", "001.txt", "a.jpg", "A.jpg"]
    found = read_tar(tmp_path, tar_bytes([(name, jpeg() if "J" in name.upper() else name.encode()) for name in names]))
    assert found.column("key") == ["000", "001", "a", "A"]
    assert found.column("caption") == ["000.TXT", "001.txt", None, None]


def test_nothing_re_encoded_wrong_suffix_empty_text_no_json(tmp_path: pathlib.Path) -> None:
    """D07."""
    row = {"key": "000", "caption": "red car on a road", "width": None, "height": None, "original_width": None}
    kinds = [("key", pa.string()), ("caption", pa.string()), ("width", pa.int32()), ("height", pa.int32()), ("original_width", pa.null())]
    write_parquet(tmp_path / "00000.parquet", [row], pa.schema(kinds))
    found = read_tar(tmp_path, tar_bytes([("000.jpg", webp()), ("000.txt", b"")]))
    assert found.column("image") == [webp()]
    assert found.column("caption") == ["red car on a road"]
    assert found.source == [row]


def test_what_is_no_sample_is_told_once_and_is_no_row(tmp_path: pathlib.Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, kind in (
            ("dir", tarfile.DIRTYPE),
            ("soft.jpg", tarfile.SYMTYPE),
            ("hard.jpg", tarfile.LNKTYPE),
            ("pipe.jpg", tarfile.FIFOTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "elsewhere.jpg"
            tar.addfile(member)
        for name in (
            "._000.jpg",
            ".DS_Store",
            "__MACOSX/000.jpg",
            "dir/PaxHeader/000.jpg",
            "PaxHeaders.12/000.jpg",
            "Thumbs.db",
            "./dir/000.jpg",
        ):
            member = tarfile.TarInfo(name)
            member.size = 3
            tar.addfile(member, io.BytesIO(b"abc"))
    found = read_tar(tmp_path, buffer.getvalue())
    assert found.column("key") == ["dir/000"]
    assert found.notes == ["no samples: 1 directories, 2 links, 1 special files, 6 system files"]


def test_members_of_other_types_belong_to_their_sample_or_are_rows(tmp_path: pathlib.Path) -> None:
    members = [("0.jpg", jpeg()), ("0.cls", b"1"), ("0.clip_l14.npy", b"x"), ("0.id", b"9"), ("1.cls", b"2"), ("LICENSE", b"free")]
    found = read_tar(tmp_path, tar_bytes(members))
    assert found.column("key") == ["0", "1", "LICENSE"]
    assert found.column("problem") == [None, "no picture", "no picture"]
    assert found.notes == ["members of types that are not read: 5"]


@pytest.mark.parametrize("layout", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_and_names_in_any_script(tmp_path: pathlib.Path, layout: int) -> None:
    keys = ["d" * 80 + "/" + "f" * 70, "\u516c\u56ed/\u81ea\u884c\u8f66"] + ([] if layout == tarfile.USTAR_FORMAT else ["x" * 300])
    found = read_tar(tmp_path, tar_bytes([(f"{key}.jpg", jpeg()) for key in keys], layout))
    assert found.column("key") == keys


def test_names_and_texts_that_are_not_utf8_are_replaced_and_told(tmp_path: pathlib.Path) -> None:
    raw = tar_bytes(
        [("a1.jpg", jpeg()), ("a2.jpg", jpeg()), ("a1.txt", b"caf\xe9"), ("a2.txt", b"\xef\xbb\xbfplain"), ("a1.json", b'{"c": "\\ud800"}')]
    )
    found = read_tar(tmp_path, raw)
    assert found.column("caption") == ["caf\ufffd", "plain"]
    assert found.own("c") == ["\ufffd", None]
    assert found.notes == ["text that is not UTF-8: replaced in 1 names or members"]


def test_names_that_are_not_utf8_stay_apart(tmp_path: pathlib.Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT, encoding="latin-1") as tar:
        for name in ("\xe9.jpg", "\xe8.jpg"):
            member = tarfile.TarInfo(name)
            member.size = 3
            tar.addfile(member, io.BytesIO(b"abc"))
    assert read_tar(tmp_path, buffer.getvalue()).column("key") == ["\ufffd", "\ufffd"]


def test_texts_that_are_too_long_or_no_object_are_told(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webdataset, "MAX_TEXT_BYTES", 1 << 20)
    members = [("0.jpg", jpeg()), ("0.txt", b"x" * ((1 << 20) + 1)), ("0.json", b"[" * 100_000), ("1.jpg", jpeg()), ("1.json", b"[1]")]
    found = read_tar(tmp_path, tar_bytes(members))
    assert found.column("caption") == [None, None]
    assert found.column("problem") == [None, None]
    assert found.notes == ["texts too long: 1 members over 1 MiB are not read", "JSON that is no object: 2 members are not read"]


def test_pictures_beyond_the_budget_are_not_even_read(tmp_path: pathlib.Path) -> None:
    found = read_tar(tmp_path, tar_bytes([("0.jpg", b"x" * 5000), ("1.jpg", b""), ("2.jpg", jpeg())]), decode={"max_bytes": 4999})
    assert found.column("problem") == ["larger than max_bytes", "no bytes", None]
    assert found.column("image") == [None, None, jpeg()]


def test_only_the_wanted_rows_are_read(tmp_path: pathlib.Path) -> None:
    (path,) = write_webdataset(tmp_path, [sample(n) for n in range(7)] + [sample(7, jpg=None, status="failed_to_download")])
    whole = read(path, "webdataset")
    found = read(path, "webdataset", rows=np.array([1, 4, 7]))
    assert found.core == [whole.core[n] for n in (1, 4, 7)]
    assert found.source == [whole.source[n] for n in (1, 4, 7)]
    assert read(path, "webdataset", rows=np.array([], np.int64)).core == []


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "rows", "readable"),
    [
        ("webdataset/testdata/sample.tgz", 90, 90),
        ("webdataset/testdata/testgz.tar", 1000, 0),
        ("webdataset/testdata/compressed.tar", 3, 0),
        ("webdataset/testdata/tendata.tar", 100, 0),
        ("webdataset/testdata/mpdata.tar", 100, 0),
        ("clip_retrieval/tests/test_clip_inference/test_tars/image1.tar", 4, 4),
        ("clip_retrieval/tests/test_clip_inference/test_tars/image2.tar", 3, 3),
    ],
)
def test_real_tars_of_other_tools(name: str, rows: int, readable: int) -> None:
    found = read(shared("data", "shards", *name.split("/")), "webdataset")
    assert len(found.core) == rows
    assert found.column("problem").count(None) == readable
