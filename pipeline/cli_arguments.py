"""Arguments and options that several commands have."""

from typing import Annotated, Optional

import typer

JobPath = Annotated[str, typer.Argument(metavar="JOB", help="the job file (YAML)")]
RunFolder = Annotated[str, typer.Argument(metavar="RUN", help="the release folder of a run")]
Work = Annotated[Optional[str], typer.Option("--work", help="the work folder, where the job set another")]
Settings = Annotated[list[str], typer.Option("--set", metavar="KEY.PATH=VALUE", help="lay a YAML value over a key of the job; repeatable")]
BeamArgs = Annotated[list[str], typer.Argument(metavar="[-- BEAM OPTIONS]", help="Beam's own options, after --", show_default=False)]
