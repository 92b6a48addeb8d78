"""A few dozen samples with every kind of row among them: what the laws are held against."""

import io
import json
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from tests.builders import encode, jpeg, picture, png, sample, webp
from tests.images.side_data import DMI, exif, packet

JOB = {
    "source": {"max_unreadable": 0.5, "columns": {"image_embedding": "image_embedding"}},
    "filters": {"language": {"keep": ["en"]}, "toxicity": {"max": 0.7}},
    "rebalance": {"min_cell": 5},
    "dedup": {"max_per_caption": 3, "semantic": {"of": "image", "eps": 0.02, "max_outlier": 0.9}},
}
PER_SHARD = 12
RESERVED = packet(plus__DataMining=f"{DMI}PROHIBITED-AIMLTRAINING")


def varied() -> list[dict[str, Any]]:
    """58 samples: kept ones, duplicates of every kind, by meaning too, reservations, personal data, what cannot be read."""
    plain = [sample(n, caption=f"{WHO[n % 8]} {DOING[n // 8 % 4]} near the old harbour") for n in range(24)]
    twice = [sample(100 + n, jpg=jpeg(seed=n), caption=f"another text about picture number {n}") for n in range(4)]
    again = [sample(110 + n, jpg=jpeg(seed=n, quality=60), caption=f"third text about picture number {n}") for n in range(4)]
    mirrored = sample(120, jpg=encode(ImageOps.mirror(picture(seed=5)), "JPEG"))
    framed = sample(121, jpg=encode(ImageOps.expand(picture(seed=6), 8, "white"), "PNG"))
    same_text = [sample(130 + n, jpg=jpeg(seed=130 + n), caption="stock photo of a red kite over the sea") for n in range(5)]
    whole = [sample(3, key="first"), sample(3, key="second")]  # rows that repeat each other wholly share a uid
    texts = [
        "write to jo.miller@mail.example for prints", "call +44 7700 900123 to visit the workshop", "IMG_0042.jpg",
        "my card 4111 1111 1111 1111 lies here", "eine alte Frau wartet im Regen auf den letzten Bus nach Hause",
        "you are a stupid worthless idiot and everybody hates you",
    ]  # fmt: skip
    told = [sample(140 + n, caption=text) for n, text in enumerate(texts)]
    headers = [sample(150, http_headers=json.dumps({"X-Robots-Tag": "noai"})), sample(151, url=sample(150)["url"])]
    marked = [sample(152, jpg=jpeg(seed=152, xmp=RESERVED)), sample(153, jpg=jpeg(seed=152, quality=70))]
    located = sample(154, jpg=jpeg(seed=154, exif=exif().tobytes()))
    cut = [sample(160, jpg=jpeg(seed=160)[:900]), sample(161, jpg=b"<html>404</html>"), sample(162, jpg=None, status="failed_to_download")]
    others = [sample(170, jpg=png(seed=170)), sample(171, jpg=webp(seed=171)), sample(172, jpg=flat())]
    rows = [*plain, *twice, *again, mirrored, framed, *same_text, *whole, *told, *headers, *marked, located, *cut, *others]
    return [{**row, "image_embedding": meaning(place)} for place, row in enumerate(rows)]


def meaning(place: int) -> list[float]:
    """A direction of its own for every row, but for a few that nearly share one."""
    turned = np.random.default_rng(place).normal(size=8)
    return (np.random.default_rng(20).normal(size=8) * 8 + turned if place in (20, 21, 22) else turned).tolist()


def flat() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "navy").save(out, "JPEG")
    return out.getvalue()


WHO = ("a woman", "a man", "two children", "an old fisherman", "a young girl", "a boy", "three sailors", "a nurse")
DOING = ("resting in the shade", "mending a net", "waiting for the boat", "looking at the sea")
