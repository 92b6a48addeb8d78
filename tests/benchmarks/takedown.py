"""What it costs to take pictures down of a large release, and whether they are gone: 100 of 100,000 rows in 1,000 shards by default.

    python tests/benchmarks/takedown.py FOLDER

Run it with the interpreter of an environment that has Winnow installed. FOLDER is made and kept: the shards, and the release, which is run
once (some minutes) in a job where duplicates are noticed and kept, so that copies are published too. Of every picture that is taken
down two copies lie in other shards, one encoded again and one smaller. The list names the pictures by SHA-256. The command runs as a
user runs it, start-up of the interpreter included; then every file of both releases is compared and every picture of the new one is
hashed again. Standard output is a table; the exit status is 1 where a copy is left or a file changed that need not.
"""

import argparse
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from environment import environment
from PIL import Image

COPIES = 2  # of every picture that is taken down, in other shards
JOB = {
    "version": 1,
    "source": {"format": "parquet", "paths": ["shards/*.parquet"]},
    "output": "out",
    "dedup": {"action": "flag"},
    "filters": {"image_quality": {"enabled": False}},
    "datasheet": {"version": "1.0.0"},
}


def picture(number: int) -> Image.Image:
    """A smooth picture of its own, 96 x 72."""
    grid = np.random.default_rng(number).integers(0, 256, (9, 12, 3), np.uint8)
    return Image.fromarray(grid).resize((96, 72), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, quality: int) -> bytes:
    """A JPEG file."""
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=quality)
    return buffer.getvalue()


def planted(rows: int, taken: int) -> tuple[list[int], dict[int, tuple[int, int]]]:
    """Rows whose pictures are taken down; and row of a copy -> the row it is a copy of, and which kind of copy."""
    chosen = np.random.default_rng(5).permutation(rows)[: taken * (1 + COPIES)].tolist()
    originals, others = chosen[:taken], chosen[taken:]
    return originals, {row: (originals[place % taken], place // taken) for place, row in enumerate(others)}


def content(row: int, copies: dict[int, tuple[int, int]]) -> bytes:
    """The picture of a row."""
    of, kind = copies.get(row, (row, -1))
    image = picture(of)
    return encoded(image.resize((72, 54), Image.Resampling.LANCZOS), 90) if kind == 1 else encoded(image, 55 if kind == 0 else 88)


def write_shards(folder: pathlib.Path, rows: int, shards: int, copies: dict[int, tuple[int, int]]) -> None:
    """The source, and the job beside it."""
    scratch = folder / "shards.part"
    scratch.mkdir(parents=True, exist_ok=True)
    for shard, numbers in enumerate(np.array_split(np.arange(rows), shards)):
        table = {
            "url": [f"https://host{row % 997}.example/{row}.jpg" for row in numbers.tolist()],
            "caption": [f"picture number {row} of a wall in a town" for row in numbers.tolist()],
            "jpg": [content(row, copies) for row in numbers.tolist()],
        }
        pq.write_table(pa.table(table), scratch / f"{shard:05d}.parquet")
    (folder / "job.yaml").write_text(json.dumps(JOB))  # JSON is YAML
    scratch.rename(folder / "shards")


def run(*arguments: str) -> tuple[float, float, int]:
    """Runs a command of Winnow; wall and CPU seconds, and the largest process in MiB."""
    began = time.perf_counter()
    started = subprocess.Popen([sys.executable, "-m", "pipeline.cli", *arguments], stdout=subprocess.DEVNULL, env=environment())
    _, status, used = os.wait4(started.pid, 0)
    if status:
        raise SystemExit(f"winnow {' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024


def digests(folder: pathlib.Path) -> dict[str, str]:
    """Name -> SHA-256 of every file."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.parquet"))}


def urls_of(folder: pathlib.Path) -> set[str]:
    """URLs of all published rows."""
    return {url for path in folder.glob("*.parquet") for url in pq.read_table(path, columns=["url"]).column("url").to_pylist()}


def named_in(folders: tuple[pathlib.Path, ...], words: list[bytes]) -> list[str]:
    """Files that hold one of the words as it is."""
    found = []
    for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
        raw = path.read_bytes()
        if any(word in raw for word in words):
            found.append(path.name)
    return found


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--shards", type=int, default=1_000)
    parser.add_argument("--taken", type=int, default=100)
    args = parser.parse_args()
    folder = args.folder.resolve()
    originals, copies = planted(args.rows, args.taken)
    if not (folder / "shards").exists():
        write_shards(folder, args.rows, args.shards, copies)
    if not (folder / "out/manifest.json").exists():
        run("run", str(folder / "job.yaml"))
    listed = folder / "list.csv"
    hashes = [hashlib.sha256(content(row, copies)).hexdigest() for row in originals]
    listed.write_text("kind,value,reason\n" + "".join(f"sha256,{value},taken_down\n" for value in hashes))
    old, new = folder / "out", folder / "out-2.0.0"
    for path in (new, new.with_name(f"{new.name}.work")):
        shutil.rmtree(path, ignore_errors=True)
    os.sync()
    wall, cpu, peak = run("takedown", str(old), str(listed))
    proof = run("verify-absent", str(new), str(listed))
    before, after = digests(old / "data"), digests(new / "data")
    went = urls_of(old / "data") - urls_of(new / "data")
    rows_gone = {int(url.rpartition("/")[2].partition(".")[0]) for url in went}
    wanted = {*originals, *copies}
    changed = {name for name in before if before[name] != after.get(name)}
    holding = {
        f"{place:05d}.parquet" for place, part in enumerate(np.array_split(np.arange(args.rows), args.shards)) if wanted & {*part.tolist()}
    }
    named = named_in((new, new.with_name(f"{new.name}.work")), [url.encode() for url in went])
    lines = {
        "rows, shards": f"{args.rows:,}, {args.shards:,}",
        "pictures taken down, with their copies": f"{args.taken:,}, {len(wanted):,}",
        "left in the release": f"{len(wanted - rows_gone):,}",
        "others that went": f"{len(rows_gone - wanted):,}",
        "data files that hold them, that changed": f"{len(holding):,}, {len(changed):,}",
        "files that name one by URL": ", ".join(sorted(named)) or "none",
        "takedown: wall s, CPU s, MiB": f"{wall:.1f}, {cpu:.1f}, {peak}",
        "verify-absent: wall s, CPU s": f"{proof[0]:.1f}, {proof[1]:.1f}",
    }
    for name, value in lines.items():
        print(f"{name:45} {value}")
    sys.exit(bool(wanted - rows_gone) or changed != holding or after.keys() != before.keys())


if __name__ == "__main__":
    main()
