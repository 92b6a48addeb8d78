"""What weights give back to the groups that filters took from: 40,460 captions that people wrote, as a list of URLs.

    python tests/benchmarks/rebalance_flickr8k.py FLICKR8K.TOKEN.TXT FOLDER

Run it with the interpreter of an environment that has Winnow installed. FLICKR8K.TOKEN.TXT holds lines `picture.jpg#n<TAB>caption`
(Hodosh et al. 2013); FOLDER is made, or replaced where it is an earlier one of this script. URLs are invented, a host for every 40
captions, so that the audit's jackknife has domains to leave out. The default filters judge captions (toxicity, nsfw,
caption_quality); a rule on a score column takes what a biased score would: 14 % of the captions that mention women, 6 % of those that
mention men, 10 % of those that mention both, 4 % of the others. The first two numbers are those that OpenAI reports of the filters of
DALL-E 2's training data. The score is a keyed hash: the same on every machine.

Prints, for every level of gender and age, its share of all rows, of the kept rows, and of the kept rows by weight, in percent; then
what the solver says, the effective sample size, and the flagged costs of filters.
"""

import argparse
import hashlib
import json
import pathlib
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.commands.run import run_phases
from pipeline.judged import read_judged
from pipeline.run import Run, open_run
from transforms.text.caption import normal_form
from transforms.text.groups import groups

TAKEN = {"feminine": 14, "masculine": 6, "mixed": 10}  # percent; 4 of the others
OTHERS = 4
PER_HOST = 40
SHARD_ROWS = 10_000
MARKER = ".rebalance_flickr8k"


def write_shards(tokens: pathlib.Path, folder: pathlib.Path) -> None:
    """The captions as LAION-style shards with a score: below 0.5 is what a biased score calls bad."""
    lines = [line.split("\t", 1) for line in tokens.read_text(encoding="utf-8").splitlines()]
    names, captions = [name for name, _ in lines], [caption for _, caption in lines]
    gender = (
        groups([normal_form(caption) for caption in captions], ["en"] * len(captions), [None] * len(captions)).field("gender").to_pylist()
    )
    urls = [f"https://photos{row // PER_HOST}.example/{name.replace('#', '/')}" for row, name in enumerate(names)]
    score = [0.25 if _percent(name) < TAKEN.get(level, OTHERS) else 0.75 for name, level in zip(names, gender, strict=True)]
    table = pa.table({"URL": urls, "TEXT": captions, "WIDTH": [500] * len(urls), "HEIGHT": [375] * len(urls), "score": score})
    (folder / "shards").mkdir(parents=True)
    for number, start in enumerate(range(0, len(urls), SHARD_ROWS)):
        pq.write_table(table.slice(start, SHARD_ROWS), folder / "shards" / f"{number:05d}.parquet")


def _percent(name: str) -> float:
    """A number from 0 to 100 of its own for every caption."""
    return int.from_bytes(hashlib.sha256(f"score {name}".encode()).digest()[:4], "big") / 2**32 * 100


def run_job(folder: pathlib.Path) -> Run:
    """Runs the job on the shards."""
    job = {
        "version": 1,
        "source": {"format": "urls", "paths": ["shards/*.parquet"]},
        "output": "out",
        "filters": {"columns": {"rules": [{"column": "score", "min": 0.5}]}},
        "rebalance": {"target": "preserve", "margins": ["gender", "age", "language"]},
    }
    path = folder / "job.yaml"
    path.write_text(json.dumps(job))  # JSON is YAML
    run = open_run(str(path), ())
    run_phases(run, ("annotate", "match", "judge"))
    return run


def shares(run: Run, attribute: str) -> dict[str, tuple[float, float, float]]:
    """Level -> percent of all rows, of the kept ones, of the kept ones by weight."""
    levels, weights = [], []
    for shard in run.shards:
        levels += pq.read_table(run.annotation(shard), columns=["groups"])["groups"].combine_chunks().field(attribute).to_pylist()
        weights.append(pq.read_table(run.layout.ledger_file(shard.name), columns=["weight"])["weight"].to_numpy())
    weight = np.concatenate(weights)
    kept = ~np.isnan(weight)
    names, member = np.unique(levels, return_inverse=True)
    counts = [np.bincount(member), np.bincount(member[kept], minlength=len(names)), np.bincount(member[kept], weight[kept], len(names))]
    percents = [100 * count / count.sum() for count in counts]
    return {name: tuple(float(percent[place]) for percent in percents) for place, name in enumerate(names.tolist())}  # type: ignore[misc]


def tell(run: Run) -> None:
    """Prints the tables."""
    judged = read_judged(run.layout)
    assert judged
    for attribute in ("gender", "age"):
        print(f"\n{attribute:22} {'before':>8} {'kept':>8} {'weighted':>9} {'off':>9}   percent of rows")
        for level, (before, kept, weighted) in shares(run, attribute).items():
            print(f"{level:22} {before:8.3f} {kept:8.3f} {weighted:9.3f} {weighted - before:+9.4f}")
    solved = judged["weights"]
    print(f"\n{solved['told']}")
    print(f"rows kept {solved['rows']}, effective sample size {solved['effective_sample_size']:.1f}", end="")
    print(f", weights {solved['least']:.3f} to {solved['greatest']:.3f}")
    for cost in solved["flagged"]:
        rates = f"{100 * cost['rate']:.1f} % removed, {100 * cost['rest_rate']:.1f} % of the rest"
        print(f"flagged: {cost['reason']} on {cost['attribute']} = {cost['level']}: {rates}, ratio {cost['removal_ratio']:.2f}")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokens", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    args = parser.parse_args()
    if args.folder.exists():
        if not (args.folder / MARKER).exists():
            parser.error(f"{args.folder} is there and not from this script; name a new folder")
        shutil.rmtree(args.folder)
    args.folder.mkdir(parents=True)
    (args.folder / MARKER).touch()
    write_shards(args.tokens, args.folder)
    tell(run_job(args.folder))


if __name__ == "__main__":
    main()
