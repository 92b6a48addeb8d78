"""Lists of pairs that are no duplicates, and what they part a cluster into."""

import gzip
import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import JobError, MissingError
from tests.builders import write_parquet
from transforms.not_duplicates import Pairs, load_pairs, pair_files, parted

A, B, C = ("0a" * 16, "b0" * 16, "cc" * 15 + "00")


def loaded(path):
    return [[side.ljust(16, b"\0").hex() for side in pair] for pair in load_pairs([str(path)]).sides.tolist()]


@pytest.mark.parametrize(
    "content",
    [
        f"{A} {B}\n# two towers\n\n{C},{A}\n{B}\t{A}\n",
        f"other,note,UID\n{B},x,{A}\n\n{A.upper()},,{C}\n",
        f"\ufeffuid,other\r\n{A},{B}\r\n{A},{C}\r\n",
        gzip.compress(f"{A};{B}\n{A} {C}".encode(), mtime=0),
    ],
)
def test_text_and_csv_give_the_same_pairs_each_once(tmp_path, content):
    path = tmp_path / "pairs"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert loaded(path) == [[A, B], [A, C]]


@pytest.mark.parametrize("binary", [True, False])
def test_parquet_gives_them_too(tmp_path, binary):
    pairs = [(A, B), (C, A)]
    columns = [[bytes.fromhex(pair[side]) if binary else pair[side] for pair in pairs] for side in (0, 1)]
    path = write_parquet(tmp_path / "pairs.parquet", pa.table(columns, names=["uid", "other"]))
    assert loaded(path) == [[A, B], [A, C]]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (f"{A}\n", "row 1: is no pair of uids"),
        (f"{A} {B}\n{A} {B} {C}\n", "row 2: is no pair"),
        (f"{A} {B[:-1]}\n", "32 hexadecimal digits"),
        (f"uid,other\n{A},\n", "row 2: is no pair"),
        (f"{A} {A}\n", "names one uid twice"),
        (b"\xff\xfe\x00", "neither Parquet nor UTF-8"),
        (b"PAR1 and no more", "looks like Parquet"),
    ],
)
def test_a_malformed_line_stops_the_job_and_is_named(tmp_path, content, says):
    path = tmp_path / "pairs.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(JobError, match=says):
        pair_files([str(path)])


def test_a_list_that_is_not_there_names_the_key(tmp_path):
    with pytest.raises(MissingError, match=r"dedup.not_duplicates: there is no file"):
        pair_files([str(tmp_path / "gone.csv")])


def test_a_list_that_changed_is_read_again(tmp_path):
    path = tmp_path / "pairs.txt"
    path.write_text(f"{A} {B}\n")
    [before] = pair_files([str(path)])
    path.write_text(f"{A} {B}\n{A} {C}\n")
    [after] = pair_files([str(path)])
    assert (before.name, before.sha256 == after.sha256) == ("dedup.not_duplicates: pairs.txt", False)
    assert len(load_pairs([str(path)]).sides) == 2


UID = [bytes([n]) * 16 for n in range(8)]
DRAWN = st.tuples(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 7)), max_size=20),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda pair: pair[0] != pair[1]), max_size=10),
)


@settings(deadline=None)
@given(DRAWN)
def test_no_part_holds_a_pair_and_each_row_is_in_the_first_part_that_takes_it(drawn):
    rows, listed = drawn
    rows.sort(key=lambda row: row[0])
    cluster, uid = np.array([c for c, _ in rows], np.int64), np.array([UID[u] for _, u in rows], "S16")
    apart = {frozenset(pair) for pair in listed}
    part, other = parted(cluster, uid, Pairs.of([(UID[a], UID[b]) for a, b in listed]))
    for mine in ([n for n, row in enumerate(rows) if row[0] == c] for c in range(3)):
        seen: dict[int, int] = {}
        for row in mine:
            who = rows[row][1]
            foes = [n for n in mine if frozenset((who, rows[n][1])) in apart]
            assert other[row] == min(foes, default=-1)
            assert all(part[foe] != part[row] for foe in foes)
            if who not in seen:
                earlier = {seen[rows[n][1]] for n in foes if rows[n][1] in seen}
                assert part[row] == next(place for place in itertools.count() if place not in earlier)
            assert seen.setdefault(who, part[row]) == part[row]
