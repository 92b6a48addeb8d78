"""Draws a small dataset of its own, with every kind of trouble planted in it, for `winnow demo`. All of it is ours to give away.

Pictures are fields of colour with shapes, captions are made of word lists; both come from a keyed hash, so that the demo is the same
bytes everywhere.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from pipeline.jobtext import commented_job

SHARDS = 2
PICTURES = 240
SIZE = (320, 240)
SUBJECTS = (
    "a woman", "a man", "two children", "an old fisherman", "a young girl", "a boy", "three sailors", "a nurse", "a gardener", "a red kite",
    "a wooden boat", "a paper lantern", "a stone bridge", "an orange cat", "a market stall", "a bicycle", "a lighthouse", "a violin",
)  # fmt: skip
DOINGS = (
    "resting in the shade of", "seen from", "painted in front of", "waiting beside", "photographed near", "drifting past", "standing under",
    "reflected in the windows of", "sheltering behind", "walking towards", "framed by", "crossing the square below",
)  # fmt: skip
PLACES = (
    "the harbour wall", "a vineyard in autumn", "the old observatory", "a field of barley", "the railway arches", "a greenhouse at dusk",
    "the snow-covered orchard", "a row of beach huts", "the town library", "a canal lock", "the ceramics workshop", "a hillside chapel",
    "the flower market", "an empty theatre", "the botanical garden", "a pine forest",
)  # fmt: skip
HOSTS = ("gallery.example", "photos.example.org", "prints.example.co.uk", "bilder.example.de", "arquivo.example.com.br", "art.example.in")
UNMARKED_COPY = "unmarked_copy"  # of a picture whose mark reserves it
MARK = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
    ' xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" plus:DataMining="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING"/>'
    "</rdf:RDF></x:xmpmeta>"
)
Sample = tuple[bytes, str, dict[str, Any]]


def make_demo(folder: str, pictures: int = PICTURES) -> str:
    """Writes the demo's shards and its job file below a folder; returns the path of the job file.

    Args:
      folder: where to; made where it is not there.
      pictures: ordinary pictures; copies and planted cases come on top.
    """
    os.makedirs(os.path.join(folder, "shards"), exist_ok=True)
    samples = list(_samples(pictures))
    for number in range(SHARDS):
        _write_tar(os.path.join(folder, "shards", f"{number:05d}.tar"), samples[number::SHARDS], number)
    path = os.path.join(folder, "job.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(commented_job(JOB))
    return path


JOB: dict[str, Any] = {
    "version": 1,
    "source": {"format": "webdataset", "paths": ["shards/*.tar"]},
    "output": "out",
    "filters": {"language": {"keep": ["en"]}},
    "rebalance": {"min_cell": 10},
    "datasheet": {
        "title": "Winnow demo",
        "description": "Drawn pictures with captions made of word lists; every kind of trouble Winnow looks for is planted among them.",
        "licence": "CC0-1.0",
        "creators": ["The Winnow authors"],
    },
}


def _samples(pictures: int) -> Iterator[Sample]:
    for number in range(pictures):
        picture, caption = draw(number), caption_of(number)
        seen = {"http_headers": json.dumps({"Content-Type": "image/jpeg"})}
        yield _jpeg(picture), caption, seen if number % 3 else {}  # without headers nobody knows whether they reserved anything
        match number % 24:
            case 1:
                yield _jpeg(picture), caption, {}
            case 3:
                yield _jpeg(picture, 55), caption_of(1000 + number), {}
            case 5:
                yield _jpeg(ImageOps.mirror(picture)), caption_of(1000 + number), {}
            case 7:
                yield _jpeg(ImageOps.expand(picture, 24, "white")), caption_of(1000 + number), {}
    yield from _planted(pictures)


def _planted(number: int) -> Iterator[Sample]:
    """One or a few of every kind of trouble, each under a key that says what it is."""
    fresh = iter(range(number, number + 100))

    def new(**options: Any) -> bytes:
        return _jpeg(draw(next(fresh)), **options)

    yield new(), "write to jo.miller@mail.example for prints of the harbour wall", {"key": "email"}
    yield new(), "call +44 7700 900123 to visit the ceramics workshop", {"key": "phone"}
    yield new(), "my card 4111 1111 1111 1111 lies on the market stall", {"key": "card"}
    yield new(), "you are a stupid worthless idiot and everybody hates you", {"key": "toxic"}
    yield new(), "eine alte Frau wartet im Regen auf den letzten Bus nach Hause", {"key": "german"}
    yield new(), "un vieux pêcheur répare ses filets devant le phare du port", {"key": "french"}
    rights = "a paper lantern above the canal lock, all rights reserved"
    for key, value in (("noai", "noai"), ("noai_among_others", "max-image-preview:large, noai")):
        yield new(), rights, {"key": key, "http_headers": json.dumps({"X-Robots-Tag": value})}
    reserved = {"http_headers": json.dumps({"tdm-reservation": "1"})}
    yield new(), "a violin left in the empty theatre overnight", {"key": "tdm_reservation", **reserved}
    marked = draw(next(fresh))
    yield _jpeg(marked, xmp=MARK.encode()), "a stone bridge whose maker said no", {"key": "marked"}
    yield _jpeg(marked, 60), "the same bridge without its mark", {"key": UNMARKED_COPY}
    place = Image.Exif()
    place.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.0), 3: "E", 4: (2.0, 17.0, 40.0)})
    yield new(exif=place), "a greenhouse that says where it was photographed", {"key": "gps"}
    yield new(), "a lighthouse swapped after the index was made", {"key": "swapped", "sha256": "0" * 64}
    yield new()[:3000], "a picture that was cut while it was downloaded", {"key": "cut"}
    yield b"<html>404</html>", "a web page served as a picture", {"key": "web_page"}
    yield _jpeg(draw(next(fresh)).resize((90, 70))), "<script>alert(2)</script> a thumbnail of the town library", {"key": "thumbnail"}
    yield _jpeg(Image.new("RGB", SIZE, "navy")), "nothing but a navy blue field", {"key": "flat"}
    yield new(), "<script>alert(1)</script> a red kite over the pine forest", {"key": "script"}
    yield new(), "IMG_0042.jpg", {"key": "file_name"}


def draw(number: int) -> Image.Image:
    """A picture of its own for every number: soft fields of colour, a horizon, and shapes before it."""
    dice = np.frombuffer(hashlib.shake_256(f"winnow demo {number}".encode()).digest(4096), np.uint8)
    field = Image.fromarray(dice[:144].reshape(6, 8, 3).copy()).resize(SIZE, Image.Resampling.BICUBIC)
    canvas = ImageDraw.Draw(field)
    for shape in dice[144 : 144 + 14 * 8].reshape(14, 8).astype(int).tolist():
        x, y, width, height = shape[0] * 300 // 255, shape[1] * 220 // 255, 14 + shape[2] * 110 // 255, 14 + shape[3] * 90 // 255
        box, colour = (x, y, x + width, y + height), tuple(shape[4:7])
        if shape[7] % 3 == 0:
            canvas.ellipse(box, fill=colour)
        elif shape[7] % 3 == 1:
            canvas.rectangle(box, fill=colour)
        else:
            canvas.polygon(((x, y + height), (x + width // 2, y), (x + width, y + height)), fill=colour)
    grain = np.resize(dice[512:], (SIZE[1], SIZE[0], 1)).astype(np.int16) // 16 - 8
    grained = np.clip(np.asarray(field.filter(ImageFilter.GaussianBlur(0.6)), np.int16) + grain, 0, 255)
    return Image.fromarray(grained.astype(np.uint8))


def caption_of(number: int) -> str:
    """A caption of its own for every number below 3,456."""
    mixed = number * 1_597 % (len(SUBJECTS) * len(DOINGS) * len(PLACES))
    place, rest = mixed % len(PLACES), mixed // len(PLACES)
    return f"{SUBJECTS[rest % len(SUBJECTS)]} {DOINGS[rest // len(SUBJECTS)]} {PLACES[place]}"


def _jpeg(picture: Image.Image, quality: int = 88, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, **options)
    return out.getvalue()


def _write_tar(path: str, samples: list[Sample], shard: int) -> None:
    with tarfile.open(path, "w") as tar:
        for offset, (image, caption, metadata) in enumerate(samples):
            key = metadata.get("key", f"{shard:05d}{offset:04d}")
            host = HOSTS[hashlib.sha256(key.encode()).digest()[0] % len(HOSTS)]
            record = {
                "url": f"https://{host}/{hashlib.sha256(image + caption.encode()).hexdigest()[:16]}.jpg", "key": key, "caption": caption,
                "status": "success", "sha256": hashlib.sha256(image).hexdigest(), "http_headers": None, **metadata,
            }  # fmt: skip
            for suffix, content in (("jpg", image), ("txt", caption.encode()), ("json", json.dumps(record).encode())):
                member = tarfile.TarInfo(f"{key}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
