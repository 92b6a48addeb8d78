"""Columns are valid, comparable and of few types, and nothing else about them changes."""

import pyarrow as pa
import pytest

from transforms.read.cleaning import as_text, clean, recorded_failures

BROKEN = pa.array([b"ok", b"\xff", None, b"end"]).view(pa.string())


@pytest.mark.parametrize("start", [0, 1, 2])
def test_a_slice_of_broken_text_keeps_its_nulls_and_its_place(start: int) -> None:
    expected = ["ok", "\ufffd", None, "end"][start:]
    lists = pa.ListArray.from_arrays(pa.array([0, 1, None, 3, 4], pa.int32()), BROKEN)
    structs = pa.StructArray.from_arrays([BROKEN], names=["a"], mask=pa.array([False, False, False, True]))
    assert clean(BROKEN.slice(start))[0].to_pylist() == expected
    assert clean(lists.slice(start))[0].to_pylist() == [["ok"], ["\ufffd", None], None, ["end"]][start:]
    assert clean(structs.slice(start))[0].to_pylist() == [{"a": "ok"}, {"a": "\ufffd"}, {"a": None}, None][start:]


def test_what_is_clean_is_handed_on_without_a_copy() -> None:
    column = pa.array(["a", None, "\u00e9"])
    assert clean(column)[0] is column


def test_an_infinite_score_stays_and_nan_goes() -> None:
    assert clean(pa.array([float("inf"), float("nan")]))[0].to_pylist() == [float("inf"), None]


def test_only_text_is_text() -> None:
    assert as_text(pa.array([1.0, None]))[0].to_pylist() == ["1", None]  # type: ignore[union-attr]
    assert as_text(pa.array([{"a": 1}])) == (None, 0)


def test_a_message_of_a_failure_holds_no_address() -> None:
    forbidden = "Use of image DISALLOWED BY X-Robots-Tag directive"
    errors = pa.array(["mail jo@h.example", "see C:\\jo\\x and /home/jo", None, forbidden, "x" * 500])
    status = pa.array(["failed_to_download"] * 2 + ["success"] + ["failed_to_download"] * 2)
    problems, disallowed = recorded_failures(status, errors, 5)
    assert problems[:3] == ["failed_to_download: mail \u2026", "failed_to_download: see \u2026 and \u2026", None]
    assert disallowed == [False, False, False, True, False]
    assert len(problems[4] or "") == 120
