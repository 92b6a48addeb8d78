"""What a takedown will do, before a byte is written: which rows go, which files change, and what the ledger of removals will say."""

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa

from pipeline.takedown.asked import Asked
from pipeline.takedown.finished import Finished
from schemas.errors import DifferenceError, InputError
from schemas.reasons import ILLEGAL, KEPT
from schemas.versions import digest
from transforms.consent.lists import Lists
from transforms.storage import read_parquet
from transforms.takedown.chain import appended, head_of, next_id, read_removals
from transforms.takedown.entries import removal_rows
from transforms.takedown.hits import Hits, Place, Spread, find, naming, spread, union
from transforms.takedown.ledger import Change
from transforms.takedown.near import looks_same
from transforms.takedown.published import find_published
from transforms.trace import RADIUS

_AT_ONCE = 4  # shards whose annotations are looked at: some columns of them are in memory
_NAMES = ("cluster", "caption_cluster", "duplicate_of", "captions")


@dataclasses.dataclass(frozen=True)
class Plan:
    """A takedown.

    Attributes:
      version: of the release it makes.
      changes: shard -> what becomes of it; shards that stay as they are are not there.
      hidden: shard and row of what is illegal.
      renamed: uids that are written down nowhere any more -> what stands in their place.
      silenced: shard and row of captions that no row carries any more; `unheard`, the uids of these rows.
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
    removals: pa.Table
    reasons: Mapping[str, int]
    members: int
    rows: int
    copies: int
    touched: frozenset[str]

    def digest(self, finished: Finished) -> str:
        """Of all that the new release depends on."""
        return digest([finished.manifest_sha256, self.version, head_of(self.removals)])


def make_plan(finished: Finished, asked: Asked, tell: Callable[[str], None]) -> Plan:
    """Finds the rows that go, their copies, and all files that name them.

    Args:
      finished: the release.
      asked: what is asked for.
      tell: takes messages.

    Raises:
      DifferenceError: no row is covered, or the ledger of earlier removals does not hold together.
    """
    shards = finished.run.shards
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        parts = [part for found in pool.map(lambda shard: _covered(finished, asked.lists, shard.name), shards) for part in found]
    hits = union([*parts, *asked.pictures.items()])
    found = spread(finished.ledgers, hits)
    if near := _near(finished, hits, found.removed, tell):
        found = spread(finished.ledgers, union([*hits.items(), *near.items()]))
    if not found.removed:
        raise DifferenceError("no row of this release is covered by what is asked for; nothing is taken down")
    version = next_version(finished.version)
    removals, renamed, hidden = _removals(finished, asked, found, version)
    published, touched = _published(finished, found)
    silenced = _silenced(finished, found) if finished.run.job.dedup.keep_captions else {}
    changes, unheard = {}, frozenset(silenced.values())
    named = naming(finished.ledgers, renamed, _NAMES) if renamed else set()
    carrying = naming(finished.ledgers, unheard, ("captions",)) if silenced else set()
    for shard in shards:
        name = shard.name
        if name in found.removed or name in found.copies or name in named or name in carrying:
            changes[name] = Change(found.removed.get(name, {}), found.copies.get(name, ()), version, renamed, unheard)
    return Plan(
        version, changes, hidden, renamed, frozenset(silenced), unheard, removals, published, found.members,
        sum(map(len, found.removed.values())), sum(map(len, found.copies.values())), frozenset(touched | carrying),
    )  # fmt: skip


def _covered(finished: Finished, lists: Lists, shard: str) -> list[tuple[str, Hits]]:
    """Rows of a shard that entries cover, as they were read or as they were published."""
    ledger, data = finished.ledgers[shard], finished.run.layout.data_file(shard)
    return [(shard, find(finished.annotations[shard], lists, finished.slack)), (shard, find_published(data, ledger, lists))]


def _near(finished: Finished, hits: Mapping[str, Hits], known: Mapping[str, Hits], tell: Callable[[str], None]) -> dict[str, Hits]:
    run = finished.run  # what views have found is in the clusters, but for copies under other captions, and in what was appended
    views = run.job.dedup.policy == "image_and_caption" or bool(run.appended)
    try:
        return looks_same(finished.signatures, hits, known, RADIUS + finished.slack, tell, views=views)
    except InputError as error:
        tell(f"{error}. Copies of what goes are found by their clusters alone")
        return {}


def next_version(version: str) -> str:
    """The version after removals: Croissant 1.1 calls for a major one where records go.

    >>> next_version("1.4.2")
    '2.0.0'
    """
    return f"{int(version.partition('.')[0]) + 1}.0.0"


def opaque(removal_id: str) -> str:
    """What stands for a uid that is written down nowhere any more."""
    return hashlib.sha256(f"removed {removal_id}".encode()).hexdigest()[:32]


def _removals(finished: Finished, asked: Asked, found: Spread, version: str) -> tuple[pa.Table, dict[str, str], frozenset[Place]]:
    """The ledger of removals with those of this takedown; uids that are hidden, and what stands for them; places of hidden rows."""
    before = read_removals(finished.run.layout.removals)
    number = next_id(before)
    numbers = {cause.entry for here in found.removed.values() for causes in here.values() for cause in causes}
    entries, refs = asked.entries(numbers), asked.refs
    rows: list[dict[str, Any]] = []
    renamed: dict[str, str] = {}
    hidden: set[Place] = set()
    for shard in finished.run.shards:
        here = found.removed.get(shard.name)
        if not here:
            continue
        places = pa.array(sorted(here), pa.int64())
        ledger = read_parquet(finished.ledgers[shard.name], ["uid", "url", "verdict"]).take(places).to_pylist()
        hashes = read_parquet(finished.annotations[shard.name], ["sha256", "phash"]).take(places).to_pylist()
        for place, row, hashed in zip(places.to_pylist(), ledger, hashes, strict=True):
            removal_id = f"r-{number:06d}"
            number += 1
            rows += removal_rows(removal_id, version, row | hashed, here[place], entries, refs)
            if any(cause.reason == ILLEGAL for cause in here[place]):
                renamed.setdefault(row["uid"], opaque(removal_id))
                hidden.add((shard.name, place))
    return appended(before, rows), renamed, frozenset(hidden)


def _published(finished: Finished, found: Spread) -> tuple[dict[str, int], set[str]]:
    """Reason -> rows that leave the release, a row with several under each; and the shards that they leave."""
    counts: Counter[str] = Counter()
    touched = set()
    for shard, here in found.removed.items():
        verdicts = read_parquet(finished.ledgers[shard], ["verdict"]).column("verdict").to_pylist()
        for row, causes in here.items():
            if verdicts[row] == KEPT:
                counts.update({cause.reason for cause in causes})
                touched.add(shard)
    return dict(sorted(counts.items())), touched


def _silenced(finished: Finished, found: Spread) -> dict[Place, str]:
    """Place of a row that goes -> its uid: rows that stay carry its caption no more."""
    gone = {}
    for shard, here in found.removed.items():
        uids = read_parquet(finished.ledgers[shard], ["uid"]).column("uid").to_pylist()
        gone.update({(shard, row): uids[row] for row in here})
    return gone
