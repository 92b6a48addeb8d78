"""What is made sure of before any worker of a run starts: that models, lists and columns are there, and that it overwrites no source."""

import contextlib
import json
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from pipeline.embeddings import check_embeddings
from schemas.errors import JobError, MissingError, UnreadableShardError
from schemas.job import Publish
from transforms.annotate import TALLY, source_schema
from transforms.eval_sets.hash_lists import hash_files
from transforms.filters.columns import Columns
from transforms.filters.faces import COLUMN, ROLE, Faces
from transforms.not_duplicates import pair_files
from transforms.read.reader import TARS_LOOKED_AT, open_shard
from transforms.storage import is_below

if TYPE_CHECKING:
    from pipeline.run import Run


def check_artefacts(run: "Run") -> None:
    """Makes sure that every model and list that the job names is there.

    Raises:
      MissingError: one is not; names the filter.
    """
    for rule in run.filters:
        try:
            rule.models(), rule.list_files()
        except MissingError as error:
            raise MissingError(f"filters.{rule.name}: {error}") from error
    check_embeddings(run.job, {rule.name: rule for rule in run.filters})
    pair_files(run.job.dedup.not_duplicates), hash_files(run.job.dedup.eval_overlap)


def check_folders(run: "Run") -> None:
    """Makes sure that no run overwrites, sweeps or publishes its own source.

    Raises:
      JobError: a shard lies in the release or in the work folder; names it.
    """
    for shard in run.shards:
        for key, folder in {"output": run.layout.out, "work": run.layout.work}.items():
            inside = next((path for path in (shard.path, shard.sidecar) if path and is_below(path, folder)), None)
            if inside:
                raise JobError(
                    f"{key}: {folder} holds a shard of source {shard.source!r} ({inside}), and a run overwrites and removes files there; "
                    f"name a folder of its own, or keep it out of the source's globs"
                )


def check_named_columns(run: "Run") -> None:
    """Makes sure, before any worker starts, that every column with a bound, of faces, to be dropped, or preferred, is in some file.

    Of many tars only the first are looked at; a column to be dropped that is in none of them may be in a later one, and emit will know.

    Args:
      run: its shards are looked into.

    Raises:
      JobError: names the key, and the columns that there are.
    """
    [rules] = [rule for rule in run.filters if isinstance(rule, Columns)]
    drop = run.job.publish.drop if set(run.job.publish.drop) - set(Publish().drop) else ()
    wishes = {wish.column for wish in run.job.dedup.prefer if wish.column is not None}
    wanted, there, all_seen = {*(rule.column for rule in rules.rules), *wishes, *drop}, set[str](), True
    no_boxes = any(isinstance(rule, Faces) and rule.find == COLUMN for rule in run.filters)
    for source in run.job.source:
        mine = [shard for shard in run.shards if shard.source == source.name]
        looked_at = mine[:TARS_LOOKED_AT] if source.format == "webdataset" else mine
        all_seen &= len(looked_at) == len(mine)
        for shard in looked_at:
            if wanted <= there and not no_boxes:
                return
            with contextlib.suppress(UnreadableShardError), open_shard(shard, source) as reader:
                there.update(reader.schema.names)
                no_boxes = no_boxes and ROLE not in reader.roles
    if there:
        rules.check(there)
        run.check_preferred(there)
        if no_boxes:
            raise JobError(
                f"filters.faces.find: column, and the source has no column face_bboxes; name it in source.columns as {ROLE}, "
                f"or find a detector; it has: {', '.join(sorted(there))}"
            )
        if all_seen:
            check_dropped(drop, there)


def check_preferred_values(run: "Run") -> None:
    """Makes sure, once all rows are measured, that columns by which the copy that stays is chosen hold something to choose by.

    Those of an append need hold nothing: the release has some.

    Raises:
      JobError: one is in no shard, or holds no number in any row.
    """
    wanted = [wish.column for wish in run.job.dedup.prefer if wish.column is not None]
    tallies = [json.loads(footer.metadata[TALLY]) for footer in run.footers] if wanted and run.frozen is None else []
    if not any(tally["rows"] for tally in tallies):
        return
    run.check_preferred({name for footer in run.footers for name in source_schema(footer.metadata).names})
    numbers = {column for tally in tallies for column in tally["numbers"]}
    for column in wanted:
        if column not in numbers:
            raise JobError(f"dedup.prefer: column {column!r} holds no number, date or true/false in any row; name another or take it out")


def check_dropped(drop: Iterable[str], there: Collection[str]) -> None:
    """Makes sure that columns to be dropped are those of some shard: another one, meant to be dropped, would be published.

    Raises:
      JobError: names the column, and those that there are.
    """
    known = {name.casefold() for name in (*there, *Publish().drop)}
    unknown = next((name for name in drop if name.casefold() not in known), None)
    if unknown is not None:
        raise JobError(f"publish.drop: no shard has a column {unknown!r}; there are {', '.join(sorted(there))}")
