import json
import logging
import pathlib

import apache_beam  # noqa: F401  # warns while it is loaded

from pipeline.log import LOGGER, logged, without_text


def entries(path: str) -> list[dict]:
    return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]


def test_the_log_is_private_json_lines_of_ours_and_of_warnings_of_libraries(tmp_path, capsys):
    with logged(str(tmp_path / "log")) as path:
        LOGGER.info("%d shards", 3, extra={"fields": {"phase": "annotate"}})
        logging.getLogger("apache_beam.x").info("chatter")
        logging.getLogger("apache_beam.x").warning("odd")
    LOGGER.warning("after the end")
    assert [(e["level"], e["message"], e.get("phase")) for e in entries(path)] == [
        ("INFO", "3 shards", "annotate"),
        ("WARNING", "odd", None),
    ]
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o700
    assert capsys.readouterr().err == ""


def test_a_caption_that_an_exception_quotes_is_not_logged_but_the_code_is(tmp_path):
    with logged(str(tmp_path)) as path:
        try:
            int("a red kite")
        except ValueError as error:
            LOGGER.error("failed", exc_info=error)
    [entry] = entries(path)
    assert "red kite" not in entry["traceback"].splitlines()[-1]
    assert "test_log.py" in entry["traceback"]


def test_text_without_spaces_in_another_script_is_withheld_and_names_are_not():
    assert without_text("KeyError: '赤い凧'") == "KeyError: '[text withheld]'"
    assert without_text("KeyError: 'punsafe'") == "KeyError: 'punsafe'"


def test_what_a_worker_logged_is_unwrapped(tmp_path):
    with logged(str(tmp_path)) as path:
        logging.getLogger().warning('severity: WARN\nmessage: "no \\"a red kite\\" here"\nlog_location: "a.py:1"\n')
    assert [entry["message"] for entry in entries(path)] == ['no "[text withheld]" here']
