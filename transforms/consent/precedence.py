"""Which of a row's signals stand: inside a protocol its own order decides, across protocols the most restrictive wins.

TDM Reservation Protocol, section 7: what stands nearer to the file supersedes what stands further off, and absence resets nothing. In
RSL the document goes before its address. The other protocols either speak once for a URL or say themselves that a no goes before a yes
(aipref vocabulary draft, section 7.1).
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from transforms.consent.signal import RSL, RSL_LINK, TDM_FILE, TDM_PAGE, TDM_RESERVATION, TDM_XMP, Signal

_PROTOCOLS: Final[tuple[dict[str, int], ...]] = (
    {TDM_FILE: 0, TDM_RESERVATION: 1, TDM_PAGE: 2, TDM_XMP: 3},
    {RSL_LINK: 0, RSL: 1},
)


def stands(rows: np.ndarray, kinds: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Which signals no other of the same protocol and row supersedes, bool[m].

    Args:
      rows: the row of each signal, int64[m].
      kinds: what each is, int64[m], numbers in `names`.
      names: names of signals.

    >>> stands(np.array([0, 0, 1]), np.array([0, 1, 0]), ["tdm_reservation_file", "tdm_reservation"]).tolist()
    [False, True, True]
    """
    standing = np.ones(len(rows), bool)
    for order in _PROTOCOLS:
        if len(order.keys() & set(names)) > 1:
            ranks = np.array([order.get(name, -1) for name in names])[kinds]
            nearest = np.full(int(rows.max(initial=0)) + 1, -1)
            np.maximum.at(nearest, rows, ranks)
            standing &= (ranks < 0) | (ranks == nearest[rows])
    return standing


def standing(signals: Iterable[Signal]) -> list[Signal]:
    """The signals of one row that stand, in their order.

    >>> site, header = (Signal(name, value, "location", "") for name, value in ((TDM_FILE, "1"), (TDM_RESERVATION, "0")))
    >>> standing([site, header]) == [header]
    True
    """
    signals = list(signals)
    mask = stands(np.zeros(len(signals), np.int64), np.arange(len(signals)), [signal.signal for signal in signals])
    return [signal for signal, stays in zip(signals, mask.tolist(), strict=True) if stays]
