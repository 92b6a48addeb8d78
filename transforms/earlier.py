"""What an earlier run decided about its rows, as the elder side of a later one: who is held against, and what stands for whom.

| a row of the earlier run | on the elder side |
|---|---|
| kept | `HELD` |
| in a cluster of which a row was kept, so that it was dropped as a duplicate | `HELD` |
| opted out, taken down or illegal by content, itself or through its cluster | `BINDING` |
| a placeholder, by its picture | `NOTICE` |
| all others: rejected, unreadable, a copy of what that run was held against itself | `NO_PART` |

Where meanings are compared, rows that it dropped for meaning the same as a kept one are held against too, and rows that bind copies are
not: what merely means the same is no copy (`transforms.semantic.elders`).
"""

import dataclasses
from collections.abc import Mapping
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas import reasons
from schemas.ledger import EARLIER_RUN
from schemas.signatures import PICTURES_AGREE
from transforms.choice import ELDER, Choice
from transforms.filters.base import Finding
from transforms.match.clusters import Clusters
from transforms.match.columns import open_columns
from transforms.match.elders import BINDING, HELD, NO_PART, NOTICE, places_of, read_places
from transforms.match.grouping import BY_POLICY
from transforms.match.policy import PICTURE
from transforms.match.rows import ElderFile
from transforms.records import ELIGIBLE, SPREADS, Policy, halves, host_ids, member_type, sketches
from transforms.resolve import EARLIER
from transforms.semantic.elders import semantic_members
from transforms.verdicts import Verdicts

ANNOTATED = ("domain", "normal_caption_id", reasons.POISONING)
Kind = Literal["image", "caption", "semantic"]  # what clusters are of

RANGE = 1 << 18  # leaders whose clusters are told of in one block of bits
LEDGER_COLUMNS = ("verdict", "covers", "reasons")
BINDS = {word: bit for word, bit in SPREADS.items() if word in reasons.BINDING}


def standing(ledger: pa.Table, cluster: np.ndarray, own: int) -> np.ndarray:
    """The leaders of clusters of which a row of this shard was kept: distinct numbers within the earlier run, int64[n].

    Args:
      ledger: the shard's columns `LEDGER_COLUMNS`.
      cluster: the leader of each row, int64, -1 for a row alone.
      own: rows of the earlier run; a leader beyond them is a row that it was held against itself.
    """
    kept = ledger.column("verdict").to_numpy() == reasons.KEPT
    return np.unique(cluster[kept & (cluster >= 0) & (cluster < own)])


def bits_of(leaders: np.ndarray) -> bytes:
    """Leaders of one range, as a bit for each."""
    marks = np.zeros(RANGE, bool)
    marks[leaders % RANGE] = True
    return np.packbits(marks).tobytes()


def places(
    ledger: pa.Table,
    clusters: Clusters,
    own: int,
    kept: Mapping[int, bytes],
    semantic: np.ndarray | None = None,
    meant: Mapping[int, bytes] | None = None,
) -> tuple[np.ndarray, ...]:
    """What `transforms.match.elders.write_places` writes of a shard of an earlier run.

    Args:
      ledger: as in `standing`.
      clusters: of the same rows.
      own: as in `standing`.
      kept: `bits_of` all leaders of `clusters.cluster` found by `standing`, by number of the range.
      semantic: the leader of the rows that mean the same as each, int64, -1 for a row alone; None where nobody looked for them.
      meant: as `kept`, of those leaders.
    """
    verdict = ledger.column("verdict").to_numpy()
    here = (clusters.cluster >= 0) & (clusters.cluster < own)
    stands = verdict == reasons.KEPT
    stands[here] |= _marked(clusters.cluster[here], kept)
    stands &= (clusters.cluster < own) | (verdict == reasons.KEPT)
    covers = _covering(ledger.column("covers"))
    kind = np.select([covers > 0, stands, _having(ledger.column("reasons"), reasons.PLACEHOLDER)], [BINDING, HELD, NOTICE], NO_PART)
    said = covers | np.where(verdict == reasons.KEPT, ELIGIBLE, 0).astype(np.uint8)
    captions = np.where(clusters.caption_cluster < own, clusters.caption_cluster, -1)
    same = np.full(len(kind), -1)
    if semantic is not None:
        stood = (semantic >= 0) & (semantic < own) & (covers == 0)
        stood[stood] = _marked(semantic[stood], meant or {})
        same = np.where(stood, semantic, -1)
    return kind.astype(np.uint8), np.where(here, clusters.cluster, -1), captions, said, same


def said_of(annotations: pa.Table) -> dict[str, np.ndarray]:
    """The domains and captions of rows and what these speak of, as `write_places` takes them, from the columns `ANNOTATED` of a shard."""
    batches = annotations.combine_chunks().to_batches(max_chunksize=max(annotations.num_rows, 1))
    base = batches[0] if batches else pa.RecordBatch.from_pylist([], annotations.schema)
    return {"host": host_ids(base.column("domain")), "words": sketches(base), "caption": halves(base.column("normal_caption_id"))}


def _marked(leaders: np.ndarray, kept: Mapping[int, bytes]) -> np.ndarray:
    out = np.zeros(len(leaders), bool)
    ranges = leaders // RANGE
    for number in np.unique(ranges).tolist():
        if number in kept:
            mine = ranges == number
            out[mine] = np.unpackbits(np.frombuffer(kept[number], np.uint8))[leaders[mine] % RANGE] > 0
    return out


def _covering(column: pa.ChunkedArray) -> np.ndarray:
    """The column `covers` of a ledger as bits of `BINDS`, uint8[n]."""
    out = np.zeros(len(column), np.uint8)
    for word, bit in BINDS.items():
        out[_having(column, word)] |= bit
    return out


def _having(column: pa.ChunkedArray, word: str) -> np.ndarray:
    """Which lists of words have one, bool[n]."""
    lists = column.combine_chunks()
    out = np.zeros(len(lists), bool)
    at = pc.equal(pc.list_flatten(lists), word).to_numpy(zero_copy_only=False)
    out[pc.list_parent_indices(lists).to_numpy()[at]] = True
    return out


def elder_members(file: ElderFile, start: int, clusters: np.ndarray, choice: Choice, policy: Policy, kind: Kind) -> np.ndarray:
    """Records of the rows of an elder file that lie in some clusters, as `transforms.records.members` makes them of a run's own.

    Args:
      file: one file of the elder side.
      start: dense number of its first row.
      clusters: int64[n], dense numbers of the first rows of those clusters, ascending.
      choice: which copy stays; rows that an earlier run kept go before all others.
      policy: which edges join rows into a cluster; where a picture always does, its rows tell of the picture.
      kind: what they are clusters of.
    """
    known = places_of([(file, start, slice(None))])
    if kind == "semantic":
        rows, of = semantic_members(read_places(file.places), start - file.before, start, clusters)
    else:
        cluster = (known.caption_cluster if kind == "caption" else known.cluster).astype(np.int64)
        rows = np.flatnonzero((known.kind == HELD) & np.isin(cluster, clusters))
        of = cluster[rows]
    out = np.zeros(len(rows), member_type(choice.width))
    if len(rows):
        columns = open_columns(file.path, ["uid", "order", "picture_id", "has_picture", "caption_id"])
        told = {name: values[rows] for name, values in read_places(file.places).items()}
        out["cluster"], out["row"] = of, rows + start
        out["uid"], out["order"] = (np.ascontiguousarray(columns[name][rows]).view("V16").ravel() for name in ("uid", "order"))
        out["caption"] = told["caption"]
        out["picture"] = np.where(columns["has_picture"][rows], columns["picture_id"][rows], 0)
        out["bits"] = known.said[rows] & ELIGIBLE | EARLIER
        if kind != "semantic":
            out["host"], out["words"] = told["host"], told["words"]
        if kind == "image":
            texts = known.caption_cluster[rows]
            out["link"] = 0 if policy == "image_or_caption" else PICTURE
            alone = np.where(told["caption"] != 0, told["caption"], columns["caption_id"][rows])
            out["across"] = np.where(texts == rows + start, alone, texts + np.uint64(1))
        if kind == "caption":
            out["across"] = _picture_ids(file, known.cluster[rows], rows, policy)
        out["rank"] = np.frombuffer(bytes([ELDER]).ljust(choice.width, b"\0"), f"V{choice.width}")[0]
    return out


def _picture_ids(file: ElderFile, clusters: np.ndarray, rows: np.ndarray, policy: Policy) -> np.ndarray:
    """What tells the pictures of some rows of an elder file apart, as `transforms.records.picture_ids` does those of the run's own rows."""
    columns = open_columns(file.path, ["has_picture", "picture_id", "has_hashes", "picture_hashes"])
    ids = clusters + np.uint64(1)
    if policy == "image_or_caption":
        hashes = np.ascontiguousarray(columns["picture_hashes"][rows][:, :8]).view("<u8")[:, 0] | np.uint64(1)
        ids = np.where(columns["has_hashes"][rows], hashes, columns["picture_id"][rows])
    return np.where(columns["has_picture"][rows], ids, np.uint64(0))


@dataclasses.dataclass(frozen=True)
class Earlier:
    """The runs on the elder side.

    Attributes:
      names: of each, as evidence names it; None for the very release that is appended to.
      starts: the dense number of the first row of each, ascending.
    """

    names: tuple[str | None, ...] = ()
    starts: tuple[int, ...] = ()

    def holds(self, row: int) -> bool:
        """Whether a dense row is one of the elder side."""
        return bool(self.starts) and row >= self.starts[0]

    def told(self, row: int) -> str | None:
        """How evidence names the run of a dense row; None for a row of this run or release."""
        name = self.names[np.searchsorted(self.starts, row, side="right") - 1] if self.holds(row) else None
        return None if name is None else EARLIER_RUN + name

    def bind(self, verdicts: Verdicts, ties: np.ndarray, first: int) -> None:
        """Takes over what binds copies of rows that were opted out, taken down or illegal there: it covers their clusters here too.

        Args:
          verdicts: of a shard.
          ties: `transforms.match.elders.TIE` of its rows.
          first: dense number of its first row.
        """
        ties = ties[(ties["kind"] == BINDING) & (ties["graph"] == BY_POLICY)]
        for word, bit in BINDS.items():
            mine = ties[ties["said"] & bit > 0]
            rows, at = np.unique(mine["row"] - first, return_index=True)
            if not len(rows):
                continue
            told = [f"a copy of {uid.hex()}; {self.told(row) or 'this release'}" for uid, row in mine[["uid", "elder"]][at].tolist()]
            verdicts.findings.append(Finding("reason", word, rows, mine["agreement"][at].astype(np.float64).round(4), details=told))
            verdicts.spreading.setdefault(word, np.zeros(len(verdicts), bool))[rows] = True
            if word == reasons.OPT_OUT:
                verdicts.consent[rows] = reasons.CONSENT.index(reasons.RESERVED)

    def notices(self, verdicts: Verdicts, ties: np.ndarray, first: int, kind: Literal["reason", "flag"]) -> None:
        """Tells that rows have the picture of what was a placeholder there; arguments as of `bind`, and what that is here."""
        ties = ties[(ties["kind"] == NOTICE) & (ties["graph"] == BY_POLICY) & (ties["link"] & PICTURE > 0)]
        rows, at = np.unique(ties["row"] - first, return_index=True)
        told = [f"a copy of {uid.hex()}; {self.told(row) or 'this release'}" for uid, row in ties[["uid", "elder"]][at].tolist()]
        if len(rows):
            agreement = ties["agreement"][at].astype(np.float64).round(4)
            verdicts.add([Finding(kind, reasons.PLACEHOLDER, rows, agreement, PICTURES_AGREE, told)])


NOTHING = Earlier()
