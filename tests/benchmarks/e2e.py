"""What a whole run costs: the job of Winnow's end-to-end comparison, in one process, with the CPU seconds of every phase.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python tests/benchmarks/e2e.py SHARDS OUT

Run it with the interpreter of an environment that has Winnow installed, pinned to one core (`taskset -c 0`). SHARDS
holds `parquet/*.parquet` (columns key, caption, jpg, url, ...); OUT is replaced. The rules are those of a bare loop that only
looks at sizes, captions and duplicates: caption_quality, image_quality, and duplicates by picture or caption. Everything else is
measured all the same, as in any run, and judged by nobody. The last line of standard output is one JSON object:
rows, kept, rejected, unreadable, lost_silently, and laps, phase -> CPU seconds. Starting the interpreter and loading libraries is in
none of the laps. With --profile FILE the run goes through cProfile, and FILE can be read with `python -m pstats`.
"""

import argparse
import cProfile
import json
import pathlib
import shutil
import time

import pyarrow.parquet as pq

from pipeline.commands.run import PHASES
from pipeline.jobfile import job_model
from pipeline.judged import read_judged
from pipeline.run import Run, open_run, write_record
from transforms.storage import make_private

JUDGED = ("caption_quality", "image_quality")


def write_job(shards: pathlib.Path, out: pathlib.Path) -> pathlib.Path:
    """The job file, beside the output."""
    others = [name for name in job_model().model_fields["filters"].annotation.model_fields if name not in JUDGED]
    job = {
        "version": 1,
        "source": {"format": "parquet", "paths": [str(shards.resolve() / "parquet/*.parquet")]},
        "output": str(out.resolve()),
        "workers": 1,
        "dedup": {"policy": "image_or_caption"},
        "filters": {name: {"enabled": False} for name in others},
    }
    path = out.with_name(f"{out.name}.job.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(job))  # JSON is YAML
    return path


def timed(run: Run) -> dict[str, float]:
    """Runs every phase; CPU seconds of each."""
    make_private(run.layout.work)
    write_record(run)
    laps = {}
    for name, phase in PHASES.items():
        began = time.process_time()
        phase(run)
        laps[name] = round(time.process_time() - began, 2)
    return laps


def report(run: Run, laps: dict[str, float]) -> dict[str, object]:
    """What became of the rows; `lost_silently` are rows of the sources that the ledger does not speak of."""
    verdicts = {"kept": 0, "rejected": 0, "unreadable": 0}
    for shard in read_judged(run.layout)["ledger"].values():
        for verdict, number in shard["verdicts"].items():
            verdicts[verdict] += number
    rows = sum(pq.read_metadata(path).num_rows for path in {shard.path for shard in run.shards})
    return {"rows": rows, **verdicts, "lost_silently": rows - sum(verdicts.values()), "laps": laps}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--profile", metavar="FILE", help="write a profile there")
    args = parser.parse_args()
    for folder in (args.out, args.out.with_name(f"{args.out.name}.work")):
        shutil.rmtree(folder, ignore_errors=True)
    run = open_run(str(write_job(args.shards, args.out)), (), replace=True)
    profile = cProfile.Profile()
    laps = profile.runcall(timed, run) if args.profile else timed(run)
    if args.profile:
        profile.dump_stats(args.profile)
    print(json.dumps(report(run, laps)))


if __name__ == "__main__":
    main()
