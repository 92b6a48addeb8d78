"""Rows that look the same as a picture that goes, by the hashes and thumbnails that are stored of both: clusters do not hold all of them.

A cluster is made compact, so that a copy of a copy may be in another; with `dedup.policy: image_and_caption` it holds no copy under another
caption; and rows that were appended to a release are in no cluster of its own.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from transforms.consent.signal import CONTENT
from transforms.images.alignment import AGREE
from transforms.match.scan import FAR, nearest
from transforms.match.verify import PICTURE_COLUMNS, Pictures, picture_agreements
from transforms.takedown.hits import Cause, Hits
from transforms.trace import VIEW_RADIUS, Query, asked_of

NEAR: Final = "near"
LOOKS: Final = "looks the same as a row that is taken down"
AT_ONCE: Final = 256  # pictures that are looked for together
MANY: Final = 1_000  # pictures; views of more are not compared
_COMPARED: Final = 1 << 20  # pairs of hashes at once
Columns = Mapping[str, np.ndarray]
Reading = Callable[[Sequence[str]], Columns]
"""Columns of a shard by their names in `schemas.signatures.SIGNATURE`, all rows of it."""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A picture that goes: how it is looked for, and by reason why whoever has it goes."""

    query: Query
    causes: Mapping[str, Cause]

    @property
    def identity(self) -> int:
        """Of its bytes, as signatures have it."""
        return int.from_bytes(self.query.sha256[:8], "little")


@dataclasses.dataclass(frozen=True)
class Words:
    """Hashes that a column of a signature file is compared with, uint64[n], and the picture that each is of, int64[n]."""

    hashes: np.ndarray
    of: np.ndarray

    @classmethod
    def of_all(cls, parts: Sequence[np.ndarray]) -> "Words":
        """From those of each picture; a hash of 0 is none."""
        hashes, of = np.concatenate(parts).astype(np.uint64), np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        return cls(hashes[hashes != 0], of[hashes != 0])


@dataclasses.dataclass(frozen=True)
class Block:
    """At most `AT_ONCE` pictures, ready to be compared with all rows of a file.

    Attributes:
      wanted: the pictures.
      phashes: per hash of `schemas.signatures.PHASHES` what it is compared with; `views` likewise, empty where views are not compared.
    """

    wanted: Sequence[Wanted]
    phashes: Sequence[Words]
    views: Sequence[Words]

    @functools.cached_property
    def identities(self) -> np.ndarray:
        """Of the pictures, uint64[n]."""
        return np.array([one.identity for one in self.wanted], np.uint64)

    @functools.cached_property
    def pictures(self) -> Pictures:
        """What they are compared by."""
        return Pictures.joined([one.query.pictures for one in self.wanted])


def gallery(wanted: Iterable[Wanted], *, views: bool) -> list[Block]:
    """Pictures, each once by its bytes, ready to be looked for.

    Args:
      wanted: in an order that does not depend on arrival; of several causes of one reason the first counts.
      views: whether views are compared too; else they are left to the clusters, which were made by them.
    """
    once: dict[int, Wanted] = {}
    for one in wanted:
        before = once.get(one.identity)
        once[one.identity] = one if before is None else Wanted(before.query, {**one.causes, **before.causes})
    every = [one if views else dataclasses.replace(one, query=_without_views(one.query)) for one in once.values()]
    return [_block(every[start : start + AT_ONCE]) for start in range(0, len(every), AT_ONCE)]


def _block(some: Sequence[Wanted]) -> Block:
    asked = [asked_of(one.query) for one in some]
    phashes = [Words.of_all(parts) for parts in zip(*(one.phashes for one in asked), strict=True)]
    return Block(some, phashes, [Words.of_all(parts) for parts in zip(*(one.views for one in asked), strict=True)])


def wanted_of(read: Reading, hits: Hits) -> list[Wanted]:
    """The pictures of rows that go for their content.

    Args:
      read: the shard.
      hits: rows that go.
    """
    rows = [row for row in sorted(hits) if any(cause.scope == CONTENT for cause in hits[row])]
    if not rows:
        return []
    columns = read(["has_picture", "has_hashes", "picture_id", *PICTURE_COLUMNS])
    every, found = Pictures.of([columns[name] for name in PICTURE_COLUMNS]), []
    for row in rows:
        causes = {
            cause.reason: dataclasses.replace(cause, kind=NEAR, detail=LOOKS) for cause in reversed(hits[row]) if cause.scope == CONTENT
        }
        if columns["has_picture"][row]:
            pictures = every.take(np.array([row]))
            identity = int(columns["picture_id"][row]).to_bytes(8, "little")
            found.append(Wanted(Query(identity, not columns["has_hashes"][row], 0, 0, pictures), causes))
    return found


def look_same(read: Reading, blocks: Iterable[Block], radius: int, known: Hits) -> Hits:
    """Rows whose picture is one of those that are looked for, verified as `winnow trace` verifies it.

    Args:
      read: the shard.
      blocks: the pictures, as `gallery` makes them ready.
      radius: bits by which perceptual hashes may differ.
      known: rows of the shard that go anyway, which are not found again for the same reason.
    """
    found: Hits = {}
    for block in blocks:
        for row, picture in _same(read, block, radius):
            reasons = {cause.reason for cause in (*known.get(row, ()), *found.get(row, ())) if cause.scope == CONTENT}
            more = [cause for reason, cause in block.wanted[picture].causes.items() if reason not in reasons]
            if more:
                found.setdefault(row, []).extend(more)
    return found


def _same(read: Reading, block: Block, radius: int) -> Iterator[tuple[int, int]]:
    """Pairs of a row and a picture of the block that are the same, sorted."""
    kinds = [("picture_hashes", block.phashes, radius), ("view_hashes", block.views, VIEW_RADIUS)]
    kinds = [(name, words, least) for name, words, least in kinds if any(len(one.hashes) for one in words)]
    columns = read(["has_picture", "picture_id", *(name for name, _, _ in kinds)])
    asked = [(columns[name], words, least) for name, words, least in kinds]
    identical = columns["has_picture"] & np.isin(columns["picture_id"], block.identities)
    near = identical.copy()
    for hashes, words, least in asked:
        distances = nearest(hashes, [one.hashes for one in words])
        near |= (distances <= least) & (distances < FAR)
    rows = np.flatnonzero(near)
    if not len(rows):
        return
    equal = identical[rows, None] & (columns["picture_id"][rows, None] == block.identities)
    close = np.zeros_like(equal)
    for hashes, words, least in asked:
        _mark(np.ascontiguousarray(hashes[rows]).view("<u8"), words, least, close)
    at, of = np.nonzero(close & ~equal)
    if len(at):
        compared = read(PICTURE_COLUMNS)
        theirs = Pictures.of([compared[name] for name in PICTURE_COLUMNS]).take(rows)
        equal[at, of] = picture_agreements(block.pictures, of, theirs, at) >= AGREE
    for place, picture in zip(*(found.tolist() for found in np.nonzero(equal)), strict=True):
        yield int(rows[place]), picture


def _mark(hashes: np.ndarray, words: Sequence[Words], least: int, close: np.ndarray) -> None:
    """Marks rows and pictures with a pair of hashes within so many bits: uint64[n, columns] against the words of each column."""
    for column, asked in enumerate(words):
        step = max(1, _COMPARED // max(1, len(asked.hashes)))
        for start in range(0, len(hashes), step):
            own = hashes[start : start + step, column, None]
            at, found = np.nonzero((np.bitwise_count(own ^ asked.hashes) <= least) & (own != 0))
            close[start + at, asked.of[found]] = True


def _without_views(query: Query) -> Query:
    seen = query.pictures
    pictures = dataclasses.replace(seen, views=0 * seen.views, view_hashes=0 * seen.view_hashes)
    return dataclasses.replace(query, pictures=pictures)
