"""Commands about models, apart from the others of `pipeline.cli`, which puts them in place."""

import sys
from typing import Annotated, Optional

import typer


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="as filters.toxicity.model has it: shipped, detoxify:original, a path")],
    data: Annotated[str, typer.Option(metavar="CSV", help="labelled texts, with a header")],
    text: Annotated[Optional[str], typer.Option(metavar="COLUMN", help="column of the texts, where its name is not a usual one")] = None,
    label: Annotated[Optional[str], typer.Option(metavar="COLUMN", help="column of the labels, likewise")] = None,
    toxic: Annotated[list[str], typer.Option(metavar="VALUE", help="a label that is toxic, where it does not say so; repeatable")] = [],
    terms: Annotated[Optional[str], typer.Option(metavar="FILE", help="words to count false alarms for, one a line; else groups")] = None,
    sha256: Annotated[Optional[str], typer.Option(help="digest of the model's file; needed where MODEL is a path")] = None,
    as_in_a_run: Annotated[
        bool, typer.Option("--as-in-a-run", help="no score for texts that pass for a language that the model does not know")
    ] = False,
) -> None:
    """Score labelled texts: precision, recall, area under the ROC curve, and false alarms per identity term."""
    from pydantic import ValidationError

    from pipeline.commands import evaluate as command
    from pipeline.commands.console import out
    from pipeline.commands.labelled import read_labelled, read_terms
    from schemas.errors import JobError
    from transforms.filters.toxicity import Toxicity

    try:
        rule = Toxicity(model=model, sha256=sha256)
    except ValidationError as error:
        raise JobError(f"evaluate {model}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from error
    found = rule.models()[0]
    labelled = read_labelled(data, text, label, toxic)
    print(f"winnow: {found.name}, SHA-256 {found.sha256}; columns {' and '.join(labelled.columns)}", file=sys.stderr)
    given = read_terms(terms) if terms else []
    command.evaluate(rule, labelled, given, as_in_a_run=as_in_a_run).print(out())
