import io
import pathlib
import time

import pytest

from pipeline.progress import Progress, count_present


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def wait_for(stream: io.StringIO, text: str) -> None:
    end = time.monotonic() + 20
    while text not in stream.getvalue() and time.monotonic() < end:
        time.sleep(0.02)
    assert text in stream.getvalue()


def test_only_expected_files_that_are_whole_count(tmp_path):
    (tmp_path / "a.parquet").touch()
    (tmp_path / "superseded.parquet").touch()
    (tmp_path / ".winnow-1").touch()
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "c.arrow").touch()
    expected = [f"{tmp_path}/a.parquet", f"{tmp_path}/b.parquet", f"{tmp_path}/more/c.arrow", f"{tmp_path}/.winnow-1"]
    assert count_present(expected) == 2
    assert count_present([]) == 0


def test_lines_are_written_where_there_is_no_terminal_with_what_was_there_already(tmp_path):
    stream = io.StringIO()
    expected = [f"{tmp_path}/{number}" for number in range(3)]
    (tmp_path / "0").touch()
    with Progress("annotate", len(expected), expected, stream):
        wait_for(stream, "annotate: 1/3\n")
        (tmp_path / "1").touch()
        (tmp_path / "2").touch()
    assert stream.getvalue().startswith("annotate: 1/3\n")
    assert "annotate: 3/3\nannotate: done after " in stream.getvalue()


def test_a_phase_that_fails_is_not_called_done(tmp_path):
    stream = io.StringIO()
    with pytest.raises(ZeroDivisionError), Progress("emit", 0, [], stream):
        1 / 0  # noqa: B018
    assert "done" not in stream.getvalue()
    assert "emit: stopped after " in stream.getvalue()


def test_a_thousand_files_do_not_give_a_thousand_lines(tmp_path):
    stream = io.StringIO()
    expected = [f"{tmp_path}/{number}" for number in range(1_000)]
    with Progress("annotate", len(expected), expected, stream):
        for path in expected:
            pathlib.Path(path).touch()
    assert len(stream.getvalue().splitlines()) <= 12
    assert "annotate: 1000/1000\n" in stream.getvalue()


def test_a_bar_is_drawn_on_a_terminal(tmp_path):
    stream = Terminal()
    with Progress("annotate", 1, [f"{tmp_path}/0"], stream):
        (tmp_path / "0").touch()
    assert "1/1" in stream.getvalue()
