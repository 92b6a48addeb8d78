"""What a takedown changes in the ledger of a shard: verdicts, reasons and evidence of rows that go, flags of copies that stay."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schemas.reasons import KEPT, REJECTED, REMOVED_LATER, RESERVED, RESERVED_COPY_EXISTS, UNREADABLE, in_order
from transforms.consent.signal import CONTENT
from transforms.takedown.hits import UID, Hits
from transforms.takedown.tables import replaced


@dataclasses.dataclass(frozen=True)
class Change:
    """What becomes of a shard.

    Attributes:
      removed: rows that go, and why.
      copies: kept rows that are copies of one that goes for its URL.
      version: of the release that goes without the rows.
      renamed: uids that are written down nowhere any more -> what stands in their place.
      silenced: uids of rows whose captions no row carries any more.
    """

    removed: Hits
    copies: Collection[int]
    version: str
    renamed: Mapping[str, str]
    silenced: Collection[str]


def changed_ledger(ledger: pa.Table, change: Change) -> pa.Table:
    """The ledger of a shard after a takedown; rows keep their order, and columns are those that the version which wrote it knew."""
    rows = sorted({*change.removed, *change.copies, *_naming(ledger, change)})
    altered = [_altered(row, change) for row in ledger.take(pa.array(rows, pa.int64())).to_pylist()]
    return replaced(ledger, rows, pa.Table.from_pylist(altered, ledger.schema))


def _naming(ledger: pa.Table, change: Change) -> list[int]:
    """Rows that name a uid which goes."""
    uids = {*change.renamed, *change.silenced}
    if not uids:
        return []
    columns = [ledger.column(name).to_pylist() for name in ("cluster", "caption_cluster", "duplicate_of")]
    carried = ledger.column("captions").to_pylist() if "captions" in ledger.column_names else [None] * ledger.num_rows
    return [
        row
        for row, (*names, captions) in enumerate(zip(*columns, carried, strict=True))
        if not uids.isdisjoint(names) or not uids.isdisjoint(captions or ())
    ] + (_telling(ledger, change) if change.renamed else [])


def _telling(ledger: pa.Table, change: Change) -> list[int]:
    """Rows in the evidence of which a uid stands that is written down nowhere any more."""
    evidence = ledger.column("evidence").combine_chunks()
    details = pc.struct_field(evidence.flatten(), "detail")
    told = pc.fill_null(pc.match_substring_regex(details, UID.pattern), False)
    parents = pc.list_parent_indices(evidence).filter(told).to_pylist()
    texts = details.filter(told).to_pylist()
    return [row for row, text in zip(parents, texts, strict=True) if not change.renamed.keys().isdisjoint(UID.findall(text))]


def _altered(row: dict[str, Any], change: Change) -> dict[str, Any]:
    if row.get("captions"):
        staying = [uid for uid in row["captions"] if uid not in change.silenced]
        row["caption_count"] -= len(row["captions"]) - len(staying)
        row["captions"] = staying
    if row["row"] in change.removed:
        row = _removed(row, change)
    elif row["row"] in change.copies and RESERVED_COPY_EXISTS not in row["flags"]:
        row["flags"] = sorted([*row["flags"], RESERVED_COPY_EXISTS])
        row["evidence"] = [*row["evidence"], _entry(RESERVED_COPY_EXISTS, None)]
    row["evidence"] = [{**entry, "detail": _renamed(entry["detail"], change.renamed)} for entry in row["evidence"]]
    for name in ("uid", "cluster", "caption_cluster", "duplicate_of"):
        row[name] = change.renamed.get(row[name], row[name])
    return row


def _renamed(detail: str | None, renamed: Mapping[str, str]) -> str | None:
    return detail if detail is None or not renamed else UID.sub(lambda found: renamed.get(found[0], found[0]), detail)


def _removed(row: dict[str, Any], change: Change) -> dict[str, Any]:
    """What a row that goes still says: that it was there, what spoke against it, and nothing by which it could be found again."""
    causes = change.removed[row["row"]]
    details: dict[str, list[str]] = {}
    for cause in causes:
        details.setdefault(cause.reason, []).append(cause.detail)
    added = [_entry(reason, "; ".join(dict.fromkeys(details[reason]))) for reason in in_order(set(details))]
    earlier = [{**entry, "detail": None} for entry in row["evidence"] if entry["reason"] not in row["actions"]]
    flags = sorted({*row["flags"], REMOVED_LATER})
    if "covers" in row:
        row = {**row, "covers": in_order({*row["covers"], *(cause.reason for cause in causes if cause.scope == CONTENT)})}
    return {
        **row, "key": None, "url": None, "verdict": REJECTED if row["verdict"] == KEPT else row["verdict"],
        "reasons": in_order({*row["reasons"], *details}), "actions": [], "flags": flags, "weight": None,
        "evidence": [*added, *earlier, _entry(REMOVED_LATER, f"not in version {change.version}")],
        "consent": row["consent"] if row["verdict"] == UNREADABLE else RESERVED, "caption_count": None, "captions": None,
    }  # fmt: skip


def _entry(word: str, detail: str | None) -> dict[str, Any]:
    return {"reason": word, "score": None, "threshold": None, "detail": detail}
