"""Small inputs made in code: pictures, tars, shards in every layout. The same arguments give the same bytes."""

import io
import json
import pathlib
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from schemas.job import Source
from schemas.shards import Shard

TAR_END = bytes(1024)


def pixels(width: int = 64, height: int = 48, seed: int = 0) -> np.ndarray:
    """A smooth coloured pattern, uint8[height, width, 3]: other seeds look unlike each other, and re-encoding changes little."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width]).reshape(2, 1, 1)
    channels = []
    for _ in range(3):
        rows = rng.uniform((0.4, -4, -4, 0), (1, 4, 4, 2 * np.pi), (5, 4))
        waves = sum(amplitude * np.sin(2 * np.pi * (fx * x + fy * y) + phase) for amplitude, fx, fy, phase in rows)
        channels.append(127.5 + 127.5 * waves / np.abs(waves).max())
    return np.stack(channels, axis=-1).astype(np.uint8)


def picture(width: int = 64, height: int = 48, seed: int = 0) -> Image.Image:
    """`pixels` as a Pillow picture."""
    return Image.fromarray(pixels(width, height, seed))


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    """A Pillow picture as the bytes of a file: JPEG, PNG, WEBP, GIF, BMP, TIFF, AVIF, MPO."""
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def jpeg(width: int = 64, height: int = 48, seed: int = 0, quality: int = 90, **options: Any) -> bytes:
    """A baseline JPEG file."""
    return encode(picture(width, height, seed), "JPEG", quality=quality, **options)


def png(width: int = 64, height: int = 48, seed: int = 0, **options: Any) -> bytes:
    """A PNG file."""
    return encode(picture(width, height, seed), "PNG", **options)


def webp(width: int = 64, height: int = 48, seed: int = 0, **options: Any) -> bytes:
    """A WebP file."""
    return encode(picture(width, height, seed), "WEBP", **options)


def gif(width: int = 64, height: int = 48, seed: int = 0, **options: Any) -> bytes:
    """A GIF file of one frame."""
    return encode(picture(width, height, seed), "GIF", **options)


def tar_bytes(members: Iterable[tuple[str, bytes | None]], layout: int = tarfile.USTAR_FORMAT, *, end: bool = True) -> bytes:
    """A tar of (name, content) members in this order; content None is a folder. `end=False` leaves the end mark off."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=layout) as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if content is None:
                member.type = tarfile.DIRTYPE
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        length = tar.offset
    return buffer.getvalue()[:length] + (TAR_END if end else b"")


def sample_members(key: str, image: bytes | None, caption: str | None, fields: Mapping[str, Any] | None = None) -> list[tuple[str, bytes]]:
    """The members that img2dataset writes for one sample: `.jpg`, `.txt`, `.json`; what is None is left out."""
    members: list[tuple[str, bytes]] = []
    if image is not None:
        members.append((f"{key}.jpg", image))
    if caption is not None:
        members.append((f"{key}.txt", caption.encode()))
    if fields is not None:
        members.append((f"{key}.json", json.dumps(fields).encode()))
    return members


def sample(number: int, **changed: Any) -> dict[str, Any]:
    """A sample with a picture of its own, as `write_webdataset` and `write_parquet` take it: `key`, `jpg`, `caption`, `url`, ..."""
    made = {
        "key": f"{number:09d}",
        "jpg": jpeg(seed=number),
        "caption": f"a picture of pattern number {number}",
        "url": f"https://site{number % 7}.example/pictures/{number}.jpg",
        "status": "success",
        "error_message": None,
        "width": 64,
        "height": 48,
    }
    return made | changed


def write_webdataset(
    folder: pathlib.Path, samples: Sequence[Mapping[str, Any]], per_shard: int = 1000, *, sidecar: bool = True
) -> list[pathlib.Path]:
    """Tars as img2dataset writes them, `00000.tar` and on, each with its sidecar. A sample whose `jpg` is None is in the sidecar only."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, start in enumerate(range(0, len(samples), per_shard)):
        part = samples[start : start + per_shard]
        members: list[tuple[str, bytes | None]] = []
        for row in part:
            fields = {name: value for name, value in row.items() if name != "jpg"}
            if row["jpg"] is not None:
                members += sample_members(row["key"], row["jpg"], row["caption"], fields)
        path = folder / f"{number:05d}.tar"
        path.write_bytes(tar_bytes(members))
        if sidecar:
            write_parquet(path.with_suffix(".parquet"), [{name: value for name, value in row.items() if name != "jpg"} for row in part])
        paths.append(path)
    return paths


def write_parquet(
    path: pathlib.Path, rows: Sequence[Mapping[str, Any]] | pa.Table, schema: pa.Schema | None = None, **options: Any
) -> pathlib.Path:
    """One Parquet file of rows (dicts) or of a table; options are those of `pyarrow.parquet.write_table`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
    pq.write_table(table, path, **options)
    return path


def make_source(layout: str, *paths: str | pathlib.Path, **options: Any) -> Source:
    """A source of a job."""
    return Source.model_validate({"format": layout, "paths": tuple(map(str, paths)) or ("*",), **options})


def make_shard(file: pathlib.Path, layout: str, **options: Any) -> Shard:
    """The description of one local file as a shard; the sidecar of a tar is found beside it."""
    known: dict[str, Any] = {
        "name": file.stem,
        "source": "main",
        "path": str(file),
        "format": layout,
        "size": file.stat().st_size,
        "version": "1",
    }
    beside = file.with_suffix(".parquet")
    if layout == "webdataset" and beside.exists():
        known |= {"sidecar": str(beside), "sidecar_size": beside.stat().st_size, "sidecar_version": "1"}
    return Shard(**(known | options))
