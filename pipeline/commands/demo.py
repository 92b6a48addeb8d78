"""`winnow demo`: draws a dataset, runs the whole job on it, and says where to look."""

import os
import sys

from pipeline.commands.run import run_phases, summary
from pipeline.demo import UNMARKED_COPY, make_demo
from pipeline.run import open_run
from schemas.errors import JobError


def demo(folder: str) -> None:
    """Makes the demo below a folder and runs it.

    Raises:
      JobError: the folder holds something else.
    """
    job = os.path.join(folder, "job.yaml")
    if os.path.exists(folder) and (not os.path.isdir(folder) or (os.listdir(folder) and not os.path.exists(job))):
        raise JobError(f"{folder} is there and no demo: name a new folder")
    make_demo(folder)
    opened = open_run(job, (), replace=True)
    run_phases(opened)
    layout = opened.layout
    for line in summary(layout):
        print(f"winnow: {line}", file=sys.stderr)
    print(
        "The demo is done. Look at\n"
        f"  datasheet  {layout.out}/datasheet.html\n"
        f"  data       {layout.data}/\n"
        f"  ledger     {layout.ledger}/\n"
        f"  job file   {job}\n"
        f"and ask why a row went: winnow why {layout.out} {UNMARKED_COPY}",
        file=sys.stderr,
    )
