"""Embeddings that lie beside a shard, as clip-retrieval writes them: `img_emb/img_emb_<N>.npy`, text_emb, `metadata/metadata_<N>.parquet`.

N is the number at the end of the shard's own name, whatever its leading zeros. Vectors are told by the key of their row in the metadata
(its column `key`, else the file name of `image_path`), since clip-retrieval leaves out rows that it could not open. Where a Parquet shard
is the metadata file itself, or there is none, vector i is that of row i of the file.
"""

import dataclasses
import functools
import hashlib
import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import InputError
from schemas.layout import join
from schemas.samples import Samples
from schemas.shards import Shard
from transforms.local_copy import kept_copy
from transforms.storage import FileInfo, list_files, open_read, read_parquet

FOLDERS = {"image": "img_emb", "text": "text_emb", "metadata": "metadata"}  # layout of clip_retrieval/clip_inference/writer.py
_NUMBER = re.compile(r"(\d+)$")
_FLOATS = ("<f2", "<f4", "<f8")
KEYS = ("key", "image_path")


def with_embeddings(shards: Sequence[Shard], folder: str, source: str) -> list[Shard]:
    """The shards of a source, each with the files of a folder that belong to it.

    Args:
      shards: of one source.
      folder: the job's `source.embeddings`.
      source: its name, for messages.

    Raises:
      InputError: the folder has no embeddings, or none for a shard; names what was looked for.
    """
    found = {part: _numbered(folder, name, "parquet" if part == "metadata" else "npy") for part, name in FOLDERS.items()}
    return [_with_files(shard, found, folder, source) for shard in shards]


def _with_files(shard: Shard, found: Mapping[str, Mapping[int, FileInfo]], folder: str, source: str) -> Shard:
    number = _number_of(shard.path)
    files = [None if number is None else found[part].get(number) for part in FOLDERS]
    if files[0] is None and files[1] is None:
        looked = f"{folder}/img_emb/img_emb_{'<N>' if number is None else number}.npy"
        raise InputError(
            f"source {source}: embeddings: nothing for the shard {shard.path} (looked for {looked} and in text_emb; N is the number at "
            "the end of a shard's name)"
        )
    versions = [f"{file.size} {file.version}" if file else "" for file in files]
    digest = hashlib.sha256("\n".join(versions).encode()).hexdigest()[:16]
    return dataclasses.replace(shard, embeddings=tuple(file.path if file else "" for file in files), embeddings_version=digest)


def _numbered(folder: str, name: str, ending: str) -> dict[int, FileInfo]:
    found: dict[int, FileInfo] = {}
    for file in list_files(join(folder, name, f"*.{ending}")):
        number = _number_of(file.path)
        if number is not None and found.setdefault(number, file) is not file:
            raise InputError(f"{file.path} and {found[number].path} have one number, so which belongs to a shard is not told; rename one")
    return found


def _number_of(path: str) -> int | None:
    """The number at the end of a file's name without what follows its first dot.

    >>> _number_of("a/img_emb_0012.npy"), _number_of("00003.tar.gz"), _number_of("a.tar")
    (12, 3, None)
    """
    found = _NUMBER.search(path.rsplit("/", 1)[-1].partition(".")[0])
    return int(found.group(1)) if found else None


@dataclasses.dataclass(frozen=True)
class Beside:
    """The embeddings of a shard, looked up batch by batch."""

    shard: Shard

    def of(self, samples: Samples) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Per side the vectors (floats, [m, width]) of a batch's rows, and these rows, counted from its first, int64[m].

        Raises:
          InputError: a file is no matrix of numbers, or has other rows than its shard; names it and the cure.
        """
        if not self.shard.embeddings:
            return {}
        places = self._places(samples)
        rows = np.flatnonzero(places >= 0)
        sides = {side: path for side, path in zip(FOLDERS, self.shard.embeddings, strict=True) if path and side != "metadata"}
        return {side: (self._matrix(path)[places[rows]], rows) for side, path in sides.items()}

    def _places(self, samples: Samples) -> np.ndarray:
        if self._by_key is None:
            return self._first + samples.core.column("row").to_numpy()
        return np.array([self._by_key.get(key, -1) for key in samples.core.column("key").to_pylist()], np.int64)

    @functools.cached_property
    def _by_key(self) -> dict[str, int] | None:
        metadata, path = self.shard.embeddings[2], self.shard.path
        if metadata == path or (not metadata and self.shard.format != "webdataset"):
            return None
        if not metadata:
            raise InputError(f"{path}: embeddings lie beside it, but no metadata_<N>.parquet that says which row each is of; put it there")
        with open_read(metadata) as file:
            there = pq.read_schema(file).names
        column = next((name for name in KEYS if name in there), None)
        if column is None:
            raise InputError(f"{metadata}: neither a column key nor image_path, so which row a vector is of is not told")
        keys = read_parquet(metadata, [column]).column(column).cast(pa.string()).to_pylist()
        found: dict[str, int] = {}
        for place, key in enumerate(keys):
            if key is not None:
                found.setdefault(key if column == "key" else key.rsplit("/", 1)[-1].partition(".")[0], place)
        self._check(len(keys), metadata)
        return found

    @functools.cached_property
    def _first(self) -> int:
        """The vector of the shard's first row, where rows are told by their order."""
        with open_read(self.shard.path) as file:
            footer = pq.read_metadata(file)
        self._check(footer.num_rows, self.shard.path)
        return sum(footer.row_group(group).num_rows for group in range(self.shard.row_groups[0] if self.shard.row_groups else 0))

    def _check(self, rows: int, told_by: str) -> None:
        for path in filter(None, self.shard.embeddings[:2]):
            if len(self._matrix(path)) != rows:
                raise InputError(f"{path}: {len(self._matrix(path))} vectors, and {told_by} has {rows} rows; make both anew from one run")

    def _matrix(self, path: str) -> np.ndarray:
        return _opened(path, self.shard.embeddings_version)


@functools.lru_cache(maxsize=4)
def _opened(path: str, version: str) -> np.ndarray:  # noqa: ARG001 -- another file of the name is not this one
    try:
        found = np.load(kept_copy(path), mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no .npy file that can be read ({error})") from error
    if found.ndim != 2 or found.dtype.str not in _FLOATS:
        raise InputError(f"{path}: embeddings are a matrix of float16, float32 or float64; this is {found.dtype.str}, {found.ndim} axes")
    return found
