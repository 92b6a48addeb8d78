"""What `winnow trace` costs on a large run: wall and CPU seconds and memory of the command, process start and all.

    python tests/benchmarks/trace.py FOLDER [--rows 1000000] [--reach plain] [--repeat 3]

Run it with the interpreter of an environment that has Winnow installed. FOLDER takes a run that is made up once, 2.7 GB a million rows:
random hashes and thumbnails in shards of 10,000, among them five edits of the picture that is looked for. The last line of standard output
is one JSON object: rows, reach, found, and of every repetition wall and cpu seconds and peak MiB; the first of all compiles loops, and
modules that were installed without bytecode.
"""

import argparse
import hashlib
import io
import json
import pathlib
import resource
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from environment import environment
from PIL import Image, ImageOps

from schemas.job import Decode
from schemas.ledger import LEDGER
from schemas.signatures import LOOKED_UP, SIGNATURE, VIEWS
from transforms.match.columns import write_columns
from transforms.match.detail_column import DETAILS
from transforms.match.verify import PICTURE_COLUMNS
from transforms.trace import Query, read_query

SHARD = 10_000
RANDOM = ("uid", "order", "picture_id", "picture_hashes", "thumbnail")
RARE = [VIEWS.index(name) for name in LOOKED_UP if name != "whole"]  # views that few pictures have
SHARE = 0.15


def encoded(image: Image.Image, quality: int = 85) -> bytes:
    target = io.BytesIO()
    image.save(target, "JPEG", quality=quality)
    return target.getvalue()


def picture() -> Image.Image:
    """A picture with detail at several scales."""
    rng = np.random.default_rng(1)
    scales = [Image.fromarray(rng.integers(0, 256, (cells, cells), np.uint8)).resize((480, 360), 3) for cells in (4, 9, 20, 45)]
    return Image.fromarray(sum(np.asarray(scale) // 4 for scale in scales).astype(np.uint8)).convert("RGB")


def edits(image: Image.Image) -> list[bytes]:
    """Saved again, mirrored, cut, turned, bordered."""
    cut = image.crop((24, 18, 460, 345))
    changed = (image, ImageOps.mirror(image), cut, image.rotate(90, expand=True), ImageOps.expand(image, 30, "white"))
    return [encoded(one, 70) for one in changed]


def values_of(query: Query) -> dict[str, bytes]:
    """The columns of a signature that are looked at."""
    *columns, _, _ = query.pictures.arrays()
    told = {
        name: values[0].astype(values.dtype.newbyteorder("<")).tobytes() for name, values in zip(PICTURE_COLUMNS, columns, strict=False)
    }
    return told | {"picture_id": query.sha256[:8]}


def signatures(rng: np.random.Generator, reach: str, planted: list[dict[str, bytes]]) -> pa.RecordBatch:
    columns = {}
    for field in SIGNATURE:
        if field.name == DETAILS:
            continue
        if pa.types.is_boolean(field.type):
            columns[field.name] = pa.array(np.ones(SHARD, bool))
            continue
        width = field.type.bit_width // 8
        drawn = field.name in RANDOM or (field.name == "view_hashes" and reach == "views")
        octets = rng.integers(0, 256, (SHARD, width), np.uint8) if drawn else np.zeros((SHARD, width), np.uint8)
        if field.name == "view_hashes":
            for view in RARE:
                octets[rng.random(SHARD) > SHARE, 8 * view : 8 * view + 8] = 0
        for place, values in enumerate(planted):
            if field.name in values:
                octets[place * 1_000 + 17] = np.frombuffer(values[field.name], np.uint8)
        columns[field.name] = pa.Array.from_buffers(field.type, SHARD, [None, pa.py_buffer(octets)])
    return pa.RecordBatch.from_pydict(columns)


def ledger(shard: str) -> pa.Table:
    uids = [hashlib.md5(f"{shard} {row}".encode()).hexdigest() for row in range(SHARD)]
    known = {"uid": uids, "shard": [shard] * SHARD, "row": list(range(SHARD)), "url": [f"https://{uid[:3]}.example/{uid}" for uid in uids]}
    known |= {"source": ["main"] * SHARD, "verdict": ["kept"] * SHARD, "consent": ["silent"] * SHARD}
    empty = {field.name: [[] if pa.types.is_list(field.type) else 1] * SHARD for field in LEDGER if not field.nullable}
    return pa.table([pa.array((empty | known).get(field.name, [None] * SHARD), field.type) for field in LEDGER], schema=LEDGER)


def make_run(out: pathlib.Path, rows: int, reach: str) -> None:
    work = out.with_name(f"{out.name}.work")
    for folder in (out, work / "signatures", work / "ledger"):
        folder.mkdir(parents=True)
    planted = [values_of(read_query(raw, "fast", reach)) for raw in edits(picture())]
    rng = np.random.default_rng(2)
    for number in range(-(-rows // SHARD)):
        batch = signatures(rng, reach, planted if number == 0 else [])
        write_columns([batch], str(work / "signatures" / f"{number:05d}.{'0' * 16}.arrow"))
        pq.write_table(ledger(f"{number:05d}"), work / "ledger" / f"{number:05d}.parquet", compression="zstd")
    names = [path.stem for path in sorted((work / "ledger").iterdir())]
    job = {"source": [{"format": "webdataset", "decode": Decode().model_dump()}], "dedup": {"images": {"mode": "fast", "reach": reach}}}
    record = {"job": job, "shards": [{"name": name} for name in names]}
    (work / "run.json").write_text(json.dumps(record))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--reach", choices=["views", "plain"], default="views")
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    out = asked.folder / f"{asked.reach}-{asked.rows}"
    if not out.exists():
        make_run(out, asked.rows, asked.reach)
    query = asked.folder / "query.jpg"
    query.write_bytes(encoded(picture(), 90))
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", "trace", str(out), str(query), "--json"]
    told, before = [], resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(asked.repeat):
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        told.append({"wall": round(wall, 2), "cpu": round(cpu, 2), "peak_mib": after.ru_maxrss >> 10})
        before = after
    found = [row["is"] for row in json.loads(done.stdout)["rows"]]
    print(json.dumps({"rows": asked.rows, "reach": asked.reach, "found": found, "runs": told}))


if __name__ == "__main__":
    main()
