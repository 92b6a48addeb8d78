"""Benchmark sets that are kept out: each part of one is read once, as the dataset's own rows are, and leaves its signatures for match.

    parts of sets ─► SignBenchmarks ─► work/eval_sets/

That a part's tally exists under the digest of all it depends on says that it is done.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Sequence

import apache_beam as beam

from pipeline.progress import Progress
from pipeline.run import Run
from pipeline.steps import Step
from schemas.errors import JobError, reported
from schemas.job import Dedup
from schemas.versions import guard, versions
from transforms.eval_sets.overlap import SignedPart
from transforms.eval_sets.sets import Part
from transforms.eval_sets.sign import Tally, read_tally, sign_part
from transforms.match.elders import elder_set
from transforms.match.rows import ElderFile
from transforms.storage import list_folder, remove_all, sweep


@dataclasses.dataclass(frozen=True)
class Task:
    """A part, and where what is made of it goes: its signatures, what match is told of their rows, and its tally."""

    part: Part
    signature: str
    places: str
    tally: str

    @property
    def files(self) -> set[str]:
        """All three."""
        return {self.signature, self.places, self.tally}


def sign_benchmarks(run: Run) -> tuple[ElderFile, ...]:
    """Brings the signatures of every benchmark set up to date, and sweeps those of sets that the job does not name.

    Returns:
      The files, in the order of the job. Match numbers their rows right after the run's own.

    Raises:
      JobError: a set's pictures are no pictures.
    """
    sweep(run.layout.eval_sets)
    tasks = [_task(run, part) for part in run.benchmarks]
    there = {file.path for file in list_folder(run.layout.eval_sets)}
    stale = [task for task in tasks if not task.files <= there]
    if stale:
        with Progress("benchmarks", len(tasks), [task.tally for task in tasks]):
            run.engine.run("benchmarks", lambda root: root | SignBenchmarks(stale, run.job.dedup))
    remove_all(there.difference(*(task.files for task in tasks)))
    for name, tally in tallies(run).items():
        if tally.pictures and tally.unreadable == tally.pictures:
            raise JobError(f"dedup.eval_overlap: set {name}: none of its {tally.pictures} files can be opened as a picture")
    return elder_set((task.signature, read_tally(task.tally).rows, task.places) for task in tasks)


def elder_start(run: Run, own_rows: int) -> int:
    """The dense number of the first row of earlier runs, which come after so many rows of the run and those of all sets."""
    return own_rows + sum(tally.rows for tally in tallies(run).values())


def signed_parts(run: Run, own_rows: int) -> tuple[SignedPart, ...]:
    """Which rows of match are of which set. `own_rows`: rows of the run, which are numbered before them."""
    tasks = [_task(run, part) for part in run.benchmarks]
    starts = itertools.accumulate((read_tally(task.tally).rows for task in tasks), initial=own_rows)
    return tuple(SignedPart(task.part.set, task.part.kind, task.tally, start) for task, start in zip(tasks, starts, strict=False))


def tallies(run: Run) -> dict[str, Tally]:
    """What each set holds, in the order of the job; a set that is given by hashes alone has nothing but zeros."""
    found = {benchmark.name: Tally() for benchmark in run.job.dedup.eval_overlap}
    for part in run.benchmarks:
        found[part.set] += read_tally(_task(run, part).tally)
    return found


class SignBenchmarks(beam.PTransform):
    """Signs parts of benchmark sets: one element a part, two files each, nothing returned."""

    def __init__(self, tasks: Sequence[Task], dedup: Dedup) -> None:
        super().__init__()
        self.tasks, self.dedup = tasks, dedup

    def expand(self, root: beam.Pipeline) -> beam.PCollection[str]:
        """One name of a finished part per task."""
        return root | "Parts" >> beam.Create(self.tasks) | "Sign" >> beam.ParDo(_SignPart(self.dedup, versions()))


class _SignPart(Step):
    def __init__(self, dedup: Dedup, expected: dict[str, str]) -> None:
        self.dedup, self.expected = dedup, expected

    def setup(self) -> None:
        guard(self.expected)

    def process(self, element: Task) -> Iterable[str]:
        with reported(f"benchmarks, set {element.part.set}"):
            sign_part(element.part, self.dedup, element.signature, element.places, element.tally)
            yield element.part.name


def _task(run: Run, part: Part) -> Task:
    files = (run.layout.eval_set(part.name, run.benchmark_digests[part.name], ending) for ending in ("arrow", "places", "json"))
    return Task(part, *files)
