"""Which rows people should look at first: those under most and strongest suspicion, a few of each kind of find.

A suspicion counts one, and one more for each doubling of what was found over its bound, five at most; what has no number counts two. Of
rows that are suspected for the same thing (one caption, one patch, one listed domain) only the first few stand in the ranking, or one
attack would fill it.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from schemas.reasons import ILLEGAL, PLACEHOLDER_SUSPECTED, POISONING, TRIGGER_CAPTION

MOST: Final = 48
MOST_OF_A_SHARD: Final = 16
MOST_OF_A_FIND: Final = 3
UNMEASURED: Final = 2.0
STRONGEST: Final = 5.0
_PREFIX: Final = f"{POISONING}:"

Suspect = dict[str, Any]  # score, uid, shard, row, and find: a digest of what it is suspected for


def suspects_of(ledger: pa.RecordBatch) -> list[Suspect]:
    """The most suspect rows of a shard, from its ledger (schemas.ledger.LEDGER); never one that a list calls illegal."""
    flags = ledger.column("flags")
    words = pc.list_flatten(flags)
    if not len(words):
        return []
    marked = pc.or_(pc.starts_with(words, _PREFIX), pc.equal(words, PLACEHOLDER_SUSPECTED))
    rows = pc.unique(pc.list_parent_indices(flags).filter(marked))
    chosen = ledger.select(["uid", "shard", "row", "reasons", "caption_cluster", "evidence"]).take(rows).to_pylist()
    return ranked((_suspect(row) for row in chosen if ILLEGAL not in row["reasons"]), MOST_OF_A_SHARD)


def ranked(suspects: Iterable[Suspect], most: int = MOST) -> list[Suspect]:
    """The first `most`, strongest first, at most `MOST_OF_A_FIND` of one find; by uid where they are equally strong."""
    seen: Counter[str] = Counter()
    first = []
    for suspect in sorted(suspects, key=lambda found: (-found["score"], found["uid"], found["shard"], found["row"])):
        seen[suspect["find"]] += 1
        if seen[suspect["find"]] <= MOST_OF_A_FIND:
            first.append(suspect)
        if len(first) == most:
            break
    return first


def strength(score: float | None, threshold: float | None) -> float:
    """What one suspicion counts.

    >>> strength(40, 20), strength(3, 0), strength(10**9, 16), strength(None, None)
    (2.0, 2.58, 5.0, 2.0)
    """
    if score is None:
        return UNMEASURED
    over = score / max(threshold or 0.0, 1.0)
    return round(min(STRONGEST, 1.0 + math.log2(max(over, 1.0))), 2)


def _suspect(row: Mapping[str, Any]) -> Suspect:
    entries = [e for e in row["evidence"] if e["reason"].startswith(_PREFIX) or e["reason"] == PLACEHOLDER_SUSPECTED]
    same = [row["caption_cluster"] if e["reason"] == _PREFIX + TRIGGER_CAPTION else e["detail"] for e in entries]
    find = hashlib.sha256(repr([(e["reason"], what) for e, what in zip(entries, same, strict=True)]).encode()).hexdigest()[:16]
    score = round(sum(strength(e["score"], e["threshold"]) for e in entries), 2)
    return {"score": score, "uid": row["uid"], "shard": row["shard"], "row": row["row"], "find": find}
