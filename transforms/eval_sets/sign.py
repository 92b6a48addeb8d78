"""Signatures of a benchmark set, made by the same code as those of the dataset's own rows, so that match can hold one against the other."""

import dataclasses
import functools
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from schemas.job import Decode, Dedup
from schemas.samples import MAX_BATCH_ROWS, SAMPLE, Samples
from transforms.annotate import row_uid
from transforms.eval_sets.caption_files import read_captions
from transforms.eval_sets.sets import Part
from transforms.filters.base import Batch
from transforms.images.decode import Picture, PictureError, open_picture
from transforms.images.phash import hash_pictures
from transforms.match.clusters import ALONE
from transforms.match.columns import write_columns
from transforms.match.elders import BENCHMARK, write_places
from transforms.match.signatures import sign
from transforms.read.reader import open_shard
from transforms.storage import atomic_write, read_bytes, read_json, write_bytes
from transforms.text.caption import count_words
from transforms.text.url import normal_url

_AT_ONCE = 4 << 20  # bytes of pictures: what is freed is taken again; fresh pages for 64 MiB cost a fifth of all that signing costs


@dataclasses.dataclass
class Tally:
    """What a part holds.

    Attributes:
      rows: signature rows.
      pictures: pictures with bytes.
      unreadable: among them, those that cannot be decoded: only their bytes count.
      captions: captions that count.
      short: captions that do not, because they have too few words.
    """

    rows: int = 0
    pictures: int = 0
    unreadable: int = 0
    captions: int = 0
    short: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(mine + its for mine, its in zip(vars(self).values(), vars(other).values(), strict=True)))


def sign_part(part: Part, dedup: Dedup, signature: str, places: str, tally: str) -> None:
    """Writes the signatures of a part, what match is told of their rows, then, as the sign that both are there, its tally as JSON.

    Raises:
      MissingError: a file is gone.
      JobError: a file of captions, or the mapping of a shard's columns, is wrong.
      InputError: a shard cannot be read.
    """
    counts, batches = Tally(), list[pa.RecordBatch]()
    for samples, images in _samples(part):
        batches.append(_signed(samples, images, dedup, part.min_words, counts))
    with atomic_write(signature) as scratch:
        write_columns(batches, scratch)
    nobody = np.full(counts.rows, ALONE, np.int64)
    write_places(places, np.full(counts.rows, BENCHMARK, np.uint8), nobody, nobody)
    write_bytes(tally, json.dumps({"counts": vars(counts), "items": _items(part)}, sort_keys=True).encode())


def read_tally(path: str) -> Tally:
    """The tally of a part that is signed."""
    return Tally(**read_json(path)["counts"])


@functools.lru_cache(maxsize=256)
def read_items(path: str) -> list[str]:
    """What people call the rows of a part: the file of each picture, or, as its only entry, the file that all rows lie in."""
    items: list[str] = read_json(path)["items"]
    return items


def _items(part: Part) -> list[str]:
    if part.shard is not None:
        return [os.path.basename(part.shard.path)]
    folder = os.path.commonpath([os.path.dirname(file.path) for file in part.files])
    return [file.path[len(folder) :].lstrip("/") for file in part.files]


def _samples(part: Part) -> Iterator[tuple[Samples, Sequence[bytes | None]]]:
    """Rows of a part, some at a time, and the bytes of their pictures."""
    if part.shard is not None:
        with open_shard(part.shard, part.source) as reader:
            for samples in reader.batches():
                yield samples, samples.core.column("image").to_pylist()
    elif part.kind == "captions":
        captions = list(read_captions(part.files[0].path, part.column))
        for start in range(0, len(captions), MAX_BATCH_ROWS):
            some = captions[start : start + MAX_BATCH_ROWS]
            yield _rows(len(some), some), [None] * len(some)
    else:
        images: list[bytes] = []
        for file in part.files:
            images.append(read_bytes(file.path))
            if len(images) == MAX_BATCH_ROWS or sum(map(len, images)) > _AT_ONCE:
                yield _rows(len(images)), images
                images = []
        if images:
            yield _rows(len(images)), images


def _rows(count: int, captions: Sequence[str] | None = None) -> Samples:
    """Rows of captions alone, or of pictures, whose bytes are not copied into them."""
    nothing = [None] * count
    known: dict[str, Sequence[Any]] = {
        "row": range(count), "caption": captions or nothing, "disallowed": [False] * count, "extra": [[]] * count, "flags": [[]] * count,
    }  # fmt: skip
    columns = [pa.array(known.get(field.name, nothing), field.type) for field in SAMPLE]
    empty = pa.RecordBatch.from_arrays([], names=[])
    return Samples(pa.RecordBatch.from_arrays(columns, schema=SAMPLE), empty, {}, has_bytes=captions is None)


def _signed(samples: Samples, images: Sequence[bytes | None], dedup: Dedup, least: int | None, tally: Tally) -> pa.RecordBatch:
    urls = [None if url is None else normal_url(url) for url in samples.core.column("url").to_pylist()]
    mode = dedup.images.mode
    pictures = [_opened(raw, mode) for raw in images]
    sha256 = [None if raw is None else hashlib.sha256(raw).digest() for raw in images]
    batch = Batch(samples, pictures, sha256, [], [], [], {}, mode)
    counted = [text is not None and least is not None and count_words(text) >= least for text in batch.normal_captions]
    tally.rows += len(batch)
    tally.pictures += sum(raw is not None for raw in images)
    tally.unreadable += sum(raw is not None and picture is None for raw, picture in zip(images, pictures, strict=True))
    tally.captions += sum(counted)
    tally.short += sum(text is not None for text in batch.captions) - sum(counted)
    batch.captions = [text if counts else None for text, counts in zip(batch.captions, counted, strict=True)]
    batch.normal_captions = [text if counts else None for text, counts in zip(batch.normal_captions, counted, strict=True)]
    uids = [row_uid(*fields) for fields in zip(sha256, urls, batch.captions, strict=True)]
    url_ids = [None if url is None else hashlib.sha256(url.encode("utf-8", "surrogatepass")).digest()[:16] for url in urls]
    hashes = hash_pictures(pictures, dedup.images.reach) if samples.has_bytes else None
    return sign(batch, uids, hashes, url_ids, dedup.captions.digits)


def _opened(raw: bytes | None, mode: Literal["fast", "exact"]) -> Picture | None:
    try:
        return None if raw is None else open_picture(raw, Decode(), mode)
    except PictureError:
        return None
