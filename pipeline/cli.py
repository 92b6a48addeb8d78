"""The command line: parses, calls, and turns every error into a message and an exit status.

Data goes to stdout, messages to stderr. Heavy modules are imported by the commands that need them.
"""

import os
import sys
import traceback
from typing import Annotated, Optional

import typer

from pipeline.cli_arguments import BeamArgs, JobPath, RunFolder, Settings, Work
from pipeline.cli_models import evaluate
from pipeline.cli_takedown import apply_removals, flag, takedown, verify_absent
from schemas.errors import EngineError, WinnowError

app = typer.Typer(
    name="winnow", help="Curates web-scale image-text data and accounts for every row.", add_completion=False, no_args_is_help=True,
    pretty_exceptions_enable=False, rich_markup_mode=None,
)  # fmt: skip
DEFECT = 1
USAGE = 2
INTERRUPTED = 130
USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]  # UsageError of click, or of the copy inside newer typers


def main() -> None:
    """Entry point of the `winnow` command."""
    from pipeline.garbage import collect_rarely
    from pipeline.threads import limit_threads

    collect_rarely()
    limit_threads()
    status = run_command(sys.argv[1:])
    if status in (INTERRUPTED, EngineError.exit_status):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # threads of Beam's may wait for ever for a worker that is gone, and Python for them
    sys.exit(status)


def run_command(arguments: list[str]) -> int:
    """Runs one command; returns its exit status."""
    try:
        status = app(arguments, standalone_mode=False)
    except WinnowError as error:
        _tell(str(error))
        return error.exit_status
    except USAGE_ERROR as error:
        error.show()  # type: ignore[attr-defined]
        return USAGE
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except SystemExit:  # typer's answer to a closed pipe: whoever read our output has had enough
        return 0
    except Exception:  # a defect of ours: told whole, less what may be a caption
        from pipeline.log import without_text

        _tell(f"{without_text(traceback.format_exc())}This is a defect of Winnow's: please report it with the lines above.")
        return DEFECT
    if status == INTERRUPTED:
        _tell("interrupted; what is done is kept, and running again goes on from there")
    return status if isinstance(status, int) else 0


def _tell(message: str) -> None:
    print(f"winnow: {message}", file=sys.stderr)


def _version(asked: bool) -> None:  # noqa: FBT001 -- typer's way
    if asked:
        from schemas.versions import versions

        print(versions()["winnow"])
        raise typer.Exit


@app.callback()
def winnow(
    version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_version, help="print the version")] = False,
) -> None:
    """Curates web-scale image-text data and accounts for every row."""


@app.command()
def init(
    path: Annotated[str, typer.Argument(metavar="PATH", help="a folder of shards, one shard, or a glob")],
    job: Annotated[str, typer.Option(help="the job file to write")] = "job.yaml",
) -> None:
    """Look at shards and write a commented job file."""
    from pipeline.commands.init import init as write_job

    guess = write_job(path, job)
    columns = ", ".join(f"{role} = {column}" for role, column in sorted(guess.columns.items()))
    _tell(f"{guess.shards} {guess.format} shards; columns: {columns or 'none that is known'}")
    for sentence in guess.unmapped:
        _tell(sentence)
    _tell(f"{job} is written; next: winnow check {job}")


@app.command()
def run(
    job: JobPath,
    beam_args: BeamArgs = [],
    settings: Settings = [],
    phase: Annotated[list[str], typer.Option(help="run only this phase; repeatable")] = [],
    replace: Annotated[bool, typer.Option("--replace", help="overwrite a finished release made from other inputs")] = False,
    limit_shards: Annotated[
        Optional[int], typer.Option(min=1, help="a trial on the first shards; its output is <output>.trial and is always replaced")
    ] = None,
) -> None:
    """Run a job: shards in; data, ledger, datasheet and manifest out."""
    from pipeline.commands.run import run_phases, summary
    from pipeline.run import open_run

    opened = open_run(job, settings, beam_args, replace=replace, limit_shards=limit_shards)
    run_phases(opened, phase)
    if not phase:
        for sentence in summary(opened.layout):
            _tell(sentence)
        _tell(f"datasheet {opened.layout.out}/datasheet.html, data {opened.layout.data}/, ledger {opened.layout.ledger}/")


@app.command()
def append(job: JobPath, beam_args: BeamArgs = [], settings: Settings = []) -> None:
    """Add the shards that a finished release does not hold; its rows, weights and files stay as they are."""
    from pipeline.append import append as add

    for sentence in add(job, settings, beam_args):
        _tell(sentence)


@app.command()
def check(
    job: JobPath,
    beam_args: BeamArgs = [],
    settings: Settings = [],
    plan: Annotated[bool, typer.Option("--plan", help="also print what each phase reads, writes and exchanges")] = False,
) -> None:
    """Validate a job, list its shards, probe one, and say what a run needs."""
    from pipeline.commands.check import check as look_at
    from pipeline.commands.console import out
    from pipeline.run import open_run

    look_at(open_run(job, settings, beam_args), out(), plan=plan)


@app.command()
def preview(
    job: JobPath,
    settings: Settings = [],
    rows: Annotated[int, typer.Option(min=1, max=4000, help="rows to look at")] = 200,
) -> None:
    """Show a sample of rows: what would go, and why."""
    from pipeline.commands.console import out
    from pipeline.commands.preview import preview as show
    from pipeline.run import open_run

    show(open_run(job, settings), out(), rows)


@app.command()
def tune(run_folder: RunFolder, settings: Settings = [], work: Work = None) -> None:
    """Judge a finished run again with other thresholds; the release is not touched."""
    from pipeline.commands.console import out
    from pipeline.commands.tune import tune as judge_again

    judge_again(run_folder, work, settings, out())


@app.command()
def why(run_folder: RunFolder, row: Annotated[str, typer.Argument(metavar="KEY|UID|URL")], work: Work = None) -> None:
    """Say what became of one row, and why."""
    from pipeline.commands.console import out
    from pipeline.commands.why import why as look_up
    from pipeline.find import find_run

    look_up(find_run(run_folder, work), out(), row)


@app.command()
def trace(
    run_folder: RunFolder,
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="a picture, say one that a model has generated")],
    most: Annotated[int, typer.Option(min=1, max=500, help="rows to show")] = 10,
    html: Annotated[Optional[str], typer.Option(metavar="FILE", help="also write a private page with the thumbnails side by side")] = None,
    json_wanted: Annotated[bool, typer.Option("--json", help="print one JSON document instead of a table")] = False,
    work: Work = None,
) -> None:
    """Find the rows closest to a picture: the same bytes, copies, crops, mirrors, what looks alike. Exit status 7: there are none."""
    from pipeline.commands.console import out
    from pipeline.commands.trace import look_up, report
    from pipeline.find import find_run

    layout = find_run(run_folder, work)
    traced = look_up(layout, image, most, _tell)
    if html is not None:
        from pipeline.commands.trace_page import write_page

        write_page(traced, layout, html)
        _tell(f"page {html}")
    report(traced, out(), json_wanted=json_wanted, tell=_tell)


@app.command()
def datasheet(run_folder: RunFolder, settings: Settings = [], work: Work = None) -> None:
    """Render the documents of a finished run again, with other declared answers."""
    from pipeline.commands.run import check_published
    from pipeline.document import document
    from pipeline.jobfile import refuse_others
    from pipeline.run import reopen_run
    from schemas.job import Phase

    refuse_others(settings, {Phase.DOCUMENT, Phase.RUN}, "the documents tell what was done with the data as it is")
    opened = reopen_run(run_folder, work, settings)
    check_published(opened)
    document(opened)
    _tell(f"datasheet {opened.layout.out}/datasheet.html")


app.command()(takedown)
app.command()(flag)
app.command("verify-absent")(verify_absent)
app.command("apply-removals")(apply_removals)


@app.command()
def snapshot(
    out: Annotated[str, typer.Argument(metavar="OUT", help="the Parquet file to write, for filters.opt_out.host_policies")],
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="WARC or Parquet files, globs, or folders of fetched files")],
) -> None:
    """Turn what was fetched of hosts (robots.txt, tdmrep.json, ai.txt, RSL) into a snapshot of their policies."""
    from pipeline.commands.snapshot import snapshot as write_snapshot

    count = write_snapshot(out, paths)
    _tell(f"{out}: the policies of {count} hosts; name it in the job: filters.opt_out.host_policies")


app.command()(evaluate)


@app.command()
def filters() -> None:
    """List the installed filters, their options and defaults."""
    from pipeline.commands.console import out
    from pipeline.commands.listing import list_filters

    list_filters(out())


@app.command()
def schema() -> None:
    """Print the JSON Schema of a job file, for editors."""
    from pipeline.commands.listing import schema_text

    print(schema_text())


@app.command()
def worker(
    port: Annotated[int, typer.Option(min=1, max=65535, help="where --environment_config=HOST:PORT looks for it")] = 50000,
    host: Annotated[str, typer.Option(help="address to listen at; whoever can connect can run code here")] = "localhost",
) -> None:
    """Start the worker pool that stands beside a Flink TaskManager or a Spark executor."""
    from pipeline.worker import serve

    serve(port, host, lambda: _tell(f"worker pool at {host}:{port}; Ctrl-C ends it"))


@app.command()
def demo(folder: Annotated[str, typer.Argument(metavar="DIR", help="a new folder")]) -> None:
    """Draw a small dataset with every kind of trouble in it, run the job on it, and say where to look."""
    from pipeline.commands.demo import demo as run_demo

    run_demo(folder)


if __name__ == "__main__":
    main()
