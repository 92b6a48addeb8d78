"""Writes a job file with every key there is, its meaning beside it: what `winnow init` and `winnow demo` leave behind."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pipeline.jobfile import job_model
from schemas.job import Source

COLUMN = 58  # where comments begin


def commented_job(values: Mapping[str, Any]) -> str:
    """A complete job file as text.

    Args:
      values: what differs from the defaults, as nested plain data; `source` is one mapping.
    """
    head = "# A Winnow job. Every key is here with its default; `winnow schema` prints the JSON Schema that editors complete it with."
    return "\n".join([head, *_lines(job_model(), values, "")]) + "\n"


def _lines(model: type[BaseModel], values: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = Source if name == "source" else _section(field)
        given = values.get(name)
        if inner is not None:
            yield f"{indent}{name}:".ljust(COLUMN) + f"# {field.description}"
            yield from _lines(inner, given or {}, indent + "  ")
            continue
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        yield (
            f"{indent}{name}: {_scalar(default if given is None and name not in values else given)}".ljust(COLUMN)
            + f" # {field.description}"
        )


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _scalar(value: Any) -> str:
    """A value in YAML's flow style, on one line."""
    plain = _plain(value)
    return yaml.safe_dump(plain, default_flow_style=True, width=10_000, sort_keys=False).removesuffix("\n").removesuffix("...").strip()


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
