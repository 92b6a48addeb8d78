"""Whether the rows of one leader are several pictures: they agree within some parts, and much less across them.

A leader is compared with each row, not the rows with each other. A copy of some headphones that was saved badly agrees with those that have
a microphone too, with all nine copies of them, and takes them. But of the pairs of a copy with and one without it few agree, and of the
others nearly all. So it is where pairs agree and yet each has something that the other lacks (`transforms.images.contested`), which edits
may explain in one pair, but not in nearly all across two parts and nearly none within: they do not count as agreeing here.

Rows are halved, from the two that do not agree and have the fewest rows in common that they agree with: a row goes to the half with whose
rows it agrees better on average. Halves of four rows and more are looked at again, if across them half as many of the pairs agree as within
each, or fewer; what is left are several pictures if seven tenths of the pairs within each part agree. Mugs with a word, a cat and a heart
are parted so from one cluster. Of 750 photos with thirty edited copies each none is.
"""

import numpy as np

FEWEST = 4
"""Rows of a part."""
_WITHIN, _ACROSS = 0.7, 0.5  # of the pairs within the part where fewer agree, of which so many do; of that share
_ROUNDS, _UNITS = 4, 1e4  # in which rows change halves; of one, so that sums are of whole numbers


def divided(how: np.ndarray) -> np.ndarray:
    """Which picture each row is of, int64 [n], numbered by their first rows; all 0 where they are one.

    Args:
      how: float32 [n, n], symmetric, how well rows agree, to 1e-4; 0 where they do not.

    >>> alike = np.kron(np.eye(2, dtype=np.float32), np.ones((4, 4), np.float32))
    >>> divided(alike).tolist(), divided(np.ones((3, 3), np.float32)).tolist()
    ([0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0])
    """
    well, agree = np.rint(how * _UNITS).astype(np.int64), (how > 0).astype(np.int64)
    parts, out = _parts(well, agree, np.arange(len(how))), np.zeros(len(how), np.int64)
    if len(parts) > 1 and min(_share(agree[np.ix_(part, part)]) for part in parts) >= _WITHIN:
        for number, part in enumerate(sorted(parts, key=lambda rows: int(rows[0]))):
            out[part] = number
    return out


def _parts(well: np.ndarray, agree: np.ndarray, rows: np.ndarray) -> list[np.ndarray]:
    """Some rows, ascending, in the parts that they fall into, by how well all agree and whether they do, int64 [n, n] both."""
    mine = np.ix_(rows, rows)
    away = _halved(well[mine], agree[mine])
    halves = rows[~away], rows[away]
    if min(map(len, halves)) < FEWEST:
        return [rows]
    within = min(_share(agree[np.ix_(half, half)]) for half in halves)
    if agree[np.ix_(*halves)].mean() > _ACROSS * within:
        return [rows]
    return [part for half in halves for part in _parts(well, agree, half)]


def _halved(well: np.ndarray, agree: np.ndarray) -> np.ndarray:
    """Which rows are of the other half than the rest, bool [n]; none if either would be of fewer than there may be."""
    common, sizes = agree @ agree, agree.sum(axis=1)
    differ = np.where(agree > 0, 0, sizes[:, None] + sizes - 2 * common)
    one, other = divmod(int(differ.argmax()), len(agree))
    away = (well @ agree[other]) * sizes[one] > (well @ agree[one]) * sizes[other]
    for _ in range(_ROUNDS):
        rows, apart = np.count_nonzero(~away), np.count_nonzero(away)
        if min(rows, apart) < FEWEST:
            return np.zeros(len(agree), bool)
        before, away = away, well[:, away].sum(axis=1) * rows > well[:, ~away].sum(axis=1) * apart
        if np.array_equal(before, away):
            break
    return away


def _share(agree: np.ndarray) -> float:
    """Of the pairs of rows, int64 [n, n], how many agree."""
    rows = len(agree)
    return float((agree.sum() - rows) / (rows * (rows - 1)))
