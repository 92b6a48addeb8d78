"""What the README shows is true: its commands exist, its job is a job, its table names what a run leaves behind."""

import re
import shlex

import pytest

from pipeline.cli import run_command
from pipeline.jobfile import load_job
from tests.pipeline.readme import TEXT, blocks
from tests.runs import ROOT, tars, write_job

COMMANDS = [
    shlex.split(part, comments=True)
    for block in blocks("sh")
    for line in block.splitlines()
    for part in line.split(" && ")
    if part.split()[0].rpartition("/")[2] == "winnow"
]


def test_there_are_commands_to_try():
    assert {words[1] for words in COMMANDS} == {
        "demo", "why", "init", "check", "preview", "run", "append", "trace", "tune", "takedown", "verify-absent", "flag", "datasheet",
        "evaluate", "filters",
    }  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_exists_with_the_options_shown(words, capsys):
    ours = words[: words.index("--")] if "--" in words else words
    assert run_command([ours[1], "--help"]) == 0
    told = capsys.readouterr().out
    for option in (word for word in ours[2:] if word.startswith("--")):
        assert option in told


@pytest.mark.parametrize("words", [words for words in COMMANDS if "--set" in words], ids=" ".join)
def test_every_setting_shown_can_be_laid_over_a_job(words, tmp_path):
    load_job(str(write_job(tmp_path, tars())), [words[words.index("--set") + 1]])


def test_every_command_named_in_the_text_exists(capsys):
    for command in sorted(set(re.findall(r"`winnow ([\w-]+)", TEXT))):
        assert run_command([command, "--help"]) == 0


@pytest.mark.parametrize("block", blocks("yaml"))
def test_every_job_shown_is_a_job(block, tmp_path):
    path = tmp_path / "job.yaml"
    path.write_text(block)
    assert load_job(str(path)).version == 1


def test_every_job_key_named_in_the_text_exists(tmp_path):
    path = tmp_path / "job.yaml"
    for snippet in re.findall(r"`(filters: \{.*?\}\})`", TEXT):
        path.write_text(f"version: 1\nsource: {{format: urls, paths: [a]}}\noutput: out\n{snippet}\n".replace("shouting", "toxicity"))
        load_job(str(path))
    for key in re.findall(r"`filters\.(\w+)\.(\w+)`", TEXT):
        assert key[1] in type(getattr(load_job(str(path)).filters, key[0])).model_fields


def test_the_two_commands_that_set_everything_up_are_the_ones_ci_runs():
    first, second = blocks("sh")[0].splitlines()
    assert first == "python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]' && .venv/bin/winnow demo demo"
    assert second == ".venv/bin/python -m pytest"
    assert second.removeprefix(".venv/bin/") in (ROOT / ".ci" / "run").read_text()


def test_every_file_in_the_table_of_outputs_is_there_after_a_run(demo_run):
    rows = re.findall(r"^\| (`out.*?) \|", TEXT, re.MULTILINE)
    assert len(rows) == 8
    named = [name for row in rows for name in re.findall(r"`(out[^`]*)`", row)]
    named += ["out/datasheet.md", "out/datasheet.json"]
    for pattern in named:
        assert list(demo_run.folder.glob(pattern)), pattern


def test_every_path_named_in_the_text_is_in_the_repository():
    for path in re.findall(r"`((?:notebooks|transforms|tests)/[^`]+)`", TEXT):
        assert (ROOT / path).exists(), path


def test_the_statuses_told_are_the_ones_that_errors_carry():
    from schemas import errors

    told = {int(number) for number in re.findall(r"\d+", TEXT.split("`winnow` ends with")[1].split("\n\n")[0])}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.WinnowError)]
    assert {kind.exit_status for kind in kinds} | {0, 130} == told
