"""The job's own bounds on score columns of the source, such as a CLIP similarity or an aesthetic score."""

from collections.abc import Collection
from typing import Annotated, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from schemas.errors import JobError
from schemas.job import Phase, Section, key
from transforms.filters import by_language
from transforms.filters.base import Batch, Context, Filter, Finding, first_beyond, score_of
from transforms.filters.by_language import ByLanguage

BOUNDS = ("min", "max")


class Rule(Section):
    """Bounds on one column."""

    column: str = key(Phase.ANNOTATE, "column of the source that holds numbers", min_length=1)
    min: float | None = key(Phase.JUDGE, "value below which a row is rejected", None, allow_inf_nan=False)
    max: float | None = key(Phase.JUDGE, "value above which a row is rejected", None, allow_inf_nan=False)
    by_language: ByLanguage = key(Phase.JUDGE, "bounds of rows whose caption is in one language: {de: {min: 0.24}}; und: undetermined", {})

    @model_validator(mode="after")
    def _bounds_something(self) -> Self:
        if self.min is None and self.max is None and not self.by_language:
            raise ValueError(f"a rule on {self.column} needs min, max or both")
        by_language.check(self, self.by_language, BOUNDS)
        for own in ({}, *self.by_language.values()):
            least, most = (own.get(name, getattr(self, name)) for name in BOUNDS)
            if least is not None and most is not None and least > most:
                raise ValueError(f"min {least:g} is above max {most:g}: every row would be rejected")
        return self


class Columns(Filter):
    """Rejects rows whose value in a column of the source is beyond a bound that the job sets.

    A value that is absent or NaN is no score: the rule does not apply to it. Values are compared rounded to 1e-4, as all scores are.
    """

    name: ClassVar[str] = "columns"
    reads: ClassVar[tuple[str, ...]] = ("language",)
    measured: ClassVar[pa.DataType] = pa.struct([("values", pa.list_(pa.float64()))])  # one per rule, in the job's order

    rules: Annotated[tuple[Rule, ...], Field(strict=False)] = key(Phase.ANNOTATE, "bounds: a list of {column, min, max}", ())

    @property
    def reason(self) -> str:
        return "column_rule"

    def check(self, names: Collection[str]) -> None:
        """Refuses a rule on a column that no shard of the source has.

        Args:
          names: the source's columns.

        Raises:
          JobError: a column is not there.
        """
        for place, rule in enumerate(self.rules):
            if rule.column not in names:
                there = ", ".join(sorted(names)) or "none"
                raise JobError(f"filters.columns.rules.{place}.column: the source has no column {rule.column!r}; it has: {there}")

    def measure(self, batch: Batch) -> pa.StructArray:
        columns = [_numbers(batch, rule.column) for rule in self.rules]
        values = [[column[row] for column in columns] for row in range(len(batch))]
        return pa.StructArray.from_arrays([pa.array(values, pa.list_(pa.float64()))], fields=list(self.measured))

    def judge(self, measures: pa.StructArray, context: Context) -> list[Finding]:
        flat = pc.list_flatten(pc.struct_field(measures, "values")).to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(measures.is_valid().to_numpy(zero_copy_only=False))
        values = np.full((len(measures), len(self.rules)), np.nan)
        values[rows] = flat.reshape(len(rows), len(self.rules))
        checks = []
        for rule, column in zip(self.rules, values.T, strict=True):
            least, most = (np.round(by_language.bounds(rule, name, rule.by_language, context), 4) for name in BOUNDS)
            checks += [(rule.column, column, column < least, least), (rule.column, column, column > most, most)]
        return [found for found in first_beyond(self.reason, checks) if len(found.rows)] if checks else []


def _numbers(batch: Batch, name: str) -> list[float | None]:
    """A column as numbers rounded to 1e-4; None for what is absent, NaN or no number. A shard without the column has none."""
    source = batch.samples.source
    if name not in source.schema.names:
        return [None] * len(batch)
    return [score_of(value) for value in source.column(name).to_pylist()]
