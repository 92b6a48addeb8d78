"""Leaves of what a list calls illegal nothing in the work folder that shows it: no thumbnail, no hash of a view, no caption, no embedding.

Signatures hold picture and caption in small, and annotations their embeddings: both are emptied of such rows when judge has ended. Where
match, or the comparison of embeddings, has to be done again, a shard that was emptied is annotated anew first: what comes out must not
depend on it.

Emptied signatures bind no copy in later runs any more. What stays for that is a list of digests and perceptual hashes (`Layout.illegal`),
from which nothing can be seen; runs that are held against this one, and what is appended to it, refuse what it covers.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.judged import read_judged
from pipeline.run import Run
from schemas.layout import Layout
from schemas.reasons import ILLEGAL
from schemas.removals import ILLEGAL_ENTRIES
from schemas.shards import Shard
from transforms.match.columns import open_columns
from transforms.storage import atomic_write, exists, read_json, read_parquet, remove, write_bytes
from transforms.takedown.entries import entries_of_content
from transforms.takedown.purge import purge_embeddings, purge_signatures
from transforms.takedown.signed import phashes_of


def empty_illegal(run: Run) -> None:
    """Empties signatures and embeddings of every row that the ledger calls illegal, and keeps the list of these rows; done once."""
    judged = read_judged(run.layout) or {"ledger": {}}
    illegal = {run.signature(shard): _rows(run, shard) for shard in run.shards if judged["ledger"].get(shard.name, {}).get("illegal")}
    full = {path: left for path, rows in illegal.items() if (left := _not_empty(path, rows))}
    annotations = {run.signature(shard): run.annotation(shard) for shard in run.shards}
    _keep_entries(run, illegal, [entry for path, rows in full.items() for entry in _entries(path, annotations[path], rows)])
    emptied = read_emptied(run.layout)
    for path, rows in illegal.items():
        if emptied.get(_name(path)) != rows:
            emptied[_name(path)] = rows
            _write_emptied(run.layout, emptied)  # first: a file of which it is not known whether it was emptied is made anew as well
        if path in full:
            purge_embeddings(annotations[path], rows)
            purge_signatures(path, path, rows, {})  # last: that they are empty says that all is done


def _rows(run: Run, shard: Shard) -> list[int]:
    """Rows of a shard that its ledger calls illegal, ascending."""
    reasons = read_parquet(run.layout.ledger_file(shard.name), ["reasons"]).column("reasons").combine_chunks()
    parents = pc.list_parent_indices(reasons).to_numpy()
    rows: list[int] = np.unique(parents[pc.equal(reasons.flatten(), ILLEGAL).to_numpy(zero_copy_only=False)]).tolist()
    return rows


def _not_empty(path: str, rows: Sequence[int]) -> list[int]:
    """Those of the rows of which the signatures still say something: a kill may have come between any two writes."""
    columns = open_columns(path, ["has_picture", "caption_kind"])
    return [row for row in rows if columns["has_picture"][row] or columns["caption_kind"][row]]


def _entries(path: str, annotation: str, rows: Sequence[int]) -> list[dict[str, Any]]:
    """What copies of these rows can be told by."""
    digests = read_parquet(annotation, ["sha256"]).column("sha256").take(pa.array(rows, pa.int64())).to_pylist()
    hashes = phashes_of(path, rows)
    return [
        {"file": _name(path), "at": row, "reason": ILLEGAL, "kind": kind, "value": value, "radius": radius}
        for row, digest, words in zip(rows, digests, hashes, strict=True)
        for kind, value, radius in entries_of_content(digest, words)
    ]


def _keep_entries(run: Run, illegal: dict[str, list[int]], added: Sequence[dict[str, Any]]) -> None:
    """Brings the list of what is illegal up to date: without rows that are none any more, with new ones.

    What a release holds already that shards are appended to stays as it is.
    """
    layout = run.layout
    standing = {(_name(path), row) for path, rows in illegal.items() for row in rows}
    mine = {_name(run.signature(shard)) for shard in run.shards}
    fresh = {(entry["file"], entry["at"]) for entry in added}
    before = read_parquet(layout.illegal).to_pylist() if exists(layout.illegal) else []
    stays = [(run.frozen is not None and entry["file"] not in mine) or (entry["file"], entry["at"]) in standing for entry in before]
    kept = [entry for entry, stay in zip(before, stays, strict=True) if stay and (entry["file"], entry["at"]) not in fresh]
    entries = sorted([*kept, *added], key=lambda entry: (entry["file"], entry["at"], entry["kind"], entry["value"]))
    if before and not entries:
        remove(layout.illegal)
    elif entries != before:
        with atomic_write(layout.illegal) as scratch:
            pq.write_table(pa.Table.from_pylist(entries, ILLEGAL_ENTRIES), scratch, compression="zstd")


def read_emptied(layout: Layout) -> dict[str, list[int]]:
    """Names of signature files that were emptied of some rows, and the rows."""
    found: dict[str, list[int]] = read_json(layout.emptied) if exists(layout.emptied) else {}
    return found


def is_emptied(run: Run, shard: Shard, emptied: Collection[str]) -> bool:
    """Whether the signatures of a shard are among those."""
    return _name(run.signature(shard)) in emptied


def forget_emptied(layout: Layout, remade: Iterable[str]) -> None:
    """Notes that signature files, given by their paths, were made anew."""
    emptied = read_emptied(layout)
    gone = {_name(path) for path in remade}
    left = {name: rows for name, rows in emptied.items() if name not in gone}
    if left != emptied:
        _write_emptied(layout, left)


def _write_emptied(layout: Layout, emptied: dict[str, list[int]]) -> None:
    write_bytes(layout.emptied, json.dumps(emptied, sort_keys=True).encode())


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]
