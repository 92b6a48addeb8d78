"""Benchmark sets that are kept out: each part of one is read once, as the dataset's own rows are, and leaves its signatures for match.

    parts of sets ─► SignBenchmarks ─► work/benchmarks/

That a part's tally exists under the digest of all it depends on says that it is done.
"""

from collections.abc import Iterable, Sequence

import apache_beam as beam

from pipeline.progress import Progress
from pipeline.run import Run
from schemas.errors import JobError, reported
from schemas.versions import guard, versions
from transforms.benchmarks.sets import Part
from transforms.benchmarks.sign import Mode, Reach, Tally, read_tally, sign_part
from transforms.match.rows import SignatureFile
from transforms.storage import list_folder, remove_all, sweep

Task = tuple[Part, str, str]  # a part, where its signatures go, where its tally goes


def sign_benchmarks(run: Run) -> list[SignatureFile]:
    """Brings the signatures of every benchmark set up to date, and sweeps those of sets that the job does not name.

    Returns:
      The files, in the order of the job.

    Raises:
      JobError: a set's pictures are no pictures.
    """
    sweep(run.layout.benchmarks)
    tasks = [_task(run, part) for part in run.benchmarks]
    there = {file.path for file in list_folder(run.layout.benchmarks)}
    stale = [task for task in tasks if not {task[1], task[2]} <= there]
    if stale:
        images = run.job.dedup.images
        with Progress("benchmarks", len(tasks), [tally for _, _, tally in tasks]):
            run.engine.run("benchmarks", lambda root: root | SignBenchmarks(stale, images.mode, images.reach))
    remove_all(there - {path for _, signature, tally in tasks for path in (signature, tally)})
    for name, tally in tallies(run).items():
        if tally.pictures and tally.unreadable == tally.pictures:
            raise JobError(f"dedup.eval_overlap: set {name}: none of its {tally.pictures} files can be opened as a picture")
    return [SignatureFile(signature, read_tally(tally).rows) for _, signature, tally in tasks]


def tallies(run: Run) -> dict[str, Tally]:
    """What each set holds, in the order of the job; a set that is given by hashes alone has nothing but zeros."""
    found = {benchmark.name: Tally() for benchmark in run.job.dedup.eval_overlap}
    for part in run.benchmarks:
        found[part.set] += read_tally(_task(run, part)[2])
    return found


class SignBenchmarks(beam.PTransform):
    """Signs parts of benchmark sets: one element a part, two files each, nothing returned."""

    def __init__(self, tasks: Sequence[Task], mode: Mode, reach: Reach) -> None:
        super().__init__()
        self.tasks, self.mode, self.reach = tasks, mode, reach

    def expand(self, root: beam.Pipeline) -> beam.PCollection[str]:
        """One name of a finished part per task."""
        return (
            root
            | "Parts" >> beam.Create(self.tasks)
            | "Spread" >> beam.Reshuffle()
            | "Sign" >> beam.ParDo(_SignPart(self.mode, self.reach, versions()))
        )


class _SignPart(beam.DoFn):
    def __init__(self, mode: Mode, reach: Reach, expected: dict[str, str]) -> None:
        self.mode, self.reach, self.expected = mode, reach, expected

    def setup(self) -> None:
        guard(self.expected)

    def process(self, element: Task) -> Iterable[str]:
        part, signature, tally = element
        with reported(f"benchmarks, set {part.set}"):
            sign_part(part, self.mode, self.reach, signature, tally)
            yield part.name


def _task(run: Run, part: Part) -> Task:
    digest = run.benchmark_digests[part.name]
    return part, run.layout.benchmark(part.name, digest), run.layout.benchmark_tally(part.name, digest)
