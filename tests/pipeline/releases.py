"""A small finished release with one row of every fate, for what later runs make of its copies."""

import hashlib
import pathlib
import shutil

from pipeline.commands.run import run_phases
from pipeline.run import open_run
from tests.builders import encode, picture, sample, write_webdataset
from tests.runs import Ran, tars, write_job

JOB = tars(
    {
        "filters": {"columns": {"rules": [{"column": "score", "min": 0.5}]}, "opt_out": {"lists": ["list.csv"]}},
        "dedup": {"max_per_caption": 2, "prefer": [{"column": "score", "order": "high"}]},
    }
)
NAMES = ("boats", "a kite", "three cats", "an old barn", "rainfall", "the harbour", "market stalls", "somebody waving", "a violin")
LETTERS = str.maketrans("0123456789", "ghijklmnop")
SHUT = "https://shut.example/a.jpg"


def row(number: int, seed: int, width: int = 64, **changed):
    """A row with a file, a URL and a caption of its own; all rows of a seed show one picture, and the widest stays."""
    jpg = encode(picture(width, width * 3 // 4, seed=seed), "JPEG", quality=85 + number % 10)
    caption = f"{NAMES[number % 9]} on {hashlib.sha256(bytes([number])).hexdigest().translate(LETTERS)[:40]}"
    return sample(number, jpg=jpg, **{"url": f"https://site{number}.example/{number}.jpg", "caption": caption, "score": 1.0, **changed})


KEPT, DROPPED, REFUSED, REFUSED_TWICE, TAKEN, TAKEN_COPY, OPTED, ALONE, RESERVED = (
    row(0, 100, 128), row(1, 100), row(2, 200, score=0.0), row(3, 200, score=0.0), row(4, 300), row(5, 300), row(6, 400), row(7, 500),
    row(8, 600, url=SHUT),
)  # fmt: skip
ROWS = [KEPT, DROPPED, REFUSED, REFUSED_TWICE, TAKEN, TAKEN_COPY, OPTED, ALONE, RESERVED]


def make_release(folder: pathlib.Path) -> Ran:
    """Runs the job on the rows, documents and manifest included."""
    listed = "".join(f"sha256,{hashlib.sha256(r['jpg']).hexdigest()},{why}\n" for r, why in ((TAKEN, "taken_down"), (OPTED, "opt_out")))
    (folder / "list.csv").write_text(f"kind,value,reason\n{listed}url,{SHUT},opt_out\n")
    write_webdataset(folder / "shards", ROWS, 5)
    opened = open_run(str(write_job(folder, JOB)), ())
    run_phases(opened)
    return Ran(opened)


def copied(release: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """A copy of a release with its shards and its job, as if it had been made there."""
    shutil.copytree(release, folder, dirs_exist_ok=True)
    record = folder / "out.work" / "run.json"
    record.write_text(record.read_text().replace(f'"{release}/', f'"{folder}/'))
    return folder


def put(folder: pathlib.Path, rows, first: int, per_shard: int = 3) -> None:
    """Writes rows as shards beside those that are there, numbered from `first` on."""
    write_webdataset(folder / "more", rows, per_shard)
    for path in sorted((folder / "more").iterdir()):
        path.rename(folder / "shards" / f"{int(path.stem) + first:05d}{path.suffix}")
