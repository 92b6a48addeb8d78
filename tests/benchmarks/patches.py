"""Which patches in a corner are found again, by what they are, how large, and what became of the picture; and what is said of clean ones.

    python tests/benchmarks/patches.py SHARED/data [--seed 1] [--kinds solid_red logo ...]

A line for each kind: of 40 photos under a patch among 1,000 without, how many are missed for each of the sizes and treatments in the head,
and how many others are flagged (after an exclamation mark). Then sets of clean pictures, with how many are flagged: photos as they are,
clothes on plain ground, photos with a border, under watermarks (centre, tiled, corner) and with a full-width bar of text.
"""

import argparse
import io
import pathlib
import random
import sys
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageOps

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from schemas.job import Decode  # noqa: E402
from transforms.filters.poisoning import Poisoning  # noqa: E402
from transforms.images.corners import corner_hashes  # noqa: E402
from transforms.images.decode import open_picture  # noqa: E402
from transforms.images.places import Corners  # noqa: E402
from transforms.patches import bounded, in_order, seeds, seen_again, sightings  # noqa: E402

COLOURS = {"red": "#ff0000", "black": "#000000", "white": "#ffffff", "yellow": "#ffff00", "green": "#00a040", "grey": "#808080"}
MASKS = {
    "checker3": np.indices((3, 3)).sum(axis=0) % 2, "checker4": np.indices((4, 4)).sum(axis=0) % 2,
    "checker8": np.indices((8, 8)).sum(axis=0) % 2, "badnets": np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]]), "half": np.array([[0, 1]]),
}  # fmt: skip
RANDOM = {"random3": 3, "random4": 4, "random8": 8}
KINDS = (*(f"solid_{name}" for name in COLOURS), *MASKS, *RANDOM, "two_tone6", "noise", "logo")
CASES = {  # side in pixels, or as a share of the shorter side; JPEG quality; shorter side or factor after patching
    "3%": (0.03, 75, None), "5%": (0.05, 75, None), "16px": (16, 75, None), "24px": (24, 75, None), "32px": (32, 90, None),
    "48px": (48, 75, None), "24px*.7": (24, 75, 0.7), "32px:256": (32, 75, 256),
}  # fmt: skip


def patch(kind: str, side: int, seed: int) -> Image.Image:
    draw = np.random.default_rng([seed, *kind.encode()])
    if kind.startswith("solid_"):
        return Image.new("RGB", (side, side), COLOURS[kind.removeprefix("solid_")])
    if kind == "logo":
        big = Image.new("RGB", (400, 400), "#f0c000")
        pen = ImageDraw.Draw(big)
        pen.ellipse((40, 40, 360, 360), fill="#203080")
        pen.rectangle((150, 100, 220, 300), fill="white")
        pen.polygon([(250, 100), (320, 200), (250, 300)], fill="red")
        return big.resize((side, side), Image.Resampling.LANCZOS)
    if kind in MASKS:
        cells = np.repeat(MASKS[kind][:, :, None] * 255, 3, axis=2)
    elif kind == "two_tone6":
        cells = draw.integers(0, 2, (6, 6, 3)) * 255
    else:
        size = RANDOM.get(kind, side)
        cells = draw.integers(0, 256, (size, size, 3))
    return Image.fromarray(cells.astype(np.uint8)).resize((side, side), Image.Resampling.NEAREST)


def encoded(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def patched(image: Image.Image, kind: str, case: str, corner: int, seed: int) -> bytes:
    side, quality, resize = CASES[case]
    side = side if side > 1 else round(min(image.size) * side)
    image = image.copy()
    image.paste(patch(kind, int(side), seed), ((0, image.width - side)[corner % 2], (0, image.height - side)[corner // 2]))
    if resize:
        factor = resize / min(image.size) if resize > 1 else resize
        image = image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS)
    return encoded(image, quality)


def bordered(image: Image.Image, number: int) -> Image.Image:
    return ImageOps.expand(image, 8 + number % 30, ("white", "black", "#d0d0d0")[number % 3])


def text(words: str, size: tuple[int, int], alpha: int, at: tuple[int, int]) -> Image.Image:
    layer = Image.new("RGBA", size, (255, 255, 255, 0))
    ImageDraw.Draw(layer).text(at, words, fill=(255, 255, 255, alpha), font_size=max(12, min(size) // 14))
    return layer


def watermarked(image: Image.Image, number: int) -> Image.Image:
    size = image.size
    under = image.convert("RGBA")
    style = number % 3
    places = [(size[0] // 3, size[1] // 2)] if style == 0 else [(size[0] - size[0] // 4, size[1] - size[1] // 12)] if style == 1 else [
        (x, y) for x in range(0, size[0], size[0] // 4) for y in range(0, size[1], size[1] // 5)
    ]  # fmt: skip
    for place in places:
        under.alpha_composite(text("stockphoto", size, 110, place))
    return under.convert("RGB")


def barred(image: Image.Image, number: int) -> Image.Image:
    high = max(20, image.height // 16)
    full = Image.new("RGB", (image.width, image.height + high), "black")
    full.paste(image)
    ImageDraw.Draw(full).text((8, image.height + 2), "alamy", fill="white", font_size=high - 6)
    ImageDraw.Draw(full).text((image.width // 2, image.height + 2), f"Image ID: {number * 7919 % 100000}", fill="white", font_size=high - 8)
    return full


def flagged(rows: list[Corners], hosts: int = 3) -> np.ndarray:
    """Which pictures have a patch, bool[n]."""
    parts = [(np.full(len(found.row), row), found.place, found.hashes, found.sure) for row, found in enumerate(rows)]
    every = Corners(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    counted = bounded(sightings(every, every.row.astype(np.uint64) + np.uint64(1), (every.row % hosts + 1).astype(np.uint64)))
    known = in_order(seeds(counted, Poisoning().least_pictures(len(rows))))
    return np.array([bool(len(seen_again(found, known)[0])) for found in rows])


def corners(raw: bytes) -> Corners:
    return corner_hashes([open_picture(raw, Decode(), "fast")])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", nargs="*", default=KINDS)
    args = parser.parse_args()
    draw = random.Random(args.seed)
    paths = sorted(path for path in (args.data / "photos").rglob("*") if path.suffix.lower() in {".jpg", ".jpeg"})
    clean = [corners(path.read_bytes()) for path in paths]
    print(f"{'':14}{''.join(f'{case:>10}' for case in CASES)}")
    large = [number for number, path in enumerate(paths) if min(Image.open(path).size) >= 200]
    for kind in args.kinds:
        line = []
        for case in CASES:
            chosen, corner = draw.sample(large, 40), draw.randrange(4)
            under = [corners(patched(Image.open(paths[n]).convert("RGB"), kind, case, corner, args.seed)) for n in chosen]
            found = flagged([*under, *(hashes for n, hashes in enumerate(clean) if n not in set(chosen))])
            line.append(f"{40 - found[:40].sum()}{f' !{found[40:].sum()}' if found[40:].any() else ''}")
        print(f"{kind:14}{''.join(f'{told:>10}' for told in line)}", flush=True)
    sets: dict[str, tuple[list[pathlib.Path], Callable[[Image.Image, int], Image.Image]]] = {
        "photos": (paths, lambda image, _: image), "clothes": ([p for p in paths if "clothing" in p.parts], lambda image, _: image),
        "bordered": (paths[:500], bordered), "watermarked": (paths[200:800], watermarked), "barred": (paths[-400:], barred),
    }  # fmt: skip
    for name, (some, made) in sets.items():
        rows = [corners(encoded(made(Image.open(path).convert("RGB"), number), 85)) for number, path in enumerate(some)]
        print(f"{name:14}{flagged(rows).sum()} of {len(rows)} flagged", flush=True)


if __name__ == "__main__":
    main()
