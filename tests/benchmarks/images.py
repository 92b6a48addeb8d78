"""Near-equal pictures of a folder: Winnow's own code from bytes to clusters, in one process, and what each phase cost.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python tests/benchmarks/images.py [--reach plain] [--mode exact] FOLDER OUT

Run it with the interpreter of an environment that has Winnow installed, pinned to one core (`taskset -c 0`). FOLDER holds the pictures; OUT
becomes a Parquet file of `key`, the file's name without its suffix, and `cluster`; `score_images.py` of the comparison scores it. The last
line of standard output is one JSON object:

    rows                 pictures, unreadable ones among them, which are nobody's duplicates
    start_cpu_s          CPU seconds of matching the first pictures once before, and a few that call every compiled loop: codecs are
                         loaded, loops read, which takes 4 ms each
    work_cpu_s           CPU seconds without that, the start of the interpreter and loading libraries
    sign_us, match_us    of them, microseconds a picture: from bytes to signatures on disk; from there to clusters
    pairs, verify_us     candidate pairs that were verified, microseconds each
    signature_bytes      a picture, on disk
    peak_mib             memory
"""

import argparse
import json
import pathlib
import tempfile
import time

from first_compile import call_all
from matching import clusters, peak_mib, verifying, write_answer

from schemas.job import Dedup, Images
from transforms.eval_sets.sets import Part
from transforms.eval_sets.sign import read_tally, sign_part
from transforms.match.rows import SignatureFile
from transforms.storage import FileInfo

SHARD = 10_000  # pictures a signature file
WARM = 160  # pictures


def sign(files: list[FileInfo], folder: pathlib.Path, dedup: Dedup) -> list[SignatureFile]:
    """Signature files of pictures, in their order."""
    signed = []
    for start in range(0, len(files), SHARD):
        part = Part("pictures", f"part-{start}", "images", tuple(files[start : start + SHARD]))
        signature, places, tally = (str(folder / f"{part.name}.{suffix}") for suffix in ("arrow", "places", "json"))
        sign_part(part, dedup, signature, places, tally)
        signed.append(SignatureFile(signature, read_tally(tally).rows))
    return signed


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--reach", choices=("views", "plain"), default="views")
    parser.add_argument("--mode", choices=("fast", "exact"), default="fast")
    args = parser.parse_args()
    paths = sorted(path for path in args.folder.iterdir() if path.is_file())
    dedup = Dedup(images=Images(mode=args.mode, reach=args.reach))
    with tempfile.TemporaryDirectory() as scratch, verifying("picture_agreements") as verified:
        given = [FileInfo(str(path), path.stat().st_size, "") for path in paths]
        loaded = time.process_time()
        call_all(pathlib.Path(scratch))
        clusters(sign(given[:WARM], pathlib.Path(scratch), dedup), pathlib.Path(scratch, "first"), dedup)
        verified.update(pairs=0.0, seconds=0.0)
        began = time.process_time()
        files = sign(given, pathlib.Path(scratch), dedup)
        signed = time.process_time()
        cluster = clusters(files, pathlib.Path(scratch, "clusters"), dedup)
        ended = time.process_time()
        octets = sum(pathlib.Path(file.path).stat().st_size for file in files)
    write_answer(args.out, [path.stem for path in paths], cluster)
    rows, pairs = len(paths), int(verified["pairs"])
    report = {
        "rows": rows,
        "start_cpu_s": round(began - loaded, 2),
        "work_cpu_s": round(ended - began, 2),
        "rows_per_work_cpu_s": round(rows / (ended - began), 1),
        "sign_us": round((signed - began) / rows * 1e6),
        "match_us": round((ended - signed) / rows * 1e6),
        "pairs": pairs,
        "verify_us": round(verified["seconds"] / max(1, pairs) * 1e6, 1),
        "signature_bytes": octets // rows,
        "peak_mib": peak_mib(),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
