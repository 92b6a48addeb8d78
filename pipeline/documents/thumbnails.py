"""A handful of kept pictures, small, for the datasheet: chosen by a hash, from the released files, never from what was noticed."""

import base64
import dataclasses
import io
from collections.abc import Iterator

import numpy as np
import xxhash
from PIL import ImageOps

from pipeline.documents.evidence import Evidence
from schemas.job import Decode
from schemas.layout import Layout
from schemas.reasons import KEPT, RESERVED
from transforms.images.decode import PictureError, decode_rgb
from transforms.storage import open_parquet, read_parquet

SHOWN = 8
SHARDS = 4  # at most so many ledger and data files are opened for it
SIDE = 160
_SEED = 0x5448554D
_BUDGET = Decode(max_pixels=100_000_000, max_bytes=52_428_800)


@dataclasses.dataclass(frozen=True)
class Thumbnail:
    """A JPEG of at most 160 pixels a side, as base64, and its size."""

    base64: str
    width: int
    height: int


def thumbnails(evidence: Evidence) -> list[Thumbnail]:
    """Thumbnails of kept rows without any flag, action or reservation; none where the release holds no pictures.

    Which rows: those whose uid has the smallest keyed hash, in the shards whose name has. A picture is drawn anew from its pixels, so
    that none of its metadata comes along.
    """
    if "image" not in evidence.schema.schema.names:
        return []
    shards = sorted((name for name, file in evidence.data_files.items() if file["rows"]), key=_rank)[:SHARDS]
    return list(_drawn(evidence.run.layout, shards))


def thumbnail(raw: bytes, budget: Decode = _BUDGET) -> Thumbnail | None:
    """A picture as a small JPEG without metadata; None where it cannot be decoded."""
    try:
        image = ImageOps.contain(decode_rgb(raw, budget, SIDE).convert("RGB"), (SIDE, SIDE))
    except PictureError:
        return None
    target = io.BytesIO()
    image.save(target, "JPEG", quality=80)
    return Thumbnail(base64.b64encode(target.getvalue()).decode(), image.width, image.height)


def _drawn(layout: Layout, shards: list[str]) -> Iterator[Thumbnail]:
    left = SHOWN
    for place, shard in enumerate(shards):
        share = -(-left // (len(shards) - place))
        for raw in _pictures(layout, shard, share):
            drawn = thumbnail(raw)
            if drawn is not None:
                left -= 1
                yield drawn


def _pictures(layout: Layout, shard: str, number: int) -> Iterator[bytes]:
    ledger = read_parquet(layout.ledger_file(shard), ["uid", "verdict", "flags", "actions", "consent"]).to_pylist()
    kept = [row for row in ledger if row["verdict"] == KEPT]
    plain = [n for n, row in enumerate(kept) if not row["flags"] and not row["actions"] and row["consent"] != RESERVED]
    chosen = sorted(plain, key=lambda n: _rank(kept[n]["uid"]))[:number]
    with open_parquet(layout.data_file(shard)) as data:
        starts = np.cumsum([0, *(data.metadata.row_group(group).num_rows for group in range(data.num_row_groups))])
        for row in chosen:
            group = int(np.searchsorted(starts, row, side="right")) - 1
            image = data.read_row_group(group, columns=["image"], use_threads=False).column("image")[row - int(starts[group])].as_py()
            if image is not None and image["bytes"] is not None:
                yield image["bytes"]


def _rank(name: str) -> tuple[int, str]:
    return xxhash.xxh3_64_intdigest(name.encode(), _SEED), name
