"""What counts as a duplicate: which edges make the graph, which rows go together unseen, and what joins a row to a leader.

| rule | rows that go together | joined to a leader by |
|---|---|---|
| `caption` | equal normal form | the caption |
| `image` | equal bytes (or equal URL where there are none) | the picture |
| `image_and_caption` | both | both |
| `image_or_caption` | equal bytes | either |

`caption` makes the caption clusters of every run; the others are `dedup.policy`.
"""

from typing import Literal

import numpy as np

Rule = Literal["caption", "image", "image_and_caption", "image_or_caption"]
PICTURE = 1  # bits of what holds between a row and its leader
CAPTION = 2


def intersections(rows: np.ndarray, caption_roots: np.ndarray, picture_roots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that share both components with another, and the least row of each such group, uint64[n] both, ascending by row.

    Two rows whose edges hold in both families lie in one component of each, so under `image_and_caption` the groups are the
    intersections of components; whether both edges hold is asked again when leaders are chosen.

    Args:
      rows: uint64[m], ascending.
      caption_roots: [m], which component of captions each lies in.
      picture_roots: likewise.

    >>> rows, roots = intersections(np.array([3, 5, 8, 9]), np.array([3, 3, 8, 3]), np.array([3, 3, 3, 9]))
    >>> rows.tolist(), roots.tolist()
    ([3, 5], [3, 3])
    """
    order = np.lexsort((rows, picture_roots, caption_roots))
    first = np.ones(len(rows), bool)
    first[1:] = (np.diff(caption_roots[order]) != 0) | (np.diff(picture_roots[order]) != 0)
    number = np.cumsum(first) - 1
    roots = np.empty_like(rows)
    roots[order] = rows[order][first][number]
    several = np.empty(len(rows), bool)
    several[order] = np.bincount(number)[number] > 1 if len(rows) else False
    return rows[several], roots[several]


def joins(rule: Rule, link: np.ndarray) -> np.ndarray:
    """Whether what holds between two rows (bits `PICTURE` and `CAPTION`) makes them one cluster, bool[n].

    >>> joins("image_and_caption", np.array([0, PICTURE, CAPTION, PICTURE | CAPTION])).tolist()
    [False, False, False, True]
    """
    picture, caption = link & PICTURE != 0, link & CAPTION != 0
    return {"caption": caption, "image": picture, "image_and_caption": picture & caption, "image_or_caption": picture | caption}[rule]
