"""Where a run lies that was started before: what look-ups begin with, so nothing heavy is loaded for it."""

from schemas.errors import DifferenceError
from schemas.layout import Layout
from transforms.storage import exists


def find_run(out: str, work: str | None) -> Layout:
    """Where a run lies that was started at least once.

    Args:
      out: the release folder.
      work: the work folder, where the job set another than `<out>.work`.

    Raises:
      DifferenceError: there is no such run.
    """
    layout = Layout(out.rstrip("/"), (work or f"{out.rstrip('/')}.work").rstrip("/"))
    if not exists(layout.record):
        raise DifferenceError(
            f"{out}: no run to look into ({layout.record} is not there); give the release folder, and --work where the job set another"
        )
    return layout
