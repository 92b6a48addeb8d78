"""Whether the rows of one leader are two pictures: they agree within two parts, and much less across them.

A leader is compared with each row, not the rows with each other. A copy of some headphones that was saved badly agrees with those that have
a microphone too, with all nine copies of them, and takes them. But of the pairs of a copy with and one without it few agree, and of the
others nearly all.

The parts begin from the two rows that do not agree and have the fewest rows in common that they agree with, and a row goes to the part with
whose rows it agrees better on average. They are two pictures if each has four rows, seven tenths of the pairs within each agree, and
across them three fifths of that share or fewer. Of 750 photos with thirty edited copies each, which share .78 and more across any such
parts, none is divided.
"""

import numpy as np

FEWEST = 4
"""Rows of a part."""
_WITHIN, _ACROSS = 0.7, 0.6  # of the pairs within the part where fewer agree, of which so many do; of that share
_ROUNDS, _UNITS = 4, 1e4  # in which rows change parts; of one, so that sums are of whole numbers


def divided(how: np.ndarray) -> np.ndarray | None:
    """Which rows, of two pictures, are of the other one than the first row is: bool [n]; None: all are one.

    Args:
      how: float32 [n, n], symmetric, how well rows agree, to 1e-4; 0 where they do not.

    >>> alike = np.kron(np.eye(2, dtype=np.float32), np.ones((4, 4), np.float32))
    >>> divided(alike).tolist(), divided(np.ones((8, 8), np.float32))
    ([False, False, False, False, True, True, True, True], None)
    """
    well, agree = np.rint(how * _UNITS).astype(np.int64), (how > 0).astype(np.int64)
    common, sizes = agree @ agree, agree.sum(axis=1)
    differ = np.where(agree > 0, 0, sizes[:, None] + sizes - 2 * common)
    one, other = divmod(int(differ.argmax()), len(agree))
    away = (well @ agree[other]) * sizes[one] > (well @ agree[one]) * sizes[other]
    for _ in range(_ROUNDS):
        rows, apart = np.count_nonzero(~away), np.count_nonzero(away)
        if min(rows, apart) < FEWEST:
            return None
        before, away = away, well[:, away].sum(axis=1) * rows > well[:, ~away].sum(axis=1) * apart
        if np.array_equal(before, away):
            break
    parts = ~away, away
    if min(map(np.count_nonzero, parts)) < FEWEST:
        return None
    within = min(_share(agree[part][:, part]) for part in parts)
    if within < _WITHIN or agree[~away][:, away].mean() > _ACROSS * within:
        return None
    return away ^ away[0]


def _share(agree: np.ndarray) -> float:
    """Of the pairs of rows, int64 [n, n], how many agree."""
    rows = len(agree)
    return float((agree.sum() - rows) / (rows * (rows - 1)))
