"""How the first rows of a group stand to each other: which agree with most of it, and which with rows that are told apart.

The order of rows is content order, but rows that agree with more of their group come first. A caption edited twice is the middle of a
group whose ends differ, and a picture with a bar above it the largest of its copies: by content order such an end would lead, and what is
cropped or turned does not agree with it though it agrees with the picture itself. Captions are counted by their verified edges (pair
recall .937 to .954, 20,000 captions, a fifth of them edits; precision .999 both), pictures by comparing the first 32 of a group with each
other (recall of thirty edits of 250 photos, views: .950 to .984; no two photos in one cluster either way).

What agrees with pictures that are told apart is torn: a grey copy of a red cup agrees with its blue one too, and so with more of their
group than either does. Led by it they would be one, so it comes last. Of which of them it is a copy it does not show by colours, but by
how well it agrees: of 369 grey and sepia copies that agreed with several drawn products of one shape 339 did so best with the one they
were made of, and most others with one of its very levels. So it goes where it agrees best, not to the first leader that will have it,
and stays alone if the leader there will not: a copy with noise may lead the blue cups, and be told apart from a grey one. One in sepia has
no level of what it was made of, and is alone. What is torn in colour, a blue cup so dark that it may be a black one's original, goes where
it agrees with two rows best: one may be told apart wrongly. So may one crop from all other copies of its picture: what agrees with four
rows is not torn where all that is told apart is so from one of them. Of drawn products, screens and faces .3 to 3.3 in 100 more copies find
their own so, and none another picture.

What is not torn may still have met the wrong leader first: one page of a report agrees with a blurred copy of the next page alone, and with
every copy of its own. So a row goes to another leader if it agrees with three of that one's rows and with more than twice the share of
them; and stays alone if it does not agree with that leader itself. Of 25,500 edited photos none is lost by it; of 1,270 drawn screens and
faces that were made to be mistaken 39 are with another picture, and were 51.

Where rows that agree with each other agree with few of their leader's other rows, or only in pairs that are contested, they are another
picture (`transforms.match.division`), and follow the first of themselves if they agree with it. Of the leader's other rows each follows the
one that it agrees with best.

And what agrees with its leader may yet be told apart from others of that one's rows: a blue pair of headphones from all red ones, but not
from a grey copy of them. Told apart from two of them, and two for every five that it agrees with, it is alone. Of 7,500 edited photos eight
are lost by it, of drawn products some copies in a hundred; two fifths of those that were with another product are not.
"""

from collections.abc import Callable, Iterator

import numpy as np

from transforms.images.hues import COLOURED, GREY, TONED
from transforms.match.buckets import run_starts
from transforms.match.division import FEWEST, divided
from transforms.match.leaders import Compare, leaders

MOST_COUNTED = 64
"""Rows of a group, the first in content order, that are compared with each other; that takes a tenth of a second. A model in five colours
with nine edits of each is a group of 50: by the first 32 of them some grey copies are not seen to be torn.
"""

_ORDERED = 32  # of them, those that go by how many they agree with: of more a screen with its middle covered leads all of its template

_TORN = 0.1  # of the pairs of rows that one agrees with: told apart, from which it is not known which of them it is a copy of
_SOME = 4  # rows that one agrees with, from which one of them, told apart from the others, does not tear it
_LIKENESSES = 2  # rows of a leader by which what is torn in colour goes to it
_SEVERAL, _BY_FAR = 3, 2.0  # rows of a leader that another row agrees with, which so goes to it; times the share of those of its own
_FEW, _OF_OWN = 2, 0.4  # rows of its leader that one is told apart from, which so is alone; times those that it agrees with
_GROUPS_AT_ONCE = 1 << 8  # 4 MB

Stand = Callable[[np.ndarray, np.ndarray], np.ndarray]
Contested = Callable[[np.ndarray, np.ndarray], np.ndarray]
Agreeing = tuple[np.ndarray, np.ndarray, np.ndarray]


class Standing:
    """Rows of groups, places 0 to n - 1, of which the first of every group of three and more are compared with each other.

    Attributes:
      torn: bool[n], which agree with rows that are told apart, too many of them.
      order: int64[n], in which rows are to be looked at: in every group those first that agree with more, torn ones last.

    >>> values = np.array([0, 1, 2, 50, 51])
    >>> Standing(np.array([0, 0, 0, 1, 1]), lambda a, b: abs(values[a] - values[b]) <= 1).order.tolist()
    [1, 0, 2, 3, 4]
    """

    def __init__(self, group: np.ndarray, stand: Stand, most: int = MOST_COUNTED):
        """Compares rows.

        Args:
          group: int64[n], ascending; rows of a group in order. Groups of two stay as they are.
          stand: two int64[m] of places, each pair of the first rows of a group once, to a number[m] each: above 0 how well they agree, if
            they are joined, -1 if they are told apart, else 0.
          most: rows of a group that are compared with each other.
        """
        self._group, self._stand = group, stand
        self._left, self._right = pairs_within(group, most)
        self._how = np.asarray(stand(self._left, self._right) if len(self._left) else (), np.float32)
        starts, sizes = _runs(group)
        self.torn = self._find_torn(starts, sizes, most)
        place, ordered = np.arange(len(group)) - np.repeat(starts, sizes), min(most, _ORDERED)
        degree = self._count((self._how > 0) & (place[self._right] < ordered))
        self._counted = place < most
        self.order = np.lexsort((place, np.where(place < ordered, -degree, 1), self.torn, group))

    def leaders(
        self, compare: Compare, colours: Callable[[np.ndarray], np.ndarray], contested: Contested, most: int
    ) -> tuple[np.ndarray, int]:
        """As `transforms.match.leaders.leaders` in this order, but rows go where they belong, or stay alone, as told above.

        Args:
          compare: as there. Of every row that was looked at again the last comparison is that with its leader.
          colours: int64[m], places of torn rows, to uint8[m]: `transforms.images.hues.colours` of each.
          contested: two int64[m] of places, pairs of rows that agree, to bool[m]: whether each has something that the other lacks.
          most: as there.

        Returns:
          The place of each row's leader, int64[n], and how many rows were left when the rounds were spent.
        """
        order = self.order
        mine, left = leaders(self._group, lambda one, other: compare(order[one], order[other]), most)
        leader = np.empty_like(mine)
        leader[order] = order[mine]
        agreeing, again = self._agreeing(), np.flatnonzero(self.torn)
        if len(again):
            shown = np.full(len(leader), COLOURED, np.uint8)
            shown[again] = colours(again)
            self._move(leader, agreeing, shown, compare)
        again = np.concatenate([again, self._settle(leader, agreeing), self._divide(leader, contested), self._part(leader)])
        if len(again):
            compare(leader[again], again)
        return leader, left

    def _move(self, leader: np.ndarray, agreeing: Agreeing, shown: np.ndarray, compare: Compare) -> None:
        """Gives grey rows, and torn ones that follow, the leader of what they agree with best; what it does not join stays, or is alone."""
        rows, grey = np.arange(len(leader)), shown == GREY
        leader[shown == TONED] = rows[shown == TONED]
        moves = self.torn & (grey | ((leader != rows) & (shown == COLOURED)))
        one, other, agreed = agreeing
        some = np.flatnonzero(moves[one] & (shown[other] == COLOURED))
        one, to = _best(one[some], leader[other[some]], agreed[some], np.where(grey, 1, _LIKENESSES))
        joined = compare(to, one)
        leader[one[joined]] = to[joined]
        alone = one[~joined & grey[one]]
        leader[alone] = alone

    def _settle(self, leader: np.ndarray, agreeing: Agreeing) -> np.ndarray:
        """Gives rows that follow the leader of whose rows they agree with by far the greater share, or none: those that moved, int64[m]."""
        one, other, _ = agreeing
        some = np.flatnonzero(~self.torn[one] & (leader[one] != one))
        one, other = one[some], other[some]
        count = len(leader)
        pairs, times = np.unique(one * count + leader[other], return_counts=True)
        rows, to = np.divmod(pairs, count)
        mine = leader[rows] == to
        share = times / (np.bincount(leader[self._counted], minlength=count)[to] - mine)
        held = np.zeros(count)
        held[rows[mine]] = share[mine]
        led = np.isin(pairs, (one * count + other)[leader[other] == other])
        some = np.flatnonzero(~mine & (times >= _SEVERAL) & (share > _BY_FAR * held[rows]))
        rows, to = _greatest(rows[some], np.where(led, to, rows)[some], share[some])
        leader[rows] = to
        return rows

    def _divide(self, leader: np.ndarray, contested: Contested) -> np.ndarray:
        """Gives rows that are another picture than their leader the first of themselves as theirs: those that moved, int64[m]."""
        moved, led = [np.empty(0, np.int64)], [np.empty((2, 0), np.int64)]
        for rows, how in self._squares(leader, contested):
            part, firsts = divided(how), [leader[rows[0]]]
            for number in np.setdiff1d(part, part[rows == firsts[0]]):
                apart = np.flatnonzero(part == number)
                mine = rows[apart]
                leader[mine] = np.where(how[apart[0], apart] > 0, mine[0], mine)
                moved.append(mine)
                firsts.append(mine[0])
            if len(firsts) > 1:
                led.append(np.stack([np.full(len(firsts), firsts[0]), firsts]))
        of, firsts_of = np.concatenate(led, axis=1)
        return np.concatenate([*moved, self._follow(leader, of, firsts_of, contested)])

    def _squares(self, leader: np.ndarray, contested: Contested) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Of leaders that may lead two pictures, rows in order, int64[k], and how well those agree, float32[k, k]; 0 if contested."""
        rows = self.order[self._counted[self.order] & self._counted[leader[self.order]]]
        rows = rows[np.argsort(leader[rows], kind="stable")]
        starts, sizes = _runs(leader[rows])
        large = sizes >= 2 * FEWEST
        starts, sizes = starts[large], sizes[large]
        heads, asked, place = leader[rows[starts]], np.zeros(len(leader), bool), np.empty(len(leader), np.int64)
        asked[heads] = True
        pairs = np.flatnonzero((self._how > 0) & (leader[self._left] == leader[self._right]) & asked[leader[self._left]])
        pairs = pairs[np.argsort(leader[self._left[pairs]], kind="stable")]
        one, other = self._left[pairs], self._right[pairs]
        how = np.where(contested(one, other), 0, self._how[pairs])
        for start, size, first, last in zip(starts, sizes, *np.searchsorted(leader[one], [heads, heads + 1]), strict=True):
            mine, at, square = rows[start : start + size], slice(first, last), np.eye(size, dtype=np.float32)
            place[mine] = np.arange(size)
            square[place[one[at]], place[other[at]]] = square[place[other[at]], place[one[at]]] = how[at]
            yield mine, square

    def _follow(self, leader: np.ndarray, of: np.ndarray, firsts: np.ndarray, contested: Contested) -> np.ndarray:
        """Gives rows that were not counted the leader that they agree with best, of those that theirs was divided into.

        Args:
          leader: of every row.
          of: int64[k], ascending, leaders whose rows are several pictures, each as often as there are.
          firsts: int64[k], the first row of each of them, or the leader.
          contested: as told above.

        Returns:
          those that moved, int64[m].
        """
        rows = np.flatnonzero(~self._counted)
        first, last = np.searchsorted(of, [leader[rows], leader[rows] + 1])
        one = np.repeat(rows, last - first)
        to = firsts[np.arange(len(one)) - np.repeat(np.cumsum(last - first) - last, last - first)]
        how = np.asarray(self._stand(to, one) if len(one) else (), np.float32)
        agree = np.flatnonzero(how > 0)
        agree = agree[~contested(to[agree], one[agree])]
        rows, to = _greatest(one[agree], to[agree], how[agree])
        moved = rows[leader[rows] != to]
        leader[rows] = to
        return moved

    def _part(self, leader: np.ndarray) -> np.ndarray:
        """Leaves alone the rows that are told apart from too many of their leader's other rows: int64[m]."""
        together = leader[self._left] == leader[self._right]
        apart, agrees = (self._count(together & which) for which in (self._how < 0, self._how > 0))
        rows = np.flatnonzero((leader != np.arange(len(leader))) & (apart >= _FEW) & (apart >= _OF_OWN * agrees))
        leader[rows] = rows
        return rows

    def _count(self, which: np.ndarray) -> np.ndarray:
        """In how many of some pairs, bool[m], each row is: int64[n]."""
        return np.bincount(np.concatenate([self._left[which], self._right[which]]), minlength=len(self._group))

    def _agreeing(self) -> Agreeing:
        """Pairs of rows that agree, each both ways: two int64[m] of places, and how well, float32[m]."""
        joined = self._how > 0
        left, right, how = self._left[joined], self._right[joined], self._how[joined]
        return np.concatenate([left, right]), np.concatenate([right, left]), np.tile(how, 2)

    def _find_torn(self, starts: np.ndarray, sizes: np.ndarray, most: int) -> np.ndarray:
        """Which rows are torn, bool[n], by the runs of groups."""
        torn = np.zeros(len(self._group), bool)
        run = np.repeat(np.arange(len(starts)), sizes)[self._left]
        asked = np.unique(run[self._how < 0])
        here = np.isin(run, asked)
        number, one, other, how = np.searchsorted(asked, run[here]), self._left[here], self._right[here], self._how[here]
        for at in range(0, len(asked), _GROUPS_AT_ONCE):
            base = starts[asked[at : at + _GROUPS_AT_ONCE]]
            some = (number >= at) & (number < at + len(base))
            of = number[some] - at
            places = one[some] - base[of], other[some] - base[of]
            matrix = np.zeros((len(base), most, most), np.float32)
            matrix[of, *places] = matrix[of, *places[::-1]] = how[some]
            agree, apart = (matrix > 0).astype(np.float32), (matrix < 0).astype(np.float32)
            each = (agree @ apart) * agree
            agreeing, against = agree.sum(axis=2), each.sum(axis=2)
            of_one = (agreeing >= _SOME) & (against == 2 * each.max(axis=2))
            found, place = np.nonzero((against > 0) & (against >= _TORN * agreeing * (agreeing - 1)) & ~of_one)
            torn[base[found] + place] = True
        return torn


def _best(rows: np.ndarray, leading: np.ndarray, agreed: np.ndarray, counted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each row once, and the leader with whose rows it agrees best: on average, with the best `counted` of them; any that lacks is 0.

    Args:
      rows: int64[m], each as often as it agrees with another.
      leading: int64[m], the leader of that one.
      agreed: float32[m], how well.
      counted: int64[n], by row.

    >>> _best(np.array([0, 0, 0]), np.array([4, 5, 5]), np.array([0.9, 0.8, 0.7]), np.array([2]))
    (array([0]), array([5]))
    """
    order = np.lexsort((-agreed, leading, rows))
    rows, leading, agreed = rows[order], leading[order], agreed[order].astype(np.float64)
    starts, sizes = _runs(rows * len(counted) + leading)
    place = np.arange(len(rows)) - np.repeat(starts, sizes)
    found = np.bincount(np.repeat(np.arange(len(starts)), sizes), np.where(place < counted[rows], agreed / counted[rows], 0.0))
    return _greatest(rows[starts], leading[starts], found)


def _greatest(rows: np.ndarray, leading: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each row once, ascending, and the leader for which the value is greatest, the first of those; all int64[m] but the values.

    >>> _greatest(np.array([7, 3, 7, 7]), np.array([2, 1, 5, 4]), np.array([0.5, 0.1, 0.9, 0.9]))
    (array([3, 7]), array([1, 4]))
    """
    order = np.lexsort((leading, -value, rows))
    first = order[run_starts(rows[order])]
    return rows[first], leading[first]


def pairs_within(group: np.ndarray, most: int) -> np.ndarray:
    """All pairs of the first `most` rows of each group of three and more, int64[2, m], the earlier row first.

    Args:
      group: int64[n], ascending.
      most: rows of a group.

    >>> pairs_within(np.array([0, 0, 1, 1, 1, 1]), 3).tolist()
    [[2, 2, 3], [3, 4, 4]]
    """
    starts, sizes = _runs(group)
    sizes = np.minimum(sizes, most)
    pairs = [np.empty((2, 0), np.int64)]
    for size in np.unique(sizes[sizes > 2]).tolist():
        at = starts[sizes == size]
        pairs.append(np.stack([(at[:, None] + places).reshape(-1) for places in np.triu_indices(size, 1)]))
    return np.concatenate(pairs, axis=1)


def _runs(group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each run of equal values begins, and how many rows it has, int64[m] both."""
    starts = run_starts(group)
    return starts, np.diff(starts, append=len(group))
