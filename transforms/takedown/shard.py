"""One shard of a release, written again without the rows that are taken down: its private files, its data file and its summary."""

import dataclasses
import logging
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.annotations import EMBEDDINGS
from schemas.errors import InputError
from schemas.reasons import KEPT
from transforms.emit import data_files, write_summary
from transforms.footers import columns_but, read_footer
from transforms.ledger import write_ledger
from transforms.storage import read_parquet, remove
from transforms.summaries import Published, summarise
from transforms.takedown.data import read_credits, rewrite_data
from transforms.takedown.hits import Hits, Place
from transforms.takedown.ledger import Change, changed_ledger
from transforms.takedown.purge import as_counted, purge_annotations, purge_carried, purge_signatures

LOGGER = logging.getLogger("winnow")


@dataclasses.dataclass(frozen=True)
class Files:
    """Where the files of a shard lie, in the old release or in the new one.

    Attributes:
      annotation: what was measured.
      signature: None where an earlier takedown could keep none.
      ledger: what became of its rows.
      captions: where the captions lie that its rows carry; None where the job keeps none.
      data: what is published.
    """

    annotation: str
    signature: str | None
    ledger: str
    captions: str | None
    data: str


@dataclasses.dataclass(frozen=True)
class ShardChange:
    """What becomes of a shard.

    Attributes:
      shard: its name.
      old: its files as they are; `new`, as they will be.
      summary: of the old release.
      removed: rows that go, and why.
      copies: kept rows that are copies of one that goes for its URL.
      hidden: of the rows that go those of which no measure is kept either.
      touched: whether its data file changes.
    """

    shard: str
    old: Files
    new: Files
    summary: str
    removed: Hits
    copies: Collection[int]
    hidden: Collection[int]
    touched: bool


@dataclasses.dataclass(frozen=True)
class Everywhere:
    """What a takedown means for every shard.

    Attributes:
      version: of the release that goes without the rows.
      renamed: uids that are written down nowhere any more -> what stands in their place.
      silenced: shard and row of captions that no row carries any more.
      unheard: uids of these rows.
    """

    version: str
    renamed: Mapping[str, str]
    silenced: frozenset[Place]
    unheard: frozenset[str]

    def change(self, shard: ShardChange) -> Change:
        """What it means for the ledger of a shard."""
        return Change(shard.removed, shard.copies, self.version, self.renamed, self.unheard)


def rewrite_private(shard: ShardChange, everywhere: Everywhere) -> dict[str, Any]:
    """Writes annotations, signatures, carried captions and ledger; returns what judge's marker says of the ledger."""
    old, new, rows = shard.old, shard.new, sorted(shard.removed)
    if rows:
        purge_annotations(old.annotation, new.annotation, rows, everywhere.renamed, shard.hidden)
    if rows and old.signature and new.signature:
        try:
            purge_signatures(old.signature, new.signature, rows, everywhere.renamed)
        except InputError as error:  # of another version, or damaged: what cannot be emptied is not kept
            LOGGER.warning("takedown: %s; the new release keeps no signatures of shard %s", error, shard.shard)
            remove(new.signature)
    if old.captions and new.captions:
        purge_carried(old.captions, new.captions, everywhere.silenced, shard.removed)
    ledger = changed_ledger(_plain(read_parquet(old.ledger)), everywhere.change(shard))
    captions = sum(map(len, filter(None, ledger.column("captions").to_pylist()))) if "captions" in ledger.column_names else 0
    return {**write_ledger(ledger, new.ledger), "captions": captions}


def rewrite_public(shard: ShardChange, everywhere: Everywhere, summary: str) -> None:
    """Writes the data file, where it changes, and the summary. The ledger of the new release is there already."""
    old, new = shard.old, shard.new
    ledger, annotations = _plain(read_parquet(new.ledger)), _plain(read_parquet(old.annotation, columns_but(old.annotation, EMBEDDINGS)))
    if shard.touched:
        described, published = _rewritten(old.data, new.data, read_parquet(old.ledger), everywhere.change(shard))
    else:
        described = data_files({shard.shard: read_footer(shard.summary).metadata})[shard.shard]
        published = Published(_nulls(shard.summary), read_credits(old.data))
    write_summary(summary, summarise(as_counted(annotations, ledger, list(shard.removed)), ledger, published), described)


def _plain(table: pa.Table) -> pa.Table:
    return table.replace_schema_metadata(None)


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
