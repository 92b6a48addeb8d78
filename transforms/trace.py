"""The rows of a run that lie closest to a given picture: the same bytes, a near perceptual hash, or a view of one that is the other.

No index is needed and none is kept: of each row 40 bytes are read, with `dedup.images.reach: views` 240, and every comparison is made. The
nearest rows are then aligned with the picture, which tells the same picture from one that looks like it.
"""

import dataclasses
import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np

from schemas.job import Decode
from schemas.signatures import PHASHES, VIEWS
from transforms.images.alignment import AGREE
from transforms.images.decode import open_picture
from transforms.images.nearest import MEETINGS, ORIENTATIONS, orient
from transforms.images.phash import hash_pictures
from transforms.match.columns import open_columns
from transforms.match.rows import Rows, SignatureFile
from transforms.match.scan import FAR, nearest
from transforms.match.verify import PICTURE_COLUMNS, Pictures, picture_agreements

RADIUS = 6  # bits of 64 by which two perceptual hashes may differ, `schemas.signatures.FAST_SLACK` more where the run's mode is fast
VIEW_RADIUS = 8  # of the hashes of views, as match has it
DEFAULT_BUDGET = Decode()
ALIGNED = 512  # rows, the nearest, that are aligned with the picture


@dataclasses.dataclass(frozen=True)
class Query:
    """The picture that is looked for.

    Attributes:
      sha256: of its bytes.
      low_detail: whether its hashes say nothing, so that only the same bytes can be found.
      width: in pixels, as displayed.
      height: likewise.
      pictures: one row, what it is compared by.
    """

    sha256: bytes
    low_detail: bool
    width: int
    height: int
    pictures: Pictures


@dataclasses.dataclass(frozen=True)
class Near:
    """A row that was found.

    Attributes:
      file: number of its signature file.
      row: its row there, and in its shard.
      identical: whether its picture has the same bytes.
      distance: bits by which the nearest two hashes of both differ; None where only the bytes were compared.
      agreement: 0 to 1, how well the two agree once aligned; from `transforms.images.alignment.AGREE` on they are the same picture.
      thumbnail: uint8[48, 48], grey, without border; zeros where there is none.
      geometry: float32[9], see `transforms.images.views`; zeros with `reach: plain`.
    """

    file: int
    row: int
    identical: bool
    distance: int | None
    agreement: float
    thumbnail: np.ndarray
    geometry: np.ndarray

    @property
    def same(self) -> bool:
        """Whether it is the same picture, and not one that looks like it."""
        return self.identical or self.agreement >= AGREE


def read_query(raw: bytes, mode: Literal["fast", "exact"], reach: Literal["views", "plain"], budget: Decode = DEFAULT_BUDGET) -> Query:
    """A picture as annotate would read it.

    Args:
      raw: the file.
      mode: how the run's pictures were decoded.
      reach: what the run keeps of its pictures.
      budget: of one picture.

    Raises:
      PictureError: it cannot be opened; the message is the reason.
    """
    picture = open_picture(raw, budget, mode)
    hashes = hash_pictures([picture], reach)
    return Query(hashlib.sha256(raw).digest(), bool(hashes.low_detail[0]), picture.width, picture.height, Pictures.of_hashes(hashes))


def trace(paths: Sequence[str], query: Query, radius: int) -> list[Near]:
    """The rows that lie closest, the best first: the same bytes, the same picture by agreement, then what looks like it by distance.

    Args:
      paths: signature files.
      query: the picture.
      radius: bits by which perceptual hashes may differ.

    Returns:
      At most 512 rows.

    Raises:
      InputError: a file was written by another version.
    """
    [found] = trace_all(paths, [query], radius)
    return found


def trace_all(paths: Sequence[str], queries: Sequence[Query], radius: int) -> list[list[Near]]:
    """The same for several pictures. Each file is read once, for the hashes of all of them; what is near any is compared with each."""
    if not queries:
        return []
    asked = [asked_of(query) for query in queries]
    identities = np.array([_identity(query) for query in queries], np.uint64)
    any_of = Asked(_joined([one.phashes for one in asked]), _joined([one.views for one in asked]))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        scanned = list(pool.map(lambda path: _scan(path, identities, any_of, radius), paths))
    files = np.repeat(np.arange(len(paths)), [len(found.rows) for found in scanned])
    rows = np.concatenate([np.empty(0, np.int64), *(found.rows for found in scanned)])
    columns = {name: np.concatenate([found.columns[name] for found in scanned]) for name in scanned[0].columns} if scanned else {}
    every = Rows(tuple(SignatureFile(path, found.total) for path, found in zip(paths, scanned, strict=True)))
    return [_ranked(every, files, rows, columns, query, one, radius) for query, one in zip(queries, asked, strict=True)]


def _joined(asked: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    return [np.concatenate(words) for words in zip(*asked, strict=True)]


def _identity(query: Query) -> int:
    return int(np.frombuffer(query.sha256[:8], "<u8")[0])


def _ranked(
    every: Rows, files: np.ndarray, rows: np.ndarray, columns: Mapping[str, np.ndarray], query: Query, asked: "Asked", radius: int
) -> list[Near]:
    """What a query finds among rows that are near any query; `files` and `rows` say where they are."""
    if not len(rows):
        return []
    distances = _distances(columns, asked, radius)
    identical = columns["has_picture"] & (columns["picture_id"] == np.uint64(_identity(query)))
    mine = np.flatnonzero(identical | (distances < FAR))
    order = mine[np.lexsort((rows[mine], files[mine], distances[mine], ~identical[mine]))][:ALIGNED]
    if not len(order):
        return []
    dense = np.array(every.starts[:-1], np.int64)[files[order]] + rows[order]
    pictures = _pictures(every, dense)
    agreement = np.zeros(len(order))
    near = np.flatnonzero(distances[order] < FAR)
    agreement[near] = picture_agreements(query.pictures, np.zeros(len(near), np.int64), pictures, near)
    agreement[identical[order]] = 1.0
    best = np.lexsort((np.arange(len(order)), -np.where(agreement >= AGREE, agreement, 0), ~identical[order]))
    return [
        Near(
            int(files[at]), int(rows[at]), bool(identical[at]), int(distances[at]) if distances[at] < FAR else None,
            float(agreement[place]), pictures.thumbnails[place], pictures.geometry[place],
        )
        for place, at in zip(best.tolist(), order[best].tolist(), strict=True)
    ]  # fmt: skip


@dataclasses.dataclass(frozen=True)
class _Scanned:
    """Rows of one file that may be shown for any query, and what they are compared by. `total`: rows of the file."""

    total: int
    rows: np.ndarray
    columns: Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Asked:
    """Per column of hashes, the query's own that it is compared with; no views where it has none."""

    phashes: list[np.ndarray]
    views: list[np.ndarray]


def _scan(path: str, identities: np.ndarray, asked: Asked, radius: int) -> _Scanned:
    views = any(len(words) for words in asked.views)
    columns = open_columns(path, ["has_picture", "picture_id", "picture_hashes", *(["view_hashes"] if views else [])])
    identical = columns["has_picture"] & np.isin(columns["picture_id"], identities)
    rows = np.flatnonzero(identical | (_distances(columns, asked, radius) < FAR))
    return _Scanned(len(identical), rows, {name: values[rows] for name, values in columns.items()})


def _distances(columns: Mapping[str, np.ndarray], asked: Asked, radius: int) -> np.ndarray:
    """The least distance of each row by any hash that is near enough, uint8[n]; `FAR` where none is."""
    distances = nearest(columns["picture_hashes"], asked.phashes)
    distances[distances > radius] = FAR
    if any(len(words) for words in asked.views):
        found = nearest(columns["view_hashes"], asked.views)
        found[found > VIEW_RADIUS] = FAR
        distances = np.minimum(distances, found)
    return distances


def asked_of(query: Query) -> Asked:
    """What is looked up of either side is compared with the views of the other that meet it."""
    phashes = [np.empty(0, np.uint64)] * len(PHASHES)
    views = [[np.empty(0, np.uint64)] for _ in VIEWS]
    if query.low_detail:
        return Asked(phashes, [*map(np.concatenate, views)])
    for column, name in enumerate(PHASHES):
        if not name.endswith("_mirrored"):  # those of the query are enough
            phashes[column] = query.pictures.phashes[0]
    oriented = np.stack([orient(query.pictures.view_hashes[0], way) for way in range(ORIENTATIONS)], axis=1)
    have = query.pictures.views[0] >> np.arange(len(VIEWS), dtype=np.uint32) & np.uint32(1) != 0
    for entry, way, first, last in MEETINGS.tolist():
        for view in range(first, last):
            if have[entry]:
                views[view].append(oriented[entry, way : way + 1])
            if have[view]:
                views[entry].append(oriented[view, _back(way) : _back(way) + 1])
    return Asked(phashes, [*map(np.concatenate, views)])


def _back(way: int) -> int:
    """The orientation that undoes another: about its diagonal a picture's rows and columns change places.

    >>> [_back(way) for way in range(8)]
    [0, 1, 2, 3, 4, 6, 5, 7]
    """
    return 4 | (way & 1) << 1 | (way & 2) >> 1 if way & 4 else way


def _pictures(rows: Rows, dense: np.ndarray) -> Pictures:
    """What some rows are compared by, in the order in which their numbers are given."""
    order = np.argsort(dense, kind="stable")
    parts: list[list[np.ndarray]] = [[] for _ in PICTURE_COLUMNS]
    for owner in range(rows.owners):
        start, stop = rows.span(owner)
        low, high = np.searchsorted(dense[order], [start, stop])
        read = rows.read(owner, PICTURE_COLUMNS, dense[order][low:high] - start)
        for part, name in zip(parts, PICTURE_COLUMNS, strict=True):
            part.append(read[name])
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return Pictures.of([np.concatenate(part) for part in parts]).take(back)
