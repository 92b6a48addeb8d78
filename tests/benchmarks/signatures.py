"""Signature files of as many rows as wanted, with planted duplicates and their truth, for the benchmark of match.

    python tests/benchmarks/signatures.py CAPTIONS.parquet COPIES OUT [--shard-rows 100000]

CAPTIONS has columns caption and group (rows of one group repeat each other); every caption comes COPIES times, from the second on with
half as many random words behind it, the same for its whole group. A twentieth of the rows have one of twenty texts instead, half of
them with a number behind. Captions are signed by Winnow's own code.

Pictures are never drawn: four independent random hashes a row, which no real picture has and which costs most. A fifth of the rows are
near copies of another row's picture, 0 to 4 bits of each hash away, a third of them with a border (the untrimmed hashes are others), a
third in the mirror; a twentieth have one of twenty placeholders, half of them the same file, half 0 to 2 bits away. Thumbnails agree
with that: the same for a picture and its copies up to a few grey levels, and noise in blocks of four sizes, of the entropy of a photo's
levels and with as many sharp edges. Noise in small blocks alone passes for dense print, of which every pair is looked at twice.

Rows that copy or are copied stand in runs of sixteen, for a thumbnail that nobody reads is a hole in the file: a million rows take
about 1.3 GB of disk where annotate would write 3.5. OUT gets the files, `truth_captions.npy` and `truth_pictures.npy` (int64, equal for
rows that are one; negative for the twenty hot ones).
"""

import argparse
import hashlib
import pathlib
import subprocess

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.signatures import CELLS, CELLS_SIDE, CHROMA, PHASHES, SIGNATURE, THUMBNAIL_SIDE
from transforms.images.drawn import looks
from transforms.match.columns import write_columns
from transforms.match.detail_column import DETAILS
from transforms.match.signatures import caption_columns
from transforms.text.caption import normal_form

HOT = 20
RUN = 16  # rows
GREY_BLOCK = 3  # pixels of a thumbnail that share a value
OCTAVES = (1, 2, 4, 8)  # blocks along a side whose mean counts, as much less as there are more of them


def mixed(values: np.ndarray, salt: int = 0) -> np.ndarray:
    """A fixed bijection of 64 bits (splitmix64's finaliser)."""
    x = np.asarray(values).astype(np.uint64) + np.uint64(salt * 0x9E3779B97F4A7C15 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ x >> np.uint64(shift)) * np.uint64(factor)
    return x ^ x >> np.uint64(31)


class Captions:
    """Texts of any row, and which rows have the same."""

    def __init__(self, path: str, copies: int) -> None:
        table = pq.read_table(path, columns=["caption", "group"])
        self._texts, self._groups = table["caption"].to_pylist(), table["group"].to_numpy()
        self.rows = len(self._texts) * copies
        draw = np.random.default_rng(11)
        self._source = draw.permutation(self.rows)
        hot = draw.permutation(self.rows)[: self.rows // 20]
        self._hot = np.full(self.rows, -1)
        self._hot[hot] = draw.integers(HOT, size=len(hot))
        self._words = sorted({word for text in self._texts[:20_000] for word in text.split()})
        self._hot_texts = [self._draw(1_000 * k, 9) for k in range(HOT)]

    def _draw(self, seed: int, count: int) -> str:
        return " ".join(self._words[at] for at in (mixed(np.arange(count), seed + 1) % np.uint64(len(self._words))).tolist())

    def of(self, rows: np.ndarray) -> tuple[list[str], np.ndarray]:
        """The captions of some rows, and the truth of each."""
        source, copy = self._source[rows] % len(self._texts), self._source[rows] // len(self._texts)
        truth = self._groups[source] * 64 + copy
        texts = []
        for row, at, k, name, hot in zip(
            rows.tolist(), source.tolist(), copy.tolist(), truth.tolist(), self._hot[rows].tolist(), strict=True
        ):
            if hot >= 0:
                texts.append(self._hot_texts[hot] + (f" {name}" if row & 1 else ""))
            else:
                text = self._texts[at]
                texts.append(f"{text} {self._draw(name, max(3, len(text.split()) // 2))}" if k else text)
        return texts, np.where(self._hot[rows] >= 0, -1 - self._hot[rows], truth)


def like_photos(noise: np.ndarray) -> np.ndarray:
    """Grey levels as varied over a picture as those of photos are, from noise that is independent in every block; a mirror stays one.

    Args:
      noise: uint8[n, 16, 16].

    Returns:
      uint8[n, 16, 16]. By `transforms.images.drawn` none is drawn, dense or on a ground, and one in twenty is smooth.
    """
    grey, side = np.zeros(noise.shape, np.int64), noise.shape[1]
    for blocks in OCTAVES:
        sums = (noise.astype(np.int64) - 128).reshape(-1, side // blocks, blocks, side // blocks, blocks).sum(axis=(2, 4))
        grey += sums.repeat(blocks, 1).repeat(blocks, 2) * (OCTAVES[-1] // blocks)
    return np.clip(128 + (grey + 20) // 40, 0, 255).astype(np.uint8)


class Pictures:
    """What match compares of the pictures of any row, and which rows have the same."""

    def __init__(self, rows: int) -> None:
        draw = np.random.default_rng(12)
        active = np.flatnonzero(np.arange(rows) // RUN % 20 < 9)
        mine = draw.permutation(active)
        near, hot, base = np.split(mine, [rows // 5, rows // 5 + rows // 20])
        self._root = np.arange(rows)
        self._root[near] = draw.choice(base, len(near))
        self._root[hot] = rows + draw.integers(HOT, size=len(hot))
        self._rows, self._near = rows, np.zeros(rows, bool)
        self._near[near] = True
        self._active = np.zeros(rows, bool)
        self._active[active] = True

    def of(self, rows: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """The columns of some rows, and the truth of each."""
        root, near, dice = self._root[rows], self._near[rows], mixed(rows, 5)
        hot = root >= self._rows
        file = hot & (dice & np.uint64(1) == 0)
        kind = (dice >> np.uint64(8)) % np.uint64(3)
        bordered, mirrored = near & (kind == 1), near & (kind == 2)
        flips = np.where(near, (dice >> np.uint64(16)) % np.uint64(5), np.where(hot & ~file, (dice >> np.uint64(16)) % np.uint64(3), 0))
        hashes = np.empty((len(rows), len(PHASHES)), "<u8")
        for view in range(len(PHASHES)):
            value = mixed(root, 20 + view)
            for j in range(4):
                bit = mixed(rows * 8 + j, 30 + view) & np.uint64(63)
                value = np.where(flips > j, value ^ np.uint64(1) << bit, value)
            hashes[:, view] = np.where(bordered & (view < 2), mixed(rows, 40 + view), value)
        hashes[mirrored] = hashes[mirrored][:, [1, 0, 3, 2]]
        thumbnails = self._thumbnails(rows, np.where(file, root, rows), mirrored)
        columns = {
            "has_picture": np.ones(len(rows), bool),
            "has_hashes": np.ones(len(rows), bool),
            "picture_id": np.where(file, mixed(root, 50), mixed(rows, 51)),
            "picture_hashes": hashes,
            "thumbnail": thumbnails,
            "looks": looks(thumbnails).bits(),
            "chroma": self._chroma(rows, mirrored),
        }
        return columns, np.where(hot, -1 - (root - self._rows), root)

    def _chroma(self, rows: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
        words = np.arange(len(CHROMA) * CELLS // 8)
        cells = mixed(self._root[rows, None] * 64 + words, 62).view(np.int8).reshape(-1, len(CHROMA), CELLS_SIDE, CELLS_SIDE) // 4
        cells[mirrored] = cells[mirrored][..., ::-1]
        return cells.reshape(len(rows), -1)

    def _thumbnails(self, rows: np.ndarray, file: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
        side = THUMBNAIL_SIDE // GREY_BLOCK
        out = np.zeros((len(rows), THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.uint8)
        shown = np.flatnonzero(self._active[rows])
        words = np.arange(side * side // 8)
        base = mixed(self._root[rows[shown], None] * 64 + words, 60).view(np.uint8).reshape(-1, side, side).astype(np.int16)
        noise = mixed(file[shown, None] * 64 + words, 61).view(np.uint8).reshape(-1, side, side) % 17
        grey = np.clip(base + noise - 8, 0, 255).astype(np.uint8)
        grey[mirrored[shown]] = grey[mirrored[shown]][:, :, ::-1]
        out[shown] = like_photos(grey).repeat(GREY_BLOCK, 1).repeat(GREY_BLOCK, 2)
        return out.reshape(len(rows), -1)


def batch_of(captions: Captions, pictures: Pictures, rows: np.ndarray) -> tuple[pa.RecordBatch, np.ndarray, np.ndarray]:
    """The signatures of some rows, and the two truths."""
    texts, truth_captions = captions.of(rows)
    columns, truth_pictures = pictures.of(rows)
    arrays: dict[str, pa.Array] = caption_columns([normal_form(text) for text in texts])
    columns["uid"] = np.stack([mixed(rows, 70), mixed(rows, 71)], axis=1)
    digests = np.frombuffer(b"".join(hashlib.sha256(text.encode()).digest()[:8] for text in texts), "<u8")
    columns["order"] = np.stack([mixed(rows, 72), digests.astype(np.uint64)], axis=1)
    names = [name for name in SIGNATURE.names if name != DETAILS]
    for field in map(SIGNATURE.field, names):
        if field.name in arrays:
            continue
        if not pa.types.is_fixed_size_binary(field.type):
            arrays[field.name] = pa.array(columns.get(field.name, np.zeros(len(rows), np.int64)), field.type)
        else:
            values = columns.get(field.name, np.zeros((len(rows), field.type.byte_width), np.uint8))
            arrays[field.name] = pa.FixedSizeBinaryArray.from_buffers(
                field.type, len(rows), [None, pa.py_buffer(np.ascontiguousarray(values))]
            )
    return pa.RecordBatch.from_pydict({name: arrays[name] for name in names}), truth_captions, truth_pictures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captions")
    parser.add_argument("copies", type=int)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--shard-rows", type=int, default=100_000)
    arguments = parser.parse_args()
    captions = Captions(arguments.captions, arguments.copies)
    pictures = Pictures(captions.rows)
    arguments.out.mkdir(parents=True, exist_ok=True)
    truths = []
    for number, start in enumerate(range(0, captions.rows, arguments.shard_rows)):
        batch, *truth = batch_of(captions, pictures, np.arange(start, min(captions.rows, start + arguments.shard_rows)))
        path = str(arguments.out / f"{number:05d}.arrow")
        write_columns([batch], path)
        subprocess.run(["fallocate", "--dig-holes", path], check=False)
        truths.append(truth)
    for name, parts in zip(("captions", "pictures"), zip(*truths, strict=True), strict=True):
        np.save(arguments.out / f"truth_{name}.npy", np.concatenate(parts))


if __name__ == "__main__":
    main()
