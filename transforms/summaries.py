"""Counts what document needs to know of a shard, from its annotations and its ledger, so that no row is read a third time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from schemas import ledger as bits
from schemas import reasons
from schemas.annotations import BASE, GROUPS
from schemas.summaries import SUMMARY

UNIT = 2.0**32
BINS = 20  # of a score between 0 and 1
OBSERVABLE = {
    "headers": bits.OBSERVABLE_HEADERS, "lists": bits.OBSERVABLE_LISTS, "host_policy": bits.OBSERVABLE_HOST_POLICY,
    "page": bits.OBSERVABLE_PAGE, "embedded": bits.OBSERVABLE_EMBEDDED, "hash_lists": bits.OBSERVABLE_HASH_LISTS,
}  # fmt: skip
Label = tuple[str, str | None, str | None, str | None]


class _Counts:
    """Sums by metric and labels."""

    def __init__(self) -> None:
        self.rows: dict[Label, int] = defaultdict(int)
        self.bytes: dict[Label, int] = defaultdict(int)
        self.weight: dict[Label, int] = defaultdict(int)

    def add(
        self, metric: str, labels: Sequence[Sequence[Any] | np.ndarray], size: np.ndarray | None = None, weight: np.ndarray | None = None
    ) -> None:
        """Counts every row of parallel label columns; `size` and `weight` (int64) are summed beside it."""
        for place, found in enumerate(zip(*labels, strict=True)):
            a, b, c = (*(None if value is None else str(value) for value in found), None, None, None)[:3]
            label = (metric, a, b, c)
            self.rows[label] += 1
            if size is not None:
                self.bytes[label] += int(size[place])
            if weight is not None:
                self.weight[label] += int(weight[place])

    def table(self) -> pa.Table:
        labels = sorted(self.rows, key=lambda label: tuple((part is not None, part or "") for part in label))
        columns: list[list[Any]] = [[label[place] for label in labels] for place in range(4)]
        columns += [[of.get(label, 0) for label in labels] for of in (self.rows, self.bytes, self.weight)]
        return pa.table([pa.array(c, f.type) for c, f in zip(columns, SUMMARY, strict=True)], schema=SUMMARY)


def summarise(annotations: pa.Table, ledger: pa.Table, nulls: Mapping[str, int]) -> pa.Table:
    """The summary of a shard (schemas.summaries.SUMMARY; schemas.summaries.METRICS says what each metric's labels are).

    Args:
      annotations: of all rows, base columns and measures.
      ledger: of the same rows.
      nulls: data column -> nulls among the published rows.
    """
    counts = _Counts()
    verdict = ledger.column("verdict").to_pylist()
    kept = np.array([word == reasons.KEPT for word in verdict], bool)
    weight = np.round(_numbers(ledger, "weight", np.float64) * UNIT).astype(np.int64)
    size = _numbers(annotations, "bytes")
    _verdicts(counts, annotations, ledger, verdict, size)
    _scores(counts, annotations, verdict)
    _consent(counts, annotations, ledger, verdict)
    _groups(counts, annotations, ledger, kept, weight)
    _domains(counts, annotations, kept, size)
    for name, number in sorted(nulls.items()):
        counts.rows["null", name, None, None] += number
    return counts.table()


def _verdicts(counts: _Counts, annotations: pa.Table, ledger: pa.Table, verdict: Sequence[str], size: np.ndarray) -> None:
    counts.add("verdict", [verdict], size)
    for name in ("source", "shard"):
        counts.add(name, [ledger.column(name).to_pylist(), verdict], size)
    given = ledger.column("reasons").to_pylist()
    counts.add("reason", [[word for row in given for word in row]])
    counts.add("sole_reason", [[row[0] for row in given if len(row) == 1]])
    for metric, column in (("action", "actions"), ("flag", "flags")):
        counts.add(metric, [[word for row in ledger.column(column).to_pylist() for word in row]])
    counts.add("problem", [[word for word in annotations.column("problem").to_pylist() if word is not None]])
    counts.add("format", [annotations.column("format").to_pylist(), verdict], size)
    sides = [None if not w else 1 << (min(w, h).bit_length() - 1) for w, h in _pairs(annotations, "width", "height")]
    counts.add("size", [sides, verdict])
    found = [
        (entry["reason"], "identical" if entry["score"] == 1 else "near")
        for row in ledger.column("evidence").to_pylist()
        for entry in row
        if entry["reason"] in (reasons.DUPLICATE_IMAGE, reasons.DUPLICATE_CAPTION)
    ]
    counts.add("duplicate", [[a for a, _ in found], [b for _, b in found]])


def _scores(counts: _Counts, annotations: pa.Table, verdict: Sequence[str]) -> None:
    words = np.array(verdict, object)
    for name, column in _measures(annotations):
        for field in column.type:
            if not pa.types.is_float64(field.type):
                continue
            measured = column.combine_chunks()
            values = measured.field(field.name).to_numpy(zero_copy_only=False)
            chosen = np.flatnonzero(np.isfinite(values) & measured.is_valid().to_numpy(zero_copy_only=False))
            edges = [f"{min(BINS - 1, int(v * BINS)) / BINS:.2f}" for v in np.clip(values[chosen], 0, 1)]
            counts.add("score", [[f"{name}.{field.name}"] * len(chosen), edges, words[chosen]])


def _consent(counts: _Counts, annotations: pa.Table, ledger: pa.Table, verdict: Sequence[str]) -> None:
    consent, observable = ledger.column("consent").to_pylist(), _numbers(ledger, "consent_observable")
    counts.add("consent", [consent, verdict])
    for name, bit in OBSERVABLE.items():
        seen = np.flatnonzero(observable & bit)
        counts.add("observable", [[name] * len(seen), [consent[row] for row in seen.tolist()]])
    found = [signal for row in annotations.column("opt_out").to_pylist() if row for signal in row["signals"] or ()]
    counts.add("signal", [[s["signal"] for s in found], [s["scope"] for s in found], [s["value"] for s in found]])


def _groups(counts: _Counts, annotations: pa.Table, ledger: pa.Table, kept: np.ndarray, weight: np.ndarray) -> None:
    groups = annotations.column("groups").combine_chunks()
    given = ledger.column("reasons").to_pylist()
    rows = np.flatnonzero(kept)
    for attribute in GROUPS:
        levels = np.array(groups.field(attribute.name).to_pylist(), object)
        counts.add("group", [[attribute.name] * len(levels), levels, ["all"] * len(levels)])
        counts.add("group", [[attribute.name] * len(rows), levels[rows], ["kept"] * len(rows)], weight=weight[rows])
        found = [
            (level, word) for level, row in zip(levels.tolist(), given, strict=True) for word in (*row, *(("removed",) if row else ()))
        ]
        counts.add("group_reason", [[attribute.name] * len(found), [level for level, _ in found], [word for _, word in found]])


def _domains(counts: _Counts, annotations: pa.Table, kept: np.ndarray, size: np.ndarray) -> None:
    domains = np.array(annotations.column("domain").to_pylist(), object)
    known = np.array([domain is not None for domain in domains.tolist()], bool)
    counts.add("domain", [domains[known], ["all"] * int(known.sum())], size[known])
    rows = np.flatnonzero(known & kept)
    counts.add("domain", [domains[rows], ["kept"] * len(rows)], size[rows])
    pixels = np.array([(w or 0) * (h or 0) for w, h in _pairs(annotations, "width", "height")], np.int64)
    counts.add("domain_pixels", [domains[rows]], pixels[rows])


def _measures(annotations: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray]]:
    for field in annotations.schema:
        if field.name not in BASE.names:
            yield field.name, annotations.column(field.name)


def _numbers(table: pa.Table, name: str, kind: type[np.generic] = np.int64) -> np.ndarray:
    """A column of numbers, 0 for null; of the right type where a table has no rows and no chunk that says one."""
    return table.column(name).fill_null(0).to_numpy().astype(kind)


def _pairs(table: pa.Table, a: str, b: str) -> Iterator[tuple[Any, Any]]:
    return zip(table.column(a).to_pylist(), table.column(b).to_pylist(), strict=True)


def merged(tables: Sequence[pa.Table]) -> pa.Table:
    """Summaries of several shards as one: rows with the same metric and labels add up."""
    whole = pa.concat_tables(tables)
    keys = ["metric", "a", "b", "c"]
    summed = whole.group_by(keys).aggregate([(name, "sum") for name in ("rows", "bytes", "weight")])
    summed = summed.rename_columns([*keys, "rows", "bytes", "weight"]).select(SUMMARY.names).cast(SUMMARY)
    return summed.sort_by([(key, "ascending") for key in keys])
