"""`winnow filters` and `winnow schema`: what can be said in a job file, told by the code itself."""

import json

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.jobfile import job_model
from transforms.filters import filter_types


def list_filters(console: Console) -> None:
    """Prints every installed filter with its options, their defaults, and the phase that reads each."""
    table = Table("filter", "option", "default", "phase", "what")
    for name, kind in filter_types().items():
        table.add_row(f"[bold]{name}[/bold]", "", "", "", escape((kind.__doc__ or "").strip().split("\n")[0]))
        for option, field in kind.model_fields.items():
            extra = field.json_schema_extra
            phase = str(extra.get("phase", "")) if isinstance(extra, dict) else ""
            default = "" if field.is_required() else str(field.get_default(call_default_factory=True))
            table.add_row("", option, escape(default), phase, escape(field.description or ""))
    console.print(table)


def schema_text() -> str:
    """The JSON Schema of a job file."""
    return json.dumps(job_model().model_json_schema(), indent=2)
