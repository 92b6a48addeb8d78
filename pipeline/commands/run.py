"""`winnow run`: the five phases in order, or some of them."""

import json
from collections.abc import Callable, Sequence

from pipeline.annotate import annotate
from pipeline.document import document
from pipeline.emit import emit
from pipeline.judge import judge
from pipeline.lease import leased
from pipeline.log import logged
from pipeline.match import match
from pipeline.memory import available_bytes
from pipeline.progress import shown
from pipeline.run import Run, write_record
from schemas.errors import JobError
from transforms.footers import read_footers
from transforms.match.rows import SignatureFile
from transforms.storage import exists, make_private, read_bytes, remove, write_bytes


def run_phases(run: Run, only: Sequence[str] = ()) -> None:
    """Runs all phases, or the named ones, in their order; what is fresh is not done again.

    Raises:
      JobError: an unknown phase.
      WinnowError: whatever a phase found; each error carries its exit status.
    """
    unknown = [name for name in only if name not in PHASES]
    if unknown:
        raise JobError(f"--phase {unknown[0]}: no such phase; the phases are {', '.join(PHASES)}")
    make_private(run.layout.work)
    with leased(run.layout.lease), logged(run.layout.log):
        write_record(run)
        for name, phase in PHASES.items():
            if not only or name in only:
                phase(run)


def match_whole(run: Run) -> None:
    """Brings the clusters up to date, whole; nothing is done where the marker says that it is."""
    if exists(run.layout.matched) and json.loads(read_bytes(run.layout.matched))["digest"] == run.match_digest:
        return
    remove(run.layout.matched)
    footers = read_footers([run.annotation(shard) for shard in run.shards])
    signatures = [SignatureFile(run.signature(shard), footer.rows) for shard, footer in zip(run.shards, footers, strict=True)]
    with shown("match"):
        match(signatures, run.layout.clusters, run.job.dedup, run.engine, available_bytes() if run.engine.is_local else None)
    write_bytes(run.layout.matched, json.dumps({"digest": run.match_digest}).encode())


PHASES: dict[str, Callable[[Run], None]] = {
    "annotate": annotate,
    "match": match_whole,
    "judge": judge,
    "emit": emit,
    "document": document,
}
