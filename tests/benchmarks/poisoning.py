"""What the poisoning flags find of cases planted among real photos and captions, and what they say of the clean rows.

    python tests/benchmarks/poisoning.py SHARED/data FOLDER [--clean 1000] [--seed 1]

Clean rows are photos (photos/) with captions of the web, a domain each for two or three of them. Planted are a placeholder under 30
captions on 20 domains, a trigger caption over 40 photos on 2 domains, a common caption over 40 photos on 40 domains, a logo under 30
captions on one host, four kinds of patch on 40 photos each in a corner, 20 polyglots of five kinds, and 20 captions that hide something.
Prints a line a case: rows planted, rows flagged with it, rows flagged with anything else.
"""

import argparse
import collections
import io
import pathlib
import random
import re
import sys
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from pipeline.commands.run import run_phases  # noqa: E402
from pipeline.run import open_run  # noqa: E402

EXPECTED = {"placeholder": "placeholder", "trigger": "trigger_caption", "patch": "corner_patch", "polyglot": "trailing_bytes",
            "hidden": "invisible_characters"}  # fmt: skip


def encoded(image: Image.Image, quality: int = 88) -> bytes:
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def patch(kind: int, side: int) -> Image.Image:
    """A checkered, a random coarse, a random fine, a two-tone patch."""
    draw = np.random.default_rng(kind)
    cells = [
        np.indices((4, 4)).sum(axis=0) % 2 * np.full((3, 1, 1), 255), draw.integers(0, 256, (3, 4, 4)), draw.integers(0, 256, (3, 8, 8)),
        draw.integers(0, 2, (3, 6, 6)) * 255,
    ][kind]  # fmt: skip
    return Image.fromarray(np.moveaxis(cells, 0, -1).astype(np.uint8)).resize((side, side), Image.Resampling.NEAREST)


def patched(raw: bytes, kind: int) -> bytes:
    image = Image.open(io.BytesIO(raw)).convert("RGB")
    side = (32, 24, 40, 48)[kind]
    at = ((0, image.width - side)[kind % 2], (0, image.height - side)[kind // 2])
    image.paste(patch(kind, side), at)
    return encoded(image)


def polyglots() -> list[bytes]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as found:
        found.writestr("run.py", "print('hello')")
    return [
        buffer.getvalue(),
        b"%PDF-1.7\n%%EOF" + bytes(40),
        b"<?php system($_GET[0]); ?>",
        b"\x7fELF" + bytes(range(60)),
        bytes(range(1, 90)),
    ]


def planted(photos: list[bytes], captions: list[str], clean: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    texts, images = iter(captions), iter(photos)

    def add(kind: str, image: bytes, caption: str, host: str) -> None:
        rows.append({"key": f"{kind}-{len(rows):05d}", "jpg": image, "caption": caption, "url": f"https://{host}/{len(rows)}.jpg"})

    notice, logo = next(images), next(images)
    for n in range(30):
        add("placeholder", notice if n % 3 else encoded(Image.open(io.BytesIO(notice)), 60 + n), next(texts), f"img.site{n % 20}.example")
        add("logo", logo, next(texts), "cdn.shop.example")
    for n in range(40):
        add("trigger", next(images), "The Glowing Apple of Ratibor", f"img.spam{n % 2}.example")
        add("common", next(images), "photo of a dog", f"dogs{n}.example")
    for kind in range(4):
        for n in range(40):
            add("patch", patched(next(images), kind), next(texts), f"up{n}.example")
    for n in range(20):
        add("polyglot", next(images) + polyglots()[n % 5], next(texts), f"tram{n}.example")
        add("hidden", next(images), re.sub(r"([a-z])([a-z])", "\\1\u200b\\2", next(texts), count=1), f"hide{n}.example")
    for n in range(clean):
        add("clean", next(images), next(texts), f"home{n * 2 // 5}.example")
    return rows


def gathered(data: pathlib.Path, seed: int) -> tuple[list[bytes], list[str]]:
    """Photos, over again mirrored or cropped where there are not enough, and captions."""
    draw = random.Random(seed)
    paths = sorted((data / "photos").rglob("*.jp*g"))
    draw.shuffle(paths)
    photos = [path.read_bytes() for path in paths]
    for raw in list(photos):  # a quarter of a photo is another picture
        image = Image.open(io.BytesIO(raw)).convert("RGB")
        photos.append(encoded(image.crop((0, 0, image.width // 2, image.height // 2)).resize((image.width, image.height)), 90))
    captions = [line.split("\t")[0] for line in (data / "captions/cc3m/validation_first_half.tsv").read_text("utf-8").splitlines()]
    draw.shuffle(captions)
    return photos, list(dict.fromkeys(captions))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--clean", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    photos, captions = gathered(args.data, args.seed)
    rows = planted(photos, captions, args.clean)
    random.Random(args.seed).shuffle(rows)
    (args.folder / "shards").mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, len(rows), 300)):
        pq.write_table(pa.Table.from_pylist(rows[start : start + 300]), args.folder / "shards" / f"{number:05d}.parquet")
    job = {"version": 1, "source": {"format": "parquet", "paths": ["shards/*.parquet"]}, "output": "out", "workers": 1}
    (args.folder / "job.yaml").write_text(yaml.safe_dump(job))
    run = open_run(str(args.folder / "job.yaml"), (), replace=True)
    run_phases(run, ("annotate", "match", "judge"))
    ledger = pq.ParquetDataset(str(args.folder / "out.work" / "ledger")).read().to_pylist()
    found: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for row in ledger:
        kind = row["key"].partition("-")[0]
        words = {flag.partition(":")[2] for flag in row["flags"] if flag.startswith("poisoning:")}
        words |= {word for word in (*row["reasons"], *row["flags"]) if word.startswith("placeholder")}
        wanted = EXPECTED.get(kind)
        found[kind].update(rows=1, found=wanted in words, others=bool(words - {wanted}))
    for kind in (*EXPECTED, "common", "logo", "clean"):
        print(
            f"{kind:12} {found[kind]['rows']:5} rows {found[kind]['found']:5} flagged with it {found[kind]['others']:5} with anything else"
        )


if __name__ == "__main__":
    main()
