"""Derived files of every form that may keep `uid` lose the rows that were removed, and nothing else."""

import gzip
import io
import json
import tarfile

import pytest

from schemas.errors import JobError
from tests.builders import tar_bytes
from transforms.takedown.derived import FORMS, Gone, remove_from

GONE, STAYS, OTHER = (f"{number:032x}" for number in (7, 8, 9))
JSONL = [f'{{"uid": "{uid}",  "n": 1.50}}\n' for uid in (STAYS, GONE.upper(), OTHER)] + ["\n", '{"n": 2}']
CSV = ["n,UID\r\n", f'"a\r\nb",{STAYS}\r\n', f'"c\nd",{GONE}\r\n', f"e,{OTHER}"]


def removed(path, content: bytes) -> tuple[int | None, bytes]:
    path.write_bytes(content)
    return remove_from(str(path), Gone.of({GONE})), path.read_bytes()


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson"])
def test_lines_of_json_stay_byte_for_byte(tmp_path, name):
    number, left = removed(tmp_path / name, "".join(JSONL).encode())
    assert number == 1
    assert left == "".join([JSONL[0], *JSONL[2:]]).encode()


@pytest.mark.parametrize(("name", "separator"), [("a.csv", ","), ("a.tsv", "\t")])
def test_rows_of_csv_stay_byte_for_byte_line_breaks_in_fields_too(tmp_path, name, separator):
    lines = [line.replace(",", separator) for line in CSV]
    number, left = removed(tmp_path / name, "".join(lines).encode())
    assert number == 1
    assert left == "".join([*lines[:2], lines[3]]).encode()


def test_a_byte_order_mark_and_letters_of_other_encodings_stay(tmp_path):
    number, left = removed(tmp_path / "a.csv", b"\xef\xbb\xbfuid,n\n" + f"{GONE},1\n{STAYS},".encode() + b"\xe9\n")
    assert number == 1
    assert left == b"\xef\xbb\xbfuid,n\n" + f"{STAYS},".encode() + b"\xe9\n"


def test_gzip_stays_gzip_and_is_the_same_every_time(tmp_path):
    content = gzip.compress("".join(JSONL).encode())
    number, left = removed(tmp_path / "a.jsonl.gz", content)
    assert number == 1
    assert gzip.decompress(left) == "".join([JSONL[0], *JSONL[2:]]).encode()
    assert removed(tmp_path / "b.jsonl.gz", content)[1] == left


def test_a_line_that_cannot_be_read_is_named_and_nothing_changes(tmp_path):
    content = f'{{"uid": "{GONE}"}}\nno json\n'.encode()
    (tmp_path / "a.jsonl").write_bytes(content)
    with pytest.raises(JobError, match=r"a\.jsonl, line 2: is no JSON"):
        remove_from(str(tmp_path / "a.jsonl"), Gone.of({GONE}))
    assert (tmp_path / "a.jsonl").read_bytes() == content


def members(content: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isreg()}


@pytest.mark.parametrize(("name", "pack"), [("a.tar", bytes), ("a.tar.gz", gzip.compress)])
def test_samples_of_a_tar_go_whole_by_their_json_or_their_key(tmp_path, name, pack):
    given = [
        ("x/0001.jpg", b"one"), ("x/0001.json", json.dumps({"uid": GONE}).encode()), ("x/0001.seg.png", b"of one"),
        ("x/0002.jpg", b"two"), ("x/0002.json", json.dumps({"uid": STAYS}).encode()),
        (f"y/{GONE}.jpg", b"three"), (f"y/{OTHER}.jpg", b"four"), ("y/0003.json", b"no json"),
    ]  # fmt: skip
    number, left = removed(tmp_path / name, pack(tar_bytes(given)))
    assert number == 2
    assert members(left) == dict(given[3:5] + given[6:])
    assert removed(tmp_path / f"b{name}", pack(tar_bytes(given)))[1] == left


def test_a_tar_that_is_cut_is_named_and_nothing_changes(tmp_path):
    content = tar_bytes([("0001.jpg", bytes(5000)), ("0001.json", json.dumps({"uid": GONE}).encode())])[:3000]
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(JobError, match=r"a\.tar: cannot be read as a tar"):
        remove_from(str(tmp_path / "a.tar"), Gone.of({GONE}))
    assert (tmp_path / "a.tar").read_bytes() == content


@pytest.mark.parametrize("ending", sorted(set(FORMS) - {".parquet", ".tar.bz2", ".tar.xz"}))
def test_a_file_without_uids_is_not_touched(tmp_path, ending):
    empty = tar_bytes([("0001.jpg", b"one")]) if "t" in ending and "tsv" not in ending else b"n\n"
    content = b"{}\n" if "json" in ending else empty
    content = gzip.compress(content) if ending.endswith(("gz", "tgz")) else content
    assert removed(tmp_path / f"a{ending}", content) == (None, content)
