"""What match costs: Winnow's own match over signature files, with CPU seconds, memory, scratch and bytes of every exchange, and quality.

    python tests/benchmarks/match.py FOLDER [--memory GIB] [--workers N] [--policy image] [--reach plain] [--limit FILES] [--work DIR]
        [--new FILES]

FOLDER is what `tests/benchmarks/signatures.py` wrote. The last line of standard output is one JSON object: CPU seconds of every kind of
pipeline (start-up left out) and how many there were, peak of the process tree (resident pages, mapped files among them, and without
them), most bytes of scratch, bytes a row through each exchange where one process runs everything, and recall and precision of pairs
of rows, hot rows left out, with the largest cluster and how many clusters the hot texts and placeholders fell into. With --new only so
many of the files are new, and the rows of the others, up to --limit, are those of an earlier run, matched before and kept but for
copies; `read_bytes_a_row` says what was read of the signatures of either.
"""

import argparse
import collections
import functools
import json
import os
import pathlib
import resource
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import Self

import numpy as np

import pipeline.match
import pipeline.match_steps
from pipeline.engine import Build, Engine
from schemas.job import Dedup
from transforms.match import rows as match_rows
from transforms.match.clusters import read_clusters
from transforms.match.columns import open_columns
from transforms.match.elders import HELD, elder_set, write_places
from transforms.match.rows import ElderFile, SignatureFile

SAMPLE_SECS = 0.25


def cpu_seconds() -> float:
    """User and system time of this process and of every child that has ended."""
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def tree_bytes(pid: int) -> tuple[int, int]:
    """Resident bytes of a process and its descendants: all, and those of no file."""
    total, anonymous, waiting = 0, 0, [str(pid)]
    while waiting:
        process = pathlib.Path("/proc", waiting.pop())
        try:
            status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
            waiting.extend(child for task in (process / "task").iterdir() for child in (task / "children").read_text().split())
        except OSError:  # ended meanwhile
            continue
        total, anonymous = (
            have + (int(status.get(name, "0 kB").split()[0]) << 10) for have, name in ((total, "VmRSS"), (anonymous, "RssAnon"))
        )
    return total, anonymous


class Watch:
    """Peaks, while the block runs: of the process tree, and of the bytes below a folder.

    Attributes:
      peaks: bytes of the process tree, those of no file, scratch.
      peak_of: bytes of the process tree by kind of pipeline.
      label: the kind that runs.
      seconds: CPU seconds that watching has cost; thousands of small files make it a tenth of a core where each is asked for at every look.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder, self._done = folder, threading.Event()
        self.peaks = [0, 0, 0]
        self.peak_of: dict[str, int] = {}
        self.label = ""
        self.seconds = 0.0

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(SAMPLE_SECS):
            found = tree_bytes(os.getpid())
            self.peaks[:2] = [max(pair) for pair in zip(self.peaks[:2], found, strict=True)]
            self.peak_of[self.label] = max(self.peak_of.get(self.label, 0), found[0])
            self.seconds = time.thread_time()

    def weigh(self) -> None:
        """Looks at the folder: to be called when a pipeline has ended, for none takes away what it wrote."""
        self.peaks[2] = max(self.peaks[2], sum(path.stat().st_size for path in self._folder.rglob("*")))


class Measured:
    """An engine that measures what it hands to another."""

    def __init__(self, engine: Engine, watch: Watch) -> None:
        self._engine, self._watch = engine, watch
        self.is_local = engine.is_local
        self.seconds: dict[str, float] = collections.defaultdict(float)
        self.jobs: collections.Counter[str] = collections.Counter()

    def workers_for(self, size_hint_bytes: int) -> int:
        return self._engine.workers_for(size_hint_bytes)

    def run(self, label: str, build: Build, size_hint_bytes: int = 0) -> None:
        kind = label.rsplit(":", maxsplit=1)[-1].strip().split(" ")[0]
        self._watch.label = kind
        began, started = cpu_seconds() - self._watch.seconds, time.monotonic()
        self._engine.run(label, build, size_hint_bytes)
        taken = cpu_seconds() - self._watch.seconds - began
        self.seconds[kind] += taken
        self.jobs[kind] += 1
        self._watch.weigh()
        print(f"{label}: {taken:.1f} CPU s, {time.monotonic() - started:.0f} s, {tree_bytes(os.getpid())[1] >> 20} MiB after", flush=True)


def count_exchanges() -> tuple[collections.Counter[str], collections.Counter[str]]:
    """Makes every step count the bytes of the blocks it yields, and the CPU seconds it takes."""
    sent: collections.Counter[str] = collections.Counter()
    seconds: collections.Counter[str] = collections.Counter()
    plain = pipeline.match_steps._Step.process

    @functools.wraps(plain)
    def process(self, element):  # type: ignore[no-untyped-def]
        function = self._function.func
        name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
        found = iter(plain(self, element) or ())
        while True:
            began = time.thread_time()
            out = next(found, None)
            seconds[name] += time.thread_time() - began
            if out is None:
                return
            if isinstance(out, tuple):
                sent[name] += len(out[1])
            yield out

    pipeline.match_steps._Step.process = process  # type: ignore[method-assign]
    return sent, seconds


def count_reads() -> collections.Counter[str]:
    """Makes every reading of columns of signature files count its bytes, by path."""
    read: collections.Counter[str] = collections.Counter()
    plain = match_rows.read_rows

    @functools.wraps(plain)
    def counted(path, *arguments):  # type: ignore[no-untyped-def]
        found = plain(path, *arguments)
        read[path] += sum(values.nbytes for values in found.values())
        return found

    match_rows.read_rows = counted
    return read


def kept_before(files: Sequence[SignatureFile], folder: pathlib.Path, dedup: Dedup) -> tuple[ElderFile, ...]:
    """Files as an earlier run left them: matched among themselves, and of each cluster a row kept. Writes what match is told of them."""
    pipeline.match.match(files, str(folder), dedup, Engine.from_job(1, ()), None)
    elders, start = [], 0
    for number, file in enumerate(files):
        found = read_clusters(str(folder), start, start + file.rows)
        path = str(folder / f"{number}.places")
        write_places(path, np.full(file.rows, HELD, np.uint8), found.cluster, found.caption_cluster)
        elders.append((file.path, file.rows, path))
        start += file.rows
    return elder_set(elders)


def quality(cluster: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Recall and precision of pairs of rows that are one, hot rows left out; what became of the hot ones."""
    alone = cluster < 0
    cluster = np.where(alone, np.arange(len(cluster)), cluster)
    hot = truth < 0
    sizes = np.bincount(cluster[~alone]) if not alone.all() else np.zeros(1, int)

    def pairs(*keys: np.ndarray) -> int:
        order = np.lexsort(keys)
        fresh = np.ones(len(order), bool)
        fresh[1:] = np.any([key[order][1:] != key[order][:-1] for key in keys], axis=0)
        many = np.diff(np.append(np.flatnonzero(fresh), len(order)))
        return int((many * (many - 1) // 2).sum())

    found, true, both = pairs(cluster[~hot]), pairs(truth[~hot]), pairs(cluster[~hot], truth[~hot])
    return {
        "recall": round(both / max(1, true), 4), "precision": round(both / max(1, found), 4), "largest": int(sizes.max()),
        "largest_not_hot": int(np.bincount(cluster[~hot]).max()), "clusters": int((sizes > 0).sum()),
        "hot_clusters": len(np.unique(cluster[hot])), "hot_rows": int(hot.sum()),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--memory", type=float)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--policy", default="image")
    parser.add_argument("--reach", default="plain")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--new", type=int)
    parser.add_argument("--work", type=pathlib.Path)
    arguments = parser.parse_args()
    files = []
    for path in sorted(arguments.folder.glob("*.arrow"))[: arguments.limit]:
        files.append(SignatureFile(str(path), len(open_columns(str(path), ["uid"])["uid"])))
    new = files[: arguments.new]
    rows = sum(file.rows for file in new)
    read = count_reads()
    sent, kernels = count_exchanges() if arguments.workers == 1 else (collections.Counter(), collections.Counter())
    memory = None if arguments.memory is None else int(arguments.memory * 2**30)
    with (
        tempfile.TemporaryDirectory(dir=arguments.work) as beside,
        tempfile.TemporaryDirectory(dir=arguments.work) as scratch,
        Watch(pathlib.Path(scratch)) as watch,
    ):
        dedup = Dedup(policy=arguments.policy, images={"reach": arguments.reach})
        elders = kept_before(files[len(new) :], pathlib.Path(beside), dedup)
        for counter in (read, sent, kernels):
            counter.clear()
        engine = Measured(Engine.from_job(arguments.workers), watch)
        began, started = cpu_seconds(), time.monotonic()
        pipeline.match.match(new, scratch, dedup, engine, memory, elders=elders)
        taken, wall = cpu_seconds() - watch.seconds - began, time.monotonic() - started
        found = read_clusters(scratch, 0, rows)
        facts = json.loads((pathlib.Path(scratch) / "facts.json").read_text())
    truths = {name: np.load(arguments.folder / f"truth_{name}.npy")[:rows] for name in ("captions", "pictures")}
    report = {
        "rows": rows, "elder_rows": sum(file.rows for file in elders), "cpu_s": round(taken, 1), "wall_s": round(wall, 1),
        "jobs": dict(engine.jobs),
        "cpu_s_of": {kind: round(seconds, 1) for kind, seconds in engine.seconds.items()},
        "step_s": {name: round(value, 1) for name, value in kernels.items()},
        "peak_gib": round(watch.peaks[0] / 2**30, 2), "peak_anonymous_gib": round(watch.peaks[1] / 2**30, 2),
        "peak_gib_of": {kind: round(value / 2**30, 2) for kind, value in watch.peak_of.items() if kind},
        "scratch_gb": round(watch.peaks[2] / 1e9, 2), "bytes_a_row": {name: round(value / rows, 1) for name, value in sent.items()},
        "read_bytes_a_row": {
            name: round(sum(read[file.path] for file in part) / max(1, sum(file.rows for file in part)), 1)
            for name, part in (("new", new), ("elder", elders))
        },
        "captions": quality(found.caption_cluster, truths["captions"]), "pictures": quality(found.cluster, truths["pictures"]), **facts,
    }  # fmt: skip
    print(json.dumps(report))


if __name__ == "__main__":
    main()
