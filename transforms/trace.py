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


def read_query(raw: bytes, mode: Literal["fast", "exact"], reach: Literal["views", "plain"]) -> Query:
    """A picture as annotate would read it.

    Args:
      raw: the file.
      mode: how the run's pictures were decoded.
      reach: what the run keeps of its pictures.

    Raises:
      PictureError: it cannot be opened; the message is the reason.
    """
    picture = open_picture(raw, Decode(), mode)
    hashes = hash_pictures([picture], reach)
    views = hash_pictures([None], "views").views if hashes.views is None else hashes.views
    assert views is not None
    pictures = Pictures(hashes.thumbnails, hashes.phashes, views.have, views.hashes, views.geometry)
    return Query(hashlib.sha256(raw).digest(), bool(hashes.low_detail[0]), picture.width, picture.height, pictures)


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
    """The same for several pictures, each file opened once."""
    asked = [asked_of(query) for query in queries]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        scanned = list(pool.map(lambda path: _scan(path, queries, asked, radius), paths))
    return [_ranked(paths, [found[place] for found in scanned], query) for place, query in enumerate(queries)]


def _ranked(paths: Sequence[str], scanned: Sequence["_Scanned"], query: Query) -> list[Near]:
    files = np.repeat(np.arange(len(paths)), [len(found.rows) for found in scanned])
    rows = np.concatenate([np.empty(0, np.int64), *(found.rows for found in scanned)])
    identical = np.concatenate([np.empty(0, bool), *(found.identical for found in scanned)])
    distances = np.concatenate([np.empty(0, np.uint8), *(found.distances for found in scanned)])
    order = np.lexsort((rows, files, distances, ~identical))[:ALIGNED]
    if not len(order):
        return []
    every = Rows(tuple(SignatureFile(path, found.total) for path, found in zip(paths, scanned, strict=True)))
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
    """Rows of one file that may be shown; their distances are `FAR` where only the bytes are the same. `total`: rows of the file."""

    total: int
    rows: np.ndarray
    distances: np.ndarray
    identical: np.ndarray


@dataclasses.dataclass(frozen=True)
class Asked:
    """Per column of hashes, the query's own that it is compared with; no views where it has none."""

    phashes: list[np.ndarray]
    views: list[np.ndarray]


def _scan(path: str, queries: Sequence[Query], asked: Sequence[Asked], radius: int) -> list[_Scanned]:
    views = any(len(words) for one in asked for words in one.views)
    columns = open_columns(path, ["has_picture", "picture_id", "picture_hashes", *(["view_hashes"] if views else [])])
    return [_near(columns, query, one, radius) for query, one in zip(queries, asked, strict=True)]


def _near(columns: Mapping[str, np.ndarray], query: Query, asked: Asked, radius: int) -> _Scanned:
    distances = nearest(columns["picture_hashes"], asked.phashes)
    distances[distances > radius] = FAR
    if any(len(words) for words in asked.views):
        found = nearest(columns["view_hashes"], asked.views)
        found[found > VIEW_RADIUS] = FAR
        distances = np.minimum(distances, found)
    identity = np.frombuffer(query.sha256[:8], "<u8")[0]
    identical = columns["has_picture"] & (columns["picture_id"] == identity)
    rows = np.flatnonzero(identical | (distances < FAR))
    return _Scanned(len(distances), rows, distances[rows], identical[rows])


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
