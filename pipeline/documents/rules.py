"""Facts about the filters: options, models, lists, and the scores they gave."""

from typing import Any

from pipeline.documents.artefacts import of_filter
from pipeline.documents.evidence import Evidence
from pipeline.documents.facts import Fact, computed, portable
from schemas.job import Phase, keys_of
from schemas.reasons import KEPT
from transforms.filters.base import Filter
from transforms.filters.faces import COLUMN
from transforms.models.image_spec import spec_of
from transforms.summaries import BINS

_STEER = ("enabled", "action", "on_missing")


def filters(evidence: Evidence) -> Fact:
    """One entry per installed filter."""
    rows = {(line.a, line.b): line.rows for line in evidence.counts.lines("filter")}
    table = []
    for rule in sorted(evidence.run.filters, key=lambda rule: rule.name):
        options = portable(keys_of(rule, Phase.ANNOTATE, Phase.JUDGE))
        table.append(
            {
                "filter": rule.name,
                "does": (type(rule).__doc__ or rule.name).strip().splitlines()[0],
                "judged": rule.enabled,
                "action": rule.action,
                "on_missing": rule.on_missing,
                "options": {name: value for name, value in options.items() if name not in _STEER},
                **of_filter(evidence, rule.name),
                "rejected": rows.get((rule.name, "rejected"), 0),
                "flagged": rows.get((rule.name, "flagged"), 0),
                "not_scored": evidence.not_scored.get(rule.name, 0),
            }
        )
    return computed(
        table,
        "options of the job; rejected and flagged: rows that carry a reason, or a flag, of the filter, removed rows among the latter; "
        "not_scored: rows on which it failed",
    )


def scores(evidence: Evidence) -> Fact:
    """Histograms of scores between 0 and 1, with the bounds in force."""
    bins: dict[str, dict[str, list[int]]] = {}
    for line in evidence.counts.lines("score"):
        place = min(BINS - 1, round(float(line.b or 0) * BINS))
        verdict = "kept" if line.c == KEPT else "removed"
        bins.setdefault(line.a or "-", {"kept": [0] * BINS, "removed": [0] * BINS})[verdict][place] += line.rows
    rules = {rule.name: rule for rule in evidence.run.filters}
    table = []
    for name, counted in sorted(bins.items()):
        rule, _, field = name.partition(".")
        if rule in rules and (bounds := _bounds(rules[rule], field)) is not None:
            table.append({"score": name, "bins": BINS, **counted, **bounds})
    return computed(table, f"rows by score in {BINS} equal bins from 0 to 1; removed: for whatever reason, unreadable rows included")


def _bounds(rule: Filter, field: str) -> dict[str, Any] | None:
    """The bounds a field is held against; None where it is no score between 0 and 1."""
    found: dict[str, Any] = {"min": None, "max": None}
    for bound in found:
        option = bound if field == "score" else f"{bound}_{field}"
        found[bound] = rule.bound(option)
    given = [value for value in found.values() if value is not None]
    return None if any(value > 1 for value in given) or (field != "score" and not given) else found


def image_model(evidence: Evidence) -> Fact:
    """Whether a model looked for nudity in the pictures, in words."""
    rule = next((rule for rule in evidence.run.filters if rule.name == "nsfw"), None)
    chosen = getattr(rule, "image_model", None)
    if rule is None or chosen is None:
        told = "No image model looked at the pictures: nothing is known of nudity in them beyond captions and score columns."
    elif not rule.enabled:
        told = f"The image model {portable(chosen)} scored {_seen(rule)}, but the filter nsfw is off: no row was removed for its score."
    else:
        told = (
            f"The image model {portable(chosen)} scored {_seen(rule)} that could be decoded. What share of explicit pictures it finds was "
            "not measured."
        )
    return computed(told, "filters.nsfw.image_model")


def _seen(nsfw: Filter) -> str:
    return "every picture without a score column" if getattr(nsfw, "combine", "any") == "column_first" else "every picture"


def faces(evidence: Evidence) -> Fact:
    """Whether faces were looked for, and what became of them, in words."""
    rules = {rule.name: rule for rule in evidence.run.filters}
    rule, nsfw = rules.get("faces"), rules.get("nsfw")
    found, seen_by = getattr(rule, "find", None), getattr(nsfw, "image_model", None)
    done = {"blur": "was published with the faces blurred", "reject": "was removed"}.get(getattr(rule, "do", ""), "was flagged")
    unmeasured = "what share of faces it finds was not measured."
    if rule is None or not rule.enabled:
        told = "Faces were not looked for, nor blurred."
    elif found == COLUMN:
        told = f"Faces are known where the column of boxes of the source has them; such a picture {done}."
    elif found is not None:
        told = f"Faces were looked for by {portable(found)}, and a picture with one {done}; {unmeasured}"
    elif nsfw is not None and seen_by is not None and spec_of(seen_by).faces:
        told = (
            f"Where no column of the source has boxes of faces, {portable(seen_by)} looked for them in {_seen(nsfw)}, and a picture with "
            f"one {done}; {unmeasured}"
        )
    else:
        told = "Faces were not looked for; a picture of which a column of the source says that it shows some was flagged."
    return computed(told, "filters.faces")
