"""A subsample in place of weights: which rows stay is decided by a keyed hash of their uid, never by chance or order."""

import hashlib
from collections.abc import Sequence

import numpy as np

_KEY = b"winnow subsample 1"


def sampled(uids: Sequence[str], weights: np.ndarray, greatest: int) -> np.ndarray:
    """Decides which rows stay: those whose hash is below weight / greatest of its range, bool[n] (Poisson sampling).

    The hash of a row stays the same from run to run (permanent random numbers, Ohlsson 1995): a row whose share rises never leaves.

    Args:
      uids: of the rows.
      weights: int64[n] in units of 2^-32.
      greatest: the greatest weight of the whole run, in the same units; its rows all stay.

    >>> sampled(["a", "b", "c", "d"], np.array([2, 2, 1, 0]), 2).tolist()[:2]
    [True, True]
    """
    below = {unit: (unit << 64) // greatest for unit in np.unique(weights).tolist()}
    hashes = (int.from_bytes(hashlib.blake2b(uid.encode(), digest_size=8, key=_KEY).digest(), "big") for uid in uids)
    return np.fromiter((number < below[unit] for number, unit in zip(hashes, weights.tolist(), strict=True)), bool, len(uids))
