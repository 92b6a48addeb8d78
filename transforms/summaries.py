"""Counts what document needs to know of a shard, from its annotations and its ledger, so that no row is read a third time."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
CREDITED = ("creator", "licence")  # data columns by whose values kept rows are counted
_EDGES = pa.array([f"{edge / BINS:.2f}" for edge in range(BINS)])
OVERLAP = r"^(?P<set>[^:]+): (?P<how>(?:exact|near) (?:hash|picture|caption))"  # a detail of transforms.eval_sets
_PENDING = 1 << 16  # counts that wait to be summed: to sum those of a small shard metric by metric would cost more than all else
_KEYS = ["metric", "a", "b", "c"]
_SUMS = ["rows", "bytes", "weight"]


@dataclasses.dataclass(frozen=True)
class Published:
    """What the summary of a shard must know of its data file.

    Attributes:
      nulls: data column -> nulls.
      credits: of `CREDITED`, those that the file has -> the values of its rows, in order.
    """

    nulls: Mapping[str, int]
    credits: Mapping[str, pa.ChunkedArray]


class _Counts:
    """Sums by metric and labels."""

    def __init__(self) -> None:
        self.parts: list[pa.Table] = []
        self.pending = 0

    def add(
        self,
        metric: str,
        *labels: pa.Array | str,
        rows: np.ndarray | None = None,
        size: np.ndarray | None = None,
        weight: np.ndarray | None = None,
    ) -> None:
        """Counts every row of parallel label columns, one to three; a text stands for a column of nothing else.

        `rows` (else 1), `size` and `weight` (else 0), int64, are summed.
        """
        n = next(len(label) for label in labels if not isinstance(label, str))
        columns = [pa.array([metric]).take(pa.array(np.zeros(n, np.int64)))]
        columns += [pa.repeat(label, n) if isinstance(label, str) else pc.cast(label, pa.string()) for label in labels]
        columns += [pa.nulls(n, pa.string())] * (len(_KEYS) - len(columns))
        sums = [np.full(n, default, np.int64) if given is None else given for given, default in ((rows, 1), (size, 0), (weight, 0))]
        self.parts.append(pa.table([*columns, *sums], [*_KEYS, *_SUMS]).cast(SUMMARY))
        self.pending += n
        if self.pending > _PENDING:
            self.parts, self.pending = [_summed(pa.concat_tables(self.parts))], 0

    def table(self) -> pa.Table:
        return merged(self.parts)


def _summed(table: pa.Table) -> pa.Table:
    """Rows with the same metric and labels added up."""
    summed = table.group_by(_KEYS, use_threads=False).aggregate([(name, "sum") for name in _SUMS])
    return summed.rename_columns([*_KEYS, *_SUMS]).select(SUMMARY.names).cast(SUMMARY)


def _in_order(table: pa.Table) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in _KEYS])


def summarise(annotations: pa.Table, ledger: pa.Table, published: Published) -> pa.Table:
    """The summary of a shard (schemas.summaries.SUMMARY; schemas.summaries.METRICS says what each metric's labels are).

    Args:
      annotations: of all rows, base columns and measures.
      ledger: of the same rows.
      published: what was published of them.
    """
    counts = _Counts()
    verdict = _column(ledger, "verdict")
    kept = pc.equal(verdict, reasons.KEPT)
    weight = np.round(_numbers(ledger, "weight", np.float64) * UNIT).astype(np.int64)
    size = _numbers(annotations, "bytes")
    _verdicts(counts, annotations, ledger, verdict, size)
    _scores(counts, annotations, verdict)
    _consent(counts, annotations, ledger, verdict)
    _groups(counts, annotations, ledger, kept, weight)
    _domains(counts, annotations, kept, size)
    _credits(counts, annotations, kept, size, published)
    nulls = published.nulls
    counts.add("null", pa.array(list(nulls), pa.string()), rows=np.array(list(nulls.values()), np.int64))
    return counts.table()


def _verdicts(counts: _Counts, annotations: pa.Table, ledger: pa.Table, verdict: pa.Array, size: np.ndarray) -> None:
    counts.add("verdict", verdict, size=size)
    for name in ("source", "shard"):
        counts.add(name, _column(ledger, name), verdict, size=size)
    given = _column(ledger, "reasons")
    counts.add("reason", pc.list_flatten(given))
    counts.add("sole_reason", pc.list_flatten(given.filter(pc.equal(pc.list_value_length(given), 1))))
    counts.add("action", pc.list_flatten(_column(ledger, "actions")))
    counts.add("flag", pc.list_flatten(_column(ledger, "flags")))
    counts.add("problem", _column(annotations, "problem").drop_null())
    counts.add("format", _column(annotations, "format"), verdict, size=size)
    side = np.minimum(_numbers(annotations, "width"), _numbers(annotations, "height"))
    power = np.exp2(np.frexp(side.astype(np.float64))[1] - 1).astype(np.int64)
    counts.add("size", pa.array(power, mask=side <= 0), verdict)
    _filters(counts, ledger)
    _duplicates(counts, ledger)
    _overlaps(counts, ledger)
    evidence = pc.list_flatten(_column(ledger, "evidence"))
    word = evidence.field("reason")
    found = pc.extract_regex(evidence.field("detail"), f"{bits.EARLIER_RUN}(?P<run>.*)$")
    counts.add("earlier", found.field("run").filter(found.is_valid()), word.filter(found.is_valid()))


def _filters(counts: _Counts, ledger: pa.Table) -> None:
    """Rows that each filter speaks against or notices, each once, whatever words it gives: evidence tells whose they are."""
    given = _column(ledger, "evidence")
    entries, row = pc.list_flatten(given), pc.list_parent_indices(given).to_numpy(zero_copy_only=False)
    known = entries.field("reason").dictionary_encode()
    words = known.dictionary.to_pylist()
    if not words:
        return
    owners = [reasons.OF_FILTER.get(word, word.partition(":")[0]) for word in words]
    by_head = pc.fill_null(pc.starts_with(entries.field("detail"), reasons.BY_HEAD), False)
    owner = pc.if_else(by_head, reasons.BY_HEAD.removesuffix(": "), pa.array(owners).take(known.indices))
    of_entry = row * len(words) + known.indices.to_numpy(zero_copy_only=False)
    for column, told in (("reasons", "rejected"), ("flags", "flagged")):
        listed = _column(ledger, column)
        places = pc.index_in(pc.list_flatten(listed), known.dictionary)
        has = places.is_valid()
        there = pc.list_parent_indices(listed).filter(has).to_numpy() * len(words) + places.filter(has).to_numpy()
        mine = pa.array(np.isin(of_entry, there))
        once = pa.table([pa.array(row).filter(mine), owner.filter(mine)], ["row", "owner"]).group_by(["row", "owner"], use_threads=False)
        counts.add("filter", _column(once.aggregate([]), "owner"), told)


def _duplicates(counts: _Counts, ledger: pa.Table) -> None:
    """Rows that somebody stands for, each once under a word, whatever told so: agreement 1 is the same picture or caption."""
    given = _column(ledger, "evidence")
    entries, row = pc.list_flatten(given), pc.list_parent_indices(given)
    chosen = pc.is_in(entries.field("reason"), pa.array([reasons.DUPLICATE_IMAGE, reasons.DUPLICATE_CAPTION]))
    told = pa.table([row, entries.field("reason"), entries.field("score")], ["row", "word", "score"]).filter(chosen)
    once = told.group_by(["row", "word"], use_threads=False).aggregate([("score", "max")])
    identical = pc.fill_null(pc.equal(_column(once, "score_max"), 1.0), False)
    counts.add("duplicate", _column(once, "word"), pc.if_else(identical, "identical", "near"))


def _overlaps(counts: _Counts, ledger: pa.Table) -> None:
    """What rows have in common with benchmark sets, by the sets' names and by how it was found."""
    given = _column(ledger, "evidence")
    entries, row = pc.list_flatten(given), pc.list_parent_indices(given)
    chosen = pc.equal(entries.field("reason"), reasons.EVAL_OVERLAP)
    if not pc.any(chosen).as_py():
        return
    found = pc.extract_regex(entries.filter(chosen).field("detail"), OVERLAP)
    known = found.is_valid()  # a copy of a row that was found names no set
    name, how = found.field("set").filter(known), found.field("how").filter(known)
    counts.add("overlap", name, how)
    both = pa.table([name, row.filter(chosen).filter(known)], ["set", "row"]).group_by(["set", "row"], use_threads=False).aggregate([])
    counts.add("overlap", _column(both, "set"), "rows")


def _scores(counts: _Counts, annotations: pa.Table, verdict: pa.Array) -> None:
    for name, measured in _measures(annotations):
        for field in measured.type:
            if not pa.types.is_float64(field.type):
                continue
            values = pc.struct_field(measured, field.name).to_numpy(zero_copy_only=False)
            chosen = np.flatnonzero(np.isfinite(values))
            bins = np.minimum((np.clip(values[chosen], 0, 1) * BINS).astype(np.int64), BINS - 1)
            counts.add("score", f"{name}.{field.name}", _EDGES.take(pa.array(bins)), verdict.take(pa.array(chosen)))


def _consent(counts: _Counts, annotations: pa.Table, ledger: pa.Table, verdict: pa.Array) -> None:
    consent, observable = _column(ledger, "consent"), _numbers(ledger, "consent_observable")
    counts.add("consent", consent, verdict)
    for name, bit in OBSERVABLE.items():
        counts.add("observable", name, consent.filter(pa.array(observable & bit != 0)))
    signals = pc.list_flatten(pc.struct_field(_column(annotations, "opt_out"), "signals"))
    counts.add("signal", *(signals.field(name) for name in ("signal", "scope", "value")))


def _groups(counts: _Counts, annotations: pa.Table, ledger: pa.Table, kept: pa.Array, weight: np.ndarray) -> None:
    groups, given = _column(annotations, "groups"), _column(ledger, "reasons")
    word, row = pc.list_flatten(given), pc.list_parent_indices(given)
    removed = pc.greater(pc.list_value_length(given), 0)
    of_kept = weight[kept.to_numpy(zero_copy_only=False)]
    for attribute in GROUPS:
        name, levels = attribute.name, groups.field(attribute.name)
        counts.add("group", name, levels, "all")
        counts.add("group", name, levels.filter(kept), "kept", weight=of_kept)
        counts.add("group_reason", name, levels.take(row), word)
        counts.add("group_reason", name, levels.filter(removed), "removed")


def _domains(counts: _Counts, annotations: pa.Table, kept: pa.Array, size: np.ndarray) -> None:
    domain = _column(annotations, "domain")
    known = domain.is_valid()
    pixels = _numbers(annotations, "width") * _numbers(annotations, "height")
    counts.add("domain", domain.filter(known), "all", size=size[known.to_numpy(zero_copy_only=False)])
    both = pc.and_(known, kept)
    rows = both.to_numpy(zero_copy_only=False)
    counts.add("domain", domain.filter(both), "kept", size=size[rows])
    counts.add("domain_pixels", domain.filter(both), size=pixels[rows])


def _credits(counts: _Counts, annotations: pa.Table, kept: pa.Array, size: np.ndarray, published: Published) -> None:
    """Kept rows by who made them and by licence, where that is known; pixels and bytes as those of domains are."""
    chosen = kept.to_numpy(zero_copy_only=False)
    pixels = (_numbers(annotations, "width") * _numbers(annotations, "height"))[chosen]
    for name, column in published.credits.items():
        values = pa.concat_arrays(column.chunks or [pa.array([], column.type)])
        known = values.is_valid()
        rows = known.to_numpy(zero_copy_only=False)
        counts.add(name, values.filter(known), size=size[chosen][rows])
        counts.add(f"{name}_pixels", values.filter(known), size=pixels[rows])


def _measures(annotations: pa.Table) -> Iterator[tuple[str, pa.StructArray]]:
    for name in annotations.schema.names:
        if name not in BASE.names:
            yield name, _column(annotations, name)


def _column(table: pa.Table, name: str) -> pa.Array:
    """A column as one array."""
    return pa.concat_arrays(table.column(name).chunks or [pa.array([], table.schema.field(name).type)])


def _numbers(table: pa.Table, name: str, kind: type[np.generic] = np.int64) -> np.ndarray:
    """A column of numbers, 0 for null."""
    return pc.fill_null(_column(table, name), 0).to_numpy(zero_copy_only=False).astype(kind)


def merged(tables: Sequence[pa.Table]) -> pa.Table:
    """Summaries of several shards as one: rows with the same metric and labels add up."""
    return _in_order(_summed(pa.concat_tables(tables)))
