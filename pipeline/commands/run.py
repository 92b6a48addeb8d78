"""`winnow run`: the five phases in order, or some of them."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from pipeline.annotate import annotate
from pipeline.document import document
from pipeline.elder_places import place_elders
from pipeline.emit import check_replace, emit, tasks_of
from pipeline.eval_sets import sign_benchmarks
from pipeline.illegal import is_emptied, read_emptied
from pipeline.judge import judge
from pipeline.judged import read_judged
from pipeline.lease import Lease
from pipeline.log import logged
from pipeline.match import match
from pipeline.memory import available_bytes
from pipeline.progress import Progress
from pipeline.run import Run, is_matched, write_record
from pipeline.semantic import compare_whole, is_compared
from schemas.errors import JobError
from schemas.layout import Layout
from transforms.match.rows import SignatureFile
from transforms.storage import check_writable, exists, list_folder, make_private, read_json, remove, remove_all, write_bytes


def run_phases(run: Run, only: Sequence[str] = ()) -> None:
    """Runs all phases, or the named ones, in their order; what is fresh is not done again.

    Raises:
      JobError: an unknown phase, one whose inputs are not there, or a finished release made from other inputs is in the way.
      WinnowError: whatever a phase found; each error carries its exit status.
    """
    unknown = [name for name in only if name not in PHASES]
    if unknown:
        raise JobError(f"--phase {unknown[0]}: no such phase; the phases are {', '.join(PHASES)}")
    for folder in (run.layout.work, run.layout.data):
        check_writable(folder)
    make_private(run.layout.work)
    with Lease(run.layout.lease), logged(run.layout.log):
        _check_revision(run)
        _check_strangers(run)
        _check_appended(run)
        if set(only) != {"annotate"}:
            _make_way(run)
        write_record(run)
        for name, phase in PHASES.items():
            if not only or name in only:
                if name != "annotate":
                    _check_annotated(run, name)
                if name == "document":
                    check_published(run)
                phase(run)


def _check_revision(run: Run) -> None:
    """Makes sure that no run goes on in a folder whose rows a takedown has emptied: it would tell of them as if they had never been."""
    if exists(run.layout.revision):
        raise JobError(
            f"{run.layout.out} was made by `winnow takedown`, and a run would set its weights and version anew. Name another folder with "
            f"--set output=..., and {run.layout.removals} among filters.opt_out.lists"
        )


def _check_strangers(run: Run) -> None:
    """Makes sure that a first run does not sweep away or overwrite what somebody else put where its release shall lie."""
    if run.replace or exists(run.layout.manifest) or exists(run.layout.record):
        return
    strangers = [*list_folder(run.layout.data), *(file for file in list_folder(run.layout.out) if file.path.endswith("/README.md"))]
    if strangers:
        raise JobError(
            f"{run.layout.out} holds files that no run of this job left there, the first is {strangers[0].path}, and this one would remove "
            "them. Name another folder with --set output=..., or say --replace to let them go"
        )


def _check_appended(run: Run) -> None:
    """Makes sure that a release which shards were appended to is not judged anew by mistake, half appended or whole."""
    appended = exists(run.layout.record) and read_json(run.layout.record)["appended"]
    if not appended:
        return
    if not run.replace:
        raise JobError(
            f"{run.layout.out} holds a release that shards were appended to, and its verdicts are frozen. `winnow append` adds more, "
            "or ends what was begun; --replace judges all rows anew"
        )
    remove(run.layout.manifest)
    for part in range(1, len(appended) + 1):
        layout = run.layout.appended(part)
        for folder in (layout.whole, layout.clusters, layout.semantic, layout.elders, layout.policies):
            remove_all(file.path for file in list_folder(folder))


def _make_way(run: Run) -> None:
    """Makes sure, before hours of work, that a finished release may be overwritten where this run would change it."""
    if not exists(run.layout.manifest):
        return
    judged = read_judged(run.layout)
    if judged is not None and judged["digest"] == run.judge_digest:
        check_replace(run, tasks_of(run))
    elif run.replace:
        remove(run.layout.manifest)  # it speaks of a ledger that is about to change
    else:
        raise JobError(
            f"{run.layout.out} holds a finished release made from other inputs, lists or keys, or by another version. Say --replace to "
            "overwrite it, or name another folder with --set output=..."
        )


def _check_annotated(run: Run, phase: str) -> None:
    if missing := run.unannotated():
        raise JobError(
            f"--phase {phase}: {len(missing)} of {len(run.shards)} shards are not annotated as this job asks, the first is "
            f"{missing[0].path}; run `winnow run` without --phase"
        )


def check_published(run: Run) -> None:
    """Makes sure that documents tell of the very job, lists, models and version that the data was made by.

    Raises:
      JobError: the data is that of others.
    """
    if run.appended:
        return  # its parts were made by their jobs, lists and versions; what may be set now is said in the documents alone
    judged = None if run.unannotated() else read_judged(run.layout)
    there = {file.path for file in list_folder(run.layout.emitted)}
    if judged is None or judged["digest"] != run.judge_digest or any(task.summary not in there for task in tasks_of(run)):
        raise JobError(
            f"{run.layout.out}: its data was made with other keys, lists or models, or by another version of Winnow; documents made "
            "now would not tell the truth of it: `winnow run JOB` brings it up to date first"
        )


def match_whole(run: Run) -> None:
    """Brings the clusters up to date, whole; nothing is done where the marker says that it is."""
    if is_matched(run):
        return
    _refuse_emptied(run)
    remove(run.layout.matched)
    elders = (*sign_benchmarks(run), *place_elders(run))
    signatures = [SignatureFile(run.signature(shard), footer.rows) for shard, footer in zip(run.shards, run.footers, strict=True)]
    memory = available_bytes() if run.engine.is_local else None
    with Progress("match", 0, []):
        match(signatures, run.layout.clusters, run.job.dedup, run.engine, memory, elders=elders)
    files = len(list_folder(run.layout.clusters, ".arrow"))
    write_bytes(run.layout.matched, json.dumps({"digest": run.match_digest, "files": files}).encode())


def match_all(run: Run) -> None:
    """Brings the clusters up to date, and where the job asks which rows mean the same."""
    match_whole(run)
    if not is_compared(run):
        _refuse_emptied(run)
        compare_whole(run)


def _refuse_emptied(run: Run) -> None:
    emptied = read_emptied(run.layout)
    if any(is_emptied(run, shard, emptied) for shard in run.shards):
        raise JobError("--phase match: shards were emptied of illegal rows and have to be made anew; run `winnow run` without --phase")


def summary(layout: Layout) -> Iterator[str]:
    """What a finished run has to say, one sentence each: alarms, then counts."""
    judged = read_judged(layout) or {}
    for found in judged["weights"]["silenced"]:
        if not found["declared"]:
            what = f"the filter {found['reason']} removes" if found["reason"] else "all filters together remove"
            yield f"alarm: {what} every one of the {found['rows']} rows with {found['attribute']} = {found['level']}"
    verdicts: Counter[str] = Counter()
    for shard in judged["ledger"].values():
        verdicts.update(shard["verdicts"])
    if not verdicts["kept"]:
        yield "alarm: no row is kept; the release holds no data, and `datasets` cannot load it"
    told = ", ".join(f"{number:,} {verdict}" for verdict, number in sorted(verdicts.items()))
    yield f"{sum(verdicts.values()):,} rows: {told or 'none'}"


PHASES: dict[str, Callable[[Run], None]] = {
    "annotate": annotate,
    "match": match_all,
    "judge": judge,
    "emit": emit,
    "document": document,
}
