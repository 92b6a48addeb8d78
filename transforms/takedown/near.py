"""Rows that look the same as a row that goes, by the hashes and thumbnails that are stored of both: clusters do not hold all of them.

A cluster is made compact, so that a copy of a copy may be in another; with `dedup.policy: image_and_caption` it holds no copy under another
caption; and rows that were appended to a release are in no cluster of its own.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final

from transforms.consent.signal import CONTENT
from transforms.match.columns import open_columns
from transforms.match.verify import PICTURE_COLUMNS, Pictures
from transforms.takedown.hits import Cause, Hits
from transforms.trace import Query, trace_all

NEAR: Final = "near"
LOOKS: Final = "looks the same as a row that is taken down"
AT_ONCE: Final = 256  # pictures that are looked for together
MANY: Final = 1_000  # pictures; views of more are not compared


def looks_same(
    signatures: Mapping[str, str],
    hits: Mapping[str, Hits],
    known: Mapping[str, Hits],
    radius: int,
    tell: Callable[[str], None],
    *,
    views: bool,
) -> dict[str, Hits]:
    """Rows whose picture is that of a row which goes for its content, wherever they are; verified as `winnow trace` verifies it.

    Every signature is compared with every such picture: for 100 of them 2 us a row, with views some 110.

    Args:
      signatures: shard -> its signature file.
      hits: shard -> rows that entries cover.
      known: shard -> rows that go, copies in their clusters among them, which are not found again.
      radius: bits by which perceptual hashes may differ.
      tell: takes messages.
      views: whether views are compared too; else they are left to the clusters, which were made by them.

    Raises:
      InputError: signatures were written by another version.
    """
    pictures = _pictures(signatures, hits)
    shards, paths = list(signatures), list(signatures.values())
    found: dict[str, Hits] = {}
    if views and len(pictures) > MANY:
        tell(f"{len(pictures):,} pictures go: copies are looked for by their clusters and by hashes of the whole picture, not by views")
        views = False
    every = [(query if views else _without_views(query), causes) for query, causes in pictures.values()]
    for start in range(0, len(every), AT_ONCE):
        some = every[start : start + AT_ONCE]
        for (_, causes), near in zip(some, trace_all(paths, [query for query, _ in some], radius), strict=True):
            for row in near:
                reasons = {cause.reason for cause in known.get(shards[row.file], {}).get(row.row, ()) if cause.scope == CONTENT}
                more = [cause for reason, cause in causes.items() if reason not in reasons] if row.same else []
                if more:
                    mine = found.setdefault(shards[row.file], {}).setdefault(row.row, [])
                    mine += [cause for cause in more if cause.reason not in {one.reason for one in mine}]
    return found


def _pictures(signatures: Mapping[str, str], hits: Mapping[str, Hits]) -> dict[int, tuple[Query, dict[str, Cause]]]:
    """Identity of a picture -> how it is looked for, and by reason why whoever has it goes."""
    found: dict[int, tuple[Query, dict[str, Cause]]] = {}
    for shard, rows in hits.items():
        chosen = [row for row in sorted(rows) if any(cause.scope == CONTENT for cause in rows[row])]
        if not chosen or shard not in signatures:
            continue
        columns = open_columns(signatures[shard], ["has_picture", "has_hashes", "picture_id", *PICTURE_COLUMNS])
        for row in chosen:
            if not columns["has_picture"][row]:
                continue
            identity = int(columns["picture_id"][row])
            if identity not in found:
                pictures = Pictures.of([columns[name][row : row + 1] for name in PICTURE_COLUMNS])
                found[identity] = Query(identity.to_bytes(8, "little"), not columns["has_hashes"][row], 0, 0, pictures), {}
            for cause in rows[row]:
                if cause.scope == CONTENT:
                    found[identity][1].setdefault(cause.reason, dataclasses.replace(cause, kind=NEAR, detail=LOOKS))
    return found


def _without_views(query: Query) -> Query:
    seen = query.pictures
    pictures = dataclasses.replace(seen, views=0 * seen.views, view_hashes=0 * seen.view_hashes)
    return dataclasses.replace(query, pictures=pictures)
