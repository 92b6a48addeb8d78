"""The command line itself: exit statuses, what goes to which stream, and how little the light commands load."""

import json
import subprocess
import sys

import pytest

from pipeline.cli import app, run_command
from tests.builders import sample, write_webdataset
from tests.runs import ROOT, tars, write_job

COMMANDS = ("init", "run", "check", "preview", "tune", "why", "datasheet", "filters", "schema", "worker", "demo")
HEAVY = ("apache_beam", "numba", "duckdb", "matplotlib", "torch", "onnxruntime", "scipy")


@pytest.fixture
def job(tmp_path):
    write_webdataset(tmp_path / "shards", [sample(number) for number in range(12)])
    return write_job(tmp_path, tars())


def test_help_names_every_command_and_every_command_has_help(capsys):
    assert run_command(["--help"]) == 0
    told = capsys.readouterr().out
    for command in COMMANDS:
        assert f"  {command} " in told
        assert run_command([command, "--help"]) == 0
        assert "Usage" in capsys.readouterr().out


def test_the_version_is_printed_alone(capsys):
    assert run_command(["--version"]) == 0
    assert len(capsys.readouterr().out.split()) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["rnu"], "No such command 'rnu'"),
        (["run"], "Missing argument 'JOB'"),
        (["run", "job.yaml", "--replce"], "No such option: --replce"),
        (["run", "job.yaml", "--limit-shards", "0"], "--limit-shards"),
        (["run", "job.yaml", "--limit-shards", "two"], "--limit-shards"),
        (["preview", "job.yaml", "--rows", "0"], "--rows"),
        (["why", "out"], "Missing argument"),
        (["worker", "--port", "70000"], "--port"),
        (["filters", "extra"], "extra"),
    ],
)
def test_a_slip_on_the_command_line_ends_with_2_and_says_what_it_was(arguments, says, capsys):
    assert run_command(arguments) == 2
    printed = capsys.readouterr()
    assert says in printed.err
    assert printed.out == ""


def test_without_a_command_the_help_is_shown(capsys):
    assert run_command([]) == 2
    printed = capsys.readouterr()
    assert "demo" in printed.err + printed.out


@pytest.mark.parametrize("command", ["run", "check", "preview"])
@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["nowhere.yaml"], 2, "nowhere.yaml: the job file cannot be read"),
        (["JOB", "--set", "filters.toxicity.mx=0.4"], 2, "did you mean 'max'?"),
        (["JOB", "--set", "filters.toxicity.max"], 2, "expected key.path=value"),
        (["JOB", "--set", "source.paths=[none/*.tar]"], 3, "nothing matches"),
        (["JOB", "--set", "filters.opt_out.lists=[none.csv]"], 4, "none.csv"),
        (["JOB", "--set", "filters.toxicity.model=none.bin"], 4, "none.bin"),
        (["JOB", "--set", "rebalance.margins=[height]"], 2, "rebalance.margins"),
        (["JOB", "--set", "source.columns={caption: txt}"], 2, "source.columns.caption"),
        (["JOB", "--set", "filters.columns.rules=[{column: clip, min: 0.3}]"], 2, "filters.columns.rules.0.column"),
        (["JOB", "--set", "workers=0"], 2, "workers"),
    ],
)
def test_what_is_wrong_with_a_job_is_told_before_anything_is_written(command, arguments, status, says, job, capsys):
    assert run_command([command, *(str(job) if argument == "JOB" else argument for argument in arguments)]) == status
    printed = capsys.readouterr()
    assert says in printed.err
    assert printed.out == ""
    assert sorted(path.name for path in job.parent.iterdir()) == ["job.yaml", "shards"]


@pytest.mark.parametrize("command", ["run", "check"])
def test_an_option_that_no_engine_knows_is_told_before_anything_is_written(command, job, capsys):
    assert run_command([command, str(job), "--", "--runnr=FlinkRunner"]) == 2
    assert "--runnr" in capsys.readouterr().err
    assert not (job.parent / "out.work").exists()


@pytest.mark.parametrize(
    "command", [["why", "nowhere", "x"], ["tune", "nowhere", "--set", "filters.toxicity.max=0.4"], ["datasheet", "nowhere"]]
)
def test_a_run_that_is_not_there_ends_with_7(command, capsys):
    assert run_command(command) == 7
    assert "nowhere" in capsys.readouterr().err


def test_an_interruption_ends_with_130_and_a_defect_with_1_and_no_caption(capsys):
    ordinary, caption = list(app.registered_commands), "a red kite over the forest"

    @app.command("interrupted")
    def interrupted() -> None:
        raise KeyboardInterrupt

    @app.command("defect")
    def defect() -> None:
        raise ValueError(f"cannot parse {caption!r}")

    try:
        assert run_command(["interrupted"]) == 130
        assert "running again goes on" in capsys.readouterr().err
        assert run_command(["defect"]) == 1
        told = capsys.readouterr().err
        assert "ValueError" in told
        assert "please report it" in told
        assert "red kite" not in told
    finally:
        app.registered_commands[:] = ordinary


def test_a_reader_that_has_had_enough_is_no_error():
    done = subprocess.run(
        f"{sys.executable} -m pipeline.cli schema | head -n 1; echo ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["{", "0"]
    assert done.stderr == ""


def test_the_schema_is_json_alone_on_standard_output(capsys):
    assert run_command(["schema"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["additionalProperties"] is False
    assert printed.err == ""


def test_filters_are_listed_with_their_options_and_nothing_is_cut(capsys):
    assert run_command(["filters"]) == 0
    printed = capsys.readouterr()
    assert "…" not in printed.out
    for word in ("toxicity", "keep_undetermined", "default_when_silent", "judge", "annotate"):
        assert word in printed.out


@pytest.mark.parametrize("command", ["schema", "filters", "init", "check"])
def test_light_commands_load_no_heavy_library(command, job):
    arguments = {"init": ["init", str(job.parent / "shards"), "--job", str(job.parent / "new.yaml")], "check": ["check", str(job)]}
    code = (
        "import sys; from pipeline.cli import run_command; status = run_command(sys.argv[1:]); "
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments.get(command, [command])], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = ["numba", "scipy"] if command == "check" else []  # the pictures that it probes are reduced in compiled loops
    assert done.stderr.splitlines()[-1] == str(loaded)
