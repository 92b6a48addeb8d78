"""How far the hashes of `mode: fast` lie from those of `mode: exact`, on real photos, and whether both find the same border.

    python tests/benchmarks/fast_bits.py FOLDER [FOLDER ...]

Prints a row a folder, subfolders included, and one for all: readable pictures; bits of 64 by which the hash of the picture as it is
differs, on average and at most, and the share of pictures with none and with at most 2; the same average of the trimmed picture;
pictures with a border, and those whose borders differ; pictures whose exact hash is not `imagehash.phash`, which does not turn pictures as
their EXIF orientation says and does not lay transparent ones on white. Those of low_detail are left out.
"""

import argparse
import io
import pathlib

import imagehash
import numpy as np
from PIL import Image

from schemas.job import Decode
from transforms.images.decode import EXTENSIONS, Picture, PictureError, open_picture
from transforms.images.phash import hash_pictures

COLUMNS = ("pictures", "mean", "none", "<= 2", "most", "trimmed", "borders", "other", "not imagehash")


def compared(raw: bytes) -> tuple[int, ...] | None:
    """Bits off as it is, bits off trimmed, has a border, another border, another hash than imagehash's; None: unreadable or low_detail."""
    try:
        pictures: list[Picture | None] = [open_picture(raw, Decode(), "fast"), open_picture(raw, Decode(), "exact")]
    except PictureError:
        return None
    hashes, (fast, exact) = hash_pictures(pictures), pictures
    if fast is None or exact is None or hashes.low_detail.any():
        return None
    off = np.bitwise_count(hashes.phashes[0] ^ hashes.phashes[1])
    bordered = exact.box != (0, 0, exact.grey.shape[1], exact.grey.shape[0])
    reference = int(str(imagehash.phash(Image.open(io.BytesIO(raw)))), 16)
    return int(off[0]), int(off[2]), bordered, fast.box != exact.box, int(hashes.phash[1]) != reference


def line(name: str, rows: list[tuple[int, ...]]) -> str:
    """A row of the table."""
    off, trimmed, bordered, other, foreign = np.array(rows).reshape(-1, 5).T
    shares = f"{off.mean():.2f} | {(off == 0).mean():.3f} | {(off <= 2).mean():.3f} | {off.max()} | {trimmed.mean():.2f}"
    return f"| {name} | {len(off)} | {shares} | {bordered.sum()} | {other.sum()} | {foreign.sum()} |"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=pathlib.Path, nargs="+")
    everything: list[tuple[int, ...]] = []
    print(f"| | {' | '.join(COLUMNS)} |\n{'|---' * (len(COLUMNS) + 1)}|")
    for folder in parser.parse_args().folders:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower()[1:] in {*EXTENSIONS.values(), "jpeg"})
        rows = [found for path in paths if (found := compared(path.read_bytes())) is not None]
        print(line(folder.name, rows), flush=True)
        everything += rows
    print(line("all", everything))


if __name__ == "__main__":
    main()
