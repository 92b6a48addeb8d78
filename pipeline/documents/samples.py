"""Picks the rows that the team's own review page shows, and reads them from the source: clusters, and removed rows per reason."""

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from pipeline.documents.thumbnails import Thumbnail, thumbnail
from pipeline.run import Run
from schemas.errors import WinnowError
from schemas.reasons import ILLEGAL, INVISIBLE_CHARACTERS, OPT_OUT, POISONING, REMOVED_LATER, TAKEN_DOWN, in_order
from transforms.read.reader import open_shard
from transforms.storage import read_parquet
from transforms.text.invisible import spelled_out

SHARDS = 8  # ledger files that rows are picked from
CLUSTERS = 12
MEMBERS = 6
PER_REASON = 6
CAPTION = 300  # code points shown
SENSITIVE = frozenset({"nsfw", "violence", "toxicity", "personal_data", "presidio", "faces", TAKEN_DOWN, OPT_OUT})
_COLUMNS = ("uid", "shard", "row", "key", "url", "verdict", "reasons", "flags", "cluster", "duplicate_of", "evidence")
_SEED = 0x52455657
Place = tuple[str, int]


@dataclasses.dataclass
class Shown:
    """A row on the page. `picture` and `caption` are None until, and unless, the source is read, `suspicion` unless it is ranked."""

    row: Mapping[str, Any]
    picture: Thumbnail | None = None
    caption: str | None = None
    suspicion: float | None = None

    @property
    def place(self) -> Place:
        """Shard and row."""
        return self.row["shard"], self.row["row"]

    @property
    def sensitive(self) -> bool:
        """Whether it is covered until somebody asks to see it."""
        return any(word.partition(":")[0] in SENSITIVE for word in (*self.row["reasons"], *self.row["flags"]))

    @property
    def withheld(self) -> bool:
        """Whether neither picture nor caption is copied: what was taken down after release."""
        return REMOVED_LATER in self.row["flags"]

    @property
    def text(self) -> str | None:
        """The caption, where it is suspected to hide something with what nobody sees in it spelled out."""
        hides = f"{POISONING}:{INVISIBLE_CHARACTERS}" in self.row["flags"]
        return spelled_out(self.caption) if self.caption is not None and hides else self.caption

    @property
    def evidence(self) -> list[str]:
        """What speaks against it, a line each."""
        lines = []
        for entry in self.row["evidence"]:
            numbers = [f"{name} {entry[name]:g}" for name in ("score", "threshold") if entry[name] is not None]
            lines.append(f"{entry['reason']}: " + "; ".join([*numbers, *([entry["detail"]] if entry["detail"] else [])]))
        return [line.removesuffix(": ") for line in lines]


def pick(run: Run) -> tuple[list[list[Shown]], dict[str, list[Shown]]]:
    """Clusters (the largest, then by hash), and per reason some rows by hash of their uid, out of a few shards."""
    names = sorted((shard.name for shard in run.shards), key=_rank)[:SHARDS]
    rows = [row for name in names for row in _removed_or_clustered(run.layout.ledger_file(name))]
    by_cluster: dict[str, list[dict[str, Any]]] = defaultdict(list)
    by_reason: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["cluster"] is not None:
            by_cluster[row["cluster"]].append(row)
        for reason in row["reasons"]:
            by_reason[reason].append(row)
    several = sorted((name for name, found in by_cluster.items() if len(found) > 1), key=_rank)
    largest = sorted(several, key=lambda name: -len(by_cluster[name]))[: CLUSTERS // 3]
    chosen = [*largest, *(name for name in several if name not in largest)][:CLUSTERS]
    clusters = [[Shown(row) for row in _first(by_cluster[name])] for name in chosen]
    samples = {
        reason: [
            Shown(row) for row in sorted(by_reason[reason], key=lambda row: (_rank(row["uid"]), row["shard"], row["row"]))[:PER_REASON]
        ]
        for reason in in_order(set(by_reason))
    }
    return clusters, samples


def pick_suspects(run: Run, suspects: Sequence[Mapping[str, Any]]) -> list[Shown]:
    """The rows of a ranking (transforms.suspects), the most suspect first."""
    wanted: dict[str, dict[int, float]] = defaultdict(dict)
    for found in suspects:
        wanted[found["shard"]][found["row"]] = found["score"]
    rows = []
    for name, scores in wanted.items():
        table = read_parquet(run.layout.ledger_file(name), _COLUMNS)
        chosen = table.filter(pc.is_in(table.column("row"), pa.array(sorted(scores), pa.int64()))).to_pylist()
        rows += [Shown(row, suspicion=scores[row["row"]]) for row in chosen if ILLEGAL not in row["reasons"]]
    return sorted(rows, key=lambda shown: (-(shown.suspicion or 0.0), shown.row["uid"], *shown.place))


def read_shown(run: Run, shown: Sequence[Shown]) -> list[str]:
    """Fills in captions and pictures from the source.

    Returns:
      Names of shards that cannot be read any more.
    """
    wanted: dict[str, dict[int, list[Shown]]] = defaultdict(lambda: defaultdict(list))
    for entry in shown:
        if entry.withheld:
            continue
        wanted[entry.place[0]][entry.place[1]].append(entry)
    sources = {source.name: source for source in run.job.source}
    gone = []
    for shard in run.shards:
        if shard.name not in wanted:
            continue
        source = sources[shard.source]
        try:
            with open_shard(shard, source) as reader:
                for samples in reader.batches(np.array(sorted(wanted[shard.name]), np.int64)):
                    for row in samples.core.to_pylist():
                        for entry in wanted[shard.name].get(row["row"], ()):
                            entry.caption = row["caption"]
                            if row["image"] is not None:
                                entry.picture = thumbnail(row["image"], source.decode)
        except (WinnowError, OSError, pa.ArrowInvalid):  # the source has moved or changed: the page says so and shows the ledger alone
            gone.append(shard.name)
    return gone


def _removed_or_clustered(path: str) -> list[dict[str, Any]]:
    """Rows that may be shown. Of what a list calls illegal there is a count and nothing else."""
    table = read_parquet(path, _COLUMNS)
    some = pc.or_(pc.not_equal(table.column("verdict"), "kept"), pc.is_valid(table.column("cluster")))
    return [row for row in table.filter(some).to_pylist() if ILLEGAL not in row["reasons"]]


def _first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Members of a cluster, the representative first."""
    return sorted(rows, key=lambda row: (row["duplicate_of"] is not None, row["shard"], row["row"]))[:MEMBERS]


def _rank(name: str) -> tuple[int, str]:
    return xxhash.xxh3_64_intdigest(name.encode(), _SEED), name
