"""Bounds that differ by the language of a caption: the option `by_language` of filters that judge captions by numbers."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter, ValidationError

from schemas.job import Section
from transforms.filters.base import Context, Filter
from transforms.filters.language import LABELS, UNDETERMINED

ByLanguage = dict[str, dict[str, int | float | None]]


def check(rule: Section, given: Mapping[str, Mapping[str, float | None]], names: Sequence[str]) -> None:
    """Makes sure that every language is one that can be told, and every bound one of the filter's or rule's, with a value that it takes.

    Raises:
      ValueError: names the language or the bound, and what there is.
    """
    for language, bounds in given.items():
        check_language(language)
        for name, value in bounds.items():
            if name not in names:
                raise ValueError(f"by_language.{language}: there is no bound {name!r}; there are {', '.join(names)}")
            field = type(rule).model_fields[name]
            kind: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
            try:
                TypeAdapter(kind).validate_python(value)
            except ValidationError as error:
                raise ValueError(f"by_language.{language}.{name}: {error.errors()[0]['msg']}") from None


def check_language(language: str, option: str = "by_language") -> None:
    """Makes sure that a caption can be told to be in a language.

    Raises:
      ValueError: it is no label of the language filter; names the option that asks for it.
    """
    if language not in LABELS and language != UNDETERMINED:
        raise ValueError(f"{option}: {language!r} is no language that the model knows; it knows {' '.join(sorted(LABELS))} and und")


def asked_by(rule: Section, name: str) -> str | None:
    """The option of a filter that sets a bound, for all rows or for those of some language; None where none does."""
    if getattr(rule, name) is not None:
        return name
    given: Mapping[str, Mapping[str, float | None]] = getattr(rule, "by_language", {})
    return next((f"by_language.{language}.{name}" for language, own in given.items() if own.get(name) is not None), None)


def bounds(rule: Section, name: str, given: Mapping[str, Mapping[str, float | None]], context: Context) -> np.ndarray:
    """The bound that each row is held against, float64 [n]; NaN, which nothing is beyond, where there is none."""
    usual = rule.bound(name) if isinstance(rule, Filter) else getattr(rule, name)
    found = np.full(context.annotations.num_rows, np.nan if usual is None else float(usual))
    labels = context.measures.get("language")
    if labels is None or not given:
        return found
    label = pc.fill_null(pc.struct_field(labels, "label"), UNDETERMINED)
    for language, own in given.items():
        if name in own:
            value = own[name]
            found[pc.equal(label, pa.scalar(language)).to_numpy(zero_copy_only=False)] = np.nan if value is None else float(value)
    return found
