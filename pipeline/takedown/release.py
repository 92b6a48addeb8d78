"""Makes a release without the rows of a plan, beside the old one: what does not change has two names, what does is written again.

The old folders are never written to. `manifest.json` of the new one comes last, so that a takedown that was killed leaves the old release
whole and no new one, and the same command finishes it.
"""

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.document import document
from pipeline.emit import tasks_of
from pipeline.judge import check_counts
from pipeline.lease import Lease
from pipeline.log import logged
from pipeline.run import Run, write_record
from pipeline.takedown.finished import Finished
from pipeline.takedown.flags import Flag, queue, write_queue
from pipeline.takedown.plan import Plan
from schemas.errors import InputError, JobError
from schemas.layout import Layout, join
from schemas.reasons import KEPT
from schemas.versions import digest
from transforms.emit import data_files, write_summary
from transforms.footers import read_footer, read_footers
from transforms.ledger import write_ledger
from transforms.links import share, share_all
from transforms.storage import exists, is_below, list_folder, make_private, read_bytes, read_parquet, remove, remove_all, write_bytes
from transforms.summaries import Published, summarise
from transforms.takedown.chain import shared, write_removals
from transforms.takedown.data import read_credits, rewrite_data
from transforms.takedown.ledger import Change, changed_ledger
from transforms.takedown.purge import as_counted, purge_annotations, purge_carried, purge_signatures

_VERSION = re.compile(r"-\d+\.\d+\.\d+$")  # of a folder that a takedown has named before
_WHOLE = ("clusters", "eval_sets")  # numbers of rows, and pictures of others: nothing in them identifies a row


def new_layout(finished: Finished, plan: Plan, output: str | None) -> Layout:
    """Where the new release goes: the folder named, or one beside the old release that bears its version."""
    out = _VERSION.sub("", finished.run.layout.out)
    folder = (output or f"{out}-{plan.version}").rstrip("/")
    return Layout(folder, f"{folder}.work")


def is_done(finished: Finished, plan: Plan, layout: Layout) -> bool:
    """Whether the new release is there already, made by the same takedown.

    Raises:
      JobError: something else lies there.
    """
    for folder in (finished.run.layout.out, finished.run.layout.work):
        if is_below(join(layout.out, "manifest.json"), folder):
            raise JobError(f"--output {layout.out}: lies in {folder}, which a takedown never changes; name another folder")
    ours = exists(layout.revision) and json.loads(read_bytes(layout.revision))["digest"] == plan.digest(finished)
    if exists(layout.manifest) and not ours:
        raise JobError(f"{layout.out} holds another finished release; name a folder for this one with --output")
    if not exists(layout.revision) and [*list_folder(layout.data), *list_folder(layout.out)]:
        raise JobError(f"{layout.out} holds files that no takedown left there; name another folder with --output")
    return ours and exists(layout.manifest)


def make_release(finished: Finished, plan: Plan, layout: Layout, flags: list[Flag], tell: Callable[[str], None]) -> None:
    """Writes the new release and its private folder.

    Args:
      finished: the old release.
      plan: what goes.
      layout: where the new one lies.
      flags: accepted flags, which leave the queue.
      tell: takes messages.

    Raises:
      LawError: a row is not accounted for; there is no manifest then.
    """
    run = _run(finished, plan, layout)
    make_private(layout.work)
    with Lease(layout.lease), logged(layout.log):
        remove(layout.manifest)
        write_bytes(layout.revision, json.dumps(_revision(finished, plan), sort_keys=True).encode())
        write_record(run)
        told = {shard: _write_private(finished, plan, layout, shard, tell) for shard in plan.changes}
        judged = {**finished.judged, "ledger": {**finished.judged["ledger"], **told}}
        write_bytes(layout.judged, json.dumps(judged, sort_keys=True, allow_nan=False).encode())
        share_all(_unchanged(finished, plan, layout))
        summaries = _summaries(finished, plan, run)
        share_all((path, summaries[shard]) for shard, path in finished.summaries.items() if shard not in plan.changes)
        for shard in plan.changes:
            _write_public(finished, plan, layout, shard, summaries[shard])
        _write_rest(finished, plan, layout, flags)
        _sweep(finished, layout, summaries)
        check_counts(run, read_footers([join(layout.annotations, _name(finished.annotations[shard.name])) for shard in run.shards]))
        document(run)


def _run(finished: Finished, plan: Plan, layout: Layout) -> Run:
    """The new release as a run of the same job."""
    job = finished.run.job
    sheet = job.datasheet.model_copy(update={"version": plan.version})
    job = job.model_copy(update={"output": layout.out, "work": layout.work, "datasheet": sheet})
    return dataclasses.replace(finished.run, job=job, layout=layout)


def _revision(finished: Finished, plan: Plan) -> dict[str, Any]:
    old = finished.run.layout.revision
    before = json.loads(read_bytes(old)) if exists(old) else None
    return {
        "digest": plan.digest(finished), "of": finished.version, "manifest": finished.manifest_sha256,
        "versions": finished.manifest["versions"],
        "shards": len(plan.touched), "first": before["first"] if before else finished.version,
    }  # fmt: skip


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _unchanged(finished: Finished, plan: Plan, layout: Layout) -> Iterator[tuple[str, str]]:
    """Files that the new release shares with the old one, but for summaries: name there, name here."""
    old = finished.run.layout
    for shard in (shard.name for shard in finished.run.shards):
        change = plan.changes.get(shard)
        if change is None or not change.removed:
            yield finished.annotations[shard], join(layout.annotations, _name(finished.annotations[shard]))
            yield finished.signatures[shard], join(layout.signatures, _name(finished.signatures[shard]))
        if change is None:
            yield finished.ledgers[shard], layout.ledger_file(shard)
            if finished.run.job.dedup.keep_captions:
                yield old.captions_file(shard), layout.captions_file(shard)
        if shard not in plan.touched:
            yield old.data_file(shard), layout.data_file(shard)


def _write_private(finished: Finished, plan: Plan, layout: Layout, shard: str, tell: Callable[[str], None]) -> dict[str, Any]:
    """Annotations, signatures, ledger and carried captions of a shard that changes; returns what judge's marker says of its ledger."""
    change = plan.changes[shard]
    annotation, signature = finished.annotations[shard], finished.signatures[shard]
    rows = sorted(change.removed)
    if rows:
        hidden = [row for row in rows if (shard, row) in plan.hidden]
        purge_annotations(annotation, join(layout.annotations, _name(annotation)), rows, change.renamed, hidden)
        target = join(layout.signatures, _name(signature))
        try:
            purge_signatures(signature, target, rows, change.renamed)
        except InputError as error:
            tell(f"{error}; the new release keeps none of this shard")
            remove(target)
    if finished.run.job.dedup.keep_captions:
        purge_carried(finished.run.layout.captions_file(shard), layout.captions_file(shard), plan.silenced, change.removed)
    ledger = changed_ledger(_plain(read_parquet(finished.ledgers[shard])), change)
    captions = sum(map(len, filter(None, ledger.column("captions").to_pylist()))) if "captions" in ledger.column_names else 0
    return {**finished.judged["ledger"][shard], **write_ledger(ledger, layout.ledger_file(shard)), "captions": captions}


def _plain(table: pa.Table) -> pa.Table:
    return table.replace_schema_metadata(None)


def _summaries(finished: Finished, plan: Plan, run: Run) -> dict[str, str]:
    """Shard -> where its summary goes: named as emit names it, where this version of Winnow made the release."""
    if finished.is_of_this_version:
        return {task.shard.name: task.summary for task in tasks_of(run)}
    names = {}
    for shard, path in finished.summaries.items():
        changed = shard in plan.changes
        ending = digest([_name(path), plan.digest(finished)])
        names[shard] = run.layout.summary(shard, ending) if changed else join(run.layout.emitted, _name(path))
    return names


def _write_public(finished: Finished, plan: Plan, layout: Layout, shard: str, summary: str) -> None:
    """The data file of a shard that changes, and its summary."""
    change = plan.changes[shard]
    source, target = finished.run.layout.data_file(shard), layout.data_file(shard)
    before = read_parquet(finished.ledgers[shard])
    ledger, annotations = _plain(read_parquet(layout.ledger_file(shard))), _plain(read_parquet(finished.annotations[shard]))
    if shard in plan.touched:
        described, published = _rewritten(source, target, before, change)
    else:
        described = data_files({shard: read_footer(finished.summaries[shard]).metadata})[shard]
        published = Published(_nulls(finished.summaries[shard]), read_credits(source))
    write_summary(summary, summarise(as_counted(annotations, ledger, list(change.removed)), ledger, published), described)


def _rewritten(source: str, target: str, ledger: pa.Table, change: Change) -> tuple[dict[str, Any], Published]:
    kept = np.flatnonzero(ledger.column("verdict").to_numpy() == KEPT).tolist()
    rows = ledger.take(pa.array(kept, pa.int64()))
    places = {row: place for place, row in enumerate(kept)}
    gone = {places[row] for row in change.removed if row in places}
    carried: dict[int, list[bool]] = {}
    for place, uids in enumerate(rows.column("captions").to_pylist() if change.silenced else ()):
        stay = [uid not in change.silenced for uid in uids or ()]
        if not all(stay) and place not in gone:
            carried[place] = stay
    return rewrite_data(source, target, rows.column("uid").to_pylist(), gone, carried)


def _nulls(summary: str) -> dict[str, int]:
    table = read_parquet(summary).to_pylist()
    return {row["a"]: row["rows"] for row in table if row["metric"] == "null"}


def _write_rest(finished: Finished, plan: Plan, layout: Layout, flags: list[Flag]) -> None:
    """What belongs to the release as a whole: clusters, markers, the ledger of removals, the queue of flags."""
    old = finished.run.layout
    appended = [join("appended", str(part + 1), "clusters") for part in range(len(finished.run.appended))]
    for folder in (*_WHOLE, *appended):
        for file in list_folder(join(old.work, folder)):
            share(file.path, join(layout.work, folder, _name(file.path)))
    reserved = old.appended(len(finished.run.appended)).reserved
    if exists(reserved):
        share(reserved, layout.appended(len(finished.run.appended)).reserved)
    if exists(old.matched):
        write_bytes(layout.matched, read_bytes(old.matched))
    write_removals(layout.removals, plan.removals)
    write_removals(layout.shared_removals, shared(plan.removals))
    decided, gone = {flag.flag_id for flag in flags}, _named(plan.removals)
    if waiting := queue(old):
        write_queue(layout, [flag for flag in waiting if flag.flag_id not in decided and not {flag.uid, flag.url} & gone])


def _named(removals: pa.Table) -> set[str]:
    return set(removals.column("uid").drop_null().to_pylist()) | set(removals.column("value").drop_null().to_pylist())


def _sweep(finished: Finished, layout: Layout, summaries: Mapping[str, str]) -> None:
    """Removes what another takedown left that was begun here and never ended."""
    shards = [shard.name for shard in finished.run.shards]
    owned = {
        layout.data: {layout.data_file(name) for name in shards}, layout.ledger: {layout.ledger_file(name) for name in shards},
        layout.captions: {layout.captions_file(name) for name in shards}, layout.emitted: set(summaries.values()),
        layout.annotations: {join(layout.annotations, _name(path)) for path in finished.annotations.values()},
        layout.signatures: {join(layout.signatures, _name(path)) for path in finished.signatures.values()},
    }  # fmt: skip
    for folder, mine in owned.items():
        remove_all(file.path for file in list_folder(folder) if file.path not in mine)
