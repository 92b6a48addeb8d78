"""Lists of hashes are read in every form in which benchmarks publish them, whole or not at all, and find the rows they name."""

import gzip
import hashlib
import pathlib

import numpy as np
import pyarrow as pa
import pytest

from schemas.annotations import BASE
from schemas.errors import JobError, MissingError
from tests.builders import write_parquet
from tests.shared_data import shared
from transforms.eval_sets.hash_lists import Hash, load_set, read_hashes

MD5, SHA1, SHA256 = (hashlib.new(kind, b"a picture").digest() for kind in ("md5", "sha1", "sha256"))
PHASH = 0xF0F0_1234_5678_9ABC


def annotated(*rows: dict[str, object]) -> pa.RecordBatch:
    """Annotations of rows given by digests and a perceptual hash."""
    fixed = {
        "source": "main", "shard": "0", "recorded": False, "flags": [], "not_scored": [], "low_detail": False, "has_caption": False,
        "caption_length": 0, "words": 0, "groups": {},
    }  # fmt: skip
    names = {field.name for field in BASE}
    made = [{**fixed, "uid": f"{number:032x}", "row": number, **row} for number, row in enumerate(rows)]
    return pa.RecordBatch.from_pylist([{name: value for name, value in row.items() if name in names} for row in made], BASE)


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        "{}  images/1.jpg",
        "{} *images/a b.jpg",
        "\\{}  images/new\\nline.jpg",
        "MD5 (images/1.jpg) = {}",
        "MD5(images/1.jpg)= {}",
        "{}\t1.jpg",
    ],
)
def test_every_form_of_a_line_is_an_md5(line, tmp_path):
    path = tmp_path / "sums.txt"
    path.write_text(f"# of the test split\n\n{line.format(MD5.hex().upper())}\n")
    assert list(read_hashes(str(path))) == [Hash("md5", MD5)]


def test_the_number_of_digits_says_what_a_hash_is(tmp_path):
    path = tmp_path / "sums.txt.gz"
    path.write_bytes(gzip.compress("\n".join([SHA256.hex(), f"{SHA1.hex()}  1.jpg", MD5.hex(), f"{PHASH:016x}"]).encode()))
    assert [found.kind for found in read_hashes(str(path))] == ["sha256", "sha1", "md5", "phash"]


def test_tables_are_read_by_their_columns(tmp_path):
    texts = {
        "kinds.csv": f"kind,value,radius\nmd5,{MD5.hex()},\nphash,{PHASH:x},2\n",
        "columns.tsv": f"# a comment\nfile\tMD5\tphash\n1.jpg\t{MD5.hex()}\t{PHASH:x}\n2.jpg\t\t\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    write_parquet(tmp_path / "raw.parquet", [{"md5": MD5, "phash": PHASH - 2**64, "id": 1}])
    phash = PHASH.to_bytes(8)
    assert list(read_hashes(str(tmp_path / "kinds.csv"))) == [Hash("md5", MD5), Hash("phash", phash, 2)]
    assert list(read_hashes(str(tmp_path / "columns.tsv"))) == [Hash("md5", MD5), Hash("phash", phash)]
    assert list(read_hashes(str(tmp_path / "raw.parquet"))) == [Hash("md5", MD5), Hash("phash", phash)]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("sums.txt", f"{MD5.hex()}  1.jpg\nimages/2.jpg\n", "line 2: is no MD5"),
        ("sums.txt", f"{MD5.hex()[:-1]}  1.jpg\n", "line 1: is no MD5"),
        ("list.csv", f"kind,value\nmd5,{MD5.hex()}\ncrc32,12345678\n", "line 3: kind 'crc32' is none of"),
        ("list.csv", f"md5,name\n{SHA1.hex()},1.jpg\n", "line 2: a md5 is 32 hexadecimal digits"),
        ("list.csv", f"# first\nkind,value,radius\nphash,{PHASH:x},99\n", "line 3: radius '99' is no whole number"),
        ("list.csv", f"md5\n{MD5.hex()},too,many\n", "line 2: has 3 fields where the header has 1"),
    ],
)
def test_what_cannot_be_read_stops_the_job_and_names_the_line(name, text, says, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(JobError, match=rf"{name}, {says}"):
        list(read_hashes(str(tmp_path / name)))


def test_a_list_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MissingError, match=r"dedup\.eval_overlap: there is no file .*gone\.txt"):
        load_set("bench", [str(tmp_path / "gone.txt")], 4)


@pytest.mark.parametrize("text", ["", "# none yet\n  # none\n", "md5,name\n"])
def test_a_list_that_holds_nothing_lets_no_benchmark_in(text, tmp_path):
    (tmp_path / "sums.txt").write_text(text)
    with pytest.raises(JobError, match=r"sums\.txt: holds no hash; put the whole list there"):
        load_set("bench", [str(tmp_path / "sums.txt")], 4)


def test_rows_are_found_by_any_digest_once_and_by_near_hashes_within_their_radius(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(f"kind,value,radius\nmd5,{MD5.hex()},\nsha256,{SHA256.hex()},\nphash,{PHASH:x},\nphash,{~PHASH & 2**64 - 1:016x},0\n")
    listed = load_set("bench", [str(path)], 4)
    rows = annotated(
        {"md5": MD5, "sha256": SHA256, "phash": PHASH}, {"md5": SHA1[:16]}, {"phash": PHASH ^ 0b1111}, {"phash": PHASH ^ 0b111111},
        {"phash": ~PHASH & 2**64 - 1}, {"phash": ~PHASH & 2**64 - 1 ^ 0b1}, {"sha256": SHA256},
    )  # fmt: skip
    found = {finding.details: finding.rows.tolist() for finding in listed.find(rows, 0)}
    assert found == {"bench: exact hash (sha256)": [0, 6], "bench: near hash (phash)": [2, 4]}
    near = listed.find(rows, 2)[-1]
    assert near.rows.tolist() == [2, 3, 4, 5]
    assert listed.size == 4


@pytest.mark.shared
def test_the_published_sums_are_read(tmp_path):
    folder = shared("data", "eval_ids", "checksums")
    for path in sorted(folder.glob("*.txt")):
        text = path.read_text()
        lines = [line.split() for line in text.splitlines()]
        listed = load_set("bench", [str(path)], 4)
        assert listed.size == len(lines)
        sums = [bytes.fromhex(digits) for digits, _ in lines]
        rows = annotated(*({"md5": value} for value in sums[::100]), {"md5": bytes(16)})
        [finding] = listed.find(rows, 0)
        assert np.array_equal(finding.rows, np.arange(len(sums[::100])))
    readme = pathlib.Path(folder, "README.md")
    with pytest.raises(JobError, match=r"README\.md, line 3: is no MD5"):
        load_set("bench", [str(readme)], 4)
