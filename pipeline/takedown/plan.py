"""What a takedown will do, before a byte is written: which rows go, which files change, and what the ledger of removals will say."""

import dataclasses
import functools
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import apache_beam as beam
import pyarrow as pa

from pipeline.takedown.asked import Asked
from pipeline.takedown.finished import Finished
from pipeline.takedown.search import Asking, Search, ShardFiles
from schemas.errors import DifferenceError
from schemas.layout import Layout, join
from schemas.reasons import ILLEGAL, KEPT
from schemas.versions import digest
from transforms.storage import list_folder, make_private, read_json, remove_all, remove_if_empty
from transforms.takedown.chain import appended, head_of, next_id, read_removals
from transforms.takedown.entries import removal_rows
from transforms.takedown.found import Row, read_found
from transforms.takedown.hits import Hits, Place
from transforms.takedown.ledger import Change
from transforms.takedown.published import Signing
from transforms.text.url import normal_url
from transforms.trace import RADIUS

FOUND: Final = "found."  # beginning of the names of what is found, while it is gathered
_OF_A_SHARD = 1 << 16  # bytes that take as long to search as the files of a shard take however small they are
Removed = dict[str, dict[int, Row]]  # shard -> row that goes


@dataclasses.dataclass(frozen=True)
class Plan:
    """A takedown.

    Attributes:
      version: of the release it makes.
      changes: shard -> what becomes of it; shards that stay as they are are not there.
      hidden: shard and row of what is illegal.
      renamed: uids that are written down nowhere any more -> what stands in their place.
      silenced: shard and row of captions that no row carries any more; `unheard`, the uids of these rows.
      named: uids of all rows that went, and URLs in normal form of those that go now: a flag that waits for one of them is settled.
      removals: the ledger of removals as it will be.
      reasons: reason -> rows that leave the release.
      members: rows, published or not, that go because a copy does; `rows`, all that go; `copies`, kept rows that are copies of one that
        goes for its URL.
      touched: shards whose data file is written again.
    """

    version: str
    changes: Mapping[str, Change]
    hidden: frozenset[Place]
    renamed: Mapping[str, str]
    silenced: frozenset[Place]
    unheard: frozenset[str]
    named: frozenset[str]
    removals: pa.Table
    reasons: Mapping[str, int]
    members: int
    rows: int
    copies: int
    touched: frozenset[str]

    def digest(self, finished: Finished) -> str:
        """Of all that the new release depends on."""
        return digest([finished.manifest_sha256, self.version, head_of(self.removals)])


def make_plan(finished: Finished, asked: Asked, layout: Layout, tell: Callable[[str], None]) -> Plan:
    """Finds the rows that go, their copies, and all files that name them.

    Args:
      finished: the release.
      asked: what is asked for.
      layout: of the new release: what is found is gathered in its private folder, and nothing of it stays there.
      tell: takes messages.

    Raises:
      DifferenceError: no row is covered, or the ledger of earlier removals does not hold together.
    """
    before = read_removals(finished.run.layout.removals)
    removed, copies, told = _search(finished, asked, layout)
    if told["without_views"]:
        tell(f"{told['without_views']:,} pictures go: copies are looked for by clusters and by hashes of the whole picture, not by views")
    if told["unsigned"]:
        tell(f"the signatures of {told['unsigned']} shards are of another version; their published pictures were hashed anew")
    if not removed:
        raise DifferenceError("no row of this release is covered by what is asked for; nothing is taken down")
    version = next_version(finished.version)
    removals, renamed, hidden = _removals(before, asked, removed, version)
    published, touched = _published(removed)
    keeps = finished.run.job.dedup.keep_captions
    silenced = {(shard, row): found.facts["uid"] for shard, here in removed.items() for row, found in here.items()} if keeps else {}
    unheard = frozenset(silenced.values())
    changed = {*removed, *copies, *told["named"], *told["carrying"]}
    changes = {
        shard.name: Change(_causes(removed.get(shard.name, {})), copies.get(shard.name, ()), version, renamed, unheard)
        for shard in finished.run.shards
        if shard.name in changed
    }
    return Plan(
        version, changes, hidden, renamed, frozenset(silenced), unheard, _named(removed, removals), removals, published, told["members"],
        sum(map(len, removed.values())), sum(map(len, copies.values())), frozenset({*touched, *told["carrying"]}),
    )  # fmt: skip


def _search(finished: Finished, asked: Asked, layout: Layout) -> tuple[Removed, dict[str, list[int]], dict[str, Any]]:
    """What is found: rows that go, copies that stay, and what concerns all shards (`pipeline.takedown.search`)."""
    run = finished.run
    images = run.job.dedup.images
    asking = Asking(
        asked.listed, asked.pictures, Signing(images.mode, images.reach), finished.slack, RADIUS + finished.slack,
        # What views have found is in the clusters, but for copies under other captions, and in what was appended.
        run.job.dedup.policy == "image_and_caption" or bool(run.appended), run.job.dedup.keep_captions,
    )  # fmt: skip
    shards = [
        ShardFiles(
            number, shard.name, finished.annotations[shard.name], run.layout.data_file(shard.name), finished.ledgers[shard.name],
            finished.signatures.get(shard.name),
        )
        for number, shard in enumerate(run.shards)
    ]  # fmt: skip
    path = join(layout.work, f"{FOUND}{digest([finished.manifest_sha256, dataclasses.astuple(asked.listed)])}.parquet")
    make_private(layout.work)
    try:
        run.engine.run("takedown", functools.partial(_apply, Search(shards, asking, path)), _bytes_to_search(finished))
        return *read_found(path), read_json(f"{path}.json")
    finally:
        remove_all([path, f"{path}.json"])
        remove_if_empty(layout.work)


def _apply(step: Search, root: beam.Pipeline) -> None:
    root | step


def _bytes_to_search(finished: Finished) -> int:
    return sum(file.size for file in list_folder(finished.run.layout.annotations)) + _OF_A_SHARD * len(finished.run.shards)


def _causes(removed: Mapping[int, Row]) -> Hits:
    return {row: found.causes for row, found in removed.items()}


def next_version(version: str) -> str:
    """The version after removals: Croissant 1.1 calls for a major one where records go.

    >>> next_version("1.4.2")
    '2.0.0'
    """
    return f"{int(version.partition('.')[0]) + 1}.0.0"


def opaque(removal_id: str) -> str:
    """What stands for a uid that is written down nowhere any more."""
    return hashlib.sha256(f"removed {removal_id}".encode()).hexdigest()[:32]


def _named(removed: Removed, removals: pa.Table) -> frozenset[str]:
    urls = {found.facts["url"] for here in removed.values() for found in here.values()} - {None}
    return frozenset({*removals.column("uid").drop_null().to_pylist(), *map(normal_url, urls)})


def _removals(before: pa.Table, asked: Asked, removed: Removed, version: str) -> tuple[pa.Table, dict[str, str], frozenset[Place]]:
    """The ledger of removals with those of this takedown; uids that are hidden, and what stands for them; places of hidden rows."""
    number = next_id(before)
    numbers = {cause.entry for here in removed.values() for found in here.values() for cause in found.causes}
    entries, refs = asked.entries(numbers), asked.refs
    rows: list[dict[str, Any]] = []
    renamed: dict[str, str] = {}
    hidden: set[Place] = set()
    for shard, here in removed.items():
        for row, found in here.items():
            removal_id = f"r-{number:06d}"
            number += 1
            rows += removal_rows(removal_id, version, found.facts, found.causes, entries, refs)
            if any(cause.reason == ILLEGAL for cause in found.causes):
                renamed.setdefault(found.facts["uid"], opaque(removal_id))
                hidden.add((shard, row))
    return appended(before, rows), renamed, frozenset(hidden)


def _published(removed: Removed) -> tuple[dict[str, int], set[str]]:
    """Reason -> rows that leave the release, a row with several under each; and the shards that they leave."""
    counts: Counter[str] = Counter()
    touched = set()
    for shard, here in removed.items():
        for found in here.values():
            if found.facts["verdict"] == KEPT:
                counts.update({cause.reason for cause in found.causes})
                touched.add(shard)
    return dict(sorted(counts.items())), touched
