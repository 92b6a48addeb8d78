"""Commands about what goes after a release, apart from the others of `pipeline.cli`, which puts them in place."""

from typing import Annotated, Optional

import typer

from pipeline.cli_arguments import BeamArgs, RunFolder, Work


def takedown(
    run_folder: RunFolder,
    listed: Annotated[Optional[str], typer.Argument(metavar="[LIST]", help="a list, a picture, or a folder of example pictures")] = None,
    beam_args: BeamArgs = [],
    output: Annotated[Optional[str], typer.Option(help="folder of the new release; default RUN-<version>")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would go, and write nothing")] = False,
    accept: Annotated[list[str], typer.Option(metavar="ID", help="take down what this flag of the queue names, or `all`; repeatable")] = [],
    reason: Annotated[
        str, typer.Option(metavar="WORD", help="why, where the list says nothing: taken_down, illegal, opt_out, dmca, gdpr17, csam, ...")
    ] = "taken_down",
    as_of: Annotated[Optional[str], typer.Option(metavar="DATE", help="entries of the list must be valid on this date")] = None,
    restore: Annotated[list[str], typer.Option(metavar="ID", help="mark this removal as restored; repeatable")] = [],
    work: Work = None,
) -> None:
    """Make a release without some rows and their copies, beside the old one; only data files that hold them change."""
    from pipeline.commands import takedown as commands
    from pipeline.commands.console import out, tell
    from pipeline.find import find_run
    from schemas.errors import JobError
    from schemas.removals import REQUESTS
    from transforms.consent.list_files import REASONS

    if listed is not None and listed.startswith("--"):  # there is no list, and what stands after -- came in its place
        beam_args, listed = [listed, *beam_args], None
    if beam_args and not beam_args[0].startswith("-"):
        raise JobError(f"{beam_args[0]}: a takedown has one list; put what it names into {listed}, or take it down of the new release")
    known = (*REASONS, *REQUESTS)
    if reason not in known:
        raise JobError(f"--reason {reason}: is none of {', '.join(known)}")
    if restore:
        if listed is not None or accept:
            raise JobError("--restore takes no list and no flags: restore first, then take down")
        commands.restore(find_run(run_folder, work), restore, tell)
        return
    finished = commands.open_release(run_folder, work, beam_args)
    commands.takedown(finished, listed, accept, reason, as_of, output, out(), tell, dry_run=dry_run)


def flag(
    run_folder: RunFolder,
    flags: Annotated[Optional[str], typer.Argument(metavar="[FLAGS]", help="a file: uid or url, kind, reporter (HMAC), evidence")] = None,
    dismiss: Annotated[list[str], typer.Option(metavar="ID", help="take this flag out of the queue, or `all`; repeatable")] = [],
    work: Work = None,
) -> None:
    """Show the review queue of what people have flagged; add a file of flags to it. `takedown --accept` decides."""
    from pipeline.commands.console import out, tell
    from pipeline.commands.takedown import flag as review
    from pipeline.find import find_run

    review(find_run(run_folder, work), flags, dismiss, out(), tell)


def verify_absent(
    out_folder: Annotated[str, typer.Argument(metavar="OUT", help="a release folder")],
    listed: Annotated[str, typer.Argument(metavar="LIST", help="a list, or a ledger of removals")],
) -> None:
    """Search the data of a release for what a list names: exit 7 where anything is found."""
    from pipeline.commands.console import out
    from pipeline.commands.takedown import verify_absent as search

    search(out_folder, listed, out())


def apply_removals(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Parquet, JSON lines, CSV or tars made from a release that kept uid")],
    removals: Annotated[str, typer.Option(metavar="FILE", help="the ledger of removals, or a list with uids")],
) -> None:
    """Take removed rows out of derived files, in place; only files that hold them are written."""
    from pipeline.commands.console import tell
    from pipeline.commands.takedown import apply_removals as apply

    apply(folder, removals, tell)
