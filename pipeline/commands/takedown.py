"""`winnow takedown`, `flag`, `verify-absent` and `apply-removals`: what is taken down after a release, and the proof that it is gone."""

import dataclasses
import datetime as dt
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from pipeline.commands.console import plain
from pipeline.find import find_run
from pipeline.takedown.asked import ask
from pipeline.takedown.finished import Finished, open_finished
from pipeline.takedown.flags import accepted, add_flags, dismiss, queue
from pipeline.takedown.plan import Plan, make_plan
from pipeline.takedown.release import is_done, make_release, new_layout
from schemas.errors import DifferenceError, JobError
from schemas.layout import Layout
from schemas.reasons import ILLEGAL
from transforms.consent.list_files import read_list
from transforms.consent.lists import load_lists
from transforms.remote import use_options
from transforms.storage import exists, list_below, list_folder, read_bytes, read_json
from transforms.takedown.absent import absent
from transforms.takedown.chain import covering, is_ledger, read_removals, removed_uids, restored, shared, standing, write_removals
from transforms.takedown.derived import FORMS, Gone, remove_from

SHOWN = 50  # rows that a trial lists
Tell = Callable[[str], None]


def takedown(
    finished: Finished, path: str | None, accept: Sequence[str], reason: str, as_of: str | None, output: str | None, console: Console,
    tell: Tell, *, dry_run: bool,
) -> None:  # fmt: skip
    """Makes a release without what is asked for, or says what it would do.

    Args:
      finished: the release.
      path: a list, a picture or a folder of pictures; None where only flags are accepted.
      accept: ids of flags of the review queue.
      reason: why pictures go, and entries of the list that state no reason.
      as_of: date on which entries of the list must be valid.
      output: folder of the new release; None for one beside the old.
      console: where the table goes.
      tell: takes messages.
      dry_run: whether nothing is written.

    Raises:
      JobError: nothing is asked for, or something else lies in the new folder.
      DifferenceError: no row is covered.
    """
    if as_of is not None and not _is_date(as_of):
        raise JobError(f"--as-of {as_of}: is no date YYYY-MM-DD")
    if path is None and not accept:
        raise JobError("give a list, a picture or a folder of pictures, or --accept flags of the review queue")
    if finished.unknown:
        tell(f"keys of its job that this version does not know, which decide nothing here: {', '.join(finished.unknown)}")
    flags = accepted(finished.run.layout, accept)
    layout = new_layout(finished, output)
    plan = make_plan(finished, ask(finished, path, flags, reason, as_of, tell), layout, tell)
    done = is_done(finished, plan, layout)
    console.print(_table(plan))
    if plan.unheard:
        tell(
            "rows carry captions of their copies (dedup.keep_captions): of rows that go while a copy stays the new release has none, but "
            "other files made of the column `captions` do, and `winnow apply-removals` cannot tell; make those anew"
        )
    if dry_run:
        console.print(_rows(finished, plan))
        tell(f"nothing is written; the release without these rows would be {layout.out}")
        return
    if not done:
        make_release(finished, plan, layout, flags, tell)
    tell(f"version {plan.version} without them: {layout.out}; {finished.run.layout.out} is as it was, yours to withdraw and delete")
    tell(f"so that later runs leave the same content out, add to their jobs: filters.opt_out.lists: [{layout.removals}]")
    tell(f"whoever holds a copy can remove the same rows with `winnow apply-removals`; what may be handed out: {layout.shared_removals}")


def _is_date(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _table(plan: Plan) -> Table:
    shown = Table("what", "rows")
    for reason, rows in plan.reasons.items():
        shown.add_row(f"leave the release: {reason}", f"{rows:,}")
    shown.add_row("all that go, rejected rows in the private folder too", f"{plan.rows:,}")
    shown.add_row("of them found by a copy in their cluster", f"{plan.members:,}")
    shown.add_row("copies at other URLs that stay", f"{plan.copies:,}")
    shown.add_row("data files written again", f"{len(plan.touched):,}")
    return shown


def _rows(finished: Finished, plan: Plan) -> Table:
    """The first of the rows that go; of what is illegal none."""
    shown = Table("shard", "row", "reason", "by")
    left = SHOWN
    for shard in finished.run.shards:
        change = plan.changes.get(shard.name)
        for row, causes in sorted(change.removed.items()) if change else ():
            if left and not any(cause.reason == ILLEGAL for cause in causes):
                left -= 1
                shown.add_row(plain(shard.name), str(row), causes[0].reason, plain("; ".join(cause.detail for cause in causes)))
    return shown


def restore(layout: Layout, ids: Sequence[str], tell: Tell) -> None:
    """Marks removals of a release as restored.

    Raises:
      DifferenceError: there is no such removal, or the chain is broken.
      JobError: what it removed is illegal.
    """
    before = read_removals(layout.removals)
    manifest = read_json(layout.manifest) if exists(layout.manifest) else {}
    after = restored(layout.removals, before, ids, str(manifest.get("release", "")))
    mine = before.filter(pc.is_in(before.column("removal_id"), pa.array(list(ids))))
    same = sorted(covering(standing(after), mine))
    write_removals(layout.removals, after)
    write_removals(layout.shared_removals, shared(after))
    tell(f"restored: {', '.join(ids)}; no data file changes")
    tell("a new run of the job into a new folder, with this ledger of removals among its lists, brings them back")
    if same:
        tell(f"{', '.join(same)} stand and cover the same content; it comes back only when they are restored too")


def flag(layout: Layout, path: str | None, dismissed: Sequence[str], console: Console, tell: Tell) -> None:
    """Adds a file of flags to the review queue, takes some out of it, and shows what waits there.

    Raises:
      JobError: the file is malformed.
      DifferenceError: no flag of the queue has such an id.
    """
    if dismissed:
        dismiss(layout, dismissed)
    if path is not None:
        tell(f"{len(add_flags(layout, path))} flags were added")
    waiting = queue(layout)
    kinds = ", ".join(f"{kind} {number}" for kind, number in sorted(Counter(found.kind for found in waiting).items()))
    tell(f"the queue {layout.flags} holds {len(waiting)}{f' ({kinds})' if kinds else ''}")
    if not waiting:
        return
    shown = Table("flag", "kind", "names", "evidence")
    for found in waiting:
        shown.add_row(found.flag_id, plain(found.kind), plain(found.uid or found.url), plain(found.evidence or ""))
    console.print(shown)
    tell("`winnow takedown RUN --accept f-000001`, or `--accept all`, takes down what they name, with `--dry-run` it says what would go")
    tell("`winnow flag RUN --dismiss f-000001` takes a flag out of the queue that nothing follows from")


def verify_absent(out: str, path: str, console: Console) -> None:
    """Searches the data files of a release for what a list names.

    Raises:
      DifferenceError: a row is covered, or there is no data.
    """
    lists = load_lists([path], None)
    layout = Layout(out.rstrip("/"), "")
    files = list_folder(layout.data, ".parquet")
    if not files:
        raise DifferenceError(f"{layout.data}: holds no data file, so nothing is proved")
    rows, found, began = 0, Counter[str](), time.monotonic()
    for file in files:
        counted, covered = absent(file.path, lists)
        rows += counted
        found.update(covered)
    manifest = hashlib.sha256(read_bytes(layout.manifest)).hexdigest() if exists(layout.manifest) else "none"
    shown = Table("what", "value")
    for name, value in {
        "entries": f"{len(lists.rows):,}",
        "data files": f"{len(files):,}",
        "rows": f"{rows:,}",
        "manifest sha256": manifest,
        "seconds": f"{time.monotonic() - began:.1f}",
    }.items():
        shown.add_row(name, value)
    for kind, number in sorted(found.items()):
        shown.add_row(f"rows found by {kind}", f"{number:,}")
    console.print(shown)
    if found.total():
        raise DifferenceError(f"{out}: {found.total()} matches with {path}; `winnow takedown` makes a release without these rows")


def apply_removals(folder: str, path: str, tell: Tell) -> None:
    """Takes the rows that a list names by uid out of all files of a folder that may hold them (`derived.FORMS`).

    Raises:
      JobError: the list names no uid.
      DifferenceError: no file of the folder has a uid.
    """
    listed = exists(path) and is_ledger(path)
    uids = removed_uids(path) if listed else {entry.value for entry in read_list(path) if entry.kind == "uid"}
    if not uids:
        raise JobError(f"--removals {path}: names no uid; give the ledger of removals of a release, or a list with rows of the kind uid")
    asked = Gone.of(uids)
    files = [file.path for file in list_below(folder) if file.path.endswith(tuple(FORMS))]
    gone = {path: remove_from(path, asked) for path in files}
    seen = {name: number for name, number in gone.items() if number is not None}
    if not seen:
        raise DifferenceError(f"{folder}: no file with uids ({', '.join(FORMS)}); what was derived without them cannot be cleaned by uid")
    if len(seen) < len(gone):
        tell(f"{len(gone) - len(seen)} files hold no uid and are as they were")
    touched = sum(number > 0 for number in seen.values())
    tell(f"{sum(seen.values()):,} rows went; {touched} of {len(seen)} files were written again")


def open_release(out: str, work: str | None, beam_args: Sequence[str] = ()) -> Finished:
    """The release that a takedown begins with.

    Args:
      out: its folder.
      work: its private folder, where the job set another than `<out>.work`.
      beam_args: Beam's own options, for the engine that searches it and writes it again.
    """
    if beam_args:
        use_options(beam_args)
    finished = open_finished(find_run(out, work).out, work)
    return dataclasses.replace(finished, run=dataclasses.replace(finished.run, beam_args=tuple(beam_args)))
