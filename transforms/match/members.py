"""The rows of some groups, side by side: which go together unseen, and how any two compare under a rule."""

from collections.abc import Callable, Iterator

import numpy as np

from schemas.signatures import PERMUTATIONS
from transforms.images.alignment import AGREE, LEAST, TOLD_APART
from transforms.images.drawn import Looks
from transforms.images.hues import GREY, TONED, colours, kinds
from transforms.match.elders import OWN
from transforms.match.policy import CAPTION, PICTURE, Rule, joins
from transforms.match.verify import LEAST_EQUAL, Captions, Pictures, caption_agreements, contested_pictures, picture_agreements

DISTANT_AT_ONCE = 1 << 14  # pairs: 75 MB at most, for many of one group share a picture

MEMBER = np.dtype(
    [
        ("root", "<u8"), ("row", "<u8"),  # the group, the dense row
        ("first", "<u8"),  # of an elder row: the first row of its cluster
        ("rank", "<u8"), ("high", "<u8"), ("low", "<u8"),  # the highest rank first, then content order
        ("picture", "<u8"), ("caption", "<u8"),  # identities
        ("has_picture", "?"), ("thumbnail", "?"), ("distant", "?"), ("signed", "?"),
        ("kind", "u1"), ("elder", "u1"), ("spare", "u1", (6,)), ("units", "u4"),
    ]
)  # fmt: skip
"""What travels of a row to the place where its group is parted.

`thumbnail`, `signed`: whether it brings its picture, its MinHash; `distant`: whether its picture is to be read where it lies; `elder`: its
kind on the elder side; `units`: as `transforms.match.grouping.group` tells it.
"""


class Members:
    """Rows sorted by group, rank and content order, places 0 to n - 1.

    Attributes:
      root: uint64[n], the group of each.
      row: uint64[n], its dense row number.
      first: uint64[n], that of the first row of its elder cluster, if it is an elder row.
      elder: uint8[n], its kind in `transforms.match.elders`; `OWN` for a row of the run.
      head: int64[n], the unit each row is in: rows that go together unseen. Numbers units by their first row.
      heads: int64[m], the place of the first row of each unit, ascending.
      ranked: whether ranks say already how many others each row agrees with.
    """

    def __init__(
        self,
        rule: Rule,
        table: np.ndarray,
        signatures: tuple[np.ndarray, np.ndarray],
        pictures: Pictures,
        read: Callable[[np.ndarray], Pictures],
        edges: tuple[np.ndarray, np.ndarray, np.ndarray],
    ):
        """Takes rows of some groups.

        Args:
          rule: the rule.
          table: `MEMBER`[n], in any order.
          signatures: in that order, over character 3-grams those of rows that are signed, uint8[k, 128], and over word 5-grams those of
            signed rows of kind `CAPTION_LONG`, uint8[m, 128].
          pictures: in that order, of rows that bring one.
          read: dense row numbers to their pictures, for rows that are distant.
          edges: pairs of rows whose pictures were verified, so that they need not be compared, and how well those agree: uint64[j],
            uint64[j] and float64[j]. What has an end elsewhere is passed over.
        """
        self._rule = rule
        self.ranked = rule == "caption"
        signed = table["signed"]
        self._captions = Captions(table["kind"][signed], table["caption"][signed], *signatures)
        self._pictures, self._read = pictures, read
        brings = np.where(table["thumbnail"], np.cumsum(table["thumbnail"]) - 1, -1)
        at = np.lexsort((table["row"], table["low"], table["high"], ~table["rank"], table["root"]))
        self._at = np.where(signed, np.cumsum(signed) - 1, -1)[at]
        self.root, self.row, self.first, self.elder = (table[name][at] for name in ("root", "row", "first", "elder"))
        self._picture, self._has_picture = table["picture"][at], table["has_picture"][at]
        self.heads, self.head, self._twin = self._units(table["caption"][at])
        self._thumbnail = np.full(len(self.heads), -1)
        np.maximum.at(self._thumbnail, self.head, brings[at])
        self._distant = table["distant"][at][self.heads]
        self._agreement = np.zeros(len(self.heads))  # of each unit's picture with its leader's, once compared
        self._known = Agreements(self._picture)
        self._know(*edges)

    def compare(self, leading: np.ndarray, units: np.ndarray) -> np.ndarray:
        """Whether each unit is joined to the unit that leads, bool[n].

        Args:
          leading: int64[n], units.
          units: int64[n], likewise.
        """
        link, agreement = self._compared(leading, units, remember=False)
        self._agreement[units] = agreement
        return joins(self._rule, link)

    def stand(self, units: np.ndarray, others: np.ndarray) -> np.ndarray:
        """How units stand to others, float32[n]: how well pictures agree if `compare` joins them, -1 if they are told apart, else 0.

        It is remembered. Units that captions alone join agree by `LEAST`, at least.
        """
        link, agreement = self._compared(units, others, remember=True)
        apart = self._known.of(self.heads[units], self.heads[others]) == TOLD_APART
        return np.where(joins(self._rule, link), np.maximum(agreement, LEAST), np.where(apart, -1, 0)).astype(np.float32)

    def contested(self, units: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Which units agree with others by pictures alone, of which each has something that the other lacks, bool[n]."""
        out, asked = np.zeros(len(units), bool), np.full(len(units), self._rule != "caption")
        if self._rule == "image_or_caption":
            asked = self._caption_places(self.heads[units], self.heads[others]) < LEAST_EQUAL
        for some, pictures, *places in self._shown(units, others, asked):
            out[some] = contested_pictures(pictures, places[0], pictures, places[1])
        return out

    def colours(self, units: np.ndarray) -> np.ndarray:
        """What colour the pictures of units show, uint8[n]; see `transforms.images.hues.colours`; one without a picture none of its own."""
        out = np.full(len(units), TONED, np.uint8)
        mine = self._thumbnail[units]
        near, distant = np.flatnonzero(mine >= 0), np.flatnonzero((mine < 0) & self._distant[units])
        out[near] = _colours(self._pictures.take(mine[near]))
        for at in range(0, len(distant), DISTANT_AT_ONCE):
            some = distant[at : at + DISTANT_AT_ONCE]
            out[some] = _colours(self._read(self.row[self.heads[units[some]]]))
        return out

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

    def joined(self, kind: int, most: int) -> tuple[np.ndarray, int]:
        """Which elder unit of a kind each unit of the run is joined to, int64[m], and how many were left when the rounds were spent.

        An equal one, or else the first that it is verified against; -1 where there is none. As in `leaders`, all groups advance together.
        """
        out = np.full(len(self.heads), -1)
        elders, left = (np.flatnonzero(self.elder[self.heads] == which) for which in (kind, OWN))
        if not len(elders):
            return out, 0
        twins, at = np.unique(self._twin[elders], return_index=True)
        at = elders[at[np.minimum(np.searchsorted(twins, self._twin[left]), len(twins) - 1)]]
        equal = self._twin[at] == self._twin[left]
        out[left[equal]], left = at[equal], left[~equal]
        groups = self.root[self.heads]
        at, end = (np.searchsorted(groups[elders], groups[left], side) for side in ("left", "right"))
        for _ in range(most):
            there = at < end
            left, at, end = left[there], at[there], end[there]
            if not len(left):
                break
            leading = elders[at]
            same = self.compare(leading, left)
            out[left[same]] = leading[same]
            left, at, end = left[~same], at[~same] + 1, end[~same]
        return out, int((at < end).sum())

    def _compared(self, leading: np.ndarray, units: np.ndarray, *, remember: bool) -> tuple[np.ndarray, np.ndarray]:
        """What holds between units and those that lead, uint8[n], and how well their pictures agree, if that is asked, float64[n]."""
        link, agreement = np.zeros(len(units), np.uint8), np.zeros(len(units))
        if self._rule != "image":
            link[self._caption_places(self.heads[leading], self.heads[units]) >= LEAST_EQUAL] |= CAPTION
        if self._rule != "caption":
            asked = np.flatnonzero(link) if self._rule == "image_and_caption" else np.arange(len(units))
            agreement[asked] = self._agreements(leading[asked], units[asked], remember=remember)
            link[agreement >= AGREE] |= PICTURE
        return link, agreement

    def _units(self, caption: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The first row of each unit, the unit of each row, and what units have in common that differ in nothing but their kind."""
        if self._rule == "caption":
            parts = [caption]
        else:
            parts = [np.where(self._has_picture, self._picture, self.row), self._has_picture]
            if self._rule == "image_and_caption":
                parts.append(caption)
        order = np.lexsort((np.arange(len(caption)), self.elder, *parts, self.root))
        fresh = np.ones(len(order), bool)
        fresh[1:] = np.any([np.asarray(part)[order[1:]] != np.asarray(part)[order[:-1]] for part in (*parts, self.root)], axis=0)
        first = fresh.copy()
        first[1:] |= self.elder[order[1:]] != self.elder[order[:-1]]
        heads = order[first][np.cumsum(first) - 1]
        head_of, twin_of = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
        head_of[order], twin_of[order] = heads, np.cumsum(fresh)
        units = np.flatnonzero(head_of == np.arange(len(order)))
        return units, np.searchsorted(units, head_of), twin_of[units]

    def _caption_places(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """In how many places captions agree, int64[n]. Those not signed are tied and nobody asks how well: they count as equal."""
        out = np.full(len(left), PERMUTATIONS)
        signed = np.flatnonzero((self._at[left] >= 0) & (self._at[right] >= 0))
        out[signed] = caption_agreements(self._captions, self._at[left[signed]], self._captions, self._at[right[signed]])
        return out

    def _know(self, left: np.ndarray, right: np.ndarray, agreed: np.ndarray) -> None:
        """Learns how well the pictures of two rows agree, by their numbers."""
        order = np.argsort(self.row)
        at = [np.minimum(np.searchsorted(self.row, rows, sorter=order), len(order) - 1) for rows in (left, right)]
        here = (self.row[order[at[0]]] == left) & (self.row[order[at[1]]] == right)
        self._known.learn(order[at[0][here]], order[at[1][here]], agreed[here])

    def _agreements(self, leading: np.ndarray, units: np.ndarray, *, remember: bool) -> np.ndarray:
        """How well the pictures of two units agree, float64[n]: 1.0 if equal, 0.0 if not comparable."""
        left, right = self.heads[leading], self.heads[units]
        out = self._known.of(left, right)
        out[self._has_picture[left] & self._has_picture[right] & (self._picture[left] == self._picture[right])] = 1.0
        fresh = np.isnan(out)
        out[fresh] = 0.0
        compared = []
        for some, pictures, *places in self._shown(leading, units, fresh):
            out[some] = picture_agreements(pictures, places[0], pictures, places[1])
            compared.append(some)
        if remember:
            asked = np.concatenate(compared)
            self._known.learn(left[asked], right[asked], out[asked])
        return out

    def _shown(
        self, units: np.ndarray, others: np.ndarray, asked: np.ndarray
    ) -> Iterator[tuple[np.ndarray, Pictures, np.ndarray, np.ndarray]]:
        """Those of the asked pairs of units, bool[n], whose pictures are there to be compared: which, int64[m], pictures, and where."""
        near = np.flatnonzero(asked & (self._thumbnail[units] >= 0) & (self._thumbnail[others] >= 0))
        yield near, self._pictures, self._thumbnail[units[near]], self._thumbnail[others[near]]
        distant = np.flatnonzero(asked & self._distant[units] & self._distant[others])
        for at in range(0, len(distant), DISTANT_AT_ONCE):
            some = distant[at : at + DISTANT_AT_ONCE]
            rows, places = np.unique(self.row[self.heads[np.concatenate([units[some], others[some]])]], return_inverse=True)
            yield some, self._read(rows), places[: len(some)], places[len(some) :]


def _colours(pictures: Pictures) -> np.ndarray:
    """What colour pictures show, uint8[n]; grey is none of its own where hues say nothing, as of a copy of what is not on white."""
    found = colours(kinds(pictures.chroma))
    return np.where((found == GREY) & ~Looks.of(pictures.looks).hued, TONED, found)


class Agreements:
    """What is known of how well pictures of a table agree, whichever rows have them.

    >>> known = Agreements(np.array([90, 70, 90], np.uint64))
    >>> known.learn(np.array([0]), np.array([1]), np.array([0.75]))
    >>> known.of(np.array([1, 0]), np.array([2, 2])).tolist()
    [0.75, nan]
    """

    def __init__(self, pictures: np.ndarray) -> None:
        """Takes the identity of each row's picture, uint64[n]."""
        self._distinct, self._number = len(pictures), np.unique(pictures, return_inverse=True)[1]
        self._pairs, self._values = np.empty(0, np.int64), np.empty(0)

    def learn(self, left: np.ndarray, right: np.ndarray, agreed: np.ndarray) -> None:
        """Takes places of rows, int64[m] both, and how well their pictures agree, float64[m]."""
        pairs = np.concatenate([self._pairs, self._pair(left, right)])
        order = np.argsort(pairs, kind="stable")
        self._pairs, self._values = pairs[order], np.concatenate([self._values, agreed])[order]

    def of(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """How well the pictures of pairs of rows agree, float64[m]; NaN where that is not known."""
        if not len(self._pairs):
            return np.full(len(left), np.nan)
        pairs = self._pair(left, right)
        at = np.minimum(np.searchsorted(self._pairs, pairs), len(self._pairs) - 1)
        return np.where(self._pairs[at] == pairs, self._values[at], np.nan)

    def _pair(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        one, other = self._number[left], self._number[right]
        return np.minimum(one, other) * self._distinct + np.maximum(one, other)
