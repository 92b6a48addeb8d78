"""Tells pictures whose lower part was never there: cut while they were downloaded, then decoded and saved as if whole.

Where data is missing libjpeg's blocks keep coefficients of zero, which is the grey of 128 in every channel; saved again, such a picture
is a valid file whose lower part is one even mid-grey.
"""

import numpy as np

FILL = 128
SPREAD = 3  # levels that saving again moves the fill by
LEAST_SHARE = 0.125  # of the height


def looks_cut(grey: np.ndarray) -> bool:
    """Whether at least an eighth of a picture, at its foot, is the even grey of missing data, and the rest is not.

    Args:
      grey: uint8 [rows, columns], as stored in the file or as displayed.

    >>> whole = np.tile(np.arange(0, 240, dtype=np.uint8), (200, 1))
    >>> cut = whole.copy()
    >>> cut[120:] = 128
    >>> looks_cut(whole), looks_cut(cut), looks_cut(np.full((200, 240), 128, np.uint8))
    (False, True, False)
    """
    if not FILL - SPREAD <= int(grey[-1, 0]) <= FILL + SPREAD:
        return False
    filled = np.all((grey >= FILL - SPREAD) & (grey <= FILL + SPREAD), axis=1)
    foot = len(filled) if filled.all() else int(filled[::-1].argmin())
    return LEAST_SHARE * len(filled) <= foot < len(filled)
