"""The sections on people: groups before and after, weights, and what every filter costs every group."""

from typing import Any

from pipeline.documents.view import SUPPRESSED, Section, number, percent, table, words

Record = dict[str, Any]
_HEADS = ("attribute", "level", "readable#", "share#", "before filters#", "kept#", "share kept#", "share weighted#", "target rows#")


def groups_section(record: Record) -> Section:
    """Shares per attribute and level, and the audit."""
    rows = []
    for line in record["groups"]["value"]:
        told = (
            (SUPPRESSED, *("",) * (len(_HEADS) - 3)) if line["suppressed"] else
            (number(line["readable"]), percent(line["readable_share"]), number(line["before_filters"]), number(line["kept"]),
             percent(line["kept_share"]), percent(line["weighted_share"]), number(line["target"]))
        )  # fmt: skip
        rows.append((line["attribute"], line["level"], *told))
    unknown = [
        (u["attribute"], "at least " * u["at_least"] + percent(u["not_known"]), percent(u["told"]))
        for u in record["unknown_shares"]["value"]
    ]
    shown = dict.fromkeys(line["attribute"] for line in record["groups"]["value"] if not line["suppressed"])
    charts = tuple(f"group-{name}" for name in shown)
    audit = record["audit"]
    about = (
        "A level is what captions mention or where URLs point, not who people are. Lines with counts of 1 to 19 are suppressed, and others "
        "with them where a count could be worked out."
    )
    flagged = f"{number(audit['flagged']['value'])} comparisons of a filter and a group are flagged as disparities"
    if audit["flagged_untold"]["value"]:
        flagged += f"; of {number(audit['flagged_untold']['value'])} the counts are too small to be told"
    return Section(
        "groups", "Groups before and after", (about, f"{flagged}."), charts,
        (
            table("Shares", _HEADS, rows, record["groups"]["how"], folded=len(rows) > 40),
            _audit("Flagged disparities", _flagged(record), audit["flagged"]["how"], folded=False),
            table("Not known", ("attribute", "without a value#", "in lines told#"), unknown, record["unknown_shares"]["how"]),
            _alarms(record),
            _audit("What every filter removes of every group", audit["lines"]["value"], audit["lines"]["how"], folded=True),
        ),
    )  # fmt: skip


def weights_section(record: Record) -> Section:
    """Targets, weights and what they cost in effective rows."""
    found = record["weights"]
    names = {
        "target": "target", "margins": "margins", "citation": "source of the target", "output": "output", "bounds": "bounds allowed",
        "least": "least weight", "greatest": "greatest weight", "rows": "rows weighted", "design_effect": "design effect (Kish)",
        "effective_sample_size": "effective sample size", "max_margin_error": "greatest relative deviation",
        "apart": "rows held by no margin", "left_out": "left out", "worst": "missed by most",
    }  # fmt: skip
    rows = [(told, _value(found[name]["value"]), found[name]["how"]) for name, told in names.items()]
    rows.insert(10, ("effective share", percent(found["effective_share"]["value"]), found["effective_share"]["how"]))
    merged = [(margin, words(levels)) for margin, levels in found["merged"]["value"].items()]
    return Section(
        "weights", "Weights", (found["told"]["value"],), (),
        (
            table("Weights", ("what", "value", "how"), rows),
            table("Held within “other”", ("margin", "levels"), merged, f"{found['merged']['how']}, under {found['min_cell']['value']}"),
        ),
    )  # fmt: skip


def _value(value: Any) -> str:
    if isinstance(value, list):
        return words([number(item) if isinstance(item, float) else item for item in value])
    return number(value) if isinstance(value, int | float) else words(value)


def _flagged(record: Record) -> list[dict[str, Any]]:
    lines = {(line["reason"], line["attribute"], line["level"]): line for line in record["audit"]["lines"]["value"]}
    return [lines[line["reason"], line["attribute"], line["level"]] for line in record["audit"]["top"]["value"]]


def _audit(title: str, lines: list[dict[str, Any]], note: str, *, folded: bool) -> Any:
    heads = ("filter", "attribute", "level", "rows#", "removed#", "rate#", "others#", "ratio [95 %]#", "q#", "only it#", "Shapley rows#")
    rows = []
    for line in lines:
        names = (line["reason"], line["attribute"], line["level"])
        if line["suppressed"]:
            rows.append((*names, SUPPRESSED, *("",) * 7))
            continue
        ratio = number(line["removal_ratio"])
        if line["ratio_low"] is not None and line["ratio_high"] is not None:
            ratio += f" [{number(line['ratio_low'])}, {number(line['ratio_high'])}]"
        sole = (SUPPRESSED, SUPPRESSED) if line["sole"] is None else (number(line["sole"]), number(line["shapley"]))
        rows.append((*names, number(line["rows"]), number(line["removed"]), percent(line["rate"]), percent(line["rest_rate"]), ratio,
                     "< 0.001" if line["q"] < 0.001 else number(line["q"]), *sole))  # fmt: skip
    return table(title, heads, rows, note, folded=folded)


def _alarms(record: Record) -> Any:
    rows = [(a["reason"], a["attribute"], a["level"], words(a["declared"])) for a in record["alarms"]["value"]]
    return table("Filters that leave nothing of a group", ("filter", "attribute", "level", "declared"), rows, record["alarms"]["how"])
