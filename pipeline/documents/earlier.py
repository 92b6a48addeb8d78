"""Facts about other runs: those that this one was held against, and what was appended to it."""

from typing import Any

from pipeline.documents.evidence import Evidence
from pipeline.documents.facts import Fact, computed
from pipeline.run import Run
from schemas.reasons import in_order


def against(evidence: Evidence) -> Fact:
    """How many rows went because of each earlier run, by reason."""
    found: dict[str, dict[str, int]] = {}
    for line in evidence.counts.lines("earlier"):
        found.setdefault(line.a or "-", {})[line.b or "-"] = line.rows
    names = dict.fromkeys(elder["run"] for elder in _told(evidence.run))
    table = [
        {"run": name, "reason": reason, "rows": found[name][reason]}
        for name in names if name in found for reason in in_order(set(found[name]))
    ]  # fmt: skip
    quiet = [{"run": name, "reason": None, "rows": 0} for name in names if name not in found]
    return computed([*table, *quiet], "dedup.against: rows that repeat, or copy what was withdrawn from, an earlier run, by its manifest")


def appended(evidence: Evidence) -> Fact:
    """What joined the release after it was made."""
    ledger = evidence.judged["ledger"]
    table = [
        {
            "release": part.release, "onto": part.onto, "shards": list(part.shards),
            "rows": sum(ledger[name]["rows"] for name in part.shards),
            "kept": sum(ledger[name]["verdicts"].get("kept", 0) for name in part.shards),
        }
        for part in evidence.run.appended
    ]  # fmt: skip
    return computed(table, "winnow append: shards that joined the release; verdicts and weights of all rows before stayed as they were")


def before_appends(run: Run) -> str | None:
    """The version of the release before all appends; None where there was none."""
    return run.appended[0].onto if run.appended else None


def of_first_run(evidence: Evidence, how: str) -> str:
    """How something was counted that an append leaves as the release before all appends had it."""
    first = before_appends(evidence.run)
    return how if first is None else f"{how}; of the rows of version {first} alone: what was appended since is not counted here"


def in_manifest(run: Run) -> dict[str, Any]:
    """What the manifest says of other runs and of what was appended."""
    return {
        "against": _told(run),
        "appended": [
            {
                "release": part.release, "onto": part.onto, "manifest": part.manifest, "shards": list(part.shards),
                "lists": dict(part.lists), "against": [elder.sha256 for elder in part.elders],
            }
            for part in run.appended
        ],
    }  # fmt: skip


def _told(run: Run) -> list[dict[str, Any]]:
    elders = {elder.sha256: elder for elder in (*run.elders, *(elder for part in run.appended for elder in part.elders))}
    return [{"run": elder.name, "manifest": elder.sha256} for elder in elders.values()]
