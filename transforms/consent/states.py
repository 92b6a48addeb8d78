"""The four states of consent of a row, from what reserves, what permits, and what could have been seen at all."""

import numpy as np

from schemas.ledger import CONTENT_BITS, LOCATION_BITS
from schemas.reasons import CONSENT, NOT_OBSERVABLE, PERMITTED, RESERVED, SILENT


def resolve(reserved: np.ndarray, permitted: np.ndarray, observable: np.ndarray) -> np.ndarray:
    """States of rows.

    Args:
      reserved: bool[n], some signal reserves.
      permitted: bool[n], some signal permits.
      observable: int32[n], bits of `schemas.ledger`.

    Returns:
      int8[n], index into `schemas.reasons.CONSENT`. Reserved where anything reserves; else permitted where anything permits; else silent
      where at least one content and one location signal could have been seen; else not observable.

    >>> both = 1 << 0 | 1 << 4
    >>> states = resolve(np.array([1, 0, 0, 0], bool), np.array([1, 1, 0, 0], bool), np.array([0, 0, both, 1 << 4]))
    >>> [CONSENT[state] for state in states]
    ['reserved', 'permitted', 'silent', 'not_observable']
    """
    seen = ((observable & LOCATION_BITS) != 0) & ((observable & CONTENT_BITS) != 0)
    conditions = [reserved, permitted, seen]
    words = [RESERVED, PERMITTED, SILENT]
    return np.select(conditions, [CONSENT.index(word) for word in words], CONSENT.index(NOT_OBSERVABLE)).astype(np.int8)
