"""A plain list of hashes read as columns is the list read entry by entry; at anything out of the ordinary the columns stand back."""

import hashlib
import pathlib

import pytest

from schemas.errors import JobError
from transforms.consent.hash_columns import hash_columns
from transforms.consent.list_files import entries_of, reason_of
from transforms.consent.lists import load_lists

SHA256 = [hashlib.sha256(bytes([number])).hexdigest() for number in range(20)]
MD5 = [hashlib.md5(bytes([number])).hexdigest() for number in range(20)]


def lines(*rows: str, end: str = "\n") -> bytes:
    return (end.join(rows) + end).encode()


@pytest.mark.parametrize(
    "content",
    [
        lines(*SHA256),
        lines(*SHA256, end="\r\n"),
        lines(*SHA256).rstrip(b"\n"),
        lines(*(digest.upper() for digest in MD5)),
        b"\xef\xbb\xbf" + lines("kind,value", *(f"sha256,{digest}" for digest in SHA256)),
        lines(
            "Value,Kind,Reason",
            *(f" {digest} ,MD5,{reason}" for digest, reason in zip(MD5, ["illegal", "", "Taken_down"] * 6, strict=False)),
        ),
        lines(
            "kind,value,source", *(f"{kind},{digest},x" for kind, digest in [*zip(["uid"] * 9, MD5, strict=False), ("sha256", SHA256[0])])
        ),
    ],
    ids=["bare", "carriage returns", "no end", "two kinds", "csv", "reasons", "kinds"],
)
def test_both_ways_read_the_same(content: bytes) -> None:
    columns = hash_columns(content)
    assert columns
    read = [
        (found.kind, found.digests[16 * at : 16 * at + 16].hex(), reason_of("list", found.reason), int(row))
        for found in columns
        for at, row in enumerate(found.rows)
    ]
    assert sorted(read) == sorted((entry.kind, entry.value[:32], entry.reason, entry.row) for entry in entries_of("list", content))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        lines(*SHA256, "", SHA256[0]),
        lines(*SHA256, SHA256[0][:-1] + "g"),
        lines("# of the team", *SHA256),
        lines(*SHA256, MD5[0]),
        lines("kind,value", f'sha256,"{SHA256[0]}"'),
        lines("kind,value", f"sha256,{SHA256[0]}", "domain,example.org"),
        lines("kind,value", f"sha256,{SHA256[0]},x"),
        lines("kind,value,valid_to", f"sha256,{SHA256[0]},2026-01-01"),
        lines("kind,value", f"sha256,0x{SHA256[0]}"),
        lines("kind,value", f"sha256,{SHA256[0]}\rsha256,{SHA256[1]}"),
        "kind,value\nsha256,äöü".encode("latin-1"),
    ],
)
def test_anything_else_is_left_to_the_reader_of_entries(content: bytes) -> None:
    assert hash_columns(content) is None


def test_a_reason_that_is_none_stops_the_job_and_names_the_row(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(lines("kind,value,reason", f"sha256,{SHA256[0]},opt_out", f"sha256,{SHA256[1]},because"))
    with pytest.raises(JobError, match="row 3: reason 'because'"):
        load_lists([str(path)], None)
