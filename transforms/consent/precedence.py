"""Which of a row's signals stand: inside a protocol its own order decides, across protocols the most restrictive wins.

TDM Reservation Protocol, section 7: what stands nearer to the file supersedes what stands further off, and absence resets nothing. The
other protocols either speak once for a URL or say themselves that a no goes before a yes (aipref vocabulary draft, section 7.1).
"""

from collections.abc import Iterable
from typing import Final

from transforms.consent.signal import TDM_FILE, TDM_PAGE, TDM_RESERVATION, TDM_XMP, Signal

_TDM: Final = {TDM_FILE: 0, TDM_RESERVATION: 1, TDM_PAGE: 2, TDM_XMP: 3}


def standing(signals: Iterable[Signal]) -> list[Signal]:
    """The signals that no other of the same protocol supersedes, in their order.

    >>> site, header = (Signal(name, value, "location", "") for name, value in ((TDM_FILE, "1"), (TDM_RESERVATION, "0")))
    >>> standing([site, header]) == [header]
    True
    """
    signals = list(signals)
    nearest = max((_TDM[signal.signal] for signal in signals if signal.signal in _TDM), default=0)
    return [signal for signal in signals if _TDM.get(signal.signal, nearest) == nearest]
