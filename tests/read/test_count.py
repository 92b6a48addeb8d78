"""Reader and counter are two codes, and agree on tars of any layout."""

import gzip
import io
import pathlib
import tarfile
import tempfile

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import make_shard, make_source, write_parquet
from tests.read.reading import read
from transforms.read.count import count_rows
from transforms.read.reader import UnreadableShardError, open_shard

KEYS = st.sampled_from(
    ["0", "1", "22.05", "dir.v1/a", "A", "a", "x" * 120, "d" * 90 + "/k", "\u8f66", "b.clip", "._s", "__MACOSX/m", "./0", "/0"]
)
TYPES = st.sampled_from([".jpg", ".JPG", ".png", ".txt", ".TXT", ".json", ".seg.png", ".cls", ".clip.npy", ".id", ".txt.gz", ".7", "", "/"])
KINDS = st.sampled_from(
    [tarfile.REGTYPE] * 8 + [tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.CONTTYPE]
)
MEMBERS = st.lists(st.tuples(KEYS, TYPES, KINDS, st.integers(0, 1600)), max_size=12)
LAYOUTS = st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
BETWEEN = st.sampled_from([b"", bytes(512), bytes(10_240), b"junk" * 128, b"junk" * 300, b"j"])


def any_tar(members: list[tuple[str, str, bytes, int]], layout: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=layout) as tar:
        for key, suffix, kind, size in members:
            if layout == tarfile.USTAR_FORMAT and "/" not in key:
                key = key[-60:]
            member = tarfile.TarInfo(key + suffix)
            member.type, member.linkname = kind, "0.jpg"
            member.size = size if kind in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE) else 0
            tar.addfile(member, io.BytesIO(b"{}" * size))
        length = tar.offset
    return buffer.getvalue()[:length]


@settings(max_examples=200, deadline=None)
@given(
    parts=st.lists(st.tuples(MEMBERS, LAYOUTS, BETWEEN), min_size=1, max_size=3),
    cut=st.one_of(st.none(), st.floats(0, 1)),
    packed=st.booleans(),
    beside=st.one_of(st.none(), st.lists(st.one_of(st.none(), st.just(" "), KEYS), max_size=6)),
)
def test_reader_and_counter_agree_on_tars_of_any_layout(
    parts: list[tuple[list[tuple[str, str, bytes, int]], int, bytes]], cut: float | None, packed: bool, beside: list[str | None] | None
) -> None:
    raw = b"".join(any_tar(members, layout) + between for members, layout, between in parts)
    raw = gzip.compress(raw, mtime=0) if packed else raw
    raw = raw if cut is None else raw[: int(cut * len(raw))]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "0.tar"
        path.write_bytes(raw)
        if beside is not None:
            write_parquet(path.with_suffix(".parquet"), pa.table({"key": pa.array(beside, pa.string())}))
        shard = make_shard(path, "webdataset")
        try:
            with open_shard(shard, make_source("webdataset")) as reader:
                rows = sum(len(samples) for samples in reader.batches())
        except UnreadableShardError:
            return
        assert rows == count_rows(shard)


@settings(max_examples=60, deadline=None)
@given(members=MEMBERS, layout=LAYOUTS)
def test_the_reader_sees_the_members_that_tarfile_sees(members: list[tuple[str, str, bytes, int]], layout: int) -> None:
    raw = any_tar(members, layout) + bytes(1024)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "0.tar"
        path.write_bytes(raw)
        with tarfile.open(path) as tar:
            expected = {
                (member.size, tar.extractfile(member).read())  # type: ignore[union-attr]
                for member in tar
                if member.isreg() and member.size and member.name.lower().endswith(".jpg") and "_" not in member.name
            }
        with open_shard(make_shard(path, "webdataset"), make_source("webdataset")) as reader:
            seen = set()
            for samples in reader.batches():
                for row in samples.core.to_pylist():
                    pictures = [row["image"], *(extra["image"] for extra in row["extra"])]
                    seen |= {(len(raw), raw) for raw in pictures if raw}
        assert expected <= seen


def test_a_dropped_row_would_be_seen(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "0.tar"
    path.write_bytes(any_tar([(str(n), ".jpg", tarfile.REGTYPE, 10) for n in range(5)], tarfile.USTAR_FORMAT))
    assert len(read(path, "webdataset", rows=np.arange(4)).core) == 4 != count_rows(make_shard(path, "webdataset"))


def test_sizes_in_base_256_and_in_extended_headers_are_understood(tmp_path: pathlib.Path) -> None:
    def header(name: bytes, size: bytes, kind: bytes = b"0") -> bytes:
        block = bytearray(512)
        block[: len(name)], block[124:136], block[148:156], block[156:157] = name, size, b" " * 8, kind
        block[148:156] = b"%06o\0 " % sum(block)
        return bytes(block)

    record = b"12 size=600\n"
    raw = (
        header(b"0.jpg", b"\x80" + (700).to_bytes(11, "big")) + b"a" * 700 + bytes(324)
        + header(b"x", b"%011o\0" % len(record), b"x") + record.ljust(512, b"\0")
        + header(b"1.jpg", b"%011o\0" % 5) + b"b" * 600 + bytes(424)
        + header(b"2.jpg", b"%011o\0" % 5) + b"c" * 5 + bytes(507)
    )  # fmt: skip
    path = tmp_path / "0.tar"
    path.write_bytes(raw + bytes(1024))
    assert read(path, "webdataset").column("image") == [b"a" * 700, b"b" * 600, b"c" * 5]


def test_a_sparse_member_is_a_row_with_a_problem(tmp_path: pathlib.Path) -> None:
    raw = bytearray(any_tar([("0", ".jpg", tarfile.REGTYPE, 600), ("1", ".jpg", tarfile.REGTYPE, 600)], tarfile.GNU_FORMAT))
    raw[156:157] = b"S"
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw[:512])
    path = tmp_path / "0.tar"
    path.write_bytes(bytes(raw) + bytes(1024))
    found = read(path, "webdataset")
    assert found.column("problem") == ["sparse member", None]


def test_a_parquet_file_without_a_footer_is_no_count(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "0.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(UnreadableShardError, match=r"0\.parquet"):
        count_rows(make_shard(path, "parquet"))
