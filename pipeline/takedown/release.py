"""Makes a release without the rows of a plan, beside the old one: what does not change has two names, what does is written again.

The old folders are never written to. `manifest.json` of the new one comes last, so that a takedown that was killed leaves the old release
whole and no new one, and the same command finishes it.
"""

import dataclasses
import functools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam

from pipeline.document import document
from pipeline.documents.artefacts import stated
from pipeline.emit import common_of
from pipeline.judge import check_counts
from pipeline.lease import Lease
from pipeline.log import logged
from pipeline.run import Run, write_record
from pipeline.takedown.finished import Finished
from pipeline.takedown.flags import Flag, last_number, queue, write_queue
from pipeline.takedown.plan import FOUND, Plan, next_version
from pipeline.takedown.rewrite import Names, RewriteShards
from schemas.errors import JobError
from schemas.layout import Layout, join
from transforms.footers import read_footers
from transforms.links import share, share_all
from transforms.storage import exists, is_below, list_folder, make_private, read_bytes, read_json, remove, remove_all, write_bytes
from transforms.takedown.chain import shared, write_removals
from transforms.takedown.shard import Everywhere, Files, ShardChange

_VERSION = re.compile(r"-\d+\.\d+\.\d+$")  # of a folder that a takedown has named before
_OF_A_SHARD = 1 << 20  # bytes that take as long to write again as the files of a shard take however small they are, 50 ms
_WHOLE = ("clusters", "semantic", "eval_sets")  # numbers of rows, and pictures of others: nothing in them identifies a row


def new_layout(finished: Finished, output: str | None) -> Layout:
    """Where the new release goes: the folder named, or one beside the old release that bears its version."""
    out = _VERSION.sub("", finished.run.layout.out)
    folder = (output or f"{out}-{next_version(finished.version)}").rstrip("/")
    return Layout(folder, f"{folder}.work")


def is_done(finished: Finished, plan: Plan, layout: Layout) -> bool:
    """Whether the new release is there already, made by the same takedown.

    Raises:
      JobError: something else lies there.
    """
    for folder in (finished.run.layout.out, finished.run.layout.work):
        if is_below(join(layout.out, "manifest.json"), folder):
            raise JobError(f"--output {layout.out}: lies in {folder}, which a takedown never changes; name another folder")
    ours = exists(layout.revision) and read_json(layout.revision)["digest"] == plan.digest(finished)
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
        remove_all(file.path for file in list_folder(layout.work) if _name(file.path).startswith(FOUND))
        remove_all(file.path for file in list_folder(layout.emitted))  # of another takedown, that never ended: what tells of its ledgers
        size, step = _bytes_to_rewrite(finished, plan), _rewriting(finished, plan, layout)
        finished.run.engine.run("takedown", functools.partial(_apply, step), size)
        share_all(_unchanged(finished, plan, layout))
        _write_rest(finished, plan, layout, flags)
        _sweep(finished, layout)
        if lost := sum(
            not exists(new.signature) for _, new in map(functools.partial(_files, finished, layout), plan.changes) if new.signature
        ):
            tell(f"the signatures of {lost} shards could not be emptied, and the new release keeps none of them")
        check_counts(run, read_footers([join(layout.annotations, _name(finished.annotations[shard.name])) for shard in run.shards]))
        document(run)


def _apply(step: RewriteShards, root: beam.Pipeline) -> None:
    root | step


def _run(finished: Finished, plan: Plan, layout: Layout) -> Run:
    """The new release as a run of the same job."""
    job = finished.run.job
    sheet = job.datasheet.model_copy(update={"version": plan.version})
    job = job.model_copy(update={"output": layout.out, "work": layout.work, "datasheet": sheet})
    return dataclasses.replace(finished.run, job=job, layout=layout)


def _revision(finished: Finished, plan: Plan) -> dict[str, Any]:
    """What the new release remembers of those before it: the one it is made from, what was appended in between, and the earlier ones."""
    old = finished.run.layout.revision
    before = read_json(old) if exists(old) else None
    earlier = {line["version"]: line for line in before["earlier"]} if before else {}
    for part in finished.run.appended:
        earlier.setdefault(part.onto, {"version": part.onto, "manifest": part.manifest})
    earlier[finished.version] = {"version": finished.version, "manifest": finished.manifest_sha256}
    datasheet = join(finished.run.layout.out, "datasheet.json")
    documented = read_json(datasheet) if exists(datasheet) else {}
    unknown = dict.fromkeys([*(before.get("unknown", ()) if before else ()), *finished.unknown])
    return {
        "digest": plan.digest(finished), "of": finished.version, "manifest": finished.manifest_sha256,
        "versions": finished.manifest["versions"], "shards": len(plan.touched),
        "first": before["first"] if before else finished.version, "earlier": list(earlier.values()),
        "stated": stated(finished.manifest, documented), "unknown": list(unknown),
    }  # fmt: skip


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _unchanged(finished: Finished, plan: Plan, layout: Layout) -> Iterator[tuple[str, str]]:
    """Files that the new release shares with the old one: name there, name here."""
    for shard in (shard.name for shard in finished.run.shards):
        change, (old, new) = plan.changes.get(shard), _files(finished, layout, shard)
        if change is None or not change.removed:
            yield old.annotation, new.annotation
            if old.signature and new.signature:
                yield old.signature, new.signature
        if change is None:
            yield old.ledger, new.ledger
            yield finished.summaries[shard], join(layout.emitted, _name(finished.summaries[shard]))
            if old.captions and new.captions:
                yield old.captions, new.captions
        if shard not in plan.touched:
            yield old.data, new.data


def _files(finished: Finished, layout: Layout, shard: str) -> tuple[Files, Files]:
    """Where a shard's files lie, in the old release and in the new one."""
    old, annotation, signature = finished.run.layout, finished.annotations[shard], finished.signatures.get(shard)
    captions = finished.run.job.dedup.keep_captions
    return (
        Files(annotation, signature, old.ledger_file(shard), old.captions_file(shard) if captions else None, old.data_file(shard)),
        Files(
            join(layout.annotations, _name(annotation)), signature and join(layout.signatures, _name(signature)),
            layout.ledger_file(shard), layout.captions_file(shard) if captions else None, layout.data_file(shard),
        ),
    )  # fmt: skip


def _rewriting(finished: Finished, plan: Plan, layout: Layout) -> RewriteShards:
    """The shards that change, as one step of a pipeline."""
    run, known = finished.run, finished.is_of_this_version
    everywhere = Everywhere(plan.version, plan.renamed, plan.silenced, plan.unheard)
    changes = [
        (
            ShardChange(
                shard, *_files(finished, layout, shard), finished.summaries[shard], dict(change.removed), tuple(change.copies),
                tuple(row for row in change.removed if (shard, row) in plan.hidden), shard in plan.touched,
            ),
            run.annotate_digests[shard] if known else "",
        )
        for shard, change in plan.changes.items()
    ]  # fmt: skip
    names = Names(plan.digest(finished), common_of(run) if known else None)
    return RewriteShards(changes, everywhere, names, run.layout, layout)


def _bytes_to_rewrite(finished: Finished, plan: Plan) -> int:
    sizes = {file.path: file.size for file in list_folder(finished.run.layout.data)}
    return sum(sizes.get(finished.run.layout.data_file(shard), 0) for shard in plan.touched) + _OF_A_SHARD * len(plan.changes)


def _write_rest(finished: Finished, plan: Plan, layout: Layout, flags: list[Flag]) -> None:
    """What belongs to the release as a whole: clusters, markers, the ledger of removals, the queue of flags."""
    old = finished.run.layout
    parts = range(1, len(finished.run.appended) + 1)
    appended = [join("appended", str(part), name) for part in parts for name in ("clusters", "semantic")]
    for folder in (*_WHOLE, *appended):
        for file in list_folder(join(old.work, folder)):
            share(file.path, join(layout.work, folder, _name(file.path)))
    reserved = old.appended(len(finished.run.appended)).reserved
    if exists(reserved):
        share(reserved, layout.appended(len(finished.run.appended)).reserved)
    if exists(old.matched):
        write_bytes(layout.matched, read_bytes(old.matched))
    if exists(old.illegal):
        write_bytes(layout.illegal, read_bytes(old.illegal))
    write_removals(layout.removals, plan.removals)
    write_removals(layout.shared_removals, shared(plan.removals))
    decided = {flag.flag_id for flag in flags}
    if exists(old.flags):
        waiting = [flag for flag in queue(old) if flag.flag_id not in decided and flag.named not in plan.named]
        write_queue(layout, waiting, last_number(old))


def _sweep(finished: Finished, layout: Layout) -> None:
    """Removes what another takedown left that was begun here and never ended."""
    shards = [shard.name for shard in finished.run.shards]
    owned = {
        layout.data: {layout.data_file(name) for name in shards}, layout.ledger: {layout.ledger_file(name) for name in shards},
        layout.captions: {layout.captions_file(name) for name in shards},
        layout.annotations: {join(layout.annotations, _name(path)) for path in finished.annotations.values()},
        layout.signatures: {join(layout.signatures, _name(path)) for path in finished.signatures.values()},
    }  # fmt: skip
    for folder, mine in owned.items():
        remove_all(file.path for file in list_folder(folder) if file.path not in mine)
