"""Facts about groups: shares before and after, what weights do, and what every filter costs every group. No small count is told."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.documents.earlier import before_appends, of_first_run
from pipeline.documents.evidence import Evidence
from pipeline.documents.facts import Fact, computed, share
from pipeline.documents.revision import WEIGHTS
from schemas.reasons import UNREADABLE
from transforms.balance.audit import SMALLEST
from transforms.balance.cells import ATTRIBUTES
from transforms.balance.suppress import hide_small
from transforms.text.groups import NO_VALUE

TOP_FLAGGED = 10
STATUS = {
    "ok": "The weights meet every target.",
    "infeasible": "The target cannot be met within the bounds, so every weight is 1.",
    "none": "No weights were set: every weight is 1.",
}
_GROUP = ("readable", "kept", "before_filters", "readable_share", "kept_share", "weighted_share", "target")
_COSTS = (
    "rows",
    "removed",
    "rate",
    "rest_rate",
    "removal_ratio",
    "ratio_low",
    "ratio_high",
    "difference",
    "low",
    "high",
    "q",
    "method",
    "flagged",
)


def groups(evidence: Evidence) -> Fact:
    """Per attribute and level the rows readable, kept and weighted, and the solver's own view; small counts are suppressed.

    Rows are the readable ones, like those of the audit, so that no difference between the two tables tells a small count. Where filters
    take few rows of a level beside its duplicates, the solver's counts alone are left out: they differ from the rows kept by those few.
    """
    margins = {(line["margin"], line["level"]): line for line in evidence.judged["weights"].get("levels", ())}
    table = []
    for attribute in ATTRIBUTES:
        rows = _levels(evidence, attribute)
        levels = sorted(rows, key=lambda level: (level in NO_VALUE, level))
        before = {level: margins[attribute, level]["before"] for level in levels if (attribute, level) in margins}
        counts = [(int(rows[level]["readable"]), int(rows[level]["kept"])) for level in levels]
        away = hide_small([a for a, _ in counts], [b for _, b in counts], [a - b for a, b in counts]) if counts else np.empty(0, bool)
        few = [
            0 < before.get(level, b) - b < SMALLEST or 0 < a - before.get(level, a) < SMALLEST
            for level, (a, b) in zip(levels, counts, strict=True)
        ]
        sums = {name: sum(rows[level][name] for level in levels) for name in ("readable", "kept", "weighted")}
        for level, hidden, untold in zip(levels, away.tolist(), few, strict=True):
            told: dict[str, Any] = dict.fromkeys(_GROUP)
            if not hidden:
                found, margin = rows[level], margins.get((attribute, level))
                told = {
                    "readable": int(found["readable"]), "kept": int(found["kept"]), "before_filters": None if untold else before.get(level),
                    **{f"{name}_share": share(found[name], sums[name]) for name in sums},
                    "target": round(margin["target"], 4) if margin and not untold else None,
                }  # fmt: skip
            table.append({"attribute": attribute, "level": level, "no_value": level in NO_VALUE, "suppressed": hidden, **told})
    how = (
        "readable rows by what captions and URLs mention; weighted_share: by the weight column; before_filters: the rows that "
        "weights go by: readable, no duplicate, in no level that a rule of the job empties, in none too small to be held even together; "
        f"suppressed: a count of 1 to {SMALLEST - 1} stands in the line, or could be worked out from it"
    )
    return computed(table, how)


def _levels(evidence: Evidence, attribute: str) -> dict[str, dict[str, float]]:
    """Level -> readable, kept and weighted rows."""
    rows: dict[str, dict[str, float]] = {}
    for line in evidence.counts.lines("group"):
        if line.a == attribute:
            level = rows.setdefault(line.b or "-", {"readable": 0, "kept": 0, "weighted": 0.0})
            level["kept" if line.c == "kept" else "readable"] += line.rows
            level["weighted"] += line.weight
    for line in evidence.counts.lines("group_reason"):
        if line.a == attribute and line.c == UNREADABLE:
            rows[line.b or "-"]["readable"] -= line.rows
    return {level: found for level, found in rows.items() if found["readable"]}


def languages(evidence: Evidence) -> Fact:
    """Languages with enough kept rows to be named."""
    found = [line for line in evidence.counts.lines("group") if line.a == "language" and line.c == "kept" and line.b not in NO_VALUE]
    named = [line.b for line in sorted(found, key=lambda line: (-line.rows, line.b or "")) if line.rows >= SMALLEST]
    return computed(named, f"labels of the language filter with at least {SMALLEST} kept rows, most frequent first")


def weights(evidence: Evidence) -> dict[str, Fact]:
    """Whether and how the kept rows are weighted."""
    found = evidence.judged["weights"]
    job = evidence.run.job.rebalance
    how = of_first_run(evidence, "solver of the run, on integer counts per group cell")
    merged: dict[str, list[str]] = {}
    for entry in found.get("merged", ()):
        merged.setdefault(entry["margin"], []).append(entry["level"])
    return {
        "told": computed(" ".join([STATUS[found["status"]], _sentence(found["told"]), *_since(evidence)]), how),
        "status": computed(found["status"], how),
        "target": computed(job.target, "rebalance.target of the job"),
        "citation": computed(job.citation, "rebalance.citation: where the shares of an explicit target come from"),
        "margins": computed(list(job.margins), "rebalance.margins of the job"),
        "bounds": computed(list(job.bounds), "rebalance.bounds: least and greatest weight allowed"),
        "output": computed(job.output, "rebalance.output: a weight column, or a hash-chosen subsample"),
        "min_cell": computed(job.min_cell, "rebalance.min_cell: rows below which a level is held within `other`"),
        "least": computed(found["least"], "smallest weight"),
        "greatest": computed(found["greatest"], "greatest weight"),
        "rows": computed(found["rows"], "rows that were weighted; a subsample keeps fewer of them"),
        "design_effect": computed(round(found["design_effect"], 6), "Kish: n sum(w^2) / sum(w)^2"),
        "effective_sample_size": computed(round(found["effective_sample_size"], 2), "Kish: sum(w)^2 / sum(w^2), in rows"),
        "effective_share": computed(share(found["effective_sample_size"], found["rows"]), "effective sample size / rows weighted"),
        "max_margin_error": computed(round(found["max_margin_error"], 8), "greatest relative deviation of a level from its target"),
        "worst": computed(found.get("worst", []), "levels that miss an infeasible target by most"),
        "left_out": computed(found.get("left_out", []), "levels that a declared rule empties: no part of the target"),
        "apart": computed(found.get("apart", 0), "kept rows of levels too few to be held even together; they weigh 1"),
        "merged": computed(merged, "levels too small to be held on their own"),
    }


def _since(evidence: Evidence) -> list[str]:
    """What to say of weights that were set before rows went or came."""
    told = [WEIGHTS] if evidence.revision else []
    if (first := before_appends(evidence.run)) is not None:
        told.append(f"All this is of the rows of version {first}: what was appended since weighs what its cells weigh there.")
    return told


def audit(evidence: Evidence) -> dict[str, Fact]:
    """What every filter removes of every group against the rest, and what was flagged."""
    found = evidence.judged["weights"]
    lines = []
    for line in found["audit"]:
        cost = line["cost"]
        told: dict[str, Any] = dict.fromkeys(_COSTS) if cost is None else {name: _rounded(cost[name]) for name in _COSTS}
        told |= {"shapley": None if line["sole"] is None or cost is None else _rounded(cost["shapley"]), "sole": line["sole"]}
        lines.append({"reason": line["reason"], "attribute": line["attribute"], "level": line["level"], "suppressed": cost is None, **told})
    flagged = [line for line in lines if line["flagged"]]
    flagged.sort(key=lambda line: (-abs(line["difference"]), line["reason"], line["attribute"], line["level"]))
    return {
        "lines": computed(
            lines,
            of_first_run(
                evidence,
                "removal rate of each filter alone, in each group and in all others; ratio with a 95 % interval that leaves out domains "
                "(jackknife) or takes rows as independent; q: adjusted for all comparisons",
            ),
        ),
        "flagged": computed(
            len(found["flagged"]),
            of_first_run(
                evidence,
                "comparisons with q <= 0.05, a removal ratio outside 0.8 to 1.25, and a difference of at least half a point in a group of "
                "200",
            ),
        ),
        "flagged_untold": computed(len(found["flagged"]) - len(flagged), "flagged comparisons whose counts are too small to be told"),
        "top": computed(
            [{k: line[k] for k in ("reason", "attribute", "level")} for line in flagged[:TOP_FLAGGED]], "largest difference first"
        ),
    }


def alarms(evidence: Evidence) -> Fact:
    """Filters that remove every row of a level."""
    table = [
        {"reason": found["reason"] or "all filters together", **{k: found[k] for k in ("attribute", "level", "declared")}}
        for found in evidence.judged["weights"]["silenced"]
    ]
    how = f"levels of at least {SMALLEST} readable rows of which nothing is left; declared: a rule of the job says so"
    return computed(table, of_first_run(evidence, how))


def unknown_shares(table: list[Mapping[str, Any]]) -> Fact:
    """How much of each attribute is not known, among readable rows."""
    sums: dict[str, list[float]] = {}
    hidden = {line["attribute"] for line in table if line["no_value"] and line["readable_share"] is None}
    for line in table:
        if line["readable_share"] is not None:
            part = sums.setdefault(line["attribute"], [0.0, 0.0])
            part[0] += line["readable_share"] if line["no_value"] else 0.0
            part[1] += line["readable_share"]
    return computed(
        [
            {"attribute": name, "not_known": round(part[0], 6), "at_least": name in hidden, "told": round(part[1], 6)}
            for name, part in sums.items()
        ],
        "share of readable rows in levels that name no value; at_least: one of these levels is suppressed, so that there are more; told: "
        "share of rows in lines that are not suppressed",
    )


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
