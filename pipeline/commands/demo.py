"""`winnow demo`: draws a dataset, runs the whole job on it, and says where to look."""

import os
import sys

from pipeline.commands.run import run_phases
from pipeline.demo import make_demo
from pipeline.run import open_run
from schemas.errors import JobError


def demo(folder: str) -> None:
    """Makes the demo below a folder and runs it.

    Raises:
      JobError: the folder holds something else.
    """
    job = os.path.join(folder, "job.yaml")
    if os.path.isdir(folder) and os.listdir(folder) and not os.path.exists(job):
        raise JobError(f"{folder} is not empty: name a new folder for the demo")
    make_demo(folder)
    opened = open_run(job, (), replace=True)
    run_phases(opened)
    layout = opened.layout
    lines = ("", "The demo is done. Look at", f"  datasheet  {layout.out}/datasheet.html", f"  data       {layout.data}/", f"  ledger     {layout.ledger}/",
             f"  job file   {job}", f"Ask why a row went: winnow why {layout.out} KEY")  # fmt: skip
    print("\n".join(lines), file=sys.stderr)
