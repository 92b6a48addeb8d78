"""Facts about a release made from another one by taking rows down. No row is named, and of what is illegal only a number is told."""

from collections.abc import Mapping
from typing import Any

from pipeline.documents.evidence import Evidence
from pipeline.documents.facts import Fact, computed
from pipeline.documents.usable import major, withdrawn
from schemas.reasons import ILLEGAL
from schemas.removals import REMOVE
from transforms.takedown.chain import read_removals, standing

WEIGHTS = (
    "Rows were taken down after the weights were set, and they were not set again: they still have the sum and the margins of all rows "
    "that the first release kept."
)
REPLACED = "No dropped duplicate took the place of a row that was taken down."


def revision(evidence: Evidence) -> Fact:
    """Of which release this one is a revision, and what went; null where it is the first."""
    found = evidence.revision
    if found is None:
        return computed(None, "no row was taken down of an earlier release to make this one")
    how = (
        "ledger of removals: rows that were in a release, by the first version that goes without them, by reason and by what the request "
        "rests on, where it says so; since then restored"
    )
    removed = _removed(evidence)
    told = {
        "of": found["of"], "manifest": found["manifest"], "shards": found["shards"], "removed": removed,
        "min_usable": removed[-1]["version"] if removed else found["first"], "withdrawn": withdrawn(found["earlier"], removed),
    }  # fmt: skip
    return computed(told, how)


def _removed(evidence: Evidence) -> list[dict[str, Any]]:
    """Rows that were taken down, by version, reason and request, and how many of these removals no longer hold."""
    removals = read_removals(evidence.run.layout.removals)
    stands = set(standing(removals).column("removal_id").to_pylist())
    seen: dict[str, Mapping[str, Any]] = {}
    for row in removals.select(["removal_id", "effective_version", "action", "reason", "request", "published"]).to_pylist():
        if row["action"] == REMOVE and row["published"]:
            seen.setdefault(row["removal_id"], row)
    counts: dict[tuple[int, str, str], dict[str, Any]] = {}
    for removal_id, row in seen.items():
        request = None if row["reason"] == ILLEGAL else row["request"]
        key = major(row["effective_version"]), row["reason"], request or ""
        line = counts.setdefault(
            key, {"version": row["effective_version"], "reason": row["reason"], "request": request, "rows": 0, "restored": 0}
        )
        line["rows"] += 1
        line["restored"] += removal_id not in stands
    return [counts[key] for key in sorted(counts)]


def sentence(told: Mapping[str, Any]) -> str:
    """The same in words."""
    last = told["removed"][-1]["version"] if told["removed"] else None
    rows = sum(line["rows"] for line in told["removed"] if line["version"] == last)
    return (
        f"Version {told['of']} (manifest {told['manifest'][:16]}) came before this one; {rows:,} of its rows were taken down. Whoever "
        "holds a copy of it should remove them too, which a comparison by uid does."
    )
