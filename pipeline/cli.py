"""The command line: parses, calls, and turns every error into a message and an exit status.

Data goes to stdout, messages to stderr. Heavy modules are imported by the commands that need them.
"""

import sys
from typing import Annotated, Optional

import click
import typer
from rich.console import Console

from schemas.errors import WinnowError

app = typer.Typer(
    name="winnow", help="Curates web-scale image-text data and accounts for every row.", add_completion=False, no_args_is_help=True,
    pretty_exceptions_enable=False, rich_markup_mode=None,
)  # fmt: skip
INTERRUPTED = 130
USAGE = 2
DEFECT = 1

JobPath = Annotated[str, typer.Argument(metavar="JOB", help="the job file (YAML)")]
RunFolder = Annotated[str, typer.Argument(metavar="RUN", help="the release folder of a run")]
Work = Annotated[str | None, typer.Option("--work", help="the work folder, where the job set another")]
Settings = Annotated[list[str], typer.Option("--set", metavar="KEY.PATH=VALUE", help="lay a YAML value over a key of the job; repeatable")]
BeamArgs = Annotated[list[str], typer.Argument(metavar="[-- BEAM OPTIONS]", help="Beam's own options, after --", show_default=False)]


def main() -> None:
    """Entry point of the `winnow` command."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """Runs one command; returns its exit status."""
    try:
        app(arguments, standalone_mode=False)
    except WinnowError as error:
        _tell(str(error))
        return error.exit_status
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return USAGE
    except (KeyboardInterrupt, click.exceptions.Abort):
        _tell("interrupted; what is done is kept, and running again goes on from there")
        return INTERRUPTED
    return 0


def _tell(message: str) -> None:
    print(f"winnow: {message}", file=sys.stderr)


def _out() -> Console:
    return Console(soft_wrap=not sys.stdout.isatty())


@app.command()
def init(
    path: Annotated[str, typer.Argument(help="a folder of shards, one shard, or a glob")],
    job: Annotated[str, typer.Option(help="the job file to write")] = "job.yaml",
) -> None:
    """Look at shards and write a commented job file."""
    from pipeline.commands.init import init as write_job

    layout, shards = write_job(path, job)
    _tell(f"{job}: {shards} {layout} shards; next: winnow check {job}")


@app.command()
def run(
    job: JobPath,
    beam_args: BeamArgs = [],
    settings: Settings = [],
    phase: Annotated[list[str], typer.Option(help="run only this phase; repeatable")] = [],
    replace: Annotated[bool, typer.Option("--replace", help="overwrite a finished release made from other inputs")] = False,
    limit_shards: Annotated[Optional[int], typer.Option(min=1, help="a trial on the first shards, with its own output")] = None,
) -> None:
    """Run a job: shards in; data, ledger, datasheet and manifest out."""
    from pipeline.commands.run import run_phases
    from pipeline.run import open_run

    opened = open_run(job, settings, beam_args, replace=replace, limit_shards=limit_shards)
    run_phases(opened, phase)
    if not phase:
        _tell(f"done: datasheet {opened.layout.out}/datasheet.html, data {opened.layout.data}, ledger {opened.layout.ledger}")


@app.command()
def check(
    job: JobPath,
    settings: Settings = [],
    plan: Annotated[bool, typer.Option("--plan", help="also print what each phase reads, writes and exchanges")] = False,
) -> None:
    """Validate a job, list its shards, probe one, and say what a run needs."""
    from pipeline.commands.check import check as look_at
    from pipeline.run import open_run

    look_at(open_run(job, settings), _out(), plan=plan)


@app.command()
def preview(job: JobPath, settings: Settings = [], rows: Annotated[int, typer.Option(min=1)] = 200) -> None:
    """Show a sample of rows: what would go, and why."""
    from pipeline.commands.preview import preview as show
    from pipeline.run import open_run

    show(open_run(job, settings), _out(), rows)


@app.command()
def tune(run_folder: RunFolder, settings: Settings = [], work: Work = None) -> None:
    """Judge a finished run again with other thresholds; the release is not touched."""
    from pipeline.commands.tune import tune as judge_again
    from pipeline.run import reopen_run

    judge_again(reopen_run(run_folder, work, settings), _out())


@app.command()
def why(run_folder: RunFolder, row: Annotated[str, typer.Argument(metavar="KEY|UID|URL")], work: Work = None) -> None:
    """Say what became of one row, and why."""
    from pipeline.commands.why import why as look_up
    from pipeline.run import reopen_run

    look_up(reopen_run(run_folder, work), _out(), row)


@app.command()
def datasheet(run_folder: RunFolder, work: Work = None, settings: Settings = []) -> None:
    """Render the documents of a finished run again, with other declared answers."""
    from pipeline.document import document
    from pipeline.run import reopen_run

    opened = reopen_run(run_folder, work, settings)
    document(opened)
    _tell(f"written: {opened.layout.out}/datasheet.html")


@app.command()
def filters() -> None:
    """List the installed filters, their options and defaults."""
    from pipeline.commands.listing import list_filters

    list_filters(_out())


@app.command()
def schema() -> None:
    """Print the JSON Schema of a job file, for editors."""
    from pipeline.commands.listing import schema_text

    print(schema_text())


@app.command()
def worker(port: Annotated[int, typer.Option(min=1, max=65535, help="port on this host")] = 50000) -> None:
    """Start the worker pool that stands beside a Flink TaskManager or a Spark executor."""
    from pipeline.worker import serve

    serve(port)


@app.command()
def demo(folder: Annotated[str, typer.Argument(metavar="DIR", help="a new folder")]) -> None:
    """Draw a small dataset with every kind of trouble in it, run the job on it, and say where to look."""
    from pipeline.commands.demo import demo as run_demo

    run_demo(folder)
