"""Leaves of what a list calls illegal nothing in the work folder that shows it: no thumbnail, no hash of a view, no caption, no embedding.

Signatures hold picture and caption in small, and annotations their embeddings: both are emptied of such rows when judge has ended. Where
match, or the comparison of embeddings, has to be done again, a shard that was emptied is annotated anew first: what comes out must not
depend on it.
"""

import json
from collections.abc import Collection, Iterable

import numpy as np
import pyarrow.compute as pc

from pipeline.judged import read_judged
from pipeline.run import Run
from schemas.layout import Layout
from schemas.reasons import ILLEGAL
from schemas.shards import Shard
from transforms.storage import exists, read_bytes, read_parquet, write_bytes
from transforms.takedown.purge import purge_embeddings, purge_signatures


def empty_illegal(run: Run) -> None:
    """Empties signatures and embeddings of every row that the ledger calls illegal; nothing is done where they are empty."""
    judged = read_judged(run.layout) or {"ledger": {}}
    emptied = read_emptied(run.layout)
    for shard in run.shards:
        path = run.signature(shard)
        if not judged["ledger"].get(shard.name, {}).get("illegal"):
            continue
        reasons = read_parquet(run.layout.ledger_file(shard.name), ["reasons"]).column("reasons").combine_chunks()
        parents = pc.list_parent_indices(reasons).to_numpy()
        rows = np.unique(parents[pc.equal(reasons.flatten(), ILLEGAL).to_numpy(zero_copy_only=False)]).tolist()
        if emptied.get(_name(path)) != rows:
            emptied[_name(path)] = rows
            _write_emptied(run.layout, emptied)  # first: a file of which it is not known whether it was emptied is made anew as well
            purge_signatures(path, path, rows, {})
            purge_embeddings(run.annotation(shard), rows)


def read_emptied(layout: Layout) -> dict[str, list[int]]:
    """Names of signature files that were emptied of some rows, and the rows."""
    found: dict[str, list[int]] = json.loads(read_bytes(layout.emptied)) if exists(layout.emptied) else {}
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
