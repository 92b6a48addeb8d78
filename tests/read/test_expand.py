"""Compressed files give all that can be had of them, told by content."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from transforms.read import expand
from transforms.read.expand import Expanded, compression_of

DATA = np.random.default_rng(1).bytes(200_000) + bytes(700_000) + b"end"
COMPRESSORS: dict[expand.Compression, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda data: pa.compress(data, "zstd", asbytes=True),
}


def expanded(raw: bytes, kind: expand.Compression) -> tuple[bytes, str | None]:
    stream = Expanded(io.BytesIO(raw), kind)
    return b"".join(stream), stream.damage


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_parts_one_after_another_are_one_stream(kind: expand.Compression) -> None:
    raw = COMPRESSORS[kind](DATA)
    assert compression_of(raw) == kind
    assert expanded(raw, kind) == (DATA, None)
    assert expanded(raw + raw, kind) == (DATA + DATA, None)


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
def test_padding_between_and_after_parts_is_no_damage(kind: expand.Compression) -> None:
    raw = COMPRESSORS[kind](DATA)
    assert expanded(raw + bytes(700) + raw + bytes(100_000), kind) == (DATA + DATA, None)


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_a_cut_stream_gives_what_came_before_the_cut(kind: expand.Compression) -> None:
    data = np.random.default_rng(2).bytes(3_000_000)
    raw = COMPRESSORS[kind](data)
    out, damage = expanded(raw[: len(raw) * 3 // 4], kind)
    assert len(out) > 1_500_000
    assert data.startswith(out)
    assert damage is not None
    assert "ends early" in damage


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_other_bytes_after_the_stream_are_told(kind: expand.Compression) -> None:
    out, damage = expanded(COMPRESSORS[kind](bytes(512 * 20)) + b"other bytes", kind)
    assert out == bytes(512 * 20)
    assert damage is not None


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_a_bomb_is_not_read_on_and_never_held(kind: expand.Compression, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expand, "MAX_FREE", 1 << 20)
    stream = Expanded(io.BytesIO(COMPRESSORS[kind](bytes(30_000_000))), kind)
    sizes = [len(chunk) for chunk in stream]
    assert sum(sizes) < 20_000_000
    assert max(sizes) <= expand.CHUNK
    assert stream.damage is not None
    assert "not read on" in stream.damage
