"""The rows of some groups, side by side: which go together unseen, and how any two compare under a rule."""

import numpy as np

from schemas.signatures import PERMUTATIONS
from transforms.images.alignment import AGREE
from transforms.match.policy import CAPTION, PICTURE, Rule, joins
from transforms.match.verify import LEAST_EQUAL, Captions, Pictures, caption_agreements, picture_agreements

MEMBER = np.dtype(
    [
        ("root", "<u8"), ("row", "<u8"),  # the group, the dense row
        ("rank", "<u8"), ("high", "<u8"), ("low", "<u8"),  # the highest rank first, then content order
        ("picture", "<u8"), ("caption", "<u8"),  # identities
        ("has_picture", "?"), ("thumbnail", "?"), ("kind", "u1"), ("spare", "u1", (5,)),
        ("short", "u1", (PERMUTATIONS,)),
    ]
)  # fmt: skip
"""What travels of a row to the place where its group is parted. `thumbnail`: whether it brings one."""


class Members:
    """Rows sorted by group, rank and content order, places 0 to n - 1.

    Attributes:
      root: uint64[n], the group of each.
      row: uint64[n], its dense row number.
      head: int64[n], the unit each row is in: rows that go together unseen. Numbers units by their first row.
      heads: int64[m], the place of the first row of each unit, ascending.
    """

    def __init__(self, rule: Rule, table: np.ndarray, long: np.ndarray, pictures: Pictures):
        """Takes rows of type `MEMBER` in any order, and in that order the long signatures and the pictures of those that have one."""
        self._rule = rule
        self._captions = Captions(table["kind"], table["caption"], table["short"], long)
        self._pictures = pictures
        brings = np.where(table["thumbnail"], np.cumsum(table["thumbnail"]) - 1, -1)
        self._at = np.lexsort((table["row"], table["low"], table["high"], ~table["rank"], table["root"]))
        self.root, self.row = table["root"][self._at], table["row"][self._at]
        self._picture, self._has_picture = table["picture"][self._at], table["has_picture"][self._at]
        self.heads, self.head = self._units(table["caption"][self._at])
        self._thumbnail = np.full(len(self.heads), -1)
        np.maximum.at(self._thumbnail, self.head, brings[self._at])
        self._agreement = np.zeros(len(self.heads))  # of each unit's picture with its leader's, once compared

    def compare(self, leading: np.ndarray, units: np.ndarray) -> np.ndarray:
        """Whether each unit is joined to the unit that leads, bool[n]; remembers how well the pictures of those agree."""
        link = np.zeros(len(units), np.uint8)
        if self._rule != "image":
            link[self._caption_places(self.heads[leading], self.heads[units]) >= LEAST_EQUAL] |= CAPTION
        if self._rule != "caption":
            asked = np.flatnonzero(link) if self._rule == "image_and_caption" else np.arange(len(units))
            found = self._agreements(leading[asked], units[asked])
            link[asked[found >= AGREE]] |= PICTURE
            self._agreement[units[asked]] = found
        return joins(self._rule, link)

    def ties(self, leader: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What holds between each row and its leader (a place), uint8[n], and how well they agree, float32[n]; 0 and 1.0 for leaders."""
        rows = np.arange(len(leader))
        pictures = np.where(self.head[leader] == self.head, 0.0, self._agreement[self.head])
        pictures[self._has_picture & self._has_picture[leader] & (self._picture == self._picture[leader])] = 1.0
        captions = self._caption_places(leader, rows)
        link = np.where(pictures >= AGREE, PICTURE, 0) | np.where(captions >= LEAST_EQUAL, CAPTION, 0)
        link[link == 0] = PICTURE  # image_or_caption: its picture is that of a row whose caption brought both in
        agreement = np.where(link & PICTURE != 0, pictures, captions / PERMUTATIONS)
        link[leader == rows], agreement[leader == rows] = 0, 1.0
        return link.astype(np.uint8), np.round(agreement, 4).astype(np.float32)

    def _units(self, caption: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self._rule == "caption":
            parts = [caption]
        else:
            parts = [np.where(self._has_picture, self._picture, self.row), self._has_picture]
            if self._rule == "image_and_caption":
                parts.append(caption)
        order = np.lexsort((np.arange(len(caption)), *parts, self.root))
        first = np.ones(len(order), bool)
        first[1:] = np.any([np.asarray(part)[order[1:]] != np.asarray(part)[order[:-1]] for part in (*parts, self.root)], axis=0)
        heads = order[first][np.cumsum(first) - 1]
        head_of = np.empty(len(order), np.int64)
        head_of[order] = heads
        units = np.flatnonzero(head_of == np.arange(len(order)))
        return units, np.searchsorted(units, head_of)

    def _caption_places(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return caption_agreements(self._captions, self._at[left], self._captions, self._at[right])

    def _agreements(self, leading: np.ndarray, units: np.ndarray) -> np.ndarray:
        """How well the pictures of two units agree, float64[n]: 1.0 if equal, 0.0 if not comparable."""
        out = np.zeros(len(units))
        left, right = self.heads[leading], self.heads[units]
        out[self._has_picture[left] & self._has_picture[right] & (self._picture[left] == self._picture[right])] = 1.0
        asked = np.flatnonzero((out < AGREE) & (self._thumbnail[leading] >= 0) & (self._thumbnail[units] >= 0))
        sides = self._thumbnail[leading[asked]], self._thumbnail[units[asked]]
        out[asked] = picture_agreements(self._pictures, sides[0], self._pictures, sides[1])
        return out
