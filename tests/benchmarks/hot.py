"""Whether one key that very many rows share costs a row what any other costs: CPU seconds of match at a quarter of the rows and at all.

    python -m tests.benchmarks.hot KIND ROWS [--real N]

KIND is `url` (one URL with that many captions), `hash` (one file with that many captions), or `encodings` (one picture encoded again by
each host, under `reach: views`). Rows have nothing else in common. Of encodings N are real, JPEG of 40 to 95 in a hundred at 120 to 200
pixels, signed by Winnow's own code; where more rows are asked for, each further one has the signature of one of these and an identity of
its own. The last line of standard output is one JSON object: CPU seconds of both runs, and how many clusters the rows fell into.
"""

import argparse
import io
import itertools
import json
import pathlib
import tempfile
import time

import numpy as np
import pyarrow as pa
from PIL import Image

from schemas.job import Dedup
from tests.benchmarks.matching import clusters
from tests.match.signed_rows import Row, photo, signed, write
from transforms.match.signatures import caption_columns

SHARD_ROWS = 50_000
AT_ONCE = 256  # pictures signed


def encodings(count: int) -> pa.RecordBatch:
    """Signatures of one picture, saved `count` times by settings that differ."""
    picture, settings = Image.fromarray(photo(1)), itertools.product(range(120, 201), range(40, 96))
    rows = []
    for side, quality in itertools.islice(settings, count):
        target, row = io.BytesIO(), Row(grey=np.zeros((1, 1), np.uint8))
        picture.resize((side, side), Image.Resampling.BICUBIC).save(target, "JPEG", quality=quality)
        row.__dict__["image"] = target.getvalue()
        rows.append(row)
    parts = [signed(rows[at : at + AT_ONCE], "views") for at in range(0, count, AT_ONCE)]
    return pa.Table.from_batches(parts).combine_chunks().to_batches()[0]


def repeated(kind: str, batch: pa.RecordBatch, count: int) -> pa.RecordBatch:
    """So many rows with the signatures of a batch in turn, and with uids, orders and captions of their own."""
    draw = np.random.default_rng(3)
    batch = batch.take(pa.array(np.arange(count) % len(batch)))
    columns = {name: batch.column(name) for name in batch.schema.names}
    columns["uid"] = columns["order"] = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(16), count, [None, pa.py_buffer(draw.bytes(16 * count))]
    )
    if kind == "encodings":
        columns["picture_id"] = pa.array(draw.integers(1, 1 << 63, count, np.uint64))
    letters = draw.integers(97, 123, (count, 9, 6)).astype(np.uint8)
    columns |= caption_columns([b" ".join(word.tobytes() for word in row).decode() for row in letters])
    return pa.RecordBatch.from_arrays([columns[name] for name in batch.schema.names], schema=batch.schema)


def matched(batch: pa.RecordBatch) -> tuple[float, int]:
    """CPU seconds of match over some rows, and how many clusters there are."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        files = write(batch, folder / "signatures", [SHARD_ROWS] * -(-len(batch) // SHARD_ROWS))
        began = time.process_time()
        found = clusters(files, folder / "clusters", Dedup())
        return time.process_time() - began, len(np.unique(found))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("url", "hash", "encodings"))
    parser.add_argument("rows", type=int)
    parser.add_argument("--real", type=int, default=2_000)
    args = parser.parse_args()
    if args.kind == "encodings":
        base = encodings(min(args.real, args.rows))
    else:
        base = signed([Row("anything", url=b"u" * 16) if args.kind == "url" else Row("anything", photo(1))], "views")
    matched(repeated(args.kind, base, 100))  # kernels are loaded
    report = {"kind": args.kind, "real": len(base)}
    for rows in (args.rows // 4, args.rows):
        seconds, found = matched(repeated(args.kind, base, rows))
        report |= {f"cpu_s_{rows}": round(seconds, 2), f"clusters_{rows}": found}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
